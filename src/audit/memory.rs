//! Memory from malloc, which pages are mapped, hashes, the time, a spin lock, and the program's `errno`.

use core::ffi::{CStr, c_int};
use core::hint::spin_loop;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::check;

/// Moves a value into a block from malloc; `None` without memory.
pub fn keep<T>(value: T) -> Option<NonNull<T>> {
    // SAFETY: malloc takes any size, and aligns for any type of pointers and numbers.
    let block = NonNull::new(unsafe { libc::malloc(size_of::<T>()) }.cast::<T>())?;
    // SAFETY: a new block of that size.
    unsafe { block.write(value) };
    Some(block)
}

/// A block of zeros; `None` without memory.
pub fn keep_zeros<T>() -> Option<NonNull<T>> {
    // SAFETY: calloc takes any size, and aligns for any type of pointers and numbers.
    NonNull::new(unsafe { libc::calloc(1, size_of::<T>()) }.cast())
}

/// Frees what [`keep`] or [`keep_zeros`] gave.
///
/// # Safety
/// * BLOCK: `block` came from one of them, and nothing refers to it any more.
pub unsafe fn free<T>(block: NonNull<T>) {
    // SAFETY: from malloc, and nothing refers to it (caller: BLOCK).
    unsafe { libc::free(block.as_ptr().cast()) };
}

/// A copy of a text, which is never freed; an empty one without memory.
#[cold]
#[inline(never)]
pub fn copy_of(text: &[u8]) -> &'static CStr {
    let size = text.len().wrapping_add(1);
    // SAFETY: takes any number.
    let block = unsafe { libc::calloc(size, 1) }.cast::<u8>();
    if block.is_null() {
        return c"";
    }
    // SAFETY: a new block, one byte larger than the text.
    unsafe { block.copy_from_nonoverlapping(text.as_ptr(), text.len()) };
    // SAFETY: a NUL follows the text at the latest.
    unsafe { CStr::from_ptr(block.cast()) }
}

/// The contents of a file of less than a mebibyte, which are never freed; `Err` with the error's number if it cannot be read.
#[cold]
pub fn read_file(path: &CStr) -> Result<&'static [u8], c_int> {
    const MOST: usize = 1 << 20;
    // SAFETY: a C string.
    let file = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return Err(Errno::keep().value());
    }
    // Pages that are not written take no memory.
    // SAFETY: takes any number.
    let block = unsafe { libc::malloc(MOST) }.cast::<u8>();
    let mut size: usize = 0;
    let mut result = if block.is_null() { Err(libc::ENOMEM) } else { Ok(()) };
    while result.is_ok() && size < MOST {
        // SAFETY: so many bytes are left of the block.
        let n =
            unsafe { libc::read(file, block.wrapping_add(size).cast(), MOST.wrapping_sub(size)) };
        match n {
            0 => break,
            ..0 => result = Err(Errno::keep().value()),
            _ => size = size.wrapping_add(n.cast_unsigned()),
        }
    }
    if size == MOST {
        result = Err(libc::EFBIG);
    }
    // SAFETY: opened above.
    unsafe { libc::close(file) };
    // SAFETY: so many bytes were read.
    result.map(|()| unsafe { core::slice::from_raw_parts(block, size) })
}

/// The numbers at an address; `None` if they cannot be read. The kernel copies them, so a bad address causes no
/// fault.
pub fn read<const N: usize>(address: usize) -> Option<[usize; N]> {
    let mut numbers = [0; N];
    let size = size_of_val(&numbers);
    let to = libc::iovec { iov_base: numbers.as_mut_ptr().cast(), iov_len: size };
    let from = libc::iovec { iov_base: ptr::without_provenance_mut(address), iov_len: size };
    // SAFETY: takes nothing.
    let process = unsafe { libc::getpid() };
    // SAFETY: `size` bytes are writable at `numbers`; the system checks the address that it reads from.
    let n = unsafe { libc::process_vm_readv(process, &raw const to, 1, &raw const from, 1, 0) };
    (n.cast_unsigned() == size).then_some(numbers)
}

/// A cache of pages that are mapped, so that most questions need no system call. It begins as zeros. (A page that
/// is unmapped later still counts as mapped.)
pub struct Pages([AtomicUsize; Self::N]);

impl Pages {
    const N: usize = 1024;
    /// The bits of an address within a page, of the smallest size that there is.
    const BITS: u32 = 12;

    /// Whether memory is mapped: its first page and its last.
    pub fn have(&self, address: usize, size: usize) -> bool {
        let last = address.wrapping_add(size.saturating_sub(1));
        let [first, last] = [address, last].map(|address| address >> Self::BITS);
        self.has(first) && (first == last || self.has(last))
    }

    #[inline(never)]
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

/// Spreads an address over the upper bits of a number. The lower ones hardly differ: blocks lie at multiples of their
/// alignment.
pub fn hash(address: usize) -> u64 {
    (address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// A number that depends on each byte of a text. Texts of the program's own code do not collide by chance.
pub fn hash_of(text: &[u8]) -> u64 {
    let mut hash = text.len() as u64;
    let (words, rest) = text.as_chunks::<8>();
    for word in words {
        hash = mix(hash ^ u64::from_le_bytes(*word));
    }
    rest.iter().fold(hash, |hash, byte| mix(hash ^ u64::from(*byte)))
}

/// Spreads each bit of a number over all bits of another.
pub fn mix(number: u64) -> u64 {
    let product = u128::from(number ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    product as u64 ^ (product >> 64) as u64
}

/// The time that has passed since some beginning, in nanoseconds.
pub fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writable.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// A spin lock. It is held for a few dozen instructions, which call nothing but malloc and free.
#[derive(Default)]
pub struct Lock(AtomicU32);

impl Lock {
    /// Calls `work` with the lock held.
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
    #[inline(never)]
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

    /// Releases the lock, in a child: the thread that held it does not exist there.
    #[inline(never)]
    pub fn open(&self) {
        self.0.store(0, Ordering::Release);
    }
}

/// Restores this thread's `errno` when it is dropped.
pub struct Errno {
    at: *mut c_int,
    value: c_int,
}

impl Errno {
    /// Notes the value to restore.
    pub fn keep() -> Self {
        // SAFETY: takes nothing.
        let at = unsafe { libc::__errno_location() };
        // SAFETY: this thread's own number.
        let value = unsafe { *at };
        Self { at, value }
    }

    /// The value to restore.
    pub fn value(&self) -> c_int {
        self.value
    }
}

impl Drop for Errno {
    fn drop(&mut self) {
        // SAFETY: this thread's own number: a pointer makes `Errno` stay in the thread that made it.
        unsafe { *self.at = self.value };
    }
}
