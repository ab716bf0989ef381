//! The live audit: every answer of an exporter is judged, every release matched to its acquisition.
//!
//! Off unless `PYBUFFER_AUDIT` is `warn`, `raise` or `abort` when the process first uses an object; then
//! `runtime` leaves the hot paths, which ask here on the other one. `protocol::get` tells of each view
//! asked for and given back, `protocol::fill` of each that is filled by hand.
//!
//! `records` holds the views that are out, `people` who asked whom for what, `lines` writes what is
//! found, `process` knows of exits and forks. Names are copied when they are met: at the exit, objects
//! and libraries may be gone. Nothing here calls an exporter, or keeps a lock while it calls anybody.

mod lines;
mod memory;
mod people;
mod process;
mod records;

use core::ffi::{CStr, c_int, c_void};
use core::ptr;

use crate::abi::{Py_buffer, PyObject};
use crate::check::{self, Finding, Rule, Severity, Value};
use crate::error::{Error, Kind, Text};
use crate::runtime::Runtime;
use lines::Line;
use memory::Errno;
use people::{Asked, Mistake, Place};
use process::{Mode, State};
use records::Record;

pub use process::watch;

/// What is noted before an exporter is asked.
pub struct Before {
    has_error: bool,
    obj: *mut PyObject,
}

/// What is wrong with what an exporter did besides filling a view, if anything.
fn act<'a>(
    runtime: &Runtime,
    before: &Before,
    answer: c_int,
    view: Option<&Py_buffer>,
) -> Option<(Rule, &'static CStr, Value<'a>, Value<'a>)> {
    let has_error = !runtime.error().is_null();
    match answer {
        0 if has_error && !before.has_error => {
            let expected = Value::Words("none, as the answer is 0");
            Some((Rule::ExceptionLeft, c"exception", Value::Words("one is set"), expected))
        }
        -1 if !has_error && runtime.can_raise() => {
            let expected = Value::Words("one, as the answer is -1");
            Some((Rule::ExceptionMissing, c"exception", Value::Words("none is set"), expected))
        }
        0 => None,
        -1 => {
            let obj = view?.obj;
            let is_left = !obj.is_null() && obj != before.obj;
            is_left.then(|| (Rule::ObjOnFailure, c"obj", Value::Address(obj.addr()), Value::Null))
        }
        _ => {
            let expected = Value::Words("0 or -1");
            Some((Rule::Result, c"result", Value::Number(answer as isize), expected))
        }
    }
}

/// A view that is asked for: by whom, of whom, how.
pub struct Request {
    /// The exporter.
    pub obj: *mut PyObject,
    /// The view to fill.
    pub view: *mut Py_buffer,
    /// What is asked for.
    pub flags: c_int,
    /// Where the caller goes on; null for the library itself.
    pub caller: *const c_void,
}

impl State {
    /// Notes what an exporter's answer is compared with.
    ///
    /// # Safety
    /// The request's view is null or readable.
    pub unsafe fn before(&self, runtime: &Runtime, request: &Request) -> Before {
        let _errno = Errno::keep();
        let mut obj = ptr::null_mut();
        if !request.view.is_null() {
            // SAFETY: readable (caller).
            obj = unsafe { (*request.view).obj };
            self.records.lose(request.view.addr());
        }
        Before { has_error: !runtime.error().is_null(), obj }
    }

    /// Judges an exporter's answer. An error means that the view is to be given back, and the error
    /// raised in place of the answer.
    ///
    /// # Safety
    /// The exporter was asked just now, and answered so.
    pub unsafe fn after(
        &self,
        runtime: &Runtime,
        request: &Request,
        before: &Before,
        answer: c_int,
    ) -> Result<(), Error> {
        let _errno = Errno::keep();
        // SAFETY: an object (caller).
        let asked = unsafe { self.asked(runtime, request) };
        self.count_request();
        let mut wrong = None;
        let mut tell = |finding: &Finding| self.tell_rule(asked, finding, &mut wrong);
        // SAFETY: null or readable (caller).
        let view = unsafe { request.view.as_ref() };
        if let Some((rule, field, found, expected)) = act(runtime, before, answer, view) {
            tell(&Finding { rule, flags: request.flags, field, axis: -1, found, expected });
        }
        if let Some(view) = view.filter(|_| answer == 0) {
            // SAFETY: just filled by an exporter, whose arrays are there if they can be true.
            unsafe { check::view::check(view, request.flags, &mut tell) };
            // Without an object there is nothing to give back.
            if wrong.is_none() && !view.obj.is_null() {
                self.acquired(asked, view);
            }
        }
        let Some(text) = wrong else { return Ok(()) };
        // The exporter's own exception tells why it failed.
        let is_raised = runtime.raise_from_pending(Kind::System, &text);
        Err(if is_raised { Error::Raised } else { Error::Text(Kind::System, text) })
    }

    /// Who asked for what, from where.
    ///
    /// # Safety
    /// The request's object is one.
    unsafe fn asked(&self, runtime: &Runtime, request: &Request) -> Option<&'static Asked> {
        let place = self.people.place(request.caller);
        if place.is_some_and(|place| place.is_host) {
            self.hears_the_host();
        }
        // SAFETY: an object (caller).
        let exporter = unsafe { self.people.exporter(runtime, request.obj) }?;
        self.people.asked(exporter, place, request.flags)
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

    /// Notes a view that is out from now on.
    fn acquired(&self, asked: Option<&'static Asked>, view: &Py_buffer) {
        if let Some(asked) = asked {
            asked.hold();
        }
        self.records.add(Record::of(view, asked));
    }

    /// Notes a view that was filled by `PyBuffer_FillInfo`: it may be given back by whoever asked for it
    /// to be filled, or become an exporter's answer.
    pub fn filled(&self, view: &Py_buffer) {
        let _errno = Errno::keep();
        self.records.lose(ptr::from_ref(view).addr());
        self.records.add(Record::of(view, None));
    }

    /// Matches a release to its acquisition.
    ///
    /// # Safety
    /// The view is about to be given back; it holds an object or none.
    pub unsafe fn given_back(
        &self,
        runtime: &Runtime,
        view: *const Py_buffer,
        caller: *const c_void,
    ) {
        let _errno = Errno::keep();
        // SAFETY: a view (caller).
        let view = unsafe { &*view };
        if view.obj.is_null() {
            return;
        }
        self.count_release();
        let address = ptr::from_ref(view).addr();
        if let Some(record) = self.records.take(address, view.obj.addr()) {
            self.settle(&record);
            return;
        }
        // Only where all acquisitions come along can a release have none. The interpreter may call an
        // exporter's slot by itself, or fill a view by hand, as the library does for memoryviews.
        let place = self.people.place(caller);
        let is_trusted = place.is_none_or(|place| place.is_host);
        let is_deaf = runtime.is_hosted() && !self.has_heard_the_host();
        if is_trusted || is_deaf {
            // What was moved is no longer out, though nothing can be said of it.
            if !self.records.forget(address)
                && is_deaf
                && let Some(record) = self.records.take_like(view)
            {
                self.settle(&record);
            }
            return;
        }
        let Some(record) = self.records.take_like(view) else {
            // A struct that was filled again is another matter than one that never was.
            if self.records.forget(address) {
                return;
            }
            let mistake = match self.records.was_given_back(view) {
                Some(asked) => (Mistake::Twice, Some(asked)),
                None => (Mistake::NeverAcquired, None),
            };
            // SAFETY: an object, which the release will look at (caller).
            unsafe { self.tell_release(runtime, view, mistake, place) };
            return;
        };
        self.settle(&record);
        if record.asked.is_some() {
            let mistake = (Mistake::Moved, record.asked);
            // SAFETY: as above.
            unsafe { self.tell_release(runtime, view, mistake, place) };
        }
    }

    /// A view that was out is no more.
    fn settle(&self, record: &Record) {
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
