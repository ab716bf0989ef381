//! `PyBuffer_FromContiguous`: packed bytes into random views, whose items may overlap.

use std::ffi::c_char;

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
        let mut scene = Scene::random(layout, &session.memory.destination, &mut prng);
        if prng.one_in(20) {
            scene.contradict(&mut prng);
        }
        compare(session, &mut scene, &mut prng);
    }
    for case in session.cases(4) {
        let mut prng = session.prng("long", case);
        let layout = Layout::long(&mut prng);
        let mut scene = Scene::random(layout, &session.memory.destination, &mut prng);
        compare(session, &mut scene, &mut prng);
    }
}

fn compare(session: &mut Session, scene: &mut Scene, prng: &mut Prng) {
    let view = scene.view();
    let order = random_order(prng);
    // Less than a view fills a part of it, more is clamped.
    let len = match prng.below(8) {
        0 => prng.between(0, view.len),
        1 => prng.pick(&[0, -1, -view.itemsize, view.len + 1, view.len * 2, isize::MAX]),
        _ => view.len,
    };
    let size = len.clamp(0, view.len) as usize;
    let mut packed = session.memory.source.region(size, 1, prng);
    packed.contents().copy_from_slice(&prng.bytes(size));
    let inside = scene.room_inside(size, prng);
    let exemption = exemptions::from_contiguous(&session.theirs, &view, len, order)
        .or(inside.map(|_| exemptions::OVERLAP));
    let buf = inside.unwrap_or(packed.address()).cast();
    session.compare_unless(
        exemption,
        || format!("{}, from {buf:?}, len {len}, {}", scene.describe(), shown_order(order)),
        |session, api| {
            let mut outcome = Outcome::default();
            scene.region.reset();
            packed.reset();
            // SAFETY: a valid view, and as many bytes as are read.
            let returned = unsafe { (api.from_contiguous)(&view, buf, len, order as c_char) };
            outcome.number("returned", returned);
            outcome.raised(session.host.take_raised());
            scene.observe("destination", &mut outcome);
            outcome.memory("source", packed.bytes());
            outcome
        },
    );
}
