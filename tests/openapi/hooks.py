"""What is made up at random, brought closer to what a client would send.

An Idempotency-Key that comes a second time, with another document, is refused with 422, which would hide the 422 of a
document that is valid by the description and not by the server: every new document, every replacement and every dismissal
by filter gets a new key. So does every DELETE: a replayed answer tells of the deletion before, and the document may have
been created again since.
All other requests may repeat keys, and so have answers replayed.

Schemathesis takes ids from whatever answer names a path, also from the refusal of a batch's operation that quotes a path
of no document: what the description forbids in an id is left out of it.

OpenAPI has no expression for the id of a document that POST created, which is a part of `Location`. Schemathesis has: the
links of a PUT that created one get it, and belong to the POST then.

A lock's token that the server did not give, or a merge of both a document and a patch, lets nothing through: few such
requests are left as they are.
"""

import copy
import itertools
import re
from urllib.parse import quote, unquote

import schemathesis

KEY = "Idempotency-Key"
TOKEN = "Lock-Token"
OF_THE_SERVER = "urn:uuid:"
FORBIDDEN = re.compile(r"[/%\x00-\x1f\x7f-\x9f]")
WRITES = re.compile(r"(_create|_replace|_delete|^(create|replace|delete)OfAny|^dismissConflicts)$")
MERGES = re.compile(r"(_merge|^mergeOfAny)$")

# Of so many requests that let nothing through, one is sent.
SENT = 16

numbers = itertools.count(1)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    paths = raw_schema["paths"]
    for path, item in paths.items():
        document = paths.get(path + "/{id}", {})
        if "post" not in item or "put" not in document:
            continue
        links = copy.deepcopy(document["put"]["responses"]["201"]["links"])
        collection = path.rsplit("/", 1)[1].replace("{collection}", "[^/]+")
        for link in links.values():
            link["parameters"]["path.id"] = f"$response.header.Location#regex:/api/{collection}/(.+)"
        item["post"]["responses"]["201"]["links"] = links


@schemathesis.hook
def before_call(context, case, kwargs):
    # What the description forbids is to be refused as it is. But HTTP takes space around a field's value off.
    if not case.meta or not case.meta.generation.mode.is_positive:
        token = str((case.headers or {}).get(TOKEN, ""))
        if token.strip().strip("<>").startswith(OF_THE_SERVER):
            case.headers[TOKEN] = "<"
        return
    operation_id = context.operation.definition.raw["operationId"]
    number = next(numbers)
    headers = case.headers or {}
    possible_id(case.path_parameters or {})
    if WRITES.search(operation_id) and KEY in headers:
        headers[KEY] = str(number)
    if number % SENT == 0:
        return
    if TOKEN in headers and not headers[TOKEN].startswith(OF_THE_SERVER):
        del headers[TOKEN]
    if MERGES.search(operation_id) and isinstance(case.body, dict):
        one_edit(case.body)


def possible_id(names):
    """An id as the description allows it, of at most 255 bytes: its schema counts letters. It is escaped already."""
    if "id" not in names:
        return
    name = FORBIDDEN.sub("", unquote(names["id"]))
    if name in ("", ".", "..") or name.startswith("_"):
        name = "x" + name
    while len(name.encode()) > 255:
        name = name[: len(name) // 2]
    names["id"] = quote(name, safe="")


def one_edit(body):
    """Of a link's document and a made-up patch, the document; and no choices, which rest on versions that are not there."""
    if "document" in body:
        body.pop("patch", None)
    body.pop("choices", None)
    body.pop("current", None)
