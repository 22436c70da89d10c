#!/usr/bin/env python3
"""Runs servers that others wrote, for the tester to be shown on them.

usage: run.py --list
       run.py NAME --serve                starts it, prints what a tester needs to know, waits for ctrl-c
       run.py [NAME...] --detente PATH    checks each in turn (all, if none is named); prints a Markdown table

Servers that are missing are installed first, which takes a while and is why no test of the project runs them.
"""

import argparse
import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

import findings  # noqa: E402
from servers import SERVERS  # noqa: E402
from servers.server import DidNotStart, folder  # noqa: E402

CHECK_SECONDS = 900


def main():
    arguments = parse()
    # A stop from outside ends what was started, just as ctrl-c does; that one a shell may have turned off.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if arguments.list:
            show()
        elif arguments.serve:
            serve(SERVERS[arguments.names[0]])
        else:
            return check_all(arguments)
    except KeyboardInterrupt:
        return 130
    return 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true", help="names and what they stand for")
    what.add_argument("--serve", action="store_true", help="start one and wait")
    what.add_argument("--detente", type=Path, metavar="PATH", help="the program that checks")
    parser.add_argument("--reports", type=Path, metavar="FOLDER", help="keep the reports, as JSON and HTML")
    parser.add_argument("--options", default="", metavar="'--rounds 5'", help="more for the program")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in SERVERS]
    if unknown:
        parser.error(f"no such server: {', '.join(unknown)}; there are {', '.join(SERVERS)}")
    if arguments.serve and len(arguments.names) != 1:
        parser.error("--serve wants one NAME")
    if arguments.detente and not arguments.detente.is_file():
        parser.error(f"{arguments.detente} is not there")
    return arguments


def show():
    for server in SERVERS.values():
        print(f"{server.name:18}{server.about}")


def serve(server):
    with server.running() as target:
        print(json.dumps(dataclasses.asdict(target), indent=2), flush=True)
        print("ctrl-c stops it", file=sys.stderr)
        signal.pause()


def check_all(arguments):
    """Returns 1 if a server could not be started or checked; what was found in it does not count."""
    rows, failures = [], 0
    for name in arguments.names or SERVERS:
        server = SERVERS[name]
        try:
            server.install()
            began = time.monotonic()
            with server.running() as target:
                print(f"{name}: up after {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
                report = check(arguments, target)
            rows.append((name, target.version, findings.grade(report), findings.worst(report)))
        except (DidNotStart, NotChecked, OSError, RuntimeError, subprocess.SubprocessError) as failure:
            failures += 1
            rows.append((name, server.version(), "?", f"not checked: {failure}"))
    print(findings.table(rows))
    return 1 if failures else 0


class NotChecked(Exception):
    """The program ended without a report, or not in time."""


def check(arguments, target):
    """Runs the program; returns its JSON report."""
    with folder("report") as scratch:
        kept = (arguments.reports or scratch).resolve()
        kept.mkdir(parents=True, exist_ok=True)
        report = kept / f"{target.server}.json"
        report.unlink(missing_ok=True)
        command = [str(arguments.detente.resolve()), "check", *subject(target, scratch)]
        command += ["--report", f"json={report}", *arguments.options.split()]
        if arguments.reports:
            command += ["--report", f"html={kept / target.server}.html"]
        try:
            ended = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=CHECK_SECONDS, cwd=scratch,
            )
        except subprocess.TimeoutExpired:
            raise NotChecked(f"it took more than {CHECK_SECONDS} s") from None
        # 0 and 1: nothing bad, something bad. Otherwise it was not able to check.
        if ended.returncode not in (0, 1) or not report.exists():
            raise NotChecked(f"exit {ended.returncode}: {ended.stdout.decode(errors='replace')[-300:]}")
        return json.loads(report.read_text())


def subject(target, scratch):
    """The arguments that say what is examined."""
    if target.scenario:
        return [target.scenario, "--var", f"base={target.base}"]
    words = [target.resource, "--method", target.method]
    for name, value in target.headers.items():
        words += ["-H", f"{name}: {value}"]
    # A PUT to a fresh URL beside the resource is what the program tries by itself.
    if target.create.method != "PUT":
        body = scratch / "body.json"
        body.write_text(target.create.body)
        words += ["--create", f"{target.create.method} {target.create.url}", "--body", str(body)]
    if target.unique:
        words += ["--unique", target.unique]
    return words


if __name__ == "__main__":
    sys.exit(main())
