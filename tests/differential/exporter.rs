//! Exporters of our own: objects that hand out the view that a case wants, or fail as it wants, and
//! that keep a log of what they were asked.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{null_mut, read};
use std::sync::Mutex;

use super::api::{Py_buffer, flags};
use super::host::{GetBuffer, Host, PyObject, ReleaseBuffer, text_at};
use super::model;

/// What a view's `obj` becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Owner {
    Itself,
    /// Another object is to be asked when the view is given back.
    Other(*mut PyObject),
    Nobody,
}

/// What an exporter does when it is asked for a view.
#[derive(Clone)]
pub struct Answer {
    pub view: Py_buffer,
    pub owner: Owner,
    pub result: c_int,
    /// The exception to set, by the name it has in `child.py`.
    pub raises: Option<&'static CStr>,
}

impl Answer {
    /// The view, owned by the exporter.
    pub fn with(view: Py_buffer) -> Self {
        Self { view, owner: Owner::Itself, result: 0, raises: None }
    }

    /// A refusal as the documentation asks for it.
    pub fn refusal(exception: &'static CStr) -> Self {
        let view = Py_buffer { len: 33, readonly: -1, ..Py_buffer::unfilled(0) };
        Self { view, owner: Owner::Nobody, result: -1, raises: Some(exception) }
    }
}

/// The exporters of this process.
pub struct Exporters {
    /// Two of a type that wants its views back.
    pub releasing: [*mut PyObject; 2],
    /// Two of a type that does not.
    pub careless: [*mut PyObject; 2],
}

struct State {
    answers: Vec<(*mut PyObject, Answer)>,
    log: Vec<String>,
}

// SAFETY: the harness has one thread.
unsafe impl Send for State {}

static STATE: Mutex<State> = Mutex::new(State { answers: Vec::new(), log: Vec::new() });

impl Exporters {
    pub fn new(host: &Host) -> Self {
        let objects =
            host.pairs(c"exporters").iter().map(|&(_, object)| object).collect::<Vec<_>>();
        let [a, b, c, d] = objects[..] else { panic!("child.py makes four") };
        set_slots(host, a, Some(release_buffer));
        set_slots(host, c, None);
        Self { releasing: [a, b], careless: [c, d] }
    }

    /// Decides what this exporter answers from now on.
    pub fn set(&self, object: *mut PyObject, answer: Answer) {
        let mut state = STATE.lock().unwrap();
        state.answers.retain(|(other, _)| *other != object);
        state.answers.push((object, answer));
    }

    /// What the exporters were asked since the last time.
    pub fn take_log(&self) -> String {
        std::mem::take(&mut STATE.lock().unwrap().log).join("; ")
    }
}

/// Puts our functions into a class of `child.py`. `PyType_FromSpec` cannot before 3.9; the slots lie
/// in every CPython at the same place behind the head of the type.
fn set_slots(host: &Host, object: *mut PyObject, release: Option<ReleaseBuffer>) {
    const AS_BUFFER_BEHIND_HEAD: usize = 18 * size_of::<usize>();
    let of_type = host.type_of(object).cast::<u8>();
    // SAFETY: a class made by Python code is a heap type, which always has buffer slots.
    unsafe {
        let place = of_type.add(host.head + AS_BUFFER_BEHIND_HEAD);
        let slots = read(place.cast::<*mut (Option<GetBuffer>, Option<ReleaseBuffer>)>());
        slots.write((Some(get_buffer), release));
    }
}

unsafe extern "C" fn get_buffer(
    object: *mut PyObject,
    view: *mut Py_buffer,
    request: c_int,
) -> c_int {
    let host = Host::get();
    let mut state = STATE.lock().unwrap();
    let Some(number) = state.answers.iter().position(|(other, _)| *other == object) else {
        panic!("an exporter without an answer")
    };
    let answer = state.answers[number].1.clone();
    let name = name_of(&state, object);
    state.log.push(format!("{name} asked for {request:#x}"));
    drop(state);
    if view.is_null() {
        host.raise(c"BufferError", c"own exporter: no view");
        return -1;
    }
    // SAFETY: the consumer's view.
    unsafe { view.write(answer.view) };
    let owner = match answer.owner {
        Owner::Itself => object,
        Owner::Other(other) => other,
        Owner::Nobody => null_mut(),
    };
    host.incref(owner);
    // SAFETY: as above.
    unsafe { (*view).obj = owner };
    if let Some(exception) = answer.raises {
        host.raise(exception, c"own exporter: not today");
    }
    answer.result
}

unsafe extern "C" fn release_buffer(object: *mut PyObject, view: *mut Py_buffer) {
    let pending = if Host::get().is_raised() { ", an exception is pending" } else { "" };
    // SAFETY: the consumer's view, as one of our exporters filled it.
    let view = unsafe { &*view };
    let shown = show(view, object, 0, true);
    let mut state = STATE.lock().unwrap();
    let name = name_of(&state, object);
    state.log.push(format!("{name} given back {shown}{pending}"));
}

fn name_of(state: &State, object: *mut PyObject) -> String {
    let number = state.answers.iter().position(|(other, _)| *other == object);
    number.map_or("an exporter".into(), |number| format!("exporter {number}"))
}

/// A view in words that are the same for two views that say the same. `untouched` is the byte that
/// the view was filled with before the call. The places of arrays are shown if they are `exact`ly
/// foreseeable; those inside the view are always.
pub fn show(view: &Py_buffer, exporter: *mut PyObject, untouched: u8, exact: bool) -> String {
    let blank = Py_buffer::unfilled(untouched);
    let inside = |place: *mut c_void| {
        let offset = (place as usize).wrapping_sub(view as *const Py_buffer as usize);
        (offset < size_of::<Py_buffer>()).then(|| format!("view+{offset}"))
    };
    let place = |address: *mut c_void| match inside(address) {
        Some(place) => place,
        None if exact => format!("{address:?}"),
        None => "elsewhere".into(),
    };
    let array = |array: *mut isize| {
        if array.is_null() || array == blank.shape {
            return if array.is_null() { "null".into() } else { "untouched".into() };
        }
        format!("{:?} ({})", model::array(array, view.ndim), place(array.cast()))
    };
    let obj = match view.obj {
        obj if obj.is_null() => "null".into(),
        obj if obj == blank.obj => "untouched".into(),
        obj if obj == exporter => "the exporter".into(),
        _ => "another".to_string(),
    };
    let format = match view.format {
        format if format == blank.format && untouched != 0 => "untouched".into(),
        format => format!("{:?}", text_at(format.cast::<c_char>())),
    };
    format!(
        "{{buf {:?}, obj {obj}, len {}, itemsize {}, readonly {}, ndim {}, format {format}, \
         shape {}, strides {}, suboffsets {}, internal {}}}",
        view.buf,
        view.len,
        view.itemsize,
        view.readonly,
        view.ndim,
        array(view.shape),
        array(view.strides),
        array(view.suboffsets),
        if exact { format!("{:?}", view.internal) } else { place(view.internal) },
    )
}

/// The requests that a family tries where it cannot try all.
pub const REQUESTS: [c_int; 14] = [
    flags::SIMPLE,
    flags::WRITABLE,
    flags::FORMAT,
    flags::ND,
    flags::STRIDES,
    0x38,
    0x58,
    0x98,
    flags::INDIRECT,
    flags::FULL,
    flags::FULL_RO,
    flags::READ,
    flags::WRITE,
    0x300,
];
