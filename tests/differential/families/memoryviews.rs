//! `PyMemoryView_*`: what is made of real objects, of exporters that answer with random views, of random
//! views and of memory; what that says of itself, to Python and to every request; and what is left when
//! it is gone. The copied format, which libpython leaves dangling, is compared while it is there.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::null_mut;

use super::super::api::{Api, Py_buffer, flags};
use super::super::exemptions;
use super::super::exporter::{Answer, Owner, REQUESTS, show};
use super::super::host::{PyObject, Raised};
use super::super::layout::{Layout, Size};
use super::super::model;
use super::super::outcome::Outcome;
use super::super::prng::Prng;
use super::super::scene::{Scene, c_strides};
use super::super::session::Session;
use super::{ORDERS, random_order, shown_order};

const UNTOUCHED: u8 = 0x5a;
const BUFFERTYPES: [c_int; 5] = [flags::READ, flags::WRITE, 0, -1, flags::READ | flags::WRITE];

/// Of what a memoryview is made, as far as it is to be found again in it.
struct Made {
    /// Null if there is none.
    object: *mut PyObject,
    buf: *mut c_void,
    /// Whether libpython can read the items.
    is_readable: bool,
    /// Every combination of the bits that mean anything, or some.
    every_request: bool,
}

impl Made {
    fn of(object: *mut PyObject, view: &Py_buffer, prng: &mut Prng) -> Self {
        Self {
            object,
            buf: view.buf,
            is_readable: is_readable(view),
            every_request: prng.one_in(16),
        }
    }
}

// --- the four functions ------------------------------------------------------------------------------

pub fn from_object(session: &mut Session) {
    for list in [c"real", c"silent"] {
        for (name, object) in session.host.pairs(list) {
            let made = whole(session, object);
            compare(session, &name, &made, |api| {
                // SAFETY: an object.
                unsafe { (api.view_from_object)(object) }
            });
        }
    }
    for case in session.cases(25) {
        let mut prng = session.prng("own", case);
        let mut scene = random_scene(session, case, &mut prng);
        let view = scene.view();
        let object = answer(session, view, &mut prng);
        let made = Made::of(object, &view, &mut prng);
        scene.region.reset();
        compare(session, &scene.describe(), &made, |api| {
            // SAFETY: an object.
            unsafe { (api.view_from_object)(object) }
        });
    }
    null(session, "FromObject", |api| {
        // SAFETY: the library takes it.
        unsafe { (api.view_from_object)(null_mut()) }
    });
}

pub fn from_memory(session: &mut Session) {
    for case in session.cases(5) {
        let mut prng = session.prng("random", case);
        let memory = session.memory.source.region(64, 1, &mut prng);
        memory.reset();
        let access = if session.host.debug {
            prng.pick(&[flags::READ, flags::WRITE])
        } else {
            prng.pick(&[0, 1, flags::READ, flags::WRITE, 0x300, 0x201, -1])
        };
        let size = prng.between(0, 64);
        let (size, is_readable) = match prng.below(8) {
            0 => (prng.pick(&[-1, -64, isize::MIN]), false),
            _ => (size, true),
        };
        let is_null = !session.host.debug && prng.one_in(8);
        let buf: *mut c_char = if is_null { null_mut() } else { memory.address().cast() };
        let made = Made {
            object: null_mut(),
            buf: buf.cast(),
            is_readable: is_readable && (!is_null || size == 0),
            every_request: true,
        };
        compare(session, &format!("{size} bytes at {buf:?}, flags {access:#x}"), &made, |api| {
            // SAFETY: as many bytes, or nobody reads them.
            unsafe { (api.view_from_memory)(buf, size, access) }
        });
    }
}

pub fn from_buffer(session: &mut Session) {
    for case in session.cases(25) {
        let mut prng = session.prng("random", case);
        let mut scene = random_scene(session, case, &mut prng);
        if prng.one_in(6) {
            scene.contradict(&mut prng);
        }
        if prng.one_in(12) {
            scene.fields.shape = None;
        }
        if prng.one_in(40) {
            scene.fields.buf = 0;
        }
        if prng.one_in(40) {
            scene.fields.ndim = prng.pick(&[-1, -64, 65, i32::MAX]);
        }
        let view = scene.view();
        let made = Made::of(null_mut(), &view, &mut prng);
        scene.region.reset();
        let make = |api: Api| {
            // SAFETY: a view whose arrays are there.
            unsafe { (api.view_from_buffer)(&view) }
        };
        let needs_shape = (1..=64).contains(&view.ndim) && view.shape.is_null();
        if !view.buf.is_null() && needs_shape && (view.ndim > 1 || view.itemsize == 0) {
            refused(session, exemptions::SHAPE_NULL, &scene.describe(), "ValueError", make);
        } else if session.host.debug && view.ndim < 0 {
            session.leave_out(exemptions::DEBUG_ASSERTION);
        } else {
            compare(session, &scene.describe(), &made, make);
        }
    }
    null(session, "FromBuffer", |api| {
        // SAFETY: the library takes it.
        unsafe { (api.view_from_buffer)(std::ptr::null()) }
    });
}

pub fn get_contiguous(session: &mut Session) {
    for list in [c"real", c"silent"] {
        for (name, object) in session.host.pairs(list) {
            for &order in ORDERS {
                for buffertype in &BUFFERTYPES[..3] {
                    contiguous(session, &name, object, *buffertype, order, false);
                }
            }
        }
    }
    for case in session.cases(50) {
        let mut prng = session.prng("own", case);
        let mut scene = random_scene(session, case, &mut prng);
        if prng.one_in(12) && scene.fields.shape.is_some() {
            scene.fields.len = prng.between(0, scene.fields.len);
        }
        let view = scene.view();
        let object = answer(session, view, &mut prng);
        let (order, buffertype) = (random_order(&mut prng), prng.pick(&BUFFERTYPES));
        scene.region.reset();
        let every_request = prng.one_in(16);
        contiguous(session, &scene.describe(), object, buffertype, order, every_request);
    }
    null(session, "GetContiguous", |api| {
        // SAFETY: the library takes it.
        unsafe { (api.view_contiguous)(null_mut(), flags::READ, b'C' as c_char) }
    });
}

fn contiguous(
    session: &mut Session,
    name: &str,
    object: *mut PyObject,
    buffertype: c_int,
    order: u8,
    every_request: bool,
) {
    let describe = format!("{name}, buffertype {buffertype:#x}, {}", shown_order(order));
    let is_known = b"CFA".contains(&order) && [flags::READ, flags::WRITE].contains(&buffertype);
    if session.host.debug && !is_known {
        return session.leave_out(exemptions::DEBUG_ASSERTION);
    }
    let make = |api: Api| {
        // SAFETY: an object.
        unsafe { (api.view_contiguous)(object, buffertype, order as c_char) }
    };
    let mut answer = Py_buffer::unfilled(0);
    // SAFETY: an object and a view, which is given back.
    let is_given = unsafe { (session.theirs.get_buffer)(object, &mut answer, flags::FULL_RO) } == 0;
    session.host.take_raised();
    let made = Made {
        object,
        buf: answer.buf,
        is_readable: is_given && is_readable(&answer),
        every_request,
    };
    let exempt = is_given.then(|| Exempt::of(session, &answer, order)).flatten();
    if is_given {
        // SAFETY: filled above.
        unsafe { (session.theirs.release)(&mut answer) };
    }
    forget_logs(session, object);
    match exempt.filter(|exempt| buffertype != flags::WRITE && !exempt.is_nothing) {
        Some(exempt) if exempt.is_denied || exempt.name == exemptions::DEBUG_ASSERTION => {
            session.leave_out(exempt.name);
        }
        Some(exempt) if exempt.is_whole && exempt.name == exemptions::SCALAR => {
            scalar(session, &describe, object, exempt.item, make);
        }
        Some(exempt) => refused(session, exempt.name, &describe, "ValueError", make),
        None => compare(session, &describe, &made, make),
    }
}

/// Why a contiguous copy of a view is not compared, and what is known of it.
struct Exempt {
    name: &'static str,
    /// No items, or items of no bytes: nothing is moved, and libpython may be asked. (With items that take more than
    /// none it is as with any other contradiction, but len 0 always succeeds.)
    is_nothing: bool,
    is_denied: bool,
    is_whole: bool,
    /// Its one item and its format, if it has no dimensions.
    item: (Vec<u8>, String),
}

impl Exempt {
    fn of(session: &Session, answer: &Py_buffer, order: u8) -> Option<Self> {
        if answer.ndim > 64 {
            return None;
        }
        let implied = [answer.len.checked_div(answer.itemsize).unwrap_or(0)];
        let shape = match answer.shape.is_null() && answer.ndim == 1 {
            true => &implied[..],
            false => model::array(answer.shape, answer.ndim),
        };
        let mut shape = shape.to_vec();
        let mut strides = c_strides(&shape, answer.itemsize);
        let mut view = Py_buffer { shape: shape.as_mut_ptr(), ..*answer };
        if view.strides.is_null() {
            view.strides = strides.as_mut_ptr();
        }
        Some(Self {
            name: exemptions::to_contiguous(&session.theirs, &view, order)?,
            is_nothing: view.len == 0 && view.itemsize == 0 && view.ndim > 0,
            is_denied: view.len == 0 && view.itemsize != 0,
            is_whole: view.len == view.itemsize,
            item: copied(&view),
        })
    }
}

// --- inputs --------------------------------------------------------------------------------------------

fn random_scene(session: &Session, case: u64, prng: &mut Prng) -> Scene {
    let size = Size::of(case, prng);
    let layout = Layout::random(size, prng);
    let mut scene = Scene::random(layout, &session.memory.source, prng);
    if prng.one_in(2) {
        // One that memoryviews can index, where the size is right.
        let native = [(1, c"B"), (2, c"h"), (4, c"i"), (8, c"@d"), (1, c"c"), (8, c"q")];
        let (itemsize, format) = prng.pick(&native);
        if itemsize == scene.fields.itemsize {
            scene.fields.format = Some(format.to_owned());
        }
    }
    if prng.one_in(12) {
        // A long one, or one that is just not long.
        let n = prng.pick(&[14, 15, 30, 31, 32, 100]);
        scene.fields.format = CString::new("x".repeat(n)).ok();
    }
    scene
}

/// One of our exporters, that answers with this view or not at all.
fn answer(session: &Session, view: Py_buffer, prng: &mut Prng) -> *mut PyObject {
    let [first, second] = session.exporters.releasing;
    let object = if prng.one_in(2) { first } else { session.exporters.careless[0] };
    let answer = match prng.below(12) {
        0 => Answer::refusal(prng.pick(&[c"BufferError", c"ValueError", c"LookupError"])),
        1 => Answer { owner: Owner::Nobody, ..Answer::with(view) },
        2 => Answer { owner: Owner::Other(second), ..Answer::with(view) },
        _ => Answer::with(view),
    };
    session.exporters.set(second, Answer::with(view));
    session.exporters.set(object, answer);
    object
}

/// What an object exports, as libpython gives it.
fn whole(session: &Session, object: *mut PyObject) -> Made {
    let mut view = Py_buffer::unfilled(0);
    // SAFETY: an object and a view.
    let is_given = unsafe { (session.theirs.get_buffer)(object, &mut view, flags::FULL_RO) } == 0;
    session.host.take_raised();
    let made = Made {
        object,
        buf: view.buf,
        is_readable: is_given && is_readable(&view),
        every_request: true,
    };
    if is_given {
        // SAFETY: filled above.
        unsafe { (session.theirs.release)(&mut view) };
    }
    forget_logs(session, object);
    made
}

/// Whether `tobytes` can be asked for: libpython writes as many bytes as shape and itemsize say into as many
/// as `len` says, and crashes without a dimension but with suboffsets.
fn is_readable(view: &Py_buffer) -> bool {
    let is_possible = view.itemsize > 0 && (0..=64).contains(&view.ndim);
    if !is_possible || (view.ndim == 0 && !view.suboffsets.is_null()) {
        return false;
    }
    let shape = model::array(view.shape, view.ndim);
    let len = shape.iter().try_fold(view.itemsize, |len, extent| len.checked_mul(*extent));
    let is_implied = view.shape.is_null() && view.ndim > 0;
    (is_implied || len == Some(view.len)) && shape.iter().all(|extent| *extent >= 0)
}

fn forget_logs(session: &Session, object: *mut PyObject) {
    session.host.call_for_text(session.host.object(c"take_log"), object);
    session.exporters.take_log();
}

// --- outcomes ------------------------------------------------------------------------------------------

fn compare(
    session: &mut Session,
    describe: &str,
    made: &Made,
    make: impl Fn(Api) -> *mut PyObject,
) {
    session.compare(
        || describe.into(),
        |session, api| {
            let mut outcome = Outcome::default();
            let before = session.host.refcount(made.object);
            let memoryview = make(api);
            outcome.raised(session.host.take_raised());
            if !memoryview.is_null() {
                observe(session, memoryview, made, before, &mut outcome);
                session.host.decref(memoryview);
            }
            left(session, made.object, before, &mut outcome);
            outcome
        },
    );
}

/// What a memoryview says of itself, and answers.
fn observe(
    session: &Session,
    memoryview: *mut PyObject,
    made: &Made,
    before: isize,
    outcome: &mut Outcome,
) {
    let host = session.host;
    outcome.text("fields", host.call_for_text(host.object(c"shown_fields"), memoryview));
    let base = host.call(host.object(c"base_of"), memoryview);
    outcome.number("is of the object", isize::from(base == made.object));
    host.decref(base);
    outcome.number("references while held", host.refcount(made.object) - before);
    let every: Vec<c_int> = (0..0x400).filter(|request| request & 2 == 0).collect();
    for &request in if made.every_request { &every[..] } else { &REQUESTS } {
        let mut view = Py_buffer::unfilled(UNTOUCHED);
        // SAFETY: an object and a view.
        let returned = unsafe { (session.theirs.get_buffer)(memoryview, &mut view, request) };
        outcome.raised(host.take_raised());
        let mut said = view;
        // Where a copy lies is nobody's affair.
        if said.buf != made.buf && said.buf != Py_buffer::unfilled(UNTOUCHED).buf {
            said.buf = std::ptr::dangling_mut();
        }
        outcome.text("answer", show(&said, memoryview, UNTOUCHED, false));
        if returned == 0 {
            // SAFETY: filled above.
            unsafe { (session.theirs.release)(&mut view) };
        }
    }
    if made.is_readable {
        outcome.text("items", host.call_for_text(host.object(c"shown_items"), memoryview));
    }
}

/// What is left of a call when all that it made is gone.
fn left(session: &Session, object: *mut PyObject, before: isize, outcome: &mut Outcome) {
    let host = session.host;
    outcome.number("references left", host.refcount(object) - before);
    if !object.is_null() {
        outcome.text("free", host.call_for_text(host.object(c"is_free"), object));
        outcome.text("log of Python code", host.call_for_text(host.object(c"take_log"), object));
    }
    outcome.text("log", session.exporters.take_log());
}

/// Nothing is made where libpython would crash, and an exception of this class says so.
fn refused(
    session: &mut Session,
    name: &'static str,
    describe: &str,
    class: &str,
    make: impl Fn(Api) -> *mut PyObject,
) {
    let mut expected = Outcome::default();
    expected.address("made", 0);
    let class = format!("<class '{class}'>");
    let empty = String::new;
    expected.raised(Some(Raised { class, text: empty(), arguments: empty() }));
    session.expect(
        name,
        || describe.into(),
        expected,
        |session, api| {
            let mut outcome = Outcome::default();
            outcome.address("made", make(api) as usize);
            outcome.raised(session.host.take_raised());
            session.exporters.take_log();
            outcome
        },
    );
}

fn null(session: &mut Session, function: &str, make: impl Fn(Api) -> *mut PyObject) {
    refused(session, exemptions::NULL_ARGUMENT, &format!("{function}(NULL)"), "SystemError", make);
}

/// The one item of a view without dimensions, and its format.
fn copied(view: &Py_buffer) -> (Vec<u8>, String) {
    if view.ndim != 0 || view.len < 0 {
        return Default::default();
    }
    // SAFETY: a view that is held.
    let item = unsafe { std::slice::from_raw_parts(view.buf.cast::<u8>(), view.len as usize) };
    let format = super::super::host::text_at(view.format);
    (item.to_vec(), format.map_or("B".into(), |format| format.to_string_lossy().into_owned()))
}

/// A copy of one item where libpython would crash.
fn scalar(
    session: &mut Session,
    describe: &str,
    object: *mut PyObject,
    (item, format): (Vec<u8>, String),
    make: impl Fn(Api) -> *mut PyObject,
) {
    let mut expected = Outcome::default();
    expected.raised(None);
    let (n, flags) = (item.len(), "True, True, True");
    expected.text(
        "fields",
        format!("('memoryview', 'bytes', '{format}', {n}, 0, (), (), (), True, {n}, {flags})"),
    );
    expected.memory("item", &item);
    expected.number("references left", 0);
    session.expect(
        exemptions::SCALAR,
        || describe.into(),
        expected,
        |session, api| {
            let mut outcome = Outcome::default();
            let before = session.host.refcount(object);
            let memoryview = make(api);
            outcome.raised(session.host.take_raised());
            if !memoryview.is_null() {
                let host = session.host;
                outcome
                    .text("fields", host.call_for_text(host.object(c"shown_fields"), memoryview));
                let mut view = Py_buffer::unfilled(0);
                // SAFETY: an object and a view, which is given back.
                unsafe { (session.theirs.get_buffer)(memoryview, &mut view, flags::FULL_RO) };
                outcome.memory("item", &copied(&view).0);
                // SAFETY: filled above.
                unsafe { (session.theirs.release)(&mut view) };
                host.decref(memoryview);
            }
            outcome.number("references left", session.host.refcount(object) - before);
            session.exporters.take_log();
            outcome
        },
    );
}
