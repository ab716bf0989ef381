//! What all copies of views share: the two sides of a copy, and whole blocks.

use core::ffi::c_char;
use core::ptr;

use crate::copy::Array;
use crate::error::Raised;
use crate::fresh;
use crate::layout::Order;
use crate::layout::extent::Extent;
use crate::plan::{Side, Strides};
use crate::runtime::Raise;
use crate::view::{Fields, View};

/// The direction of a copy between a view and a block of memory.
#[derive(Clone, Copy)]
pub enum Direction {
    /// The block is written.
    ToBlock,
    /// The view is written.
    ToView,
}

impl Direction {
    /// The view's value and the block's: that of the side that is written, then the other.
    pub fn sort<T>(self, view: T, block: T) -> (T, T) {
        match self {
            Self::ToBlock => (block, view),
            Self::ToView => (view, block),
        }
    }
}

/// Moves `len` bytes between blocks that may overlap.
///
/// # Safety
/// * BLOCKS: if `len` is positive, as many bytes are readable at `src` and writable at `dst`.
pub unsafe fn move_bytes(dst: *mut u8, src: *const u8, len: isize) {
    if len > 0 {
        fresh::populate(dst, len.unsigned_abs());
        // SAFETY: `len` bytes on both sides (caller: BLOCKS); without bytes the pointers may be null.
        unsafe { ptr::copy(src, dst, len.unsigned_abs()) };
    }
}

/// Whether two arrays share a byte. Each is given by its first item and its extent.
#[inline(always)]
pub fn meet((one, a): (*mut u8, &Extent), (other, b): (*mut u8, &Extent)) -> bool {
    one.wrapping_offset(a.low) < other.wrapping_offset(b.high)
        && other.wrapping_offset(b.low) < one.wrapping_offset(a.high)
}

/// Whether both views are blocks in the same order.
pub fn are_blocks(dest: Fields, src: Fields) -> bool {
    [b'C', b'F'].iter().any(|&order| {
        let order = order as c_char;
        dest.lies_in(order) && src.lies_in(order)
    })
}

/// A view whose numbers agree with each other, or an error raised. It is raised here, so that the text of the error
/// and the frames of the copy are not on the stack at the same time.
#[inline(never)]
pub fn checked<'a>(view: Fields<'a>, raise: Raise) -> Result<View<'a>, Raised> {
    View::new(view).map_err(|error| raise(&error))
}

/// How many items a view has; their bytes fit an `isize` (V2).
#[inline(never)]
pub fn items_of(view: &View) -> isize {
    view.shape().iter().fold(1, |items, n| items.wrapping_mul(*n))
}

/// A view's items as one side of a copy.
#[inline(never)]
pub fn array_of<'a>(view: &'a View) -> Array<'a> {
    Array {
        buf: view.buf(),
        side: Side {
            strides: view.strides().map_or(Strides::Dense(Order::C), Strides::Given),
            suboffsets: view.suboffsets(),
            ..dense(view, Order::C)
        },
    }
}

/// An array of the same items, but dense.
pub fn dense<'a>(view: &'a View, order: Order) -> Side<'a> {
    Side {
        shape: view.shape(),
        itemsize: view.itemsize(),
        strides: Strides::Dense(order),
        suboffsets: None,
    }
}
