#!/usr/bin/env python3
"""How many instructions a request costs, counted by callgrind: they repeat, where times do not.

usage: bench/instructions.py DETENTE_BINARY

Each kind of request is sent over one connection, to a server of its own that runs under valgrind, once few and once
many times; the difference, divided, is what one costs. Fails where one costs more than 3 % more than
bench/instructions.json has, or a mutation of GraphQL more than 1.6 times the same PUT. UPDATE_INSTRUCTIONS=1 writes
the file anew.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile

FEW, MANY = 50, 250
MAY_GROW = 0.03
MUTATION_TO_PUT = 1.6
# A debug build counts more; it must not be held against a release.
KEPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "instructions.json")

DOCUMENT = {f"member{n:02}": "x" * 48 for n in range(17)}
SAVE = """mutation Save($id: ID!, $tag: String!, $data: JSON!) {
  it: replaceNote(id: $id, ifMatch: $tag, data: $data) { id version etag updatedAt updatedBy json }
}"""


class Server:
    """A server under callgrind, and a connection to it."""

    def __init__(self, binary, folder):
        self.folder = folder
        with open(os.path.join(folder, "detente.toml"), "w") as config:
            config.write("[collections.notes]\n")
        out = os.path.join(folder, "callgrind.out")
        self.process = subprocess.Popen(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--quiet", binary, "serve",
             "--config", "detente.toml", "--data", "data", "--listen", "127.0.0.1:0"],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.count = 0
        self.tag = None
        address = self.address()
        self.socket = socket.create_connection(address, timeout=60)
        self.input = self.socket.makefile("rb")

    def address(self):
        for line in self.process.stdout:
            if "http://127.0.0.1:" in line:
                port = line.split("http://127.0.0.1:", 1)[1]
                digits = "".join(it for it in port[:5] if it.isdigit())
                return "127.0.0.1", int(digits)
        raise SystemExit("the server does not say where it listens")

    def ask(self, method, path, body="", fields=""):
        content = body.encode()
        head = (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(content)}\r\n{fields}\r\n")
        self.socket.sendall(head.encode() + content)
        status = int(self.input.readline().split()[1])
        answer = {}
        while line := self.input.readline().strip():
            name, value = line.decode().split(":", 1)
            answer[name.lower()] = value.strip()
        return status, answer, self.input.read(int(answer.get("content-length", 0)))

    def document(self):
        self.count += 1
        return json.dumps(DOCUMENT | {"count": self.count})

    def stop(self):
        """Returns how many instructions it took in all."""
        self.process.terminate()
        self.process.communicate(timeout=120)
        with open(os.path.join(self.folder, "callgrind.out")) as lines:
            for line in lines:
                if line.startswith(("totals:", "summary:")):
                    return int(line.split()[1])
        raise SystemExit("callgrind counted nothing")


def put(server):
    fields = f"If-Match: {server.tag}\r\n" if server.tag else ""
    status, answer, _ = server.ask("PUT", "/api/notes/1", server.document(), fields)
    assert status in (200, 201), status
    server.tag = answer["etag"]


def get(server):
    if not server.tag:
        put(server)
    assert server.ask("GET", "/api/notes/1")[0] == 200


def refusal(server):
    """A PUT whose tag is stale, from a version that two others replaced."""
    if not server.tag:
        put(server)
        server.stale = server.tag
        put(server)
        put(server)
    fields = f"If-Match: {server.stale}\r\n"
    assert server.ask("PUT", "/api/notes/1", server.document(), fields)[0] == 409


def mutation(server):
    if not server.tag:
        put(server)
    variables = {"id": "1", "tag": server.tag, "data": json.loads(server.document())}
    body = json.dumps({"query": SAVE, "variables": variables})
    _, _, answer = server.ask("POST", "/graphql", body)
    server.tag = json.loads(answer)["data"]["it"]["etag"]


KINDS = {"PUT": put, "GET": get, "refused PUT": refusal, "mutation": mutation}


def total(binary, perform, times):
    with tempfile.TemporaryDirectory() as folder:
        server = Server(binary, folder)
        for _ in range(times):
            perform(server)
        return server.stop()


def main():
    binary = os.path.abspath(sys.argv[1])
    costs = {}
    for name, perform in KINDS.items():
        few, many = (total(binary, perform, times) for times in (FEW, MANY))
        costs[name] = round((many - few) / (MANY - FEW))
        print(f"{name}: {costs[name]:,} instructions", flush=True)
    if os.environ.get("UPDATE_INSTRUCTIONS"):
        with open(KEPT, "w") as kept:
            json.dump(costs, kept, indent=2)
            kept.write("\n")
        return
    with open(KEPT) as kept:
        before = json.load(kept)
    grown = [name for name, cost in costs.items() if cost > before[name] * (1 + MAY_GROW)]
    for name in grown:
        print(f"{name} cost {before[name]:,} before; UPDATE_INSTRUCTIONS=1 keeps what it costs now", file=sys.stderr)
    ratio = costs["mutation"] / costs["PUT"]
    if ratio > MUTATION_TO_PUT:
        print(f"a mutation costs {ratio:.2f} times the same PUT", file=sys.stderr)
    if grown or ratio > MUTATION_TO_PUT:
        sys.exit(1)


if __name__ == "__main__":
    main()
