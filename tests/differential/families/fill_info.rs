//! `PyBuffer_FillInfo`: every request up to 0x3ff with every kind of `readonly`, `len` and `obj`.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

use super::super::api::{Api, Py_buffer, flags};
use super::super::exporter;
use super::super::host::PyObject;
use super::super::outcome::Outcome;
use super::super::session::Session;

const UNTOUCHED: u8 = 0x5a;

/// The arguments between `obj` and the view.
#[derive(Clone, Copy, Debug)]
struct Arguments {
    buf: *mut c_void,
    len: isize,
    readonly: c_int,
    request: c_int,
}

pub fn run(session: &mut Session) {
    let object = session.exporters.releasing[0];
    let buf = 0x1234_5678 as *mut c_void;
    for request in (0..=0x3ff).chain(flags::ODD) {
        for readonly in [0, 1, 2, -1] {
            for len in [0, 7, -1, isize::MAX] {
                compare(session, null_mut(), Arguments { buf, len, readonly, request });
            }
            compare(session, object, Arguments { buf, len: 7, readonly, request });
            let nothing = Arguments { buf: null_mut(), len: 0, readonly, request };
            compare(session, object, nothing);
            without_view(session, object, nothing);
        }
    }
}

fn compare(session: &mut Session, object: *mut PyObject, arguments: Arguments) {
    // The arrays may point into the view, so both libraries fill the same one.
    let mut place = Py_buffer::unfilled(UNTOUCHED);
    session.compare(
        || format!("obj {object:?}, {arguments:x?}"),
        |session, api| {
            place = Py_buffer::unfilled(UNTOUCHED);
            let mut outcome = Outcome::default();
            let before = session.host.refcount(object);
            let returned = call(api, &mut place, object, arguments);
            outcome.number("returned", returned);
            outcome.raised(session.host.take_raised());
            outcome.text("view", exporter::show(&place, object, UNTOUCHED, true));
            outcome.number("references", session.host.refcount(object) - before);
            if returned == 0 {
                session.host.decref(place.obj);
            }
            outcome
        },
    );
}

fn without_view(session: &mut Session, object: *mut PyObject, arguments: Arguments) {
    session.compare(
        || format!("no view, {arguments:x?}"),
        |session, api| {
            let mut outcome = Outcome::default();
            outcome.number("returned", call(api, null_mut(), object, arguments));
            outcome.raised(session.host.take_raised());
            outcome
        },
    );
}

fn call(api: Api, view: *mut Py_buffer, object: *mut PyObject, arguments: Arguments) -> c_int {
    let Arguments { buf, len, readonly, request } = arguments;
    // SAFETY: a view or null, which has an exception of its own; an object or null.
    unsafe { (api.fill_info)(view, object, buf, len, readonly, request) }
}
