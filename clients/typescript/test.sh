#!/usr/bin/env bash
# Builds the client, runs its tests against a server and checks the package: test.sh DETENTE_BINARY
set -euo pipefail
DETENTE=$(realpath "${1:?usage: test.sh DETENTE_BINARY}")
export DETENTE
cd "$(dirname "$0")"

installed=node_modules/.installed
if ! cmp --silent package-lock.json "$installed"; then
  npm ci --no-audit --no-fund
  cp package-lock.json "$installed"
fi
npm run --silent build
rm -rf build
node_modules/.bin/tsc --project tsconfig.test.json
node --test --test-reporter=spec build/*.test.js
