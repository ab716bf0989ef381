#!/bin/sh
# Runs the Rust compiler for cargo (RUSTC_WRAPPER), with the folder of each crate written as its name and version. What
# is built then names no folder of this machine: the registry's, a vendored crate's and the sources' own give the same
# bytes. PYBUFFER_RUSTC_WRAPPER is a wrapper of the user's (sccache).
if test -n "$CARGO_MANIFEST_DIR"; then
    set -- "$@" --remap-path-prefix "$CARGO_MANIFEST_DIR=$CARGO_PKG_NAME-$CARGO_PKG_VERSION"
fi
exec ${PYBUFFER_RUSTC_WRAPPER:-} "$@"
