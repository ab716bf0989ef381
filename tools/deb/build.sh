#!/bin/sh
# Builds the Debian packages from the vendored tarball into build/deb/: `make deb`. Installs nothing.
# Usage: build.sh NAME-VERSION BUILD_DIRECTORY, from the repository's folder. LINTIAN=no leaves lintian out.
#
# A Rust that did not come as a Debian package serves, too (dpkg-buildpackage -d): stable Debian's is older than 1.89.
set -eu

name=$1 build=$2
fail() { echo "make deb: $*" >&2; exit 1; }
for tool in dpkg-buildpackage dpkg-checkbuilddeps; do
    command -v $tool >/dev/null || fail "$tool is missing: apt-get install dpkg-dev"
done
command -v "${CARGO:-cargo}" >/dev/null || fail "cargo is missing: Rust 1.89 or newer (rustup has it) compiles the library"

rm -rf "$build/deb"
mkdir -p "$build/deb"
tar -xzf "dist/$name-vendored.tar.gz" -C "$build/deb"
cd "$build/deb/$name"
test -d man || fail "the tarball has no man pages, which the packages install: make man"
cp -R packaging/debian debian

# As for Debian's own tools, these variables say who makes the packages.
if test -n "${DEBEMAIL:-}"; then
    test -n "${DEBFULLNAME:-}" || fail "DEBEMAIL is set, and DEBFULLNAME, the name for it, is not"
    awk -v who="$DEBFULLNAME <$DEBEMAIL>" '/^Maintainer: / { $0 = "Maintainer: " who } { print }' \
        packaging/debian/control >debian/control
    awk -v who="$DEBFULLNAME <$DEBEMAIL>" '/^ -- / && !done { sub(/^ -- .*>/, ""); $0 = " -- " who $0; done = 1 } { print }' \
        packaging/debian/changelog >debian/changelog
else
    echo "make deb: DEBFULLNAME and DEBEMAIL are not set, so the packages name no address of a maintainer" >&2
fi

unmet=$(dpkg-checkbuilddeps 2>&1 | sed -n 's/.*[Uu]nmet build dependencies: //p' |
    sed -E 's/(cargo|rustc)(:native)? \([^)]*\) ?//g; s/ \([^)]*\)//g; s/:(any|native)//g; s/ *$//')
test -z "$unmet" || fail "these packages are missing: apt-get install $unmet"

# Debhelper gives the build a home of its own, and rustup would not find its compilers there.
if command -v rustup >/dev/null; then
    RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
    export RUSTUP_HOME
fi
unset MAKEFLAGS MAKELEVEL BUILD
dpkg-buildpackage -us -uc -b -d
cd ..
ls -- *.deb
if test "${LINTIAN:-yes}" = yes; then
    command -v lintian >/dev/null || fail "the packages are built, but lintian is missing: apt-get install lintian (or LINTIAN=no)"
    lintian --allow-root --fail-on error,warning --tag-display-limit 0 ./*.changes
fi
