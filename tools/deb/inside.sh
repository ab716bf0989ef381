#!/bin/sh
# What test.sh runs in the clean root.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

cd /tests
# Not what apt, dpkg and man-db write for every package.
files() { find / -xdev \( -path /proc -o -path /tests -o -path /debs -o -path /tmp -o -path /var/cache -o -path /var/log -o -path /var/lib/apt \
    -o -path '/var/lib/dpkg/*-old' -o -path '/var/lib/dpkg/triggers/*' -o -path /var/lib/dpkg/lock-frontend \) -prune -o -print | sort; }
quietly() { "$@" >/tmp/printed 2>&1 || { cat /tmp/printed >&2; exit 1; }; }

packages=$(for deb in /debs/*.deb; do dpkg-deb -f "$deb" Package; done)
files >/tmp/before
quietly apt-get install -y /debs/*.deb
echo "installed:" $packages
dangling=$(dpkg -L $packages | sort -u | while read -r file; do test -e "$file" || echo "$file"; done)
test -z "$dangling" || { echo "links that lead nowhere: $dangling" >&2; exit 1; }

# As autopkgtest judges: the status, and nothing on standard error.
for test in first-program python; do
    AUTOPKGTEST_TMP=/tmp sh ./$test 2>/tmp/errors || { cat /tmp/errors >&2; echo "$test failed" >&2; exit 1; }
    test ! -s /tmp/errors || { cat /tmp/errors >&2; echo "$test wrote to standard error" >&2; exit 1; }
done
echo "first program: compiled and run"
echo "python: copies, the checker, pybuffer-run, the audit"
for page in PyBuffer_ToContiguous.3 libpybuffer.3 pybuffer-run.1; do
    MANPAGER=cat man "${page##*.}" "${page%.*}" >/tmp/page
    grep -q "${page%.*}" /tmp/page
    echo "man page ${page%.*}(${page##*.}): $(wc -l </tmp/page) lines"
done

quietly apt-get purge -y $packages
files >/tmp/after
diff /tmp/before /tmp/after || { echo "purged packages left the above" >&2; exit 1; }
echo "purged: nothing is left"
