//! `PyBuffer_ToContiguous`: random views into guarded memory.

use std::ffi::c_char;

use super::super::api::Py_buffer;
use super::super::exemptions;
use super::super::layout::{Layout, Size};
use super::super::outcome::Outcome;
use super::super::prng::Prng;
use super::super::scene::Scene;
use super::super::session::Session;
use super::{random_order, shown_order};

pub fn run(session: &mut Session) {
    for case in session.cases(100) {
        let mut prng = session.prng("random", case);
        let size = Size::of(case, &mut prng);
        let layout = Layout::random(size, &mut prng);
        let mut scene = Scene::random(layout, &session.memory.source, &mut prng);
        if prng.one_in(20) {
            scene.contradict(&mut prng);
        }
        compare(session, &mut scene, &mut prng);
    }
    for case in session.cases(4) {
        let mut prng = session.prng("long", case);
        let layout = Layout::long(&mut prng);
        let mut scene = Scene::random(layout, &session.memory.source, &mut prng);
        compare(session, &mut scene, &mut prng);
    }
}

fn compare(session: &mut Session, scene: &mut Scene, prng: &mut Prng) {
    let view: Py_buffer = scene.view();
    let order = random_order(prng);
    let len = match prng.below(24) {
        0 => view.len + prng.between(-3, 3),
        1 => prng.pick(&[0, -1, isize::MAX, isize::MIN]),
        _ => view.len,
    };
    // A wrong len is found out before anything is written.
    let room = view.len as usize;
    let destination = session.memory.destination.region(room, 1, prng);
    let inside = scene.room_inside(room, prng);
    let exemption = exemptions::to_contiguous(&session.theirs, &view, order)
        .or(inside.map(|_| exemptions::OVERLAP));
    let buf = inside.unwrap_or(destination.address()).cast();
    session.compare_unless(
        exemption,
        || format!("{}, to {buf:?}, len {len}, {}", scene.describe(), shown_order(order)),
        |session, api| {
            let mut outcome = Outcome::default();
            scene.region.reset();
            destination.reset();
            // SAFETY: a valid view, and room for its items.
            let returned = unsafe { (api.to_contiguous)(buf, &view, len, order as c_char) };
            outcome.number("returned", returned);
            outcome.raised(session.host.take_raised());
            outcome.memory("destination", destination.bytes());
            scene.observe("source", &mut outcome);
            outcome
        },
    );
}
