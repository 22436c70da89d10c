"""Servers that others wrote, on which the tester is shown."""

from .apache import Apache
from .etcd import Etcd
from .json_server import JsonServer
from .kinto import Kinto
from .nginx import Nginx
from .pouchdb import Pouchdb
from .rclone import Rclone

SERVERS = {
    server.name: server
    for server in [
        Apache(),
        Nginx(),
        Rclone(),
        Kinto("memory"),
        Kinto("postgresql"),
        Pouchdb(),
        JsonServer("json-server-0", "0.17.4"),
        JsonServer("json-server-1", "1.0.0-beta.3"),
        Etcd(),
    ]
}
