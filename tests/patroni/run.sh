#!/usr/bin/env bash
# Kills the leader of two PostgreSQL that Patroni looks after, in synchronous mode, again and again, while clients
# write by way of two servers. Then everything that was acknowledged must be there, once.
#
# It takes minutes, so the other tests do not run it. It needs Debian's patroni, etcd-server and postgresql, and root.
#
# usage: tests/patroni/run.sh target/debug/detente [rounds]
set -euo pipefail

detente=$(realpath "${1:?usage: tests/patroni/run.sh <detente binary> [rounds]}")
rounds=${2:-5}
here=$(dirname "$(realpath "$0")")
bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -n 1)
work=$(mktemp -d)
chmod 711 "$work"
started=()

finish() {
    for process in "${started[@]}"; do
        kill -9 -- "-$process" 2>/dev/null || true
    done
    # What Patroni started is in a group of its own.
    pkill -9 -f "$work/" 2>/dev/null || true
    sleep 1
    rm -rf "$work"
}
trap finish EXIT

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# As postgres, in a session of its own, so that all of it can be killed at once. Sets $pid.
start() { # name, command...
    local name=$1
    shift
    setsid setpriv --reuid=postgres --regid=postgres --clear-groups "$@" >>"$work/$name.log" 2>&1 </dev/null &
    pid=$!
    # So that bash does not tell when it was killed.
    disown "$pid"
    started+=("$pid")
}

etcd_port=$(free_port)
peer_port=$(free_port)
mkdir "$work/etcd"
chown postgres "$work" "$work/etcd"
start etcd etcd --data-dir "$work/etcd" --listen-client-urls "http://127.0.0.1:$etcd_port" \
    --advertise-client-urls "http://127.0.0.1:$etcd_port" --listen-peer-urls "http://127.0.0.1:$peer_port" \
    --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" \
    --initial-cluster "default=http://127.0.0.1:$peer_port" --unsafe-no-fsync

declare -A ports pids
configure() { # name
    local name=$1 api
    ports[$name]=$(free_port)
    api=$(free_port)
    cat >"$work/$name.yaml" <<YAML
scope: detente
name: $name
restapi: { listen: "127.0.0.1:$api", connect_address: "127.0.0.1:$api" }
etcd3: { host: "127.0.0.1:$etcd_port" }
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 1
    retry_timeout: 3
    maximum_lag_on_failover: 0
    synchronous_mode: true
    postgresql: { use_pg_rewind: true, parameters: { wal_keep_size: 256MB } }
  initdb: [ { encoding: UTF8 }, { locale: C }, data-checksums ]
postgresql:
  listen: "127.0.0.1:${ports[$name]}"
  connect_address: "127.0.0.1:${ports[$name]}"
  data_dir: $work/$name
  bin_dir: $bin
  pgpass: $work/$name.pgpass
  pg_hba: [ "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust" ]
  authentication: { superuser: { username: postgres }, replication: { username: replicator } }
  parameters: { unix_socket_directories: "$work", max_connections: 100 }
YAML
}
run() { # name
    start "$1" patroni "$work/$1.yaml"
    pids[$1]=$pid
}

ctl() { patronictl -c "$work/one.yaml" "$@" 2>/dev/null; }

# Who has a role, if anybody who runs.
who() { # role
    ctl list --format json | python3 -c '
import json, sys
rows = json.loads(sys.stdin.read() or "[]")
names = [row["Member"] for row in rows if row["Role"] == sys.argv[1] and row["State"] in ("running", "streaming")]
print(*names)' "$1" || true
}

give_up() {
    echo "$1" >&2
    ctl list >&2
    tail -n 20 "$work"/*.log >&2
    exit 1
}

# Waits until there is a leader with a synchronous standby. Sets $leader and $standby.
await_pair() {
    for _ in $(seq 240); do
        leader=$(who Leader)
        standby=$(who 'Sync Standby')
        [ -z "$leader" ] || [ -z "$standby" ] || return 0
        sleep 0.5
    done
    give_up "there is no leader with a synchronous standby"
}

# Waits until another is the leader.
await_failover() { # name
    for _ in $(seq 240); do
        [ "$(who Leader)" != "$1" ] || return 0
        sleep 0.5
    done
    give_up "$1 did not become the leader"
}

configure one
configure two
run one
run two
await_pair
psql --quiet -h 127.0.0.1 -p "${ports[$leader]}" -U postgres -c 'CREATE DATABASE detente'

store="postgres://postgres@127.0.0.1:${ports[one]},127.0.0.1:${ports[two]}/detente"
mkfifo "$work/order" "$work/done"
DETENTE=$detente node "$here/load.mjs" "$store" "$rounds" <"$work/order" >"$work/done" &
load=$!
exec 3>"$work/order" 4<"$work/done"
for round in $(seq "$rounds"); do
    IFS= read -r line <&4
    [ "$line" = ready ] || { echo "the load ended: $line" >&2; exit 1; }
    await_pair
    # Patroni first, or it would start PostgreSQL again.
    kill -9 -- "-${pids[$leader]}"
    pkill -9 -f "^$bin/postgres -D $work/$leader " || true
    echo killed >&3
    await_failover "$standby"
    echo "round $round: $leader was killed, and $standby leads"
    run "$leader"
done
while IFS= read -r line <&4; do echo "$line"; done
wait "$load"
