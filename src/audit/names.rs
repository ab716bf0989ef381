//! Copies of names: when a line is written, the type, the library or the code that is named may be gone.

use core::ffi::{CStr, c_char};

use super::memory::{self, hash_of};
use super::table::{Entry, Head, Table};
use crate::check::text::Writer;

/// The size of a short name, with its NUL; longer ones are cut.
const NAME: usize = 96;

/// A copy of a short name, with its NUL.
pub type Name = [c_char; NAME];

/// An empty name.
pub const EMPTY: Name = [0; NAME];

/// Copies a short name.
#[inline(never)]
pub fn copy(name: &CStr) -> Name {
    let mut copy = EMPTY;
    Writer::new(&mut copy).printable(name.to_bytes());
    copy
}

/// An interned text.
#[repr(C)]
struct Text {
    head: Head,
    text: &'static CStr,
}

// SAFETY: `repr(C)`, with its head first (HEAD).
unsafe impl Entry for Text {}

/// Interned texts. It begins as zeros.
pub struct Texts(Table<Text>);

impl Texts {
    /// The most bytes that are kept of a text.
    const MOST: usize = 4096;

    /// A copy of a text, the same for equal texts; an empty one without memory.
    #[inline(never)]
    pub fn intern(&self, text: &[u8]) -> &'static CStr {
        let hash = hash_of(text);
        let key = [hash as usize, (hash >> 32) as usize, text.len()];
        let kept = text.get(..Self::MOST).unwrap_or(text);
        let found = self.0.intern(key, |head| Text { head, text: memory::copy_of(kept) });
        found.map_or(c"", |found| found.text)
    }

    /// Releases the lock, in a child.
    pub fn open(&self) {
        self.0.open();
    }
}
