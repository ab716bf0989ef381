//! A finding: a rule that is broken, where, and by what.

use core::ffi::{CStr, c_char, c_int};
use core::slice;

use super::address::{FIRST_PAGE, is_plausible};
use super::request::Request;
use super::rules::Rule;
use super::text::Writer;
use super::words::Word;

/// A broken rule.
pub struct Finding<'a> {
    /// The rule.
    pub rule: Rule,
    /// The request.
    pub flags: c_int,
    /// What is wrong: a member of `Py_buffer`, or something else.
    pub field: &'static CStr,
    /// The dimension, or the position in the format; -1 for neither.
    pub axis: c_int,
    /// What was found.
    pub found: Value<'a>,
    /// What was expected.
    pub expected: Value<'a>,
}

/// What is called with each finding.
pub type Sink<'a> = dyn FnMut(&Finding<'_>) + 'a;

/// What a field holds, or should hold.
#[derive(Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// `NULL`
    Null,
    /// A number.
    Number(isize),
    /// An address. It differs from run to run, so a text shows it only if it lies in the first page.
    Address(usize),
    /// A shape, strides or suboffsets.
    Numbers(&'a [isize]),
    /// A C string of the exporter's, without its NUL.
    Quoted(&'a [u8]),
    /// A text with its NUL.
    Characters(&'a [c_char]),
    /// A phrase.
    Words(&'static str),
    /// A phrase of the table.
    Word(Word),
    /// A phrase and a request's flags.
    Request(&'static str, c_int),
}

impl<'a> Value<'a> {
    /// An array of `ndim` numbers, if there can be one at this address; otherwise the address.
    ///
    /// # Safety
    /// * ARRAY: if `array` is aligned and not in the first page, and `ndim` is from 1 to 64, `ndim` numbers are
    ///   readable there, which do not change during `'a`.
    pub unsafe fn array(array: *const isize, ndim: c_int) -> Self {
        match usize::try_from(ndim) {
            Ok(n @ 1..=64) if is_plausible(array) => {
                // SAFETY: `ndim` readable numbers (caller: ARRAY).
                Self::Numbers(unsafe { slice::from_raw_parts(array, n) })
            }
            _ => Self::address(array),
        }
    }

    /// An address, or NULL.
    pub fn address<T>(address: *const T) -> Self {
        match address.addr() {
            0 => Self::Null,
            FIRST_PAGE.. if !address.is_aligned() => Self::Words("an address that is not aligned"),
            address => Self::Address(address),
        }
    }

    /// Writes the value in one line.
    #[inline(never)]
    pub fn show(&self, out: &mut Writer) {
        match *self {
            Self::Null => out.put("NULL"),
            Self::Number(number) => out.number(number),
            Self::Address(address) if address < FIRST_PAGE => out.hex(address),
            Self::Address(_) => out.put("an address"),
            Self::Numbers(numbers) => out.tuple(numbers),
            Self::Quoted(text) => out.put("\"").printable(text).put("\""),
            Self::Characters(text) => out.put_array(text),
            Self::Words(words) => out.put(words),
            Self::Word(word) => out.put_c(word.text()),
            Self::Request(words, flags) => {
                Request(flags).spell(out.put(words));
                out
            }
        };
    }
}
