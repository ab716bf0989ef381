//! Decides which object world the process has, and remembers it.
//!
//! A hosted world is final as soon as it is found. The standalone world becomes final only when an
//! object or an error of it exists, because a libpython may still be loaded until then.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use super::cpython::{self, unserved};
use super::{Runtime, copies, standalone};
use crate::environment;
use crate::fresh;

/// The world once it is final; null until then.
static CURRENT: AtomicPtr<Runtime> = AtomicPtr::new(ptr::null_mut());
/// The same, if its objects have the plain layout and the fast paths are open; otherwise null.
static PLAIN: AtomicPtr<Runtime> = AtomicPtr::new(ptr::null_mut());
/// The same, if its reference counts may be changed in place and the fast paths are open; otherwise null.
static COUNTED: AtomicPtr<Runtime> = AtomicPtr::new(ptr::null_mut());
/// Whether `audit` records every view.
static WATCHED: AtomicBool = AtomicBool::new(false);

/// The current world, for questions about it. If it is the standalone one, it is not final.
#[inline]
pub fn current() -> &'static Runtime {
    settled().unwrap_or_else(search)
}

/// The final world, for functions that are given an object of it.
#[inline]
pub fn for_objects() -> &'static Runtime {
    settled().unwrap_or_else(settle_with_object)
}

/// The final world, for functions that raise an error or make an object in it.
pub fn for_good() -> &'static Runtime {
    settled().unwrap_or_else(|| settle(search()))
}

/// Makes a world final because an object was passed in before anything had decided which world it is.
///
/// A standalone object would have come from `PyObject_New` or have a type that went through `PyType_Ready`,
/// and both settle the world. Therefore, if a libpython was loaded with `RTLD_LOCAL`, the object is that one's.
#[cold]
#[inline(never)]
fn settle_with_object() -> &'static Runtime {
    settle(cpython::find().or_else(cpython::find_private).unwrap_or(&standalone::RUNTIME))
}

/// Searches for a libpython, whose world then becomes final; the standalone world if there is none.
#[cold]
fn search() -> &'static Runtime {
    cpython::find().map_or(&standalone::RUNTIME, settle)
}

/// The world if it is final already.
#[inline]
fn settled() -> Option<&'static Runtime> {
    // SAFETY: null, or a table that is never changed or freed after it was stored.
    unsafe { CURRENT.load(Ordering::Acquire).as_ref() }
}

/// Whether the audit records the views of this process. If it does, `settled_plain` and `settled_counted`
/// return `None`, so that the hot paths need no test of their own.
#[inline]
pub fn is_watched() -> bool {
    WATCHED.load(Ordering::Relaxed)
}

/// The world if it is final, its objects have the plain layout, as in most builds of CPython, and the audit is
/// off. The hot paths test this, and leave all other cases to the slow ones. The layout's offsets are constants
/// there, which saves `PyObject_GetBuffer` and `PyBuffer_Release` two loads each (0.5 ns of 9; Xeon, `calls`).
#[inline]
pub fn settled_plain() -> Option<&'static Runtime> {
    // SAFETY: as for `settled`.
    unsafe { PLAIN.load(Ordering::Acquire).as_ref() }
}

/// As [`settled_plain`], if in addition references may be dropped by [`Runtime::lower`].
#[inline]
pub fn settled_counted() -> Option<&'static Runtime> {
    // SAFETY: as for `settled`.
    unsafe { COUNTED.load(Ordering::Acquire).as_ref() }
}

/// Makes `runtime` the final world, unless there is one already. Returns the one that is final.
fn settle(runtime: &'static Runtime) -> &'static Runtime {
    if copies::settle(environment::audit().is_some()) {
        WATCHED.store(true, Ordering::Relaxed);
    }
    if runtime.is_hosted() {
        fresh::allow();
    }
    let new = ptr::from_ref(runtime).cast_mut();
    let stored =
        CURRENT.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire);
    let settled = match stored {
        Ok(_) => runtime,
        // SAFETY: another thread stored a table that is never changed or freed.
        Err(other) => unsafe { other.as_ref() }.unwrap_or(runtime),
    };
    // With a libpython that is not served, the fast paths stay closed; the slow ones call its own functions.
    let is_fast = !is_watched() && !unserved::is_here();
    if settled.layout.is_plain() && is_fast {
        PLAIN.store(ptr::from_ref(settled).cast_mut(), Ordering::Release);
    }
    if settled.counts_are_plain && is_fast {
        COUNTED.store(ptr::from_ref(settled).cast_mut(), Ordering::Release);
    }
    settled
}

/// Makes the libpython behind a handle from `dlopen` the world. Returns whether the world is hosted.
///
/// # Safety
/// * HANDLE: `handle` came from `dlopen` and stays open.
pub unsafe fn attach(handle: *mut c_void) -> bool {
    if let Some(settled) = settled() {
        return settled.is_hosted();
    }
    // SAFETY: an open handle (caller: HANDLE).
    unsafe { cpython::find_in(handle) }.is_some_and(|found| settle(found).is_hosted())
}
