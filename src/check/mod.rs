//! What is wrong with a view, or with an exporter: the contract of the buffer protocol as rules.
//!
//! `rules` is the table, `view` judges one view beside its request, `exporter` sends an object every
//! request there is and judges all answers; `report` keeps findings for a C program. The judges know
//! nothing of who listens: they hand each finding to a sink, as a report or the live audit.
//! Nothing here changes what it looks at, allocates, or writes to a file.

pub mod pointer;
pub mod report;
pub mod request;
pub mod rules;
pub mod text;
pub mod view;

#[cfg(test)]
mod tests;

use core::ffi::{CStr, c_int};

use crate::abi::{Py_buffer, PyObject, pybuffer_report};
use crate::runtime;
pub use rules::{Rule, Severity};
use text::Room;

/// What a field holds, or should.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// `NULL`
    Null,
    /// A number.
    Number(isize),
    /// The address of something.
    Address(usize),
    /// A shape, strides or suboffsets.
    Numbers(&'a [isize]),
    /// A C string of the exporter's, without its NUL.
    Quoted(&'a [u8]),
    /// Words of ours.
    Words(&'static str),
}

impl Value<'_> {
    /// Writes it for people, in one line.
    #[inline(never)]
    pub fn show(&self, out: &mut Room) {
        match *self {
            Self::Null => out.put("NULL"),
            Self::Number(number) => out.number(number),
            Self::Address(address) => out.hex(address),
            Self::Numbers(numbers) => out.tuple(numbers),
            Self::Quoted(text) => out.put("\"").printable(text).put("\""),
            Self::Words(words) => out.put(words),
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
}
