//! Views that real exporters fill, given to the functions that read and write them.

use std::ffi::{c_char, c_int};

use super::super::api::{Py_buffer, flags};
use super::super::exemptions;
use super::super::host::PyObject;
use super::super::outcome::Outcome;
use super::super::prng::Prng;
use super::super::session::Session;
use super::{ORDERS, shown_order};

/// With and without shape, strides, suboffsets: some exporters answer with less than was asked for,
/// and some with more.
const REQUESTS: [c_int; 7] = [
    flags::SIMPLE,
    flags::FORMAT,
    flags::ND,
    flags::STRIDES,
    flags::INDIRECT,
    0x98,
    flags::FULL_RO,
];

pub fn run(session: &mut Session) {
    for (name, object) in session.host.pairs(c"real") {
        for request in REQUESTS {
            let mut view = Py_buffer::unfilled(0);
            // SAFETY: an object and a view.
            if unsafe { (session.theirs.get_buffer)(object, &mut view, request) } != 0 {
                session.host.take_raised();
                continue;
            }
            for &order in ORDERS {
                contiguity(session, &name, &view, order);
                reading(session, &name, &view, order);
            }
            // SAFETY: a filled view.
            unsafe { (session.theirs.release)(&mut view) };
        }
    }
    for (name, maker) in session.host.pairs(c"targets") {
        for &order in ORDERS {
            writing(session, &name, maker, order);
        }
    }
}

fn contiguity(session: &mut Session, name: &str, view: &Py_buffer, order: u8) {
    session.compare_unless(
        exemptions::is_contiguous(view, order),
        || format!("IsContiguous, {name}, {}", shown_order(order)),
        // SAFETY: a view of a live object.
        |_, api| unsafe { ((api.is_contiguous)(view, order as c_char),) },
    );
}

fn reading(session: &mut Session, name: &str, view: &Py_buffer, order: u8) {
    let mut prng = Prng::new(0, name, u64::from(order));
    let destination = session.memory.destination.region(view.len as usize, 1, &mut prng);
    session.compare_unless(
        exemptions::to_contiguous(&session.theirs, view, order),
        || format!("ToContiguous, {name}: {}, {}", super::shown_view(view), shown_order(order)),
        |session, api| {
            let mut outcome = Outcome::default();
            destination.reset();
            let (buf, order) = (destination.address().cast(), order as c_char);
            // SAFETY: a view of a live object, and room for its bytes.
            outcome.number("returned", unsafe { (api.to_contiguous)(buf, view, view.len, order) });
            outcome.raised(session.host.take_raised());
            outcome.memory("destination", destination.bytes());
            outcome
        },
    );
}

fn writing(session: &mut Session, name: &str, maker: *mut PyObject, order: u8) {
    let make_target = session.host.object(c"make_target");
    let target_bytes = session.host.object(c"target_bytes");
    let take_log = session.host.object(c"take_log");
    let mut packed = [0; 256];
    packed.iter_mut().zip(1..).for_each(|(byte, i)| *byte = i);
    for share in [1, 2] {
        let mut exemption = None;
        let mut view = Py_buffer::unfilled(0);
        let probe = session.host.call(make_target, maker);
        if take(session, probe, &mut view) {
            let len = view.len / share;
            exemption = exemptions::from_contiguous(&session.theirs, &view, len, order);
            release(session, &mut view);
        }
        session.host.call_for_text(take_log, probe);
        session.host.decref(probe);
        session.compare_unless(
            exemption,
            || format!("FromContiguous, {name}, 1/{share} of it, {}", shown_order(order)),
            |session, api| {
                let mut outcome = Outcome::default();
                let target = session.host.call(make_target, maker);
                let mut view = Py_buffer::unfilled(0);
                if take(session, target, &mut view) {
                    let (buf, len) = (packed.as_ptr().cast(), view.len / share);
                    assert!(len <= 256);
                    // SAFETY: a view of a live object, and as many bytes.
                    let returned =
                        unsafe { (api.from_contiguous)(&view, buf, len, order as c_char) };
                    outcome.number("returned", returned);
                    outcome.raised(session.host.take_raised());
                    release(session, &mut view);
                }
                outcome.text("bytes", session.host.call_for_text(target_bytes, target));
                session.host.call_for_text(take_log, target);
                session.host.decref(target);
                outcome
            },
        );
    }
}

/// Asks libpython for a view to write through.
fn take(session: &Session, object: *mut PyObject, view: &mut Py_buffer) -> bool {
    // SAFETY: an object and a view.
    let is_taken = unsafe { (session.theirs.get_buffer)(object, view, flags::FULL) } == 0;
    session.host.take_raised();
    is_taken
}

fn release(session: &Session, view: &mut Py_buffer) {
    // SAFETY: a filled view.
    unsafe { (session.theirs.release)(view) };
}
