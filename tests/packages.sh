#!/usr/bin/env bash
# Makes the packages and looks whether what is in them works.
#
# usage: tests/packages.sh target/debug/detente
set -euo pipefail

binary=$(realpath "${1:?usage: tests/packages.sh <detente binary>}")
here=$(dirname "$(realpath "$0")")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
    echo "$*" >&2
    exit 1
}

# A program, its manual, its unit.
holds() { # the folder with bin, share and lib
    [ "$("$1/bin/detente" --version)" = "$("$binary" --version)" ] || fail "another version is in $1"
    zcat "$1/share/man/man1/detente-serve.1.gz" | grep -- cors >/dev/null || fail "no manual in $1"
    bash -n "$1/share/bash-completion/completions/detente"
    [ -s "$1/lib/systemd/system/detente.service" ] || fail "no unit in $1"
}

packages=$(bash "$here/../packaging/package.sh" "$binary")
tarball=$(grep '\.tar\.gz$' <<<"$packages")
tar --extract --file "$tarball" --directory "$scratch"
holds "$scratch"/detente-*
if objdump --section-headers "$scratch"/detente-*/bin/detente | grep '\.debug_info' >/dev/null; then
    fail 'the program is not stripped'
fi

if deb=$(grep '\.deb$' <<<"$packages"); then
    root=$scratch/root
    dpkg-deb --extract "$deb" "$root"
    dpkg-deb --info "$deb" | grep '^ Package: detente$' >/dev/null || fail 'the package has another name'
    holds "$root/usr"
    "$root/usr/bin/detente" config check "$root/etc/detente/detente.toml"
    if command -v systemd-analyze >/dev/null; then
        sed "s#=/usr/bin/#=$root/usr/bin/#" "$here/../packaging/detente.service" \
            >"$scratch/detente.service"
        said=$(systemd-analyze verify --man=no "$scratch/detente.service" 2>&1) || fail "the unit: $said"
        [ -z "$said" ] || fail "the unit: $said"
    fi
fi
echo 'packages: fine'
