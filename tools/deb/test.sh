#!/bin/sh
# Tests the Debian packages where nothing of this machine is: `make test-deb`, after make deb.
# Usage: test.sh BUILD_DIRECTORY, from the repository's folder, as root.
#
# A root of this machine's Debian release is made once by debootstrap (build/deb-root, 500 MB), from the mirror that apt
# uses here. In a copy of it the packages are installed and used as their users would, and purged: no file may be left.
set -eu

build=$1
fail() { echo "make test-deb: $*" >&2; exit 1; }
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
test "$(id -u)" = 0 || fail "debootstrap and chroot need root"

# What is mounted in a root is mounted in a namespace of its own, and gone when that ends, however it ends. Files of
# other file systems are never removed.
apart() { unshare --mount --pid --fork --kill-child "$@"; }
remove() { rm -rf --one-file-system "$1"; }

release=$(. /etc/os-release && echo "$VERSION_CODENAME")
clean=$build/deb-root root=$build/deb-tested
if ! test -e "$clean/made"; then
    remove "$clean"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" "Codename: $release" "Component: main" | head -n 1)
    apart debootstrap --variant=minbase --include=gcc,libc6-dev,pkgconf,man-db,python3 "$release" "$clean" $mirror \
        >"$build/deb-root.log" 2>&1 || { tail -n 5 "$build/deb-root.log" >&2; fail "debootstrap failed: $build/deb-root.log"; }
    touch "$clean/made"
fi
remove "$root"
cp -a "$clean" "$root"
mkdir "$root/debs" "$root/tests"
cp "$build"/deb/*.deb "$root/debs"
cp README.md tools/deb/inside.sh packaging/debian/tests/first-program packaging/debian/tests/python "$root/tests"
# Without a network: all that the packages depend on is there.
apart --net sh -c 'mount -t proc proc "$1/proc" && exec chroot "$1" /bin/sh /tests/inside.sh' sh "$root"
remove "$root"
