from . import packages
from .server import Call, Server, Target, as_json, send

RELEASE = "4.2.0"


class Pouchdb(Server):
    name = "pouchdb"
    about = "CouchDB's protocol, pouchdb-server in memory"

    def install(self):
        self.programs = packages.npm(self.name, [f"pouchdb-server@{RELEASE}"])

    def version(self):
        return RELEASE

    def command(self, home, port):
        return [
            self.programs / "pouchdb-server", "--in-memory", "--host", "127.0.0.1", "--port", str(port),
            "--dir", home, "--config", home / "config.json", "--no-stdout-logs",
        ]

    def prepare(self, base):
        notes = f"{base}/notes"
        send("PUT", notes)
        send("PUT", f"{notes}/first", as_json({"title": "first"}))
        create = Call("POST", notes, as_json({"title": "{{nonce}}"}))
        # Without it, JSON is labelled as text.
        headers = {"Accept": "application/json"}
        return Target(
            self.name, self.version(), base, f"{notes}/first", create, headers=headers, version_member="_rev"
        )
