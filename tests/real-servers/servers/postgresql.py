import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from . import packages
from .server import free_port, started, wait_until

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
OWNER = "postgres"


class Cluster:
    """PostgreSQL with data of its own, for as long as a server needs it; not the system's."""

    def __init__(self, home):
        self.home = home

    @staticmethod
    def install():
        packages.debian("postgresql-15", PROGRAMS / "initdb")

    @contextlib.contextmanager
    def running(self):
        """Gives the URL of an empty database."""
        self.home.mkdir()
        # It refuses to run as root.
        user = OWNER if os.geteuid() == 0 else None
        if user is not None:
            shutil.chown(self.home, user, user)
        data = self.home / "data"
        initialise = [
            PROGRAMS / "initdb", "--pgdata", data, "--username", OWNER, "--auth", "trust", "--encoding", "UTF8",
            "--locale", "C", "--no-sync",
        ]
        with started(initialise, self.home, user) as process:
            if process.wait(60) != 0:
                raise RuntimeError(process.log.read_text())
        port = free_port()
        serve = [
            PROGRAMS / "postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1",
            "-c", f"unix_socket_directories={self.home}", "-c", "max_connections=100", "-c", "timezone=UTC",
        ]
        # SIGINT ends it at once but in order.
        with started(serve, self.home, user, stop=signal.SIGINT) as process:
            wait_until(lambda: self._accepts(port), process)
            yield f"postgresql://{OWNER}@127.0.0.1:{port}/postgres"

    def _accepts(self, port):
        asked = [PROGRAMS / "pg_isready", "--quiet", "--host", "127.0.0.1", "--port", str(port)]
        return subprocess.run(asked, timeout=5).returncode == 0
