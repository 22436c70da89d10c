#!/usr/bin/env bash
# Makes clients of the server's description of itself with four generators. Each client reads, writes, is refused with a
# typed 409, and writes again, against the server.
#
# usage: tests/clients.sh target/debug/detente
set -euo pipefail

detente=$(realpath "${1:?usage: tests/clients.sh <detente binary>}")
here=$(dirname "$(realpath "$0")")
sources=$here/openapi/clients
target=$(realpath "${CARGO_TARGET_DIR:-$here/../target}")
python=$target/python
work=$target/clients
scratch=$(mktemp -d)
server=

finish() {
    [ -z "$server" ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }
    rm -rf "$scratch"
}
trap finish EXIT

# The modules are installed anew when their versions change.
prepare() {
    mkdir -p "$work"
    cp "$sources"/* "$work"
    rm -rf "$work/made"
    mkdir "$work/made"
    cd "$work"
    if ! cmp -s package-lock.json installed.json; then
        npm ci --no-audit --no-fund --loglevel=error
        cp package-lock.json installed.json
    fi
    [ -x "$python/bin/pip" ] || python3 -m venv "$python"
    "$python/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/openapi-requirements.txt"
}

# Starts a server on a free port and waits for the line with its address. Sets $address.
start() {
    mkfifo "$scratch/says"
    "$detente" serve --config "$sources/detente.toml" --data "$scratch/data" --listen 127.0.0.1:0 --log warn \
        >"$scratch/says" &
    server=$!
    local line
    IFS= read -r line <"$scratch/says" || { echo "the server did not start" >&2; exit 1; }
    address=$(grep -o 'http://[^, ]*' <<<"$line" | head -n 1)
}

# What a generator says is shown only if it fails.
quietly() {
    "$@" >"$scratch/said" 2>&1 || { cat "$scratch/said" >&2; echo "failed: $*" >&2; exit 1; }
}

prepare
export PATH=$work/node_modules/.bin:$python/bin:$PATH REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
start
curl --silent --show-error --fail "$address/openapi.json" >made/openapi.json

quietly redocly lint --extends=recommended made/openapi.json
quietly openapi-typescript made/openapi.json --output made/openapi-fetch.ts
quietly openapi-ts --input ./made/openapi.json --output made/hey-api --client @hey-api/client-fetch --no-log-file
DETENTE_URL=$address quietly orval --config orval.config.cjs
quietly openapi-python-client generate --path made/openapi.json --output-path made/notes_client --meta none \
    --config python.yaml --fail-on-warning
tsc --project .

for client in openapi-fetch hey-api orval; do
    esbuild "$client.ts" --bundle --platform=node --format=esm --outfile="made/$client.mjs" --log-level=error
    node "made/$client.mjs" "$address"
done
PYTHONDONTWRITEBYTECODE=1 python client.py made/notes_client "$address"
