#!/usr/bin/env bash
# The page in a real browser: tests/run.sh DETENTE_BINARY [TEST_FILE …]
set -euo pipefail
DETENTE_BINARY=$(realpath "$1")
export DETENTE_BINARY
shift
cd "$(dirname "$0")"
npm ci --silent --no-audit --no-fund
# One file after the other: the measures need the machine for themselves.
exec node --test --test-concurrency=1 --test-reporter=spec "${@:-.}"
