//! Errors in thread-local storage. A forked child keeps the error of the thread that forked.
//!
//! Stable Rust without std has no thread-local variables, so assembly defines one and reads its address. Where
//! every dynamic linker has TLS descriptors, it uses one: it needs no symbol of the dynamic linker, and in an
//! executable the linker replaces it by a plain offset. Elsewhere (`others`) the library needs `__tls_get_addr`.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use core::arch::asm;
use core::arch::global_asm;
use core::ptr;

use super::Pending;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod others;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use others::variable;

global_asm!(
    ".pushsection .tbss.pybuffer_error,\"awT\",%nobits",
    ".balign 16",
    ".globl pybuffer_error",
    ".hidden pybuffer_error",
    ".type pybuffer_error,%object",
    ".size pybuffer_error,{size}",
    "pybuffer_error:",
    ".zero {size}",
    ".popsection",
    size = const size_of::<Pending>(),
);

const _: () = assert!(align_of::<Pending>() <= 16);

/// This thread's variable, zeroed when the thread began.
#[cfg(target_arch = "x86_64")]
fn variable() -> *mut Pending {
    let variable: *mut Pending;
    // SAFETY: the sequence that the ABI gives for a descriptor, of a variable defined above.
    unsafe {
        asm!(
            "lea rax, [rip + pybuffer_error@tlsdesc]",
            "call [rax + pybuffer_error@tlscall]",
            "add rax, fs:0",
            out("rax") variable,
            clobber_abi("C"),
        );
    }
    variable
}

/// This thread's variable, zeroed when the thread began.
#[cfg(target_arch = "aarch64")]
fn variable() -> *mut Pending {
    let variable: *mut Pending;
    // SAFETY: the sequence that the ABI gives for a descriptor, of a variable defined above.
    unsafe {
        asm!(
            "adrp x0, :tlsdesc:pybuffer_error",
            "ldr x1, [x0, :tlsdesc_lo12:pybuffer_error]",
            "add x0, x0, :tlsdesc_lo12:pybuffer_error",
            ".tlsdesccall pybuffer_error",
            "blr x1",
            "mrs x1, tpidr_el0",
            "add x0, x1, x0",
            out("x0") variable,
            clobber_abi("C"),
        );
    }
    variable
}

/// This thread's error; null if there is none.
pub fn find() -> *mut Pending {
    let variable = variable();
    // SAFETY: the thread's own.
    if unsafe { (*variable).exception }.is_null() { ptr::null_mut() } else { variable }
}

/// The memory for this thread's error.
pub fn claim() -> *mut Pending {
    variable()
}

/// Clears this thread's error.
pub fn clear() {
    // SAFETY: the thread's own.
    unsafe { (*variable()).exception = ptr::null_mut() };
}
