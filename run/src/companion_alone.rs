//! The companion in an archive of its own, for ppc64le: there each object file has one table of addresses, which
//! keeps all that is named in it, so what is linked from the command's object would bring the command and libc
//! along.
#![no_std]

#[path = "companion.rs"]
pub mod companion;

/// Nothing of the companion's panics.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
