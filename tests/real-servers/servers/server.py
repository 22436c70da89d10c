"""A server that somebody else wrote: installed once, started for a while, asked for a resource."""

import contextlib
import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 30
STOP_SECONDS = 10
STARTS = 3


class DidNotStart(Exception):
    """It ended, or did not answer in time. What it logged is in the message."""


@dataclass
class Call:
    """A request that a tester may send: a method, an absolute URL and a body; `{{nonce}}` stands for something new."""

    method: str
    url: str
    body: str


@dataclass
class Target:
    """What a tester needs to know of a running server.

    `resource` exists. `create` makes another one beside it, `method` is how one is written, with a body of
    `media_type`. `headers` go with every request. `version_member` names the member of the body that carries the
    version, where the server judges by it; `unique` points to that which no two resources may share. `scenario` is a
    file to run where there is no resource to probe.
    """

    server: str
    version: str
    base: str
    resource: str
    create: Call
    method: str = "PUT"
    media_type: str = "application/json"
    headers: dict = field(default_factory=dict)
    version_member: str | None = None
    unique: str | None = None
    scenario: str | None = None


class Server:
    """Subclasses say how to install, start and prepare it; all of them are run in the same way."""

    name: str
    about: str
    # What answers, with any status, once it is up.
    alive = "/"

    def install(self):
        raise NotImplementedError

    def version(self):
        raise NotImplementedError

    def command(self, home, port):
        """Writes the configuration to `home` and returns the command that stays in the foreground."""
        raise NotImplementedError

    def prepare(self, base):
        """Makes one resource and returns the [`Target`]."""
        raise NotImplementedError

    def prerequisites(self, home):
        """A context in which the server runs, such as that of its database."""
        return contextlib.nullcontext()

    @contextlib.contextmanager
    def running(self):
        """Installs and starts it; gives the [`Target`]; stops it and removes its data."""
        self.install()
        with folder(self.name) as home, self.prerequisites(home), self._started(home) as port:
            yield self.prepare(f"http://127.0.0.1:{port}")

    @contextlib.contextmanager
    def _started(self, home):
        # Somebody else may take the port between its choice and its use.
        for start in range(STARTS):
            port = free_port()
            with contextlib.ExitStack() as stack:
                try:
                    process = stack.enter_context(started(self.command(home, port), home))
                    wait_until(lambda: answers(port, self.alive), process)
                except DidNotStart:
                    if start + 1 == STARTS:
                        raise
                    continue
                yield port
                return


@contextlib.contextmanager
def folder(name):
    home = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    # Some servers give up root for another user, who has to get through to the data.
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def started(command, home, user=None, stop=signal.SIGTERM, environment=None):
    """A process and what it starts, as `user` if that is given; stopped at the end."""
    identity = {}
    if user is not None and os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        identity = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    with open(home / "log", "a+b") as log:
        process = subprocess.Popen(
            [str(word) for word in command], cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, env=None if environment is None else {**os.environ, **environment}, **identity,
        )
        process.log = home / "log"
        try:
            yield process
        finally:
            _end(process, stop)


def _end(process, stop):
    process.send_signal(stop)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    # Its workers are in its group, which exists as long as one of them does.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(holds, process):
    """Polls. Raises [`DidNotStart`] if the process ends or `START_SECONDS` pass first."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        if holds():
            return
        time.sleep(0.05)
    raise DidNotStart(f"{process.args[0]}: {process.log.read_text(errors='replace')[-2000:]}")


def answers(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def send(method, url, body=None, headers=None):
    """One request, with JSON as text for its body. Any answer but 200, 201 and 204 is an error."""
    address, slash, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        if body is not None:
            headers = {"Content-Type": "application/json", **(headers or {})}
        connection.request(method, slash + path, body and body.encode(), headers or {})
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    finally:
        connection.close()
    if answer.status not in (200, 201, 204):
        raise RuntimeError(f"{method} {url}: {answer.status}: {text[:500]}")


def as_json(value):
    return json.dumps(value, separators=(",", ":"))
