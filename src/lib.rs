//! libpybuffer: CPython's buffer protocol as a C library of its own.
//!
//! What ships is a C library (`libpybuffer.so`, `libpybuffer.a`, `libpybuffer.h`), built by `make`;
//! this crate is its source, and its rlib serves the project's own tests and benches. It is not a
//! Rust API.
//!
//! The rooms, from the outside in (ARCHITECTURE.md tells what belongs where):
//! `capi` holds the exported functions, `protocol` the acts of the protocol, `runtime` the two
//! object worlds, `view` what a `Py_buffer` means, `layout` and `format` the integers of shapes and
//! formats, `plan`, `copy` and `kernels` how bytes move.
#![no_std]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "nothing that a caller passes may abort the process"
)]
// A C char has a sign on some machines.
#![cfg_attr(target_arch = "aarch64", allow(clippy::unnecessary_cast))]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::undocumented_unsafe_blocks,
        clippy::multiple_unsafe_ops_per_block,
        reason = "a test fails by panicking"
    )
)]

#[cfg(any(test, feature = "std"))]
extern crate std;

// The header is made of `abi` and `capi` alone.
pub mod abi;
/// cbindgen:ignore
mod audit;
/// cbindgen:ignore
mod block;
pub mod capi;
/// cbindgen:ignore
mod check;
/// cbindgen:ignore
mod copy;
/// cbindgen:ignore
mod environment;
/// cbindgen:ignore
mod error;
/// cbindgen:ignore
pub mod format;
/// cbindgen:ignore
mod kernels;
/// cbindgen:ignore
pub mod layout;
/// cbindgen:ignore
mod plan;
/// cbindgen:ignore
mod protocol;
/// cbindgen:ignore
mod runtime;
/// cbindgen:ignore
mod suboffset;
/// cbindgen:ignore
mod view;

/// The archive has no unwinder and no std, so a panic can only end the process. The code is written
/// so that none is reachable; `tests/artefacts.rs` holds the shipped library to it.
#[cfg(not(any(test, feature = "std")))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    // SAFETY: `abort` takes nothing and does not return.
    unsafe { libc::abort() }
}
