import base64
import contextlib

from . import packages
from .postgresql import Cluster
from .server import Call, Server, Target, as_json, send, started

REQUIREMENTS = ["kinto[postgresql]==26.5.0", "waitress==3.0.2"]
# Any name with any password is an account of its own.
CONFIGURATION = """
[app:main]
use = egg:kinto
kinto.userid_hmac_secret = real-servers
kinto.storage_backend = kinto.core.storage.{backend}
kinto.permission_backend = kinto.core.permission.{backend}
kinto.cache_backend = kinto.core.cache.memory
kinto.storage_url = {url}
kinto.permission_url = {url}
multiauth.policies = basicauth
kinto.bucket_create_principals = system.Authenticated

[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = {port}
threads = 32

[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys = plain
[logger_root]
level = WARNING
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = plain
[formatter_plain]
format = %(levelname)s %(name)s %(message)s
"""


class Kinto(Server):
    alive = "/v1/__heartbeat__"

    def __init__(self, backend):
        self.backend = backend
        self.name = f"kinto-{backend}"
        self.about = f"JSON records, {backend} backend"

    def install(self):
        self.programs = packages.python("kinto", REQUIREMENTS) / "bin"
        if self.backend == "postgresql":
            Cluster.install()

    def version(self):
        return REQUIREMENTS[0].partition("==")[2]

    @contextlib.contextmanager
    def prerequisites(self, home):
        if self.backend == "memory":
            self.url = ""
            yield
            return
        with Cluster(home / "cluster").running() as self.url:
            # Its own tables, made by its own program before the first start.
            self._configure(home, 0)
            with started([self.programs / "kinto", "migrate", "--ini", home / "kinto.ini"], home) as migration:
                if migration.wait(60) != 0:
                    raise RuntimeError(migration.log.read_text())
            yield

    def command(self, home, port):
        self._configure(home, port)
        return [self.programs / "kinto", "start", "--ini", home / "kinto.ini", "--port", str(port)]

    def _configure(self, home, port):
        (home / "kinto.ini").write_text(CONFIGURATION.format(backend=self.backend, url=self.url, port=port))

    def prepare(self, base):
        headers = {"Authorization": "Basic " + base64.b64encode(b"tester:secret").decode()}
        bucket = f"{base}/v1/buckets/shelf"
        records = f"{bucket}/collections/notes/records"
        for url, data in [(bucket, {}), (f"{bucket}/collections/notes", {}), (f"{records}/first", {"title": "first"})]:
            send("PUT", url, as_json({"data": data}), headers)
        create = Call("POST", records, as_json({"data": {"title": "{{nonce}}"}}))
        return Target(self.name, self.version(), f"{base}/v1", f"{records}/first", create, headers=headers)
