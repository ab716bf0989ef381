//! What this copy of the library does for all of them if it is the first: the functions that they call, and
//! the note by which they find it.

use core::arch::global_asm;
use core::ffi::{c_char, c_int, c_void};
use core::slice;

use super::memory::Errno;
use super::process::{self, State};
use crate::abi::Py_buffer;
use crate::check::text::Room;
use crate::runtime::copies::{Answer, Ledger, Member, VERSION};
use crate::runtime::{self, Runtime};

static MEMBER: Member = Member::new(Ledger { is_emptied, judge, is_filled, is_given_back });

// As `runtime::copies` reads them. A linker keeps every note and what it leads to, which would be a third of the
// library for an extension that asks no object; so this one is bound to what `copies::own` reads, and goes with it.
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

/// # Safety
/// The view is readable.
unsafe extern "C" fn is_emptied(view: *const Py_buffer) {
    // SAFETY: the caller's promise is the callee's.
    with_state(|state, runtime| unsafe { state.emptied(runtime, view) });
}

/// # Safety
/// An exporter was asked just now, and answered so.
unsafe extern "C" fn judge(answer: *const Answer) -> c_int {
    // SAFETY: an answer (caller).
    let answer = unsafe { &*answer };
    // SAFETY: the caller's promise is the callee's.
    let wrong = with_state(|state, runtime| unsafe { state.judge(runtime, answer) }).flatten();
    let Some(text) = wrong else { return 0 };
    // SAFETY: so many characters are writable (caller).
    unsafe { answer.text.write_bytes(0, answer.text_size) };
    // SAFETY: as above.
    let room = unsafe { slice::from_raw_parts_mut::<c_char>(answer.text, answer.text_size) };
    Room::new(room).put_c(text.as_c_str());
    1
}

/// # Safety
/// The view was filled just now.
unsafe extern "C" fn is_filled(view: *const Py_buffer) {
    // SAFETY: a view (caller).
    let view = unsafe { &*view };
    with_state(|state, _| state.filled(view));
}

/// # Safety
/// The view is about to be given back.
unsafe extern "C" fn is_given_back(view: *const Py_buffer, caller: *const c_void) {
    // SAFETY: a view (caller).
    let view = unsafe { &*view };
    if view.obj.is_null() {
        return;
    }
    // SAFETY: as above.
    with_state(|state, runtime| unsafe { state.given_back(runtime, view, caller) });
}
