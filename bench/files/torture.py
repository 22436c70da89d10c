#!/usr/bin/env python3
"""Kills Detente in the middle of uploads of large files, again and again, and looks at what is there afterwards.

usage: bench/files/torture.py DETENTE [--rounds N] [--size MB] [--seed N] [--fresh N] [--scratch DIR]

In each round several clients upload at once, by `/files` and by `/dav`: to names of their own, and three to one name, each
with the version that was acknowledged last. Small files are written meanwhile. At a random moment the server is killed
(SIGKILL) and started again. Then must hold:

- What was acknowledged is there, whole, by its SHA-256; of several who began from one version one at most was.
- What was not acknowledged is there whole, or not at all: then the file is as it was.
- A refusal has a reason: somebody else's upload is there.
- Under the name of a content is that content.
- After a collection exactly those contents are there that a version or the conflict log names, and nothing that was on its
  way in. For that the server runs once more with a clock that is set forward (libfaketime), since it looks through them
  once an hour.
- `detente verify` finds no fault.

A kill ends the process, not the machine: it says nothing of what the disk keeps after a loss of power. Each fault is told; the
exit code is 1 then. `--seed` repeats the choices, but not the moments at which they meet the server. Needs curl and Debian's
package faketime.
"""

import argparse
import collections
import contextlib
import hashlib
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
from urllib.parse import quote

# Nothing is left in the source.
sys.dont_write_bytecode = True

import processes
from processes import Detente, ask

LIBRARY = f"/usr/lib/{os.uname().machine}-linux-gnu/faketime/libfaketimeMT.so.1"
MIB = 1 << 20
# Larger contents are in the folder, smaller ones in the store.
IN_STORE = 32 << 10
# Uploads at once, to names of their own and to one name, in parts of the size: so they do not all end together.
OWN, SHARED = (1, 1, 0.5, 0.25), (1, 1, 1)
SWEEP_SECONDS = 60


class Contents:
    """No two are equal: a block that is the same for all, with a number in each MiB."""

    def __init__(self, seed):
        self.block = memoryview(random.Random(seed).randbytes(MIB))
        self.count = 0
        self.lock = threading.Lock()

    def make(self, size, path=None):
        """The SHA-256 of the next content, and the content, if it is not written to a file."""
        with self.lock:
            self.count += 1
            count = self.count
        digest, pieces = hashlib.sha256(), []
        with open(path, "wb") if path else contextlib.nullcontext() as file:
            for at in range(0, size, MIB):
                piece = b"%31d\n" % (count << 20 | at >> 20)
                piece = (piece + self.block[32:])[: size - at]
                digest.update(piece)
                if file:
                    file.write(piece)
                else:
                    pieces.append(piece)
        return digest.hexdigest(), b"".join(pieces)


class File:
    """What is known of one: the newest acknowledged content and its tag, and what may be there instead."""

    def __init__(self):
        self.hash = self.tag = None
        self.maybe = set()

    def settle(self, content, tag):
        self.hash, self.tag, self.maybe = content, tag, set()


class Upload:
    """By curl, from a file."""

    def __init__(self, face, name, content, path):
        self.face, self.name, self.content, self.path = face, name, content, path
        self.status = 0

    def start(self, port, file, is_conditional):
        command = ["curl", "-s", "-S", "-m", "120", "-o", "/dev/null", "-w", "%{http_code} %{size_upload} %header{etag}"]
        command += ["-T", self.path, "-H", "Expect:"]
        if is_conditional:
            command += ["-H", f"If-Match: {file.tag}" if file.tag else "If-None-Match: *"]
        command.append(f"http://127.0.0.1:{port}/{self.face}/{self.name}")
        self.curl = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self):
        output, self.error = self.curl.communicate()
        status, self.sent, self.tag = (output.split(" ", 2) + ["", ""])[:3]
        # A status without the whole answer is none.
        self.status = int(status) if self.curl.returncode == 0 else 0

    @property
    def is_acknowledged(self):
        return self.status in (200, 201, 204)

    @property
    def is_refused(self):
        return self.status in (409, 412)


class Torture:
    def __init__(self, program, home, options):
        self.program, self.home, self.options = program, home, options
        self.chance = random.Random(options.seed)
        self.contents = Contents(options.seed)
        self.counts = collections.Counter()
        self.faults = []
        self.duration = None
        self.round = 0
        self.server = None
        (home / "uploads").mkdir()

    def fault(self, text):
        self.faults.append(f"round {self.round}: {text}")
        print(f"FAULT: {self.faults[-1]}", flush=True)

    # A folder for several rounds: a version is kept forever, and so is its content.

    def fresh(self):
        self.data = self.home / f"server-{self.round}"
        self.data.mkdir()
        self.files = collections.defaultdict(File)
        self.looked_at = set()
        self.server = Detente(self.program, self.data)
        for face, name in [("dav", "own"), ("dav", "shared"), ("dav", "small")]:
            ask(self.server.port, "MKCOL", f"/{face}/{name}")
        self.stop()

    def start(self, environment=None):
        began = time.monotonic()
        self.server = Detente(self.program, self.data, environment)
        return time.monotonic() - began

    def stop(self):
        code = self.server.stop()
        if code != 0:
            self.fault(f"the server ended with {code}: {self.server.logged()[-500:]}")
        self.server = None

    def run_round(self):
        if (self.round - 1) % self.options.fresh == 0:
            if self.round > 1:
                subprocess.run(["rm", "-rf", self.data], check=True)
            self.fresh()
        uploads = self.planned()
        self.start()
        self.load(uploads)
        took = self.start()
        outcomes = self.judge(uploads)
        self.blobs_are_what_they_say()
        self.stop()
        collected = self.collect()
        self.verify()
        print(f"  round {self.round}: {outcomes}; started again in {took:.1f} s; {collected}", flush=True)

    def planned(self):
        uploads = []
        for n, part in enumerate(OWN + SHARED):
            name = f"own/{n}" if n < len(OWN) else "shared/one"
            path = self.home / "uploads" / str(n)
            content, _ = self.contents.make(int(part * self.options.size * 1_000_000), path)
            uploads.append(Upload("dav" if n % 2 else "files", name, content, path))
        return uploads

    def load(self, uploads):
        port = self.server.port
        over = threading.Event()
        small = threading.Thread(target=self.write_small, args=(port, over))
        small.start()
        began = time.monotonic()
        for upload in uploads:
            # Who has a name alone needs no condition at /dav.
            is_conditional = upload.face == "files" or upload.name.startswith("shared")
            upload.start(port, self.files[upload.name], is_conditional)
        if self.duration is None:
            # The first time all get through, so that the moment of a kill can be chosen.
            for upload in uploads:
                upload.curl.wait()
            self.duration = time.monotonic() - began
        else:
            self.wait_for_the_moment(uploads, began)
        self.server.kill()
        self.counts["kills"] += 1
        for upload in uploads:
            upload.finish()
            if upload.curl.returncode == 0 and not (upload.is_acknowledged or upload.is_refused):
                self.fault(f"{upload.face}/{upload.name}: {upload.status}")
        over.set()
        small.join()

    def wait_for_the_moment(self, uploads, began):
        # Most uploads end late; so many kills come late, too.
        earliest, answered = [(0.02, None), (0.6, None), (None, self.chance.randrange(1, len(uploads)))][self.round % 3]
        if answered is None:
            end = began + self.chance.uniform(earliest, 1.1) * self.duration
            time.sleep(max(0, end - time.monotonic()))
            return
        # Where one is answered, others are about to be.
        while sum(upload.curl.poll() is not None for upload in uploads) < answered:
            time.sleep(0.002)
        time.sleep(self.chance.uniform(0, 0.05))

    def write_small(self, port, over):
        """One after another, each after the version that the one before made, until the server is gone."""
        chance = random.Random(self.round)
        while not over.is_set():
            name = f"small/{chance.randrange(8)}"
            file = self.files[name]
            content, body = self.contents.make(4096 if name < "small/4" else 100_000)
            condition = {"If-Match": file.tag} if file.tag else {"If-None-Match": "*"}
            try:
                status, fields, answer = ask(port, "PUT", f"/files/{name}", body, condition)
            except (OSError, http.client.HTTPException):
                file.maybe.add(content)
                return
            if status not in (200, 201, 204):
                self.fault(f"{name}: {status}: {answer[:200]}")
                return
            file.settle(content, fields["ETag"])
            self.counts["small acknowledged"] += 1

    def judge(self, uploads):
        found = {name: self.found(name) for name in self.files}
        outcomes = collections.Counter()
        for name, file in self.files.items():
            own = [upload for upload in uploads if upload.name == name]
            acknowledged = [upload for upload in own if upload.is_acknowledged]
            refused = [upload for upload in own if upload.is_refused]
            cut = [upload for upload in own if not upload.is_acknowledged and not upload.is_refused]
            outcomes += collections.Counter(
                {"acknowledged": len(acknowledged), "refused": len(refused), "cut off": len(cut)}
            )
            content, tag = found[name]
            if len(acknowledged) > 1:
                self.fault(f"{name}: {len(acknowledged)} uploads from one version were acknowledged")
            if acknowledged:
                # Those from the same version that got no answer can only have been refused.
                allowed = {acknowledged[-1].content}
                if tag != acknowledged[-1].tag:
                    self.fault(f"{name}: acknowledged as {acknowledged[-1].tag}, and is {tag}")
            else:
                allowed = {file.hash} | file.maybe | {upload.content for upload in cut}
            if content not in allowed:
                was = "an acknowledged upload is gone" if acknowledged or file.hash else "what nobody sent is there"
                self.fault(f"{name}: {was}: {content}")
            if refused and content == file.hash:
                self.fault(f"{name}: refused, and nobody was faster")
            if cut and content in {upload.content for upload in cut}:
                outcomes["of these stored"] += 1
            if file.maybe:
                self.counts["small cut off"] += 1
                self.counts["small of these stored"] += content in file.maybe
            file.settle(content, tag)
        self.counts += outcomes
        return ", ".join(f"{name} {outcomes[name]}" for name in ["acknowledged", "refused", "cut off", "of these stored"])

    def found(self, name):
        """The SHA-256 of what is read, by either face, and the tag."""
        answers = []
        for face in ["files", "dav"]:
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
            with contextlib.closing(connection):
                connection.request("GET", f"/{face}/{name}")
                answer = connection.getresponse()
                if answer.status == 404:
                    answer.read()
                    answers.append((None, None))
                    continue
                digest = hashlib.sha256()
                try:
                    while piece := answer.read(MIB):
                        digest.update(piece)
                except http.client.HTTPException as error:
                    self.fault(f"{face}/{name}: {error}")
                if answer.status != 200:
                    self.fault(f"GET {face}/{name}: {answer.status}")
                answers.append((digest.hexdigest(), answer.headers["ETag"]))
        if answers[0] != answers[1]:
            self.fault(f"{name}: /files has {answers[0]}, /dav {answers[1]}")
        return answers[0]

    def on_disk(self):
        """Contents by their names."""
        folder = self.data / "contents"
        return {path.name: path for path in folder.glob("[0-9a-f][0-9a-f]/*")}

    def blobs_are_what_they_say(self):
        for name, path in self.on_disk().items():
            if name in self.looked_at:
                continue
            with open(path, "rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != name:
                    self.fault(f"the content {name} is something else, of {path.stat().st_size} bytes")
            self.looked_at.add(name)

    def collect(self):
        """Has the server remove what nothing names, and compares."""
        before = set(self.on_disk())
        incoming = self.data / "contents" / "incoming"
        arrived = len(list(incoming.glob("*")))
        self.counts["left halves"] += arrived
        if not os.path.exists(LIBRARY):
            return f"not collected: {LIBRARY} is missing"
        # The last that a collection comes to: when it is gone, all others have been looked at.
        last = self.data / "contents" / "ff" / ("f" * 64)
        last.parent.mkdir(parents=True, exist_ok=True)
        last.write_bytes(b"nobody's")
        clock = self.data / "clock"
        # What was on its way in is removed at a start, a day later.
        clock.write_text("+25h")
        self.start({
            "LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1", "NO_FAKE_STAT": "1",
        })
        left = list(incoming.glob("*"))
        if left:
            self.fault(f"{len(left)} of {arrived} halves of uploads are left a day later")
        named = self.named()
        following = self.data / "clock.next"
        following.write_text("+27h")
        following.rename(clock)
        end = time.monotonic() + SWEEP_SECONDS
        while last.exists() and time.monotonic() < end:
            time.sleep(0.05)
        if last.exists():
            self.fault(f"no collection within {SWEEP_SECONDS} s")
        self.stop()
        after = set(self.on_disk()) - {last.name}
        orphans = before - named
        self.counts["orphans"] += len(orphans)
        if after - named:
            self.fault(f"{len(after - named)} contents are left that nothing names")
        if named - after:
            self.fault(f"{len(named - after)} contents are gone that something names")
        if trash := list((self.data / "contents" / "trash").glob("*")):
            self.fault(f"{len(trash)} contents are left in the trash")
        self.counts["collections"] += 1
        return f"{arrived} halves and {len(orphans)} orphans collected, {len(after)} contents named"

    def named(self):
        """The contents that a version or the conflict log names."""
        named = set()
        for name in self.files:
            for item in self.pages(f"/file-versions/{quote(name)}", "cursor"):
                if item["size"] > IN_STORE:
                    named.add(item["sha256"])
        for item in self.pages("/api/_conflicts", "cursor"):
            status, _, body = ask(self.server.port, "GET", item["href"])
            document = json.loads(body)["edit"].get("document", {}) if status == 200 else {}
            if document.get("size", 0) > IN_STORE:
                named.add(document["sha256"])
        return named

    def pages(self, path, following):
        query = "?limit=100"
        while query:
            status, _, body = ask(self.server.port, "GET", path + query)
            if status == 404:
                return
            page = json.loads(body)
            yield from page["items"]
            query = page["next"] and f"?limit=100&{following}={quote(str(page['next']))}"

    def verify(self):
        command = [self.program, "verify", "--config", self.data / "detente.toml", "--data", self.data / "data"]
        output = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if output.returncode != 0 or ": sound" not in output.stdout:
            self.fault(f"verify: {output.returncode}: {output.stdout}{output.stderr}")
        self.counts["verified"] += output.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("program", metavar="DETENTE")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--size", type=int, default=100, help="of a large file, in MB (100)")
    parser.add_argument("--fresh", type=int, default=5, help="begin with an empty folder every so many rounds (5)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--scratch", help="where the folders are; takes a GB for each round up to --fresh")
    options = parser.parse_args()
    processes.ended_by_signals()
    began = time.monotonic()
    uploads = f"{len(OWN + SHARED)} uploads of up to {options.size} MB at once"
    print(f"seed {options.seed}, {options.rounds} rounds, {uploads}", flush=True)
    with processes.folder(options.scratch) as home:
        torture = Torture(os.path.abspath(options.program), home, options)
        try:
            for torture.round in range(1, options.rounds + 1):
                torture.run_round()
        finally:
            if torture.server:
                torture.server.kill()
    told = ", ".join(f"{name} {count:,}" for name, count in torture.counts.items())
    print(f"{told}; faults {len(torture.faults)}; {time.monotonic() - began:.0f} s")
    return 1 if torture.faults else 0


if __name__ == "__main__":
    sys.exit(main())
