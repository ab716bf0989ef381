//! Memory from malloc, what is mapped, a hash of addresses, a lock of one word, and the errno of the program.

use core::ffi::c_int;
use core::hint::spin_loop;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::check;

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

/// What is at an address, if it can be read: the system copies it, so no address is a fault.
pub fn read<T: Copy>(address: usize) -> Option<T> {
    let mut value = MaybeUninit::<T>::uninit();
    let to = libc::iovec { iov_base: value.as_mut_ptr().cast(), iov_len: size_of::<T>() };
    let from =
        libc::iovec { iov_base: ptr::without_provenance_mut(address), iov_len: size_of::<T>() };
    // SAFETY: takes nothing.
    let process = unsafe { libc::getpid() };
    // SAFETY: as many bytes are writable as are asked for.
    let n = unsafe { libc::process_vm_readv(process, &raw const to, 1, &raw const from, 1, 0) };
    // SAFETY: all of it was written, by bytes of memory that are a `T`'s (callers take numbers).
    (n.cast_unsigned() == size_of::<T>()).then(|| unsafe { value.assume_init() })
}

/// The addresses at which memory was found, so that the system is asked once about what is looked at again and
/// again. It begins as zeros. (Memory that goes later is still taken to be there.)
pub struct Pages([AtomicUsize; Self::N]);

impl Pages {
    const N: usize = 1024;
    /// The bits of an address within the smallest page that there is.
    const BITS: u32 = 12;

    /// Whether memory is there: the first page of it and the last.
    pub fn have(&self, address: usize, size: usize) -> bool {
        let last = address.wrapping_add(size.saturating_sub(1));
        let [first, last] = [address, last].map(|address| address >> Self::BITS);
        self.has(first) && (first == last || self.has(last))
    }

    fn has(&self, page: usize) -> bool {
        let Some(found) = self.0.get((hash(page) >> 40) as usize % Self::N) else { return true };
        if found.load(Ordering::Relaxed) == page {
            return true;
        }
        let is_there = check::mapped(page << Self::BITS, 1);
        if is_there {
            found.store(page, Ordering::Relaxed);
        }
        is_there
    }
}

/// Spreads an address over the upper bits, as those of one size lie at multiples of it.
pub fn hash(address: usize) -> u64 {
    (address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
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

/// Keeps this thread's `errno` as it is, whatever is called until it is dropped.
pub struct Errno {
    at: *mut c_int,
    value: c_int,
}

impl Errno {
    /// Notes it.
    pub fn keep() -> Self {
        // SAFETY: takes nothing.
        let at = unsafe { libc::__errno_location() };
        // SAFETY: this thread's own number.
        let value = unsafe { *at };
        Self { at, value }
    }

    /// What it was.
    pub fn value(&self) -> c_int {
        self.value
    }
}

impl Drop for Errno {
    fn drop(&mut self) {
        // SAFETY: as in `keep`; this value lives within one call, so in one thread.
        unsafe { *self.at = self.value };
    }
}
