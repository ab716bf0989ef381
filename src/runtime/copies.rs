//! The copies of the library in one process, and which of them keeps the audit's ledger.
//!
//! A preloaded libpybuffer.so and the archives in extensions are copies, each of which sees the calls that
//! come to itself. An image with a copy in it has an ELF note of the name `pybuffer`. The note's type is the
//! version of what it leads to, a [`Member`]. The first copy in the dynamic linker's order keeps the ledger
//! for all. Later images come behind it, so all agree without a word; a fork changes nothing. A copy that
//! does not know the first one's version stays silent.

use core::ffi::{c_char, c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::images::{self, Loaded};
use crate::abi::{Py_buffer, PyObject};

/// The version of [`Member`] and of all that is reached from it. A change of any of it takes a new number.
pub const VERSION: u32 = 1;

/// A copy, as the others see it.
#[repr(C)]
pub struct Member {
    state: AtomicU32,
    /// What it does for the others, if it is the first.
    ledger: Ledger,
}

/// A copy's state: it has not met an object yet; it does not watch; it watches.
const UNSETTLED: u32 = 0;
const IDLE: u32 = 1;
const WATCHES: u32 = 2;

/// What a ledger is told. `caller` is where whoever called the library goes on; null for the library itself.
#[repr(C)]
pub struct Ledger {
    /// A `Py_buffer` is about to be filled.
    pub is_emptied: unsafe extern "C" fn(view: *const Py_buffer),
    /// An exporter has answered. 1 if the view is to be given back, and an error to be raised with the
    /// text that was written to [`Answer::text`].
    pub judge: unsafe extern "C" fn(answer: *const Answer) -> c_int,
    /// A view was filled that nobody asked for by `PyObject_GetBuffer`. It may be given back.
    pub is_filled: unsafe extern "C" fn(view: *const Py_buffer),
    /// A view is about to be given back.
    pub is_given_back: unsafe extern "C" fn(view: *const Py_buffer, caller: *const c_void),
}

/// An exporter's answer.
#[repr(C)]
pub struct Answer {
    /// Who was asked.
    pub obj: *mut PyObject,
    /// Where it should put the view; may be null.
    pub view: *const Py_buffer,
    /// The view's object before.
    pub obj_before: *mut PyObject,
    /// Who asked.
    pub caller: *const c_void,
    /// For what.
    pub flags: c_int,
    /// What it returned.
    pub result: c_int,
    /// Whether an error was set before, is now, and would be seen.
    pub had_error: c_int,
    pub has_error: c_int,
    pub can_raise: c_int,
    /// Room for a text.
    pub text: *mut c_char,
    pub text_size: usize,
}

impl Member {
    /// A copy that has not met an object yet.
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
    /// How far behind this field the [`Member`] is.
    offset: i32,
}

const NAME: [u8; 12] = *b"pybuffer\0\0\0\0";

unsafe extern "C" {
    /// How far behind this number this copy's [`Member`] is.
    static pybuffer_member: i32;
}

/// The member that is so far behind a number as that says.
///
/// # Safety
/// It is a note's, or this copy's.
unsafe fn member_behind(offset: &'static i32) -> &'static Member {
    let address = ptr::from_ref(offset).expose_provenance().wrapping_add_signed(*offset as isize);
    // SAFETY: it leads to a member in its own image, which stays (caller).
    unsafe { &*ptr::with_exposed_provenance(address) }
}

impl Note {
    fn member(&'static self) -> &'static Member {
        // SAFETY: a note's.
        unsafe { member_behind(&self.offset) }
    }

    /// The note of this name in an image. It is looked for at each word: a linker may put notes of other alignments
    /// in front of it, and what fills the gaps is no note.
    fn of(image: &Loaded) -> Option<&'static Self> {
        image.segments(images::NOTE).find_map(|[start, size]| {
            let n = size.checked_sub(size_of::<Self>())?.checked_add(1)?;
            let start = start.checked_next_multiple_of(align_of::<Self>())?;
            (0..n).step_by(align_of::<Self>()).find_map(|offset| {
                let at = ptr::with_exposed_provenance::<Self>(start.wrapping_add(offset));
                // SAFETY: aligned, and so many bytes of a segment.
                let note = unsafe { &*at };
                // What a later version leads to may be longer.
                (note.name_size == 9 && note.name == NAME).then_some(note)
            })
        })
    }
}

/// This copy.
fn own() -> &'static Member {
    // SAFETY: laid out by the assembler, and never changed.
    let offset = unsafe { &pybuffer_member };
    // SAFETY: this copy's.
    unsafe { member_behind(offset) }
}

/// The one that keeps the ledger, once this copy is settled; null if it is not known how to tell it anything.
static KEEPER: AtomicPtr<Member> = AtomicPtr::new(ptr::null_mut());

/// The ledger, if one is kept.
#[inline]
pub fn ledger() -> Option<&'static Ledger> {
    if !super::is_watched() {
        return None;
    }
    // SAFETY: null, or a copy that stays.
    unsafe { KEEPER.load(Ordering::Acquire).as_ref() }.map(|keeper| &keeper.ledger)
}

/// Settles whether this copy watches: where it is asked to, or where the ledger is kept already, as a program
/// may have changed the environment meanwhile.
#[cold]
pub fn settle(is_wanted: bool) -> bool {
    let mut first = None;
    images::each(&mut |image| {
        first = Note::of(image);
        first.is_some()
    });
    // A linker's script may have left the notes out.
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

/// Whether the ledger is told of all that comes to any copy.
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

/// Whether a function is one of a copy that watches.
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
