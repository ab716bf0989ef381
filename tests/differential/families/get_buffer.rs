//! `PyObject_CheckBuffer` and `PyObject_GetBuffer`: exporters of our own that answer anything, real
//! ones asked for everything, and objects that export nothing.

use std::ffi::c_int;
use std::ptr::null_mut;

use super::super::api::{Py_buffer, flags};
use super::super::exemptions;
use super::super::exporter::{self, Answer, Owner, REQUESTS};
use super::super::host::PyObject;
use super::super::layout::{Layout, Size};
use super::super::outcome::Outcome;
use super::super::scene::Scene;
use super::super::session::Session;

const UNTOUCHED: u8 = 0x5a;

pub fn check_buffer(session: &mut Session) {
    for list in [c"real", c"silent", c"exporters"] {
        for (name, object) in session.host.pairs(list) {
            session.compare(
                || name.clone(),
                |session, api| {
                    let before = session.host.refcount(object);
                    // SAFETY: an object.
                    let answer = unsafe { (api.check_buffer)(object) };
                    let raised = session.host.take_raised();
                    ((answer, raised, session.host.refcount(object) - before),)
                },
            );
        }
    }
}

pub fn get_buffer(session: &mut Session) {
    let requests = || (0..=0x3ff).chain(flags::ODD);
    for (name, object) in session.host.pairs(c"real") {
        for request in requests() {
            compare(session, &name, object, request, false);
        }
        without_view(session, &name, object);
    }
    for (name, object) in session.host.pairs(c"silent") {
        for request in requests() {
            compare(session, &name, object, request, true);
        }
        without_view(session, &name, object);
    }
    for object in [session.exporters.releasing[0], session.exporters.careless[0]] {
        session.exporters.set(object, Answer::with(Py_buffer::unfilled(0)));
        for request in requests() {
            compare(session, "own exporter", object, request, true);
        }
        without_view(session, "own exporter", object);
    }
    own_answers(session);
    without_object(session);
}

/// What the exporter answers is passed on, whatever it is.
fn own_answers(session: &mut Session) {
    for case in session.cases(25) {
        let mut prng = session.prng("own", case);
        let size = Size::of(case, &mut prng);
        let layout = Layout::random(size, &mut prng);
        let mut scene = Scene::random(layout, &session.memory.source, &mut prng);
        let view = scene.view();
        let [first, second] = session.exporters.releasing;
        let object = if prng.one_in(2) { first } else { session.exporters.careless[0] };
        let answer = match prng.below(6) {
            0 => Answer::refusal(prng.pick(&[c"BufferError", c"ValueError", c"struct_error"])),
            1 if !session.host.debug => Answer { raises: None, ..Answer::refusal(c"BufferError") },
            2 => Answer { result: prng.pick(&[1, 7, c_int::MAX]), ..Answer::with(view) },
            3 => Answer { owner: Owner::Nobody, ..Answer::with(view) },
            4 => Answer { owner: Owner::Other(second), ..Answer::with(view) },
            _ => Answer::with(view),
        };
        session.exporters.set(second, Answer::with(view));
        session.exporters.set(object, answer);
        let request = prng.pick(&REQUESTS);
        compare(session, &scene.describe(), object, request, true);
    }
}

fn compare(session: &mut Session, name: &str, object: *mut PyObject, request: c_int, exact: bool) {
    let is_free = session.host.object(c"is_free");
    let take_log = session.host.object(c"take_log");
    let mut view = Py_buffer::unfilled(UNTOUCHED);
    session.compare(
        || format!("{name}, flags {request:#x}"),
        |session, api| {
            view = Py_buffer::unfilled(UNTOUCHED);
            let mut outcome = Outcome::default();
            let before = session.host.refcount(object);
            // SAFETY: an object and a view.
            let returned = unsafe { (api.get_buffer)(object, &mut view, request) };
            outcome.number("returned", returned);
            outcome.raised(session.host.take_raised());
            outcome.text("view", exporter::show(&view, object, UNTOUCHED, exact));
            outcome.number("references", session.host.refcount(object) - before);
            if returned == 0 {
                outcome.text("while held", session.host.call_for_text(is_free, object));
                // SAFETY: a filled view.
                unsafe { (api.release)(&mut view) };
                outcome.raised(session.host.take_raised());
                outcome.text("released", exporter::show(&view, object, UNTOUCHED, exact));
                outcome.number("references left", session.host.refcount(object) - before);
            } else if returned > 0 {
                // Neither a success nor a failure; the reference is there all the same.
                session.host.decref(view.obj);
            }
            outcome.text("afterwards", session.host.call_for_text(is_free, object));
            outcome.text("log of Python code", session.host.call_for_text(take_log, object));
            outcome.text("log", session.exporters.take_log());
            outcome
        },
    );
}

/// Some exporters have an exception for this; a memoryview has a crash.
fn without_view(session: &mut Session, name: &str, object: *mut PyObject) {
    let refuses = ["bytes", "bytearray", "array('i')", "own exporter", "None", "int"];
    if !refuses.contains(&name) {
        return session.leave_out(exemptions::NULL_ARGUMENT);
    }
    for request in REQUESTS {
        session.compare(
            || format!("{name}, flags {request:#x}, no view"),
            |session, api| {
                let before = session.host.refcount(object);
                // SAFETY: these exporters look at the view before they use it.
                let returned = unsafe { (api.get_buffer)(object, null_mut(), request) };
                let raised = session.host.take_raised();
                let references = session.host.refcount(object) - before;
                ((returned, raised, references, session.exporters.take_log()),)
            },
        );
    }
}

/// From 3.13 on two values of `flags` are refused before anything is looked at.
fn without_object(session: &mut Session) {
    for request in [flags::READ, flags::WRITE] {
        if session.host.version < (3, 13) {
            session.leave_out(exemptions::NULL_ARGUMENT);
            continue;
        }
        let mut view = Py_buffer::unfilled(UNTOUCHED);
        session.compare(
            || format!("no object, flags {request:#x}"),
            |session, api| {
                // SAFETY: the object is not looked at.
                let returned = unsafe { (api.get_buffer)(null_mut(), &mut view, request) };
                let shown = exporter::show(&view, null_mut(), UNTOUCHED, true);
                ((returned, session.host.take_raised(), shown),)
            },
        );
    }
}
