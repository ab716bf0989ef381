//! Rows of items, and how far two rows agree.
//!
//! `equivalent` compares rows. A row is a run of numbers or an array of structs. The offsets are those of formats that
//! were parsed, so none overflows.

/// A row of items of one kind, and how far it was walked.
#[derive(Clone, Copy)]
pub struct Row {
    /// The offset of the first one.
    pub first: isize,
    /// The offset of the next one.
    pub next: isize,
    /// The distance from one item to the next.
    pub stride: isize,
    /// The number of items from the next one on.
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

    /// Skips what two rows have in common, given that they agreed so far. If both stand at the same offset, and the
    /// last item of this row was a whole number of items of the other, then they agree for as long as both continue:
    /// that much is skipped. Returns whether anything was.
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

/// A run: items that lie back to back.
pub struct Run {
    /// Where they lie. The stride is the size of an item.
    pub row: Row,
    /// What they are.
    pub what: What,
}

/// What an item is, apart from its size.
#[derive(PartialEq, Eq)]
pub struct What {
    /// One of `codes::kind`.
    pub kind: u8,
    /// `<` or `>`; 0 for items of one byte.
    pub byte_order: u8,
    /// For bits, the number of the first one in its byte.
    pub bit: u8,
}

impl Run {
    /// Skips the items that two runs have in common, from the next item on; false if the runs differ there.
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
