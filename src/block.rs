//! Blocks of memory from `malloc`.

use core::mem::ManuallyDrop;
use core::ptr::NonNull;

/// The size of a cache line.
const LINE: usize = 64;

/// A block from `malloc`, freed when dropped. `errno` is preserved, also if memory is refused.
pub struct Block {
    start: NonNull<u8>,
}

impl Block {
    /// A block of `size` uninitialised bytes, aligned for any type; `None` if memory is refused.
    pub fn new(size: usize) -> Option<Self> {
        keeping_errno(|| {
            // SAFETY: `malloc` takes any size.
            let start = unsafe { libc::malloc(size.max(1)) };
            NonNull::new(start.cast()).map(|start| Self { start })
        })
    }

    /// A block with at least `size` bytes from [`Self::first_line`] on.
    pub fn of_lines(size: usize) -> Option<Self> {
        Self::new(size.checked_add(LINE.wrapping_sub(1))?)
    }

    /// Gives the block up, to be taken back by [`Self::kept`].
    pub fn keep(self) -> NonNull<u8> {
        ManuallyDrop::new(self).start
    }

    /// A block that was given up, which is freed when dropped.
    ///
    /// # Safety
    /// * KEPT: [`Self::keep`] returned `start`, and this is called once for it.
    pub unsafe fn kept(start: NonNull<u8>) -> Self {
        Self { start }
    }

    /// The first byte.
    pub fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// The first byte that is aligned to a cache line.
    pub fn first_line(&self) -> *mut u8 {
        let start = self.start();
        start.wrapping_add(start.addr().wrapping_neg() & LINE.wrapping_sub(1))
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        keeping_errno(|| {
            // SAFETY: `start` came from `malloc`, and is freed nowhere else.
            unsafe { libc::free(self.start.as_ptr().cast()) };
        });
    }
}

/// Restores `errno` after a call that may set it: `malloc` where it fails, and `free` before glibc 2.33. The accesses
/// are volatile: the compiler assumes that `malloc` and `free` leave `errno` alone, and would drop the store.
pub fn keeping_errno<T>(call: impl FnOnce() -> T) -> T {
    // SAFETY: takes nothing; every thread has an `errno`.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: the address of this thread's `errno`, which is initialised and lives as long as the thread.
    let before = unsafe { errno.read_volatile() };
    let result = call();
    // SAFETY: as above.
    unsafe { errno.write_volatile(before) };
    result
}
