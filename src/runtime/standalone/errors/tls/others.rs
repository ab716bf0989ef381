//! Reads the address of the thread's variable where not every dynamic linker has TLS descriptors: by
//! `__tls_get_addr`, as C compilers do for libraries that may be loaded at run time (the "general dynamic" model).

use core::arch::global_asm;
use core::ffi::c_void;

use super::Pending;

unsafe extern "C" {
    fn pybuffer_error_address() -> *mut c_void;
}

/// This thread's variable, zeroed when the thread began.
pub fn variable() -> *mut Pending {
    // SAFETY: the function below takes nothing.
    unsafe { pybuffer_error_address() }.cast()
}

/// The function, around the sequence that the ABI gives.
macro_rules! address {
    ($($line:literal,)* $(options($option:ident))?) => {
        global_asm!(
            ".pushsection .text.pybuffer_error_address,\"ax\",%progbits",
            ".balign 16",
            ".globl pybuffer_error_address",
            ".hidden pybuffer_error_address",
            ".type pybuffer_error_address,%function",
            "pybuffer_error_address:",
            $($line,)*
            ".size pybuffer_error_address, . - pybuffer_error_address",
            ".popsection",
            $(options($option))?
        );
    };
}

#[cfg(not(any(
    target_arch = "x86",
    target_arch = "s390x",
    target_arch = "riscv64",
    all(target_arch = "powerpc64", target_endian = "little"),
    target_arch = "arm"
)))]
compile_error!(
    "libpybuffer keeps each thread's error in thread-local memory, and does not know how this architecture \
     reaches it: what a C compiler makes of a `__thread` variable under -fPIC is to be added here"
);

#[cfg(target_arch = "x86")]
address!(
    "push %ebx",
    "sub $8, %esp",
    "call 2f",
    "2: pop %ebx",
    "add $_GLOBAL_OFFSET_TABLE_+(.-2b), %ebx",
    "lea pybuffer_error@tlsgd(,%ebx,1), %eax",
    "call ___tls_get_addr@PLT",
    "add $8, %esp",
    "pop %ebx",
    "ret",
    options(att_syntax)
);

#[cfg(target_arch = "s390x")]
address!(
    "stmg %r12, %r15, 96(%r15)",
    "aghi %r15, -160",
    "larl %r12, _GLOBAL_OFFSET_TABLE_",
    "larl %r1, 2f",
    "lg %r2, 0(%r1)",
    "brasl %r14, __tls_get_offset@PLT:tls_gdcall:pybuffer_error",
    "ear %r1, %a0",
    "sllg %r1, %r1, 32",
    "ear %r1, %a1",
    "agr %r2, %r1",
    "lmg %r12, %r15, 256(%r15)",
    "br %r14",
    ".balign 8",
    "2: .quad pybuffer_error@TLSGD",
);

#[cfg(target_arch = "riscv64")]
address!("la.tls.gd a0, pybuffer_error", "tail __tls_get_addr@plt",);

#[cfg(target_arch = "powerpc64")]
address!(
    "2: addis 2, 12, .TOC.-2b@ha",
    "addi 2, 2, .TOC.-2b@l",
    ".localentry pybuffer_error_address, .-pybuffer_error_address",
    "mflr 0",
    "std 0, 16(1)",
    "stdu 1, -32(1)",
    "addis 3, 2, pybuffer_error@got@tlsgd@ha",
    "addi 3, 3, pybuffer_error@got@tlsgd@l",
    "bl __tls_get_addr(pybuffer_error@tlsgd)",
    "nop",
    "addi 1, 1, 32",
    "ld 0, 16(1)",
    "mtlr 0",
    "blr",
);

#[cfg(target_arch = "arm")]
address!(
    ".arm",
    "push {{r4, lr}}",
    "ldr r0, 3f",
    "2: add r0, pc, r0",
    "bl __tls_get_addr(PLT)",
    "pop {{r4, pc}}",
    ".balign 4",
    "3: .long pybuffer_error(TLSGD) + (. - 2b - 8)",
);
