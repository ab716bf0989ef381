//! Fresh memory: pages that nobody has touched yet and that a copy is about to write.
//!
//! The first write to each page is a page fault, and the faults take several times as long as the copy. Linux maps a range
//! ahead by one call: in huge pages (`MADV_COLLAPSE`, 6.1 and later), which takes a sixth of the time, and the rest in
//! small ones (`MADV_POPULATE_WRITE`, 5.14). Neither changes a byte, and neither is a policy that would stay on the
//! caller's memory, as `MADV_HUGEPAGE` is (D-45). All of the range is written anyway, so no more memory is in use than
//! without them.

use core::ffi::{CStr, c_int};
use core::ptr;
use core::sync::atomic::{AtomicU8, Ordering};

use crate::block::keeping_errno;
use crate::environment;
use crate::layout::extent;
use crate::plan::Axis;

/// Where fewer bytes are written, the question whether they are fresh would cost more than one percent of the copy (D-45).
const LEAST: usize = 3 << 20;
/// The same where one block is moved to another, which is twice as fast.
const LEAST_BLOCK: usize = 6 << 20;
/// Bytes of small pages that are mapped by one call. Other threads that map or unmap memory wait for its end.
const AT_ONCE: usize = 64 << 20;
/// The sizes of pages for which it was measured.
const SMALL: usize = 4096;
const HUGE: usize = 2 << 20;

/// Something that is done only if it is allowed; that is asked once.
struct Switch(AtomicU8);

impl Switch {
    const UNDECIDED: u8 = 0;
    const ON: u8 = 1;
    const OFF: u8 = 2;

    const fn new() -> Self {
        Self(AtomicU8::new(Self::UNDECIDED))
    }

    fn set(&self, is_on: bool) {
        self.0.store(if is_on { Self::ON } else { Self::OFF }, Ordering::Relaxed);
    }

    fn is_on(&self, decide: fn() -> bool) -> bool {
        if self.0.load(Ordering::Relaxed) == Self::UNDECIDED {
            self.set(decide());
        }
        self.0.load(Ordering::Relaxed) == Self::ON
    }
}

/// Whether pages are mapped ahead at all.
static AHEAD: Switch = Switch::new();
/// Whether the system uses huge pages.
static HUGE_PAGES: Switch = Switch::new();
/// Whether the system knows `MADV_POPULATE_WRITE`, and no sandbox refuses it.
static POPULATES: Switch = Switch::new();

// Linux's numbers: of `libc`, the second is there for glibc alone.
const POPULATE_WRITE: c_int = 23;
const COLLAPSE: c_int = 25;

/// Gives an advice for the pages of `len` bytes; whether it was followed. It is not if it does not suit their kind of
/// memory, which says nothing about other memory. For no bytes the answer is whether the system knows it, and permits it.
fn advise(start: *mut u8, len: usize, advice: c_int) -> bool {
    // SAFETY: both advices only map pages: no byte changes, and where there is no memory they are an error.
    unsafe { libc::madvise(start.cast(), len, advice) == 0 }
}

#[cold]
fn can_populate() -> bool {
    advise(ptr::null_mut(), 0, POPULATE_WRITE)
}

/// Allows it, unless `PYBUFFER_POPULATE` is 0: called in processes with a Python. Others have to ask for it, by 1.
pub fn allow() {
    AHEAD.set(asked() != Some(false));
}

/// What `PYBUFFER_POPULATE` asks for.
fn asked() -> Option<bool> {
    match environment::variable(c"PYBUFFER_POPULATE")?.to_bytes() {
        b"1" => Some(true),
        b"0" => Some(false),
        _ => None,
    }
}

/// Maps the pages of `len` bytes that a block is about to be moved to, if they are many and fresh.
#[inline]
pub fn populate(start: *mut u8, len: usize) {
    if len >= LEAST_BLOCK {
        populate_many(start, len);
    }
}

/// Whether so many bytes are written that [`populate_axes`] looks at the destination.
#[inline]
pub fn is_much(items: isize, itemsize: isize) -> bool {
    items.saturating_mul(itemsize).unsigned_abs() >= LEAST
}

/// The same for the destination of a copy of `items` items, which begins at `first` and no two of whose items share a
/// byte: if there are no gaps between them. No pointer is followed.
#[inline]
pub fn populate_axes(first: *mut u8, axes: &[Axis], items: isize, itemsize: isize) {
    let len = items.saturating_mul(itemsize);
    if len.unsigned_abs() >= LEAST {
        populate_block(first, axes, itemsize, len);
    }
}

#[cold]
#[inline(never)]
fn populate_block(first: *mut u8, axes: &[Axis], itemsize: isize, len: isize) {
    if let Some(extent) = extent::extent(itemsize, axes.iter().map(|axis| (axis.n, axis.dst)))
        && extent.high.wrapping_sub(extent.low) == len
    {
        populate_many(first.wrapping_offset(extent.low), len.unsigned_abs());
    }
}

#[cold]
#[inline(never)]
fn populate_many(start: *mut u8, len: usize) {
    if !AHEAD.is_on(|| asked() == Some(true)) {
        return;
    }
    // Whole pages: others may have touched the first one and the last.
    let end = start.addr().wrapping_add(len) & !SMALL.wrapping_sub(1);
    let first = start.wrapping_add(start.addr().wrapping_neg() & SMALL.wrapping_sub(1));
    let len = end.wrapping_sub(first.addr());
    let middle = (len / 2) & !SMALL.wrapping_sub(1);
    keeping_errno(|| {
        let mut pages = [0, middle, len.wrapping_sub(SMALL)].into_iter();
        if pages.all(|page| is_fresh(first.wrapping_add(page))) {
            map(first, len);
        }
    });
}

/// Whether nobody has touched a page; `false` if the system does not say, or has pages of another size.
fn is_fresh(page: *mut u8) -> bool {
    let mut is_resident = 1;
    // SAFETY: one byte is written for the one page that is asked about.
    let result = unsafe { libc::mincore(page.cast(), 1, &raw mut is_resident) };
    result == 0 && is_resident & 1 == 0
}

/// Maps `len` bytes of whole pages.
fn map(first: *mut u8, len: usize) {
    if !POPULATES.is_on(can_populate) {
        return;
    }
    let skipped = first.addr().wrapping_neg() & HUGE.wrapping_sub(1);
    if len >= skipped.saturating_add(HUGE) && HUGE_PAGES.is_on(uses_huge_pages) {
        map_huge(first.wrapping_add(skipped), len.wrapping_sub(skipped) & !HUGE.wrapping_sub(1));
    }
    // What lies in a huge page now is passed over quickly.
    let mut done = 0;
    while done < len {
        let size = len.wrapping_sub(done).min(AT_ONCE);
        if !advise(first.wrapping_add(done), size, POPULATE_WRITE) {
            return;
        }
        done = done.wrapping_add(size);
    }
}

/// Maps whole huge pages. Only those of which a small page is there can be collapsed.
fn map_huge(first: *mut u8, len: usize) {
    let mut parts = (0..len).step_by(HUGE);
    if parts.all(|at| advise(first.wrapping_add(at), SMALL, POPULATE_WRITE)) {
        advise(first, len, COLLAPSE);
    }
}

/// Whether the system can make huge pages at once and its administrator allows them; `MADV_COLLAPSE` itself would not ask.
#[cold]
fn uses_huge_pages() -> bool {
    const PATH: &CStr = c"/sys/kernel/mm/transparent_hugepage/enabled";
    let mut text = [0_u8; 64];
    // SAFETY: a C string.
    let file = unsafe { libc::open(PATH.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return false;
    }
    // SAFETY: as many bytes are writable at `text`.
    let n = unsafe { libc::read(file, text.as_mut_ptr().cast(), text.len()) };
    // SAFETY: opened above.
    unsafe { libc::close(file) };
    n > 0 && !text.windows(7).any(|word| word == b"[never]") && advise(ptr::null_mut(), 0, COLLAPSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages that nobody has touched.
    struct Pages {
        start: *mut u8,
        len: usize,
    }

    impl Pages {
        fn new(len: usize) -> Self {
            let (protection, flags) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            // SAFETY: new memory.
            let start = unsafe { libc::mmap(core::ptr::null_mut(), len, protection, flags, -1, 0) };
            assert_ne!(start, libc::MAP_FAILED);
            // Also with huge pages for everything, a touched page does not bring in its neighbours.
            // SAFETY: the same memory.
            unsafe { libc::madvise(start, len, libc::MADV_NOHUGEPAGE) };
            Self { start: start.cast(), len }
        }

        fn n_touched(&self) -> usize {
            (0..self.len)
                .step_by(SMALL)
                .filter(|at| !is_fresh(self.start.wrapping_add(*at)))
                .count()
        }

        fn touch(&self, at: usize) {
            // SAFETY: within the pages.
            unsafe { self.start.wrapping_add(at).write_volatile(7) };
        }
    }

    impl Drop for Pages {
        fn drop(&mut self) {
            // SAFETY: mapped by `new`.
            unsafe { libc::munmap(self.start.cast(), self.len) };
        }
    }

    /// Whether this kernel maps pages ahead, which all tests but the first need.
    fn is_supported() -> bool {
        AHEAD.set(true);
        let pages = Pages::new(SMALL);
        // An emulator may take the advice and do nothing.
        advise(pages.start, SMALL, POPULATE_WRITE) && !is_fresh(pages.start)
    }

    #[test]
    fn nothing_is_mapped_unless_it_is_asked_for() {
        let switch = Switch::new();
        assert!(!switch.is_on(|| asked() == Some(true)), "PYBUFFER_POPULATE is set");
        assert!(!switch.is_on(|| true), "decided once");
    }

    #[test]
    fn whole_pages_of_a_fresh_range_are_mapped_and_no_byte_is_changed() {
        if !is_supported() {
            return;
        }
        for (before, len) in [(0, LEAST_BLOCK), (32, LEAST_BLOCK + 77), (5000, 9 << 20)] {
            let pages = Pages::new(before + len + 3 * SMALL);
            populate(pages.start.wrapping_add(before), len);
            let end = (before + len) / SMALL;
            assert_eq!(pages.n_touched(), end - before.div_ceil(SMALL), "{before} {len}");
            // SAFETY: within the pages.
            let is_zero = |at: usize| unsafe { pages.start.wrapping_add(at).read() } == 0;
            assert!((0..pages.len).step_by(64).all(is_zero));
        }
    }

    #[test]
    fn range_that_somebody_has_touched_is_left_alone() {
        if !is_supported() {
            return;
        }
        let len = LEAST_BLOCK;
        for touched in [0, len / 2, len - SMALL] {
            let pages = Pages::new(len);
            pages.touch(touched);
            populate(pages.start, len);
            assert_eq!(pages.n_touched(), 1);
        }
        let few = Pages::new(LEAST_BLOCK - 1);
        populate(few.start, LEAST_BLOCK - 1);
        assert_eq!(few.n_touched(), 0);
    }

    #[test]
    fn gaps_of_an_array_are_left_alone() {
        if !is_supported() {
            return;
        }
        let (n, len) = (1024, 4 << 20);
        let mapped = |strides: [isize; 2], first: usize| {
            let pages = Pages::new(len);
            let axes = strides.map(|dst| Axis { n, dst, ..Axis::default() });
            populate_axes(pages.start.wrapping_add(first), &axes, n * n, 4);
            pages.n_touched()
        };
        assert_eq!(mapped([4096, 4], 0), 1024);
        assert_eq!(mapped([4, 4096], 0), 1024);
        assert_eq!(mapped([-4096, 4], 1023 * 4096), 1024);
        assert_eq!(mapped([4096 - 4, 4], 0), 0, "items that share bytes");
        assert_eq!(mapped([4096 + 4, 4], 0), 0, "gaps");
    }
}
