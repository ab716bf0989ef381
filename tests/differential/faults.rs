//! Deliberately wrong implementations, each wrong in one thing that somebody could get wrong: every
//! one of them must be caught, or the comparison proves nothing.

#![allow(clippy::undocumented_unsafe_blocks, reason = "one comment below speaks for all of them")]

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use super::api::{Api, Py_buffer, flags};
use super::families;
use super::host::{Host, PyObject};
use super::model::{self, right};
use super::session::Session;
use super::settings::Settings;

/// A mistake, the family that has to notice it, and how it gets into the functions.
type Fault = (&'static str, &'static str, fn(&mut Api));

const FAULTS: &[Fault] = &[
    ("an answer other than 1", "PyObject_CheckBuffer", |api| {
        api.check_buffer = check_buffer_says_2
    }),
    ("a type's name cut later", "PyObject_GetBuffer", |api| api.get_buffer = get_buffer_long_name),
    ("obj cleared without an exporter", "PyObject_GetBuffer", |api| {
        api.get_buffer = get_buffer_clears_obj;
    }),
    ("another request passed on", "PyObject_GetBuffer", |api| {
        api.get_buffer = get_buffer_adds_format;
    }),
    ("-1 for every failure", "PyObject_GetBuffer", |api| api.get_buffer = get_buffer_only_0_or_1),
    ("obj left", "PyBuffer_Release", |api| api.release = release_leaves_obj),
    ("a reference kept", "PyBuffer_Release", |api| api.release = release_keeps_reference),
    ("the slot forgotten", "PyBuffer_Release", |api| api.release = release_forgets_slot),
    ("buf cleared", "PyBuffer_Release", |api| api.release = release_clears_buf),
    ("the exception dropped", "PyBuffer_Release", |api| api.release = release_drops_exception),
    ("trailing padding", "PyBuffer_SizeFromFormat", |api| api.size_from_format = size_rounded_up),
    ("another text", "PyBuffer_SizeFromFormat", |api| api.size_from_format = size_with_other_text),
    ("'c' accepted", "PyBuffer_IsContiguous", |api| {
        api.is_contiguous = is_contiguous_small_letters;
    }),
    ("suboffsets looked into", "PyBuffer_IsContiguous", |api| {
        api.is_contiguous = is_contiguous_looks_into_suboffsets;
    }),
    ("'A' means 'C'", "PyBuffer_IsContiguous", |api| api.is_contiguous = is_contiguous_a_is_c),
    ("strides of extent 1 matter", "PyBuffer_IsContiguous", |api| {
        api.is_contiguous = is_contiguous_strictly;
    }),
    ("suboffset added too early", "PyBuffer_GetPointer", |api| {
        api.get_pointer = get_pointer_adds_too_early;
    }),
    ("suboffset 0 not followed", "PyBuffer_GetPointer", |api| {
        api.get_pointer = get_pointer_ignores_suboffset_0;
    }),
    ("unknown orders are 'F'", "PyBuffer_FromContiguous", |api| {
        api.from_contiguous = from_contiguous_unknown_is_fortran;
    }),
    ("a part of an item written", "PyBuffer_FromContiguous", |api| {
        api.from_contiguous = from_contiguous_needs_all;
    }),
    ("written backwards", "PyBuffer_FromContiguous", |api| {
        api.from_contiguous = from_contiguous_backwards;
    }),
    ("unknown orders are 'C'", "PyBuffer_ToContiguous", |api| {
        api.to_contiguous = to_contiguous_unknown_is_c;
    }),
    ("a byte behind the end", "PyBuffer_ToContiguous", |api| {
        api.to_contiguous = to_contiguous_writes_behind;
    }),
    ("a byte before the start", "PyBuffer_ToContiguous", |api| {
        api.to_contiguous = to_contiguous_writes_before;
    }),
    ("len not compared", "PyBuffer_ToContiguous", |api| {
        api.to_contiguous = to_contiguous_any_len;
    }),
    ("view changed", "PyBuffer_ToContiguous", |api| api.to_contiguous = to_contiguous_flips_source),
    ("read while writing", "PyBuffer_ToContiguous", |api| {
        api.to_contiguous = to_contiguous_without_staging;
    }),
    ("unlike arrays taken", "PyObject_CopyData", |api| api.copy_data = copy_data_takes_anything),
    ("items in order", "PyObject_CopyData", |api| api.copy_data = copy_data_in_order),
    ("source asked to be writable", "PyObject_CopyData", |api| api.copy_data = copy_data_asks_full),
    ("source not given back", "PyObject_CopyData", |api| api.copy_data = copy_data_leaks),
    ("exception replaced", "PyObject_CopyData", |api| api.copy_data = copy_data_replaces_exception),
    ("zero extents skipped", "PyBuffer_FillContiguousStrides", |api| {
        api.fill_contiguous_strides = strides_skip_zero;
    }),
    ("'f' accepted", "PyBuffer_FillContiguousStrides", |api| {
        api.fill_contiguous_strides = strides_small_letters;
    }),
    ("readonly made 1", "PyBuffer_FillInfo", |api| api.fill_info = fill_info_normalises),
    ("strides for bit 0x10 alone", "PyBuffer_FillInfo", |api| api.fill_info = fill_info_one_bit),
    ("no reference to obj", "PyBuffer_FillInfo", |api| api.fill_info = fill_info_borrows),
    ("the exporter's exception", "PyObject_AsBuffer", |api| {
        api.as_write_buffer = as_write_buffer_keeps_exception;
    }),
    ("the exception left", "PyObject_AsBuffer", |api| {
        api.check_read_buffer = check_read_buffer_leaves_exception;
    }),
    ("a view kept", "PyObject_AsBuffer", |api| api.as_read_buffer = as_read_buffer_keeps_view),
    ("asked twice", "PyMemoryView_FromObject", |api| api.view_from_object = view_asks_twice),
    ("a view of a memoryview's view", "PyMemoryView_FromObject", |api| {
        api.view_from_object = view_of_contents;
    }),
    ("any flags with the bit write", "PyMemoryView_FromMemory", |api| {
        api.view_from_memory = view_writable_by_bit;
    }),
    ("format left out", "PyMemoryView_FromBuffer", |api| {
        api.view_from_buffer = view_without_format;
    }),
    ("negative suboffsets left out", "PyMemoryView_FromBuffer", |api| {
        api.view_from_buffer = view_without_suboffsets;
    }),
    ("readonly always", "PyMemoryView_FromBuffer", |api| api.view_from_buffer = view_read_only),
    ("unknown orders are 'C'", "PyMemoryView_GetContiguous", |api| {
        api.view_contiguous = view_contiguous_unknown_is_c;
    }),
    ("'A' means 'C'", "PyMemoryView_GetContiguous", |api| {
        api.view_contiguous = view_contiguous_a_is_c;
    }),
    ("the bit write asks to write", "PyMemoryView_GetContiguous", |api| {
        api.view_contiguous = view_contiguous_by_bit;
    }),
    ("a copy without need", "PyMemoryView_GetContiguous", |api| {
        api.view_contiguous = view_contiguous_copies;
    }),
    ("the copy without its bytes", "PyMemoryView_GetContiguous", |api| {
        api.view_contiguous = view_contiguous_of_nobody;
    }),
    ("unknown orders are 'C'", "real_exporters", |api| {
        api.to_contiguous = to_contiguous_unknown_is_c;
    }),
];

/// Mistakes about orders and flags that a debug build's assertions forbid: there libpython cannot be asked
/// for what would show them, or to make them.
const ASSERTED: [(&str, &str); 4] = [
    ("any flags with the bit write", "PyMemoryView_FromMemory"),
    ("unknown orders are 'C'", "PyMemoryView_GetContiguous"),
    ("the bit write asks to write", "PyMemoryView_GetContiguous"),
    ("a copy without need", "PyMemoryView_GetContiguous"),
];

/// Runs every wrong implementation through the family that has to notice it.
pub fn are_all_caught(settings: &Settings, theirs: Api) -> bool {
    model::api(&theirs);
    let (mut asked, mut missed) = (0, 0);
    for (mistake, name, spoil) in FAULTS {
        if Host::get().debug && ASSERTED.contains(&(mistake, name)) {
            println!("{name}, {mistake}: left out, a debug build asserts it");
            continue;
        }
        asked += 1;
        let mut wrong = *right();
        spoil(&mut wrong);
        let mut session = Session::until_first_difference(settings, theirs, wrong);
        let family = families::ALL.iter().find(|family| family.name == *name);
        session.run(family.expect("a family of this name"));
        let is_caught = !session.agreed();
        println!("{name}, {mistake}: {}", if is_caught { "caught" } else { "NOT CAUGHT" });
        missed += u32::from(!is_caught);
    }
    println!("{asked} wrong implementations, {missed} not caught");
    missed == 0
}

// SAFETY, for all of the following: the callers are the families, whose arguments fit libpython's
// functions of the same signature, and each of these passes on what it was given.

unsafe extern "C" fn check_buffer_says_2(object: *mut PyObject) -> c_int {
    2 * unsafe { (right().check_buffer)(object) }
}

unsafe extern "C" fn get_buffer_long_name(
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

unsafe extern "C" fn get_buffer_clears_obj(
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

unsafe extern "C" fn get_buffer_adds_format(
    object: *mut PyObject,
    view: *mut Py_buffer,
    request: c_int,
) -> c_int {
    let request = if object.is_null() { request } else { request | flags::FORMAT };
    unsafe { (right().get_buffer)(object, view, request) }
}

unsafe extern "C" fn get_buffer_only_0_or_1(
    object: *mut PyObject,
    view: *mut Py_buffer,
    request: c_int,
) -> c_int {
    match unsafe { (right().get_buffer)(object, view, request) } {
        0 => 0,
        _ => -1,
    }
}

unsafe extern "C" fn release_leaves_obj(view: *mut Py_buffer) {
    unsafe {
        let owner = (*view).obj;
        (right().release)(view);
        (*view).obj = owner;
        // The family gives some views back twice, and no object may die of that.
        Host::get().incref(owner);
    }
}

unsafe extern "C" fn release_keeps_reference(view: *mut Py_buffer) {
    unsafe {
        Host::get().incref((*view).obj);
        (right().release)(view);
    }
}

unsafe extern "C" fn release_forgets_slot(view: *mut Py_buffer) {
    unsafe {
        Host::get().decref((*view).obj);
        (*view).obj = null_mut();
    }
}

unsafe extern "C" fn release_clears_buf(view: *mut Py_buffer) {
    unsafe {
        (right().release)(view);
        (*view).buf = null_mut();
    }
}

unsafe extern "C" fn release_drops_exception(view: *mut Py_buffer) {
    unsafe { (right().release)(view) };
    Host::get().take_raised();
}

unsafe extern "C" fn size_rounded_up(format: *const c_char) -> isize {
    let size = unsafe { (right().size_from_format)(format) };
    if size == 5 { 8 } else { size }
}

unsafe extern "C" fn size_with_other_text(format: *const c_char) -> isize {
    let size = unsafe { (right().size_from_format)(format) };
    let host = Host::get();
    if host.take_raised().is_some() {
        host.raise(c"struct_error", c"bad character in struct format");
    }
    size
}

unsafe extern "C" fn is_contiguous_small_letters(view: *const Py_buffer, order: c_char) -> c_int {
    let is_readable = !unsafe { (*view).shape }.is_null();
    let order = if order as u8 == b'c' && is_readable { b'C' as c_char } else { order };
    unsafe { (right().is_contiguous)(view, order) }
}

unsafe extern "C" fn is_contiguous_looks_into_suboffsets(
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

unsafe extern "C" fn is_contiguous_a_is_c(view: *const Py_buffer, order: c_char) -> c_int {
    let order = if order as u8 == b'A' { b'C' as c_char } else { order };
    unsafe { (right().is_contiguous)(view, order) }
}

unsafe extern "C" fn is_contiguous_strictly(view: *const Py_buffer, order: c_char) -> c_int {
    let answer = unsafe { (right().is_contiguous)(view, order) };
    let view = unsafe { &*view };
    let shape = model::array(view.shape, view.ndim);
    let strides = model::array(view.strides, view.ndim);
    let is_odd = |(extent, stride): (&isize, &isize)| *extent == 1 && *stride < view.itemsize;
    if view.len != 0 && shape.iter().zip(strides).any(is_odd) { 0 } else { answer }
}

unsafe extern "C" fn get_pointer_adds_too_early(
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

unsafe extern "C" fn get_pointer_ignores_suboffset_0(
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

unsafe extern "C" fn from_contiguous_unknown_is_fortran(
    view: *const Py_buffer,
    buf: *const c_void,
    len: isize,
    order: c_char,
) -> c_int {
    let order = if b"CA".contains(&(order as u8)) { order } else { b'F' as c_char };
    unsafe { model::from_contiguous(view, buf, len, order) }
}

unsafe extern "C" fn from_contiguous_needs_all(
    view: *const Py_buffer,
    buf: *const c_void,
    len: isize,
    order: c_char,
) -> c_int {
    let whole = unsafe { (*view).itemsize }.max(1);
    unsafe { model::from_contiguous(view, buf, len / whole * whole, order) }
}

unsafe extern "C" fn from_contiguous_backwards(
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

unsafe extern "C" fn to_contiguous_unknown_is_c(
    buf: *mut c_void,
    view: *const Py_buffer,
    len: isize,
    order: c_char,
) -> c_int {
    let order = if order as u8 == b'F' { order } else { b'C' as c_char };
    unsafe { model::to_contiguous(buf, view, len, order) }
}

unsafe extern "C" fn to_contiguous_writes_behind(
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

unsafe extern "C" fn to_contiguous_writes_before(
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

unsafe extern "C" fn to_contiguous_any_len(
    buf: *mut c_void,
    view: *const Py_buffer,
    _: isize,
    order: c_char,
) -> c_int {
    unsafe { (right().to_contiguous)(buf, view, (*view).len, order) }
}

unsafe extern "C" fn to_contiguous_flips_source(
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

unsafe extern "C" fn to_contiguous_without_staging(
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

unsafe extern "C" fn copy_data_takes_anything(to: *mut PyObject, from: *mut PyObject) -> c_int {
    let returned =
        unsafe { model::copy_data_with(to, from, flags::FULL_RO, |item, n| (item + 1) % n) };
    match Host::get().take_raised() {
        Some(raised) if raised.text == "unlike arrays" => 0,
        Some(_) => unsafe { (right().copy_data)(to, from) },
        None => returned,
    }
}

unsafe extern "C" fn copy_data_in_order(to: *mut PyObject, from: *mut PyObject) -> c_int {
    unsafe { model::copy_data_with(to, from, flags::FULL_RO, |item, _| item) }
}

unsafe extern "C" fn copy_data_asks_full(to: *mut PyObject, from: *mut PyObject) -> c_int {
    unsafe { model::copy_data_with(to, from, flags::FULL, |item, n| (item + 1) % n) }
}

unsafe extern "C" fn copy_data_leaks(to: *mut PyObject, from: *mut PyObject) -> c_int {
    let mut view = Py_buffer::unfilled(0);
    unsafe { (right().get_buffer)(from, &mut view, flags::FULL_RO) };
    Host::get().take_raised();
    unsafe { (right().copy_data)(to, from) }
}

unsafe extern "C" fn copy_data_replaces_exception(to: *mut PyObject, from: *mut PyObject) -> c_int {
    let returned = unsafe { (right().copy_data)(to, from) };
    if Host::get().take_raised().is_some() {
        Host::get().raise(c"BufferError", c"cannot copy");
    }
    returned
}

unsafe extern "C" fn strides_skip_zero(
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

unsafe extern "C" fn strides_small_letters(
    ndim: c_int,
    shape: *mut isize,
    strides: *mut isize,
    itemsize: c_int,
    order: c_char,
) {
    let order = (order as u8).to_ascii_uppercase() as c_char;
    unsafe { (right().fill_contiguous_strides)(ndim, shape, strides, itemsize, order) };
}

unsafe extern "C" fn fill_info_normalises(
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

unsafe extern "C" fn fill_info_one_bit(
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

unsafe extern "C" fn fill_info_borrows(
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

unsafe extern "C" fn as_write_buffer_keeps_exception(
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

unsafe extern "C" fn check_read_buffer_leaves_exception(object: *mut PyObject) -> c_int {
    let answer = unsafe { (right().check_read_buffer)(object) };
    if answer == 0 {
        Host::get().raise(c"TypeError", c"not readable");
    }
    answer
}

unsafe extern "C" fn as_read_buffer_keeps_view(
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

unsafe extern "C" fn view_asks_twice(object: *mut PyObject) -> *mut PyObject {
    let mut view = Py_buffer::unfilled(0);
    if !object.is_null() && unsafe { (right().get_buffer)(object, &mut view, flags::FULL_RO) } == 0
    {
        unsafe { (right().release)(&mut view) };
    }
    Host::get().take_raised();
    unsafe { (right().view_from_object)(object) }
}

/// The new memoryview does not know whose memory it is of.
unsafe extern "C" fn view_of_contents(object: *mut PyObject) -> *mut PyObject {
    let made = unsafe { (right().view_from_object)(object) };
    let mut view = Py_buffer::unfilled(0);
    if made.is_null() || unsafe { (right().get_buffer)(made, &mut view, flags::FULL_RO) } != 0 {
        return made;
    }
    let contents = unsafe { (right().view_from_buffer)(&view) };
    unsafe { (right().release)(&mut view) };
    Host::get().decref(made);
    contents
}

unsafe extern "C" fn view_writable_by_bit(
    memory: *mut c_char,
    size: isize,
    access: c_int,
) -> *mut PyObject {
    let access = if access & flags::WRITE != 0 { flags::WRITE } else { flags::READ };
    unsafe { (right().view_from_memory)(memory, size, access) }
}

unsafe extern "C" fn view_without_format(info: *const Py_buffer) -> *mut PyObject {
    let info = Py_buffer { format: null_mut(), ..unsafe { *info } };
    unsafe { (right().view_from_buffer)(&info) }
}

unsafe extern "C" fn view_without_suboffsets(info: *const Py_buffer) -> *mut PyObject {
    let mut info = unsafe { *info };
    if info.ndim <= 64 && model::array(info.suboffsets, info.ndim).iter().all(|n| *n < 0) {
        info.suboffsets = null_mut();
    }
    unsafe { (right().view_from_buffer)(&info) }
}

unsafe extern "C" fn view_read_only(info: *const Py_buffer) -> *mut PyObject {
    let info = Py_buffer { readonly: 1, ..unsafe { *info } };
    unsafe { (right().view_from_buffer)(&info) }
}

unsafe extern "C" fn view_contiguous_unknown_is_c(
    object: *mut PyObject,
    buffertype: c_int,
    order: c_char,
) -> *mut PyObject {
    let order = if b"CFA".contains(&(order as u8)) { order } else { b'C' as c_char };
    unsafe { (right().view_contiguous)(object, buffertype, order) }
}

unsafe extern "C" fn view_contiguous_a_is_c(
    object: *mut PyObject,
    buffertype: c_int,
    order: c_char,
) -> *mut PyObject {
    let order = if order as u8 == b'A' { b'C' as c_char } else { order };
    unsafe { (right().view_contiguous)(object, buffertype, order) }
}

unsafe extern "C" fn view_contiguous_by_bit(
    object: *mut PyObject,
    buffertype: c_int,
    order: c_char,
) -> *mut PyObject {
    let buffertype = if buffertype & flags::WRITE != 0 { flags::WRITE } else { flags::READ };
    unsafe { (right().view_contiguous)(object, buffertype, order) }
}

unsafe extern "C" fn view_contiguous_copies(
    object: *mut PyObject,
    buffertype: c_int,
    order: c_char,
) -> *mut PyObject {
    let made = unsafe { (right().view_contiguous)(object, buffertype, order) };
    let mut view = Py_buffer::unfilled(0);
    if made.is_null() || unsafe { (right().get_buffer)(made, &mut view, flags::FULL_RO) } != 0 {
        return made;
    }
    let is_one_dimensional = view.ndim == 1 && view.suboffsets.is_null();
    unsafe { (right().release)(&mut view) };
    if !is_one_dimensional {
        return made;
    }
    Host::get().decref(made);
    // Of one dimension all orders are one, but that an unknown one is always copied.
    unsafe { (right().view_contiguous)(object, flags::READ, 0) }
}

unsafe extern "C" fn view_contiguous_of_nobody(
    object: *mut PyObject,
    buffertype: c_int,
    order: c_char,
) -> *mut PyObject {
    let made = unsafe { (right().view_contiguous)(object, buffertype, order) };
    let mut view = Py_buffer::unfilled(0);
    if made.is_null() || unsafe { (right().get_buffer)(made, &mut view, flags::FULL_RO) } != 0 {
        return made;
    }
    let contents = unsafe { (right().view_from_buffer)(&view) };
    unsafe { (right().release)(&mut view) };
    // What it shows must stay there for a while.
    contents
}
