//! Rows of items, and how far two of them are alike.
//!
//! What `equivalent` compares: a row is a run of numbers, or an array of structs. Offsets are those of
//! formats that were parsed, so none overflows.

/// Items of one kind in a row.
#[derive(Clone, Copy)]
pub struct Row {
    /// The offset of the first one.
    pub first: isize,
    /// The offset of the next one.
    pub next: isize,
    /// From one to the next.
    pub stride: isize,
    /// How many there are from the next one on.
    pub left: isize,
}

impl Row {
    /// No items.
    pub const NONE: Self = Self { first: 0, next: 0, stride: 0, left: 0 };

    /// Goes on by `n` items.
    pub fn go_on(&mut self, n: isize) {
        self.left = self.left.saturating_sub(n);
        self.next = self.next.saturating_add(n.saturating_mul(self.stride));
    }

    /// Two rows that were alike up to here. If they stand at the same offset, and the last item here was
    /// a whole number of the other's, they will be alike as often as both go on: leaves that out, and
    /// says whether there was any to leave out.
    pub fn skip(&mut self, other: &mut Self) -> bool {
        let begin = self.next.saturating_sub(self.stride);
        let is_whole = self.stride.checked_rem(other.stride) == Some(0);
        if !is_whole || other.next != self.next || other.first > begin {
            return false;
        }
        let times = self.stride.checked_div(other.stride).unwrap_or(1);
        let n = self.left.min(other.left.checked_div(times).unwrap_or(0));
        self.go_on(n);
        other.go_on(n.saturating_mul(times));
        n > 0
    }
}

/// Items that lie back to back.
pub struct Run {
    /// Where they lie; from one to the next it is their size.
    pub row: Row,
    /// What they are.
    pub what: What,
}

/// What an item is, but for its size.
#[derive(PartialEq, Eq)]
pub struct What {
    /// One of `codes::kind`.
    pub kind: u8,
    /// `<` or `>`, and 0 where that makes no difference.
    pub byte_order: u8,
    /// The first bit, of bits.
    pub bit: u8,
}

impl Run {
    /// Takes what two runs have in common from the next item on; false if that differs.
    pub fn take_common(&mut self, other: &mut Self) -> bool {
        let (row, others) = (&mut self.row, &mut other.row);
        if row.next != others.next || row.stride != others.stride || self.what != other.what {
            return false;
        }
        let n = row.left.min(others.left);
        row.go_on(n);
        others.go_on(n);
        true
    }
}
