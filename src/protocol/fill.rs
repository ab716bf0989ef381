//! Filling a view of plain bytes, on behalf of a simple exporter.

use core::ffi::{c_int, c_void};

use super::get::{BAD_CALL, are_access_mode};
use crate::abi::{Py_buffer, Py_ssize_t, PyObject};
use crate::error::{Kind, Raised};
use crate::runtime::{self, raised_text, unserved, watch};
use crate::view::plain::{self, Refusal};

/// Fills `view` with `len` bytes at `buf`, as far as `flags` ask for it. The view gets a reference
/// to `obj` of its own; its shape and strides point into itself.
///
/// # Safety
/// * VIEW: `view` is null or writable.
/// * OBJECT: `obj` is null or an object that the thread may use.
pub unsafe fn fill_info(
    view: *mut Py_buffer,
    obj: *mut PyObject,
    buf: *mut c_void,
    len: Py_ssize_t,
    readonly: c_int,
    flags: c_int,
) -> Result<(), Raised> {
    let plain = runtime::settled_plain();
    // Refusals are left to the slow path too: a libpython that is not served raises its own errors.
    if view.is_null()
        || are_access_mode(flags)
        || plain.is_none() && !obj.is_null()
        || plain::is_refused(readonly, flags)
    {
        // SAFETY: the same view and object (caller: VIEW, OBJECT).
        return unsafe { fill_slowly(view, obj, buf, len, readonly, flags) };
    }
    // SAFETY: not null, so writable (caller: VIEW).
    unsafe { plain::fill(view, obj, buf, len, readonly, flags) }.map_err(raised)?;
    if let Some(runtime) = plain.filter(|_| !obj.is_null()) {
        // SAFETY: `obj` is an object (caller: OBJECT).
        unsafe { runtime.incref(obj) };
    }
    Ok(())
}

/// As [`fill_info`], for what its fast path does not cover: an unsettled world, an object layout other than the
/// usual one, the audit, a libpython that is not served, and refusals.
///
/// # Safety
/// * VIEW, OBJECT: as for [`fill_info`].
#[cold]
#[inline(never)]
unsafe fn fill_slowly(
    view: *mut Py_buffer,
    obj: *mut PyObject,
    buf: *mut c_void,
    len: Py_ssize_t,
    readonly: c_int,
    flags: c_int,
) -> Result<(), Raised> {
    if !obj.is_null() {
        runtime::for_objects();
    }
    if unserved::is_here() {
        // SAFETY: the same view and object (caller: VIEW, OBJECT).
        let filled = unsafe { unserved::PyBuffer_FillInfo(view, obj, buf, len, readonly, flags) };
        return if filled < 0 { Err(Raised) } else { Ok(()) };
    }
    if view.is_null() {
        return Err(raised(&plain::NULL_VIEW));
    }
    if are_access_mode(flags) && runtime::current().refuses_access_modes() {
        return Err(raised_text(Kind::System, BAD_CALL));
    }
    // SAFETY: not null, so writable (caller: VIEW).
    let fill = || unsafe { plain::fill(view, obj, buf, len, readonly, flags) }.map_err(raised);
    if obj.is_null() || plain::is_refused(readonly, flags) {
        return fill();
    }
    // SAFETY: `obj` is an object (caller: OBJECT).
    unsafe { runtime::for_objects().incref(obj) };
    // SAFETY: as above.
    unsafe { watch::fill(view, fill) }
}

#[cold]
#[inline(never)]
fn raised(&Refusal(kind, text): &Refusal) -> Raised {
    raised_text(kind, text)
}
