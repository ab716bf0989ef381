//! The extent of an array: the range of bytes that it touches.

/// The range of bytes that an array touches, relative to its first item: `low..high` with `low <= 0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The offset of the lowest byte.
    pub low: isize,
    /// One past the offset of the highest byte.
    pub high: isize,
}

/// The extent of an array with items of `itemsize` bytes; `dims` yields the extent and the stride of each dimension.
///
/// `None` if the range is larger than `isize::MAX` bytes, which no block of memory is, or if a dimension is negative.
/// An array without items touches nothing: `0..0`.
pub fn extent(itemsize: isize, dims: impl Iterator<Item = (isize, isize)>) -> Option<Extent> {
    let mut extent = Extent { low: 0, high: itemsize };
    let mut is_empty = false;
    for (n, stride) in dims {
        if n < 0 {
            return None;
        }
        if n == 0 {
            is_empty = true;
        }
        if n < 2 {
            continue;
        }
        let reach = n.checked_sub(1)?.checked_mul(stride)?;
        if reach < 0 {
            extent.low = extent.low.checked_add(reach)?;
        } else {
            extent.high = extent.high.checked_add(reach)?;
        }
    }
    extent.high.checked_sub(extent.low)?;
    Some(if is_empty { Extent { low: 0, high: 0 } } else { extent })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(itemsize: isize, dims: &[(isize, isize)]) -> Option<Extent> {
        extent(itemsize, dims.iter().copied())
    }

    #[test]
    fn negative_strides_reach_below_the_first_item() {
        assert_eq!(of(4, &[(3, -8), (2, 4)]), Some(Extent { low: -16, high: 8 }));
        assert_eq!(of(4, &[]), Some(Extent { low: 0, high: 4 }));
    }

    #[test]
    fn empty_array_touches_nothing() {
        assert_eq!(of(4, &[(3, -8), (0, 4)]), Some(Extent { low: 0, high: 0 }));
    }

    #[test]
    fn reach_beyond_the_address_space_is_none() {
        assert_eq!(of(4, &[(3, isize::MAX)]), None);
        assert_eq!(of(4, &[(2, isize::MAX - 8), (2, isize::MIN + 8)]), None);
        assert_eq!(of(4, &[(-1, 4)]), None);
        assert_eq!(of(4, &[(1, isize::MAX)]), Some(Extent { low: 0, high: 4 }));
    }
}
