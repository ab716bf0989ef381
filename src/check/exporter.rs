//! An exporter is sent every request there is, each twice, and all of its answers are judged.
//!
//! Whatever it answers, every view is given back, every exception taken away, and every reference that
//! it is one short of is made up for. Addresses are looked up before they are followed.

use core::ffi::{c_char, c_int};
use core::ptr;

use super::memory::{Answer, Memory};
use super::request::Request;
use super::requests::{N, is_more, request};
use super::seen::{Kept, Seen};
use super::text::{Room, end_with_a_character};
use super::words::{Field, Word};
use super::{Finding, Rule, Value, extent_of, mapped, name_exporter, place_of, view};
use crate::abi::{Py_buffer, PyObject, getbufferproc, pybuffer_report};
use crate::error::Error;
use crate::runtime::views::not_an_exporter;
use crate::runtime::{self, Runtime, watch};
use crate::view::plain::EMPTY;

/// References that are held meanwhile: an exporter that drops too many shall outlive the look at it. What
/// is missing is made up for after every few calls, but not what an exporter drops now and then.
const SPARE: isize = 4096;

/// Sends all requests to `obj`, and reports what is wrong with the answers.
///
/// # Safety
/// `obj` is an object of this process's world that the thread may use; no error is pending.
pub unsafe fn check(obj: *mut PyObject, report: &mut pybuffer_report) -> Result<(), Error> {
    let runtime = runtime::for_objects();
    if !runtime.error().is_null() {
        return Err(Error::Raised);
    }
    // SAFETY: an object (caller).
    let slots = unsafe { runtime.layout().slots_of(obj) };
    let Some(getbuffer) = slots.and_then(|slots| slots.bf_getbuffer) else {
        // SAFETY: as above.
        return Err(unsafe { not_an_exporter(runtime, obj) });
    };
    // SAFETY: as above.
    unsafe { name_exporter(obj, report) };
    // SAFETY: as above; its slot, and no error is pending.
    report.is_python = unsafe { runtime.is_python_exporter(obj, getbuffer) }.into();
    let mut inquiry = Inquiry {
        runtime,
        obj,
        getbuffer,
        report,
        flags: 0,
        memory: Memory::default(),
        met: 0,
        writable: 0,
        other_exception: None,
    };
    // SAFETY: as above.
    unsafe { inquiry.take(SPARE) };
    // SAFETY: as above.
    unsafe { inquiry.run() };
    for _ in 0..SPARE {
        // SAFETY: the references that were taken above.
        unsafe { runtime.decref(obj) };
    }
    Ok(())
}

struct Inquiry<'a> {
    runtime: &'static Runtime,
    obj: *mut PyObject,
    getbuffer: getbufferproc,
    report: &'a mut pybuffer_report,
    /// The request at hand.
    flags: c_int,
    memory: Memory,
    /// The requests that were met, a bit for each number, and those that were told of writable memory.
    met: u64,
    writable: u64,
    /// A request that was refused with something else than BufferError, and with what.
    other_exception: Option<(c_int, [c_char; 60])>,
}

impl Inquiry<'_> {
    #[cold]
    #[inline(never)]
    fn tell_all(&mut self, rule: Rule, field: Field, found: Value, expected: Value) {
        let (flags, field) = (self.flags, field.text());
        self.report.add(&Finding { rule, flags, field, axis: -1, found, expected });
    }

    #[cold]
    #[inline(never)]
    fn tell(&mut self, rule: Rule, field: Field, found: Word, expected: Word) {
        self.tell_all(rule, field, Value::Word(found), Value::Word(expected));
    }

    #[cold]
    #[inline(never)]
    fn tell_number(&mut self, rule: Rule, field: Field, found: isize, expected: Word) {
        self.tell_all(rule, field, Value::Number(found), Value::Word(expected));
    }

    #[cold]
    #[inline(never)]
    fn tell_address(&mut self, rule: Rule, field: Field, found: usize, expected: Word) {
        self.tell_all(rule, field, Value::Address(found), Value::Word(expected));
    }

    /// # Safety
    /// As for [`check`], and for what follows.
    unsafe fn run(&mut self) {
        // SAFETY: as for `check` (caller).
        self.report.has_references = unsafe { self.can_count() }.into();
        for (number, flags) in (0..N).filter_map(|number| Some((number, request(number)?))) {
            self.flags = flags;
            self.report.n_requests = self.report.n_requests.saturating_add(1);
            // SAFETY: as above.
            if let Some(readonly) = unsafe { self.ask_twice() } {
                self.report.n_granted = self.report.n_granted.saturating_add(1);
                self.met |= 1 << number;
                self.writable |= u64::from(readonly == 0) << number;
            }
        }
        if self.met == 0 {
            return self.nothing_met();
        }
        self.report.raised = [0; _];
        self.refusals();
        if let Some((flags, raised)) = self.other_exception {
            self.flags = flags;
            let (found, expected) = (Value::Characters(&raised), Value::Word(Word::BufferError));
            self.tell_all(Rule::BufferError, Field::Exception, found, expected);
        }
    }

    /// Whatever was raised, the exporter is of no use: each request is counted.
    #[cold]
    fn nothing_met(&mut self) {
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

    /// Requests that were refused, though more was granted.
    fn refusals(&mut self) {
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
    }

    /// Sends the request, and again; what the first answer says of `readonly`, if it was met.
    ///
    /// # Safety
    /// As for [`check`].
    unsafe fn ask_twice(&mut self) -> Option<isize> {
        let before = self.count();
        // A view may point into itself, so both stay where they are until they are released.
        let (mut first, mut second) = (EMPTY, EMPTY);
        // SAFETY: as for `check` (caller).
        if !unsafe { self.ask(&mut first) } {
            let is_null = first.obj.is_null();
            if !is_null {
                self.tell_address(Rule::ObjOnFailure, Field::Obj, first.obj.addr(), Word::Null);
            }
            // SAFETY: as above.
            unsafe { self.ask_refused(before, is_null) };
            return None;
        }
        let readonly = first.readonly as isize;
        // SAFETY: the exporter's answer, which is held.
        if unsafe { self.is_readable(&first) } {
            // SAFETY: as above.
            unsafe { self.judge(&first) };
            // SAFETY: as above.
            unsafe { self.ask_again(&mut first, &mut second) };
        }
        // SAFETY: filled above or empty, not moved, and given back once.
        unsafe { self.release(&mut second) };
        // SAFETY: as above.
        unsafe { self.release(&mut first) };
        // SAFETY: as for `check` (caller).
        unsafe { self.settle(before) };
        Some(readonly)
    }

    /// Sends a request once more that was met, and compares the answers. (What is kept of the first one lies on the
    /// stack here, where no answer is judged.)
    ///
    /// # Safety
    /// As for [`check`]; `first` is held and can be read, `second` is empty, and both stay where they are.
    #[inline(never)]
    unsafe fn ask_again(&mut self, first: &mut Py_buffer, second: &mut Py_buffer) {
        // SAFETY: a view that is held and can be read (caller).
        let kept = Kept::new(&unsafe { Seen::of(first) });
        // SAFETY: as for `check` (caller).
        if !unsafe { self.ask(second) } {
            // Perhaps there may be one view at a time.
            *second = EMPTY;
            // SAFETY: filled by the exporter, not moved, given back once: `first.obj` is null then.
            unsafe { self.release(first) };
            // SAFETY: as for `check` (caller).
            if !unsafe { self.ask(second) } {
                *second = EMPTY;
                self.tell(Rule::Reproducible, Field::Request, Word::Refused, Word::MetAsBefore);
            }
        }
        // SAFETY: views that are held, or empty.
        unsafe { self.compare(Rule::Reproducible, second, &kept) };
        // SAFETY: as above.
        unsafe { self.compare(Rule::Stable, first, &kept) };
    }

    /// A refused request once more, with an object in the view, as in one that was never filled.
    ///
    /// # Safety
    /// As for [`check`].
    unsafe fn ask_refused(&mut self, before: Option<isize>, was_null: bool) {
        let Some(before) = before else { return };
        let mut view = EMPTY;
        // SAFETY: an object (caller); the view's own reference, in case that the exporter drops it.
        unsafe { self.runtime.incref(self.obj) };
        view.obj = self.obj;
        // SAFETY: as for `check` (caller).
        if unsafe { self.ask(&mut view) } {
            self.tell(Rule::Reproducible, Field::Request, Word::Met, Word::RefusedAsBefore);
            // SAFETY: filled above, not moved, and given back once.
            unsafe { self.release(&mut view) };
        } else if view.obj == self.obj && was_null && self.report.is_python == 0 {
            // (In a Python class this is not its author's to mend: CPython's own slot leaves it.)
            self.tell(Rule::ObjUntouched, Field::Obj, Word::WhatWasThere, Word::Null);
        }
        if self.count().is_some_and(|now| now > before) {
            // SAFETY: the reference that was taken above, if the exporter has not dropped it.
            unsafe { self.runtime.decref(self.obj) };
        }
        // SAFETY: as for `check` (caller).
        unsafe { self.settle(Some(before)) };
    }

    /// Asks once; whether the request was met. The exception is judged and taken away, and if the view has
    /// no reference of its own it is given one.
    ///
    /// # Safety
    /// As for [`check`].
    unsafe fn ask(&mut self, view: &mut Py_buffer) -> bool {
        let before = self.count();
        // SAFETY: the slot of the object's own type.
        let result = unsafe { watch::ask_unjudged(self.getbuffer, self.obj, view, self.flags) };
        if result != 0 && result != -1 {
            let result = result as isize;
            self.tell_number(Rule::Result, Field::Result, result, Word::ZeroOrMinusOne);
        }
        let is_met = result == 0 || result > 0 && !view.obj.is_null();
        self.exception(!is_met);
        if !is_met {
            return false;
        }
        if !view.obj.is_null() && !mapped(view.obj.addr(), size_of::<PyObject>()) {
            self.tell_address(Rule::Obj, Field::Obj, view.obj.addr(), Word::Exporter);
            view.obj = ptr::null_mut();
        }
        if let Some(before) = before.filter(|_| view.obj == self.obj) {
            let change = self.change_since(before);
            match change {
                1.. => return true,
                0 => self.tell(Rule::Obj, Field::Obj, Word::NoReference, Word::NewReference),
                _ => {
                    let (rule, field) = (Rule::References, Field::References);
                    self.tell_number(rule, field, change.wrapping_sub(1), Word::NoneMore);
                }
            }
            // SAFETY: an object (caller); the reference that the release will drop, and those dropped now.
            unsafe { self.take(1_isize.wrapping_sub(change)) };
        }
        true
    }

    /// Judges the exception that is pending, or is not, and takes it away.
    fn exception(&mut self, is_refused: bool) {
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

    /// Gives a view back, if it is held.
    ///
    /// # Safety
    /// The exporter filled the view, or it is empty; it has not moved.
    #[inline(never)]
    unsafe fn release(&mut self, view: &mut Py_buffer) {
        // SAFETY: the caller's promise.
        unsafe { watch::give_back(self.runtime, view, ptr::null()) };
        self.exception(false);
    }

    /// Tells if there are not as many references as before, and makes up for those that are missing.
    ///
    /// # Safety
    /// As for [`check`].
    unsafe fn settle(&mut self, before: Option<isize>) {
        let Some(before) = before else { return };
        let once = self.change_since(before);
        if once == 0 {
            return;
        }
        // An exporter may keep a reference to itself the first time, and other threads may have taken or
        // dropped one meanwhile: does each time make a difference?
        let before = before.wrapping_add(once);
        let mut view = EMPTY;
        // SAFETY: as for `check` (caller).
        if unsafe { self.ask(&mut view) } {
            // SAFETY: filled above, not moved, and given back once.
            unsafe { self.release(&mut view) };
        }
        let again = self.change_since(before);
        if again.signum() != once.signum() {
            return;
        }
        // A Python class takes no reference by hand: what it raises may hold the object in its traceback, until
        // the garbage collector comes along.
        if again > 0 && self.report.is_python != 0 {
            return;
        }
        self.tell_number(Rule::References, Field::References, again, Word::NoneMore);
        // SAFETY: an object (caller).
        unsafe { self.take(once.saturating_add(again).wrapping_neg()) };
    }

    /// Takes so many references to the exporter.
    ///
    /// # Safety
    /// As for [`check`].
    #[inline(never)]
    unsafe fn take(&self, n: isize) {
        for _ in 0..n {
            // SAFETY: an object (caller).
            unsafe { self.runtime.incref(self.obj) };
        }
    }

    fn change_since(&self, before: isize) -> isize {
        self.count().unwrap_or(before).wrapping_sub(before)
    }

    /// The references to the exporter, where they can be counted.
    fn count(&self) -> Option<isize> {
        if self.report.has_references == 0 {
            return None;
        }
        // SAFETY: an object that this thread may use (`check`).
        unsafe { self.runtime.references(self.obj) }
    }

    /// Whether counting shows a reference that is taken: not for an object that lives for ever.
    ///
    /// # Safety
    /// As for [`check`].
    unsafe fn can_count(&mut self) -> bool {
        self.report.has_references = 1;
        let before = self.count();
        // SAFETY: an object (caller).
        unsafe { self.runtime.incref(self.obj) };
        let between = self.count();
        // SAFETY: the reference that was just taken.
        unsafe { self.runtime.decref(self.obj) };
        let one_more = before.and_then(|before| before.checked_add(1));
        one_more.is_some() && between == one_more && self.count() == before
    }

    /// Whether what the view points to can be read; what cannot is told.
    ///
    /// # Safety
    /// A view that is held, or as it was before it was filled.
    #[inline(never)]
    unsafe fn is_readable(&mut self, view: &Py_buffer) -> bool {
        let ndim = usize::try_from(view.ndim).unwrap_or(0).min(64);
        let size = ndim.wrapping_mul(size_of::<isize>());
        let arrays = [
            (Rule::Shape, Field::Shape, view.shape.addr(), size),
            (Rule::Strides, Field::Strides, view.strides.addr(), size),
            (Rule::Suboffsets, Field::Suboffsets, view.suboffsets.addr(), size),
            (Rule::Format, Field::Format, view.format.addr(), 1),
        ];
        for (rule, field, address, size) in arrays {
            // What lies in the first page is told by the judge of views.
            if address >= 4096 && !mapped(address, size) {
                self.tell_address(rule, field, address, Word::Readable);
                return false;
            }
        }
        true
    }

    /// Judges an answer by itself, its memory, and beside the others.
    ///
    /// # Safety
    /// A view that is held and can be read.
    unsafe fn judge(&mut self, view: &Py_buffer) {
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
    unsafe fn compare(&mut self, rule: Rule, view: &Py_buffer, kept: &Kept) {
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
