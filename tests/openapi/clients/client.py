"""openapi-python-client: GET, PUT, a typed 409, and again.

usage: client.py <folder of the generated client> <url>
"""

import pathlib
import sys

folder, url = pathlib.Path(sys.argv[1]), sys.argv[2]
sys.path.insert(0, str(folder.parent))

from notes_client import Client  # noqa: E402
from notes_client.api.notes import notes_read, notes_replace  # noqa: E402
from notes_client.models import NotesDocument, UpdateConflict, ValidationFailed  # noqa: E402

ID = "bob@example.com: with space"
client = Client(base_url=url)


def put(document, **fields):
    return notes_replace.sync_detailed(ID, client=client, body=document, **fields)


created = put(NotesDocument(title="Draft", tags=["a"]), if_none_match="*")
assert created.status_code == 201, created
read = notes_read.sync_detailed(ID, client=client)
tag, document = read.headers["ETag"], read.parsed
assert isinstance(document, NotesDocument) and document.title == "Draft", read
assert put(NotesDocument(title="Theirs"), if_match=tag).status_code == 200, "the other writer is first"

document.title = "Mine"
stale = put(document, if_match=tag)
problem = stale.parsed
assert stale.status_code == 409 and isinstance(problem, UpdateConflict), stale
assert problem.current_version == 2, problem
assert [conflict.path for conflict in problem.conflicts] == ["/title"], problem.conflicts
again = put(document, if_match=problem.current_etag)
assert again.status_code == 200 and again.parsed.title == "Mine", again

refused = put(NotesDocument(title=7), if_match=again.headers["ETag"])
assert isinstance(refused.parsed, ValidationFailed), refused
assert refused.parsed.violations[0].path == "/title", refused
print("openapi-python-client: fine")
