//! What is not told: findings that `PYBUFFER_AUDIT_IGNORE` lists, and those that `PYBUFFER_AUDIT_ONLY` leaves out.

use core::ffi::{CStr, c_int};
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use super::memory;
use super::tally::{self, HELD};
use crate::check::Rule;
use crate::environment;

/// What the word `known` stands for: faults of well-known exporters, each in docs/findings.md or docs/audit.md. A test
/// compares the file with docs/findings.txt. (It has no comments, as all of it is in the library.)
const KNOWN: &[u8] = include_bytes!("known.txt");

/// What an entry is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It ignores all findings, or those with a bit.
    Ignore(Option<u8>),
    /// Only findings about these types or libraries are told.
    Only,
    /// It names no rule.
    NoRule,
    /// It names a file that cannot be read, for a reason that `errno` had.
    NoFile(c_int),
}

/// Calls what it is given with each name of a type.
type Names<'a> = dyn FnMut(&mut dyn FnMut(&[u8])) + 'a;

/// An entry of one of the two lists.
pub struct Entry {
    next: *const Entry,
    /// As it is written.
    pub text: &'static [u8],
    pattern: &'static [u8],
    /// What it is for.
    pub kind: Kind,
    /// The variable that it comes from.
    pub variable: &'static CStr,
    is_used: AtomicBool,
}

/// The entries that apply to a type.
struct Link {
    next: *const Link,
    entry: &'static Entry,
}

/// What applies to the findings about one type.
pub struct Applies {
    first: *const Link,
    /// Whether its findings are told wherever the requests come from.
    is_wanted: bool,
}

/// Both lists. They begin as zeros: empty.
pub struct Filter {
    first: *const Entry,
    has_only: bool,
}

impl Filter {
    /// Reads what the environment asks for.
    pub fn begin(&mut self) {
        for variable in [c"PYBUFFER_AUDIT_IGNORE", c"PYBUFFER_AUDIT_ONLY"] {
            if let Some(list) = environment::variable(variable) {
                self.read(memory::copy_of(list.to_bytes()).to_bytes(), variable, true);
            }
        }
    }

    /// Reads a list: entries between commas and at the ends of lines. A `#` begins a comment, up to the end of its line.
    fn read(&mut self, list: &'static [u8], variable: &'static CStr, may_include: bool) {
        let (mut rest, mut is_comment) = (list, false);
        while !rest.is_empty() {
            let is_end = |byte: &u8| matches!(byte, b'\n' | b',' | b'#');
            let len = rest.iter().position(is_end).unwrap_or(rest.len());
            let (entry, end) = rest.split_at_checked(len).unwrap_or_default();
            if !is_comment {
                self.entry(trimmed(entry), variable, may_include);
            }
            let Some((end, others)) = end.split_first() else { break };
            is_comment = *end == b'#' || is_comment && *end != b'\n';
            rest = others;
        }
    }

    #[inline(never)]
    fn entry(&mut self, entry: &'static [u8], variable: &'static CStr, may_include: bool) {
        match entry {
            [] => {}
            b"known" if is_ignore(variable) => self.read(KNOWN, c"", false),
            [b'@', file @ ..] if may_include => match memory::read_file(memory::copy_of(file)) {
                Ok(list) => self.read(list, variable, false),
                Err(errno) => self.push(entry, entry, Kind::NoFile(errno), variable),
            },
            _ => self.add(entry, variable),
        }
    }

    fn add(&mut self, entry: &'static [u8], variable: &'static CStr) {
        if !(is_ignore(variable) || variable.is_empty()) {
            self.has_only = true;
            return self.push(entry, entry, Kind::Only, variable);
        }
        let colon = entry.iter().rposition(|byte| *byte == b':').unwrap_or(entry.len());
        let (pattern, rule) = entry.split_at_checked(colon).unwrap_or_default();
        let kind = match rule.split_first() {
            None => Kind::Ignore(None),
            Some((_, rule)) => {
                bit_of(trimmed(rule)).map_or(Kind::NoRule, |bit| Kind::Ignore(Some(bit)))
            }
        };
        self.push(entry, trimmed(pattern), kind, variable);
    }

    #[inline(never)]
    fn push(
        &mut self,
        text: &'static [u8],
        pattern: &'static [u8],
        kind: Kind,
        variable: &'static CStr,
    ) {
        let (next, is_used) = (self.first, AtomicBool::new(false));
        let entry = Entry { next, text, pattern, kind, variable, is_used };
        if let Some(new) = memory::keep(entry) {
            self.first = new.as_ptr();
        }
    }

    fn entries(&self) -> impl Iterator<Item = &'static Entry> {
        // SAFETY: null or an entry, which is never freed.
        let entry = |at: *const Entry| unsafe { at.as_ref() };
        core::iter::successors(entry(self.first), move |before| entry(before.next))
    }

    /// What applies to a type, given its name and those of its bases.
    #[cold]
    pub fn for_type(&self, each_name: &mut Names) -> Applies {
        let mut applies = Applies { first: ptr::null(), is_wanted: !self.has_only };
        for entry in self.entries() {
            let mut is_its = false;
            each_name(&mut |name| is_its |= entry.fits(name));
            match entry.kind {
                Kind::Only if is_its => {
                    entry.use_it();
                    applies.is_wanted = true;
                }
                Kind::Ignore(_) if is_its => {
                    let link = memory::keep(Link { next: applies.first, entry });
                    applies.first = link.map_or(applies.first, |link| link.as_ptr());
                }
                _ => {}
            }
        }
        applies
    }

    /// Whether findings are told if code of these files makes the requests, whatever their types.
    #[cold]
    pub fn wants(&self, files: [&CStr; 2]) -> bool {
        let mut is_wanted = !self.has_only;
        for entry in self.entries().filter(|entry| entry.kind == Kind::Only) {
            if files.iter().any(|file| !file.is_empty() && entry.fits(file.to_bytes())) {
                entry.use_it();
                is_wanted = true;
            }
        }
        is_wanted
    }

    /// Shows each entry that was of no use, the last one first: those that never can be, or the others. What the library has
    /// built in is not shown.
    pub fn unused(&self, is_wrong: bool) -> impl Iterator<Item = &'static Entry> {
        self.entries()
            .filter(|entry| !entry.variable.is_empty() && !entry.is_used.load(Ordering::Relaxed))
            .filter(move |entry| matches!(entry.kind, Kind::NoRule | Kind::NoFile(_)) == is_wrong)
    }
}

impl Applies {
    /// Whether a finding, given by its bit, is not told.
    pub fn leave_out(&self, bit: u8, is_of_wanted_place: bool) -> bool {
        // SAFETY: null or a link, which is never freed.
        let link = |at: *const Link| unsafe { at.as_ref() };
        let mut is_ignored = !(self.is_wanted || is_of_wanted_place);
        for link in core::iter::successors(link(self.first), |before| link(before.next)) {
            if matches!(link.entry.kind, Kind::Ignore(only) if only.is_none_or(|only| only == bit))
            {
                link.entry.use_it();
                is_ignored = true;
            }
        }
        is_ignored
    }
}

impl Entry {
    fn use_it(&self) {
        self.is_used.store(true, Ordering::Relaxed);
    }

    /// Whether a name fits. One that begins with `_` fits without it, too: ctypes' types are `_ctypes`'.
    fn fits(&self, name: &[u8]) -> bool {
        fits(self.pattern, name) || matches!(name, [b'_', name @ ..] if fits(self.pattern, name))
    }
}

/// (Out of line, as it is needed in several places.)
#[inline(never)]
fn trimmed(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

fn is_ignore(variable: &CStr) -> bool {
    variable == c"PYBUFFER_AUDIT_IGNORE"
}

/// Whether a name fits a pattern, in which `*` stands for any text.
#[inline(never)]
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    // What is left of both after the last `*`, in case that it stands for more.
    let mut again: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern, name) {
            ([b'*', rest @ ..], _) => {
                again = Some((rest, name));
                pattern = rest;
            }
            ([first, rest @ ..], [byte, others @ ..]) if first == byte => {
                (pattern, name) = (rest, others);
            }
            ([], []) => return true,
            _ => match again {
                Some((rest, [_, longer @ ..])) => {
                    again = Some((rest, longer));
                    (pattern, name) = (rest, longer);
                }
                _ => return false,
            },
        }
    }
}

/// The bit of a rule or mistake, by its name or number.
#[inline(never)]
fn bit_of(name: &[u8]) -> Option<u8> {
    if name == b"held" {
        return Some(HELD);
    }
    let is_number = name.len() < 4 && name.iter().all(u8::is_ascii_digit);
    let append = |number: usize, digit: &u8| {
        number.wrapping_mul(10).wrapping_add(digit.wrapping_sub(b'0').into())
    };
    let number = if is_number { name.iter().fold(0, append) } else { 0 };
    let is_it = |rule: &&Rule| **rule as usize == number || rule.name().to_bytes() == name;
    tally::mistake(name).or_else(|| Rule::ALL.iter().find(is_it).map(|rule| *rule as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_stands_for_any_text() {
        for (pattern, name, expected) in [
            ("numpy.ndarray", "numpy.ndarray", true),
            ("numpy.ndarray", "numpy.ndarrays", false),
            ("numpy.*", "numpy.ndarray", true),
            ("*", "", true),
            ("*", "anything", true),
            ("", "", true),
            ("", "x", false),
            ("*_Array_*", "c_int_Array_3_Array_2", true),
            ("*_Array_3", "c_int_Array_3_Array_2", false),
            ("a*b*c", "abcbc", true),
            ("a*b*c", "abcb", false),
            ("mymodule.*", "mymodule.cpython-313-x86_64-linux-gnu.so", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn rules_and_mistakes_have_names_and_numbers() {
        assert_eq!(bit_of(b"scalar"), Some(8));
        assert_eq!(bit_of(b"8"), Some(8));
        assert_eq!(bit_of(b"held"), Some(0));
        assert_eq!(bit_of(b"moved"), Some(61));
        assert_eq!(bit_of(b"never-acquired"), Some(63));
        for wrong in [&b"scalr"[..], b"0", b"99", b""] {
            assert_eq!(bit_of(wrong), None);
        }
    }

    #[test]
    fn every_known_fault_names_a_rule() {
        let mut filter = Filter { first: ptr::null(), has_only: false };
        filter.read(KNOWN, c"", false);
        assert!(filter.entries().count() > 20);
        assert!(filter.entries().all(|entry| matches!(entry.kind, Kind::Ignore(Some(_)))));
    }
}
