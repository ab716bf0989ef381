//! Copies between views and plain memory, and from exporter to exporter.
//!
//! Contiguous views are answered by one memmove that looks at nothing but `len`: real exporters leave
//! shape and itemsize untrue there (NumPy's plain answer for a 2-D array says ndim 0). Only where
//! items have to be found are the fields checked, by `View`.

use core::ffi::{c_char, c_void};
use core::ptr;

use super::get;
use crate::abi::{Py_buffer, Py_ssize_t, PyBUF_FULL, PyBUF_FULL_RO, PyObject};
use crate::copy::few::{self, Into};
use crate::copy::{self, Array, Sequence};
use crate::error::{Error, Kind, Tuple};
use crate::layout::Order;
use crate::plan::{Side, Strides};
use crate::runtime;
use crate::view::{Fields, Small, View};

/// Copies the items of `view` to `len` bytes at `buf`: in Fortran order for any `order` but `'C'`
/// and `'A'`, which mean C order (a Fortran-contiguous view is copied as it lies for `'A'`).
///
/// # Safety
/// `len` bytes are writable at `buf`; `view` is an exporter's answer that is still held, or one that
/// the caller vouches for (`View`'s V4).
pub unsafe fn to_contiguous(
    buf: *mut c_void,
    view: &Py_buffer,
    len: Py_ssize_t,
    order: c_char,
) -> Result<(), Error> {
    if len != view.len {
        return Err(Error::Fixed(Kind::Value, c"PyBuffer_ToContiguous: len != view->len"));
    }
    // SAFETY: the view's arrays are there (caller).
    if unsafe { is_moved_whole(view, buf, len, order) }? {
        // SAFETY: both blocks have `len` bytes (caller).
        unsafe { move_bytes(buf.cast(), view.buf.cast(), len) };
        return Ok(());
    }
    let order = match order.cast_unsigned() {
        b'C' | b'A' => Order::C,
        _ => Order::Fortran,
    };
    // SAFETY: both are there (caller).
    if unsafe { copy_few(buf.cast(), view, len, order, Into::Block) } {
        return Ok(());
    }
    // SAFETY: the caller vouches for the view.
    let view = unsafe { View::new(view) }?;
    let dst = Array { buf: buf.cast(), side: dense(&view, order) };
    let sequence = Sequence {
        shape: view.shape(),
        itemsize: view.itemsize(),
        order,
        items: items_of(&view),
        first_comes_last: false,
    };
    // SAFETY: the items fill at most `len` bytes (V2), and the view's can be reached (V3, V4).
    unsafe { copy::copy(dst, array_of(&view), sequence) }
}

/// Copies `len` bytes at `buf`, but no more than `view.len`, to the items of `view`, in C order for
/// any `order` but `'F'`. An incomplete item at the end is left out, unless the view is contiguous.
/// Whether the view is read-only is not looked at.
///
/// # Safety
/// `len` bytes are readable at `buf`; `view` is an exporter's answer that is still held, or one that
/// the caller vouches for (`View`'s V4), and its memory may be written.
pub unsafe fn from_contiguous(
    view: &Py_buffer,
    buf: *const c_void,
    len: Py_ssize_t,
    order: c_char,
) -> Result<(), Error> {
    let len = len.min(view.len);
    // SAFETY: the view's arrays are there (caller).
    if unsafe { is_moved_whole(view, buf, len, order) }? {
        // SAFETY: both blocks have `len` bytes (caller).
        unsafe { move_bytes(view.buf.cast(), buf.cast(), len) };
        return Ok(());
    }
    let order = match order.cast_unsigned() {
        b'F' => Order::Fortran,
        _ => Order::C,
    };
    // SAFETY: both are there, and the view's memory may be written (caller).
    if unsafe { copy_few(buf.cast_mut().cast(), view, len, order, Into::View) } {
        return Ok(());
    }
    // SAFETY: the caller vouches for the view.
    let view = unsafe { View::new(view) }?;
    let src = Array { buf: buf.cast_mut().cast(), side: dense(&view, order) };
    let sequence = Sequence {
        shape: view.shape(),
        itemsize: view.itemsize(),
        order,
        items: items_of(&view).min(len.checked_div(view.itemsize()).unwrap_or(0)),
        first_comes_last: false,
    };
    // SAFETY: the items counted in `order` are the first of `buf`, which has `len` bytes (V2); the
    // view's can be reached (V3, V4).
    unsafe { copy::copy(array_of(&view), src, sequence) }
}

/// Copies few items between a block and a view without a `View` or a plan, whose set-up would cost more
/// than the copy (transposed 2x3x4 items of 4 bytes: 40 ns, 77 with both; Xeon, `calls`). Whether it did: only for a view
/// whose numbers are small and agree with each other, which has no pointers and does not meet the block.
///
/// # Safety
/// The view's arrays are there, it is held, `len <= view.len` bytes are there at `block`, and what is
/// written may be written.
unsafe fn copy_few(
    block: *mut u8,
    view: &Py_buffer,
    len: Py_ssize_t,
    order: Order,
    into: Into,
) -> bool {
    // SAFETY: the view's arrays are there (caller).
    let Some(small) = Small::new(unsafe { Fields::new(view) }) else { return false };
    let first: *mut u8 = view.buf.cast();
    let meet = first.wrapping_offset(small.extent.low) < block.wrapping_offset(len)
        && block < first.wrapping_offset(small.extent.high);
    if meet {
        return false;
    }
    let walk = few::Walk {
        shape: small.shape(),
        strides: small.strides(),
        first_is_fastest: order == Order::Fortran,
        itemsize: small.itemsize,
        items: len.checked_div(view.itemsize).unwrap_or(0),
    };
    // SAFETY: the numbers agree with each other (V1 to V3), and the two do not meet; the rest is the
    // caller's promise.
    unsafe { few::copy(block, first, &walk, into) };
    true
}

/// Copies what `src` exports to what `dest` exports, by indices in C order; a smaller source fills the
/// leading corner.
///
/// # Safety
/// Both are objects that the thread may use.
pub unsafe fn copy_data(dest: *mut PyObject, src: *mut PyObject) -> Result<(), Error> {
    let runtime = runtime::for_objects();
    // SAFETY: both are objects (caller).
    let are_exporters = unsafe { get::is_exporter(runtime, dest) }
        // SAFETY: as above.
        && unsafe { get::is_exporter(runtime, src) };
    if !are_exporters {
        return Err(Error::Fixed(
            Kind::Type,
            c"both destination and source must be bytes-like objects",
        ));
    }
    let (mut dest_view, mut src_view) = (get::EMPTY, get::EMPTY);
    // SAFETY: as above.
    if unsafe { get::ask(dest, &raw mut dest_view, PyBUF_FULL) }? != 0 {
        return Err(Error::Raised);
    }
    // SAFETY: as above.
    let result = match unsafe { get::ask(src, &raw mut src_view, PyBUF_FULL_RO) } {
        // SAFETY: both views are held, and the first was asked for to be written.
        Ok(0) => unsafe { copy_views(&dest_view, &src_view) },
        Ok(_) => {
            src_view.obj = ptr::null_mut();
            Err(Error::Raised)
        }
        Err(error) => Err(error),
    };
    // As in libpython, the error is there when the views go back, the destination's first.
    let result = result.map_err(|error| {
        runtime::raise(&error);
        Error::Raised
    });
    // SAFETY: filled above, not moved, and given back once.
    unsafe { get::give_back(&raw mut dest_view) };
    // SAFETY: as above; `obj` is null if it was not filled.
    unsafe { get::give_back(&raw mut src_view) };
    result
}

/// Copies the items of one view to those of another.
///
/// # Safety
/// Both views are held (`View`'s V4), and `dest`'s memory may be written.
#[inline(never)]
unsafe fn copy_views(dest: &Py_buffer, src: &Py_buffer) -> Result<(), Error> {
    if dest.len < src.len {
        return Err(Error::Fixed(
            Kind::Buffer,
            c"destination is too small to receive data from source",
        ));
    }
    // SAFETY: an exporter promises that its arrays are there.
    let dest_fields = unsafe { Fields::new(dest) };
    // SAFETY: as above.
    let src_fields = unsafe { Fields::new(src) };
    let are_both = |order: u8| {
        let order = order.cast_signed();
        dest_fields.lies_in(order) && src_fields.lies_in(order)
    };
    if src.len == 0 {
        return Ok(());
    }
    if dest.buf.is_null() || src.buf.is_null() {
        return Err(Error::NullArgument);
    }
    if src.len > 0 && (are_both(b'C') || are_both(b'F')) {
        // SAFETY: both blocks have `src.len` bytes.
        unsafe { move_bytes(dest.buf.cast(), src.buf.cast(), src.len) };
        return Ok(());
    }
    // SAFETY: both views are held.
    let dest = unsafe { View::new(dest) }?;
    // SAFETY: as above.
    let src = unsafe { View::new(src) }?;
    check_fits(&dest, &src)?;
    let sequence = Sequence {
        shape: src.shape(),
        itemsize: src.itemsize(),
        order: Order::C,
        items: items_of(&src),
        first_comes_last: true,
    };
    // SAFETY: every index of the source is one of the destination, and its items are not larger;
    // both views' items can be reached (V3, V4).
    unsafe { copy::copy(array_of(&dest), array_of(&src), sequence) }
}

/// Every index of `src` must be one of `dest`, and an item of `src` no larger than one of `dest`.
fn check_fits(dest: &View, src: &View) -> Result<(), Error> {
    let (into, from) = (dest.shape(), src.shape());
    let fits = into.len() == from.len()
        && into.iter().zip(from).all(|(into, from)| from <= into)
        && src.itemsize() <= dest.itemsize();
    if fits {
        return Ok(());
    }
    Err(Error::text(
        Kind::Buffer,
        format_args!(
            "cannot copy items of {} bytes with shape {} into items of {} bytes with shape {}: the \
             source needs as many dimensions as the destination, none longer, and items no larger",
            src.itemsize(),
            Tuple(from),
            dest.itemsize(),
            Tuple(into),
        ),
    ))
}

/// Whether `len` bytes at `buf` and the view's are moved as one block; an error if the sizes or
/// pointers make no sense. Nothing to move counts as one block.
///
/// # Safety
/// The view's arrays are there.
unsafe fn is_moved_whole(
    view: &Py_buffer,
    buf: *const c_void,
    len: Py_ssize_t,
    order: c_char,
) -> Result<bool, Error> {
    if len < 0 {
        return Err(Error::text(
            Kind::Value,
            format_args!("len is {len}, with Py_buffer.len {}: it must not be negative", view.len),
        ));
    }
    if len == 0 {
        return Ok(true);
    }
    if buf.is_null() || view.buf.is_null() {
        return Err(Error::NullArgument);
    }
    // SAFETY: the caller's promise is the callee's.
    Ok(unsafe { Fields::new(view) }.lies_in(order))
}

/// Moves `len` bytes between blocks that may overlap.
///
/// # Safety
/// `len` is not negative, and as many bytes are readable at `src` and writable at `dst`.
unsafe fn move_bytes(dst: *mut u8, src: *const u8, len: Py_ssize_t) {
    if len > 0 {
        // SAFETY: the caller's promise; without bytes the pointers may be null.
        unsafe { ptr::copy(src, dst, len.unsigned_abs()) };
    }
}

/// How many items a view has; their bytes fit an `isize` (V2).
fn items_of(view: &View) -> isize {
    view.shape().iter().fold(1, |items, n| items.wrapping_mul(*n))
}

/// A view's items as one side of a copy.
fn array_of<'a>(view: &'a View) -> Array<'a> {
    Array {
        buf: view.buf(),
        side: Side {
            strides: view.strides().map_or(Strides::Dense(Order::C), Strides::Given),
            suboffsets: view.suboffsets(),
            ..dense(view, Order::C)
        },
    }
}

/// Items like the view's, but back to back.
fn dense<'a>(view: &'a View, order: Order) -> Side<'a> {
    Side {
        shape: view.shape(),
        itemsize: view.itemsize(),
        strides: Strides::Dense(order),
        suboffsets: None,
    }
}
