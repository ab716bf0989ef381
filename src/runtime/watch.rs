//! Asking an exporter by its slot and giving its views back, before the eyes of the audit.
//!
//! `protocol`, the checker and the memoryviews of the standalone world go this way; who keeps the ledger, they
//! need not know.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr;

use super::Runtime;
use super::copies::{Answer, Ledger, ledger};
use super::views::release;
use crate::abi::{Py_buffer, PyObject, getbufferproc};
use crate::error::{Error, Kind, Text};

/// Asks `obj` for a view by its slot: what it answers, or the error that is to be raised instead. `caller` is
/// where whoever called the library goes on; null for the library itself.
///
/// # Safety
/// An object of this world that the thread may use, and its type's slot; `view` is null, if the slot takes
/// that, or writable.
pub unsafe fn ask(
    runtime: &Runtime,
    getbuffer: getbufferproc,
    obj: *mut PyObject,
    view: *mut Py_buffer,
    flags: c_int,
    caller: *const c_void,
) -> Result<c_int, Error> {
    let Some(ledger) = ledger() else {
        // SAFETY: the caller's promise.
        return Ok(unsafe { getbuffer(obj, view, flags) });
    };
    let mut obj_before = ptr::null_mut();
    if !view.is_null() {
        // SAFETY: writable (caller).
        obj_before = unsafe { (*view).obj };
        // SAFETY: as above.
        unsafe { (ledger.is_emptied)(view) };
    }
    let had_error = (!runtime.error().is_null()).into();
    // SAFETY: the caller's promise.
    let result = unsafe { getbuffer(obj, view, flags) };
    let answer = Answer {
        obj,
        view,
        obj_before,
        caller,
        flags,
        result,
        had_error,
        has_error: (!runtime.error().is_null()).into(),
        can_raise: runtime.can_raise().into(),
        text: ptr::null_mut(),
        text_size: 0,
    };
    // SAFETY: an exporter's answer.
    let judged = unsafe { judge(runtime, ledger, answer) };
    if judged.is_err() && result == 0 && !view.is_null() {
        // SAFETY: filled just now, and not moved.
        unsafe { release::<false>(runtime, view) };
    }
    judged.map(|()| result)
}

/// Has an answer judged. An error is to be raised in its place.
///
/// # Safety
/// The exporter was asked just now, and answered so.
#[inline(never)]
unsafe fn judge(runtime: &Runtime, ledger: &Ledger, mut answer: Answer) -> Result<(), Error> {
    let mut text = MaybeUninit::<[c_char; 640]>::uninit();
    (answer.text, answer.text_size) = (text.as_mut_ptr().cast(), size_of_val(&text));
    // SAFETY: the caller's promise is the callee's.
    if unsafe { (ledger.judge)(&raw const answer) } == 0 {
        return Ok(());
    }
    // SAFETY: the ledger has written a C string.
    let text = Text::from_c_str(unsafe { CStr::from_ptr(text.as_ptr().cast()) });
    // The exporter's own exception tells why it failed.
    let is_raised = runtime.raise_from_pending(Kind::System, &text);
    Err(if is_raised { Error::Raised } else { Error::Text(Kind::System, text) })
}

/// Gives a view back, as [`release`].
///
/// # Safety
/// As for [`release`].
pub unsafe fn give_back(runtime: &Runtime, view: *mut Py_buffer, caller: *const c_void) {
    if let Some(ledger) = ledger() {
        // SAFETY: a view (caller).
        unsafe { (ledger.is_given_back)(view, caller) };
    }
    // SAFETY: the caller's promise is the callee's.
    unsafe { release::<false>(runtime, view) };
}

/// Asks by the slot for a view that is not to be judged, only to be given back by [`give_back`].
///
/// # Safety
/// As for [`ask`], with a view that is not null.
pub unsafe fn ask_unjudged(
    getbuffer: getbufferproc,
    obj: *mut PyObject,
    view: *mut Py_buffer,
    flags: c_int,
) -> c_int {
    let ledger = ledger();
    if let Some(ledger) = ledger {
        // SAFETY: writable (caller).
        unsafe { (ledger.is_emptied)(view) };
    }
    // SAFETY: the caller's promise.
    let result = unsafe { getbuffer(obj, view, flags) };
    if let Some(ledger) = ledger.filter(|_| result == 0) {
        // SAFETY: filled just now.
        unsafe { (ledger.is_filled)(view) };
    }
    result
}

/// Tells of a view that the library itself is filling.
///
/// # Safety
/// `view` is writable; `fill` fills it.
pub unsafe fn fill<R>(view: *mut Py_buffer, fill: impl FnOnce() -> R) -> R {
    let Some(ledger) = ledger() else { return fill() };
    // SAFETY: writable (caller).
    unsafe { (ledger.is_emptied)(view) };
    let result = fill();
    // SAFETY: filled just now.
    unsafe { (ledger.is_filled)(view) };
    result
}
