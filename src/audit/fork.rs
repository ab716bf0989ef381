//! Counts the forks between the process that loaded the library and this one.

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

/// Registers `child` to be called in every child. If there is no memory for that, a child of a process with several
/// threads may find a lock held.
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
        /// Defined by the C compiler's start files. Its address identifies this library, so that the handlers are
        /// removed when it is unloaded.
        static __dso_handle: u8;
    }
    // SAFETY: the handler takes no arguments and lives as long as the library that is passed with it.
    unsafe { __register_atfork(None, None, Some(child), &raw const __dso_handle) };
}

/// Registers `child` to be called in every child.
#[cfg(not(target_env = "gnu"))]
pub fn at_fork(child: extern "C" fn()) {
    // SAFETY: the handler takes no arguments; libc drops it when the library is unloaded.
    unsafe { libc::pthread_atfork(None, None, Some(child)) };
}
