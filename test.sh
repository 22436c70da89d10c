#!/usr/bin/env bash
# Everything that must hold. Installs what it needs; leaves nothing outside of target/.
set -euo pipefail
cd "$(dirname "$0")"

step() { printf '\n== %s\n' "$*"; }

need() { # command, Debian package
  command -v "$1" >/dev/null && return
  step "installing $2"
  apt-get install -y --no-install-recommends "$2" || { apt-get update && apt-get install -y --no-install-recommends "$2"; }
}

# The programs alone: Debian's package starts a server of its own unless it is told not to.
need_postgresql() {
  compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null && return
  need pg_conftool postgresql-common
  local settings=/etc/postgresql-common/createcluster.conf
  cp -p "$settings" "$settings.before"
  pg_conftool "$settings" set create_main_cluster off
  need postgres postgresql
  mv "$settings.before" "$settings"
}

need cc gcc
need node nodejs
need npm npm
need python3 python3
need curl curl
need unshare util-linux
need apache2 apache2-bin
need litmus litmus
need cadaver cadaver
need rclone rclone
need faketime faketime
need valgrind valgrind
need strace strace
need chromium chromium
python3 -c 'import venv, ensurepip' 2>/dev/null || need pyvenv python3-venv
need_postgresql

step format
cargo fmt --all --check

step lints
cargo clippy --workspace --all-targets --locked -- -D warnings

step documentation
RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked --quiet

step 'fuzz targets still compile'
cargo check --manifest-path fuzz/Cargo.toml --target-dir target/fuzz --locked --quiet

if cargo deny --version >/dev/null 2>&1; then
  step licences
  cargo deny --offline check licenses bans sources
else
  step 'licences: cargo-deny is not installed; skipped'
fi

step tests
cargo test --workspace --locked

step 'the same end to end, on PostgreSQL'
DETENTE_TEST_STORE=postgres cargo test --package detente --locked --test e2e -- \
  --skip nodes:: --skip shared:: --skip check::

step attacks
python3 tests/attacks/run.py target/debug/detente

step 'the described API'
bash tests/openapi.sh target/debug/detente

step 'the TypeScript client'
bash clients/typescript/test.sh target/debug/detente

step 'instructions of a request'
python3 bench/instructions.py target/debug/detente

step 'GraphQL by clients of others'
bash tests/graphql.sh target/debug/detente

step 'the page: what is committed is what its source builds to'
(cd web && npm ci --no-audit --no-fund && npm run --silent build)
git diff --exit-code --stat crates/server/page || { echo 'commit what web/ builds to' >&2; exit 1; }

step 'the page in a browser'
bash web/tests/run.sh target/debug/detente

step 'examples of clients'
bash examples/clients/test.sh target/debug/detente

step 'clients made of its description'
bash tests/clients.sh target/debug/detente

step packages
bash tests/packages.sh target/debug/detente
