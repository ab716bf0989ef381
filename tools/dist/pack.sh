#!/bin/sh
# Packs the sources that git knows, and the man pages where they were built: `make dist`, `make dist-vendored`.
# Usage: pack.sh NAME-VERSION BUILD_DIRECTORY [vendored], from the repository's folder. Makes dist/*.tar.gz.
#
# The same commit gives the same bytes: names are sorted, owners and modes are fixed, and every time is that of the
# commit (or SOURCE_DATE_EPOCH).
set -eu
export LC_ALL=C

mkdir -p "$2"
name=$1 build=$(cd "$2" && pwd) vendored=${3:-}
for tool in git tar gzip; do
    command -v $tool >/dev/null || { echo "make dist: $tool is missing: it packs the sources" >&2; exit 1; }
done
git ls-files --error-unmatch Makefile >/dev/null 2>&1 ||
    { echo "make dist: this folder is no clone: git says which files are the sources" >&2; exit 1; }
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct)}"

stage=$build/dist/$name${vendored:+-vendored}
root=$stage/$name
rm -rf "$stage"
mkdir -p "$root" dist
git ls-files -z | tar -c --null -T - | tar -x -C "$root"
rm -rf "$root/.ci" "$root/.gitignore"
if test -d "$build/man"; then
    cp -R "$build/man" "$root/man"
else
    echo "make dist: without man pages: $build/man is not there" >&2
fi

# Cargo wants every crate that a manifest names, used or not, so the crates of tests and benches leave the manifest.
if test -n "$vendored"; then
    awk '/^\[/ { drop = /dev-dependencies/ } !drop' Cargo.toml >"$root/Cargo.toml"
    mkdir "$root/.cargo"
    # Cargo drops them from Cargo.lock, too, and leaves the other versions as they are.
    (cd "$root" && "${CARGO:-cargo}" vendor --versioned-dirs vendor >.cargo/config.toml 2>"$build/vendor.log") ||
        { cat "$build/vendor.log" >&2; exit 1; }
fi

archive=dist/$name${vendored:+-vendored}.tar.gz
SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH sh tools/dist/tar.sh "$stage" "$name" "$archive"
rm -rf "$stage"
echo "$archive"
