//! An exporter is sent every request there is, each twice, and all of its answers are judged.
//!
//! Whatever it answers, every view is given back, every exception taken away, and every reference that
//! it is one short of is made up for. Addresses are looked up before they are followed.

use core::ffi::{c_char, c_int};
use core::ptr;

use super::memory::Memory;
use super::requests::{N, request};
use super::seen::{Kept, Seen};
use super::words::{Field, Word};
use super::{Rule, mapped, name_exporter};
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

pub(super) struct Inquiry<'a> {
    pub(super) runtime: &'static Runtime,
    obj: *mut PyObject,
    getbuffer: getbufferproc,
    pub(super) report: &'a mut pybuffer_report,
    /// The request at hand.
    pub(super) flags: c_int,
    pub(super) memory: Memory,
    /// The requests that were met, a bit for each number, and those that were told of writable memory.
    pub(super) met: u64,
    pub(super) writable: u64,
    /// A request that was refused with something else than BufferError, and with what.
    pub(super) other_exception: Option<(c_int, [c_char; 60])>,
}

impl Inquiry<'_> {
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
}
