//! The copies of the library in one process, and the one that keeps the audit's ledger.
//!
//! A preloaded libpybuffer.so and the archives in extensions are copies, each of which sees only the calls to
//! itself. Each image that contains a copy has an ELF note named `pybuffer`, which leads to a [`Member`]; the
//! note's type is the version of that structure. The first copy in the dynamic linker's order keeps the ledger for
//! all of them. New images are only added at the end of that order, so all copies find the same one although none
//! writes anything, and a fork changes nothing. A copy that does not know the first one's version reports nothing.

use core::ffi::{c_char, c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::images::{self, Loaded};
use crate::abi::{Py_buffer, PyObject, pybuffer_holder};

/// The version of [`Member`] and of everything reached from it. Every change to these needs a new number.
pub const VERSION: u32 = 2;

/// A copy of the library, as the other copies see it.
#[repr(C)]
pub struct Member {
    state: AtomicU32,
    /// Its functions, which the others call if it is the first copy.
    ledger: Ledger,
}

/// The states of a copy: its world is not settled yet; it does not report to the ledger; it does.
const UNSETTLED: u32 = 0;
const IDLE: u32 = 1;
const WATCHES: u32 = 2;

/// The functions of the ledger. A `caller` is the return address of the call into the library; null if the
/// library itself makes the request.
#[repr(C)]
pub struct Ledger {
    /// A `Py_buffer` is about to be filled.
    pub before_fill: unsafe extern "C" fn(view: *const Py_buffer),
    /// An exporter has answered. Returns 1 if the view must be released and an error raised with the text
    /// written to [`Answer::text`], otherwise 0.
    pub judge: unsafe extern "C" fn(answer: *const Answer) -> c_int,
    /// A view was filled, but not by a call of `PyObject_GetBuffer`. It may be released later, or become an
    /// exporter's answer.
    pub after_fill: unsafe extern "C" fn(view: *const Py_buffer),
    /// A view is about to be released.
    pub before_release: unsafe extern "C" fn(view: *const Py_buffer, caller: *const c_void),
    /// Writes the first `room` entries on outstanding views of an object, and of the one that it shows, null for none; of
    /// every object, if the first is null. Returns how many there are; -1 without memory.
    pub holders: unsafe extern "C" fn(
        obj: *const PyObject,
        shown: *const PyObject,
        holders: *mut pybuffer_holder,
        room: usize,
    ) -> isize,
    /// Has findings told that were told before. Returns 2 if the interpreter's own calls are heard, otherwise 1; 0 without
    /// memory.
    pub retell: extern "C" fn() -> c_int,
}

/// A request for a view, and the exporter's answer.
#[repr(C)]
pub struct Answer {
    /// The exporter.
    pub obj: *mut PyObject,
    /// The `Py_buffer` to be filled; may be null.
    pub view: *const Py_buffer,
    /// `view.obj` before the request.
    pub obj_before: *mut PyObject,
    /// The return address of the call into the library, or null.
    pub caller: *const c_void,
    /// The request.
    pub flags: c_int,
    /// The exporter's return value.
    pub result: c_int,
    /// Whether an error was set before the request, is set now, and can be set (booleans).
    pub had_error: c_int,
    pub has_error: c_int,
    pub can_raise: c_int,
    /// The buffer for the text of an error, and its size.
    pub text: *mut c_char,
    pub text_size: usize,
}

impl Member {
    /// A copy whose world is not settled yet.
    pub const fn new(ledger: Ledger) -> Self {
        Self { state: AtomicU32::new(UNSETTLED), ledger }
    }

    fn is(&self, state: u32) -> bool {
        self.state.load(Ordering::Acquire) == state
    }
}

/// The note, as `audit::ledger` lays it out.
#[repr(C)]
struct Note {
    name_size: u32,
    content_size: u32,
    version: u32,
    name: [u8; 12],
    /// The distance from this field to the [`Member`], in bytes.
    offset: i32,
}

const NAME: [u8; 12] = *b"pybuffer\0\0\0\0";

unsafe extern "C" {
    /// The distance from this number to this copy's [`Member`], in bytes.
    static pybuffer_member: i32;
}

/// The member at the distance `offset` from `offset` itself.
///
/// # Safety
/// * OFFSET: it is a note's field of this version, or `pybuffer_member`.
unsafe fn member_behind(offset: &'static i32) -> &'static Member {
    let address = ptr::from_ref(offset).expose_provenance().wrapping_add_signed(*offset as isize);
    // SAFETY: the offset leads to a member in its own image (caller: OFFSET), which is never unloaded.
    unsafe { &*ptr::with_exposed_provenance(address) }
}

impl Note {
    fn member(&'static self) -> &'static Member {
        // SAFETY: a note's field, whose version the callers have compared.
        unsafe { member_behind(&self.offset) }
    }

    /// The note of this name in an image. The search tries each aligned address instead of walking from note to
    /// note, because a linker may put notes of other alignments in front of it, with gaps between them.
    fn of(image: &Loaded) -> Option<&'static Self> {
        image.segments(images::NOTE).find_map(|[start, size]| {
            let n = size.checked_sub(size_of::<Self>())?.checked_add(1)?;
            let start = start.checked_next_multiple_of(align_of::<Self>())?;
            (0..n).step_by(align_of::<Self>()).find_map(|offset| {
                let at = ptr::with_exposed_provenance::<Self>(start.wrapping_add(offset));
                // SAFETY: aligned, and within a segment.
                let note = unsafe { &*at };
                // `content_size` is not compared: a later version's note may be longer.
                (note.name_size == 9 && note.name == NAME).then_some(note)
            })
        })
    }
}

/// This copy.
fn own() -> &'static Member {
    // SAFETY: a constant that `audit::ledger` defines in assembly.
    let offset = unsafe { &pybuffer_member };
    // SAFETY: this copy's number.
    unsafe { member_behind(offset) }
}

/// The copy that keeps the ledger, once this copy is settled; null if its version is unknown.
static KEEPER: AtomicPtr<Member> = AtomicPtr::new(ptr::null_mut());

/// The ledger, if this copy reports to one.
#[inline]
pub fn ledger() -> Option<&'static Ledger> {
    if !super::is_watched() {
        return None;
    }
    // SAFETY: null, or a copy in an image that is never unloaded.
    unsafe { KEEPER.load(Ordering::Acquire).as_ref() }.map(|keeper| &keeper.ledger)
}

/// Decides whether this copy reports to the ledger, and returns it. It does if the environment asks for an audit,
/// or if the ledger's copy reports already: the program may have changed the environment since.
#[cold]
pub fn settle(is_wanted: bool) -> bool {
    let mut first = None;
    images::each(&mut |image| {
        first = Note::of(image);
        first.is_some()
    });
    // A linker script may have discarded the notes.
    let keeper = match first {
        None => Some(own()),
        Some(note) => (note.version == VERSION).then(|| note.member()),
    };
    let watches = keeper.is_some_and(|keeper| is_wanted || keeper.is(WATCHES));
    KEEPER.store(
        keeper.map_or(ptr::null_mut(), |keeper| ptr::from_ref(keeper).cast_mut()),
        Ordering::Release,
    );
    own().state.store(if watches { WATCHES } else { IDLE }, Ordering::Release);
    watches
}

/// Whether all calls to the library are reported to the ledger: false if a copy in this process has another version,
/// or does not report.
#[cold]
pub fn all_watch() -> bool {
    let mut all = true;
    images::each(&mut |image| {
        all &=
            Note::of(image).is_none_or(|note| note.version == VERSION && !note.member().is(IDLE));
        false
    });
    all
}

/// Whether a function belongs to a copy that reports to the ledger.
#[cold]
pub fn is_watched(function: usize) -> bool {
    let mut is = false;
    images::each(&mut |image| {
        is |= image.contains(function)
            && Note::of(image)
                .is_some_and(|note| note.version == VERSION && note.member().is(WATCHES));
        is
    });
    is
}
