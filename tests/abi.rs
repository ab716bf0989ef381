//! The ABI, held against every CPython found: the names that its libpython exports, and what its
//! Python.h declares, as clang (through bindgen) and the C compiler each see it. Between the two stands
//! our own header, and behind it the Rust types. What that header declared before is in
//! `abi/libpybuffer.abi`, which `make abi` writes anew.
//!
//! Every test gathers all the differences and fails once, with the list.

mod support;

#[path = "artefacts/manifest.rs"]
#[allow(dead_code, reason = "each test crate uses a part of it")]
mod manifest;
#[path = "artefacts/readelf.rs"]
#[allow(dead_code, reason = "each test crate uses a part of it")]
mod readelf;

mod abi {
    mod c;
    mod compare;
    mod declared;
    mod dlpack;
    mod dump;
    mod libclang;
    mod names;
    mod rust;
}
