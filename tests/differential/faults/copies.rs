//! Wrong copies.

// SAFETY, for all of the following: the callers are the families, whose arguments fit libpython's
// functions of the same signature, and each of these passes on what it was given.

use std::ffi::{c_char, c_int, c_void};

use super::super::api::{Py_buffer, flags};
use super::super::host::{Host, PyObject};
use super::super::model::{self, right};

pub unsafe extern "C" fn from_contiguous_unknown_is_fortran(
    view: *const Py_buffer,
    buf: *const c_void,
    len: isize,
    order: c_char,
) -> c_int {
    let order = if b"CA".contains(&(order as u8)) { order } else { b'F' as c_char };
    unsafe { model::from_contiguous(view, buf, len, order) }
}

pub unsafe extern "C" fn from_contiguous_needs_all(
    view: *const Py_buffer,
    buf: *const c_void,
    len: isize,
    order: c_char,
) -> c_int {
    let whole = unsafe { (*view).itemsize }.max(1);
    unsafe { model::from_contiguous(view, buf, len / whole * whole, order) }
}

pub unsafe extern "C" fn from_contiguous_backwards(
    view: *const Py_buffer,
    buf: *const c_void,
    len: isize,
    order: c_char,
) -> c_int {
    let itemsize = unsafe { (*view).itemsize };
    unsafe { model::from_contiguous(view, buf, len, order) };
    if itemsize > 0 && len > itemsize {
        // The first item once more, after all the others.
        unsafe { model::from_contiguous(view, buf, itemsize, order) };
    }
    0
}

pub unsafe extern "C" fn to_contiguous_unknown_is_c(
    buf: *mut c_void,
    view: *const Py_buffer,
    len: isize,
    order: c_char,
) -> c_int {
    let order = if order as u8 == b'F' { order } else { b'C' as c_char };
    unsafe { model::to_contiguous(buf, view, len, order) }
}

pub unsafe extern "C" fn to_contiguous_writes_behind(
    buf: *mut c_void,
    view: *const Py_buffer,
    len: isize,
    order: c_char,
) -> c_int {
    let end = buf.cast::<u8>().wrapping_offset(len);
    // The last bytes before a page belong to nobody else; there it would crash, as it should.
    if len > 0 && len == unsafe { (*view).len } && !(end as usize).is_multiple_of(4096) {
        unsafe { end.write(0) };
    }
    unsafe { (right().to_contiguous)(buf, view, len, order) }
}

pub unsafe extern "C" fn to_contiguous_writes_before(
    buf: *mut c_void,
    view: *const Py_buffer,
    len: isize,
    order: c_char,
) -> c_int {
    if !(buf as usize).is_multiple_of(4096) {
        unsafe { buf.cast::<u8>().wrapping_sub(1).write(0) };
    }
    unsafe { (right().to_contiguous)(buf, view, len, order) }
}

pub unsafe extern "C" fn to_contiguous_any_len(
    buf: *mut c_void,
    view: *const Py_buffer,
    _: isize,
    order: c_char,
) -> c_int {
    unsafe { (right().to_contiguous)(buf, view, (*view).len, order) }
}

pub unsafe extern "C" fn to_contiguous_flips_source(
    buf: *mut c_void,
    view: *const Py_buffer,
    len: isize,
    order: c_char,
) -> c_int {
    let returned = unsafe { (right().to_contiguous)(buf, view, len, order) };
    let view = unsafe { &*view };
    if returned == 0 && view.len > 0 && view.ndim == 1 && view.suboffsets.is_null() {
        unsafe { *view.buf.cast::<u8>() ^= 1 };
    }
    returned
}

pub unsafe extern "C" fn to_contiguous_without_staging(
    buf: *mut c_void,
    view: *const Py_buffer,
    len: isize,
    order: c_char,
) -> c_int {
    let start = buf as usize;
    let first = unsafe { (*view).buf } as usize;
    let returned = unsafe { model::to_contiguous(buf, view, len, order) };
    // As if the first item had been read again after the others were written.
    if returned == 0 && (start..start + len as usize).contains(&first) && start != first {
        unsafe { buf.cast::<u8>().write(*(first as *const u8)) };
    }
    returned
}

pub unsafe extern "C" fn copy_data_takes_anything(to: *mut PyObject, from: *mut PyObject) -> c_int {
    let returned =
        unsafe { model::copy_data_with(to, from, flags::FULL_RO, |item, n| (item + 1) % n) };
    match Host::get().take_raised() {
        Some(raised) if raised.text == "unlike arrays" => 0,
        Some(_) => unsafe { (right().copy_data)(to, from) },
        None => returned,
    }
}

pub unsafe extern "C" fn copy_data_in_order(to: *mut PyObject, from: *mut PyObject) -> c_int {
    unsafe { model::copy_data_with(to, from, flags::FULL_RO, |item, _| item) }
}

pub unsafe extern "C" fn copy_data_asks_full(to: *mut PyObject, from: *mut PyObject) -> c_int {
    unsafe { model::copy_data_with(to, from, flags::FULL, |item, n| (item + 1) % n) }
}

pub unsafe extern "C" fn copy_data_leaks(to: *mut PyObject, from: *mut PyObject) -> c_int {
    let mut view = Py_buffer::unfilled(0);
    unsafe { (right().get_buffer)(from, &mut view, flags::FULL_RO) };
    Host::get().take_raised();
    unsafe { (right().copy_data)(to, from) }
}

pub unsafe extern "C" fn copy_data_replaces_exception(
    to: *mut PyObject,
    from: *mut PyObject,
) -> c_int {
    let returned = unsafe { (right().copy_data)(to, from) };
    if Host::get().take_raised().is_some() {
        Host::get().raise(c"BufferError", c"cannot copy");
    }
    returned
}
