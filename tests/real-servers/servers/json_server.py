import json
from pathlib import Path

from . import packages
from .server import Call, Server, Target


class JsonServer(Server):
    """The last release of each line that runs on Node 20; from 1.0.0-beta.4 on, Node 22 is needed."""

    about = "a JSON file as a REST API"

    def __init__(self, name, release):
        self.name = name
        self.release = release

    def install(self):
        self.programs = packages.npm(self.name, [f"json-server@{self.release}"])

    def version(self):
        return self.release

    def command(self, home, port):
        database = home / "db.json"
        database.write_text(json.dumps({"notes": [{"id": "1", "title": "first"}]}))
        # Not --host, which the beta does not heed.
        node = ["node", "--require", Path(__file__).with_name("loopback.cjs")]
        return [*node, self.programs / "json-server", "--port", str(port), database]

    def prepare(self, base):
        create = Call("POST", f"{base}/notes", '{"id":"{{nonce}}","title":"{{nonce}}"}')
        return Target(self.name, self.version(), base, f"{base}/notes/1", create, unique="/id")
