//! One transpose, with its strategy.

use super::{Strategy, Strip, count};

/// What is the same for all blocks.
pub struct Job<'a> {
    /// The size of the items.
    pub width: usize,
    /// The strips that can be used, the highest first.
    pub strips: &'a [Strip],
    /// How it is done.
    pub strategy: &'a Strategy,
    /// The first line of the stage, if the strategy has one and there is memory for it.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "measured nowhere else"))]
    pub stage: Option<*mut u8>,
    /// How far apart the destination's columns are.
    pub d: isize,
    /// How far apart the source's rows are.
    pub s: isize,
    /// How many bytes a column has.
    pub down: usize,
}

impl Job<'_> {
    /// The row whose items are `at` bytes down the columns.
    pub fn row(&self, src: *const u8, at: usize) -> *const u8 {
        src.wrapping_offset(self.s * count(at, self.width).cast_signed())
    }

    /// The lowest strip that covers `rest` bytes of rows; if there is none, the highest one that fits the arrays.
    pub fn lowest_over(&self, rest: usize) -> Strip {
        let mut held = self.strips.iter().filter(|strip| strip.height <= self.down);
        let over = held.clone().rfind(|strip| strip.height >= rest);
        over.or_else(|| held.next()).copied().unwrap_or(self.strategy.body)
    }
}
