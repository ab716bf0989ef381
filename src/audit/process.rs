//! Begins the audit, ends it at the exit of the process, and begins it anew in a child.

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering};

use super::fork;
use super::state::State;
use crate::runtime::Runtime;

static STATE: AtomicPtr<State> = AtomicPtr::new(ptr::null_mut());

fn state() -> Option<&'static State> {
    // SAFETY: null, or a state that is never freed.
    unsafe { STATE.load(Ordering::Acquire).as_ref() }
}

/// The audit of this process, begun at the first call; `None` without memory.
pub fn begun(runtime: &Runtime) -> Option<&'static State> {
    state().or_else(|| begin(runtime))
}

#[cold]
fn begin(runtime: &Runtime) -> Option<&'static State> {
    // SAFETY: takes any size.
    let new = unsafe { libc::calloc(1, size_of::<State>()) }.cast::<State>();
    let mut new = NonNull::new(new)?;
    // SAFETY: a new block of that size; zeros are a state.
    unsafe { new.as_mut() }.begin(runtime);
    let none = ptr::null_mut();
    if STATE.compare_exchange(none, new.as_ptr(), Ordering::AcqRel, Ordering::Acquire).is_err() {
        // Another thread was first.
        // SAFETY: from calloc, and known to nobody else.
        unsafe { libc::free(new.as_ptr().cast()) };
    } else {
        // SAFETY: the handler takes no arguments; libc drops it when the library is unloaded.
        unsafe { libc::atexit(at_exit) };
        at_quick_exit(at_exit);
        fork::at_fork(in_child);
        if let Some(state) = state() {
            state.tell_unused(true);
        }
    }
    state()
}

/// Registers `work` to be called by `quick_exit`.
#[cfg(target_env = "gnu")]
fn at_quick_exit(work: extern "C" fn()) {
    unsafe extern "C" {
        /// What glibc's `at_quick_exit` calls, which is not exported itself: each program has a copy of it.
        fn __cxa_at_quick_exit(work: extern "C" fn(), library: *const u8) -> core::ffi::c_int;
        /// Defined by the C compiler's start files. Its address identifies this library, so that the handlers are
        /// removed when it is unloaded.
        static __dso_handle: u8;
    }
    // SAFETY: the handler is called with an argument that it ignores, and lives as long as the library that is
    // passed with it.
    unsafe { __cxa_at_quick_exit(work, &raw const __dso_handle) };
}

/// Registers `work` to be called by `quick_exit`.
#[cfg(not(target_env = "gnu"))]
fn at_quick_exit(work: extern "C" fn()) {
    unsafe extern "C" {
        fn at_quick_exit(work: extern "C" fn()) -> core::ffi::c_int;
    }
    // SAFETY: the handler takes no arguments; libc drops it when the library is unloaded.
    unsafe { at_quick_exit(work) };
}

extern "C" fn in_child() {
    fork::begin_generation();
    if let Some(state) = state() {
        state.begin_in_child();
    }
}

extern "C" fn at_exit() {
    if let Some(state) = state() {
        state.end();
    }
}

/// Ends the process by `SIGABRT`. (Not by `abort`, which `tests/artefacts` takes for a panic.)
#[cold]
pub fn abort() {
    // SAFETY: takes any signal. A handler of the program's runs, as it would in `abort`.
    unsafe { libc::raise(libc::SIGABRT) };
    // SAFETY: resets the handler, which has returned.
    unsafe { libc::signal(libc::SIGABRT, libc::SIG_DFL) };
    // SAFETY: as above.
    unsafe { libc::raise(libc::SIGABRT) };
}
