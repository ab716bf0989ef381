//! Sends an exporter every request there is, each twice, and has all answers judged.
//!
//! Whatever it answers, every view is released, every exception cleared, and every reference that the exporter wrongly
//! drops is taken again. Addresses are looked up before they are followed.

use core::ffi::c_int;
use core::ptr;

use super::address::mapped;
use super::all_requests::{N, request};
use super::consistency::Shown;
use super::inquiry::Inquiry;
use super::rules::Rule;
use super::seen::{Seen, Snapshot};
use super::words::{Field, Word};
use crate::abi::{Py_buffer, PyObject, pybuffer_report};
use crate::error::Error;
use crate::runtime::views::not_an_exporter;
use crate::runtime::{self, watch};
use crate::view::plain::EMPTY;

/// How many references are held during the check, so that an exporter that drops too many survives it. Most of what it
/// drops is noticed and taken again after every few calls; what it drops only now and then is not.
const SPARE: isize = 4096;

/// How many views are acquired in haste for each request and round, among threads: with nothing between request and release
/// but a look at the fields, so that the threads meet.
const HASTY: usize = 64;

/// Sends all requests to `obj`, and reports what is wrong with the answers; an error if one is pending, or `obj` is no
/// exporter.
///
/// # Safety
/// * OBJECT: `obj` is an object of this process's world that the thread may use.
pub unsafe fn check(obj: *mut PyObject, report: &mut pybuffer_report) -> Result<(), Error> {
    // SAFETY: as above (caller: OBJECT).
    unsafe { inquire(obj, report, None) }
}

/// The same, `n_rounds` times, while other threads do so. What is found is reported as broken by threads, except for
/// rules that the exporter breaks without them.
///
/// # Safety
/// * OBJECT: as for [`check`].
pub unsafe fn check_among_threads(
    obj: *mut PyObject,
    n_rounds: c_int,
    alone: Option<&pybuffer_report>,
    report: &mut pybuffer_report,
) -> Result<(), Error> {
    // SAFETY: as above (caller: OBJECT).
    unsafe { inquire(obj, report, Some(n_rounds)) }?;
    report.blame_threads(alone);
    Ok(())
}

/// Sends all requests once and counts references; or, among threads that change these, a number of times.
///
/// # Safety
/// * OBJECT: as for [`check`].
unsafe fn inquire(
    obj: *mut PyObject,
    report: &mut pybuffer_report,
    among_threads: Option<c_int>,
) -> Result<(), Error> {
    let runtime = runtime::for_objects();
    if !runtime.error().is_null() {
        return Err(Error::Raised);
    }
    // SAFETY: an object (caller: OBJECT).
    let slots = unsafe { runtime.layout().slots_of(obj) };
    let Some(getbuffer) = slots.and_then(|slots| slots.bf_getbuffer) else {
        // SAFETY: as above.
        return Err(unsafe { not_an_exporter(runtime, obj) });
    };
    // SAFETY: as above.
    unsafe { report.name_exporter(obj) };
    // SAFETY: as above, and its slot.
    report.is_python = unsafe { runtime.is_python_exporter(obj, getbuffer) }.into();
    let mut inquiry = Inquiry {
        runtime,
        obj,
        getbuffer,
        report,
        flags: 0,
        shown: Shown::default(),
        granted: 0,
        writable: 0,
        other_exception: None,
    };
    inquiry.take(SPARE);
    inquiry.run(among_threads);
    for _ in 0..SPARE {
        // SAFETY: an object (caller: OBJECT), and the references that were taken above.
        unsafe { runtime.decref(obj) };
    }
    Ok(())
}

impl Inquiry<'_> {
    /// Sends all requests, and reports what is wrong with the answers.
    fn run(&mut self, among_threads: Option<c_int>) {
        self.report.has_references = (among_threads.is_none() && self.can_count()).into();
        for _ in 0..among_threads.unwrap_or(1) {
            self.send_all(if among_threads.is_some() { HASTY } else { 0 });
        }
        if self.granted == 0 {
            return if self.report.n_requests > 0 {
                self.nothing_met()
            };
        }
        self.report.raised = [0; _];
        self.refusals();
    }

    /// Sends each request twice, and those that are granted `n_hasty` times more.
    fn send_all(&mut self, n_hasty: usize) {
        for (number, flags) in (0..N).filter_map(|number| Some((number, request(number)?))) {
            self.flags = flags;
            self.report.n_requests = self.report.n_requests.saturating_add(1);
            if let Some(readonly) = self.send_twice() {
                self.report.n_granted = self.report.n_granted.saturating_add(1);
                self.granted |= 1 << number;
                self.writable |= u64::from(readonly == 0) << number;
                if n_hasty > 0 {
                    self.hurry(n_hasty);
                }
            } else if (self.granted >> number) & 1 == 1 {
                self.tell(Rule::Reproducible, Field::Request, Word::Refused, Word::MetAsBefore);
            }
        }
    }

    /// Sends the request twice. Returns `readonly` of the first answer, if the request was granted.
    fn send_twice(&mut self) -> Option<isize> {
        let before = self.count();
        // A view may point into itself, so neither moves before it is released.
        let (mut first, mut second) = (EMPTY, EMPTY);
        if !self.send(&mut first) {
            let is_null = first.obj.is_null();
            if !is_null {
                self.tell_address(Rule::ObjOnFailure, Field::Obj, first.obj.addr(), Word::Null);
            }
            self.send_refused_again(before, is_null);
            return None;
        }
        let readonly = first.readonly as isize;
        if self.is_readable(&first) {
            // SAFETY: the exporter's answer, which is held and can be read.
            unsafe { self.judge(&first) };
            // SAFETY: as above; `second` is empty, and neither moves.
            unsafe { self.send_again(&mut first, &mut second) };
        }
        // SAFETY: empty or filled by the exporter, not moved, and released once.
        unsafe { self.release(&mut second) };
        // SAFETY: as above.
        unsafe { self.release(&mut first) };
        self.balance(before);
        Some(readonly)
    }

    /// Sends a granted request once more, and compares the answers. (Out of line, so that the copy of the first one is
    /// on the stack only while no answer is judged.)
    ///
    /// # Safety
    /// * FIRST: `first` is held and can be read.
    /// * SECOND: `second` is empty.
    /// * UNMOVED: neither moves before it is released.
    #[inline(never)]
    unsafe fn send_again(&mut self, first: &mut Py_buffer, second: &mut Py_buffer) {
        // SAFETY: held and readable (caller: FIRST).
        let kept = Snapshot::new(&unsafe { Seen::of(first) });
        if !self.send(second) {
            // The exporter may allow one view at a time.
            *second = EMPTY;
            // SAFETY: held and not moved (caller: FIRST, UNMOVED). The next release does nothing: `first.obj` is null.
            unsafe { self.release(first) };
            if !self.send(second) {
                *second = EMPTY;
                self.tell(Rule::Reproducible, Field::Request, Word::Refused, Word::MetAsBefore);
            }
        }
        // SAFETY: empty, or held.
        unsafe { self.compare(Rule::Reproducible, second, &kept) };
        // SAFETY: as above.
        unsafe { self.compare(Rule::Stable, first, &kept) };
    }

    /// Acquires and releases one view after another, and compares each with the first.
    #[inline(never)]
    fn hurry(&mut self, n_hasty: usize) {
        let mut first = EMPTY;
        if !self.send(&mut first) {
            return self.tell(Rule::Reproducible, Field::Request, Word::Refused, Word::MetAsBefore);
        }
        // SAFETY: held, as it was granted; it can be read, or nothing of it is.
        let kept = self.is_readable(&first).then(|| Snapshot::new(&unsafe { Seen::of(&first) }));
        // SAFETY: filled above, not moved, and released once.
        unsafe { self.release(&mut first) };
        for _ in 0..n_hasty {
            let mut view = EMPTY;
            if !self.send(&mut view) {
                self.tell(Rule::Reproducible, Field::Request, Word::Refused, Word::MetAsBefore);
            } else if let Some(kept) = &kept {
                // SAFETY: held, and its arrays are there as those of the first were.
                unsafe { self.compare_readable(Rule::Reproducible, &view, kept) };
            }
            // SAFETY: empty, or filled above and not moved; released once.
            unsafe { self.release(&mut view) };
        }
    }

    /// Sends a refused request once more, with an object in the view, as in a `Py_buffer` that was never initialised.
    /// `was_null` says whether `obj` was null after the first refusal.
    fn send_refused_again(&mut self, before: Option<isize>, was_null: bool) {
        let Some(before) = before else { return };
        let mut view = EMPTY;
        // The reference of `view.obj`, in case the exporter drops it.
        self.take(1);
        view.obj = self.obj;
        if self.send(&mut view) {
            self.tell(Rule::Reproducible, Field::Request, Word::Met, Word::RefusedAsBefore);
            // SAFETY: filled above, not moved, and released once.
            unsafe { self.release(&mut view) };
        } else if view.obj == self.obj && was_null && self.report.is_python == 0 {
            // (The author of a Python class cannot correct this: CPython's own slot leaves the object there.)
            self.tell(Rule::ObjUntouched, Field::Obj, Word::WhatWasThere, Word::Null);
        }
        // (CPython's slot for Python classes drops none. Their count says nothing: the garbage collector may just have
        // freed what earlier requests raised, whose tracebacks held the object.)
        if self.report.is_python != 0 || self.count().is_some_and(|now| now > before) {
            // SAFETY: an object (`check`'s caller: OBJECT); the reference was taken above, and is still there.
            unsafe { self.runtime.decref(self.obj) };
        }
        self.balance(Some(before));
    }

    /// Sends the request once. Returns whether it was granted. The exception is judged and cleared. A view without
    /// a reference of its own is given one.
    fn send(&mut self, view: &mut Py_buffer) -> bool {
        let before = self.count();
        // SAFETY: the slot of the object's own type, for the object (`check`'s caller: OBJECT) and a view.
        let result = unsafe { watch::acquire_unjudged(self.getbuffer, self.obj, view, self.flags) };
        if result != 0 && result != -1 {
            let result = result as isize;
            self.tell_number(Rule::Result, Field::Result, result, Word::ZeroOrMinusOne);
        }
        let is_met = result == 0 || result > 0 && !view.obj.is_null();
        self.exception(!is_met);
        if !is_met {
            return false;
        }
        if view.obj != self.obj
            && !view.obj.is_null()
            && !mapped(view.obj.addr(), size_of::<PyObject>())
        {
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
            // The reference that the release will drop, and those that were dropped by the request.
            self.take(1_isize.wrapping_sub(change));
        }
        true
    }

    /// Releases a view, if it is held, and judges the exception.
    ///
    /// # Safety
    /// * FILLED: the view is empty or released, or the exporter filled it and it has not moved.
    #[inline(never)]
    unsafe fn release(&mut self, view: &mut Py_buffer) {
        // SAFETY: the same view (caller: FILLED).
        unsafe { watch::release(self.runtime, view, ptr::null()) };
        self.exception(false);
    }

    /// Reports if the number of references has changed, and takes those that are missing.
    fn balance(&mut self, before: Option<isize>) {
        let Some(before) = before else { return };
        let once = self.change_since(before);
        if once == 0 {
            return;
        }
        // An exporter may take a reference to itself at its first request, and other threads may have taken or dropped
        // one meanwhile. It is a mistake only if another request makes the same difference.
        let before = before.wrapping_add(once);
        let mut view = EMPTY;
        if self.send(&mut view) {
            // SAFETY: filled above, not moved, and released once.
            unsafe { self.release(&mut view) };
        }
        let again = self.change_since(before);
        if again.signum() != once.signum() {
            return;
        }
        // Python code cannot forget to drop a reference. But the traceback of what it raised may hold the object
        // until the garbage collector runs.
        if again > 0 && self.report.is_python != 0 {
            return;
        }
        self.tell_number(Rule::References, Field::References, again, Word::NoneMore);
        self.take(once.saturating_add(again).wrapping_neg());
    }

    /// Takes `n` references to the exporter; none if `n` is negative.
    #[inline(never)]
    fn take(&self, n: isize) {
        for _ in 0..n {
            // SAFETY: an object (`check`'s caller: OBJECT).
            unsafe { self.runtime.incref(self.obj) };
        }
    }

    /// How many references there are more than before.
    fn change_since(&self, before: isize) -> isize {
        self.count().unwrap_or(before).wrapping_sub(before)
    }

    /// The number of references to the exporter, if they can be counted.
    fn count(&self) -> Option<isize> {
        if self.report.has_references == 0 {
            return None;
        }
        // SAFETY: an object that this thread may use (`check`'s caller: OBJECT).
        unsafe { self.runtime.references(self.obj) }
    }

    /// Whether the count changes with a reference: not for an immortal object.
    fn can_count(&mut self) -> bool {
        self.report.has_references = 1;
        let before = self.count();
        self.take(1);
        let between = self.count();
        // SAFETY: an object (`check`'s caller: OBJECT), and the reference that was just taken.
        unsafe { self.runtime.decref(self.obj) };
        let one_more = before.and_then(|before| before.checked_add(1));
        one_more.is_some() && between == one_more && self.count() == before
    }
}
