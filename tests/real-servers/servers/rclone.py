from . import packages
from .server import Call, Server, Target, send


class Rclone(Server):
    name = "rclone"
    about = "files by WebDAV, rclone serve webdav"

    def install(self):
        packages.debian("rclone", "/usr/bin/rclone")

    def version(self):
        return packages.debian_version("rclone")

    def command(self, home, port):
        (home / "files").mkdir(exist_ok=True)
        return [
            "/usr/bin/rclone", "serve", "webdav", home / "files", "--config", home / "rclone.conf",
            "--addr", f"127.0.0.1:{port}", "--cache-dir", home / "cache",
        ]

    def prepare(self, base):
        send("MKCOL", f"{base}/notes/")
        resource = f"{base}/notes/first.json"
        send("PUT", resource, '{"title":"first"}')
        create = Call("PUT", f"{base}/notes/{{{{nonce}}}}.json", '{"title":"{{nonce}}"}')
        return Target(self.name, self.version(), base, resource, create)
