//! Memory with guards: bytes that nobody may write on both sides, and behind those, pages that
//! nobody may touch at all.

use std::ffi::{c_int, c_long, c_void};
use std::ptr::{copy_nonoverlapping, null_mut};
use std::slice;

use super::prng::Prng;

/// How many bytes an arena can hand out, guards included.
pub const ARENA: usize = 1 << 21;
/// How many guard bytes lie on each side, where there is room.
const GUARD: usize = 64;
const GUARD_BYTE: u8 = 0xa5;

/// Readable and writable memory between two pages that are neither.
pub struct Arena {
    start: *mut u8,
}

impl Arena {
    pub fn new() -> Self {
        const NONE: c_int = 0;
        const READ_WRITE: c_int = 3;
        const PRIVATE_ANONYMOUS: c_int = 0x22;
        const PAGE: usize = 1 << 16; // as large as any of the supported machines' pages
        let size = ARENA + 2 * PAGE;
        // SAFETY: new memory is asked for, wherever there is room.
        let start = unsafe { mmap(null_mut(), size, NONE, PRIVATE_ANONYMOUS, -1, 0) };
        assert_ne!(start as isize, -1, "no memory");
        let start = start.cast::<u8>().wrapping_add(PAGE);
        // SAFETY: the middle of what was mapped.
        let changed = unsafe { mprotect(start.cast(), ARENA, READ_WRITE) };
        assert_eq!(changed, 0);
        Self { start }
    }

    /// Reserves `len` bytes: against the page in front, against the page behind, or in the middle
    /// at any alignment. With `alignment` above 1, the first byte's address is a multiple of it.
    pub fn region(&self, len: usize, alignment: usize, prng: &mut Prng) -> Region {
        let room = ARENA - len - 2 * GUARD - 64;
        let (before, offset) = match prng.below(3) {
            0 => (0, 0),
            1 => (GUARD, (ARENA - len) / alignment * alignment - GUARD),
            _ => (GUARD, room.min(4096) + prng.below(64) / alignment * alignment),
        };
        let after = GUARD.min(ARENA - offset - before - len);
        let mut initial = vec![GUARD_BYTE; before + len + after];
        initial[before..before + len].fill(0);
        Region { start: self.start.wrapping_add(offset), initial, before, len }
    }
}

/// A part of an arena, and what it holds before each call.
pub struct Region {
    start: *mut u8,
    initial: Vec<u8>,
    before: usize,
    len: usize,
}

impl Region {
    /// The first byte behind the guards.
    pub fn address(&self) -> *mut u8 {
        self.start.wrapping_add(self.before)
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// What lies between the guards before each call.
    pub fn contents(&mut self) -> &mut [u8] {
        &mut self.initial[self.before..self.before + self.len]
    }

    /// Writes the first contents and the guards.
    pub fn reset(&self) {
        // SAFETY: the arena lives as long as the process, and has room for it.
        unsafe { copy_nonoverlapping(self.initial.as_ptr(), self.start, self.initial.len()) };
    }

    /// What lies there now, guards included.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: as above.
        unsafe { slice::from_raw_parts(self.start, self.initial.len()) }
    }
}

unsafe extern "C" {
    fn mmap(
        address: *mut c_void,
        len: usize,
        protection: c_int,
        flags: c_int,
        file: c_int,
        offset: c_long,
    ) -> *mut c_void;
    fn mprotect(address: *mut c_void, len: usize, protection: c_int) -> c_int;
}
