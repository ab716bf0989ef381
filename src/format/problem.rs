//! What can be wrong with a format, and where.

use core::fmt;

use crate::error::{Error, Kind};

/// Where a format is wrong, and what is wrong there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The number of bytes before the one that is wrong.
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

        impl Fault {
            /// One sentence.
            pub fn sentence(self) -> &'static str {
                match self {
                    $(Self::$fault => $sentence,)+
                }
            }
        }
    };
}

faults! {
    NoCode: "this is not a format code";
    NoStandardSize: "'n' and 'N' have no standard size: they stand behind '@' or '^' only";
    CodeMissing: "a count or a shape stands before a format code, and none follows";
    SecondCount: "a code has one count only";
    ShapeAfterCount: "a shape stands before the count";
    BadShape: "a shape is written '(2,3)': numbers between commas, in parentheses";
    TooManyDimensions: "an array has 64 dimensions at most";
    TooLarge: "a count or a size is larger than memory can be";
    TooDeep: "structs, pointers and functions are nested more than 64 deep";
    NoBrace: "an opening brace follows 'T' and 'X'";
    NotClosed: "this brace is not closed";
    NotOpened: "this brace closes nothing";
    NameWithoutItem: "a name stands behind what it names";
    NameNotClosed: "a name ends with ':', and this one does not";
    ComplexOfNothing: "'Z' stands directly before the code of a number, or at the end of an item";
    PointerToNothing: "'&' is followed by the code of what it points at";
    StrayArrow: "'->' stands once in a function's signature, and nowhere else";
}

impl Problem {
    /// A ValueError about `subject`, "the format".
    pub fn of(self, subject: &'static str) -> Error {
        let (subject, sentence) = (Plain(subject), Plain(self.fault.sentence()));
        let position = self.position;
        Error::text(Kind::Value, format_args!("position {position} of {subject}: {sentence}"))
    }
}

/// A text shown as it is: `str` itself can also be padded, which costs 3 KiB of code.
struct Plain(&'static str);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
