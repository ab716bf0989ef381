#!/bin/sh
# Runs the C suite without Python, with the shared library and with the archive: `make check`, where the crates that the
# other tests take are not there (make dist-vendored).
# What it is made of, csrc/suite/families.h and tests/c_suite.rs say.
# Usage: suite.sh BUILD_DIRECTORY, from the repository's folder.
set -eu

build=$1
: "${CC:=cc}"
both_worlds=$(sed -n '/FAMILIES_OF_BOTH_WORLDS(X) /,/^$/s/^ *X(\([a-z_]*\)).*/suite\/\1/p' csrc/suite/families.h)
harness=$(sed -n '/^const HARNESS/,/^];/s/^ *"\([a-z_/]*\)",$/\1/p' tests/c_suite.rs)
rm -rf "$build/suite"
mkdir -p "$build/suite"
for source in $harness suite/objects $both_worlds; do
    $CC -O1 -std=c11 -D_GNU_SOURCE -pthread -DSTANDALONE -I "$build/include" -I csrc/suite -I csrc/exporters \
        -c "csrc/$source.c" -o "$build/suite/${source##*/}.o"
done
lib=$(cd "$build/lib" && pwd)
$CC -pthread "$build"/suite/*.o -L "$lib" -lpybuffer -Wl,-rpath,"$lib" -ldl -o "$build/suite/shared"
$CC -pthread "$build"/suite/*.o "$lib/libpybuffer.a" -ldl -o "$build/suite/archive"
"$build/suite/shared" --functions-from "$lib/libpybuffer.so"
"$build/suite/archive" --functions-from "$build/suite/archive"
