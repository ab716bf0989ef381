//! What the audit tells, whatever the form.

use core::ffi::{CStr, c_char, c_int};

use super::filter::Entry;
use super::origins::{ExporterType, Origin};
use super::places::Place;
use super::tally::Mistake;
use crate::check::Finding;

/// What one line tells.
pub enum Fact<'a> {
    /// A broken rule.
    Rule {
        /// Where the request comes from; `None` without memory.
        origin: Option<&'a Origin>,
        /// What is wrong.
        finding: &'a Finding<'a>,
    },
    /// A wrong release.
    Release {
        /// What is wrong with it.
        mistake: Mistake,
        /// The type of the view's object; `None` without memory.
        exporter: Option<&'a ExporterType>,
        /// Where the view comes from, if that is known.
        origin: Option<&'a Origin>,
        /// Where it is released; `None` without memory.
        by: Option<&'a Place>,
    },
    /// Views that are held at the exit.
    Held {
        /// Where they come from.
        origin: &'a Origin,
        /// How many there are.
        n: isize,
        /// How many of them are lost.
        n_lost: isize,
    },
    /// Findings that repeat earlier ones of the same exporter type.
    Again {
        /// The type.
        exporter: &'a ExporterType,
        /// How many there are.
        n: usize,
    },
    /// Findings of the kind `bit` beyond the lines that a kind may have.
    More {
        /// The rule's number, or that of a mistake.
        bit: usize,
        /// How many there are.
        n: usize,
    },
    /// An entry of a list that was of no use.
    Unused(&'a Entry),
    /// The log at this path cannot be written.
    NoLog {
        /// The path, with a NUL.
        path: &'a [c_char],
        /// Why.
        errno: c_int,
    },
    /// The process's last line.
    End {
        /// How many views were acquired and released, and how many lines were written.
        n: [usize; 3],
        /// The object world.
        runtime: &'a CStr,
        /// Whether releases could be judged.
        sees_the_host: bool,
    },
}

/// The text of an error of the system's, valid until the next call.
pub fn why(errno: c_int) -> &'static CStr {
    // SAFETY: any number has a text.
    let why = unsafe { libc::strerror(errno) };
    // SAFETY: a C string.
    unsafe { CStr::from_ptr(why) }
}
