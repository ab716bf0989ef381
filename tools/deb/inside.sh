#!/bin/sh
# What test.sh runs in the clean root.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

cd /tests
# Not what every package changes: dpkg's own records, caches and logs.
files() { find / -xdev \( -path /proc -o -path /tests -o -path /tmp -o -path /var/lib/dpkg -o -path /var/cache -o -path /var/log \
    -o -path /etc/ld.so.cache \) -prune -o -print | sort; }
packages() { dpkg-deb -f "$1" Package; }

files >/tmp/before
dpkg -i /debs/*.deb >/tmp/installed || { cat /tmp/installed; exit 1; }

AUTOPKGTEST_TMP=/tmp sh ./first-program
echo "first program: compiled and run"
AUTOPKGTEST_TMP=/tmp sh ./python
echo "python: copies, the checker, pybuffer-run"
for page in PyBuffer_ToContiguous.3 libpybuffer.3 pybuffer-run.1; do
    MANPAGER=cat man "${page##*.}" "${page%.*}" >/tmp/page
    grep -q "${page%.*}" /tmp/page
    echo "man page ${page%.*}(${page##*.}): $(wc -l </tmp/page) lines"
done

for deb in /debs/*.deb; do packages "$deb"; done | xargs dpkg --purge >/dev/null
files >/tmp/after
diff /tmp/before /tmp/after || { echo "purged packages left the above" >&2; exit 1; }
echo "purged: nothing is left"
