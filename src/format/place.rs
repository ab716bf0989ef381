//! Places items in a struct, one after the other.

use super::read::Mode;
use super::size::aligned;

/// The items of a struct, as far as they were read. Also the item that a format describes, which has no padding at its
/// end.
#[derive(Clone, Copy)]
pub struct Place {
    /// The end of the last item.
    pub end: isize,
    /// The largest alignment of an item so far.
    pub align: u8,
    /// The number of bits used of the last byte, if the last item was bits.
    bits: u8,
    /// The number of bytes of padding at the end of the last item that are implied: no `x` was written for them.
    slack: isize,
}

/// The type of an item.
#[derive(Clone, Copy)]
pub struct Type {
    /// The size of one item in bytes.
    pub size: isize,
    /// Its alignment in bytes.
    pub align: u8,
    /// The number of bytes of implied padding at a struct's end.
    pub slack: isize,
}

impl Place {
    /// An empty struct.
    pub const EMPTY: Self = Self::of(0, 1);

    /// A struct that ends at `end`, with the alignment `align`, and with nothing known about its last item.
    pub const fn of(end: isize, align: u8) -> Self {
        Self { end, align, bits: 0, slack: 0 }
    }

    /// Adds `n` items after the last one, and returns their offset; `None` if the size overflows.
    pub fn put(&mut self, item: Type, n: isize) -> Option<isize> {
        let offset = aligned(self.end, item.align)?;
        self.end = offset.checked_add(item.size.checked_mul(n)?)?;
        self.slack = item.slack.checked_mul(n)?;
        self.align = self.align.max(item.align);
        self.bits = 0;
        Some(offset)
    }

    /// Adds `n` bits after the last item, in its last byte if that was bits. Returns the offset of the byte where they
    /// begin, and the number of the first bit in it.
    pub fn put_bits(&mut self, n: isize) -> Option<(isize, u8)> {
        let first = self.bits;
        let offset = if first == 0 { self.end } else { self.end.checked_sub(1)? };
        let end = n.checked_add(first.into())?;
        self.end = offset.checked_add(end.checked_add(7)? >> 3)?;
        self.bits = (end & 7) as u8;
        self.slack = 0;
        Some((offset, first))
    }

    /// A struct that ends at `end`, with the alignment `align`, and whose last items are `n` of the type `last`.
    pub fn with_last(end: isize, align: u8, last: Type, n: isize) -> Self {
        Self { slack: last.slack.saturating_mul(n), ..Self::of(end, align) }
    }

    /// Adds `n` bytes of padding. NumPy writes the padding at the end of an inner struct after that struct, so written
    /// padding first counts as the padding that was implied there.
    pub fn pad(&mut self, n: isize) -> Option<()> {
        let counted = n.min(self.slack);
        self.slack = self.slack.checked_sub(counted)?;
        self.end = self.end.checked_add(n.checked_sub(counted)?)?;
        self.bits = 0;
        Some(())
    }

    /// The type of the whole struct. `mode` is the byte order in force at its `}`: with `@` the struct is aligned and
    /// padded as in C, otherwise neither.
    pub fn close(self, mode: Mode) -> Option<Type> {
        let align = if mode.is_aligned() { self.align } else { 1 };
        let size = aligned(self.end, align)?;
        let slack = self.slack.checked_add(size.checked_sub(self.end)?)?;
        Some(Type { size, align, slack })
    }
}
