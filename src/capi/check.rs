//! `pybuffer_*`: what is wrong with a view or an exporter, and where its items are.

use core::ffi::{c_char, c_int, c_void};
use core::ptr;
use core::slice;

use super::{null_argument, null_argument_if_known};
use crate::abi::{Py_buffer, Py_ssize_t, PyObject, pybuffer_report, pybuffer_rule};
use crate::check::{self, report, text::Writer};
use crate::layout::verify::{self, Block};
use crate::protocol;
use crate::runtime;
use crate::view::{Fields, pointer};

/// Whether an array lies within a block of memory. This is `verify_structure` of the documentation of the
/// buffer protocol.
///
/// The block has `memlen` bytes, and the first item begins at its byte `offset`. Every item of `itemsize`
/// bytes that `shape[ndim]` and `strides[ndim]` reach must lie in the block. `offset` and the strides must be
/// multiples of `itemsize`. Sums are exact, however large.
///
/// Returns 1 or 0, and never sets an error. With `ndim` 0 both arrays must be NULL, otherwise neither. The
/// result is 0 if `itemsize` is 0, by which the documentation's Python code would divide.
///
/// # Safety
/// `shape` and `strides` are NULL or have `ndim` entries. Needs no GIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_verify_structure(
    memlen: Py_ssize_t,
    itemsize: Py_ssize_t,
    ndim: c_int,
    shape: *const Py_ssize_t,
    strides: *const Py_ssize_t,
    offset: Py_ssize_t,
) -> c_int {
    let block = Block { len: memlen, offset };
    let ndim = match usize::try_from(ndim) {
        Ok(0) => {
            let is_bare = shape.is_null() && strides.is_null();
            return (is_bare && verify::item_lies_within(block, itemsize)).into();
        }
        Ok(ndim) if !shape.is_null() && !strides.is_null() => ndim,
        _ => return 0,
    };
    // SAFETY: `ndim` entries (caller).
    let shape = unsafe { slice::from_raw_parts(shape, ndim) };
    // SAFETY: as above.
    let strides = unsafe { slice::from_raw_parts(strides, ndim) };
    verify::lies_within(block, itemsize, shape, strides).into()
}

/// The address of the item at `indices[ndim]` of an array whose first item is at `buf`. This is
/// `get_item_pointer` of the documentation of the buffer protocol.
///
/// Along each dimension the index times the stride is added; if the suboffset is not negative, the pointer
/// at that address is then followed, and the suboffset added to it. `suboffsets` may be NULL: no pointer is
/// followed. The indices are not compared with any shape.
///
/// Returns the address, or NULL with `SystemError` set if `strides` or `indices` is NULL and `ndim` is
/// greater than 0.
///
/// # Safety
/// The arrays, where not NULL, have `ndim` entries; a pointer is readable wherever one is followed.
/// Needs no GIL, except to set the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_get_item_pointer(
    ndim: c_int,
    buf: *mut c_void,
    strides: *const Py_ssize_t,
    suboffsets: *const Py_ssize_t,
    indices: *const Py_ssize_t,
) -> *mut c_void {
    if ndim <= 0 {
        return buf;
    }
    if strides.is_null() || indices.is_null() {
        null_argument_if_known();
        return ptr::null_mut();
    }
    let view = Py_buffer {
        buf,
        ndim,
        strides: strides.cast_mut(),
        suboffsets: suboffsets.cast_mut(),
        ..protocol::get::EMPTY
    };
    // SAFETY: the arrays have `ndim` entries (caller).
    let fields = unsafe { Fields::new(&view) };
    // SAFETY: as above.
    let indices = unsafe { slice::from_raw_parts(indices, fields.ndim()) };
    // SAFETY: a pointer is readable wherever one is followed (caller).
    unsafe { pointer::locate(&view, fields, &[], indices) }.cast()
}

/// `PyBuffer_GetPointer`, with the indices compared with the shape.
///
/// If the shape is NULL and `ndim` is 1, there are `len / itemsize` items.
///
/// Returns the address, or NULL with an error set: `IndexError` if an index is negative or not below its
/// extent (the text names the dimension, the index and the extent); `ValueError` if `ndim` is negative, or if
/// the shape is NULL and `ndim > 1`; `SystemError` if `view` is NULL, or `indices` is NULL and `ndim >= 1`.
///
/// # Safety
/// `view` is NULL or a view that is held, whose arrays, where not NULL, have `ndim` entries; `indices` is
/// NULL or has `ndim` entries. Needs no GIL, except to set the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_get_pointer_checked(
    view: *const Py_buffer,
    indices: *const Py_ssize_t,
) -> *mut c_void {
    // SAFETY: null or a view (caller).
    let Some(view) = (unsafe { view.as_ref() }).filter(|view| view.ndim <= 0 || !indices.is_null())
    else {
        null_argument_if_known();
        return ptr::null_mut();
    };
    // SAFETY: the view is held, and its arrays and `indices` have `ndim` entries (caller).
    match unsafe { pointer::checked(view, indices) } {
        Ok(pointer) => pointer.cast(),
        Err(error) => {
            runtime::raise_if_known(&error);
            ptr::null_mut()
        }
    }
}

/// Checks a view that `PyObject_GetBuffer` filled for the request `flags`: whether its fields are what the
/// buffer protocol asks for, and agree with each other. The view is not changed, and no item is read.
///
/// `report` is overwritten, and never needs to be freed. `docs/rules.md` lists the rules. A view that was made
/// without an exporter breaks the rule `obj`.
///
/// Returns `report->n_violations`, the number of findings that break a MUST (each field and each dimension
/// counts); or -1 with `SystemError` set if an argument is NULL.
///
/// # Safety
/// `view` is NULL or a view whose arrays, where not NULL, have `ndim` entries, and whose format is NULL or
/// a C string; `report` is NULL or writable. Needs the GIL only if `view->obj` is not NULL, and to set the
/// error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_check_view(
    view: *const Py_buffer,
    flags: c_int,
    report: *mut pybuffer_report,
) -> c_int {
    // SAFETY: null or a view (caller).
    let Some(view) = (unsafe { view.as_ref() }).filter(|_| !report.is_null()) else {
        return null_argument_if_known();
    };
    // SAFETY: writable (caller).
    let report = unsafe { report::clear(report) };
    // SAFETY: the view's arrays have `ndim` entries, its format is NULL or a C string, and its `obj` NULL or an
    // object (caller).
    unsafe { report::one_view(view, flags, report) };
    report.n_violations
}

/// Checks an exporter: sends `obj` every request that the buffer protocol knows (shape, strides, suboffsets,
/// contiguity, writable memory and format, in all combinations), each twice, and checks each answer, and all
/// answers against each other. Every view is released, every exception is cleared, and the reference counts
/// are as before.
///
/// An exporter that meets no request breaks a MUST; `report->raised` is then what the first request raised. For
/// that text, and for that of a refusal other than `BufferError`, `str()` of the exception is called, which may
/// run Python code, as the exporter itself may.
///
/// `report` is overwritten, and never needs to be freed. `docs/rules.md` lists the rules. An exporter that
/// hands out wild pointers may crash the check, as it may crash its consumers.
///
/// Returns `report->n_violations`, the number of findings that break a MUST (each field and each dimension
/// counts; findings for which there was no room, `report->n_dropped`, do not); or -1 with an error set:
/// `TypeError` if `obj` is no exporter; `SystemError` if an argument is NULL; or the error that was already
/// pending.
///
/// # Safety
/// `obj` is NULL or an object; `report` is NULL or writable. In a process with Python the caller holds the
/// GIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_check_exporter(
    obj: *mut PyObject,
    report: *mut pybuffer_report,
) -> c_int {
    if obj.is_null() || report.is_null() {
        return null_argument();
    }
    // SAFETY: writable (caller).
    let report = unsafe { report::clear(report) };
    // SAFETY: an object that the thread may use (caller).
    match unsafe { check::exporter::check(obj, report) } {
        Ok(()) => report.n_violations,
        Err(error) => runtime::status(Err(error)),
    }
}

/// Checks an exporter while other threads use it: to be called by several threads at the same time, each with a
/// `report` of its own. The library starts no threads.
///
/// Each call sends every request `n_rounds` times, as `pybuffer_check_exporter` does once. What goes wrong breaks the
/// rule `threads`: fields that change, a request that is refused now and was met before, an exception that a release
/// leaves. Findings of rules that the exporter breaks without threads, too, are left out: `alone` is NULL, or what
/// `pybuffer_check_exporter` reported before. References are not counted, as other threads change them. When the
/// threads have ended, compare their number with that from before, test whether the exporter still counts views
/// (whether it can be resized), and check it once more.
///
/// In a python with a GIL, a thread holds it during a call, so only an exporter that gives it up, or is written in
/// Python, is used by several threads at once.
///
/// Returns `report->n_violations`; or -1 with an error set, as `pybuffer_check_exporter`.
///
/// # Safety
/// As for `pybuffer_check_exporter`, which found that the exporter breaks neither the rule `obj` nor `references`: it
/// could be deallocated here. `alone` is NULL or a report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_check_among_threads(
    obj: *mut PyObject,
    n_rounds: c_int,
    alone: *const pybuffer_report,
    report: *mut pybuffer_report,
) -> c_int {
    if obj.is_null() || report.is_null() {
        return null_argument();
    }
    // SAFETY: writable (caller).
    let report = unsafe { report::clear(report) };
    // SAFETY: null or a report (caller).
    let alone = unsafe { alone.as_ref() };
    // SAFETY: an object that the thread may use (caller).
    match unsafe { check::exporter::check_among_threads(obj, n_rounds, alone, report) } {
        Ok(()) => report.n_violations,
        Err(error) => runtime::status(Err(error)),
    }
}

/// Writes a report as text for people.
///
/// If no request was met, the first line says what was raised. Then come a summary and, for each finding, the
/// rule that is broken, the request, what was found and expected, and what to do. Violations come first.
///
/// As `snprintf`: at most `size` bytes are written to `text`, the last of them a NUL; nothing if `size` is 0,
/// and then `text` may be NULL.
///
/// Returns the length of the whole text without its NUL: the text was cut if that is `size` or more. Returns 0
/// if `report` is NULL.
///
/// # Safety
/// `report` is NULL or was filled by a check; `text` has `size` writable bytes. Needs no GIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_report_format(
    report: *const pybuffer_report,
    text: *mut c_char,
    size: usize,
) -> usize {
    // SAFETY: null or a report (caller).
    let Some(report) = (unsafe { report.as_ref() }) else { return 0 };
    let text = if size == 0 || text.is_null() {
        &mut []
    } else {
        // SAFETY: `size` bytes (caller).
        unsafe { slice::from_raw_parts_mut(text, size) }
    };
    let mut out = Writer::new(text);
    report.write(&mut out);
    out.len
}

/// Describes the rule number `id`, counted from 1: its severity, what it asks, where the documentation says
/// so, and what to do. The texts are never freed.
///
/// Returns 0; or -1, with no error set, if there is no such rule or `rule` is NULL.
///
/// # Safety
/// `rule` is NULL or writable. Needs no GIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_rule_describe(id: c_int, rule: *mut pybuffer_rule) -> c_int {
    let known = usize::try_from(id).ok().and_then(check::Rule::by_number);
    let Some(known) = known.filter(|_| !rule.is_null()) else { return -1 };
    // SAFETY: writable (caller).
    unsafe { rule.write(report::describe(known)) };
    0
}
