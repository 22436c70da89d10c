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
        headers = {"Content-Type": "application/json"}
        send("PUT", f"{base}/notes", headers=headers)
        send("PUT", f"{base}/notes/first", as_json({"title": "first"}), headers)
        return Target(
            self.name, self.version(), base, f"{base}/notes/first",
            Call("POST", f"{base}/notes", as_json({"title": "new"})), headers=headers, version_member="_rev",
        )
