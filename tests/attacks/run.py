#!/usr/bin/env python3
"""Attacks one server in all known ways, beside a client that writes once a second.

usage: tests/attacks/run.py DETENTE [--only NAME,NAME] [--rounds N]

The server runs with 1 GiB of memory, by a control group where this user may make one, else by its address space. It listens
on the loopback, in a folder of its own. The run fails if the server ends, if
the client waits longer than a second for any answer, if one of its writes is lost, or if an attack gets what it must not.
Every attack is bounded in time. Needs Python alone.
"""

import argparse
import concurrent.futures
import http.client
import json
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time

MEMORY = 1 << 30
LONGEST_WAIT_S = 1.0
JSON = {"Content-Type": "application/json"}
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}

CONFIG = """
undeclared_collections = "allow"

[[collections.ruled.rules]]
name = "Members"
check = "self.a.all(x, self.a.exists(y, y == x))"
"""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Server:
    def __init__(self, program, folder):
        with open(os.path.join(folder, "detente.toml"), "w") as config:
            config.write(CONFIG)
        arguments = [program, "serve", "--listen", "127.0.0.1:0", "--log", "warn"]
        arguments += ["--config", config.name, "--data", os.path.join(folder, "data")]
        self.log = open(os.path.join(folder, "log"), "w+")
        self.group = Group.new()
        enter = self.group.enter if self.group else limit_addresses
        # The allocator reserves addresses ahead: fewer of them, where they are few.
        env = {**os.environ, **({} if self.group else {"MIMALLOC_ARENA_RESERVE": "65536"})}
        how = {"stdout": subprocess.PIPE, "stderr": self.log, "preexec_fn": enter, "env": env, "text": True}
        self.process = subprocess.Popen(arguments, **how)
        line = self.process.stdout.readline()
        found = re.search(r"http://([0-9.]+):(\d+)", line)
        if not found:
            self.log.seek(0)
            raise SystemExit(f"the server did not start: {line}{self.log.read()}")
        self.address = (found[1], int(found[2]))

    def longest_hold(self):
        """How long one request kept the writer busy so far, in seconds."""
        metrics = ask(self.address, "GET", "/metrics").body.decode()
        return float(re.search(r"^detente_writer_longest_hold_seconds (\S+)$", metrics, re.M)[1])

    def has_ended(self):
        return self.process.poll() is not None

    def memory(self):
        """The most that it ever held, in bytes."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) * 1024

    def stop(self):
        self.process.terminate()
        ended = self.process.wait(timeout=60)
        if self.group:
            self.group.remove()
        return ended


def limit_addresses():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


class Group:
    """A control group that holds the memory of what enters it to the limit."""

    PLACES = [
        # (folder of its version, file of the limit, file of those in it)
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "tasks"),
        ("/sys/fs/cgroup", "memory.max", "cgroup.procs"),
    ]

    def __init__(self, folder, limit, members):
        self.folder, self.members = folder, os.path.join(folder, members)
        os.mkdir(folder)
        try:
            with open(os.path.join(folder, limit), "w") as file:
                file.write(str(MEMORY))
        except OSError:
            os.rmdir(folder)
            raise

    @classmethod
    def new(cls):
        for place, limit, members in cls.PLACES:
            try:
                return cls(os.path.join(place, f"detente-attacks-{os.getpid()}"), limit, members)
            except OSError:
                continue
        return None

    def enter(self):
        with open(self.members, "w") as file:
            file.write(str(os.getpid()))

    def remove(self):
        os.rmdir(self.folder)


def ask(address, method, path, body=None, headers=None, timeout=60):
    connection = http.client.HTTPConnection(*address, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def at_once(count, call, threads=16):
    """The answers, or what went wrong: an attacker's connection may be cut."""

    def careful(n):
        try:
            return call(n)
        except (OSError, http.client.HTTPException) as error:
            return error

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(careful, range(count)))


def statuses(answers):
    counts = {}
    for answer in answers:
        key = answer.status if isinstance(answer, Answer) else type(answer).__name__
        counts[key] = counts.get(key, 0) + 1
    return counts


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def must(condition, what):
    if not condition:
        raise AssertionError(what)


# Memory: small requests that make large things.


def batch_of_a_large_document(address):
    zeros = compact({"a": [0] * 500_000})
    ask(address, "PUT", "/api/large/zeros", zeros, JSON)
    patch = {"method": "PATCH", "path": "/api/large/zeros", "headers": {**MERGE_PATCH, "If-Match": "*"}, "body": {"k": 1}}
    batch = json.dumps({"operations": [patch] * 100})
    answers = at_once(8, lambda _: ask(address, "POST", "/api/_batch", batch, JSON))
    must(set(statuses(answers)) <= {413, 503}, statuses(answers))
    return statuses(answers)


def stale_patches_of_a_large_document(address):
    text = json.dumps({"text": "x" * 243_000, "n": 0})
    first = ask(address, "PUT", "/api/large/stale", text, JSON)
    tag = first.headers["ETag"] or '"1-0"'
    ask(address, "PUT", "/api/large/stale", text.replace('"n": 0', '"n": 1'), {**JSON, "If-Match": tag})
    patch = {"method": "PATCH", "path": "/api/large/stale", "headers": {**MERGE_PATCH, "If-Match": tag}, "body": {"n": 2}}
    batch = json.dumps({"operations": [patch] * 1000})
    answers = at_once(8, lambda _: ask(address, "POST", "/api/_batch?atomic=false", batch, JSON))
    sizes = [len(answer.body) for answer in answers if isinstance(answer, Answer)]
    must(max(sizes, default=0) < 16 << 20, f"an answer of {max(sizes)} bytes")
    return statuses(answers)


def large_documents_under_a_rule(address):
    body = compact({"a": [0] * 500_000})
    answers = at_once(64, lambda n: ask(address, "PUT", f"/api/ruled/{n}", body, JSON), threads=64)
    must(set(statuses(answers)) <= {201, 422, 503}, statuses(answers))
    return statuses(answers)


# The writer: what all other writes would wait for.


def patches_that_move_everything(address):
    ask(address, "PUT", "/api/large/moved", compact({"a": [0] * 500_000}), JSON)
    moves = [{"op": "add", "path": "/a/0", "value": 1}, {"op": "remove", "path": "/a/0"}] * 12_000
    media = {"Content-Type": "application/json-patch+json", "If-Match": "*"}
    patches = [{"method": "PATCH", "path": "/api/large/moved", "headers": media, "body": moves[:length]} for length in (2, None)]
    batch = json.dumps({"operations": patches})
    answers = at_once(4, lambda _: ask(address, "POST", "/api/_batch", batch, JSON))
    must(set(statuses(answers)) <= {413, 422, 503}, statuses(answers))
    return statuses(answers)


def rule_that_looks_at_all_pairs(address):
    body = json.dumps({"a": list(range(20_000))})
    answers = at_once(8, lambda n: ask(address, "PUT", f"/api/ruled/pairs-{n}", body, JSON))
    must(set(statuses(answers)) <= {422, 503}, statuses(answers))
    return statuses(answers)


# Work that grows with the square of what is sent.


def stale_document_of_many_members(address):
    document = lambda value: json.dumps({f"m{n}": value for n in range(80_000)})
    first = ask(address, "PUT", "/api/large/members", document(0), JSON)
    tag = first.headers["ETag"] or '"1-0"'
    ask(address, "PUT", "/api/large/members", document(1), {**JSON, "If-Match": tag})
    stale = {**JSON, "If-Match": tag}
    answers = at_once(8, lambda _: ask(address, "PUT", "/api/large/members", document(2), stale))
    must(set(statuses(answers)) <= {409, 503}, statuses(answers))
    nulls = json.dumps({f"m{n}": None for n in range(60_000)})
    patched = at_once(4, lambda _: ask(address, "PATCH", "/api/large/members", nulls, {**MERGE_PATCH, "If-Match": "*"}))
    must(set(statuses(patched)) <= {200, 503}, statuses(patched))
    return {"stale": statuses(answers), "nulls": statuses(patched)}


def filters_of_long_numbers(address):
    ask(address, "PUT", "/api/digits/1", '{"a":' + "1" * 1_000_000 + "}", JSON)
    values = ",".join(["1"] * 30_000)
    many = at_once(8, lambda _: ask(address, "GET", f"/api/digits?a.in={values}"))
    few = at_once(8, lambda _: ask(address, "GET", "/api/digits?a.in=" + ",".join(["1"] * 100) + "&a.gt=2"))
    must(set(statuses(many)) <= {400, 414, 431}, statuses(many))
    return {"many": statuses(many), "few": statuses(few)}


# Pages and streams: many rows, and nobody who reads them.


def pages_and_streams_of_large_documents(address):
    body = json.dumps({"text": "x" * 1_000_000})
    at_once(96, lambda n: ask(address, "PUT", f"/api/pages/{n}", body, {**JSON, "Prefer": "return=minimal"}))
    silent = []
    for _ in range(16):
        stream = socket.create_connection(address)
        stream.sendall(b"GET /api/pages/_changes HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        silent.append(stream)
    paths = ["/api/pages?limit=1000", "/api/_changes?limit=1000", "/api/pages?sort=text&limit=1000"]
    answers = at_once(48, lambda n: ask(address, "GET", paths[n % len(paths)]))
    for stream in silent:
        stream.close()
    must(set(statuses(answers)) <= {200}, statuses(answers))
    return statuses(answers)


# Connections that ask for nothing, or never end what they ask.


def silent_connections(address):
    starts = [b"", b"PRI * HT", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", b"GET / HTTP/1.1\r\nHost: local"]
    held = []
    for n in range(1200):
        try:
            held.append(socket.create_connection(address, timeout=5))
            held[-1].sendall(starts[n % len(starts)])
        except OSError:
            break
    answered = ask(address, "GET", "/healthz").status
    for connection in held:
        connection.close()
    must(answered == 200, answered)
    return {"held": len(held)}


def bodies_that_never_end(address):
    head = b"PUT /api/slow/1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
    held = []

    def hold(_):
        connection = socket.create_connection(address, timeout=10)
        connection.sendall(head)
        connection.sendall(b'{"a":"' + b"x" * 999_000)
        held.append(connection)
        return Answer(0, {}, b"")

    at_once(400, hold, threads=32)
    answered = ask(address, "PUT", "/api/slow/2", '{"a":1}', JSON).status
    for connection in held:
        connection.close()
    must(answered in (200, 201, 428), answered)
    return {"held": len(held)}


# Input that is wrong on purpose.


def malformed_input(address):
    deep = "[" * 200_000 + "]" * 200_000
    bodies = [deep, '{"a":' * 100_000, "{" + '"a":1,' * 50_000 + '"a":2}', '{"a":"\\ud800"}', "\0" * 1000, '{"a":1e}']
    answers = at_once(len(bodies), lambda n: ask(address, "PUT", f"/api/wrong/{n}", bodies[n], JSON))
    must(set(statuses(answers)) <= {400, 422}, statuses(answers))
    fields = [{"X": "y" * 60_000}, {f"X-{n}": "y" for n in range(90)}, {"If-Match": ",".join(['"1-a"'] * 3000)}, {"Idempotency-Key": "k" * 9000}]
    heads = at_once(len(fields), lambda n: ask(address, "PUT", "/api/wrong/head", "{}", {**JSON, **fields[n]}))
    must(not {500, 502} & set(statuses(heads)), statuses(heads))
    urls = at_once(2, lambda n: ask(address, "GET", "/api/wrong/" + "x" * (60_000 + 10_000 * n)))
    return {"bodies": statuses(answers), "heads": statuses(heads), "urls": statuses(urls)}


ATTACKS = [
    batch_of_a_large_document,
    stale_patches_of_a_large_document,
    large_documents_under_a_rule,
    patches_that_move_everything,
    rule_that_looks_at_all_pairs,
    stale_document_of_many_members,
    filters_of_long_numbers,
    pages_and_streams_of_large_documents,
    silent_connections,
    bodies_that_never_end,
    malformed_input,
]


def watch(host, port):
    """The client: a process of its own, so that the attackers' work is not its. Ends when its input does."""
    address = (host, int(port))
    worst = {"PUT": 0.0, "GET": 0.0, "/healthz": 0.0, "/readyz": 0.0}
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    tag, count, failures = None, 0, []

    def timed(name, *request):
        begun = time.monotonic()
        answer = ask(address, *request)
        worst[name] = max(worst[name], time.monotonic() - begun)
        return answer

    while not ended.wait(max(0.0, 1 - time.time() % 1)):
        try:
            headers = {**JSON, **({"If-Match": tag} if tag else {})}
            written = timed("PUT", "PUT", "/api/calm/1", json.dumps({"n": count + 1}), headers)
            if written.status not in (200, 201):
                failures.append(f"write {count + 1}: {written.status} {written.body[:200]!r}")
                continue
            tag, count = written.headers["ETag"], count + 1
            read = timed("GET", "GET", "/api/calm/1")
            if json.loads(read.body) != {"n": count}:
                failures.append(f"read {count}: {read.body[:200]!r}")
            for path in ("/healthz", "/readyz"):
                status = timed(path, "GET", path).status
                if status != 200:
                    failures.append(f"{path}: {status}")
        except (OSError, http.client.HTTPException) as error:
            failures.append(f"write {count + 1}: {error!r}")
    print(json.dumps({"worst": worst, "writes": count, "failures": failures}))


def main():
    if sys.argv[1:2] == ["--watch"]:
        return watch(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    names = [name for name in options.only.split(",") if name]
    attacks = [attack for attack in ATTACKS if not names or attack.__name__ in names]
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        server = Server(os.path.realpath(options.program), folder)
        command = [sys.executable, os.path.realpath(__file__), "--watch", *map(str, server.address)]
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            for attack in attacks * options.rounds:
                begun = time.monotonic()
                try:
                    found = attack(server.address)
                except (AssertionError, OSError, http.client.HTTPException) as error:
                    faults.append(f"{attack.__name__}: {error!r}")
                    found = repr(error)
                if server.has_ended():
                    faults.append(f"{attack.__name__}: the server ended with {server.process.returncode}")
                    break
                took, memory, hold = time.monotonic() - begun, server.memory() >> 20, server.longest_hold() * 1000
                print(f"{attack.__name__:38} {took:5.1f} s, {memory:4} MiB, {hold:5.1f} ms: {found}", flush=True)
        finally:
            told, _ = client.communicate(timeout=90)
            if not server.has_ended():
                ended = server.stop()
                if ended != 0:
                    faults.append(f"the server ended with {ended}")
        seen = json.loads(told)
        server.log.seek(0)
        log = server.log.read()
    worst = ", ".join(f"{name} {wait * 1000:.0f} ms" for name, wait in seen["worst"].items())
    print(f"the client wrote {seen['writes']} times; its longest waits: {worst}")
    faults += seen["failures"]
    faults += [f"{name}: {wait:.2f} s" for name, wait in seen["worst"].items() if wait > LONGEST_WAIT_S]
    faults += [f"logged: {line}" for line in log.splitlines() if "panicked" in line]
    if faults:
        print(log[-4000:])
    for fault in faults:
        print(f"FAULT {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
