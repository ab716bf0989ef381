//! Errors in a list of records, for architectures whose thread-local storage is not reached yet.
//!
//! Records are never unlinked. A record belongs to the thread whose kernel number it carries while an
//! error is pending there, and to nobody otherwise, so it is used again; those of threads that ended
//! with an error pending are found by asking the kernel. (pthread keys are not to be had in every
//! program that this library is linked into: weak references find none in a static one, and strong ones
//! need glibc 2.34.) A thread's number is given to another one after it: until then, at the least 32768
//! threads later, an error that a thread left behind is nobody's.

use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};

use super::Pending;
use crate::error::Text;

/// One thread's error.
struct Record {
    /// The thread's number; 0 while nobody's.
    owner: AtomicI32,
    /// What the owner alone reads and writes.
    error: UnsafeCell<Pending>,
    next: AtomicPtr<Record>,
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
fn mine() -> Option<&'static Record> {
    if PENDING.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let thread = this_thread();
    records().find(|record| record.owner.load(Ordering::Relaxed) == thread)
}

/// A record for this thread: its own, a free one, one whose thread has ended, or a new one.
fn claim_record() -> Option<&'static Record> {
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
    // SAFETY: signal 0 is not sent; the call only tells whether the thread is there.
    let found = unsafe { libc::syscall(libc::SYS_tgkill, process, thread, 0) };
    // SAFETY: takes nothing and cannot fail.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: this thread's errno.
    found != 0 && unsafe { *errno } == libc::ESRCH
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

/// This thread's error; null if there is none.
pub fn find() -> *mut Pending {
    mine().map_or(ptr::null_mut(), |record| record.error.get())
}

/// Where this thread's error goes; null if there is no memory for it.
pub fn claim() -> *mut Pending {
    claim_record().map_or(ptr::null_mut(), |record| record.error.get())
}

/// Forgets this thread's error.
pub fn clear() {
    if let Some(record) = mine() {
        record.owner.store(0, Ordering::Release);
        PENDING.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn records_of_ended_threads_are_used_again() {
        let leave_an_error = || {
            thread::spawn(|| assert!(!claim().is_null())).join().unwrap();
        };
        leave_an_error();
        let before = records().count();
        for _ in 0..200 {
            leave_an_error();
        }
        assert_eq!(records().count(), before);
    }

    #[test]
    fn record_is_the_thread_s_own_until_it_is_cleared() {
        assert!(find().is_null());
        let mine = claim();
        assert_eq!(find(), mine);
        let theirs = thread::spawn(|| (find().is_null(), claim() as usize)).join().unwrap();
        assert!(theirs.0 && theirs.1 != mine as usize);
        clear();
        assert!(find().is_null());
    }
}
