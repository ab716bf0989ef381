#!/bin/sh
# Prints a .pc file: pc.sh TEMPLATE PREFIX LIBDIR INCLUDEDIR VERSION
#
# In these files a backslash keeps a space, or another character that separates words, from doing so. A
# folder under the prefix is written relative to it, so that --define-variable=prefix moves the whole.
set -eu
template=$1 prefix=${2%/} libdir=$3 includedir=$4 version=$5

under_prefix() {
    case $1 in
    "$prefix"/*) printf '${prefix}/%s' "$(escaped "${1#"$prefix"/}")" ;;
    *) escaped "$1" ;;
    esac
}

# `${pcfiledir}` and `${prefix}` are pkg-config's own and come escaped.
escaped() {
    printf '%s' "$1" | sed 's/[][ \\"'\''#()<>;|*?~`]/\\&/g'
}

# What sed would read as its own in the text that is put in.
verbatim() {
    printf '%s' "$1" | sed 's/[\\&|]/\\&/g'
}

sed -e "s|@PREFIX@|$(verbatim "$(escaped "$prefix")")|" \
    -e "s|@LIBDIR@|$(verbatim "$(under_prefix "$libdir")")|" \
    -e "s|@INCLUDEDIR@|$(verbatim "$(under_prefix "$includedir")")|" \
    -e "s|@VERSION@|$version|" "$template"
