//! Where the measured bytes lie: mapped, touched beforehand, in small pages, 16 bytes into the first
//! one, as malloc places large blocks.

use std::io;

const PAGE: usize = 4096;
/// What malloc puts before a large block.
const HEAD: usize = 16;

/// Mapped memory, unmapped when dropped.
pub struct Block {
    base: *mut u8,
    mapped: usize,
    len: usize,
}

impl Block {
    /// Maps `len` bytes, all pages touched. Those of a block that becomes fresh again may be huge, as the system likes.
    pub fn new(len: usize, becomes_fresh: bool) -> Self {
        let mapped = (HEAD + len + PAGE).next_multiple_of(PAGE);
        let (access, kind) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping at an address of the system's choice.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), mapped, access, kind, -1, 0) };
        assert!(base != libc::MAP_FAILED, "no memory: {}", io::Error::last_os_error());
        if !becomes_fresh {
            // SAFETY: the mapping just made. Fails where the system has no huge pages, which is as good.
            unsafe { libc::madvise(base, mapped, libc::MADV_NOHUGEPAGE) };
        }
        let mut block = Self { base: base.cast(), mapped, len };
        block.bytes().fill(0xA5);
        block
    }

    /// The first byte.
    pub fn start(&self) -> *mut u8 {
        self.base.wrapping_add(HEAD)
    }

    /// All bytes.
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: mapped for as long as `self`, which is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.len) }
    }

    /// Gives all pages back to the system.
    pub fn forget(&mut self) {
        // SAFETY: the mapping that `new` made; its bytes become zeros.
        let result = unsafe { libc::madvise(self.base.cast(), self.mapped, libc::MADV_DONTNEED) };
        assert_eq!(result, 0, "{}", io::Error::last_os_error());
    }

    /// Fills the block with bytes that do not repeat. As 4 or 8 bytes they are ordinary floating-point
    /// numbers, because HPTT multiplies them by one: that changes a NaN and is slow for a denormal.
    pub fn fill_randomly(&mut self) {
        const TOP: u64 = 0x7F00_0000_7F00_0000;
        const ORDINARY: u64 = 0x3000_0000_3000_0000;
        const FREE: u64 = 0x0F00_0000_0F00_0000;
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        for chunk in self.bytes().chunks_mut(8) {
            let value = random.next();
            let value = (value & !TOP | value & FREE | ORDINARY).to_le_bytes();
            chunk.copy_from_slice(&value[..chunk.len()]);
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the mapping that `new` made.
        unsafe { libc::munmap(self.base.cast(), self.mapped) };
    }
}

/// xorshift64*: the same numbers in every run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Puts a slice into a random order.
    pub fn shuffle<T>(&mut self, slice: &mut [T]) {
        for i in (1..slice.len()).rev() {
            let k = self.next() >> 33;
            slice.swap(i, k as usize % (i + 1));
        }
    }
}
