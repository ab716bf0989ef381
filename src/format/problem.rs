//! What can be wrong with a format, and where.

use crate::error::{Error, Kind, message};

/// What is wrong with a format, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The offset of the wrong byte in the format.
    pub position: usize,
    /// What is wrong.
    pub fault: Fault,
}

macro_rules! faults {
    ($($fault:ident: $sentence:literal;)+) => {
        /// What can be wrong with a format.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $(
                #[doc = $sentence]
                $fault,
            )+
        }

        /// All sentences, one after the other.
        const SENTENCES: &str = concat!($($sentence),+);
        /// Their lengths. An array of references would take half a kilobyte more.
        const LENGTHS: &[u8] = &[$($sentence.len() as u8),+];
    };
}

impl Fault {
    /// The sentence that describes the fault.
    pub fn sentence(self) -> &'static str {
        let (before, _) = LENGTHS.split_at_checked(self as usize).unwrap_or_default();
        let start = before.iter().fold(0_usize, |sum, &len| sum.saturating_add(len.into()));
        let len = LENGTHS.get(self as usize).copied().unwrap_or(0);
        SENTENCES.get(start..start.saturating_add(len.into())).unwrap_or("")
    }
}

faults! {
    NoCode: "this is not a format code";
    NoStandardSize: "'n' and 'N' have no standard size, only one under '@' or '^'";
    CodeMissing: "a count or a shape with no code behind it";
    SecondCount: "a code has one count only";
    ShapeAfterCount: "a shape stands before the count";
    BadShape: "a shape is written as '(2,3)'";
    TooManyDimensions: "an array has at most 64 dimensions";
    TooLarge: "this is larger than memory can be";
    TooDeep: "this is nested more than 64 deep";
    NoBrace: "an opening brace follows T and X";
    NotClosed: "this brace is not closed";
    NotOpened: "this brace closes nothing";
    NameWithoutItem: "a name stands behind what it names";
    NameNotClosed: "this name does not end with ':'";
    ComplexOfNothing: "'Z' stands directly before a number's code, or ends an item";
    PointerToNothing: "'&' is followed by the code of what it points at";
    StrayArrow: "'->' stands once, in a function's signature";
}

impl Problem {
    /// A ValueError whose text names `subject`, such as "the format".
    #[inline(never)]
    pub fn of(self, subject: &'static str) -> Error {
        let (at, sentence) = (self.position, self.fault.sentence());
        Error::text(Kind::Value, message!("position {} of {}: {}", at, subject, sentence))
    }
}
