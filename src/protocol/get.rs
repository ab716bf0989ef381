//! Asking an exporter for a view, and giving it back.

use core::ffi::c_int;
use core::ptr;

use crate::abi::{Py_buffer, PyBUF_READ, PyBUF_WRITE, PyObject, releasebufferproc};
use crate::error::{Error, Kind};
use crate::runtime::layout::ObjectLayout;
use crate::runtime::{self, Runtime};

/// `bad argument to internal function`, as libpython says it, without its file and line.
pub const BAD_CALL: Error = Error::Fixed(Kind::System, c"bad argument to internal function");

/// Whether `flags` are a memoryview's access mode, which CPython refuses as a request since 3.13.
pub fn are_access_mode(flags: c_int) -> bool {
    flags == PyBUF_READ || flags == PyBUF_WRITE
}

/// Whether the type of `obj` exports buffers.
///
/// # Safety
/// `obj` is an object of this layout.
#[inline]
pub unsafe fn is_exporter(layout: ObjectLayout, obj: *mut PyObject) -> bool {
    // SAFETY: the caller's promise is the callee's.
    unsafe { layout.slots_of(obj) }.is_some_and(|slots| slots.bf_getbuffer.is_some())
}

/// Why an object was not asked. Small, so that asking needs no room for an error's text.
#[derive(Clone, Copy)]
pub enum Refusal {
    /// The flags are an access mode.
    AccessMode,
    /// There is no object, or no view for a memoryview to fill.
    Null,
    /// The object has no slot that can be called.
    NoExporter,
}

/// Asks `obj` of a world, whose objects have a layout, for a view. What it answers goes to `answered` unchanged; if it is not asked, why not goes
/// to `refused`. (Two ways on instead of a result, so that the exported function is left by a jump into
/// the exporter's slot: 1 ns of 9.)
///
/// # Safety
/// `obj` is null or an object of this process's world, and the thread may use it; `view` is null or
/// writable.
#[inline(always)]
pub unsafe fn get_buffer<R>(
    runtime: &Runtime,
    layout: ObjectLayout,
    obj: *mut PyObject,
    view: *mut Py_buffer,
    flags: c_int,
    answered: impl FnOnce(c_int) -> R,
    refused: impl FnOnce(Refusal) -> R,
) -> R {
    if are_access_mode(flags) && runtime.refuses_access_modes() {
        return refused(Refusal::AccessMode);
    }
    if obj.is_null() {
        return refused(Refusal::Null);
    }
    // SAFETY: `obj` is an object (caller).
    let Some(getbuffer) = unsafe { layout.slots_of(obj) }.and_then(|slots| slots.bf_getbuffer)
    else {
        return refused(Refusal::NoExporter);
    };
    // SAFETY: as above.
    if view.is_null() && unsafe { runtime.is_memoryview(obj) } {
        return refused(Refusal::Null);
    }
    // SAFETY: this is the slot of the object's own type; the rest is the caller's promise.
    answered(unsafe { getbuffer(obj, view, flags) })
}

/// As [`get_buffer`], for callers within the library.
///
/// # Safety
/// As for [`get_buffer`].
#[inline(never)]
pub unsafe fn ask(obj: *mut PyObject, view: *mut Py_buffer, flags: c_int) -> Result<c_int, Error> {
    // SAFETY: the caller's promise is the callees'; `explain` gets the object that was not asked.
    let refused = |refusal| Err(unsafe { explain(refusal, obj) });
    let runtime = runtime::for_objects();
    // SAFETY: as above.
    unsafe { get_buffer(runtime, runtime.layout(), obj, view, flags, Ok, refused) }
}

/// The error of a refusal.
///
/// # Safety
/// `obj` is the object that was not asked.
#[cold]
pub unsafe fn explain(refusal: Refusal, obj: *mut PyObject) -> Error {
    match refusal {
        Refusal::AccessMode => BAD_CALL,
        Refusal::Null => Error::NullArgument,
        Refusal::NoExporter => Error::TypeName(
            c"a bytes-like object is required, not '%.100s'",
            // SAFETY: an object (caller).
            unsafe { runtime::for_objects().type_name_of(obj) },
        ),
    }
}

/// Gives a view back: calls `bf_releasebuffer`, clears `view.obj`, drops the reference, in this
/// order. Does nothing if `view.obj` is null.
///
/// # Safety
/// `view` was filled by an exporter, has not moved, and may be given back by this thread.
#[inline]
pub unsafe fn release(runtime: &Runtime, layout: ObjectLayout, view: *mut Py_buffer) {
    // SAFETY: a view (caller). No reference to it is kept, as the exporter may have one of its own.
    let obj = unsafe { (*view).obj };
    if obj.is_null() {
        return;
    }
    // SAFETY: an exporter put an object there (caller).
    match unsafe { layout.slots_of(obj) }.and_then(|slots| slots.bf_releasebuffer) {
        None => {
            // SAFETY: as above.
            unsafe { (*view).obj = ptr::null_mut() };
            // SAFETY: the view owned this reference.
            unsafe { runtime.decref(obj) };
        }
        // SAFETY: the slot of the object's own type.
        Some(releasebuffer) => unsafe { release_by(runtime, releasebuffer, view) },
    }
}

/// As [`release`], for an exporter that takes its views back.
///
/// # Safety
/// As for [`release`]; `releasebuffer` is the slot of the view's object.
#[inline(never)]
unsafe fn release_by(runtime: &Runtime, releasebuffer: releasebufferproc, view: *mut Py_buffer) {
    // SAFETY: a view (caller).
    let obj = unsafe { (*view).obj };
    // SAFETY: the slot of the object's own type, with the view that its other slot filled.
    unsafe { releasebuffer(obj, view) };
    // SAFETY: as above.
    unsafe { (*view).obj = ptr::null_mut() };
    // SAFETY: the view owned this reference.
    unsafe { runtime.decref(obj) };
}

/// As [`release`], for callers within the library: not once more in line.
///
/// # Safety
/// As for [`release`].
#[inline(never)]
pub unsafe fn give_back(view: *mut Py_buffer) {
    let runtime = runtime::for_objects();
    // SAFETY: the caller's promise is the callee's.
    unsafe { release(runtime, runtime.layout(), view) };
}

/// Calls `work` with a view of `obj`, and gives the view back.
///
/// # Safety
/// As for [`get_buffer`]; what `work` does with the view is up to it.
pub unsafe fn with_view<R>(
    obj: *mut PyObject,
    flags: c_int,
    work: impl FnOnce(&Py_buffer) -> Result<R, Error>,
) -> Result<R, Error> {
    // A view may point into itself, so it stays where it is until it is released.
    let mut view = EMPTY;
    // SAFETY: the caller's promise is the callee's.
    if unsafe { ask(obj, &raw mut view, flags) }? != 0 {
        return Err(Error::Raised);
    }
    let result = work(&view);
    // SAFETY: filled above, not moved, and given back once.
    unsafe { give_back(&raw mut view) };
    result
}

/// A view before it is filled.
pub const EMPTY: Py_buffer = Py_buffer {
    buf: ptr::null_mut(),
    obj: ptr::null_mut(),
    len: 0,
    itemsize: 0,
    readonly: 0,
    ndim: 0,
    format: ptr::null_mut(),
    shape: ptr::null_mut(),
    strides: ptr::null_mut(),
    suboffsets: ptr::null_mut(),
    internal: ptr::null_mut(),
};
