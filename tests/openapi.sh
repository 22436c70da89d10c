#!/usr/bin/env bash
# Checks that the server's description of itself is valid OpenAPI, and that the server behaves as described.
#
# usage: tests/openapi.sh target/debug/detente
#        DETENTE_TEST_STORE=postgres tests/openapi.sh target/debug/detente: each server has a database of its own
set -euo pipefail

detente=$(realpath "${1:?usage: tests/openapi.sh <detente binary>}")
here=$(dirname "$(realpath "$0")")
python=$(realpath "${CARGO_TARGET_DIR:-$here/../target}")/python
scratch=$(mktemp -d)
started=()

finish() {
    for process in "${started[@]}"; do
        kill "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    rm -rf "$scratch"
}
trap finish EXIT

prepare_python() {
    [ -x "$python/bin/pip" ] || python3 -m venv "$python"
    "$python/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/openapi-requirements.txt"
}

# Has the servers that are started from now on work on databases of a PostgreSQL that ends with this script.
prepare_databases() {
    (cd "$here/.." && cargo build --quiet --locked -p detente-cluster --example databases)
    local program=$(realpath "${CARGO_TARGET_DIR:-$here/../target}")/debug/examples/databases
    coproc DATABASES { exec "$program" 3; }
    mapfile -t -n 3 databases <&"${DATABASES[0]}"
}

# Starts a server on a free port and waits for the line with its address. Sets $address.
start() {
    local name=$1
    shift
    mkfifo "$scratch/$name.says"
    if [ "${DETENTE_TEST_STORE:-}" = postgres ]; then
        set -- --store "${databases[0]}" "$@"
        databases=("${databases[@]:1}")
    fi
    "$detente" serve --data "$scratch/$name" --listen 127.0.0.1:0 --log warn "$@" >"$scratch/$name.says" &
    started+=($!)
    local line
    if ! IFS= read -r line <"$scratch/$name.says"; then
        echo "the server $name did not start" >&2
        exit 1
    fi
    address=$(grep -o 'http://[^, ]*' <<<"$line" | head -n 1)
}

# Writes the server's description to a file and sets $description to the path of the file.
describe() {
    description=$scratch/$1.json
    curl --silent --show-error --fail "$2/openapi.json" >"$description"
}

# In the space that the description names, and in another one.
check_story() {
    local description
    describe "$1" "$2"
    for space in "" /spaces/attic; do
        PYTHONDONTWRITEBYTECODE=1 "$python/bin/python" "$here/openapi/story.py" "$description" "$2" $space
    done
}

# Both tools must find nothing.
check() {
    local name=$1 url=$2 description
    shift 2
    describe "$name" "$url"
    "$python/bin/openapi-spec-validator" --subschema-errors all "$description"
    PYTHONPATH=$here/openapi PYTHONDONTWRITEBYTECODE=1 SCHEMATHESIS_HOOKS=hooks \
        "$python/bin/schemathesis" --config-file "$here/openapi/schemathesis.toml" \
        run "$description" --url "$url" "$@"
}

prepare_python
[ "${DETENTE_TEST_STORE:-}" != postgres ] || prepare_databases
cd "$scratch"

start story
check_story story "$address"

start open
check open "$address" >open.log 2>&1 &
open=$!
started+=("$open")

start closed --config "$here/openapi/detente.toml"
check closed "$address" --header 'Authorization: Bearer openapi-test' >closed.log 2>&1 &
closed=$!
started+=("$closed")

findings=0
wait "$open" || findings=1
cat open.log
wait "$closed" || findings=1
cat closed.log
exit "$findings"
