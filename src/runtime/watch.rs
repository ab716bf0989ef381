//! Requests and releases views, and reports them to the audit if it is on.
//!
//! `protocol`, the checker and the standalone world's memoryviews use these functions, and need not know which
//! copy of the library keeps the ledger.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr;

use super::Runtime;
use super::copies::{Answer, Ledger, ledger};
use super::views;
use crate::abi::{Py_buffer, PyObject, getbufferproc, pybuffer_holder};
use crate::error::{Error, Kind, Text};

/// Requests a view of `obj` from its slot. Returns the slot's result, or an error to be raised if the audit finds
/// fault with the answer. `caller` is the return address of the call into the library; null if the library itself
/// makes the request.
///
/// # Safety
/// * OBJECT: `obj` is an object of this world that the thread may use, and `getbuffer` is its type's slot.
/// * VIEW: `view` is writable, or null if the slot accepts that.
pub unsafe fn acquire(
    runtime: &Runtime,
    getbuffer: getbufferproc,
    obj: *mut PyObject,
    view: *mut Py_buffer,
    flags: c_int,
    caller: *const c_void,
) -> Result<c_int, Error> {
    let Some(ledger) = ledger() else {
        // SAFETY: the slot of the object's own type, for this object and view (caller: OBJECT, VIEW).
        return Ok(unsafe { getbuffer(obj, view, flags) });
    };
    let mut obj_before = ptr::null_mut();
    if !view.is_null() {
        // SAFETY: not null, so a `Py_buffer` (caller: VIEW).
        obj_before = unsafe { (*view).obj };
        // SAFETY: as above.
        unsafe { (ledger.before_fill)(view) };
    }
    let had_error = (!runtime.error().is_null()).into();
    // SAFETY: the slot of the object's own type, for this object and view (caller: OBJECT, VIEW).
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
        can_raise: runtime.is_attached().into(),
        text: ptr::null_mut(),
        text_size: 0,
    };
    // SAFETY: the answer to this request.
    let judged = unsafe { judge(runtime, ledger, answer) };
    if judged.is_err() && result == 0 && !view.is_null() {
        // SAFETY: the exporter has just filled it.
        unsafe { views::release::<false>(runtime, view) };
    }
    judged.map(|()| result)
}

/// Has the ledger judge an answer. Returns the error to be raised instead of it, if any.
///
/// # Safety
/// * ANSWER: it describes the request that the exporter has just answered.
#[inline(never)]
unsafe fn judge(runtime: &Runtime, ledger: &Ledger, mut answer: Answer) -> Result<(), Error> {
    let mut text = MaybeUninit::<[c_char; 640]>::uninit();
    (answer.text, answer.text_size) = (text.as_mut_ptr().cast(), size_of_val(&text));
    // SAFETY: a request just answered (caller: ANSWER), and a buffer for the text.
    if unsafe { (ledger.judge)(&raw const answer) } == 0 {
        return Ok(());
    }
    // SAFETY: the ledger has written a C string.
    let text = Text::from_c_str(unsafe { CStr::from_ptr(text.as_ptr().cast()) });
    // The exporter's own exception becomes the cause of the new one.
    let is_raised = runtime.raise_from_pending(Kind::System, &text);
    Err(if is_raised { Error::Raised } else { Error::Text(Kind::System, text) })
}

/// Releases a view, as [`views::release`]. `caller` is as for [`acquire`].
///
/// # Safety
/// * VIEW: as for [`views::release`].
pub unsafe fn release(runtime: &Runtime, view: *mut Py_buffer, caller: *const c_void) {
    if let Some(ledger) = ledger() {
        // SAFETY: a view (caller: VIEW).
        unsafe { (ledger.before_release)(view, caller) };
    }
    // SAFETY: the same view (caller: VIEW).
    unsafe { views::release::<false>(runtime, view) };
}

/// As [`acquire`], but the ledger only records the view and does not judge the answer. [`release`] releases it.
///
/// # Safety
/// * OBJECT: as for [`acquire`].
/// * VIEW: `view` is writable.
pub unsafe fn acquire_unjudged(
    getbuffer: getbufferproc,
    obj: *mut PyObject,
    view: *mut Py_buffer,
    flags: c_int,
) -> c_int {
    let ledger = ledger();
    if let Some(ledger) = ledger {
        // SAFETY: writable (caller: VIEW).
        unsafe { (ledger.before_fill)(view) };
    }
    // SAFETY: the slot of the object's own type, for this object and view (caller: OBJECT, VIEW).
    let result = unsafe { getbuffer(obj, view, flags) };
    if let Some(ledger) = ledger.filter(|_| result == 0) {
        // SAFETY: the exporter has just filled it.
        unsafe { (ledger.after_fill)(view) };
    }
    result
}

/// Calls `fill`, by which the library itself fills a view, and reports the view.
///
/// # Safety
/// * VIEW: `view` is writable, and `fill` fills it.
pub unsafe fn fill<R>(view: *mut Py_buffer, fill: impl FnOnce() -> R) -> R {
    let Some(ledger) = ledger() else { return fill() };
    // SAFETY: writable (caller: VIEW).
    unsafe { (ledger.before_fill)(view) };
    let result = fill();
    // SAFETY: `fill` has just filled it (caller: VIEW).
    unsafe { (ledger.after_fill)(view) };
    result
}

/// Describes who holds views of `obj`, and of the object that it shows if it is a memoryview; or of every object if it is
/// null. Writes the first `room` entries, and returns how many there are.
///
/// # Safety
/// * OBJECT: `obj` is null, or an object of this world that the thread may use.
/// * ROOM: `room` entries are writable at `holders`.
pub unsafe fn holders(
    obj: *mut PyObject,
    holders: *mut pybuffer_holder,
    room: usize,
) -> Result<isize, Error> {
    let runtime = super::for_objects();
    let Some(ledger) = ledger() else { return Err(Error::Fixed(Kind::Runtime, OFF)) };
    // SAFETY: an object (caller: OBJECT).
    let shown = if obj.is_null() { obj } else { unsafe { runtime.shown_by(obj) } };
    // SAFETY: so many entries are writable (caller: ROOM).
    let n = unsafe { (ledger.holders)(obj, shown, holders, room) };
    if n < 0 { Err(Error::NoMemory) } else { Ok(n) }
}

/// Has the audit tell findings again that it told before. Returns 2 if it hears the interpreter's own calls, 1 if not, and 0
/// if it is off.
pub fn retell() -> c_int {
    super::for_objects();
    ledger().map_or(0, |ledger| (ledger.retell)())
}

const OFF: &CStr = c"the audit is off, so no view was recorded: start the program with PYBUFFER_AUDIT=warn in its \
                     environment, or by pybuffer-run --audit";
