//! Memory from malloc, and a lock of one word.

use core::hint::spin_loop;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

/// A value in a block from malloc; `None` if it cannot be had.
pub fn keep<T>(value: T) -> Option<NonNull<T>> {
    // SAFETY: malloc takes any size, and aligns for what has pointers at most.
    let block = NonNull::new(unsafe { libc::malloc(size_of::<T>()) }.cast::<T>())?;
    // SAFETY: a new block of that size.
    unsafe { block.write(value) };
    Some(block)
}

/// Frees what [`keep`] gave.
///
/// # Safety
/// `block` came from [`keep`], and nothing refers to it any more.
pub unsafe fn free<T>(block: NonNull<T>) {
    // SAFETY: the caller's promise.
    unsafe { libc::free(block.as_ptr().cast()) };
}

/// A lock that is held for some dozen instructions, without a call of anything but malloc and free.
#[derive(Default)]
pub struct Lock(AtomicU32);

impl Lock {
    /// Calls `work` while no other thread is in such a call.
    #[inline]
    pub fn hold<R>(&self, work: impl FnOnce() -> R) -> R {
        while self.0.compare_exchange_weak(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.wait();
        }
        let result = work();
        self.0.store(0, Ordering::Release);
        result
    }

    #[cold]
    fn wait(&self) {
        for _ in 0..100 {
            if self.0.load(Ordering::Relaxed) == 0 {
                return;
            }
            spin_loop();
        }
        // SAFETY: takes nothing.
        unsafe { libc::sched_yield() };
    }

    /// Opens the lock in a new process: who held it is not there.
    pub fn open(&self) {
        self.0.store(0, Ordering::Release);
    }
}
