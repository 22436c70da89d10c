import base64
from pathlib import Path

from . import packages
from .server import Call, Server, Target, as_json, free_port, send


class Etcd(Server):
    name = "etcd"
    about = "keys and values, by the JSON gateway of its v3 API"
    alive = "/health"

    def install(self):
        packages.debian("etcd-server", "/usr/bin/etcd")

    def version(self):
        return packages.debian_version("etcd-server")

    def command(self, home, port):
        client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{free_port()}"
        return [
            "/usr/bin/etcd", "--name", "one", "--data-dir", home / "data", "--log-level", "error",
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"one={peer}",
        ]

    def prepare(self, base):
        body = as_json({"key": _encoded("first"), "value": _encoded('{"title":"first"}')})
        send("POST", f"{base}/v3/kv/put", body)
        scenario = Path(__file__).resolve().parents[1] / "etcd.yaml"
        return Target(
            self.name, self.version(), base, f"{base}/v3/kv/range", Call("POST", f"{base}/v3/kv/put", body),
            method="POST", scenario=str(scenario),
        )


def _encoded(text):
    return base64.b64encode(text.encode()).decode()
