"""A new Idempotency-Key for every new document and every replacement.

One that comes a second time, with another document, is refused with 422, which would hide the 422 of a document that is
valid by the description and not by the server. All other requests may repeat keys, and so have answers replayed.
"""

import itertools
import re

import schemathesis

KEY = "Idempotency-Key"
WRITES = re.compile(r"(_create|_replace|^createOfAny|^replaceOfAny)$")

numbers = itertools.count(1)


@schemathesis.hook
def before_call(context, case, kwargs):
    if not case.meta or not case.meta.generation.mode.is_positive:
        return
    operation_id = context.operation.definition.raw["operationId"]
    if WRITES.search(operation_id) and KEY in (case.headers or {}):
        case.headers[KEY] = str(next(numbers))
