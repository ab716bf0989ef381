//! Whether an array lies within a block of memory, as the documentation of the buffer protocol defines it.

/// A sum of products of two sizes that never overflows: the high and the low halves are added separately.
#[derive(Clone, Copy, Default)]
struct Sum {
    high: i128,
    low: i128,
}

impl Sum {
    fn add(&mut self, number: i128) {
        self.high = self.high.wrapping_add(number >> 64);
        self.low = self.low.wrapping_add(number & i128::from(u64::MAX));
    }

    fn plus(mut self, number: i128) -> Self {
        self.add(number);
        self
    }

    fn is_negative(self) -> bool {
        self.high.wrapping_add(self.low >> 64) < 0
    }
}

/// A block of memory, and where an array begins in it. Both are in bytes.
#[derive(Clone, Copy)]
pub struct Block {
    /// The length of the block.
    pub len: isize,
    /// The offset of the array's first item.
    pub offset: isize,
}

/// `verify_structure` of the documentation, for arrays with dimensions, with the same result for all numbers. An
/// `itemsize` of 0, by which the documentation's code would divide, gives `false`.
pub fn lies_within(block: Block, itemsize: isize, shape: &[isize], strides: &[isize]) -> bool {
    let Block { len, offset } = block;
    let (mut low, mut high) = (Sum::default(), Sum::default());
    let (mut is_even, mut is_empty) = (true, false);
    for (&n, &stride) in shape.iter().zip(strides) {
        is_even &= is_multiple(stride, itemsize);
        is_empty |= n == 0;
        let reach = (n as i128).wrapping_sub(1).wrapping_mul(stride as i128);
        if stride <= 0 { &mut low } else { &mut high }.add(reach);
    }
    if !is_even || !item_lies_within(block, itemsize) {
        return false;
    }
    // 0 <= offset + low, and offset + high + itemsize <= len.
    let (offset, itemsize, len) = (offset as i128, itemsize as i128, len as i128);
    let behind = high.plus(offset).plus(itemsize).plus(len.wrapping_neg()).plus(-1);
    is_empty || !low.plus(offset).is_negative() && behind.is_negative()
}

/// As [`lies_within`], for an array without dimensions, which is one item.
pub fn item_lies_within(block: Block, itemsize: isize) -> bool {
    let Block { len, offset } = block;
    let end = (offset as i128).wrapping_add(itemsize as i128);
    itemsize != 0 && is_multiple(offset, itemsize) && offset >= 0 && end <= len as i128
}

/// Whether `number` is a multiple of `size`. The answer for a `size` of 0 does not matter.
fn is_multiple(number: isize, size: isize) -> bool {
    // `None`: a division of the least number by -1, or a division by 0.
    number.checked_rem(size).is_none_or(|rest| rest == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verify(len: isize, itemsize: isize, shape: &[isize], strides: &[isize], at: isize) -> bool {
        lies_within(Block { len, offset: at }, itemsize, shape, strides)
    }

    #[test]
    fn arrays_within_their_block_are_valid() {
        assert!(verify(24, 4, &[2, 3], &[12, 4], 0));
        assert!(verify(24, 4, &[2, 3], &[-12, 4], 12));
        assert!(verify(24, 4, &[6], &[0], 20));
        assert!(verify(24, 4, &[0, 99], &[400, 4], 0));
        assert!(item_lies_within(Block { len: 4, offset: 0 }, 4));
    }

    #[test]
    fn arrays_beyond_their_block_are_not() {
        assert!(!verify(24, 4, &[2, 3], &[16, 4], 0));
        assert!(!verify(24, 4, &[2, 3], &[-12, 4], 0));
        assert!(!verify(24, 4, &[7], &[4], 0));
        assert!(!verify(24, 4, &[2], &[2], 0));
        assert!(!verify(24, 4, &[2], &[4], 2));
        assert!(!verify(24, 0, &[2], &[4], 0));
        assert!(!verify(24, 4, &[1], &[4], -4));
        assert!(!item_lies_within(Block { len: 4, offset: 4 }, 4));
        assert!(!item_lies_within(Block { len: 4, offset: 0 }, 0));
    }

    #[test]
    fn sums_do_not_wrap() {
        let (max, min) = (isize::MAX, isize::MIN);
        assert!(!verify(max, 1, &[max; 5], &[max; 5], 0));
        assert!(!verify(max, 1, &[max; 5], &[min; 5], 0));
        // Extents and strides that make no sense cancel out, as they do in Python.
        assert!(verify(8, 1, &[min, max, 3], &[1, 1, 2], 0));
        assert!(!verify(8, 1, &[min, max, 10], &[1, 1, 2], 0));
    }
}
