//! `PyObject_CopyData`: between two exporters of our own with random views, and between real ones.

use std::ptr::null_mut;

use super::super::api::{Py_buffer, flags};
use super::super::exemptions;
use super::super::exporter::{Answer, Owner};
use super::super::host::PyObject;
use super::super::layout::{Layout, Size};
use super::super::outcome::Outcome;
use super::super::prng::Prng;
use super::super::scene::Scene;
use super::super::session::Session;

pub fn run(session: &mut Session) {
    for case in session.cases(100) {
        let mut prng = session.prng("random", case);
        let size = Size::of(case, &mut prng);
        let layout = Layout::random(size, &mut prng);
        let other = destination_for(&layout, size, &mut prng);
        let mut source = Scene::random(layout, &session.memory.source, &mut prng);
        let arena = &session.memory.destination;
        let overlapping = match prng.below(20) {
            0 => Scene::overlapping(&other, &source, arena, &mut prng),
            _ => None,
        };
        let overlap = overlapping.as_ref().map(|_| exemptions::OVERLAP);
        let mut destination = overlapping.unwrap_or_else(|| Scene::random(other, arena, &mut prng));
        if prng.one_in(20) {
            source.contradict(&mut prng);
        }
        if prng.one_in(20) {
            destination.contradict(&mut prng);
        }
        compare(session, [&mut destination, &mut source], overlap, &mut prng);
    }
    real(session);
}

/// Mostly the same shape; else one that the source fits into, larger items, or anything.
fn destination_for(source: &Layout, size: Size, prng: &mut Prng) -> Layout {
    let mut shape = source.shape.clone();
    let mut itemsize = source.itemsize;
    match prng.below(12) {
        0 | 1 if source.n_items() <= 700 && shape.len() < 10 => {
            for extent in &mut shape {
                *extent += isize::from(prng.one_in(3));
            }
        }
        2 => itemsize += prng.between(0, 8),
        3 => return Layout::random(size, prng),
        4 => shape.reverse(),
        _ => {}
    }
    Layout::with_shape(&shape, itemsize, prng)
}

fn compare(
    session: &mut Session,
    [destination, source]: [&mut Scene; 2],
    overlap: Option<&'static str>,
    prng: &mut Prng,
) {
    let pool = match prng.below(3) {
        0 => session.exporters.careless,
        _ => session.exporters.releasing,
    };
    let [to, mut from] = pool;
    let (to_view, from_view) = (destination.view(), source.view());
    let mut answers = [Answer::with(to_view), Answer::with(from_view)];
    match prng.below(30) {
        0 => answers[0] = Answer::refusal(c"BufferError"),
        1 => answers[1] = Answer::refusal(c"LookupError"),
        2 => answers[0].owner = Owner::Nobody,
        3 => answers[1].owner = Owner::Other(to),
        4 if !session.host.debug => {
            answers[1] = Answer { raises: None, ..Answer::refusal(c"BufferError") };
        }
        5 => from = session.host.pairs(c"silent")[0].1,
        _ => {}
    }
    let exemption = exemptions::copy_data(&session.theirs, &to_view, &from_view).or(overlap);
    let [to_answer, from_answer] = answers;
    session.exporters.set(to, to_answer);
    session.exporters.set(from, from_answer);
    session.compare_unless(
        exemption,
        || format!("to {}\n    from {}", destination.describe(), source.describe()),
        |session, api| {
            let mut outcome = Outcome::default();
            source.region.reset();
            destination.region.reset();
            let before = [to, from].map(|object| session.host.refcount(object));
            // SAFETY: two objects; the views are valid.
            outcome.number("returned", unsafe { (api.copy_data)(to, from) });
            outcome.raised(session.host.take_raised());
            destination.observe("destination", &mut outcome);
            source.observe("source", &mut outcome);
            outcome.text("log", session.exporters.take_log());
            let after = [to, from].map(|object| session.host.refcount(object));
            outcome.number("references to destination", after[0] - before[0]);
            outcome.number("references to source", after[1] - before[1]);
            outcome
        },
    );
}

fn real(session: &mut Session) {
    let sources = [session.host.pairs(c"real"), session.host.pairs(c"silent")].concat();
    for (target_name, maker) in session.host.pairs(c"targets") {
        for (source_name, source) in &sources {
            compare_real(session, &format!("to {target_name} from {source_name}"), maker, *source);
        }
    }
}

fn compare_real(session: &mut Session, name: &str, maker: *mut PyObject, source: *mut PyObject) {
    let make_target = session.host.object(c"make_target");
    let target_bytes = session.host.object(c"target_bytes");
    let is_free = session.host.object(c"is_free");
    let take_log = session.host.object(c"take_log");

    let target = session.host.call(make_target, maker);
    let exempt = real_exemption(session, target, source);
    session.host.decref(target);
    session.host.call_for_text(take_log, source);
    session.compare_unless(
        exempt,
        || name.into(),
        |session, api| {
            let mut outcome = Outcome::default();
            let target = session.host.call(make_target, maker);
            let before = [target, source].map(|object| session.host.refcount(object));
            // SAFETY: two objects.
            outcome.number("returned", unsafe { (api.copy_data)(target, source) });
            outcome.raised(session.host.take_raised());
            let after = [target, source].map(|object| session.host.refcount(object));
            outcome.number("references to destination", after[0] - before[0]);
            outcome.number("references to source", after[1] - before[1]);
            outcome.text("destination", session.host.call_for_text(target_bytes, target));
            outcome.text("destination free", session.host.call_for_text(is_free, target));
            outcome.text("source free", session.host.call_for_text(is_free, source));
            outcome.text("log of Python code", session.host.call_for_text(take_log, source));
            session.host.decref(target);
            outcome
        },
    );
}

/// Takes the views that CopyData would, to see whether libpython can do it.
fn real_exemption(
    session: &mut Session,
    target: *mut PyObject,
    source: *mut PyObject,
) -> Option<&'static str> {
    let (mut to, mut from) = (Py_buffer::unfilled(0), Py_buffer::unfilled(0));
    let theirs = session.theirs;
    let take = |object, view: &mut Py_buffer, request| {
        view.obj = null_mut();
        // SAFETY: an object and a view.
        let taken = unsafe { (theirs.get_buffer)(object, view, request) } == 0;
        session.host.take_raised();
        taken
    };
    let mut exempt = None;
    if take(target, &mut to, flags::FULL) {
        if take(source, &mut from, flags::FULL_RO) {
            exempt = exemptions::copy_data(&theirs, &to, &from);
            // SAFETY: a filled view.
            unsafe { (theirs.release)(&mut from) };
        }
        // SAFETY: a filled view.
        unsafe { (theirs.release)(&mut to) };
    }
    exempt
}
