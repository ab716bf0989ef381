#!/bin/sh
# Tests the Debian packages where nothing of this machine is: `make test-deb`, after make deb.
# Usage: test.sh BUILD_DIRECTORY, from the repository's folder, as root.
#
# A root of this machine's Debian release is made once by debootstrap (build/deb-root, 500 MB). In a copy of it the
# packages are installed and used as their users would, and removed: no file may be left.
set -eu

build=$1
fail() { echo "make test-deb: $*" >&2; exit 1; }
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
test "$(id -u)" = 0 || fail "debootstrap and chroot need root"

clean=$build/deb-root root=$build/deb-tested
if ! test -e "$clean/made"; then
    rm -rf "$clean"
    # shellcheck disable=SC1091
    debootstrap --variant=minbase --include=gcc,libc6-dev,pkgconf,man-db,python3 "$(. /etc/os-release && echo "$VERSION_CODENAME")" \
        "$clean" >"$build/deb-root.log" 2>&1 || { tail -n 5 "$build/deb-root.log" >&2; fail "debootstrap failed: $build/deb-root.log"; }
    touch "$clean/made"
fi
rm -rf "$root"
cp -a "$clean" "$root"
mkdir "$root/debs" "$root/tests"
cp "$build"/deb/*.deb "$root/debs"
cp README.md tools/deb/inside.sh packaging/debian/tests/first-program packaging/debian/tests/python "$root/tests"
# The mounts and processes end with the namespaces; there is no network in them.
unshare --mount --pid --net --fork sh -c 'mount -t proc proc "$1/proc" && exec chroot "$1" /bin/sh /tests/inside.sh' sh "$root"
rm -rf "$root"
