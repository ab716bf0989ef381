//! What stands around an item while it is read: structs, functions' signatures and pointers, the outermost
//! first. Kept in lists, as recursion took 38 KiB of stack for 64 of them.

use core::num::NonZeroU8;

use super::codes::{self, Grammar};
use super::place::Place;
use super::problem::{Fault, Problem};
use super::read::{Head, Mode};
use super::row::Row;

/// How deep structs, pointers and functions may nest.
pub const MAX_DEPTH: usize = 64;

/// A struct, a function or a pointer of which the inside is read.
#[derive(Clone, Copy)]
pub struct Level {
    /// Its code; `RESULT` in place of a function's behind its arrow.
    pub letter: u8,
    /// The byte order in force there.
    mode: Mode,
    /// Where its code is.
    pub position: usize,
    /// How many of it there are; negative if more than can be.
    pub n: isize,
    /// The items around it end there, and are aligned so.
    end: isize,
    align: u8,
    /// How many extents its shape has.
    ndim: u8,
}

/// A function whose parameters were read.
pub const RESULT: u8 = b'>';

/// What else is to be known of a level where fields are recorded.
#[derive(Clone, Copy)]
pub struct Note {
    /// Its count.
    count: isize,
    /// The number of its field.
    pub number: usize,
    /// The extents of its shape, among all of the format.
    shape: usize,
}

/// A struct that is walked.
#[derive(Clone, Copy)]
pub struct Frame {
    /// The ones behind it.
    pub row: Row,
    /// Where its members begin in the format,
    pub body: u32,
    /// and the byte order there.
    pub mode: Mode,
    /// The alignment of what is around it.
    pub align: NonZeroU8,
}

/// Room for a level. Of a format that is walked the outer ones are walked, and those inside are read.
#[derive(Clone, Copy)]
pub enum Slot {
    /// What is read.
    Level(Level),
    /// What is walked.
    Frame(Frame),
}

// An alignment is never 0, which is what tells the two apart.
const _: () = assert!(size_of::<Slot>() == size_of::<Frame>());

impl Slot {
    /// Nothing.
    pub const NONE: Self =
        Self::Frame(Frame { row: Row::NONE, body: 0, mode: Mode::START, align: NonZeroU8::MIN });
}

/// Does some work with room for so many levels. A frame of its own, as two of these would be one that is larger than
/// a page.
#[inline(never)]
pub fn with_slots<const DEPTH: usize, T>(work: impl FnOnce(&mut [Slot]) -> T) -> T {
    let mut slots = [Slot::NONE; DEPTH];
    work(&mut slots)
}

impl Note {
    /// Nothing.
    pub const NONE: Self = Self { count: 1, number: 0, shape: 0 };

    /// That of an item, which has a number.
    pub fn of(head: &Head, number: usize) -> Self {
        Self { count: head.count, number, shape: head.shape.start }
    }
}

impl Level {
    /// That of an item among others.
    pub fn of(head: &Head, around: &Place) -> Self {
        let Head { letter, mode, position, .. } = *head;
        let (n, ndim) = (head.n_items().unwrap_or(-1), head.shape.len() as u8);
        Self { letter, mode, position, n, end: around.end, align: around.align, ndim }
    }

    /// The items around it.
    pub fn around(&self) -> Place {
        Place::of(self.end, self.align)
    }

    /// The head that was read before it, but for the product of its shape.
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
