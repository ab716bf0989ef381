#!/bin/sh
# What must be so before `make release` builds anything: a commit with a tag's number, all written down.
# Usage: release.sh VERSION, from the repository's folder.
set -eu

version=$1
fail() { echo "make release: $*" >&2; exit 1; }
test -z "$(git status --porcelain)" || fail "there are changes that are not committed: git status"
grep -q "^## $version — " CHANGELOG.md || fail "CHANGELOG.md has no entry for $version"
for manifest in Cargo.toml run/Cargo.toml; do
    grep -q "^version = \"$version\"" $manifest || fail "the version in $manifest is not $version"
done
sed 1q packaging/debian/changelog | grep -q "($version-" || fail "packaging/debian/changelog does not begin with $version"
if grep -q "^## $version — unreleased" CHANGELOG.md; then
    echo "make release: CHANGELOG.md calls $version unreleased: this is a rehearsal" >&2
fi
