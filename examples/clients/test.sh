#!/usr/bin/env bash
# Runs all of these examples against servers of their own: examples/clients/test.sh DETENTE_BINARY
# Needs Node 20 or later and, for the pages, Chromium: Debian's, or the one that CHROMIUM names.
set -euo pipefail
DETENTE=$(realpath "${1:?the path of the program detente}")
export DETENTE
cd "$(dirname "$0")"

(cd ../../clients/typescript && npm ci --no-audit --no-fund && npm run build)
npm ci --no-audit --no-fund
node --test --test-concurrency=3 ./*/test.mjs
