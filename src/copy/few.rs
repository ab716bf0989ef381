//! Copies of few items between a dense block and a view: no set-up that costs more than the copy.
//!
//! The items are visited in the order of the block, which is the order in which libpython writes them,
//! so destinations whose items overlap one another need no care.

use core::ptr;

/// Up to how many items there is nothing to be gained by planning.
pub const ITEMS: isize = 128;
/// Up to how large an item.
pub const BYTES: isize = 64;
/// Up to how many dimensions.
pub const DIMS: usize = 8;

/// The dimensions of a view, from the fastest in the block's order to the slowest.
pub struct Dims<'a> {
    /// `shape[ndim]`, `1 <= ndim <= DIMS`.
    pub shape: &'a [isize],
    /// `strides[ndim]`.
    pub strides: &'a [isize],
    /// Whether the first dimension is the fastest.
    pub first_is_fastest: bool,
}

/// Which of the two is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// The dense block.
    Block,
    /// The view.
    View,
}

/// Copies the first `items` items, counted in the block's order.
///
/// # Safety
/// At every index within the shape an item is there in the view, and `items` are in the block, where
/// `0 <= items <= product(shape)`; the two share no byte; what is written may be written.
pub unsafe fn copy(
    block: *mut u8,
    view: *mut u8,
    dims: &Dims,
    itemsize: usize,
    items: isize,
    into: Into,
) {
    let copy = match (itemsize, into) {
        (1, Into::Block) => walk::<1, true>,
        (2, Into::Block) => walk::<2, true>,
        (4, Into::Block) => walk::<4, true>,
        (8, Into::Block) => walk::<8, true>,
        (_, Into::Block) => walk::<0, true>,
        (1, Into::View) => walk::<1, false>,
        (2, Into::View) => walk::<2, false>,
        (4, Into::View) => walk::<4, false>,
        (8, Into::View) => walk::<8, false>,
        (_, Into::View) => walk::<0, false>,
    };
    // SAFETY: the caller's promise is the callee's.
    unsafe { copy(block, view, dims, itemsize, items) };
}

/// As [`copy`], for items of `W` bytes, or of any size if `W` is 0.
///
/// # Safety
/// As for [`copy`].
unsafe fn walk<const W: usize, const TO_BLOCK: bool>(
    mut block: *mut u8,
    mut view: *mut u8,
    dims: &Dims,
    itemsize: usize,
    items: isize,
) {
    let size = if W == 0 { itemsize } else { W };
    let dim = |k: usize| {
        // From the fastest on.
        let last = dims.shape.len().wrapping_sub(1);
        let axis = if dims.first_is_fastest { k } else { last.wrapping_sub(k) };
        let n = dims.shape.get(axis).copied().unwrap_or(1);
        (n, dims.strides.get(axis).copied().unwrap_or(0))
    };
    let ((line, step), (lines, next_line)) = (dim(0), dim(1));
    let mut index = [0_isize; DIMS];
    let mut left = items;
    loop {
        // The two fastest dimensions need no index of their own.
        let mut row = view;
        for _ in 0..lines {
            let n = line.min(left);
            let mut at = row;
            for _ in 0..n {
                let (src, dst) = if TO_BLOCK { (at, block) } else { (block, at) };
                // SAFETY: an item is there on both sides, and they share no byte (caller).
                unsafe { ptr::copy_nonoverlapping(src, dst, size) };
                block = block.wrapping_add(size);
                at = at.wrapping_offset(step);
            }
            left = left.wrapping_sub(n);
            row = row.wrapping_offset(next_line);
        }
        if left <= 0 {
            return;
        }
        for (k, index) in index.iter_mut().enumerate().skip(2) {
            let (n, stride) = dim(k);
            *index = index.wrapping_add(1);
            view = view.wrapping_offset(stride);
            if *index < n {
                break;
            }
            view = view.wrapping_offset(stride.wrapping_mul(n.wrapping_neg()));
            *index = 0;
        }
    }
}
