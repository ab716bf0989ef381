//! The views that are out: a table by the address of their `Py_buffer`.
//!
//! Every list is sound after each single store, so that a fork in the middle of a change leaves a child
//! with a list that can be walked.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use super::memory::{self, Lock, hash};
use super::people::Asked;
use super::process;
use crate::abi::Py_buffer;

// The more of each, the shorter the lists of a program that holds many views; pages of them that no view
// is in are never touched.
const N_SHARDS: usize = 256;
const N_LISTS: usize = 256;
const N_COUNTS: usize = 1 << 16;
/// How many releases are remembered, to tell a second one from one without an acquisition.
const N_REMEMBERED: usize = 64;

/// A view that is out.
#[derive(Clone, Copy)]
pub struct Record {
    next: *mut Record,
    view: usize,
    obj: usize,
    buf: usize,
    /// Who asked for it; none if `PyBuffer_FillInfo` was called.
    pub asked: Option<&'static Asked>,
    /// The process of those that fork from one another.
    pub generation: u32,
    /// Whether its `Py_buffer` was filled again before it was released.
    pub is_lost: bool,
}

impl Record {
    /// A record of this process.
    pub fn of(view: &Py_buffer, asked: Option<&'static Asked>) -> Self {
        Self {
            next: core::ptr::null_mut(),
            view: core::ptr::from_ref(view).addr(),
            obj: view.obj.addr(),
            buf: view.buf.addr(),
            asked,
            generation: process::generation(),
            is_lost: false,
        }
    }

    /// Whether this is the view that a `Py_buffer` holds.
    fn is_at(&self, view: usize) -> bool {
        self.view == view && !self.is_lost
    }

    /// The view is out no more. One of a process that this one was forked from does not count here.
    pub fn close(&self) {
        if let Some(asked) = self.asked.filter(|_| self.is_own()) {
            asked.release(self.is_lost);
        }
    }

    fn lose(&self) {
        if let Some(asked) = self.asked.filter(|_| self.is_own()) {
            asked.lose();
        }
    }

    /// Whether it was asked for by code that is not the interpreter's. (The interpreter gives some views
    /// back by the slot itself.)
    fn is_of_a_guest(&self) -> bool {
        self.asked.and_then(|asked| asked.place).is_some_and(|place| !place.is_host)
    }

    fn is_own(&self) -> bool {
        self.generation == process::generation()
    }
}

struct Shard {
    lock: Lock,
    /// Whether a record was ever in it.
    is_used: AtomicBool,
    lists: [AtomicPtr<Record>; N_LISTS],
}

/// A view that was given back.
struct Past {
    obj: AtomicUsize,
    buf: AtomicUsize,
    asked: AtomicPtr<Asked>,
}

/// All of them.
pub struct Records {
    shards: [Shard; N_SHARDS],
    /// How many records there are, at least, of the objects that share a count: where none is, none needs
    /// to be looked for.
    n_of: [AtomicU32; N_COUNTS],
    past: [Past; N_REMEMBERED],
    n_past: AtomicUsize,
}

impl Shard {
    fn list(&self, view: usize) -> Option<&AtomicPtr<Record>> {
        self.lists.get((hash(view) >> 36) as usize % N_LISTS)
    }

    /// Adds a record to a list. Without memory the view is not known of: nothing will be said of it.
    fn put(list: &AtomicPtr<Record>, record: Record) {
        let next = list.load(Ordering::Relaxed);
        if let Some(new) = memory::keep(Record { next, ..record }) {
            list.store(new.as_ptr(), Ordering::Release);
        }
    }

    /// Takes the first record of a list that fits out of it, and frees it.
    #[inline(never)]
    fn take(list: &AtomicPtr<Record>, fits: &dyn Fn(&Record) -> bool) -> Option<Record> {
        let mut link = list.as_ptr();
        loop {
            // SAFETY: a list's head, or the `next` of a record in it; the shard's lock is held.
            let found = NonNull::new(unsafe { *link })?;
            // SAFETY: in the list, so not freed.
            let record = unsafe { *found.as_ptr() };
            if fits(&record) {
                // SAFETY: as for reading it.
                unsafe { *link = record.next };
                // SAFETY: from `keep`, and in the list no more.
                unsafe { memory::free(found) };
                return Some(record);
            }
            // SAFETY: as above; only the address of the field is taken.
            link = unsafe { &raw mut (*found.as_ptr()).next };
        }
    }
}

impl Records {
    /// The count that an object shares.
    fn n_of(&self, obj: usize) -> &AtomicU32 {
        static NONE: AtomicU32 = AtomicU32::new(0);
        self.n_of.get((hash(obj) >> 40) as usize % N_COUNTS).unwrap_or(&NONE)
    }

    fn shard(&self, view: usize) -> Option<&Shard> {
        self.shards.get((hash(view) >> 50) as usize % N_SHARDS)
    }

    /// Notes a view. One that was noted at the same address was asked for on the way, by this one's
    /// exporter, and has become it; unless it is another object's view, of which the exporter keeps a copy.
    pub fn add(&self, record: Record) {
        let Some(shard) = self.shard(record.view) else { return };
        let Some(list) = shard.list(record.view) else { return };
        self.n_of(record.obj).fetch_add(1, Ordering::Relaxed);
        shard.is_used.store(true, Ordering::Relaxed);
        let inner = shard.lock.hold(|| {
            let inner = Shard::take(list, &|other| other.is_at(record.view));
            Shard::put(list, record);
            let inner = inner?;
            let is_kept = inner.obj != record.obj && inner.is_of_a_guest();
            if is_kept {
                Shard::put(list, Record { is_lost: true, ..inner });
            }
            Some((inner, is_kept))
        });
        match inner {
            Some((inner, false)) => {
                self.n_of(inner.obj).fetch_sub(1, Ordering::Relaxed);
                inner.close();
            }
            Some((inner, true)) => inner.lose(),
            None => {}
        }
    }

    /// A `Py_buffer` is filled anew: the view that was in it can be given back no more, unless a copy is.
    pub fn lose(&self, view: usize) {
        let Some(shard) = self.shard(view) else { return };
        let Some(list) = shard.list(view) else { return };
        let lost = shard.lock.hold(|| {
            let lost = Shard::take(list, &|record| record.is_at(view))?;
            if lost.asked.is_none() {
                self.n_of(lost.obj).fetch_sub(1, Ordering::Relaxed);
                return None;
            }
            Shard::put(list, Record { is_lost: true, ..lost });
            Some(lost)
        });
        if let Some(lost) = lost {
            lost.lose();
        }
    }

    /// The record of a view at its own address with its own object, taken out. An exporter that passes
    /// another one's view on as its own puts that one back before it gives it back.
    pub fn take(&self, view: usize, obj: usize) -> Option<Record> {
        self.take_if(view, &|record| record.is_at(view) && record.obj == obj)
            .or_else(|| self.take_if(view, &|record| record.view == view && record.obj == obj))
    }

    /// Whatever is recorded at an address, taken out without a word; whether there was anything.
    pub fn forget(&self, view: usize) -> bool {
        let record = self.take_if(view, &|record| record.is_at(view));
        record.as_ref().map(Record::close).is_some()
    }

    fn take_if(&self, view: usize, fits: &dyn Fn(&Record) -> bool) -> Option<Record> {
        let shard = self.shard(view)?;
        let list = shard.list(view)?;
        let record = shard.lock.hold(|| Shard::take(list, fits))?;
        self.n_of(record.obj).fetch_sub(1, Ordering::Relaxed);
        Some(record)
    }

    /// The record of another `Py_buffer` with the same object and memory, taken out.
    #[cold]
    pub fn take_like(&self, view: &Py_buffer) -> Option<Record> {
        let (obj, buf) = (view.obj.addr(), view.buf.addr());
        let n = self.n_of(obj);
        if n.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let fits = |record: &Record| record.obj == obj && record.buf == buf;
        let record =
            self.shards.iter().filter(|shard| shard.is_used.load(Ordering::Relaxed)).find_map(
                |shard| {
                    shard.lock.hold(|| shard.lists.iter().find_map(|list| Shard::take(list, &fits)))
                },
            )?;
        n.fetch_sub(1, Ordering::Relaxed);
        Some(record)
    }

    /// Remembers a view that is given back. (Threads may mix two of them up: it decides about a word.)
    pub fn remember(&self, record: &Record) {
        let n = self.n_past.fetch_add(1, Ordering::Relaxed);
        if let (Some(past), Some(asked)) = (self.past.get(n % N_REMEMBERED), record.asked) {
            past.obj.store(record.obj, Ordering::Relaxed);
            past.buf.store(record.buf, Ordering::Relaxed);
            past.asked.store(core::ptr::from_ref(asked).cast_mut(), Ordering::Release);
        }
    }

    /// Who asked for a view of the same object and memory that was given back a moment ago.
    #[cold]
    pub fn was_given_back(&self, view: &Py_buffer) -> Option<&'static Asked> {
        let (obj, buf) = (view.obj.addr(), view.buf.addr());
        let past = self.past.iter().find(|past| {
            past.obj.load(Ordering::Relaxed) == obj && past.buf.load(Ordering::Relaxed) == buf
        })?;
        // SAFETY: null, or one that is never freed.
        unsafe { past.asked.load(Ordering::Acquire).as_ref() }
    }

    /// Opens all locks in a new process.
    pub fn open(&self) {
        self.shards.iter().for_each(|shard| shard.lock.open());
    }
}
