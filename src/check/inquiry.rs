//! The state of the check of one exporter.

use core::ffi::{c_char, c_int};

use super::consistency::Shown;
use super::finding::{Finding, Value};
use super::rules::Rule;
use super::words::{Field, Word};
use crate::abi::{PyObject, getbufferproc, pybuffer_report};
use crate::runtime::Runtime;

/// The check of one exporter.
pub struct Inquiry<'a> {
    /// The world of objects.
    pub runtime: &'static Runtime,
    /// The exporter. OBJECT of [`super::exporter::check`] holds of it.
    pub obj: *mut PyObject,
    /// Its type's slot.
    pub getbuffer: getbufferproc,
    /// What findings are added to.
    pub report: &'a mut pybuffer_report,
    /// The flags of the current request.
    pub flags: c_int,
    /// What earlier answers had.
    pub shown: Shown,
    /// The requests that were granted, a bit for each number.
    pub granted: u64,
    /// Those of them whose answer had `readonly` 0.
    pub writable: u64,
    /// The first request that was refused with an exception that refusals must not have, and that exception.
    pub other_exception: Option<(c_int, [c_char; 60])>,
}

impl Inquiry<'_> {
    /// Reports what is found in a field, and what is expected.
    #[cold]
    #[inline(never)]
    pub fn tell_all(&mut self, rule: Rule, field: Field, found: Value, expected: Value) {
        let (flags, field) = (self.flags, field.text());
        self.report.add(&Finding { rule, flags, field, axis: -1, found, expected });
    }

    /// As [`tell_all`](Self::tell_all), by phrases.
    #[cold]
    #[inline(never)]
    pub fn tell(&mut self, rule: Rule, field: Field, found: Word, expected: Word) {
        self.tell_all(rule, field, Value::Word(found), Value::Word(expected));
    }

    /// As [`tell_all`](Self::tell_all), of a number.
    #[cold]
    #[inline(never)]
    pub fn tell_number(&mut self, rule: Rule, field: Field, found: isize, expected: Word) {
        self.tell_all(rule, field, Value::Number(found), Value::Word(expected));
    }

    /// As [`tell_all`](Self::tell_all), of an address.
    #[cold]
    #[inline(never)]
    pub fn tell_address(&mut self, rule: Rule, field: Field, found: usize, expected: Word) {
        self.tell_all(rule, field, Value::Address(found), Value::Word(expected));
    }
}
