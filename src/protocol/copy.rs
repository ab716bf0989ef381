//! Copies between views and plain memory, and from exporter to exporter.
//!
//! Contiguous views are answered by one memmove that looks at nothing but `len`: real exporters leave
//! shape and itemsize untrue there (NumPy's plain answer for a 2-D array says ndim 0). Only where
//! items have to be found are the fields checked, by `View`.

use core::ffi::{c_char, c_void};
use core::ptr;

use super::get;
use crate::abi::{Py_buffer, Py_ssize_t, PyBUF_FULL, PyBUF_FULL_RO, PyObject};
use crate::copy::few;
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
    let walked = match order.cast_unsigned() {
        b'C' => Order::C,
        // SAFETY: the view's arrays are there (caller).
        b'A' => unsafe { either_order(view) },
        _ => Order::Fortran,
    };
    // SAFETY: both are there (caller).
    if unsafe { copy_few(view, buf.cast(), walked, Into::Block) } {
        return Ok(());
    }
    // SAFETY: the caller's promise is the callee's.
    unsafe { to_contiguous_any(buf, view, len, order) }
}

/// As [`to_contiguous`], for views of any size.
///
/// # Safety
/// As for [`to_contiguous`].
#[inline(never)]
unsafe fn to_contiguous_any(
    buf: *mut c_void,
    view: &Py_buffer,
    len: Py_ssize_t,
    order: c_char,
) -> Result<(), Error> {
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
    let walked = match order.cast_unsigned() {
        b'F' => Order::Fortran,
        // SAFETY: the view's arrays are there (caller).
        b'A' => unsafe { either_order(view) },
        _ => Order::C,
    };
    let is_whole = len >= view.len;
    // SAFETY: both are there, and the view's memory may be written (caller).
    if is_whole && unsafe { copy_few(view, buf.cast_mut().cast(), walked, Into::View) } {
        return Ok(());
    }
    // SAFETY: the caller's promise is the callee's.
    unsafe { from_contiguous_any(view, buf, len, order) }
}

/// As [`from_contiguous`], for views of any size.
///
/// # Safety
/// As for [`from_contiguous`].
#[inline(never)]
unsafe fn from_contiguous_any(
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

/// The order in which a view is one block, if it is; C order otherwise.
///
/// # Safety
/// The view's arrays are there.
#[cold]
unsafe fn either_order(view: &Py_buffer) -> Order {
    // SAFETY: the caller's promise is the callee's.
    let fields = unsafe { Fields::new(view) };
    if fields.lies_in(b'F'.cast_signed()) { Order::Fortran } else { Order::C }
}

/// Copies few items between a view and a block without a `View` or a plan, whose set-up would cost more
/// than the copy (2x3x4 items of 4 bytes: 18 ns, libpython 8 times as long; 8 items [::2] 11 ns; Xeon,
/// `copies tiny`). Whether it did: only for a view whose numbers are small and agree with each other,
/// which has no pointers and does not meet the block.
///
/// # Safety
/// The view's arrays are there, it is held, the block is null or has `view.len` bytes, and what is written
/// may be written.
#[inline(always)]
unsafe fn copy_few(view: &Py_buffer, block: *mut u8, order: Order, into: Into) -> bool {
    if view.ndim > 3 {
        // SAFETY: the caller's promise is the callee's.
        return unsafe { copy_few_deep(view, block, order, into) };
    }
    // SAFETY: the view's arrays are there (caller).
    let fields = unsafe { Fields::new(view) };
    // SAFETY: the caller's promise is the callee's.
    Small::<3>::new(fields, order)
        .is_some_and(|small| unsafe { copy_small(view, small, block, into) })
}

/// As [`copy_few`], for views of 4 to 8 dimensions.
///
/// # Safety
/// As for [`copy_few`].
#[inline(never)]
unsafe fn copy_few_deep(view: &Py_buffer, block: *mut u8, order: Order, into: Into) -> bool {
    // SAFETY: the view's arrays are there (caller).
    let fields = unsafe { Fields::new(view) };
    // SAFETY: the caller's promise is the callee's.
    Small::deep(fields, order).is_some_and(|small| unsafe { copy_small(view, small, block, into) })
}

/// Copies a view of few items from or to a block.
///
/// # Safety
/// As for [`copy_few`], and `small` is of that view.
#[inline(always)]
unsafe fn copy_small<const DIMS: usize>(
    view: &Py_buffer,
    small: Small<DIMS>,
    block: *mut u8,
    into: Into,
) -> bool {
    if block.is_null() {
        return false;
    }
    let dense = small.dense();
    let (view, block) = ((view.buf.cast(), &small), (block, &dense));
    let (dst, src) = match into {
        Into::Block => (block, view),
        Into::View => (view, block),
    };
    // SAFETY: the caller's promise is the callee's.
    unsafe { copy_between(dst, src, false) }
}

/// Which of a block and a view is written.
#[derive(Clone, Copy)]
enum Into {
    Block,
    View,
}

/// Copies few items in the order of the dimensions, and the first once more if it comes last, unless the
/// two arrays meet; whether it did.
///
/// # Safety
/// The items of both, which have one shape and size, are there, and those of the first may be written.
#[inline(always)]
unsafe fn copy_between<const DIMS: usize>(
    (to, dst): (*mut u8, &Small<DIMS>),
    (from, src): (*mut u8, &Small<DIMS>),
    first_comes_last: bool,
) -> bool {
    if dst.is_dense() && src.is_dense() {
        let len = src.extent.high.unsigned_abs();
        // SAFETY: dense arrays of that many bytes (caller), which may overlap.
        unsafe { ptr::copy(from, to, len) };
        return true;
    }
    let meet = from.wrapping_offset(src.extent.low) < to.wrapping_offset(dst.extent.high)
        && to.wrapping_offset(dst.extent.low) < from.wrapping_offset(src.extent.high);
    if meet {
        return false;
    }
    // SAFETY: the numbers agree with each other (V1 to V3), and the two do not meet; the rest is the
    // caller's promise.
    unsafe { few::copy((to, &dst.strides), (from, &src.strides), &src.shape, src.itemsize) };
    if first_comes_last {
        // SAFETY: as above.
        unsafe { ptr::copy_nonoverlapping(from, to, src.itemsize.unsigned_abs()) };
    }
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
    // SAFETY: both views are held, and `dest` may be written.
    if unsafe { copy_few_views(dest, src) } {
        return Ok(());
    }
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

/// Copies between two views of few items whose shapes and itemsizes are equal, in C order and the first
/// item last; whether it did.
///
/// # Safety
/// As for [`copy_views`].
#[inline(always)]
unsafe fn copy_few_views(dest: &Py_buffer, src: &Py_buffer) -> bool {
    // SAFETY: the views' arrays are there (caller).
    let into = Small::<3>::new(unsafe { Fields::new(dest) }, Order::C);
    // SAFETY: as above.
    let from = Small::<3>::new(unsafe { Fields::new(src) }, Order::C);
    let (Some(into), Some(from)) = (into, from) else { return false };
    let alike = (dest.ndim, into.shape, into.itemsize) == (src.ndim, from.shape, from.itemsize);
    // SAFETY: few items of one shape and size, which are there (caller).
    alike && unsafe { copy_between((dest.buf.cast(), &into), (src.buf.cast(), &from), true) }
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
