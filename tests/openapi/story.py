"""Tells one story of every resource, and holds each answer to the description: what is made up at random seldom gets there.

usage: story.py <description> <url> [<prefix of the space>]
"""

import sys

import requests
import schemathesis
from schemathesis.specs.openapi import checks

COLLECTION = "articles"
JSON = "application/json"
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


class Story:
    def __init__(self, description, url, prefix):
        self.schema = schemathesis.openapi.from_path(description)
        self.url = url
        self.prefix = prefix
        self.told = set()

    def ask(self, method, path, status, body=None, query="", **headers):
        """Sends a request by the path of its description, the names in it filled in; returns the answer."""
        template, _, id = path.partition("@")
        names = {"collection": COLLECTION, "id": id or "1", "conflict": id}
        names = {name: value for name, value in names.items() if f"{{{name}}}" in template}
        place = template.format(**names)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = requests.request(
            method,
            f"{self.url}{self.prefix}{place}{query}",
            json=body,
            headers={"Content-Type": JSON, **fields} if body is not None else fields,
            timeout=10,
        )
        if answer.status_code != status:
            raise AssertionError(f"{method} {place}: {answer.status_code}, not {status}: {answer.text}")
        operation = self.schema[template][method]
        operation.Case(path_parameters=names).validate_response(answer, checks=CHECKS)
        self.told.add((operation.definition.raw["operationId"], status))
        return answer


DOCUMENT = "/api/{collection}/{id}"
BATCH = "/api/_batch"
LOG = "/api/_conflicts"
ONE = "/api/_conflicts/{conflict}"


def merging(story):
    first = story.ask("PUT", DOCUMENT, 201, {"title": "Draft", "body": "a"}).headers["ETag"]
    second = story.ask("PUT", DOCUMENT, 200, {"title": "Final", "body": "a"}, If_Match=first).headers["ETag"]
    mine = {"title": "Draft", "body": "b"}
    merged = story.ask("PUT", DOCUMENT, 200, mine, If_Match=first, Prefer="conflict=merge")
    assert merged.headers["Merged-Versions"] == "1..2" and "ETag" not in merged.headers, merged.headers
    minimal = "conflict=merge, return=minimal"
    story.ask("PUT", DOCUMENT, 204, {"title": "Final", "body": "a", "n": 1}, If_Match=second, Prefer=minimal)
    patch = {"Content_Type": "application/merge-patch+json"}
    story.ask("PATCH", DOCUMENT, 200, {"by": "me"}, If_Match=second, Prefer="conflict=merge", **patch)
    refused = story.ask("PUT", DOCUMENT, 409, {"title": "Plan", "body": "a"}, If_Match=first).json()
    edit = {"base": first, "document": {"title": "Plan", "body": "a"}}
    for preview in (edit, {"base": 1, "patch": {"body": "c"}}, {"base": 1, "patch": {"m": 1}}):
        report = story.ask("POST", f"{DOCUMENT}/merge", 200, preview, query="?dry_run=true").json()
        assert "mergeable" in report, report
    story.ask("POST", f"{DOCUMENT}/merge", 409, edit)
    story.ask("POST", f"{DOCUMENT}/merge", 428, {**edit, "choices": {"/title": "yours"}})
    chosen = {**edit, "choices": {"/title": "yours"}, "current": refused["current_etag"]}
    story.ask("POST", f"{DOCUMENT}/merge", 200, chosen)
    story.ask("POST", f"{DOCUMENT}/merge", 204, {"base": 1, "patch": {"m": 1}}, Prefer="return=minimal")
    changes = story.ask("GET", f"{DOCUMENT}/_changes", 200).json()["items"]
    assert changes[2]["merged"] == {"base_version": 1, "onto_version": 2}, changes


def locking(story):
    lock = f"{DOCUMENT}/lock"
    story.ask("GET", lock, 404)
    token = story.ask("POST", lock, 201, {"ttl_s": 60, "owner": "Ann"}, X_Actor="ann").json()["token"]
    story.ask("POST", lock, 200, {}, Lock_Token=f"<{token}>")
    story.ask("GET", lock, 200)
    story.ask("POST", lock, 423)
    refused = story.ask("PUT", DOCUMENT, 423, {}, If_Match="*")
    story.ask("PUT", DOCUMENT, 200, {"title": "Locked"}, If_Match="*", Lock_Token=token)
    story.ask("DELETE", lock, 204, Lock_Token=token)
    story.ask("DELETE", lock, 204, Lock_Token=token)
    story.ask("DELETE", lock, 400)
    story.ask("POST", lock, 201)
    story.ask("DELETE", lock, 204, query="?break=true")
    story.ask("POST", f"{lock}@none", 404)
    story.ask("PUT", f"{DOCUMENT}@gone", 201, {})
    story.ask("DELETE", f"{DOCUMENT}@gone", 204, If_Match="*")
    story.ask("POST", f"{lock}@gone", 410)
    story.ask("POST", f"{DOCUMENT}/merge@gone", 409, {"base": 1, "document": {}})
    return refused


def keys(story):
    place = f"{DOCUMENT}@keyed"
    for replayed in (None, "true"):
        answer = story.ask("PUT", place, 201, {"n": 1}, Idempotency_Key='"k"')
        assert answer.headers.get("Idempotent-Replayed") == replayed, answer.headers
    story.ask("PUT", place, 422, {"n": 2}, Idempotency_Key='"k"')
    for _ in range(2):
        story.ask("POST", "/api/{collection}", 201, {"n": 1}, Idempotency_Key="k")
        story.ask("DELETE", place, 204, If_Match="*", Idempotency_Key="k")


def batches(story):
    def write(method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        operation = {"method": method, "path": f"{story.prefix}/api/{COLLECTION}{path}", "headers": headers}
        return operation if body is None else {**operation, "body": body}

    whole = [
        write("PUT", "/b1", {"n": 1}),
        write("POST", "", {"n": 2}),
        write("PATCH", "/b1", {"m": 1}, If_Match="*", Content_Type="application/merge-patch+json"),
        write("DELETE", "/b1", If_Match="*"),
    ]
    for replayed in (None, "true"):
        answer = story.ask("POST", BATCH, 200, {"operations": whole}, Idempotency_Key="k")
        assert answer.headers.get("Idempotent-Replayed") == replayed, answer.headers
    missing = [{"op": "remove", "path": "/none"}]
    broken = [
        write("PUT", "/b2", {}),
        write("PATCH", "/b2", missing, If_Match="*", Content_Type="application/json-patch+json"),
    ]
    refused = story.ask("POST", BATCH, 409, {"operations": broken}).json()
    assert (refused["operation"], [it["status"] for it in refused["results"]]) == (1, [424, 409]), refused
    story.ask("POST", BATCH, 200, {"operations": broken}, query="?atomic=false")
    story.ask("POST", BATCH, 400, {"operations": broken}, query="?atomic=false", Idempotency_Key="k")
    story.ask("POST", BATCH, 400, {"operations": []})


def conflicts(story, locked):
    rows = story.ask("GET", LOG, 200).json()["items"]
    assert {row["method"] for row in rows} >= {"PUT", "POST", "PATCH"}, rows
    for row in rows:
        story.ask("GET", f"{ONE}@{row['id']}", 200)
    story.ask("GET", LOG, 200, query="?outcome=open&kind=locked&since=2000-01-01T00:00:00Z&limit=1")
    story.ask("GET", f"{ONE}@00000000-0000-0000-0000-000000000000", 404)
    # An edit of nothing, in whose place something else is by now.
    id = locked.json()["logged"].rpartition("/")[2]
    story.ask("POST", f"{ONE}/resolve@{id}", 200, {})
    story.ask("POST", f"{ONE}/resolve@{id}", 409, {"dismiss": True})
    stale = next(row["id"] for row in rows if row["kind"] == "stale-version" and row["method"] == "PUT")
    story.ask("POST", f"{ONE}/resolve@{stale}", 409, {})
    story.ask("POST", f"{ONE}/resolve@{stale}", 428, {"choices": {"/title": "yours"}})
    for _ in range(2):
        dismissal = {"dismiss": True, "reason": "It was done by hand."}
        settled = story.ask("POST", f"{ONE}/resolve@{stale}", 200, dismissal, Idempotency_Key="k").json()
        assert settled["settled_reason"] == dismissal["reason"], settled
    story.ask("POST", f"{ONE}/resolve@{lost_deletion(story)}", 204, {})
    lost = lost_document(story)
    for _ in range(2):
        story.ask("POST", f"{ONE}/resolve@{lost}", 201, {}, Idempotency_Key="k")
    statistics = story.ask("GET", f"{LOG}/stats", 200).json()
    assert statistics["resolved"] == 3 and statistics["dismissed"] == 1, statistics


def lost_deletion(story):
    """A deletion that was refused, of a document that did not change otherwise."""
    tag = story.ask("PUT", f"{DOCUMENT}@d", 201, {}).headers["ETag"]
    token = story.ask("POST", f"{DOCUMENT}/lock@d", 201).json()["token"]
    refused = story.ask("DELETE", f"{DOCUMENT}@d", 423, If_Match=tag).json()
    story.ask("DELETE", f"{DOCUMENT}/lock@d", 204, Lock_Token=token)
    return refused["logged"].rpartition("/")[2]


def lost_document(story):
    """A replacement of a document that was deleted."""
    tag = story.ask("PUT", f"{DOCUMENT}@e", 201, {"n": 1}, If_None_Match="*").headers["ETag"]
    story.ask("DELETE", f"{DOCUMENT}@e", 204, If_Match=tag)
    refused = story.ask("PUT", f"{DOCUMENT}@e", 409, {"n": 2}, If_Match=tag).json()
    return refused["logged"].rpartition("/")[2]


def main(description, url, prefix=""):
    story = Story(description, url, prefix)
    merging(story)
    locked = locking(story)
    keys(story)
    batches(story)
    conflicts(story, locked)
    print(f"{len(story.told)} kinds of answers under {prefix or '/'} are as the description says")


if __name__ == "__main__":
    main(*sys.argv[1:])
