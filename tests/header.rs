//! `include/libpybuffer.h`: it is the one that the sources give, and compilers take it in every way
//! in which it may be used: alone, after any Python.h, with PYBUFFER_REDIRECT, in C and in C++.
//!
//! `PYBUFFER_BLESS=1 cargo test --test header` writes it anew, which is what `make header` runs.

mod support;

#[path = "artefacts/manifest.rs"]
#[allow(dead_code, reason = "each test crate uses a part of it")]
mod manifest;
#[path = "artefacts/readelf.rs"]
#[allow(dead_code, reason = "each test crate uses a part of it")]
mod readelf;

mod header {
    mod after_python;
    mod alone;
    mod compile;
    mod generate;
    mod generated;
}
