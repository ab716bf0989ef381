//! Where items lie in a struct, one after the other.

use super::read::Mode;
use super::size::aligned;

/// A struct, as far as it is read: also the item that a format describes, which is not padded at its
/// end.
#[derive(Clone, Copy)]
pub struct Place {
    /// The end of the last item.
    pub end: isize,
    /// The largest alignment of an item so far.
    pub align: u8,
    /// How many bits of the last byte are taken, if the last item was of bits.
    bits: u8,
    /// How much of the last item is padding at its end that no `x` stands for.
    slack: isize,
}

/// A type of items, and what a struct adds to it.
#[derive(Clone, Copy)]
pub struct Type {
    /// The size of one.
    pub size: isize,
    /// Its alignment.
    pub align: u8,
    /// How much of the size is padding at the end that no `x` stands for.
    pub slack: isize,
}

impl Place {
    /// An empty struct.
    pub const EMPTY: Self = Self::of(0, 1);

    /// One that ends so, and whose last item is not looked at any more.
    pub const fn of(end: isize, align: u8) -> Self {
        Self { end, align, bits: 0, slack: 0 }
    }

    /// Puts `n` items behind the last one; their offset, `None` if it does not fit.
    pub fn put(&mut self, item: Type, n: isize) -> Option<isize> {
        let offset = aligned(self.end, item.align)?;
        self.end = offset.checked_add(item.size.checked_mul(n)?)?;
        self.slack = item.slack.checked_mul(n)?;
        self.align = self.align.max(item.align);
        self.bits = 0;
        Some(offset)
    }

    /// Puts `n` bits behind the last item, in its last byte if that was of bits: the offset of the byte,
    /// and the number of the bit in it.
    pub fn put_bits(&mut self, n: isize) -> Option<(isize, u8)> {
        let first = self.bits;
        let offset = if first == 0 { self.end } else { self.end.checked_sub(1)? };
        let end = n.checked_add(first.into())?;
        self.end = offset.checked_add(end.checked_add(7)? >> 3)?;
        self.bits = (end & 7) as u8;
        self.slack = 0;
        Some((offset, first))
    }

    /// The struct that has had `n` items of a type put behind it up to `end`.
    pub fn with_last(end: isize, align: u8, last: Type, n: isize) -> Self {
        Self { slack: last.slack.saturating_mul(n), ..Self::of(end, align) }
    }

    /// Puts `n` bytes of padding there. NumPy writes out the padding at the end of an inner struct
    /// behind the struct, so what is written counts for what was implied.
    pub fn pad(&mut self, n: isize) -> Option<()> {
        let counted = n.min(self.slack);
        self.slack = self.slack.checked_sub(counted)?;
        self.end = self.end.checked_add(n.checked_sub(counted)?)?;
        self.bits = 0;
        Some(())
    }

    /// The struct as an item, with the byte order in force at its `}`: it is aligned and padded as in C
    /// if that is `@`, and otherwise neither.
    pub fn close(self, mode: Mode) -> Option<Type> {
        let align = if mode.is_aligned() { self.align } else { 1 };
        let size = aligned(self.end, align)?;
        let slack = self.slack.checked_add(size.checked_sub(self.end)?)?;
        Some(Type { size, align, slack })
    }
}
