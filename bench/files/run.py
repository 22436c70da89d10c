#!/usr/bin/env python3
"""Files of Detente beside Apache's mod_dav, nginx and rclone, in turn, on one machine.

usage: bench/files/run.py DETENTE [--rounds N] [--seconds S] [--only CASE,CASE] [--servers NAME,NAME] [--scratch DIR]

All servers run at once, on the loopback, each in a folder of its own that is removed at the end. In each round every server has
its turn with each case, and the order rotates. A ratio is of two rates of one round, so a slow moment of the machine, which
affects all servers of that round, cancels out. Exits with 1 if any request failed. Needs Debian's packages apache2-bin,
apache2-utils, curl, nginx-light and rclone.
"""

import argparse
import concurrent.futures
import contextlib
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time

# Nothing is left in the source.
sys.dont_write_bytecode = True

import processes
from processes import Detente, DidNotStart, Process, ask

KIB, MIB = 1 << 10, 1 << 20
CONNECTIONS = 8
FILES = 1000
LARGE = 100 * MIB
STARTS = 3
# What others may use of the cores before the figures are doubtful: writing back is on behalf of nobody.
QUIET = 0.1
# More than any server answers: `ab` ends by time.
MANY = 2_000_000

NOTE = """\
Detente syncs a file to the disk before it answers, keeps every version, and compares versions. The others answer when the
file is in the memory of the system, so a loss of power may take what they have acknowledged, and keep the last version only."""

APACHE = """
ServerName 127.0.0.1
ServerRoot {home}
Listen 127.0.0.1:{port}
PidFile {home}/pid
ErrorLog {home}/error.log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dav_module /usr/lib/apache2/modules/mod_dav.so
LoadModule dav_fs_module /usr/lib/apache2/modules/mod_dav_fs.so
# Only root can switch to another user, and must do so.
User www-data
Group www-data
# As many at the end as at the beginning.
StartServers 2
ServerLimit 2
ThreadsPerChild 32
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
EnableSendfile On
DavLockDB {home}/locks/db
DocumentRoot {home}/files
<Directory {home}/files>
    Dav On
    Require all granted
</Directory>
"""

NGINX = """
user www-data;
daemon off;
worker_processes 2;
pid {home}/pid;
error_log {home}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    keepalive_timeout 60;
    client_max_body_size 0;
    client_body_temp_path {home}/temp/body;
    proxy_temp_path {home}/temp/proxy;
    fastcgi_temp_path {home}/temp/fastcgi;
    uwsgi_temp_path {home}/temp/uwsgi;
    scgi_temp_path {home}/temp/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {home}/files;
        location / {{
            dav_methods PUT DELETE MKCOL;
            autoindex on;
            autoindex_format json;
        }}
    }}
}}
"""


class Server:
    """`face` is where files are; `listing` the path of a folder as JSON, if it has that."""

    face = ""
    listing = None
    has_propfind = True

    def __init__(self, home):
        self.home = home

    def start(self):
        # Somebody else may take the port between its choice and its use.
        for start in range(STARTS):
            self.port = processes.free_port()
            self.process = Process(self.command(), self.home, f"{self.name}.log")
            try:
                self.process.wait_until(self.answers)
                return
            except DidNotStart:
                self.process.stop()
                if start + 1 == STARTS:
                    raise

    def answers(self):
        try:
            return ask(self.port, "GET", "/")[0]
        except OSError:
            return None

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"


class Ours(Server):
    name = "detente"
    face = "/dav"
    listing = "/files/many/?limit=1000"

    def __init__(self, home, program):
        super().__init__(home)
        self.program = program

    def start(self):
        self.process = Detente(self.program, self.home)
        self.port = self.process.port

    def version(self):
        return said([self.program, "--version"])


class Apache(Server):
    name = "apache"

    def command(self):
        for part in ["files", "locks"]:
            (self.home / part).mkdir(exist_ok=True)
            (self.home / part).chmod(0o777)
        configuration = self.home / "apache.conf"
        configuration.write_text(APACHE.format(home=self.home, port=self.port))
        return ["/usr/sbin/apache2", "-f", configuration, "-DFOREGROUND"]

    def version(self):
        return re.search(r"Apache/\S+", said(["/usr/sbin/apache2", "-v"]))[0] + ", mod_dav_fs, mpm_event"


class Nginx(Server):
    name = "nginx"
    listing = "/many/"
    # Debian's nginx-light has no dav-ext.
    has_propfind = False

    def command(self):
        for part in ["files", "temp"]:
            (self.home / part).mkdir(exist_ok=True)
            (self.home / part).chmod(0o777)
        configuration = self.home / "nginx.conf"
        configuration.write_text(NGINX.format(home=self.home, port=self.port))
        return ["/usr/sbin/nginx", "-c", configuration, "-p", self.home]

    def version(self):
        return said(["/usr/sbin/nginx", "-v"]).removeprefix("nginx version: ") + ", sendfile, its dav module"


class Rclone(Server):
    name = "rclone"

    def command(self):
        (self.home / "files").mkdir(exist_ok=True)
        (self.home / "rclone.conf").touch()
        return [
            "/usr/bin/rclone", "serve", "webdav", self.home / "files", "--config", self.home / "rclone.conf",
            "--addr", f"127.0.0.1:{self.port}", "--cache-dir", self.home / "cache",
        ]

    def version(self):
        return said(["/usr/bin/rclone", "--version"]).splitlines()[0]


def said(command):
    output = subprocess.run(command, capture_output=True, text=True, timeout=20)
    return (output.stdout + output.stderr).strip()


class Load:
    """What was done in one turn: requests, or bytes where `is_bytes`, in a second; and what went wrong."""

    def __init__(self):
        self.rate = self.requests = self.size = 0
        self.server_cpu = self.load_cpu = 0.0
        # The part of all cores that others used meanwhile: other programs, and the system on behalf of nobody.
        self.others = 0.0
        self.faults = []


class Contents:
    """The bodies that are sent. Each connection has its own, so that none is there already by another name."""

    def __init__(self, home):
        self.home = home
        chance = random.Random(1)
        self.block = chance.randbytes(MIB)
        for size in [4 * KIB, MIB, LARGE]:
            for n in range(1 if size == LARGE else CONNECTIONS):
                with open(self.path(size, n), "wb") as file:
                    for at in range(0, size, MIB):
                        piece = b"%15d\n" % (size + n + at) + self.block[16:]
                        file.write(piece[: size - at])

    def path(self, size, n=0):
        return self.home / f"{size}-{n}"

    def bytes(self, size, n=0):
        return self.path(size, n).read_bytes()


def expect(server, method, path, statuses, body=None, headers=None):
    status, _, content = ask(server.port, method, path, body, headers)
    if status not in statuses:
        raise SystemExit(f"{server.name}: {method} {path}: {status}: {content[:300]!r}")
    return content


def prepare(server, contents):
    """Stores what will be read, and looks whether the server does what is about to be measured."""
    at = server.face
    stored, read = (200, 201, 204), (200,)
    for folder in ["puts", "gets", "many"]:
        expect(server, "MKCOL", f"{at}/{folder}/", stored)
    for n in range(CONNECTIONS):
        expect(server, "PUT", f"{at}/gets/{n}", stored, contents.bytes(4 * KIB, n))
    for n in range(FILES):
        expect(server, "PUT", f"{at}/many/file-{n:04}", stored, contents.bytes(4 * KIB, n % CONNECTIONS))
    with open(contents.path(LARGE), "rb") as file:
        length = {"Content-Length": str(LARGE)}
        expect(server, "PUT", f"{at}/gets/large", stored, file, length)
    for name, size in [("1", 4 * KIB), ("large", LARGE)]:
        if expect(server, "GET", f"{at}/gets/{name}", read) != contents.bytes(size, 1 if size != LARGE else 0):
            raise SystemExit(f"{server.name}: {name} is not what was stored")
    sizes = []
    if server.has_propfind:
        found = expect(server, "PROPFIND", f"{at}/many/", (207,), headers={"Depth": "1"})
        count = len(re.findall(rb"<(?:\w+:)?response\b", found))
        if count != FILES + 1:
            raise SystemExit(f"{server.name}: PROPFIND names {count} of {FILES + 1}")
        server.propfind_size = len(found)
        sizes.append(f"PROPFIND {len(found) // KIB} KiB")
    if server.listing:
        found = expect(server, "GET", server.listing, read)
        count = len(re.findall(rb'"name"', found))
        if count != FILES:
            raise SystemExit(f"{server.name}: the list has {count} of {FILES}")
        server.listing_size = len(found)
        sizes.append(f"JSON {len(found) // KIB} KiB")
    print(f"  {server.name:8} {server.version()}; answers about {FILES:,} files: {', '.join(sizes)}", flush=True)


def ab(load, seconds, url, arguments, least_size=0):
    command = ["ab", "-q", "-d", "-S", "-l", "-t", str(seconds), "-n", str(MANY), *arguments, url]
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 40)
    except subprocess.TimeoutExpired:
        load.faults.append(f"{url}: no end after {seconds + 40} s")
        return

    def number(name):
        found = re.search(rf"^{name}:\s+([0-9.]+)", output.stdout, re.M)
        return float(found[1]) if found else 0

    complete = number("Complete requests")
    if output.returncode != 0 or complete == 0:
        load.faults.append(f"{url}: {(output.stderr or output.stdout)[-300:].strip()}")
        return
    failed = number("Failed requests") + number("Non-2xx responses") + number("Write errors")
    if failed:
        load.faults.append(f"{url}: {failed:.0f} of {complete:.0f} requests failed")
    # One at most is under way when the time is over.
    if "-k" in arguments and number("Keep-Alive requests") < complete - CONNECTIONS:
        load.faults.append(f"{url}: the server closed connections")
    if number("HTML transferred") < least_size * (complete - CONNECTIONS):
        load.faults.append(f"{url}: answers are shorter than they must be")
    load.requests += complete
    load.rate += number("Requests per second")


def at_once(*calls):
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result()


def put(size):
    def turn(server, seconds, contents, load):
        def one(n):
            arguments = ["-k", "-c", "1", "-T", "application/octet-stream", "-u", str(contents.path(size, n))]
            ab(load, seconds, server.url(f"{server.face}/puts/{size}-{n}"), arguments)

        at_once(*[lambda n=n: one(n) for n in range(CONNECTIONS)])

    return turn


def get_small(server, seconds, _contents, load):
    # One of them alone keeps a core busy, and nginx waiting.
    def one(n):
        arguments = ["-k", "-c", str(CONNECTIONS // 2)]
        ab(load, seconds, server.url(f"{server.face}/gets/{n}"), arguments, 4 * KIB)

    at_once(lambda: one(0), lambda: one(1))


def get_large(server, seconds, _contents, load):
    url = server.url(f"{server.face}/gets/large")
    end = time.monotonic() + seconds

    def one():
        size = duration = 0
        while size == 0 or time.monotonic() < end:
            # Two on a connection.
            command = ["curl", "-s", "-S", "-m", "60", "-w", "%{http_code} %{size_download} %{time_total}\n"]
            command += ["-o", "/dev/null", url] * 2
            output = subprocess.run(command, capture_output=True, text=True)
            rows = [line.split() for line in output.stdout.splitlines()]
            if output.returncode != 0 or [row[:2] for row in rows] != [["200", str(LARGE)]] * 2:
                load.faults.append(f"{url}: {output.stdout.strip()} {output.stderr.strip()}")
                return
            size += 2 * LARGE
            duration += sum(float(row[2]) for row in rows)
        load.requests += size / LARGE
        load.rate += size / duration / 1e6

    at_once(one, one)


# HTTP/1.0, which `ab` speaks, has no chunks: each list is on a connection of its own, on all servers.
def propfind(server, seconds, _contents, load):
    arguments = ["-c", "2", "-m", "PROPFIND", "-H", "Depth: 1"]
    ab(load, seconds, server.url(f"{server.face}/many/"), arguments, server.propfind_size * 0.98)


def listing(server, seconds, _contents, load):
    ab(load, seconds, server.url(server.listing), ["-c", "2"], server.listing_size * 0.98)


class Case:
    def __init__(self, name, about, unit, turn, has=lambda _server: True):
        self.name, self.about, self.unit, self.turn, self.has = name, about, unit, turn, has


CASES = [
    Case("put-4k", "PUT of 4 KiB over itself, 8 connections, a name each", "/s", put(4 * KIB)),
    Case("put-1m", "PUT of 1 MiB over itself, 8 connections, a name each", "/s", put(MIB)),
    Case("get-4k", "GET of 4 KiB, 8 connections", "/s", get_small),
    Case("get-100m", "GET of 100 MiB, 2 connections", "MB/s", get_large),
    Case("propfind", "PROPFIND of 1,000 files, Depth 1, all properties, 2 at a time", "/s", propfind,
         lambda server: server.has_propfind),
    Case("list", "GET of 1,000 files as JSON, 2 at a time (nginx: autoindex)", "/s", listing,
         lambda server: server.listing),
]


def busy_seconds():
    with open("/proc/stat") as file:
        user, nice, system, _idle, _waiting, *others = [int(it) for it in file.readline().split()[1:9]]
    return (user + nice + system + sum(others)) / processes.TICKS


def measured(case, server, seconds, contents):
    load = Load()
    # What the one before left to be written would be at the expense of this one.
    os.sync()
    own = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    before, busy, began = server.process.cpu_seconds(), busy_seconds(), time.monotonic()
    case.turn(server, seconds, contents, load)
    load.server_cpu = server.process.cpu_seconds() - before
    load.load_cpu = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - own
    others = busy_seconds() - busy - load.server_cpu - load.load_cpu
    load.others = max(0, others) / (time.monotonic() - began) / os.cpu_count()
    if server.process.has_ended():
        load.faults.append(f"{server.name} ended")
    return load


def rounds(case, servers, options, contents):
    """The loads of each server by name, one a round."""
    servers = [server for server in servers if case.has(server)]
    loads = {server.name: [] for server in servers}
    faults = []
    for server in servers:
        warm = measured(case, server, max(1, options.seconds // 3), contents)
        faults += [f"{case.name}, {server.name}, warming up: {fault}" for fault in warm.faults]
    for number in range(options.rounds):
        order = servers[number % len(servers):] + servers[: number % len(servers)]
        for server in order:
            load = measured(case, server, options.seconds, contents)
            loads[server.name].append(load)
            faults += [f"{case.name}, {server.name}, round {number + 1}: {fault}" for fault in load.faults]
        rates = "  ".join(f"{server.name} {load_of(loads, server, number):,.0f}" for server in order)
        print(f"  {case.name:9} round {number + 1}, {case.unit}: {rates}", flush=True)
    return loads, faults


def load_of(loads, server, number):
    return loads[server.name][number].rate


def spread(values, digits):
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f}", f"{low:,.{digits}f}–{high:,.{digits}f}"


def table(case, loads):
    rows = []
    ours = [load.rate for load in loads.get("detente", [])]
    for name, own in loads.items():
        rates = [load.rate for load in own]
        digits = 0 if statistics.median(rates) >= 100 else 1
        ratios = [a / b for a, b in zip(ours, rates) if b]
        ratio = ("", "") if name == "detente" or not ratios else spread(ratios, 2)
        each = [(load.server_cpu / load.requests, load.load_cpu / load.requests) for load in own if load.requests]
        cpu = [f"{statistics.median(it) * 1e6:,.0f}" for it in zip(*each)] or ["-", "-"]
        rows.append([name, *spread(rates, digits), *ratio, *cpu])
    print(f"\n{case.name}: {case.about}; {case.unit}")
    head = ["", "median", "min–max", "ours/it", "min–max", "server µs", "load µs"]
    widths = [9, 9, 15, 9, 13, 11, 9]
    for row in [head, *rows]:
        print("  " + row[0].ljust(widths[0]) + "".join(it.rjust(width) for it, width in zip(row[1:], widths[1:])))


def chosen(parser, known, names):
    names = names.split(",") if names else [it.name for it in known]
    for name in names:
        if name not in [it.name for it in known]:
            parser.error(f"{name} is none of {', '.join(it.name for it in known)}")
    return [it for it in known if it.name in names]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("program", metavar="DETENTE", help="the program that is measured")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each turn (3)")
    parser.add_argument("--only", help="cases: " + ", ".join(case.name for case in CASES))
    parser.add_argument("--servers", help="detente, apache, nginx, rclone")
    parser.add_argument("--scratch", help="where the folders are: a real disk, which www-data can get to")
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    for tool in ["ab", "curl"]:
        if not shutil.which(tool):
            parser.error(f"{tool} is not installed")
    cases = chosen(parser, CASES, options.only)
    kinds = chosen(parser, [Ours, Apache, Nginx, Rclone], options.servers)
    processes.ended_by_signals()
    began = time.monotonic()
    faults = []
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(processes.folder(options.scratch))
        (home / "contents").mkdir()
        contents = Contents(home / "contents")
        print(f"{os.cpu_count()} cores, {options.rounds} rounds, {options.seconds} s a turn", flush=True)
        servers = []
        for kind in kinds:
            own = home / kind.name
            own.mkdir()
            server = Ours(own, program) if kind is Ours else kind(own)
            server.start()
            stack.callback(server.process.stop)
            prepare(server, contents)
            servers.append(server)
        results = []
        for case in cases:
            loads, found = rounds(case, servers, options, contents)
            results.append((case, loads))
            faults += found
        for case, loads in results:
            table(case, loads)
        print("\nmemory at the end, and at most, MiB: " + "; ".join(
            f"{server.name} {now:,.0f}, {most:,.0f}" for server in servers for now, most in [server.process.memory()]
        ))
    others = [load.others for _, loads in results for own in loads.values() for load in own]
    print(f"others used {statistics.median(others):.0%} of the cores (most in a turn: {max(others):.0%})", end="")
    if statistics.median(others) > QUIET:
        print(": the machine was not left alone, and these ratios are not those of a quiet one", end="")
    print(f"\n\n{NOTE}")
    print(
        "A ratio is that of each round; the median of them, and the least and the greatest. `server µs` and `load µs` are the"
        "\nprocessor time of the server and of what sends the requests, for each request: they share the cores."
    )
    for fault in faults:
        print(f"FAULT: {fault}")
    print(f"{time.monotonic() - began:.0f} s, faults: {len(faults)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
