//! The naive model: what each function means, item by item, with nothing clever in it. A third
//! opinion beside libpython and the library; the only second one where libpython would crash, by the
//! rules that `exemptions` names; and what the deliberately wrong implementations are made from.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::{copy_nonoverlapping, read_unaligned};
use std::slice;
use std::sync::OnceLock;

use super::api::{Api, Py_buffer, flags};
use super::host::{Host, PyObject};

/// An array of a view; empty if there is no dimension or no array.
pub fn array<'a>(start: *const isize, ndim: c_int) -> &'a [isize] {
    if start.is_null() || ndim <= 0 {
        return &[];
    }
    // SAFETY: the arrays of the harness's views have `ndim` entries.
    unsafe { slice::from_raw_parts(start, ndim as usize) }
}

/// The indices of the `item`th item in this order ('F': the first index is fastest).
pub fn indices(item: isize, shape: &[isize], order: u8) -> Vec<isize> {
    let mut indices = vec![0; shape.len()];
    let mut rest = item;
    let mut place = |i: usize| {
        if shape[i] > 0 {
            indices[i] = rest % shape[i];
            rest /= shape[i];
        }
    };
    match order {
        b'F' => (0..shape.len()).for_each(&mut place),
        _ => (0..shape.len()).rev().for_each(&mut place),
    }
    indices
}

static MODEL: OnceLock<Api> = OnceLock::new();

/// libpython's functions, with the model's in place of those that compute anything.
pub fn api(theirs: &Api) -> Api {
    *MODEL.get_or_init(|| Api {
        is_contiguous,
        get_pointer,
        from_contiguous,
        to_contiguous,
        copy_data,
        fill_contiguous_strides,
        ..*theirs
    })
}

pub fn right() -> &'static Api {
    MODEL.get().expect("the model is in use")
}

unsafe extern "C" fn is_contiguous(view: *const Py_buffer, order: c_char) -> c_int {
    // SAFETY: a view.
    let view = unsafe { &*view };
    let is_unknown = view.shape.is_null() && view.ndim > 0;
    let is_in = |order| strides_match(view, order, is_unknown);
    let answer = view.suboffsets.is_null()
        && match order as u8 {
            b'C' => is_in(b'C'),
            b'F' => is_in(b'F'),
            b'A' => is_in(b'C') || is_in(b'F'),
            _ => false,
        };
    c_int::from(answer)
}

fn strides_match(view: &Py_buffer, order: u8, is_shape_unknown: bool) -> bool {
    if view.len == 0 || (view.strides.is_null() && (order == b'C' || view.ndim <= 1)) {
        return true;
    }
    if is_shape_unknown {
        return false;
    }
    let shape = array(view.shape, view.ndim);
    if view.strides.is_null() {
        let long = shape.iter().filter(|&&extent| extent > 1).count();
        return long <= 1;
    }
    let expected = strides_of(shape, view.itemsize, order);
    let strides = array(view.strides, view.ndim);
    (0..shape.len()).all(|i| shape[i] <= 1 || strides[i] == expected[i])
}

fn strides_of(shape: &[isize], itemsize: isize, order: u8) -> Vec<isize> {
    let mut strides = vec![0; shape.len()];
    let mut stride = itemsize;
    for step in 0..shape.len() {
        let i = if order == b'F' { step } else { shape.len() - 1 - step };
        strides[i] = stride;
        stride = stride.wrapping_mul(shape[i]);
    }
    strides
}

pub unsafe extern "C" fn fill_contiguous_strides(
    ndim: c_int,
    shape: *mut isize,
    strides: *mut isize,
    itemsize: c_int,
    order: c_char,
) {
    for (i, stride) in
        strides_of(array(shape, ndim), itemsize as isize, order as u8).into_iter().enumerate()
    {
        // SAFETY: an entry for each dimension.
        unsafe { strides.add(i).write(stride) };
    }
}

pub unsafe extern "C" fn get_pointer(view: *const Py_buffer, indices: *const isize) -> *mut c_void {
    // SAFETY: a view.
    let view = unsafe { &*view };
    let computed;
    let strides = if view.strides.is_null() {
        computed = strides_of(array(view.shape, view.ndim), view.itemsize, b'C');
        &computed[..]
    } else {
        array(view.strides, view.ndim)
    };
    let suboffsets = array(view.suboffsets, view.ndim);
    let mut pointer = view.buf.cast::<u8>();
    for (i, index) in array(indices, view.ndim).iter().enumerate() {
        // Without a shape there is but one dimension.
        let stride = strides.get(i).copied().unwrap_or(view.itemsize);
        pointer = pointer.wrapping_offset(stride.wrapping_mul(*index));
        if suboffsets.get(i).is_some_and(|suboffset| *suboffset >= 0) {
            // SAFETY: where there is a suboffset there is a pointer.
            pointer = unsafe { read_unaligned(pointer.cast::<*mut u8>()) };
            pointer = pointer.wrapping_offset(suboffsets[i]);
        }
    }
    pointer.cast()
}

/// The address of the `item`th item.
fn item(view: &Py_buffer, shape: &[isize], item: isize, order: u8) -> *mut u8 {
    let indices = indices(item, shape, order);
    // SAFETY: indices inside of a view.
    unsafe { get_pointer(view, indices.as_ptr()) }.cast()
}

fn is_in_order(view: &Py_buffer, order: c_char) -> bool {
    // SAFETY: a view.
    unsafe { is_contiguous(view, order) != 0 }
}

/// The shape of a view whose items are to be found; `None` after setting an exception if its fields
/// contradict each other.
fn checked_shape(view: &Py_buffer) -> Option<Vec<isize>> {
    let is_sound = |shape: &[isize]| {
        let len = shape.iter().try_fold(view.itemsize, |len, extent| len.checked_mul(*extent));
        len == Some(view.len) && shape.iter().all(|extent| *extent >= 0)
    };
    if view.itemsize > 0 && view.ndim == 1 && view.shape.is_null() {
        return Some(vec![view.len / view.itemsize]);
    }
    let shape = array(view.shape, view.ndim);
    let is_there = view.ndim == 0 || (view.ndim > 0 && !view.shape.is_null());
    if view.itemsize > 0 && is_there && is_sound(shape) {
        return Some(shape.to_vec());
    }
    Host::get().raise(c"ValueError", c"fields that contradict each other");
    None
}

/// The `size` bytes at `start`, read before anything else happens.
fn read(start: *const u8, size: isize) -> Vec<u8> {
    // SAFETY: callers name what is there.
    unsafe { slice::from_raw_parts(start, size as usize) }.to_vec()
}

fn write(bytes: &[u8], to: *mut u8) {
    // SAFETY: callers name what is there; `bytes` are a copy, so nothing overlaps.
    unsafe { copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
}

pub unsafe extern "C" fn from_contiguous(
    view: *const Py_buffer,
    buf: *const c_void,
    len: isize,
    order: c_char,
) -> c_int {
    // SAFETY: a view.
    let view = unsafe { &*view };
    let len = len.min(view.len);
    if len < 0 {
        Host::get().raise(c"ValueError", c"negative len");
        return -1;
    }
    let packed = read(buf.cast(), len);
    if len == 0 || is_in_order(view, order) {
        write(&packed, view.buf.cast());
        return 0;
    }
    let Some(shape) = checked_shape(view) else { return -1 };
    for (i, bytes) in packed.chunks_exact(view.itemsize as usize).enumerate() {
        write(bytes, item(view, &shape, i as isize, order as u8));
    }
    0
}

pub unsafe extern "C" fn to_contiguous(
    buf: *mut c_void,
    view: *const Py_buffer,
    len: isize,
    order: c_char,
) -> c_int {
    // SAFETY: a view.
    let view = unsafe { &*view };
    if len != view.len {
        Host::get().raise(c"ValueError", c"PyBuffer_ToContiguous: len != view->len");
        return -1;
    }
    if len == 0 || is_in_order(view, order) {
        write(&read(view.buf.cast(), len), buf.cast());
        return 0;
    }
    let Some(shape) = checked_shape(view) else { return -1 };
    let order = if b"CA".contains(&(order as u8)) { b'C' } else { b'F' };
    let items = (0..shape.iter().product())
        .flat_map(|i| read(item(view, &shape, i, order), view.itemsize))
        .collect::<Vec<u8>>();
    write(&items, buf.cast());
    0
}

pub unsafe extern "C" fn copy_data(destination: *mut PyObject, source: *mut PyObject) -> c_int {
    // SAFETY: two objects.
    unsafe { copy_data_with(destination, source, flags::FULL_RO, |item, n| (item + 1) % n) }
}

/// CopyData, asking the source for `request`; `turn` says which item is copied when.
///
/// # Safety
/// Two objects.
pub unsafe fn copy_data_with(
    destination: *mut PyObject,
    source: *mut PyObject,
    request: c_int,
    turn: impl Fn(isize, isize) -> isize,
) -> c_int {
    let right = right();
    // SAFETY: two objects.
    let both =
        unsafe { (right.check_buffer)(destination) != 0 && (right.check_buffer)(source) != 0 };
    if !both {
        let text = c"both destination and source must be bytes-like objects";
        Host::get().raise(c"TypeError", text);
        return -1;
    }
    let (mut to, mut from) = (Py_buffer::unfilled(0), Py_buffer::unfilled(0));
    // SAFETY: an object and a view, as everywhere below.
    unsafe {
        if (right.get_buffer)(destination, &mut to, flags::FULL) != 0 {
            return -1;
        }
        if (right.get_buffer)(source, &mut from, request) != 0 {
            (right.release)(&mut to);
            return -1;
        }
        let is_copied = copy_views(&to, &from, turn);
        (right.release)(&mut to);
        (right.release)(&mut from);
        if is_copied { 0 } else { -1 }
    }
}

/// Says false after setting an exception if the views do not go together.
fn copy_views(to: &Py_buffer, from: &Py_buffer, turn: impl Fn(isize, isize) -> isize) -> bool {
    let refused = |text| {
        Host::get().raise(c"BufferError", text);
        false
    };
    if to.len < from.len {
        return refused(c"destination is too small to receive data from source");
    }
    let both = |order: u8| is_in_order(to, order as c_char) && is_in_order(from, order as c_char);
    if from.len == 0 || both(b'C') || both(b'F') {
        write(&read(from.buf.cast(), from.len), to.buf.cast());
        return true;
    }
    let Some(room) = checked_shape(to) else { return false };
    let Some(shape) = checked_shape(from) else { return false };
    let fits = shape.len() == room.len() && shape.iter().zip(&room).all(|(n, room)| n <= room);
    if !fits || from.itemsize > to.itemsize {
        return refused(c"unlike arrays");
    }
    let n = shape.iter().product();
    // The loop of libpython counts before it copies, so that the first item comes last.
    let turns = (0..n).map(|i| turn(i, n));
    let items: Vec<(isize, Vec<u8>)> =
        turns.map(|i| (i, read(item(from, &shape, i, b'C'), from.itemsize))).collect();
    for (i, bytes) in items {
        // Where the source is the smaller one, its indices name the leading corner.
        let indices = indices(i, &shape, b'C');
        // SAFETY: indices inside of the destination.
        write(&bytes, unsafe { get_pointer(to, indices.as_ptr()) }.cast());
    }
    true
}
