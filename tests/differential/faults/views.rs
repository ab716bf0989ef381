//! Wrong requests, releases and predicates, wrong formats, strides and legacy functions.

// SAFETY, for all of the following: the callers are the families, whose arguments fit libpython's
// functions of the same signature, and each of these passes on what it was given.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use super::super::api::{Py_buffer, flags};
use super::super::host::{Host, PyObject};
use super::super::model::{self, right};

pub unsafe extern "C" fn check_buffer_says_2(object: *mut PyObject) -> c_int {
    2 * unsafe { (right().check_buffer)(object) }
}

pub unsafe extern "C" fn get_buffer_long_name(
    object: *mut PyObject,
    view: *mut Py_buffer,
    request: c_int,
) -> c_int {
    if !object.is_null() && request == 0 && unsafe { (right().check_buffer)(object) } == 0 {
        let host = Host::get();
        let class = host.shown(host.type_of(object));
        let name = class.rsplit(['.', '\'']).nth(1).unwrap_or_default();
        let text = format!("a bytes-like object is required, not '{name}'\0");
        host.raise(c"TypeError", std::ffi::CStr::from_bytes_until_nul(text.as_bytes()).unwrap());
        return -1;
    }
    unsafe { (right().get_buffer)(object, view, request) }
}

pub unsafe extern "C" fn get_buffer_clears_obj(
    object: *mut PyObject,
    view: *mut Py_buffer,
    request: c_int,
) -> c_int {
    let returned = unsafe { (right().get_buffer)(object, view, request) };
    if returned == -1 && !view.is_null() {
        unsafe { (*view).obj = null_mut() };
    }
    returned
}

pub unsafe extern "C" fn get_buffer_adds_format(
    object: *mut PyObject,
    view: *mut Py_buffer,
    request: c_int,
) -> c_int {
    let request = if object.is_null() { request } else { request | flags::FORMAT };
    unsafe { (right().get_buffer)(object, view, request) }
}

pub unsafe extern "C" fn get_buffer_only_0_or_1(
    object: *mut PyObject,
    view: *mut Py_buffer,
    request: c_int,
) -> c_int {
    match unsafe { (right().get_buffer)(object, view, request) } {
        0 => 0,
        _ => -1,
    }
}

pub unsafe extern "C" fn release_leaves_obj(view: *mut Py_buffer) {
    unsafe {
        let owner = (*view).obj;
        (right().release)(view);
        (*view).obj = owner;
        // The family gives some views back twice, and no object may die of that.
        Host::get().incref(owner);
    }
}

pub unsafe extern "C" fn release_keeps_reference(view: *mut Py_buffer) {
    unsafe {
        Host::get().incref((*view).obj);
        (right().release)(view);
    }
}

pub unsafe extern "C" fn release_forgets_slot(view: *mut Py_buffer) {
    unsafe {
        Host::get().decref((*view).obj);
        (*view).obj = null_mut();
    }
}

pub unsafe extern "C" fn release_clears_buf(view: *mut Py_buffer) {
    unsafe {
        (right().release)(view);
        (*view).buf = null_mut();
    }
}

pub unsafe extern "C" fn release_drops_exception(view: *mut Py_buffer) {
    unsafe { (right().release)(view) };
    Host::get().take_raised();
}

pub unsafe extern "C" fn size_rounded_up(format: *const c_char) -> isize {
    let size = unsafe { (right().size_from_format)(format) };
    if size == 5 { 8 } else { size }
}

pub unsafe extern "C" fn size_with_other_text(format: *const c_char) -> isize {
    let size = unsafe { (right().size_from_format)(format) };
    let host = Host::get();
    if host.take_raised().is_some() {
        host.raise(c"struct_error", c"bad character in struct format");
    }
    size
}

pub unsafe extern "C" fn is_contiguous_small_letters(
    view: *const Py_buffer,
    order: c_char,
) -> c_int {
    let is_readable = !unsafe { (*view).shape }.is_null();
    let order = if order as u8 == b'c' && is_readable { b'C' as c_char } else { order };
    unsafe { (right().is_contiguous)(view, order) }
}

pub unsafe extern "C" fn is_contiguous_looks_into_suboffsets(
    view: *const Py_buffer,
    order: c_char,
) -> c_int {
    let mut view = unsafe { *view };
    let suboffsets = model::array(view.suboffsets, view.ndim);
    if !view.shape.is_null() && suboffsets.iter().all(|suboffset| *suboffset < 0) {
        view.suboffsets = null_mut();
    }
    unsafe { (right().is_contiguous)(&view, order) }
}

pub unsafe extern "C" fn is_contiguous_a_is_c(view: *const Py_buffer, order: c_char) -> c_int {
    let order = if order as u8 == b'A' { b'C' as c_char } else { order };
    unsafe { (right().is_contiguous)(view, order) }
}

pub unsafe extern "C" fn is_contiguous_strictly(view: *const Py_buffer, order: c_char) -> c_int {
    let answer = unsafe { (right().is_contiguous)(view, order) };
    let view = unsafe { &*view };
    let shape = model::array(view.shape, view.ndim);
    let strides = model::array(view.strides, view.ndim);
    let is_odd = |(extent, stride): (&isize, &isize)| *extent == 1 && *stride < view.itemsize;
    if view.len != 0 && shape.iter().zip(strides).any(is_odd) { 0 } else { answer }
}

pub unsafe extern "C" fn get_pointer_adds_too_early(
    view: *const Py_buffer,
    indices: *const isize,
) -> *mut c_void {
    let view = unsafe { &*view };
    let suboffsets = model::array(view.suboffsets, view.ndim);
    let followed = suboffsets.iter().rposition(|suboffset| *suboffset >= 0);
    let pointer = unsafe { (right().get_pointer)(view, indices) };
    match followed {
        Some(last) if suboffsets[last] == 3 => pointer.wrapping_byte_sub(3),
        _ => pointer,
    }
}

pub unsafe extern "C" fn get_pointer_ignores_suboffset_0(
    view: *const Py_buffer,
    indices: *const isize,
) -> *mut c_void {
    let mut view = unsafe { *view };
    let mut suboffsets: Vec<isize> = model::array(view.suboffsets, view.ndim).to_vec();
    suboffsets.iter_mut().filter(|suboffset| **suboffset == 0).for_each(|zero| *zero = -1);
    if !suboffsets.is_empty() {
        view.suboffsets = suboffsets.as_mut_ptr();
    }
    unsafe { (right().get_pointer)(&view, indices) }
}

pub unsafe extern "C" fn strides_skip_zero(
    ndim: c_int,
    shape: *mut isize,
    strides: *mut isize,
    itemsize: c_int,
    order: c_char,
) {
    let mut shape: Vec<isize> = model::array(shape, ndim).to_vec();
    shape.iter_mut().for_each(|extent| *extent += isize::from(*extent == 0));
    let shape = shape.as_mut_ptr();
    unsafe { (right().fill_contiguous_strides)(ndim, shape, strides, itemsize, order) };
}

pub unsafe extern "C" fn strides_small_letters(
    ndim: c_int,
    shape: *mut isize,
    strides: *mut isize,
    itemsize: c_int,
    order: c_char,
) {
    let order = (order as u8).to_ascii_uppercase() as c_char;
    unsafe { (right().fill_contiguous_strides)(ndim, shape, strides, itemsize, order) };
}

pub unsafe extern "C" fn fill_info_normalises(
    view: *mut Py_buffer,
    object: *mut PyObject,
    buf: *mut c_void,
    len: isize,
    readonly: c_int,
    request: c_int,
) -> c_int {
    let readonly = c_int::from(readonly != 0);
    unsafe { (right().fill_info)(view, object, buf, len, readonly, request) }
}

pub unsafe extern "C" fn fill_info_one_bit(
    view: *mut Py_buffer,
    object: *mut PyObject,
    buf: *mut c_void,
    len: isize,
    readonly: c_int,
    request: c_int,
) -> c_int {
    let returned = unsafe { (right().fill_info)(view, object, buf, len, readonly, request) };
    if returned == 0 && request & 0x10 != 0 {
        unsafe { (*view).strides = &raw mut (*view).itemsize };
    }
    returned
}

pub unsafe extern "C" fn fill_info_borrows(
    view: *mut Py_buffer,
    object: *mut PyObject,
    buf: *mut c_void,
    len: isize,
    readonly: c_int,
    request: c_int,
) -> c_int {
    let returned = unsafe { (right().fill_info)(view, object, buf, len, readonly, request) };
    if returned == 0 && !object.is_null() {
        unsafe { (*view).obj = null_mut() };
        Host::get().decref(object);
    }
    returned
}

pub unsafe extern "C" fn as_write_buffer_keeps_exception(
    object: *mut PyObject,
    buf: *mut *mut c_void,
    len: *mut isize,
) -> c_int {
    let mut view = Py_buffer::unfilled(0);
    if object.is_null() || unsafe { (right().get_buffer)(object, &mut view, flags::WRITABLE) } != 0
    {
        return -1;
    }
    unsafe { (right().release)(&mut view) };
    unsafe { (right().as_write_buffer)(object, buf, len) }
}

pub unsafe extern "C" fn check_read_buffer_leaves_exception(object: *mut PyObject) -> c_int {
    let answer = unsafe { (right().check_read_buffer)(object) };
    if answer == 0 {
        Host::get().raise(c"TypeError", c"not readable");
    }
    answer
}

pub unsafe extern "C" fn as_read_buffer_keeps_view(
    object: *mut PyObject,
    buf: *mut *const c_void,
    len: *mut isize,
) -> c_int {
    let mut view = Py_buffer::unfilled(0);
    if !object.is_null() {
        unsafe { (right().get_buffer)(object, &mut view, flags::SIMPLE) };
        Host::get().take_raised();
    }
    unsafe { (right().as_read_buffer)(object, buf, len) }
}
