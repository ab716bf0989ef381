//! The live audit: every answer of an exporter is judged, every release matched to its acquisition.
//!
//! Off unless `PYBUFFER_AUDIT` is `warn`, `raise` or `abort` when the process first uses an object; then
//! `runtime` leaves the hot paths, and the other one goes by `runtime::watch`, which tells a ledger of each
//! view asked for, filled by hand and given back. Of all copies of the library in a process one keeps it.
//!
//! `ledger` is what the copies call, `records` holds the views that are out, each a `record`, `people` who asked whom for
//! what, `hearing` knows whether the interpreter's own calls come along, `lines` writes what is found,
//! `process` knows of exits and forks. Names are copied when they are met: at the exit, objects and
//! libraries may be gone. Nothing here calls an exporter, or keeps a lock while it calls anybody.

mod hearing;
mod ledger;
mod lines;
mod memory;
mod people;
mod process;
mod record;
mod records;

use core::ffi::{CStr, c_void};
use core::ptr;

use crate::abi::Py_buffer;
use crate::check::{self, Finding, Rule, Severity, Value};
use crate::error::Text;
use crate::runtime::Runtime;
use crate::runtime::copies::{self, Answer};
use lines::Line;
use people::{Asked, Mistake, Place};
use process::{Mode, State};
use record::{Pair, Record};

/// What is wrong with what an exporter did besides filling a view, if anything.
fn act<'a>(
    answer: &Answer,
    view: Option<&Py_buffer>,
) -> Option<(Rule, &'static CStr, Value<'a>, Value<'a>)> {
    let has_error = answer.has_error != 0;
    match answer.result {
        0 if has_error && answer.had_error == 0 => {
            let expected = Value::Words("none, as the answer is 0");
            Some((Rule::ExceptionLeft, c"exception", Value::Words("one is set"), expected))
        }
        -1 if !has_error && answer.can_raise != 0 => {
            let expected = Value::Words("one, as the answer is -1");
            Some((Rule::ExceptionMissing, c"exception", Value::Words("none is set"), expected))
        }
        0 => None,
        -1 => {
            let obj = view?.obj;
            let is_left = !obj.is_null() && obj != answer.obj_before;
            is_left.then(|| (Rule::ObjOnFailure, c"obj", Value::Address(obj.addr()), Value::Null))
        }
        result => {
            let expected = Value::Words("0 or -1");
            Some((Rule::Result, c"result", Value::Number(result as isize), expected))
        }
    }
}

impl State {
    /// Notes that a `Py_buffer` is filled anew: the view that was in it can be given back no more, unless a
    /// copy is.
    ///
    /// # Safety
    /// The view is readable.
    unsafe fn emptied(&self, runtime: &Runtime, view: *const Py_buffer) {
        // SAFETY: readable (caller).
        let now = unsafe { Pair::of(view) };
        let hears = self.hearing.hears_releases(runtime);
        self.records.lose(view.addr(), |record| hears || record.is_certainly_in(now));
    }

    /// Judges an exporter's answer. A text means that the view is to be given back, and an error raised in
    /// place of the answer.
    ///
    /// # Safety
    /// The exporter was asked just now, and answered so.
    unsafe fn judge(&self, runtime: &Runtime, answer: &Answer) -> Option<Text> {
        // SAFETY: an object (caller).
        let asked = unsafe { self.asked(runtime, answer) };
        self.count_request();
        let flags = answer.flags;
        let mut wrong = None;
        let mut tell = |finding: &Finding| self.tell_rule(asked, finding, &mut wrong);
        // SAFETY: null or readable (caller).
        let view = unsafe { answer.view.as_ref() };
        if let Some((rule, field, found, expected)) = act(answer, view) {
            tell(&Finding { rule, flags, field, axis: -1, found, expected });
        }
        if let Some(view) = view.filter(|_| answer.result == 0) {
            // What nobody but the audit looks at may lead nowhere.
            let is_there = |address, size| self.pages.have(address, size);
            if check::has_arrays(view, flags, &is_there, &mut tell) {
                // SAFETY: just filled by an exporter, and its arrays are there.
                unsafe { check::view::check(view, flags, &mut tell) };
            }
            // Without an object there is nothing to give back.
            if wrong.is_none() && !view.obj.is_null() {
                if let Some(asked) = asked {
                    asked.hold();
                }
                // SAFETY: an object that the view has a reference to.
                let slots = unsafe { runtime.layout().slots_of(view.obj) };
                let has_release = slots.is_some_and(|slots| slots.bf_releasebuffer.is_some());
                let mut record = Record::of(view, asked);
                record.has_release = has_release;
                self.add(record);
            }
        }
        wrong
    }

    /// Who asked for what, from where.
    ///
    /// # Safety
    /// The answer's object is one.
    unsafe fn asked(&self, runtime: &Runtime, answer: &Answer) -> Option<&'static Asked> {
        let place = self.people.place(answer.caller);
        // SAFETY: an object (caller).
        let exporter = unsafe { self.people.exporter(runtime, answer.obj) }?;
        self.people.asked(exporter, place, answer.flags)
    }

    /// Counts a broken rule, writes a line if it is the first of this kind, and keeps the text of one
    /// that the protocol forbids.
    #[cold]
    fn tell_rule(&self, asked: Option<&Asked>, finding: &Finding, wrong: &mut Option<Text>) {
        let is_must = finding.rule.severity() == Severity::Must;
        let bit = finding.rule as u8;
        let is_known = asked.is_some_and(|asked| asked.exporter.is_known(bit, self.tally(bit)));
        let counts = is_must && matches!(self.mode, Mode::Raise | Mode::Abort);
        if is_known && !counts {
            return;
        }
        let mut line = Line::new();
        line.rule(asked, finding);
        if is_must && wrong.is_none() && self.mode == Mode::Raise {
            *wrong = Some(line.text());
        }
        if !is_known {
            self.tell(&mut line);
        }
        if is_must && self.mode == Mode::Abort {
            process::abort();
        }
    }

    /// Notes a view that is out from now on. One that became another on the way was asked for once.
    fn add(&self, record: Record) {
        if self.records.add(record) {
            self.uncount_request();
        }
    }

    /// Notes a view that nobody asked for by `PyObject_GetBuffer`: `PyBuffer_FillInfo` filled it, or the checker
    /// had it filled. It may be given back by whoever had it filled, or become an exporter's answer.
    fn filled(&self, view: &Py_buffer) {
        if !view.obj.is_null() {
            self.add(Record::of(view, None));
        }
    }

    /// Matches a release to its acquisition.
    ///
    /// # Safety
    /// The view is about to be given back; it holds an object.
    unsafe fn given_back(&self, runtime: &Runtime, view: &Py_buffer, caller: *const c_void) {
        let address = ptr::from_ref(view).addr();
        if let Some(record) = self.records.take(address, view.obj.addr()) {
            self.settle(&record);
        } else if !self.hearing.hears_acquisitions(runtime) {
            // Whoever acquired it may not have been heard. What was moved is no longer out, though nothing can
            // be said of it.
            if !self.records.forget(address)
                && let Some(record) = self.records.take_like(view)
            {
                self.settle(&record);
            }
        } else if self.people.place(caller).is_none_or(|place| place.is_host) {
            // The interpreter may call an exporter's slot by itself, fill a view by hand, as the library does
            // for memoryviews, or give back its own copy of one, for another of its interpreters.
            if let Some(record) = self.records.excuse(address) {
                if record.asked.is_some() {
                    self.uncount_request();
                }
            } else if let Some(record) = self.records.take_like_that_is_gone(view) {
                self.settle(&record);
            }
        } else {
            // SAFETY: the caller's promise is the callee's.
            unsafe { self.given_back_wrongly(runtime, view, self.people.place(caller)) };
        }
    }

    /// All acquisitions come along, and this view had none.
    ///
    /// # Safety
    /// As for `given_back`.
    #[cold]
    unsafe fn given_back_wrongly(
        &self,
        runtime: &Runtime,
        view: &Py_buffer,
        by: Option<&'static Place>,
    ) {
        let found = self.records.take_like(view);
        let mistake = if let Some(record) = found {
            self.settle(&record);
            (Mistake::Moved, record.asked)
        } else if self.records.forget(ptr::from_ref(view).addr()) {
            // A struct that was filled again is another matter than one that never was.
            return;
        } else {
            match self.records.was_given_back(view) {
                Some(asked) => (Mistake::Twice, Some(asked)),
                None => (Mistake::NeverAcquired, None),
            }
        };
        // Nothing is said of what was not asked for, nor where a copy of the library keeps to itself or a view could
        // not be noted.
        let is_doubtful = !self.records.is_complete() || !copies::all_watch();
        if is_doubtful || (mistake.0 == Mistake::Moved && mistake.1.is_none()) {
            return;
        }
        // SAFETY: an object, which the release will look at (caller).
        unsafe { self.tell_release(runtime, view, mistake, by) };
    }

    /// A view that was out is no more.
    fn settle(&self, record: &Record) {
        if record.asked.is_some() {
            self.count_release();
        }
        record.close();
        self.records.remember(record);
    }

    /// # Safety
    /// The view holds an object, if it was given back once already a freed one.
    #[cold]
    unsafe fn tell_release(
        &self,
        runtime: &Runtime,
        view: &Py_buffer,
        (mistake, asked): (Mistake, Option<&'static Asked>),
        by: Option<&'static Place>,
    ) {
        let exporter = match asked {
            Some(asked) => Some(asked.exporter),
            // SAFETY: an object (caller).
            None => unsafe { self.people.exporter(runtime, view.obj) },
        };
        let bit = mistake as u8;
        if !exporter.is_some_and(|exporter| exporter.is_known(bit, self.tally(bit))) {
            let mut line = Line::new();
            line.release(mistake, exporter, asked, by);
            self.tell(&mut line);
        }
        if self.mode == Mode::Abort {
            process::abort();
        }
    }
}
