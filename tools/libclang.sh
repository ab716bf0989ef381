#!/bin/sh
# Prints the folder of a libclang for bindgen, which the tests compare C headers with. Where
# LIBCLANG_PATH is set, that is it; else one is installed from PyPI into build/tools, once; where python has no
# pip, the machine's own serves.
set -eu

version=18.1.1

if [ -n "${LIBCLANG_PATH:-}" ]; then
    echo "$LIBCLANG_PATH"
    exit
fi

root=$(cd "$(dirname "$0")/.." && pwd)
folder=$root/build/tools/libclang-$version
if [ ! -d "$folder" ]; then
    python=${PYTHON:-python3}
    if ! "$python" -m pip --version >/dev/null 2>&1; then
        installed=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p | awk '/libclang(-[0-9]+)?\.so/ { print $NF; exit }')
        if [ -n "$installed" ]; then
            dirname "$installed"
            exit
        fi
        echo "no libclang: none is installed (Debian: apt-get install libclang1), and $python has no pip to fetch" \
            "one with (Debian: apt-get install python3-pip); or set LIBCLANG_PATH to the folder of one" >&2
        exit 1
    fi
    # Installed beside its place and moved there whole, as another one may do the same at this moment.
    mkdir -p "$root/build/tools"
    new=$(mktemp -d "$folder.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    PIP_ROOT_USER_ACTION=ignore "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-cache-dir \
        --target "$new" "libclang==$version" >&2
    mv -T "$new" "$folder" 2>/dev/null || [ -d "$folder" ]
fi
echo "$folder/clang/native"
