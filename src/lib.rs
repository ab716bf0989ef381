//! libpybuffer: CPython's buffer protocol as a C library of its own.
//!
//! What ships is a C library (`libpybuffer.so`, `libpybuffer.a`, `libpybuffer.h`), which `make` builds from this crate.
//! The crate's rlib is for the project's own tests and benches. It is not a Rust API.
//!
//! A top-level module is called a room; ARCHITECTURE.md says what each is for, and which rooms it may use. From the
//! outside in: `capi` has the exported functions, `protocol` the operations of the protocol, `audit` and `check` the
//! judging of views and exporters, `runtime` the two object worlds, `view` the meaning of a `Py_buffer`, `layout` and
//! `format` the integers of shapes and formats, and `plan`, `copy` and `kernels` the moving of bytes.
#![no_std]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "nothing that a caller passes may abort the process"
)]
// `c_char` is unsigned on aarch64, so some casts are needed on other machines only.
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

// The header is generated from `abi` and `capi` alone.
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
mod dlpack;
/// cbindgen:ignore
mod environment;
/// cbindgen:ignore
mod error;
/// cbindgen:ignore
pub mod format;
/// cbindgen:ignore
mod fresh;
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

/// The archive has neither an unwinder nor std, so a panic can only abort the process. The code is written so that no
/// panic is reachable; `tests/artefacts.rs` checks the shipped library for that.
#[cfg(not(any(test, feature = "std")))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    // SAFETY: `abort` takes nothing and does not return.
    unsafe { libc::abort() }
}
