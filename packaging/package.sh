#!/usr/bin/env bash
# Makes a tarball and, where dpkg-deb is installed, a Debian package. Prints their paths.
#
# usage: packaging/package.sh [<binary of detente>]    without one, the profile dist is built
set -euo pipefail

here=$(dirname "$(realpath "$0")")
root=$(realpath "$here/..")
target=$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")
out=$target/packages
if [ $# -gt 0 ]; then
    binary=$(realpath "$1")
else
    (cd "$root" && cargo build --profile dist --locked -p detente >&2)
    binary=$target/dist/detente
fi

version=$("$binary" --version | cut -d ' ' -f 2)
machine=$(uname -m)
name=detente-$version-$machine-linux
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

# What both packages have, below $1: the binary, the manual, completions, the unit, licences.
install_below() {
    local prefix=$1
    install -D -m 755 "$binary" "$prefix/bin/detente"
    strip "$prefix/bin/detente"
    "$binary" man "$prefix/share/man/man1"
    gzip -9 --no-name "$prefix"/share/man/man1/*.1
    local completions=$prefix/share
    mkdir -p "$completions/bash-completion/completions" "$completions/zsh/site-functions" \
        "$completions/fish/vendor_completions.d"
    "$binary" completions bash >"$completions/bash-completion/completions/detente"
    "$binary" completions zsh >"$completions/zsh/site-functions/_detente"
    "$binary" completions fish >"$completions/fish/vendor_completions.d/detente.fish"
    install -D -m 644 "$here/detente.service" "$prefix/lib/systemd/system/detente.service"
    install -d "$prefix/share/doc/detente"
    install -m 644 "$root"/LICENSE-* "$root/CHANGELOG.md" "$root/docs/detente.toml" "$prefix/share/doc/detente/"
}

# The same input makes the same file.
archive() {
    tar --create --gzip --file "$1" --directory "$2" --sort=name --owner=0 --group=0 --numeric-owner "$3"
}

debian_architecture() {
    case $machine in
        x86_64) echo amd64 ;;
        aarch64) echo arm64 ;;
        *) echo "$machine" ;;
    esac
}

# The oldest libc that has all that the binary asks for.
needed_libc() {
    objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -V | tail -n 1
}

debian() {
    local package=$stage/deb architecture
    architecture=$(debian_architecture)
    install_below "$package/usr"
    install -D -m 644 "$here/detente.toml" "$package/etc/detente/detente.toml"
    mkdir "$package/DEBIAN"
    echo /etc/detente/detente.toml >"$package/DEBIAN/conffiles"
    cat >"$package/DEBIAN/control" <<END
Package: detente
Version: $version
Architecture: $architecture
Maintainer: The Detente authors <detente@localhost>
Section: database
Priority: optional
Depends: libc6 (>= $(needed_libc "$package/usr/bin/detente")), libgcc-s1
Installed-Size: $(du -sk "$package/usr" | cut -f 1)
Description: data server in which no write is ever lost
 Serves JSON documents over HTTP, keeps every version of each, refuses writes
 that would overwrite what their writers have not seen, and merges what can be
 merged. Also a tester for lost updates in other HTTP APIs.
END
    install -m 755 "$here/postinst" "$here/prerm" "$package/DEBIAN/"
    dpkg-deb --root-owner-group --build "$package" "$out/detente_${version}_$architecture.deb" >/dev/null
    echo "$out/detente_${version}_$architecture.deb"
}

mkdir -p "$out"
install_below "$stage/$name"
archive "$out/$name.tar.gz" "$stage" "$name"
echo "$out/$name.tar.gz"
if command -v dpkg-deb >/dev/null; then
    debian
fi
