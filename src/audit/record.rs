//! An outstanding view, and what can be known of it without seeing its release.

use core::mem::offset_of;

use super::fork;
use super::memory;
use super::origins::Origin;
use crate::abi::Py_buffer;

/// An outstanding view: acquired, not yet released. It may come to lie where a `Py_buffer` was that is freed, at any offset.
/// So no two words of it that follow each other look like the first two of that: the memory's address and the object's.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Record {
    /// The next one in its list.
    pub next: *mut Record,
    /// The address of its `Py_buffer`.
    pub view: usize,
    /// The address of the object that was asked for it. An exporter may pass the request on to another object.
    pub asked: usize,
    /// What the `Py_buffer` held when it was filled.
    pub contents: Contents,
    /// Its length.
    pub len: isize,
    /// The thread that acquired it.
    pub thread: usize,
    /// When, in nanoseconds.
    pub time: u64,
    /// Where it comes from. `None` if `PyBuffer_FillInfo` alone filled it, or nothing is to be reported of it.
    pub origin: Option<&'static Origin>,
    /// The generation of the process that acquired it.
    pub generation: u32,
    /// What has become of its `Py_buffer`.
    pub status: Status,
    /// Whether its `Py_buffer` lies on a stack.
    pub is_on_stack: bool,
    /// Whether its exporter has a `bf_releasebuffer`. Otherwise a release only drops the reference.
    pub has_release: bool,
}

/// What has become of a `Py_buffer` since it was filled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It still holds the view, as far as is known.
    InPlace,
    /// It was filled again before the view was released: the view is lost.
    Lost,
    /// The exporter that acquired the view has put a view of another object into it, and keeps this one.
    Kept,
}

/// The fields by which a view in a `Py_buffer` is recognised. A release clears the object; other data at the same
/// address differ too.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Contents {
    /// The address of the object.
    pub obj: usize,
    /// The address of the memory.
    pub buf: usize,
}

const _: () =
    assert!(offset_of!(Py_buffer, buf) == 0 && offset_of!(Py_buffer, obj) == size_of::<usize>());

impl Contents {
    /// What a view holds.
    pub fn of(view: &Py_buffer) -> Self {
        Self { obj: view.obj.addr(), buf: view.buf.addr() }
    }

    /// What a `Py_buffer` holds that need not have been filled.
    ///
    /// # Safety
    /// * READABLE: `view` is readable.
    pub unsafe fn at(view: *const Py_buffer) -> Self {
        // SAFETY: readable (caller: READABLE), and begins with these two fields.
        let [buf, obj] = unsafe { view.cast::<[usize; 2]>().read() };
        Self { obj, buf }
    }

    /// What lies at an address where a `Py_buffer` was, if that can be read.
    #[inline(never)]
    fn read(view: usize) -> Option<Self> {
        memory::read(view).map(|[buf, obj]| Self { obj, buf })
    }
}

/// Whether a `Py_buffer` lies on this thread's stack: in the 64 MiB above this frame.
fn is_on_stack(view: usize) -> bool {
    let here = 0_u8;
    view.wrapping_sub((&raw const here).addr()) < 64 << 20
}

impl Record {
    /// A view that was acquired just now, from the object at the address `asked`.
    pub fn of(view: &Py_buffer, asked: usize, origin: Option<&'static Origin>) -> Self {
        let address = core::ptr::from_ref(view).addr();
        Self {
            next: core::ptr::null_mut(),
            view: address,
            contents: Contents::of(view),
            asked,
            len: view.len,
            // SAFETY: takes nothing.
            thread: unsafe { libc::pthread_self() } as usize,
            time: memory::now(),
            origin,
            generation: fork::generation(),
            status: Status::InPlace,
            is_on_stack: is_on_stack(address),
            has_release: true,
        }
    }

    /// Whether this is the view that the `Py_buffer` at an address holds.
    pub fn is_at(&self, view: usize) -> bool {
        self.view == view && self.status == Status::InPlace
    }

    /// Counts the view as released. A view that a parent process acquired was never counted in this one.
    pub fn close(&self) {
        if let Some(origin) = self.origin.filter(|_| self.is_own()) {
            origin.release(self.status != Status::InPlace);
        }
    }

    /// Counts the view as lost.
    pub fn lose(&self) {
        if let Some(origin) = self.origin.filter(|_| self.is_own()) {
            origin.lose();
        }
    }

    /// Whether the view is held for certain, even if releases are not seen, given what its `Py_buffer` holds `now`:
    /// a release would have cleared `obj`. On a stack this proves nothing, because a compiler need not write what
    /// nobody reads.
    pub fn is_surely_in(&self, now: Contents) -> bool {
        !self.is_on_stack && now == self.contents
    }

    /// Whether the view is held for certain, even if releases are not seen.
    pub fn is_surely_held(&self) -> bool {
        match self.status {
            Status::InPlace => Contents::read(self.view).is_some_and(|now| self.is_surely_in(now)),
            // It was held when its `Py_buffer` was filled again.
            Status::Lost => true,
            Status::Kept => false,
        }
    }

    /// Whether its `Py_buffer` does not hold the view any more.
    pub fn has_left(&self) -> bool {
        match self.status {
            Status::InPlace => Contents::read(self.view).is_none_or(|now| now != self.contents),
            Status::Lost => true,
            Status::Kept => false,
        }
    }

    /// Whether this is the same record as one that was read before, while its list was not locked.
    pub fn is_same(&self, other: &Self) -> bool {
        let numbers = |record: &Self| (record.view, record.contents, record.status as u8);
        numbers(self) == numbers(other)
    }

    /// Whether it was acquired by code other than the interpreter's. (The interpreter releases some views by calling
    /// the slot itself.)
    pub fn is_foreign(&self) -> bool {
        self.origin.and_then(Origin::call_site).is_some_and(|site| !site.is_host)
    }

    /// What is left of this view if the exporter of `outer` acquired it in order to fill the same `Py_buffer`:
    /// nothing if both have the same object, which is then passed on, or if the interpreter acquired it.
    pub fn kept_by_exporter_of(self, outer: &Self) -> Option<Self> {
        if self.contents.obj == outer.contents.obj || !(self.is_foreign() || self.origin.is_none())
        {
            None
        } else if self.has_release && self.origin.is_some() {
            Some(Self { status: Status::Kept, ..self })
        } else {
            Some(self.excused())
        }
    }

    /// This record without its origin: the view may still be released, but it is not reported as held.
    pub fn excused(self) -> Self {
        Self { origin: None, status: Status::Kept, ..self }
    }

    /// Whether it has no origin, so that it is never reported as held.
    pub fn is_excused(&self) -> bool {
        self.origin.is_none() && self.status == Status::Kept
    }

    fn is_own(&self) -> bool {
        self.generation == fork::generation()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    use crate::protocol::get;

    /// The object that was asked is the one that answers, as mostly: both fields hold its address.
    #[test]
    fn record_looks_at_no_offset_like_the_view_that_it_is_of() {
        let (buf, obj) = (0x1000 as *mut core::ffi::c_void, 0x2000 as *mut _);
        let view = Py_buffer { buf, obj, ..get::EMPTY };
        let record = Record::of(&view, obj.addr(), None);
        let words = words_of(&record);
        assert!(words.contains(&buf.addr()) && words.contains(&obj.addr()));
        assert!(!words.windows(2).any(|pair| pair == [buf.addr(), obj.addr()]), "{words:x?}");
    }

    fn words_of(record: &Record) -> Vec<usize> {
        let first = core::ptr::from_ref(record).cast::<usize>();
        let n = offset_of!(Record, generation) / size_of::<usize>();
        // SAFETY: inside the record, before the fields that have padding.
        (0..n).map(|i| unsafe { first.add(i).read() }).collect()
    }
}
