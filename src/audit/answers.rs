//! Judges the answers of exporters, and records the views in them.

use core::ffi::CStr;

use super::facts::Fact;
use super::origins::Origin;
use super::process;
use super::record::{Contents, Record};
use super::state::{Mode, State};
use crate::abi::Py_buffer;
use crate::check::{Finding, Rule, Severity, Value, view};
use crate::error::Text;
use crate::runtime::Runtime;
use crate::runtime::copies::Answer;

/// What is wrong with an answer besides the view: a rule, a field, what is found and what is expected.
fn wrong_besides_view<'a>(
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
    /// A `Py_buffer` is about to be filled, and holds `now`: a view in it that is still held is lost.
    pub fn before_fill(&self, runtime: &Runtime, view: usize, now: Contents) {
        let sees = self.interposition.sees_releases(runtime);
        self.records.lose(view, |record| sees || record.is_surely_in(now));
    }

    /// Judges an exporter's answer. If there is a text, the view is to be released, and an error with this text raised
    /// in place of the answer.
    ///
    /// # Safety
    /// * ANSWER: an exporter gave this answer just now.
    pub unsafe fn judge(&self, runtime: &Runtime, answer: &Answer) -> Option<Text> {
        self.count_acquisition();
        // SAFETY: null or readable (caller: ANSWER).
        let view = unsafe { answer.view.as_ref() };
        let besides = wrong_besides_view(answer, view);
        if answer.result == -1 && besides.is_none() {
            return None;
        }
        // SAFETY: an answer (caller: ANSWER).
        let origin = unsafe { self.origin_of(runtime, answer) };
        let flags = answer.flags;
        let mut wrong = None;
        let mut tell = |finding: &Finding| self.tell_rule(origin, finding, &mut wrong);
        if let Some((rule, field, found, expected)) = besides {
            tell(&Finding { rule, flags, field, axis: -1, found, expected });
        }
        if let Some(view) = view.filter(|_| answer.result == 0) {
            // The consumer may never look at the arrays, so nobody may have noticed that they are at unmapped
            // addresses.
            let is_there = |address, size| self.pages.have(address, size);
            if view::has_arrays(view, flags, &is_there, &mut tell) {
                // SAFETY: filled by an exporter just now (caller: ANSWER), and its arrays are mapped.
                unsafe { view::check(view, flags, &mut tell) };
            }
            // Without an object there is nothing to release.
            if wrong.is_none() && !view.obj.is_null() {
                if let Some(origin) = origin {
                    origin.hold();
                }
                // SAFETY: an object that the view has a reference to (caller: ANSWER).
                let slots = unsafe { runtime.layout().slots_of(view.obj) };
                let has_release = slots.is_some_and(|slots| slots.bf_releasebuffer.is_some());
                let mut record = Record::of(view, answer.obj.addr(), origin);
                record.has_release = has_release;
                self.add(record);
            }
        }
        wrong
    }

    /// Where a request comes from; `None` without memory.
    ///
    /// # Safety
    /// * ANSWER: an exporter gave this answer just now.
    unsafe fn origin_of(&self, runtime: &Runtime, answer: &Answer) -> Option<&'static Origin> {
        // SAFETY: the exporter, an object (caller: ANSWER).
        let exporter = unsafe { self.origins.exporter(runtime, answer.obj) }?;
        // SAFETY: the thread has just used an object (caller: ANSWER).
        let place = unsafe { self.origins.place(runtime, answer.caller) };
        self.origins.origin(exporter, place, answer.flags)
    }

    /// Reports a broken rule: writes a line, unless this type already had one for the rule or there were enough. Sets
    /// `wrong` to the line's text if the answer is to be refused, and ends the process if it is to be aborted.
    #[cold]
    fn tell_rule(&self, origin: Option<&Origin>, finding: &Finding, wrong: &mut Option<Text>) {
        let is_must = finding.rule.severity() == Severity::Must;
        let bit = finding.rule as u8;
        if origin.is_some_and(|origin| origin.exporter.leaves_out(bit, origin.place)) {
            return;
        }
        let is_known =
            origin.is_some_and(|origin| origin.exporter.reported.is_known(bit, self.tally(bit)));
        let has_effect = is_must && matches!(self.mode, Mode::Raise | Mode::Abort);
        if is_known && !has_effect {
            return;
        }
        let fact = Fact::Rule { origin, finding };
        if is_must && wrong.is_none() && self.mode == Mode::Raise {
            *wrong = Some(fact.error_text());
        }
        if !is_known {
            self.tell(&fact);
        }
        if is_must && self.mode == Mode::Abort {
            process::abort();
        }
    }

    /// A view was filled that nobody acquired by `PyObject_GetBuffer`: by `PyBuffer_FillInfo`, or for the checker. It
    /// may be released as it is, or become a part of an exporter's answer.
    pub fn after_fill(&self, view: &Py_buffer) {
        if !view.obj.is_null() {
            self.add(Record::of(view, view.obj.addr(), None));
        }
    }

    /// Adds an outstanding view. An inner one that has become a part of it does not count as an acquisition.
    fn add(&self, record: Record) {
        if self.records.add(record) {
            self.uncount_acquisition();
        }
    }
}
