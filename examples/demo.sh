#!/bin/sh
# What `make demo` shows: the library in a C program without Python, then under a real python.
# Usage: demo.sh BUILD_DIRECTORY (with CC and PYTHON in the environment)
set -eu

build=$1
here=$(dirname "$0")
lib=$(cd "$build/lib" && pwd)
# As make knows it, from the repository's folder: LD_PRELOAD takes no path with a space.
so=$build/lib/libpybuffer.so
: "${CC:=cc}" "${PYTHON:=python3}"

say() { printf '\n%s\n' "$*"; }

say "1. A C program without Python: examples/image.c, an exporter of an image and its consumer."
echo "   $CC examples/image.c \$(pkg-config --cflags --libs pybuffer)"
# What pkg-config prints is quoted for a shell. Without pkg-config, what it would say.
if flags=$(PKG_CONFIG_PATH="$lib/pkgconfig" pkg-config --cflags --libs pybuffer 2>/dev/null); then
    eval "set -- $flags"
else
    set -- "-I$build/include" "-L$lib" -lpybuffer
fi
$CC -O2 "$here/image.c" "$@" -Wl,-rpath,"$lib" -o "$build/image-demo"
"$build/image-demo"

say "2. A real python, unmodified, with the library preloaded."
# Only a python that is linked to a shared libpython can be preloaded: look for one.
shared_python() {
    for candidate in "$PYTHON" $(ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3 2>/dev/null | sort -Vr); do
        command -v "$candidate" >/dev/null || continue
        found=$(LD_PRELOAD="$so" "$candidate" -c '
import ctypes, sys
def release(library):
    return ctypes.cast(ctypes.CDLL(library).PyBuffer_Release, ctypes.c_void_p).value
if sys.version_info >= (3, 8) and release(None) == release(sys.argv[1]):
    print(sys.executable)' "$so" 2>/dev/null) || continue
        [ -z "$found" ] || { echo "$found"; return; }
    done
}
if ! command -v "$PYTHON" >/dev/null; then
    echo "   $PYTHON is missing: install python3, or name one: make demo PYTHON=/path/to/python3"
    exit 1
fi
python=$(shared_python)
if [ -z "$python" ]; then
    echo "   $PYTHON holds its own copy of libpython (a statically linked python, as Debian's and"
    echo "   conda's are), so a preloaded library cannot take effect in it. Linked into an extension"
    echo "   the library works there too: see docs/linking.md. To see this step, name a python"
    echo "   that is built with --enable-shared: make demo PYTHON=/path/to/python3"
    exit 0
fi
echo "   LD_PRELOAD=libpybuffer.so $python examples/tobytes.py"
"$python" "$here/tobytes.py" >"$build/demo-without"
LD_PRELOAD="$so" "$python" "$here/tobytes.py" >"$build/demo-with"
"$python" - "$build/demo-without" "$build/demo-with" <<'END'
import sys

without, with_ = ([line.rstrip("\n").split(": ") for line in open(name)] for name in sys.argv[1:])
print(f"   without: {without[0][0]}")
print(f"   with:    {with_[0][0]}")
print(f"   {'memoryview.tobytes() of':38}{'without':>10}{'with':>10}")
for (name, before), (_, after) in zip(without[1:], with_[1:]):
    ratio = float(before) / float(after)
    print(f"   {name:38}{before:>7} ms{after:>7} ms   {ratio:.1f} times as fast")
END
