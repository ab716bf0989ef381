//! Copies of few items between a dense block and a view: no set-up that costs more than the copy.
//!
//! The items are visited in the order of the block, which is the order in which libpython writes them,
//! so destinations whose items overlap one another need no care.

use core::ptr;

/// The most dimensions that a walk has.
pub const DIMS: usize = 8;

/// A view's items, and how they are visited.
pub struct Walk<'a> {
    /// `shape[ndim]`, at least one dimension.
    pub shape: &'a [isize],
    /// `strides[ndim]`, in memory that the copy does not write.
    pub strides: &'a [isize],
    /// Whether the first dimension is the fastest in the block, and not the last.
    pub first_is_fastest: bool,
    /// The size of an item.
    pub itemsize: usize,
    /// How many items are copied, counted in the block's order: `0 <= items <= product(shape)`.
    pub items: isize,
}

/// Which of the two is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// The dense block.
    Block,
    /// The view.
    View,
}

/// Copies the first items of a walk.
///
/// # Safety
/// At every index within the shape an item is there in the view, and `items` are in the block; the two
/// share no byte; what is written may be written.
pub unsafe fn copy(block: *mut u8, view: *mut u8, walk: &Walk, into: Into) {
    let copy = match (walk.itemsize, into) {
        (1, Into::Block) => run::<1, true>,
        (2, Into::Block) => run::<2, true>,
        (4, Into::Block) => run::<4, true>,
        (8, Into::Block) => run::<8, true>,
        (_, Into::Block) => run::<0, true>,
        (1, Into::View) => run::<1, false>,
        (2, Into::View) => run::<2, false>,
        (4, Into::View) => run::<4, false>,
        (8, Into::View) => run::<8, false>,
        (_, Into::View) => run::<0, false>,
    };
    // SAFETY: the caller's promise is the callee's.
    unsafe { copy(block, view, walk) };
}

/// As [`copy`], for items of `W` bytes, or of any size if `W` is 0.
///
/// # Safety
/// As for [`copy`].
unsafe fn run<const W: usize, const TO_BLOCK: bool>(
    mut block: *mut u8,
    mut view: *mut u8,
    walk: &Walk,
) {
    let size = if W == 0 { walk.itemsize } else { W };
    let dim = |k: usize| {
        // From the fastest on.
        let last = walk.shape.len().wrapping_sub(1);
        let axis = if walk.first_is_fastest { k } else { last.wrapping_sub(k) };
        let n = walk.shape.get(axis).copied().unwrap_or(1);
        (n, walk.strides.get(axis).copied().unwrap_or(0))
    };
    let ((line, step), (lines, next_line)) = (dim(0), dim(1));
    let mut index = [0_isize; DIMS];
    let mut left = walk.items;
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
