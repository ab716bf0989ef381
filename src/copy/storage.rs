//! Memory for a copy's own needs: its loops, on the stack as a rule, and blocks from malloc.

use core::ptr::NonNull;
use core::slice;

use crate::error::Error;
use crate::plan::Axis;

/// A block from malloc, freed when dropped.
pub struct Block {
    start: NonNull<u8>,
}

impl Block {
    /// A block of `size` uninitialised bytes, aligned for any type; `None` if it cannot be had.
    pub fn new(size: usize) -> Option<Self> {
        // SAFETY: malloc takes any size.
        let start = unsafe { libc::malloc(size.max(1)) };
        NonNull::new(start.cast()).map(|start| Self { start })
    }

    /// The first byte.
    pub fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: `start` came from malloc and is freed here only.
        unsafe { libc::free(self.start.as_ptr().cast()) };
    }
}

/// Calls `work` with `ndim` loops to fill; a MemoryError if there are so many that they need malloc
/// and it fails. Up to 64 dimensions, as many as a memoryview may have, live on the stack.
pub fn with_axes(ndim: usize, work: &mut dyn FnMut(&mut [Axis])) -> Result<(), Error> {
    const FEW: usize = 8;
    const MANY: usize = 64;
    if ndim <= FEW {
        let mut axes = [Axis::default(); FEW];
        work(axes.get_mut(..ndim).unwrap_or_default());
    } else if ndim <= MANY {
        let mut axes = [Axis::default(); MANY];
        work(axes.get_mut(..ndim).unwrap_or_default());
    } else {
        let size = ndim.checked_mul(size_of::<Axis>()).ok_or(Error::NoMemory)?;
        let block = Block::new(size).ok_or(Error::NoMemory)?;
        let first = block.start().cast::<Axis>();
        for i in 0..ndim {
            // SAFETY: the block has room for `ndim` axes and is aligned for any type.
            unsafe { first.wrapping_add(i).write(Axis::default()) };
        }
        // SAFETY: `ndim` initialised axes that nothing else points to, until the block is dropped.
        work(unsafe { slice::from_raw_parts_mut(first, ndim) });
    }
    Ok(())
}
