//! Forks: how many of them lie between this process and the one that loaded the library.

use core::sync::atomic::{AtomicU32, Ordering};

static GENERATION: AtomicU32 = AtomicU32::new(0);

/// This process's generation: one more than its parent's.
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Begins a new generation, in a child.
pub fn begin_generation() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Has `child` called in every child. Without memory it is not called; then a child of a process with several
/// threads may find a lock closed.
#[cfg(target_env = "gnu")]
pub fn at_fork(child: extern "C" fn()) {
    unsafe extern "C" {
        /// What glibc's `pthread_atfork` calls. Older versions have `pthread_atfork` in another library only.
        fn __register_atfork(
            prepare: Option<unsafe extern "C" fn()>,
            parent: Option<unsafe extern "C" fn()>,
            child: Option<unsafe extern "C" fn()>,
            library: *const u8,
        ) -> core::ffi::c_int;
        /// From the C compiler's start files: its address stands for this library, whose handlers go with it.
        static __dso_handle: u8;
    }
    // SAFETY: the handler takes no arguments and lives as long as the library that is passed with it.
    unsafe { __register_atfork(None, None, Some(child), &raw const __dso_handle) };
}

/// Has `child` called in every child.
#[cfg(not(target_env = "gnu"))]
pub fn at_fork(child: extern "C" fn()) {
    // SAFETY: the handler takes no arguments; libc drops it when the library is unloaded.
    unsafe { libc::pthread_atfork(None, None, Some(child)) };
}
