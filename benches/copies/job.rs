//! A case in memory: its two blocks, and what has to be in the destination afterwards.

use crate::cases::Case;
use crate::memory::Block;

/// A case with memory for it. Rivals copy from `src` to `dst`, the first items of each side.
pub struct Job {
    pub case: Case,
    pub src: *mut u8,
    pub dst: *mut u8,
    src_block: Block,
    dst_block: Block,
    /// The addresses of the rows, for a source with row pointers.
    rows: Vec<*mut u8>,
    expected: Vec<u8>,
}

/// The lowest and the highest offset (exclusive) of a side's items from its first one.
fn reach(item: usize, shape: &[isize], strides: &[isize]) -> (isize, isize) {
    let (mut low, mut high) = (0, item as isize);
    for (n, stride) in shape.iter().zip(strides) {
        let last = (n - 1) * stride;
        if last < 0 { low += last } else { high += last }
    }
    (low, high)
}

impl Job {
    pub fn new(case: Case, becomes_fresh: bool) -> Self {
        // A row's pointer leads to it, so the rows lie as if they were of a C-contiguous array.
        let row = case.shape.last().map_or(0, |n| n * case.item as isize);
        let src_strides = if case.row_pointers { vec![row, case.src[1]] } else { case.src.clone() };
        let src_reach = reach(case.item, &case.shape, &src_strides);
        let dst_reach = reach(case.item, &case.shape, &case.dst);
        // Each block is as long as what is copied at least, because memcpy copies that between them.
        let size = |(low, high): (isize, isize)| case.len().max((high - low) as usize);
        let mut src_block = Block::new(size(src_reach), false);
        let mut dst_block = Block::new(size(dst_reach), becomes_fresh);
        src_block.fill_randomly();
        let src = src_block.start().wrapping_offset(-src_reach.0);
        let dst = dst_block.start().wrapping_offset(-dst_reach.0);
        let rows = if case.row_pointers {
            (0..case.shape[0]).map(|i| src.wrapping_offset(i * row)).collect()
        } else {
            Vec::new()
        };

        let mut expected = dst_block.bytes().to_vec();
        let bytes = src_block.bytes();
        odometer(&case.shape, &src_strides, &case.dst, &mut |from, to| {
            let from = (from - src_reach.0) as usize;
            let to = (to - dst_reach.0) as usize;
            expected[to..to + case.item].copy_from_slice(&bytes[from..from + case.item]);
        });
        Self { case, src, dst, src_block, dst_block, rows, expected }
    }

    /// The pointer that the source's view starts with: to the first item, or to the first row pointer.
    pub fn src_buf(&self) -> *mut u8 {
        if self.case.row_pointers { self.rows.as_ptr().cast_mut().cast() } else { self.src }
    }

    /// The first bytes of both blocks, for memcpy.
    pub fn starts(&self) -> (*mut u8, *mut u8) {
        (self.dst_block.start(), self.src_block.start())
    }

    /// Makes the destination memory that nobody has touched.
    pub fn forget(&mut self) {
        self.dst_block.forget();
    }

    /// Clears the destination, lets `copy` fill it and compares all of it, gaps included.
    pub fn is_right_after(&mut self, copy: impl FnOnce()) -> bool {
        self.dst_block.bytes().fill(0xA5);
        copy();
        self.dst_block.bytes() == self.expected
    }
}

/// Calls `visit` with the two offsets of every item.
fn odometer(shape: &[isize], src: &[isize], dst: &[isize], visit: &mut impl FnMut(isize, isize)) {
    fn run(
        dims: &[(isize, isize, isize)],
        at: (isize, isize),
        visit: &mut impl FnMut(isize, isize),
    ) {
        let Some(((n, s, d), rest)) = dims.split_first() else { return visit(at.0, at.1) };
        for i in 0..*n {
            run(rest, (at.0 + i * s, at.1 + i * d), visit);
        }
    }
    let dims: Vec<_> = shape.iter().zip(src).zip(dst).map(|((n, s), d)| (*n, *s, *d)).collect();
    run(&dims, (0, 0), visit);
}
