//! The parts that a program without std must define itself: entry point, allocator and panic handler.

use alloc::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_char, c_int, c_void};

/// malloc. Its alignment is enough for the texts and lists of the command.
struct Malloc;

/// The smallest alignment of malloc's blocks.
const ALIGNED: usize = 2 * size_of::<usize>();

// SAFETY: malloc has the same contract, for alignments up to `ALIGNED`; `alloc` refuses greater ones.
unsafe impl GlobalAlloc for Malloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > ALIGNED {
            return core::ptr::null_mut();
        }
        // SAFETY: malloc takes any size.
        unsafe { libc::malloc(layout.size()).cast() }
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: a block of this allocator (caller: `GlobalAlloc`), so from malloc.
        unsafe { libc::free(block.cast::<c_void>()) };
    }

    unsafe fn realloc(&self, block: *mut u8, _: Layout, size: usize) -> *mut u8 {
        // SAFETY: a block of this allocator (caller: `GlobalAlloc`), so from malloc.
        unsafe { libc::realloc(block.cast::<c_void>(), size).cast() }
    }
}

#[global_allocator]
static MALLOC: Malloc = Malloc;

#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    crate::sys::print_error(&alloc::format!("a fault of its own: {info}"));
    // SAFETY: it has no arguments and does not return.
    unsafe { libc::abort() }
}

/// The entry point.
///
/// # Safety
/// * ARGUMENTS: libc calls it with the arguments of the process.
#[unsafe(no_mangle)]
unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    let argc = usize::try_from(argc).unwrap_or(0);
    // SAFETY: `argc` C strings that live as long as the process (caller: ARGUMENTS).
    let args = unsafe { crate::sys::arguments(argc, argv) };
    crate::command::run(&args)
}

// The C compiler's own start file needs glibc 2.34 if it was built with that version or a later one; this one runs
// with any. (Programs linked before 2.34 pass functions that run the constructors. There are none here, and null is
// allowed.)
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
core::arch::global_asm!(
    ".symver __libc_start_main, __libc_start_main@GLIBC_2.2.5",
    ".pushsection .text.pybuffer_run_start,\"ax\"",
    ".globl pybuffer_run_start",
    ".type pybuffer_run_start, @function",
    "pybuffer_run_start:",
    ".cfi_startproc",
    ".cfi_undefined rip",
    "xor ebp, ebp",
    "mov r9, rdx",
    "pop rsi",
    "mov rdx, rsp",
    "and rsp, -16",
    "push rax",
    "push rsp",
    "xor r8d, r8d",
    "xor ecx, ecx",
    "lea rdi, [rip + main]",
    "call [rip + __libc_start_main@GOTPCREL]",
    "hlt",
    ".cfi_endproc",
    ".size pybuffer_run_start, . - pybuffer_run_start",
    ".popsection",
);

#[cfg(all(target_arch = "aarch64", target_env = "gnu"))]
core::arch::global_asm!(
    ".symver __libc_start_main, __libc_start_main@GLIBC_2.17",
    ".pushsection .text.pybuffer_run_start,\"ax\"",
    ".globl pybuffer_run_start",
    ".type pybuffer_run_start, %function",
    "pybuffer_run_start:",
    ".cfi_startproc",
    ".cfi_undefined x30",
    "mov x29, #0",
    "mov x30, #0",
    "mov x5, x0",
    "ldr x1, [sp]",
    "add x2, sp, #8",
    "mov x6, sp",
    "adrp x0, main",
    "add x0, x0, :lo12:main",
    "mov x3, #0",
    "mov x4, #0",
    "bl __libc_start_main",
    "brk #0",
    ".cfi_endproc",
    ".size pybuffer_run_start, . - pybuffer_run_start",
    ".popsection",
);

#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
core::arch::global_asm!(".symver dlopen, dlopen@GLIBC_2.2.5", ".symver dlsym, dlsym@GLIBC_2.2.5");
#[cfg(all(target_arch = "aarch64", target_env = "gnu"))]
core::arch::global_asm!(".symver dlopen, dlopen@GLIBC_2.17", ".symver dlsym, dlsym@GLIBC_2.17");

/// The assembler's directive for a pointer-sized datum.
#[cfg(target_pointer_width = "64")]
macro_rules! address {
    () => {
        ".quad "
    };
}
#[cfg(target_pointer_width = "32")]
macro_rules! address {
    () => {
        ".long "
    };
}

core::arch::global_asm!(
    ".pushsection .data.rel.ro.pybuffer_run_loader,\"aw\"",
    ".balign 8",
    ".globl pybuffer_run_loader",
    ".hidden pybuffer_run_loader",
    "pybuffer_run_loader:",
    ".weak dlopen",
    concat!(address!(), "dlopen"),
    ".weak dlsym",
    concat!(address!(), "dlsym"),
    ".popsection",
);

/// `alloc` was compiled for programs that unwind, and its tables refer to these two functions. Nothing unwinds here
/// (`panic = "abort"`), so they are never called. They are defined so that libgcc_s is not needed.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Named by the tables of every function of 32-bit ARM, for the same reason.
#[cfg(target_arch = "arm")]
#[unsafe(no_mangle)]
extern "C" fn __aeabi_unwind_cpp_pr0() {}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: it has no arguments and does not return.
    unsafe { libc::abort() }
}
