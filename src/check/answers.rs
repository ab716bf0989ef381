//! Judges an exporter's answers: each by itself and against earlier ones, the memory that it shows, exceptions, and
//! requests that were refused although more demanding ones were granted.

use core::ffi::c_char;
use core::hint::black_box;

use super::address::mapped;
use super::all_requests::{N, is_more, request};
use super::consistency::Granted;
use super::finding::{Finding, Value};
use super::inquiry::Inquiry;
use super::numbers::{extent_of, place_of};
use super::request::Request;
use super::rules::Rule;
use super::seen::{Seen, Snapshot};
use super::text::{Writer, end_with_a_character};
use super::view;
use super::words::{Field, Word};
use crate::abi::Py_buffer;
use crate::runtime::Runtime;

impl Inquiry<'_> {
    /// Reports, for each request, that none was granted.
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

    /// Reports requests that were refused although a more demanding one was granted, and the first that was refused
    /// with a wrong exception.
    pub(super) fn refusals(&mut self) {
        let has = |bits: u64, number: usize| (bits >> number) & 1 == 1;
        for (number, flags) in (0..N).filter_map(|number| Some((number, request(number)?))) {
            if has(self.granted, number) {
                continue;
            }
            let more = (0..N).find(|&other| has(self.granted, other) && is_more(other, number));
            // Of `EXTRAS`, the last two are the first two with PyBUF_WRITABLE.
            let without = number.wrapping_sub(2);
            let is_writable = number & 2 != 0 && has(self.writable, without);
            let (words, other) = match more {
                Some(more) => ("met, as this is: ", more),
                None if is_writable => ("met, as readonly is 0 for ", without),
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

    /// Judges whether an exception is pending, and which, and clears it.
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

    /// Whether the view's arrays and format are mapped; reports the first that is not.
    #[inline(never)]
    pub(super) fn is_readable(&mut self, view: &Py_buffer) -> bool {
        let report = &mut *self.report;
        view::has_arrays(view, self.flags, &mapped, &mut |finding| report.add(finding))
    }

    /// Judges an answer: by itself, the memory that it shows, and against earlier answers.
    ///
    /// # Safety
    /// * VIEW: the view is held, and `is_readable`.
    pub(super) unsafe fn judge(&mut self, view: &Py_buffer) {
        let flags = self.flags;
        let report = &mut *self.report;
        let mut is_sound = true;
        let mut sink = |finding: &Finding| {
            is_sound &=
                !matches!(finding.rule, Rule::Ndim | Rule::Extent | Rule::Structure | Rule::Buf);
            report.add(finding);
        };
        // SAFETY: arrays and format are mapped, and stay as they are while it is held (caller: VIEW).
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
        self.shown.compare(&mut Granted { request, seen, sink: &mut sink });
    }

    /// Reports the first field of a held view that does not hold what a copy of it holds.
    ///
    /// # Safety
    /// * VIEW: the view is empty, or held.
    #[inline(never)]
    pub(super) unsafe fn compare(&mut self, rule: Rule, view: &Py_buffer, kept: &Snapshot) {
        if !view.obj.is_null() && self.is_readable(view) {
            // SAFETY: held, as it has an object (caller: VIEW); arrays and format are mapped.
            unsafe { self.compare_readable(rule, view, kept) };
        }
    }

    /// The same for a view that can be read.
    ///
    /// # Safety
    /// * VIEW: the view is held, and `is_readable`.
    pub(super) unsafe fn compare_readable(
        &mut self,
        rule: Rule,
        view: &Py_buffer,
        kept: &Snapshot,
    ) {
        // SAFETY: held and readable (caller: VIEW).
        let seen = unsafe { Seen::of(view) };
        let kept = kept.seen();
        // One call in a loop, not nine.
        let fields = black_box(&Field::COMPARED[..]);
        if let Some(&field) = fields.iter().find(|field| !seen.is_as_in(&kept, **field)) {
            let (found, before) = seen.beside(&kept, field);
            self.tell_all(rule, field, found, before);
        }
    }
}

/// Writes the pending exception's class and text, cut if they are too long. It stays pending.
#[cold]
#[inline(never)]
fn write_raised(runtime: &Runtime, raised: &mut [c_char]) {
    let exception = runtime.error();
    if exception.is_null() {
        return;
    }
    let mut out = Writer::new(raised);
    // SAFETY: an exception of this world.
    out.line(unsafe { runtime.exception_name(exception) });
    runtime.with_error_text(&mut |text| {
        out.put(if text.is_empty() { "" } else { ": " }).line(text);
    });
    end_with_a_character(raised);
}

/// The bytes that a view's items take, relative to `buf`; none if they cannot be told.
fn reach(seen: &Seen) -> (isize, isize) {
    match seen.arrays {
        [Some(shape), Some(strides), suboffsets] => {
            // The entries are pointers; the items lie elsewhere.
            if suboffsets.is_some_and(|all| place_of(all, false).is_some()) {
                return (0, 0);
            }
            extent_of(seen.itemsize, shape, strides)
                .map_or((0, 0), |extent| (extent.low, extent.high))
        }
        _ => (0, seen.len),
    }
}
