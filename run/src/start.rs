//! What a program without std brings itself: its entry, memory, and what becomes of a panic.

use alloc::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_char, c_int, c_void};

/// malloc, whose blocks are aligned for what the command keeps: texts and lists.
struct Malloc;

/// What malloc aligns to at the least.
const ALIGNED: usize = 2 * size_of::<usize>();

// SAFETY: malloc's own contract; a greater alignment is refused.
unsafe impl GlobalAlloc for Malloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > ALIGNED {
            return core::ptr::null_mut();
        }
        // SAFETY: malloc takes any size.
        unsafe { libc::malloc(layout.size()).cast() }
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: the block came from malloc (caller).
        unsafe { libc::free(block.cast::<c_void>()) };
    }

    unsafe fn realloc(&self, block: *mut u8, _: Layout, size: usize) -> *mut u8 {
        // SAFETY: the block came from malloc (caller).
        unsafe { libc::realloc(block.cast::<c_void>(), size).cast() }
    }
}

#[global_allocator]
static MALLOC: Malloc = Malloc;

#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    crate::sys::complain(&alloc::format!("a fault of its own: {info}"));
    // SAFETY: takes nothing and does not return.
    unsafe { libc::abort() }
}

/// # Safety
/// Called by libc with the arguments of the process.
#[unsafe(no_mangle)]
unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    let argc = usize::try_from(argc).unwrap_or(0);
    // SAFETY: `argc` C strings that live as long as the process.
    let args = unsafe { crate::sys::arguments(argc, argv) };
    crate::command::run(&args)
}

// The C compiler's own start file asks for glibc 2.34 where it was built with that or later; this one
// is content with any. (Programs linked before 2.34 pass functions that run the constructors, of which
// there are none here; null is allowed.)
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

#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
core::arch::global_asm!(".symver dlopen, dlopen@GLIBC_2.2.5", ".symver dlsym, dlsym@GLIBC_2.2.5");
#[cfg(all(target_arch = "aarch64", target_env = "gnu"))]
core::arch::global_asm!(".symver dlopen, dlopen@GLIBC_2.17", ".symver dlsym, dlsym@GLIBC_2.17");

/// The assembler's word for a pointer-sized datum.
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

/// `alloc` was compiled for programs that unwind, and its tables name these two functions. Nothing unwinds
/// here (`panic = "abort"`), so nobody calls them; with these, no libgcc_s is needed.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: takes nothing and does not return.
    unsafe { libc::abort() }
}
