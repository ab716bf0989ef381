//! Facts as the lines that are written, and as the texts of errors.

use core::ffi::{CStr, c_char};
use core::ptr::NonNull;
use core::slice;

use super::facts::Fact;
use super::memory::{self, keep_zeros};
use crate::check::text::Writer;
use crate::error::Text;

/// A line with its newline, in a block from malloc.
pub struct Line {
    block: NonNull<Block>,
    len: usize,
}

type Block = [c_char; Line::SIZE];

impl Line {
    /// More than the longest line needs: a wrong release has two places, whose 8 Python frames have 16 texts of 512 bytes, of
    /// which each may become 6.
    const SIZE: usize = 1 << 17;

    /// The line that tells a fact; `None` without memory.
    #[cold]
    pub fn of(fact: &Fact, is_json: bool) -> Option<Self> {
        let mut block = keep_zeros::<Block>()?;
        // SAFETY: a new block.
        let text = unsafe { block.as_mut() };
        let mut out = Writer::new(text);
        // SAFETY: takes nothing.
        let pid = unsafe { libc::getpid() };
        if is_json {
            fact.write_json(pid, &mut out);
        } else {
            out.put("libpybuffer audit[").number(pid as isize).put("] ");
            fact.spell(&mut out);
        }
        let end = out.len.min(Self::SIZE - 2);
        if let Some(last) = text.get_mut(end) {
            *last = b'\n' as c_char;
        }
        Some(Self { block, len: end.saturating_add(1) })
    }

    /// Its characters, without a NUL.
    pub fn characters(&self) -> &[c_char] {
        // SAFETY: the block has so many, which are zeros or were written.
        unsafe { slice::from_raw_parts(self.block.as_ptr().cast(), self.len) }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // SAFETY: from `keep_zeros`, and not used any more.
        unsafe { memory::free(self.block) };
    }
}

impl Fact<'_> {
    /// The fact as an error's text.
    #[cold]
    pub fn error_text(&self) -> Text {
        let mut text = [0; 640];
        self.spell(&mut Writer::new(&mut text));
        // SAFETY: a writer puts a NUL at the end.
        Text::from_c_str(unsafe { CStr::from_ptr(text.as_ptr()) })
    }
}
