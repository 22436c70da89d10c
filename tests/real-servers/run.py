#!/usr/bin/env python3
"""Runs servers that others wrote, for the tester to be shown on them.

usage: run.py --list
       run.py NAME --serve                    starts it, prints what a tester needs to know, waits for ctrl-c
       run.py [NAME...] --detente PATH        checks each in turn; prints a Markdown table
"""

import argparse
import dataclasses
import json
import signal
import sys
import time

sys.dont_write_bytecode = True

from servers import SERVERS  # noqa: E402


def main():
    arguments = parse()
    # A stop from outside ends what was started, just as ctrl-c does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if arguments.list:
            show()
        elif arguments.serve:
            serve(SERVERS[arguments.names[0]])
    except KeyboardInterrupt:
        return 130
    return 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true")
    what.add_argument("--serve", action="store_true")
    what.add_argument("--detente", metavar="PATH")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in SERVERS]
    if unknown:
        parser.error(f"no such server: {', '.join(unknown)}; there are {', '.join(SERVERS)}")
    if arguments.serve and len(arguments.names) != 1:
        parser.error("--serve wants one NAME")
    return arguments


def show():
    for server in SERVERS.values():
        print(f"{server.name:16}{server.about}")


def serve(server):
    began = time.monotonic()
    with server.running() as target:
        print(json.dumps(dataclasses.asdict(target), indent=2), flush=True)
        print(f"up after {time.monotonic() - began:.1f} s; ctrl-c stops it", file=sys.stderr)
        signal.pause()


if __name__ == "__main__":
    sys.exit(main())
