//! What was reported already, and how many lines there may still be.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::check::Rule;

/// What can be wrong with a release. Each value is the number of a bit that no rule uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// The `Py_buffer` is a copy of the one that was filled.
    Moved = 61,
    /// The `Py_buffer` is a copy of one that was released before.
    Twice = 62,
    /// The view was never acquired.
    NeverAcquired = 63,
}

/// The number of the bit for views held at the exit.
pub const HELD: u8 = 0;

impl Mistake {
    /// All of them.
    const ALL: [Self; 3] = [Self::Moved, Self::Twice, Self::NeverAcquired];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Twice => "twice",
            Self::NeverAcquired => "never-acquired",
        }
    }
}

/// The bit of the mistake with this name.
pub fn mistake(name: &[u8]) -> Option<u8> {
    let found = Mistake::ALL.into_iter().find(|mistake| mistake.name().as_bytes() == name);
    found.map(|mistake| mistake as u8)
}

const _: () = assert!(Rule::ALL.len() < Mistake::Moved as usize);

/// How many lines were written about one rule, one mistake, or views held at the exit.
pub struct Tally {
    n_written: AtomicUsize,
    /// How many findings got no line because there were enough.
    pub n_more: AtomicUsize,
}

impl Tally {
    const MOST: usize = 100;

    /// Forgets the findings that got no line. (Out of line, as the compiler would repeat it for each tally.)
    #[inline(never)]
    pub fn forget_more(&self) {
        self.n_more.store(0, Ordering::Relaxed);
    }

    /// Whether one more line may be written; if not, the finding is counted.
    pub fn has_room(&self) -> bool {
        let has_room = self.n_written.load(Ordering::Relaxed) < Self::MOST;
        let count = if has_room { &self.n_written } else { &self.n_more };
        count.fetch_add(1, Ordering::Relaxed);
        has_room
    }

    /// Makes room for as many lines as at the beginning. (Out of line, as `forget_more`.)
    #[inline(never)]
    pub fn retell(&self) {
        self.n_written.store(0, Ordering::Relaxed);
    }
}

/// What was reported of one exporter type.
pub struct Reported {
    /// A bit for each rule and each mistake that has its line.
    bits: AtomicU64,
    /// How many findings got no line because this type already had one like them.
    pub n_again: AtomicUsize,
}

impl Reported {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { bits: AtomicU64::new(0), n_again: AtomicUsize::new(0) }
    }

    /// Whether a finding, given by its bit, gets no line: this type had one, or there were enough of other
    /// types. A repetition is counted.
    pub fn is_known(&self, bit: u8, tally: &Tally) -> bool {
        let bit = 1_u64.wrapping_shl(bit.into());
        if self.bits.load(Ordering::Relaxed) & bit == 0 {
            if !tally.has_room() {
                return true;
            }
            if self.bits.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
                return false;
            }
        }
        self.n_again.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Forgets what has its line.
    pub fn retell(&self) {
        self.bits.store(0, Ordering::Relaxed);
    }
}
