#!/bin/sh
# Prints a file of the CMake package: cmake.sh TEMPLATE LIBDIR INCLUDEDIR SONAME VERSION
#
# The package finds the header from its own folder, LIBDIR/cmake/libpybuffer, so the whole may be moved.
set -eu
template=$1 soname=$4 version=$5
to_include=$(realpath -ms --relative-to="$2" "$3")

# What CMake would read as its own in a quoted argument, and then what sed would in the text that is put in.
escaped=$(printf '%s' "$to_include" | sed -e 's/[\\"$]/\\&/g' -e 's/[\\&|]/\\&/g')
sed -e "s|@INCLUDEDIR@|$escaped|" -e "s|@SONAME@|$soname|" -e "s|@VERSION@|$version|" "$template"
