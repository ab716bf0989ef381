//! The views that are out: a table by the address of their `Py_buffer`.
//!
//! Every list is sound after each single store, so that a fork in the middle of a change leaves a child
//! with a list that can be walked.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use super::memory::{self, Lock, hash};
use super::people::Asked;
use super::record::{Now, Record};
use crate::abi::Py_buffer;

// The more of each, the shorter the lists of a program that holds many views; pages of them that no view
// is in are never touched.
const N_SHARDS: usize = 256;
const N_LISTS: usize = 256;
const N_COUNTS: usize = 1 << 16;
/// How many releases are remembered, to tell a second one from one without an acquisition.
const N_REMEMBERED: usize = 64;
/// How many views of the same object and memory are looked at.
const MOST_ALIKE: usize = 64;

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
    /// Whether there was no memory for a record.
    is_short: AtomicBool,
}

impl Shard {
    fn list(&self, view: usize) -> Option<&AtomicPtr<Record>> {
        self.lists.get((hash(view) >> 36) as usize % N_LISTS)
    }

    /// The first record of a list that fits.
    fn look(list: &AtomicPtr<Record>, fits: &mut dyn FnMut(&Record) -> bool) -> Option<Record> {
        let mut at = list.load(Ordering::Relaxed);
        // SAFETY: null or in the list, so not freed; the shard's lock is held.
        while let Some(record) = unsafe { at.as_ref() } {
            if fits(record) {
                return Some(*record);
            }
            at = record.next;
        }
        None
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

    /// Whether there was memory for all views, so that one which is not known of was never out.
    pub fn is_complete(&self) -> bool {
        !self.is_short.load(Ordering::Relaxed)
    }

    /// Adds a record to a list. Without memory the view is not known of: nothing will be said of it, and of no
    /// release that there was no acquisition.
    fn put(&self, list: &AtomicPtr<Record>, record: Record) {
        let next = list.load(Ordering::Relaxed);
        match memory::keep(Record { next, ..record }) {
            Some(new) => list.store(new.as_ptr(), Ordering::Release),
            None => {
                self.is_short.store(true, Ordering::Relaxed);
                self.n_of(record.obj).fetch_sub(1, Ordering::Relaxed);
                record.close();
            }
        }
    }

    /// Notes a view. One that was noted at the same address was asked for on the way, by this one's exporter.
    /// Whether one that was asked for has become this one.
    pub fn add(&self, record: Record) -> bool {
        let Some(shard) = self.shard(record.view) else { return false };
        let Some(list) = shard.list(record.view) else { return false };
        self.n_of(record.obj).fetch_add(1, Ordering::Relaxed);
        shard.is_used.store(true, Ordering::Relaxed);
        let (gone, inner, kept) = shard.lock.hold(|| {
            let gone = Shard::take(list, &|other| other.view == record.view && other.is_excused());
            let inner = Shard::take(list, &|other| other.is_at(record.view));
            self.put(list, record);
            let kept = inner.and_then(|inner| inner.kept_by_exporter_of(&record));
            if let Some(kept) = kept {
                self.put(list, kept);
            }
            (gone, inner, kept)
        });
        for gone in gone.into_iter().chain(inner.filter(|_| kept.is_none())) {
            self.n_of(gone.obj).fetch_sub(1, Ordering::Relaxed);
        }
        let Some(inner) = inner else { return false };
        if kept.is_some_and(|kept| kept.asked.is_some()) {
            inner.lose();
            return false;
        }
        inner.close();
        inner.asked.is_some()
    }

    /// The interpreter gives back what is at an address as another object's than is recorded. If an exporter asked
    /// for that on the way, it may give it back itself. What was recorded.
    pub fn excuse(&self, view: usize) -> Option<Record> {
        let shard = self.shard(view)?;
        let list = shard.list(view)?;
        let found = shard.lock.hold(|| {
            let found = Shard::take(list, &|record| record.is_at(view))?;
            if found.is_of_a_guest() {
                self.put(list, found.excused());
            }
            Some(found)
        })?;
        if !found.is_of_a_guest() {
            self.n_of(found.obj).fetch_sub(1, Ordering::Relaxed);
        }
        found.close();
        Some(found)
    }

    /// A `Py_buffer` is filled anew: the view that was in it, if it is still out, can be given back no more,
    /// unless a copy is.
    pub fn lose(&self, view: usize, is_out: impl Fn(&Record) -> bool) {
        let Some(shard) = self.shard(view) else { return };
        let Some(list) = shard.list(view) else { return };
        let lost = shard.lock.hold(|| {
            let lost = Shard::take(list, &|record| record.is_at(view))?;
            let is_out = lost.asked.is_some() && is_out(&lost);
            if is_out {
                self.put(list, Record { now: Now::FilledAgain, ..lost });
            } else {
                self.n_of(lost.obj).fetch_sub(1, Ordering::Relaxed);
            }
            Some((lost, is_out))
        });
        match lost {
            Some((lost, true)) => lost.lose(),
            Some((gone, false)) => gone.close(),
            None => {}
        }
    }

    /// Closes the views that are not out for certain, where releases may not have been heard.
    #[cold]
    pub fn close_doubtful(&self) {
        for shard in self.shards.iter().filter(|shard| shard.is_used.load(Ordering::Relaxed)) {
            for list in &shard.lists {
                while let Some(record) =
                    shard.lock.hold(|| Shard::take(list, &|record| !record.is_certainly_out()))
                {
                    record.close();
                }
            }
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
        self.find_like(view, |list| Shard::take(list, &|record| record.is_like(view))).inspect(
            |record| {
                self.n_of(record.obj).fetch_sub(1, Ordering::Relaxed);
            },
        )
    }

    /// As [`take_like`](Self::take_like), of a `Py_buffer` that holds the view no more: it was copied, and freed.
    #[cold]
    pub fn take_like_that_is_gone(&self, view: &Py_buffer) -> Option<Record> {
        for nth in 0..MOST_ALIKE {
            let mut n_before = nth;
            let mut fits = |record: &Record| {
                let is_like = record.is_like(view);
                let is_it = is_like && n_before == 0;
                n_before = n_before.saturating_sub(is_like.into());
                is_it
            };
            let record = self.find_like(view, |list| Shard::look(list, &mut fits))?;
            // Without the lock, as the system is asked.
            if record.is_gone() {
                return self.take_if(record.view, &|other| other.is_same(&record));
            }
        }
        None
    }

    fn find_like(
        &self,
        view: &Py_buffer,
        mut find: impl FnMut(&AtomicPtr<Record>) -> Option<Record>,
    ) -> Option<Record> {
        if self.n_of(view.obj.addr()).load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.shards
            .iter()
            .filter(|shard| shard.is_used.load(Ordering::Relaxed))
            .find_map(|shard| shard.lock.hold(|| shard.lists.iter().find_map(&mut find)))
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
