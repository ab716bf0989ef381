//! The levels around an item while a format is read: structs, function signatures and pointers, the outermost first.
//!
//! They are kept in lists: recursion took 38 KiB of stack for 64 levels.

use core::num::NonZeroU8;

use super::codes::{self, Grammar};
use super::place::Place;
use super::problem::{Fault, Problem};
use super::read::{Head, Mode};
use super::row::Row;

/// How deep structs, pointers and functions may nest.
pub const MAX_DEPTH: usize = 64;

/// A level: a struct, a function or a pointer whose inside is being read.
#[derive(Clone, Copy)]
pub struct Level {
    /// The letter of its code; [`RESULT`] for a function after its arrow.
    pub letter: u8,
    /// The byte order in force at its code.
    mode: Mode,
    /// The offset of its code in the format.
    pub position: usize,
    /// The number of items; negative if that overflows.
    pub n: isize,
    /// The end of the items before it, in the level around it.
    end: isize,
    /// The largest alignment of the items before it, in the level around it.
    align: u8,
    /// The number of extents of its shape.
    ndim: u8,
}

/// In place of `X`: a function whose parameters were read, and whose result follows.
pub const RESULT: u8 = b'>';

/// What is kept of a level besides, where fields are recorded.
#[derive(Clone, Copy)]
pub struct Note {
    /// Its count.
    count: isize,
    /// The number of its field.
    pub number: usize,
    /// The number of its shape's first extent, among all extents of the format.
    shape: usize,
}

/// A struct that is open in a walk (`equivalent`).
#[derive(Clone, Copy)]
pub struct Frame {
    /// The structs of its row that follow it.
    pub row: Row,
    /// The offset of its members in the format.
    pub body: u32,
    /// The byte order in force there.
    pub mode: Mode,
    /// The alignment so far of the struct around it.
    pub align: NonZeroU8,
}

/// Room for one level. In a walk the outer slots hold the open structs; the parser uses the rest for the levels
/// inside an item.
#[derive(Clone, Copy)]
pub enum Slot {
    /// A level that the parser reads.
    Level(Level),
    /// A struct that is open in a walk.
    Frame(Frame),
}

// An alignment is never 0, so the compiler needs no tag to tell the two apart.
const _: () = assert!(size_of::<Slot>() == size_of::<Frame>());

impl Slot {
    /// An empty slot.
    pub const NONE: Self =
        Self::Frame(Frame { row: Row::NONE, body: 0, mode: Mode::START, align: NonZeroU8::MIN });
}

/// Calls `work` with room for `DEPTH` levels. Kept out of line: the slots of two calls in one stack frame would make
/// that larger than a page.
#[inline(never)]
pub fn with_slots<const DEPTH: usize, T>(work: impl FnOnce(&mut [Slot]) -> T) -> T {
    let mut slots = [Slot::NONE; DEPTH];
    work(&mut slots)
}

impl Note {
    /// An empty note.
    pub const NONE: Self = Self { count: 1, number: 0, shape: 0 };

    /// The note of an item whose field has this number.
    pub fn of(head: &Head, number: usize) -> Self {
        Self { count: head.count, number, shape: head.shape.start }
    }
}

impl Level {
    /// The level of an item that follows the items `around`.
    pub fn of(head: &Head, around: &Place) -> Self {
        let Head { letter, mode, position, .. } = *head;
        let (n, ndim) = (head.n_items().unwrap_or(-1), head.shape.len() as u8);
        Self { letter, mode, position, n, end: around.end, align: around.align, ndim }
    }

    /// The items before it, in the level around it.
    pub fn around(&self) -> Place {
        Place::of(self.end, self.align)
    }

    /// The head that the level began with, without the product of its shape.
    pub fn head(&self, note: &Note) -> Result<Head, Problem> {
        let letter = if self.letter == RESULT { b'X' } else { self.letter };
        let (position, Note { count, shape, .. }) = (self.position, *note);
        let code = codes::find(letter, Grammar::Pep3118);
        Ok(Head {
            position,
            letter,
            code: code.ok_or(Problem { position, fault: Fault::NoCode })?,
            mode: self.mode,
            shape: shape..shape.saturating_add(self.ndim.into()),
            n_elements: 1,
            count,
        })
    }
}
