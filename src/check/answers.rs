//! What is told of an exporter's answers: each judged by itself, its memory, and beside the others; exceptions; and
//! requests that were refused, though more was granted.

use core::ffi::c_char;

use super::exporter::Inquiry;
use super::memory::Answer;
use super::request::Request;
use super::requests::{N, is_more, request};
use super::seen::{Kept, Seen};
use super::text::{Room, end_with_a_character};
use super::words::{Field, Word};
use super::{Finding, Rule, Value, extent_of, has_arrays, mapped, place_of, view};
use crate::abi::Py_buffer;
use crate::runtime::Runtime;

impl Inquiry<'_> {
    #[cold]
    #[inline(never)]
    pub(super) fn tell_all(&mut self, rule: Rule, field: Field, found: Value, expected: Value) {
        let (flags, field) = (self.flags, field.text());
        self.report.add(&Finding { rule, flags, field, axis: -1, found, expected });
    }

    #[cold]
    #[inline(never)]
    pub(super) fn tell(&mut self, rule: Rule, field: Field, found: Word, expected: Word) {
        self.tell_all(rule, field, Value::Word(found), Value::Word(expected));
    }

    #[cold]
    #[inline(never)]
    pub(super) fn tell_number(&mut self, rule: Rule, field: Field, found: isize, expected: Word) {
        self.tell_all(rule, field, Value::Number(found), Value::Word(expected));
    }

    #[cold]
    #[inline(never)]
    pub(super) fn tell_address(&mut self, rule: Rule, field: Field, found: usize, expected: Word) {
        self.tell_all(rule, field, Value::Address(found), Value::Word(expected));
    }

    /// Whatever was raised, the exporter is of no use: each request is counted.
    #[cold]
    pub(super) fn nothing_met(&mut self) {
        let raised = self.report.raised;
        let found = if matches!(raised, [0, ..]) {
            Value::Word(Word::None)
        } else {
            Value::Characters(&raised)
        };
        for flags in (0..N).filter_map(request) {
            self.flags = flags;
            self.tell_all(Rule::NothingMet, Field::Request, found, Value::Word(Word::OneMet));
        }
    }

    /// Requests that were refused though more was granted, and one that was refused with another exception.
    pub(super) fn refusals(&mut self) {
        let has = |bits: u64, number: usize| (bits >> number) & 1 == 1;
        for (number, flags) in (0..N).filter_map(|number| Some((number, request(number)?))) {
            if has(self.met, number) {
                continue;
            }
            let more = (0..N).find(|&other| has(self.met, other) && is_more(other, number));
            // The last two extras are the first two with writable memory.
            let told = number.wrapping_sub(2);
            let is_told = number & 2 != 0 && has(self.writable, told);
            let (words, other) = match more {
                Some(more) => ("met, as this is: ", more),
                None if is_told => ("met, as readonly is 0 for ", told),
                None => continue,
            };
            self.flags = flags;
            let expected = Value::Request(words, request(other).unwrap_or(0));
            self.tell_all(Rule::Refusal, Field::Request, Value::Word(Word::Refused), expected);
        }
        if let Some((flags, raised)) = self.other_exception {
            self.flags = flags;
            let (found, expected) = (Value::Characters(&raised), Value::Word(Word::BufferError));
            self.tell_all(Rule::BufferError, Field::Exception, found, expected);
        }
    }

    /// Judges the exception that is pending, or is not, and takes it away.
    pub(super) fn exception(&mut self, is_refused: bool) {
        if is_refused && matches!(self.report.raised, [0, ..]) {
            write_raised(self.runtime, &mut self.report.raised);
        }
        let exception = self.runtime.error();
        if exception.is_null() {
            if is_refused {
                let rule = Rule::ExceptionMissing;
                self.tell(rule, Field::Exception, Word::None, Word::BufferError);
            }
            return;
        }
        // SAFETY: an exception of this world.
        let name = unsafe { self.runtime.exception_name(exception) };
        if !is_refused {
            let (found, none) = (Value::Quoted(name.to_bytes()), Value::Word(Word::None));
            self.tell_all(Rule::ExceptionLeft, Field::Exception, found, none);
        } else if ![c"BufferError", c"MemoryError"].into_iter().any(|allowed| {
            // SAFETY: one of this world's exceptions.
            unsafe { self.runtime.error_matches(self.runtime.exception(allowed)) }
        }) && self.other_exception.is_none()
        {
            let mut raised = [0; 60];
            write_raised(self.runtime, &mut raised);
            self.other_exception = Some((self.flags, raised));
        }
        self.runtime.clear_error();
    }

    /// Whether what the view points to can be read; what cannot is told.
    ///
    /// # Safety
    /// A view that is held, or as it was before it was filled.
    #[inline(never)]
    pub(super) unsafe fn is_readable(&mut self, view: &Py_buffer) -> bool {
        let report = &mut *self.report;
        has_arrays(view, self.flags, &mapped, &mut |finding| report.add(finding))
    }

    /// Judges an answer by itself, its memory, and beside the others.
    ///
    /// # Safety
    /// A view that is held and can be read.
    pub(super) unsafe fn judge(&mut self, view: &Py_buffer) {
        let flags = self.flags;
        let report = &mut *self.report;
        let mut is_sound = true;
        let mut sink = |finding: &Finding| {
            is_sound &=
                !matches!(finding.rule, Rule::Ndim | Rule::Extent | Rule::Structure | Rule::Buf);
            report.add(finding);
        };
        // SAFETY: the caller's promise is the callee's.
        unsafe { view::check(view, flags, &mut sink) };
        // SAFETY: as above.
        let seen = unsafe { Seen::of(view) };
        if !is_sound {
            return;
        }
        let (low, high) = reach(&seen);
        if high > low && !mapped(seen.buf.wrapping_add_signed(low), high.abs_diff(low)) {
            return self.tell_address(Rule::Buf, Field::Buf, seen.buf, Word::AllOfMemory);
        }
        let mut sink = |finding: &Finding| report.add(finding);
        let request = Request(flags);
        self.memory.compare(&mut Answer { request, seen, sink: &mut sink });
    }

    /// Tells if a view, if it is held, is not what was kept.
    ///
    /// # Safety
    /// The view is empty, or held.
    #[inline(never)]
    pub(super) unsafe fn compare(&mut self, rule: Rule, view: &Py_buffer, kept: &Kept) {
        // SAFETY: the caller's promise.
        if view.obj.is_null() || !unsafe { self.is_readable(view) } {
            return;
        }
        // SAFETY: as above.
        let seen = unsafe { Seen::of(view) };
        let kept = kept.seen();
        let fields = &Field::COMPARED;
        if let Some(&field) = fields.iter().find(|field| !seen.is_as_in(&kept, **field)) {
            let (found, before) = seen.beside(&kept, field);
            self.tell_all(rule, field, found, before);
        }
    }
}

/// Writes what is raised: its class and text, as far as there is room. It stays raised.
#[cold]
#[inline(never)]
fn write_raised(runtime: &Runtime, raised: &mut [c_char]) {
    let exception = runtime.error();
    if exception.is_null() {
        return;
    }
    let mut room = Room::new(raised);
    // SAFETY: an exception of this world.
    room.put_c(unsafe { runtime.exception_name(exception) });
    runtime.with_error_text(|text| {
        room.put(if text.is_empty() { "" } else { ": " }).line(text);
    });
    end_with_a_character(raised);
}

/// The bytes that a view's items take, relative to `buf`; what cannot be known is nothing.
fn reach(seen: &Seen) -> (isize, isize) {
    match seen.arrays {
        [Some(shape), Some(strides), suboffsets] => {
            // The entries along a dimension with pointers are pointers.
            if suboffsets.is_some_and(|all| place_of(all, false).is_some()) {
                return (0, 0);
            }
            extent_of(seen.itemsize, shape, strides)
                .map_or((0, 0), |extent| (extent.low, extent.high))
        }
        _ => (0, seen.len),
    }
}
