//! `PyBuffer_Release`: once, twice, with an exception pending, of views that nobody owns and of
//! views that another object owns.

use std::ptr::null_mut;

use super::super::api::Py_buffer;
use super::super::exporter::{self, Answer};
use super::super::host::PyObject;
use super::super::layout::{Layout, Size};
use super::super::outcome::Outcome;
use super::super::scene::Scene;
use super::super::session::Session;

/// How often a view is given back, and under which circumstances.
#[derive(Clone, Copy, Debug)]
struct Manner {
    times: usize,
    is_exception_pending: bool,
}

pub fn run(session: &mut Session) {
    let [first, second] = session.exporters.releasing;
    let [careless, _] = session.exporters.careless;
    let unowned = session.host.pairs(c"silent")[0].1;
    for case in session.cases(25) {
        let mut prng = session.prng("random", case);
        let size = Size::of(case, &mut prng);
        let layout = Layout::random(size, &mut prng);
        let mut scene = Scene::random(layout, &session.memory.source, &mut prng);
        let view = scene.view();
        session.exporters.set(first, Answer::with(view));
        session.exporters.set(second, Answer::with(view));
        // None has no slots at all, and may own a view all the same.
        let owner = prng.pick(&[first, second, careless, unowned, null_mut()]);
        let manner = Manner { times: 1 + prng.below(3), is_exception_pending: prng.one_in(3) };
        compare(session, &scene.describe(), view, owner, manner);
    }
    real(session);
}

fn compare(
    session: &mut Session,
    name: &str,
    view: Py_buffer,
    owner: *mut PyObject,
    manner: Manner,
) {
    let mut place = view;
    session.compare(
        || format!("{name}, owner {owner:?}, {manner:?}"),
        |session, api| {
            let before = session.host.refcount(owner);
            session.host.incref(owner);
            place = Py_buffer { obj: owner, ..view };
            let mut outcome = Outcome::default();
            if manner.is_exception_pending {
                session.host.raise(c"LookupError", c"pending");
            }
            for _ in 0..manner.times {
                // SAFETY: a filled view, and then an empty one.
                unsafe { (api.release)(&mut place) };
            }
            outcome.raised(session.host.take_raised());
            outcome.text("view", exporter::show(&place, owner, 0, true));
            outcome.number("references", session.host.refcount(owner) - before);
            outcome.text("log", session.exporters.take_log());
            outcome
        },
    );
}

/// Views of real exporters, taken by libpython and given back by either.
fn real(session: &mut Session) {
    let is_free = session.host.object(c"is_free");
    let take_log = session.host.object(c"take_log");
    for (name, object) in session.host.pairs(c"real") {
        for request in exporter::REQUESTS {
            let mut view = Py_buffer::unfilled(0);
            session.compare(
                || format!("{name}, flags {request:#x}"),
                |session, api| {
                    let before = session.host.refcount(object);
                    let mut outcome = Outcome::default();
                    // SAFETY: an object and a view.
                    let returned =
                        unsafe { (session.theirs.get_buffer)(object, &mut view, request) };
                    outcome.raised(session.host.take_raised());
                    if returned != 0 {
                        session.host.call_for_text(take_log, object);
                        return outcome;
                    }
                    session.host.raise(c"LookupError", c"pending");
                    // SAFETY: a filled view.
                    unsafe { (api.release)(&mut view) };
                    outcome.raised(session.host.take_raised());
                    outcome.text("view", exporter::show(&view, object, 0, false));
                    outcome.text("free", session.host.call_for_text(is_free, object));
                    outcome.text("log", session.host.call_for_text(take_log, object));
                    outcome.number("references", session.host.refcount(object) - before);
                    outcome
                },
            );
        }
    }
}
