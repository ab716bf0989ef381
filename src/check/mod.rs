//! What is wrong with a view, or with an exporter: the contract of the buffer protocol as rules.
//!
//! `rules` is the table, `view` judges one view beside its request, `exporter` sends an object every
//! request there is and judges all answers; `report` keeps findings for a C program. The judges know
//! nothing of who listens: they hand each finding to a sink, as a report or the live audit.
//! Nothing here changes what it looks at, allocates, or writes to a file.

mod answers;
pub mod exporter;
mod memory;
pub mod pointer;
pub mod report;
pub mod request;
mod requests;
pub mod rules;
mod seen;
pub mod text;
pub mod view;
mod words;

#[cfg(test)]
mod tests;

use core::ffi::{CStr, c_char, c_int};
use core::ptr;
use core::slice;

use crate::abi::{Py_buffer, PyObject, pybuffer_report};
use crate::layout::extent::{Extent, extent};
use crate::layout::{Order, contiguity};
use crate::runtime;
use request::Request;
pub use rules::{Rule, Severity};
use text::Room;
use words::{Field, Word};

/// What a field holds, or should.
#[derive(Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// `NULL`
    Null,
    /// A number.
    Number(isize),
    /// The address of something. It is another one in each run, so no text shows it, but for one in the first
    /// page.
    Address(usize),
    /// A shape, strides or suboffsets.
    Numbers(&'a [isize]),
    /// A C string of the exporter's, without its NUL.
    Quoted(&'a [u8]),
    /// A text with a NUL.
    Characters(&'a [c_char]),
    /// Words of ours.
    Words(&'static str),
    /// A word of ours.
    Word(Word),
    /// Words of ours, and a request.
    Request(&'static str, c_int),
}

impl<'a> Value<'a> {
    /// An array of `ndim` numbers, if it can be one.
    ///
    /// # Safety
    /// `array` is null or, if it is aligned and not in the first page and `ndim` from 1 to 64, has `ndim`
    /// readable entries that do not change during `'a`.
    unsafe fn array(array: *const isize, ndim: c_int) -> Self {
        match usize::try_from(ndim) {
            Ok(n @ 1..=64) if is_plausible(array) => {
                // SAFETY: `ndim` entries (caller).
                Self::Numbers(unsafe { slice::from_raw_parts(array, n) })
            }
            _ => Self::address(array),
        }
    }

    /// An address, or NULL.
    fn address<T>(address: *const T) -> Self {
        match address.addr() {
            0 => Self::Null,
            FIRST_PAGE.. if !address.is_aligned() => Self::Words("an address that is not aligned"),
            address => Self::Address(address),
        }
    }

    /// Writes it for people, in one line.
    #[inline(never)]
    pub fn show(&self, out: &mut Room) {
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

/// A rule that is broken, where, and by what.
pub struct Finding<'a> {
    /// The rule.
    pub rule: Rule,
    /// The request.
    pub flags: c_int,
    /// The member of `Py_buffer`, or what else is wrong.
    pub field: &'static CStr,
    /// The dimension, or the byte of the format; -1 for neither.
    pub axis: c_int,
    /// What is there.
    pub found: Value<'a>,
    /// What should be.
    pub expected: Value<'a>,
}

/// Who is told of findings, one after the other.
pub type Sink<'a> = dyn FnMut(&Finding<'_>) + 'a;

/// Where the addresses begin that may be true.
const FIRST_PAGE: usize = 4096;

/// Whether an address may be one of a value: not in the first page, and aligned.
fn is_plausible<T>(address: *const T) -> bool {
    address.addr() >= FIRST_PAGE && address.is_aligned()
}

/// Whether one of the numbers is this one. Short loops, written out eight times over, are most of what
/// judging a view would be.
#[inline(never)]
fn has(numbers: &[isize], number: isize) -> bool {
    numbers.contains(&number)
}

/// The first of the numbers that is negative, or that is not: its place.
#[inline(never)]
fn place_of(numbers: &[isize], is_negative: bool) -> Option<usize> {
    numbers.iter().position(|n| (*n < 0) == is_negative)
}

/// The bytes that items take, relative to the first; `None` if there are no such addresses. As [`extent`],
/// once for all that ask here.
#[inline(never)]
fn extent_of(itemsize: isize, shape: &[isize], strides: &[isize]) -> Option<Extent> {
    extent(itemsize, shape.iter().copied().zip(strides.iter().copied()))
}

/// As [`contiguity::is_dense`], once for all that ask here.
#[inline(never)]
fn is_dense(itemsize: isize, shape: &[isize], strides: &[isize], order: Order) -> bool {
    contiguity::is_dense(itemsize, shape, strides, order)
}

/// Whether a view's arrays are there, as `is_there` knows of an address and a size; one that is not is told. What
/// lies in the first page is left to the judge of views.
pub fn has_arrays(
    view: &Py_buffer,
    flags: c_int,
    is_there: &dyn Fn(usize, usize) -> bool,
    sink: &mut Sink,
) -> bool {
    let ndim = usize::try_from(view.ndim).unwrap_or(0).min(64);
    let size = ndim.wrapping_mul(size_of::<isize>());
    let arrays = [
        (Rule::Shape, Field::Shape, view.shape.addr(), size),
        (Rule::Strides, Field::Strides, view.strides.addr(), size),
        (Rule::Suboffsets, Field::Suboffsets, view.suboffsets.addr(), size),
        (Rule::Format, Field::Format, view.format.addr(), 1),
    ];
    for (rule, field, address, size) in arrays {
        if address >= FIRST_PAGE && !is_there(address, size) {
            let (field, found) = (field.text(), Value::Address(address));
            let expected = Value::Word(Word::Readable);
            sink(&Finding { rule, flags, field, axis: -1, found, expected });
            return false;
        }
    }
    true
}

/// Whether memory is there, as the system has it: its first page and its last. It may still not be
/// readable. (Not by `msync`, which knows all pages: valgrind takes that for reading them.)
pub fn mapped(address: usize, size: usize) -> bool {
    let last = address.wrapping_add(size.saturating_sub(1));
    is_mapped(address) && is_mapped(last)
}

#[inline(never)]
fn is_mapped(address: usize) -> bool {
    // SAFETY: a question about this system.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let page = usize::try_from(page).ok().filter(|page| page.is_power_of_two()).unwrap_or(4096);
    let start = ptr::without_provenance_mut(address & !page.wrapping_sub(1));
    let mut is_resident = 0;
    // SAFETY: a byte for the one page that is asked about.
    let told = unsafe { libc::mincore(start, 1, &raw mut is_resident) };
    // SAFETY: a question about this thread.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: this thread's own number.
    told == 0 || unsafe { *errno } != libc::ENOMEM
}

/// Judges one view, as [`view::check`], for a report that has no findings yet.
///
/// # Safety
/// As for [`view::check`]; `view.obj` is null or an object.
pub unsafe fn one_view(view: &Py_buffer, flags: c_int, report: &mut pybuffer_report) {
    // SAFETY: the caller's promise is the callee's.
    unsafe { name_exporter(view.obj, report) };
    report.n_requests = 1;
    report.n_granted = 1;
    // SAFETY: as above.
    unsafe { view::check(view, flags, &mut |finding| report.add(finding)) };
}

/// # Safety
/// `obj` is null or an object.
unsafe fn name_exporter(obj: *mut PyObject, report: &mut pybuffer_report) {
    let mut room = Room::new(&mut report.exporter);
    if obj.is_null() {
        room.put("a view without an exporter");
        return;
    }
    // SAFETY: an object (caller).
    let name = unsafe { runtime::for_objects().type_name_of(obj) };
    // SAFETY: a type's name, alive as long as the type.
    room.put_c(unsafe { CStr::from_ptr(name) });
    text::end_with_a_character(&mut report.exporter);
}
