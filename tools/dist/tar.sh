#!/bin/sh
# Packs a folder reproducibly: names are sorted, owners and modes are fixed, and every time is $SOURCE_DATE_EPOCH.
# Usage: tar.sh FOLDER_ABOVE FOLDER ARCHIVE. Needs GNU tar.
set -eu
export LC_ALL=C

tar -c -C "$1" --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
    --mtime="@$SOURCE_DATE_EPOCH" "$2" | gzip -9n >"$3.new"
mv -f "$3.new" "$3"
