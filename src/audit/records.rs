//! Outstanding views: acquired, not yet released. A hash table by the address of their `Py_buffer`.
//!
//! Every list is valid after each single store, so a child that is forked in the middle of a change can still read
//! it.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use super::memory::{self, Lock, hash};
use super::origins::Origin;
use super::record::{Contents, Record, Status};
use crate::abi::Py_buffer;

// Enough to keep the lists short in a program that holds many views. Pages of empty lists are never touched.
const N_SHARDS: usize = 256;
const N_LISTS: usize = 256;
const N_COUNTS: usize = 1 << 16;
/// How many releases are remembered, to tell a second release from one without an acquisition.
const N_REMEMBERED: usize = 64;
/// How many records with the same object and memory are looked at.
const MOST_ALIKE: usize = 64;

struct Shard {
    lock: Lock,
    /// Whether it ever had a record.
    is_used: AtomicBool,
    lists: [AtomicPtr<Record>; N_LISTS],
}

/// A view that was released.
struct Released {
    obj: AtomicUsize,
    buf: AtomicUsize,
    origin: AtomicPtr<Origin>,
}

/// All outstanding views, and the last released ones. It begins as zeros.
pub struct Records {
    shards: [Shard; N_SHARDS],
    /// At least the number of records of the objects that share a count: if it is 0, there is nothing to search
    /// for.
    n_of: [AtomicU32; N_COUNTS],
    released: [Released; N_REMEMBERED],
    n_released: AtomicUsize,
    /// Whether a record was ever left out for want of memory.
    is_short: AtomicBool,
}

impl Shard {
    fn list(&self, view: usize) -> Option<&AtomicPtr<Record>> {
        self.lists.get((hash(view) >> 36) as usize % N_LISTS)
    }

    /// A copy of the first matching record of a list. The shard's lock is held.
    #[inline(never)]
    fn peek(list: &AtomicPtr<Record>, fits: &mut dyn FnMut(&Record) -> bool) -> Option<Record> {
        let mut at = list.load(Ordering::Relaxed);
        // SAFETY: null or in the list, so not freed while the lock is held.
        while let Some(record) = unsafe { at.as_ref() } {
            if fits(record) {
                return Some(*record);
            }
            at = record.next;
        }
        None
    }

    /// Removes the first matching record of a list. The shard's lock is held.
    #[inline(never)]
    fn take(list: &AtomicPtr<Record>, fits: &dyn Fn(&Record) -> bool) -> Option<Record> {
        let mut link = list.as_ptr();
        loop {
            // SAFETY: a list's head, or the `next` of a record in it, which is not freed while the lock is held.
            let found = NonNull::new(unsafe { *link })?;
            // SAFETY: in the list, so not freed.
            let record = unsafe { *found.as_ptr() };
            if fits(&record) {
                // SAFETY: as for reading the link; others write it under the lock only.
                unsafe { *link = record.next };
                // SAFETY: from `keep`, and no longer in the list.
                unsafe { memory::free(found) };
                return Some(record);
            }
            // SAFETY: in the list; only the address of the field is taken.
            link = unsafe { &raw mut (*found.as_ptr()).next };
        }
    }
}

impl Records {
    /// The count for an object.
    fn n_of(&self, obj: usize) -> &AtomicU32 {
        static NONE: AtomicU32 = AtomicU32::new(0);
        self.n_of.get((hash(obj) >> 40) as usize % N_COUNTS).unwrap_or(&NONE)
    }

    /// A record is removed. (Out of line where that is rare.)
    #[inline(never)]
    fn uncount(&self, record: &Record) {
        self.n_of(record.contents.obj).fetch_sub(1, Ordering::Relaxed);
    }

    fn shard(&self, view: usize) -> Option<&Shard> {
        self.shards.get((hash(view) >> 50) as usize % N_SHARDS)
    }

    /// Whether there was memory for every record, so that a view without one was never acquired.
    pub fn is_complete(&self) -> bool {
        !self.is_short.load(Ordering::Relaxed)
    }

    /// Adds a record to a list. Without memory the view is left out: it is never reported, and from then on no
    /// release is reported as one of a view that was never acquired.
    #[inline(never)]
    fn put(&self, list: &AtomicPtr<Record>, record: Record) {
        let next = list.load(Ordering::Relaxed);
        match memory::keep(Record { next, ..record }) {
            Some(new) => list.store(new.as_ptr(), Ordering::Release),
            None => {
                self.is_short.store(true, Ordering::Relaxed);
                self.uncount(&record);
                record.close();
            }
        }
    }

    /// Adds a view. If there is one at the same address, it is an inner view: the exporter acquired it in order to
    /// fill the same `Py_buffer`. Returns whether there was an inner view with an origin, which is now a part of
    /// this one.
    pub fn add(&self, record: Record) -> bool {
        let Some(shard) = self.shard(record.view) else { return false };
        let Some(list) = shard.list(record.view) else { return false };
        self.n_of(record.contents.obj).fetch_add(1, Ordering::Relaxed);
        shard.is_used.store(true, Ordering::Relaxed);
        let (excused, inner, kept) = shard.lock.hold(|| {
            let excused =
                Shard::take(list, &|other| other.view == record.view && other.is_excused());
            let inner = Shard::take(list, &|other| other.is_at(record.view));
            self.put(list, record);
            let kept = inner.and_then(|inner| inner.kept_by_exporter_of(&record));
            if let Some(kept) = kept {
                self.put(list, kept);
            }
            (excused, inner, kept)
        });
        for gone in [excused, inner.filter(|_| kept.is_none())].iter().flatten() {
            self.uncount(gone);
        }
        let Some(inner) = inner else { return false };
        if kept.is_some_and(|kept| kept.origin.is_some()) {
            inner.lose();
            return false;
        }
        inner.close();
        inner.origin.is_some()
    }

    /// Removes the view at an address where the interpreter releases a view of another object, and returns it. If
    /// code other than the interpreter's acquired it, it stays as an excused one: its exporter may still release it.
    pub fn excuse(&self, view: usize) -> Option<Record> {
        let shard = self.shard(view)?;
        let list = shard.list(view)?;
        let found = shard.lock.hold(|| {
            let found = Shard::take(list, &|record| record.is_at(view))?;
            if found.is_foreign() {
                self.put(list, found.excused());
            }
            Some(found)
        })?;
        if !found.is_foreign() {
            self.uncount(&found);
        }
        found.close();
        Some(found)
    }

    /// A `Py_buffer` is about to be filled: the view in it, if `is_held` says that it is still held, is lost. Only
    /// a copy of the `Py_buffer` could still release it.
    pub fn lose(&self, view: usize, is_held: impl Fn(&Record) -> bool) {
        let Some(shard) = self.shard(view) else { return };
        let Some(list) = shard.list(view) else { return };
        let found = shard.lock.hold(|| {
            let found = Shard::take(list, &|record| record.is_at(view))?;
            let is_lost = found.origin.is_some() && is_held(&found);
            if is_lost {
                self.put(list, Record { status: Status::Lost, ..found });
            } else {
                self.uncount(&found);
            }
            Some((found, is_lost))
        });
        match found {
            Some((lost, true)) => lost.lose(),
            Some((released, false)) => released.close(),
            None => {}
        }
    }

    /// Where not all releases are seen: closes the views that may have been released.
    #[cold]
    pub fn close_doubtful(&self) {
        for shard in self.shards.iter().filter(|shard| shard.is_used.load(Ordering::Relaxed)) {
            for list in &shard.lists {
                while let Some(record) =
                    shard.lock.hold(|| Shard::take(list, &|record| !record.is_surely_held()))
                {
                    record.close();
                }
            }
        }
    }

    /// Removes the record of the view of `obj` at an address. An exporter that passes on another exporter's view as
    /// its own puts that view back into the `Py_buffer` before it releases it: the second search finds it.
    pub fn take(&self, view: usize, obj: usize) -> Option<Record> {
        let is_of_obj = |record: &Record| record.contents.obj == obj;
        self.take_if(view, &|record| record.is_at(view) && is_of_obj(record))
            .or_else(|| self.take_if(view, &|record| record.view == view && is_of_obj(record)))
    }

    /// Removes and closes whatever view is at an address; whether there was one.
    pub fn forget(&self, view: usize) -> bool {
        let record = self.take_if(view, &|record| record.is_at(view));
        record.as_ref().map(Record::close).is_some()
    }

    #[inline(never)]
    fn take_if(&self, view: usize, fits: &dyn Fn(&Record) -> bool) -> Option<Record> {
        let shard = self.shard(view)?;
        let list = shard.list(view)?;
        let record = shard.lock.hold(|| Shard::take(list, fits))?;
        self.n_of(record.contents.obj).fetch_sub(1, Ordering::Relaxed);
        Some(record)
    }

    /// Removes a record with the same object and memory as `view`, which seems to be a copy of its `Py_buffer`.
    #[cold]
    #[inline(never)]
    pub fn take_original(&self, view: &Py_buffer) -> Option<Record> {
        let contents = Contents::of(view);
        self.find(contents, &mut |list| Shard::take(list, &|record| record.contents == contents))
            .inspect(|record| self.uncount(record))
    }

    /// As [`take_original`](Self::take_original), but only of a `Py_buffer` that does not hold the view any more: it
    /// was copied, and then freed.
    #[cold]
    pub fn take_freed_original(&self, view: &Py_buffer) -> Option<Record> {
        let contents = Contents::of(view);
        for nth in 0..MOST_ALIKE {
            let mut n_before = nth;
            let mut fits = |record: &Record| {
                let is_alike = record.contents == contents;
                let is_nth = is_alike && n_before == 0;
                n_before = n_before.saturating_sub(is_alike.into());
                is_nth
            };
            let record = self.find(contents, &mut |list| Shard::peek(list, &mut fits))?;
            // Not under the lock, because this is a system call.
            if record.has_left() {
                return self.take_if(record.view, &|other| other.is_same(&record));
            }
        }
        None
    }

    /// The first result of `find`, which is called with one list after the other, unless there is no record of the
    /// object.
    #[inline(never)]
    fn find(
        &self,
        contents: Contents,
        find: &mut dyn FnMut(&AtomicPtr<Record>) -> Option<Record>,
    ) -> Option<Record> {
        if self.n_of(contents.obj).load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.shards
            .iter()
            .filter(|shard| shard.is_used.load(Ordering::Relaxed))
            .find_map(|shard| shard.lock.hold(|| shard.lists.iter().find_map(&mut *find)))
    }

    /// Remembers a view that is released. (Two threads may mix up two of them. The only consequence is that a wrong
    /// release may be reported as one of another kind.)
    pub fn remember(&self, record: &Record) {
        let n = self.n_released.fetch_add(1, Ordering::Relaxed);
        if let (Some(slot), Some(origin)) = (self.released.get(n % N_REMEMBERED), record.origin) {
            slot.obj.store(record.contents.obj, Ordering::Relaxed);
            slot.buf.store(record.contents.buf, Ordering::Relaxed);
            slot.origin.store(core::ptr::from_ref(origin).cast_mut(), Ordering::Release);
        }
    }

    /// The origin of a view of the same object and memory that was released a moment ago.
    #[cold]
    pub fn released_origin(&self, view: &Py_buffer) -> Option<&'static Origin> {
        let Contents { buf, obj } = Contents::of(view);
        let released = self.released.iter().find(|slot| {
            slot.obj.load(Ordering::Relaxed) == obj && slot.buf.load(Ordering::Relaxed) == buf
        })?;
        // SAFETY: null or an origin, which is never freed.
        unsafe { released.origin.load(Ordering::Acquire).as_ref() }
    }

    /// Shows each record. Its list is locked meanwhile.
    #[cold]
    pub fn each(&self, visit: &mut dyn FnMut(&Record)) {
        for shard in self.shards.iter().filter(|shard| shard.is_used.load(Ordering::Relaxed)) {
            for list in &shard.lists {
                let mut go_on = |record: &Record| {
                    visit(record);
                    false
                };
                shard.lock.hold(|| Shard::peek(list, &mut go_on));
            }
        }
    }

    /// Releases all locks, in a child.
    pub fn open(&self) {
        self.shards.iter().for_each(|shard| shard.lock.open());
    }
}
