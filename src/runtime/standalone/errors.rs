//! The standalone world's errors: at most one for each thread.
//!
//! A list of records that are never unlinked. A record belongs to the thread whose number it carries
//! while an error is pending there, and to nobody otherwise, so it is used again. A thread is known
//! by its kernel number: pthread keys are not to be had in every program that this library is linked
//! into (weak references find none in a static one, strong ones need a newer glibc), and records of
//! threads that ended with an error pending are found by asking the kernel.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char};
use core::fmt::Write;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};

use super::exceptions;
use crate::abi::PyObject;
use crate::error::{Error, Kind, Text};

/// One thread's error.
struct Record {
    /// The thread's number; 0 while nobody's.
    owner: AtomicI32,
    /// What the owner alone reads and writes.
    error: UnsafeCell<Pending>,
    next: AtomicPtr<Record>,
}

struct Pending {
    exception: *mut PyObject,
    text: Text,
}

// SAFETY: `error` is touched by the owner's thread only, and `owner` changes hands atomically.
unsafe impl Sync for Record {}

impl Record {
    const fn new(owner: i32) -> Self {
        Self {
            owner: AtomicI32::new(owner),
            error: UnsafeCell::new(Pending { exception: ptr::null_mut(), text: Text::new() }),
            next: AtomicPtr::new(ptr::null_mut()),
        }
    }

    fn claim(&self, from: i32, by: i32) -> bool {
        self.owner.compare_exchange(from, by, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// The first record, which needs no memory: a thread on its own can always keep an error.
static FIRST: Record = Record::new(0);
/// How many records have an owner: with none, nobody needs to look further.
static PENDING: AtomicUsize = AtomicUsize::new(0);

fn this_thread() -> i32 {
    // SAFETY: takes nothing and cannot fail. A thread's number fits a pid_t.
    unsafe { libc::syscall(libc::SYS_gettid) as i32 }
}

fn records() -> impl Iterator<Item = &'static Record> {
    let mut next = Some(&FIRST);
    core::iter::from_fn(move || {
        let record = next?;
        // SAFETY: null, or a record that is never freed.
        next = unsafe { record.next.load(Ordering::Acquire).as_ref() };
        Some(record)
    })
}

/// This thread's record, if it has an error pending.
#[inline(never)]
fn mine() -> Option<&'static Record> {
    if PENDING.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let thread = this_thread();
    records().find(|record| record.owner.load(Ordering::Relaxed) == thread)
}

/// A record for this thread: its own, a free one, one whose thread has ended, or a new one.
fn claim() -> Option<&'static Record> {
    if let Some(record) = mine() {
        return Some(record);
    }
    let thread = this_thread();
    if let Some(record) = records().find(|record| record.claim(0, thread)) {
        PENDING.fetch_add(1, Ordering::Relaxed);
        return Some(record);
    }
    let inherit = |record: &&Record| {
        let owner = record.owner.load(Ordering::Relaxed);
        has_ended(owner) && record.claim(owner, thread)
    };
    records().find(inherit).or_else(|| append(thread))
}

fn has_ended(thread: i32) -> bool {
    // SAFETY: takes nothing and cannot fail.
    let process = unsafe { libc::getpid() };
    // SAFETY: signal 0 is not sent; the call only tells whether the thread is there, which fails for
    // no other reason (a process may always signal itself).
    unsafe { libc::syscall(libc::SYS_tgkill, process, thread, 0) != 0 }
}

/// Adds a record at the end of the list; `None` if there is no memory.
fn append(thread: i32) -> Option<&'static Record> {
    // SAFETY: malloc takes any size.
    let block: *mut Record = unsafe { libc::malloc(size_of::<Record>()) }.cast();
    if block.is_null() {
        return None;
    }
    // SAFETY: the block has the size of a record, and malloc's alignment suits any type.
    unsafe { block.write(Record::new(thread)) };
    PENDING.fetch_add(1, Ordering::Relaxed);
    let mut last = &FIRST;
    loop {
        let none = ptr::null_mut();
        match last.next.compare_exchange(none, block, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: written above, and never freed.
            Ok(_) => return unsafe { block.as_ref() },
            // SAFETY: a record that is never freed.
            Err(next) => last = unsafe { next.as_ref() }?,
        }
    }
}

#[inline(never)]
fn set_pending(exception: *mut PyObject, text: Text) {
    // Without memory for a record the return value alone tells.
    if let Some(record) = claim() {
        // SAFETY: this thread owns the record.
        unsafe { *record.error.get() = Pending { exception, text } };
    }
}

#[inline(never)]
/// Sets this thread's error. A null exception is a mistake that becomes a SystemError, as in CPython.
pub fn set(exception: *mut PyObject, text: &CStr) {
    if exception.is_null() {
        return set_pending(
            exceptions::of(Kind::System),
            Text::from_ascii("an error was set with a NULL exception"),
        );
    }
    let mut copy = Text::new();
    // A text that does not fit is cut.
    let _ = copy.write_str(text.to_str().unwrap_or("(a text that is not UTF-8)"));
    set_pending(exception, copy);
}

/// Raises a fault of the library's own as this thread's error.
#[inline(never)]
pub fn raise(error: &Error) {
    let fixed = |kind, text: &CStr| set(exceptions::of(kind), text);
    match error {
        Error::Raised => {}
        Error::NullArgument => {
            if occurred().is_null() {
                fixed(Kind::System, Error::NULL_ARGUMENT);
            }
        }
        Error::NoMemory => fixed(Kind::Memory, c""),
        Error::Fixed(kind, text) => fixed(*kind, text),
        Error::Text(kind, text) => set_pending(exceptions::of(*kind), text.clone()),
        Error::TypeName(template, name) => {
            // SAFETY: a type's name, alive until the error is raised (`Error::TypeName`).
            let name = unsafe { CStr::from_ptr(*name) };
            set_pending(exceptions::of(Kind::Type), Text::with_name(template, name));
        }
    }
}

/// This thread's exception, borrowed; null if there is none.
pub fn occurred() -> *mut PyObject {
    // SAFETY: this thread owns its record.
    mine().map_or(ptr::null_mut(), |record| unsafe { (*record.error.get()).exception })
}

/// The text of this thread's error, good until the next one is set or this one cleared; null if there
/// is none.
pub fn text() -> *const c_char {
    // SAFETY: this thread owns its record.
    mine().map_or(ptr::null(), |record| unsafe { (*record.error.get()).text.as_c_str() }.as_ptr())
}

/// Forgets this thread's error.
pub fn clear() {
    if let Some(record) = mine() {
        record.owner.store(0, Ordering::Release);
        PENDING.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
