//! A value that is stored once and read for the rest of the process.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU8, Ordering};

/// A value that is stored at most once.
pub struct Once<T> {
    state: AtomicU8,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: `value` is written by the one thread that moved `state` from EMPTY to FILLING, and read only once
// `state` is FULL.
unsafe impl<T: Sync> Sync for Once<T> {}

const EMPTY: u8 = 0;
const FILLING: u8 = 1;
const FULL: u8 = 2;

impl<T> Once<T> {
    pub const fn new() -> Self {
        Self { state: AtomicU8::new(EMPTY), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// The value, if one was stored.
    pub fn get(&'static self) -> Option<&'static T> {
        if self.state.load(Ordering::Acquire) != FULL {
            return None;
        }
        // SAFETY: the value is there, and is never written again.
        let value = unsafe { &*self.value.get() };
        // SAFETY: as above.
        Some(unsafe { value.assume_init_ref() })
    }

    /// Stores a value, unless there is one already. Returns the one that is stored.
    pub fn set(&'static self, value: T) -> &'static T {
        let moved =
            self.state.compare_exchange(EMPTY, FILLING, Ordering::Acquire, Ordering::Acquire);
        if moved.is_ok() {
            // SAFETY: this thread alone moved the state to FILLING; nobody reads until it is FULL.
            unsafe { self.value.get().write(MaybeUninit::new(value)) };
            self.state.store(FULL, Ordering::Release);
        }
        loop {
            // Another thread may be storing its value, which takes a moment.
            if let Some(value) = self.get() {
                return value;
            }
            core::hint::spin_loop();
        }
    }
}
