"""Servers that a script starts and ends, and what they cost."""

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

START_SECONDS = 30
STOP_SECONDS = 20
TICKS = os.sysconf("SC_CLK_TCK")
CONFIG = 'undeclared_collections = "allow"\n\n[files]\nfolder = "contents"\n'


class DidNotStart(Exception):
    """It ended, or did not answer in time. What it logged is in the message."""


class Process:
    """A server in the foreground, in a session of its own; whatever it starts is in that, too."""

    def __init__(self, command, home, log, environment=None):
        self.log = home / log
        self.log.unlink(missing_ok=True)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env={**os.environ, **(environment or {})},
            )
        self.pid = self.process.pid

    def logged(self):
        return self.log.read_text(errors="replace")

    def has_ended(self):
        return self.process.poll() is not None

    def wait_until(self, holds):
        """What `holds` returned. Raises [`DidNotStart`] if the process ends or `START_SECONDS` pass first."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and not self.has_ended():
            if found := holds():
                return found
            time.sleep(0.02)
        raise DidNotStart(f"{self.process.args[0]}: {self.logged()[-2000:]}")

    def kill(self):
        """Ends it in the middle of whatever it does."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Its exit code; None if it had to be killed."""
        self.process.terminate()
        code = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self.process.wait(STOP_SECONDS)
        # Its workers are in its session, which exists as long as one of them does.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()
        return code

    def pids(self):
        """Its own and those of all that it started."""
        parents = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit() and (fields := stat(entry)):
                parents[int(entry)] = int(fields[1])
        found = [self.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found

    def cpu_seconds(self):
        ticks = 0
        for pid in self.pids():
            if fields := stat(pid):
                # utime, stime; and of children that have ended.
                ticks += sum(int(it) for it in fields[11:15])
        return ticks / TICKS

    def memory(self):
        """What it holds, and the most that it ever held, in MiB."""
        now = most = 0
        for pid in self.pids():
            with contextlib.suppress(OSError, TypeError):
                status = Path(f"/proc/{pid}/status").read_text()
                now += int(re.search(r"VmRSS:\s+(\d+)", status)[1])
                most += int(re.search(r"VmHWM:\s+(\d+)", status)[1])
        return now / 1024, most / 1024


def stat(pid):
    """The fields after the name of the program."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


class Detente(Process):
    """`detente serve` on a free port, with files, in the folders `data` and `contents` of its home."""

    def __init__(self, program, home, environment=None):
        config = home / "detente.toml"
        config.write_text(CONFIG)
        command = [program, "serve", "--listen", "127.0.0.1:0", "--log", "info"]
        command += ["--config", config, "--data", home / "data"]
        super().__init__(command, home, "detente.log", environment)
        try:
            found = self.wait_until(lambda: re.search(r"listens on http://[0-9.]+:(\d+)", self.logged()))
        except DidNotStart:
            self.stop()
            raise
        self.port = int(found[1])


@contextlib.contextmanager
def folder(scratch=None):
    home = Path(tempfile.mkdtemp(prefix="detente-files-", dir=scratch))
    # Some servers give up root for another user, who has to get through to the files.
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(port, method, path, body=None, headers=None, timeout=60):
    """Status, header fields and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def ended_by_signals():
    """A signal to end the script ends what it started, too."""

    def end(number, _frame):
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
