//! A view that is out, and what can be told of it without hearing of its release.

use core::mem::offset_of;

use super::memory;
use super::people::Asked;
use super::process;
use crate::abi::Py_buffer;

/// A view that is out.
#[derive(Clone, Copy)]
pub struct Record {
    /// The next one in its list.
    pub next: *mut Record,
    /// The addresses of its `Py_buffer`, and of what that holds.
    pub view: usize,
    pub obj: usize,
    pub buf: usize,
    /// Who asked for it; none if `PyBuffer_FillInfo` was called.
    pub asked: Option<&'static Asked>,
    /// The process of those that fork from one another.
    pub generation: u32,
    /// What has become of its `Py_buffer`.
    pub now: Now,
    /// Whether that is on a stack.
    pub is_on_stack: bool,
    /// Whether its exporter is to be told that it is given back. Of another one, dropping the reference is enough.
    pub has_release: bool,
}

/// What has become of a `Py_buffer` since it was filled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Now {
    /// Nothing.
    Same,
    /// It was filled again before the view was given back: the view is lost.
    FilledAgain,
    /// The exporter that had it filled has put another object's view there, and keeps this one.
    Kept,
}

/// What tells a view that is held from one that was given back, which has no object, and from other things
/// at its address.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Pair {
    buf: usize,
    obj: usize,
}

const _: () =
    assert!(offset_of!(Py_buffer, buf) == 0 && offset_of!(Py_buffer, obj) == size_of::<usize>());

impl Pair {
    /// A view's.
    ///
    /// # Safety
    /// The view is readable.
    pub unsafe fn of(view: *const Py_buffer) -> Self {
        // SAFETY: readable (caller), and begins with these.
        unsafe { view.cast::<Self>().read() }
    }
}

/// Whether a `Py_buffer` is on this thread's stack, or close above it.
fn is_on_stack(view: usize) -> bool {
    let here = 0_u8;
    view.wrapping_sub((&raw const here).addr()) < 64 << 20
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
            now: Now::Same,
            is_on_stack: is_on_stack(core::ptr::from_ref(view).addr()),
            has_release: true,
        }
    }

    /// Whether this is the view that a `Py_buffer` holds.
    pub fn is_at(&self, view: usize) -> bool {
        self.view == view && self.now == Now::Same
    }

    /// The view is out no more. One of a process that this one was forked from does not count here.
    pub fn close(&self) {
        if let Some(asked) = self.asked.filter(|_| self.is_own()) {
            asked.release(self.now != Now::Same);
        }
    }

    /// Whether the view is held for certain, though releases may not be heard: its `Py_buffer`, in which there
    /// is `now`, still holds it. On a stack that is no proof: nothing need be written there that nobody is
    /// going to read.
    pub fn is_certainly_in(&self, now: Pair) -> bool {
        !self.is_on_stack && self.is_in(now)
    }

    /// Whether the view is held for certain, though releases may not have been heard.
    pub fn is_certainly_out(&self) -> bool {
        match self.now {
            Now::Same => memory::read(self.view).is_some_and(|now| self.is_certainly_in(now)),
            // It was held then.
            Now::FilledAgain => true,
            Now::Kept => false,
        }
    }

    /// Whether its `Py_buffer` holds it no more.
    pub fn is_gone(&self) -> bool {
        match self.now {
            Now::Same => memory::read(self.view).is_none_or(|now| !self.is_in(now)),
            Now::FilledAgain => true,
            Now::Kept => false,
        }
    }

    fn is_in(&self, now: Pair) -> bool {
        now == Pair { buf: self.buf, obj: self.obj }
    }

    /// Whether it is the same one, in a list that was let go meanwhile.
    pub fn is_same(&self, other: &Self) -> bool {
        let numbers = |record: &Self| (record.view, record.obj, record.buf, record.now as u8);
        numbers(self) == numbers(other)
    }

    /// Whether another `Py_buffer` has the same object and memory.
    pub fn is_like(&self, view: &Py_buffer) -> bool {
        self.obj == view.obj.addr() && self.buf == view.buf.addr()
    }

    /// Its `Py_buffer` is in use for another view.
    pub fn lose(&self) {
        if let Some(asked) = self.asked.filter(|_| self.is_own()) {
            asked.lose();
        }
    }

    /// Whether it was asked for by code that is not the interpreter's. (The interpreter gives some views
    /// back by the slot itself.)
    pub fn is_of_a_guest(&self) -> bool {
        self.asked.and_then(|asked| asked.place).is_some_and(|place| !place.is_host)
    }

    /// What its exporter keeps of this view, which it asked for on the way to another one: nothing if the object
    /// is the same, or if the interpreter asked.
    pub fn kept_by_exporter_of(self, other: &Self) -> Option<Self> {
        if self.obj == other.obj || !(self.is_of_a_guest() || self.asked.is_none()) {
            None
        } else if self.has_release && self.asked.is_some() {
            Some(Self { now: Now::Kept, ..self })
        } else {
            Some(self.excused())
        }
    }

    /// This record without who asked: it may still be given back, but nobody is said to hold it.
    pub fn excused(self) -> Self {
        Self { asked: None, now: Now::Kept, ..self }
    }

    /// Whether it is one of those.
    pub fn is_excused(&self) -> bool {
        self.asked.is_none() && self.now == Now::Kept
    }

    fn is_own(&self) -> bool {
        self.generation == process::generation()
    }
}
