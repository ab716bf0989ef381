//! The ledger that this copy of the library keeps for all copies in the process, if it is the first of them: the
//! functions that the others call, and the ELF note by which they find it.

use core::arch::global_asm;
use core::ffi::{c_char, c_int, c_void};
use core::slice;

use super::memory::Errno;
use super::process;
use super::record::Contents;
use super::state::State;
use crate::abi::{Py_buffer, PyObject, pybuffer_holder};
use crate::check::text::Writer;
use crate::runtime::copies::{Answer, Ledger, Member, VERSION};
use crate::runtime::{self, Runtime};

static MEMBER: Member =
    Member::new(Ledger { before_fill, judge, after_fill, before_release, holders, retell });

// The note, as `runtime::copies` reads it. A linker would keep the note and all that it refers to, a third of the
// library, even in an extension that uses no objects. So the note's section is linked (`o`) to that of
// `pybuffer_member`, which `copies::own` reads: a linker that drops the latter drops the note.
global_asm!(
    ".pushsection .rodata.pybuffer_member,\"a\"",
    ".balign 4",
    ".globl pybuffer_member",
    ".hidden pybuffer_member",
    "pybuffer_member:",
    ".long {member} - .",
    ".popsection",
    ".pushsection .note.pybuffer,\"ao\",%note,pybuffer_member",
    ".balign 4",
    ".long 9, 4, {version}",
    ".asciz \"pybuffer\"",
    ".balign 4",
    ".long {member} - .",
    ".popsection",
    version = const VERSION,
    member = sym MEMBER,
);

fn with_state<R>(work: impl FnOnce(&'static State, &'static Runtime) -> R) -> Option<R> {
    let _errno = Errno::keep();
    let runtime = runtime::for_objects();
    process::begun(runtime).map(|state| work(state, runtime))
}

/// See [`Ledger::before_fill`].
///
/// # Safety
/// * READABLE: the view is readable.
unsafe extern "C" fn before_fill(view: *const Py_buffer) {
    // SAFETY: readable (caller: READABLE).
    let now = unsafe { Contents::at(view) };
    with_state(|state, runtime| state.before_fill(runtime, view.addr(), now));
}

/// See [`Ledger::judge`].
///
/// # Safety
/// * ANSWER: an exporter gave this answer just now; `text_size` characters are writable at its `text`.
unsafe extern "C" fn judge(answer: *const Answer) -> c_int {
    // SAFETY: an answer (caller: ANSWER).
    let answer = unsafe { &*answer };
    // SAFETY: an exporter's answer (caller: ANSWER).
    let wrong = with_state(|state, runtime| unsafe { state.judge(runtime, answer) }).flatten();
    let Some(text) = wrong else { return 0 };
    // SAFETY: so many characters are writable (caller: ANSWER).
    unsafe { answer.text.write_bytes(0, answer.text_size) };
    // SAFETY: as above; they are zeros now.
    let out = unsafe { slice::from_raw_parts_mut::<c_char>(answer.text, answer.text_size) };
    Writer::new(out).put_c(text.as_c_str());
    1
}

/// See [`Ledger::after_fill`].
///
/// # Safety
/// * VIEW: the view was filled just now.
unsafe extern "C" fn after_fill(view: *const Py_buffer) {
    // SAFETY: a view (caller: VIEW).
    let view = unsafe { &*view };
    with_state(|state, _| state.after_fill(view));
}

/// See [`Ledger::before_release`].
///
/// # Safety
/// * VIEW: the view is about to be released; its `obj` is null or an object.
unsafe extern "C" fn before_release(view: *const Py_buffer, caller: *const c_void) {
    // SAFETY: a view (caller: VIEW).
    let view = unsafe { &*view };
    if view.obj.is_null() {
        return;
    }
    // SAFETY: it holds an object (caller: VIEW).
    with_state(|state, runtime| unsafe { state.before_release(runtime, view, caller) });
}

/// See [`Ledger::holders`].
///
/// # Safety
/// * ROOM: `room` entries are writable at `holders`.
unsafe extern "C" fn holders(
    obj: *const PyObject,
    shown: *const PyObject,
    holders: *mut pybuffer_holder,
    room: usize,
) -> isize {
    let objects = [obj.addr(), shown.addr()];
    let mut put = |i: usize, holder| {
        if i < room {
            // SAFETY: one of the entries (caller: ROOM).
            unsafe { holders.wrapping_add(i).write(holder) };
        }
    };
    with_state(|state, runtime| state.holders(runtime, objects, &mut put))
        .flatten()
        .map_or(-1, usize::cast_signed)
}

/// See [`Ledger::retell`].
extern "C" fn retell() -> c_int {
    let hears = with_state(|state, runtime| {
        state.retell();
        state.hears_interpreter(runtime)
    });
    hears.map_or(0, |hears| 1_i32.wrapping_add(hears.into()))
}
