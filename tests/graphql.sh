#!/usr/bin/env bash
# Runs clients and tools that others made against the GraphQL of servers: tests/graphql.sh DETENTE_BINARY [TEST...]
#
# Each file of tests starts servers of its own, on free ports, whose data is in one temporary folder.
set -euo pipefail

DETENTE=$(realpath "${1:?usage: tests/graphql.sh <detente binary> [test files]}")
shift
cd "$(dirname "$(realpath "$0")")/graphql"
DETENTE_SCRATCH=$(mktemp -d)
export DETENTE DETENTE_SCRATCH

# A test that is ended for its time leaves its servers: each wrote its process down.
finish() {
    local noted process
    for noted in "$DETENTE_SCRATCH"/pids/*; do
        process=${noted##*/}
        # Another program may have the number by now.
        if ps -o args= -p "$process" 2>/dev/null | grep --quiet --fixed-strings "$DETENTE_SCRATCH"; then
            kill -KILL "$process" 2>/dev/null || true
        fi
    done
    rm -rf "$DETENTE_SCRATCH"
}
trap finish EXIT

installed=node_modules/.installed
if ! cmp --silent package-lock.json "$installed"; then
    timeout 300 npm ci --silent --no-audit --no-fund
    cp package-lock.json "$installed"
fi

[ $# -gt 0 ] || set -- *.test.mjs
# Some tests only wait: four files at a time, however many processors there are.
timeout --kill-after=5 180 node --test --test-concurrency=4 --test-timeout=60000 --test-reporter=spec "$@"
