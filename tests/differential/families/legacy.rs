//! The four old functions: `PyObject_AsCharBuffer`, `AsReadBuffer`, `AsWriteBuffer` and
//! `PyObject_CheckReadBuffer`.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

use super::super::api::{Api, Py_buffer};
use super::super::exporter::Answer;
use super::super::host::PyObject;
use super::super::layout::{Layout, Size};
use super::super::outcome::Outcome;
use super::super::scene::Scene;
use super::super::session::Session;

/// The three functions that hand out a pointer, made alike.
type Ask = fn(Api, *mut PyObject, *mut *mut c_void, *mut isize) -> c_int;

const ASKING: [(&str, Ask); 3] = [
    ("AsCharBuffer", |api, object, buf, len| {
        // SAFETY: an object or null, and places or null.
        unsafe { (api.as_char_buffer)(object, buf.cast(), len) }
    }),
    ("AsReadBuffer", |api, object, buf, len| {
        // SAFETY: as above.
        unsafe { (api.as_read_buffer)(object, buf.cast(), len) }
    }),
    ("AsWriteBuffer", |api, object, buf, len| {
        // SAFETY: as above.
        unsafe { (api.as_write_buffer)(object, buf, len) }
    }),
];

pub fn run(session: &mut Session) {
    for list in [c"real", c"silent"] {
        for (name, object) in session.host.pairs(list) {
            each(session, &name, object);
        }
    }
    for case in session.cases(10) {
        let mut prng = session.prng("own", case);
        let size = Size::of(case, &mut prng);
        let layout = Layout::random(size, &mut prng);
        let mut scene = Scene::random(layout, &session.memory.source, &mut prng);
        let view = scene.view();
        let answer = match prng.below(4) {
            0 => Answer::refusal(prng.pick(&[c"BufferError", c"LookupError"])),
            1 if !session.host.debug => Answer { raises: None, ..Answer::refusal(c"BufferError") },
            _ => Answer::with(view),
        };
        let object = match prng.below(2) {
            0 => session.exporters.releasing[0],
            _ => session.exporters.careless[0],
        };
        session.exporters.set(object, answer);
        each(session, &scene.describe(), object);
    }
    null_arguments(session);
}

fn each(session: &mut Session, name: &str, object: *mut PyObject) {
    for (function, ask) in ASKING {
        compare(session, &format!("{function}, {name}"), object, |api, buf, len| {
            ask(api, object, buf, len)
        });
    }
    compare(session, &format!("CheckReadBuffer, {name}"), object, |api, _, _| {
        // SAFETY: an object.
        unsafe { (api.check_read_buffer)(object) }
    });
}

fn compare(
    session: &mut Session,
    describe: &str,
    object: *mut PyObject,
    ask: impl Fn(Api, &mut *mut c_void, &mut isize) -> c_int,
) {
    let is_free = session.host.object(c"is_free");
    let take_log = session.host.object(c"take_log");
    session.compare(
        || describe.into(),
        |session, api| {
            let (mut buf, mut len) = (0x5a5a as *mut c_void, 0x5a5a);
            let before = session.host.refcount(object);
            let mut outcome = Outcome::default();
            outcome.number("returned", ask(api, &mut buf, &mut len));
            outcome.raised(session.host.take_raised());
            outcome.address("buf", buf as usize);
            outcome.number("len", len);
            outcome.number("references", session.host.refcount(object) - before);
            outcome.text("free", session.host.call_for_text(is_free, object));
            outcome.text("log of Python code", session.host.call_for_text(take_log, object));
            outcome.text("log", session.exporters.take_log());
            outcome
        },
    );
}

/// Each of the three arguments null; with an exception pending, that one stays.
fn null_arguments(session: &mut Session) {
    let [object, _] = session.exporters.releasing;
    session.exporters.set(object, Answer::with(Py_buffer::unfilled(0)));
    for (function, ask) in ASKING {
        for nulls in 1..8 {
            for is_exception_pending in [false, true] {
                let describe =
                    format!("{function}, nulls {nulls:03b}, pending {is_exception_pending}");
                let host = session.host;
                compare(session, &describe, object, |api, buf, len| {
                    if is_exception_pending {
                        host.raise(c"LookupError", c"pending");
                    }
                    let object = if nulls & 1 == 0 { object } else { null_mut() };
                    let buf = if nulls & 2 == 0 { buf as *mut _ } else { null_mut() };
                    let len = if nulls & 4 == 0 { len as *mut _ } else { null_mut() };
                    ask(api, object, buf, len)
                });
            }
        }
    }
}
