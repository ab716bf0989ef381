//! Memory for a copy's loops.

use core::slice;

use crate::block::Block;
use crate::error::NoMemory;
use crate::plan::{Axis, Kept};

/// The most loops that are always on the stack.
pub const MANY: usize = 16;
/// The most loops that are on the stack if memory is refused: as many as a memoryview has dimensions.
const MOST: usize = 64;

/// Calls `work` with `n` loops to fill; an error if there are more than 64 and there is no memory for them.
#[inline(always)]
pub fn with_axes(n: usize, work: &mut dyn FnMut(&mut [Axis])) -> Result<(), NoMemory> {
    if n > Kept::ALL_UP_TO {
        return with_many(n, work);
    }
    on_stack::<{ Kept::ALL_UP_TO }>(n, work);
    Ok(())
}

/// As [`with_axes`]. More than 16 loops, each of two steps or more, visit more than 100,000 items, so that the time
/// of malloc does not matter.
#[inline(never)]
fn with_many(n: usize, work: &mut dyn FnMut(&mut [Axis])) -> Result<(), NoMemory> {
    if n <= MANY {
        on_stack::<MANY>(n, work);
        return Ok(());
    }
    let size = n.checked_mul(size_of::<Axis>()).ok_or(NoMemory)?;
    let Some(block) = Block::new(size) else {
        if n > MOST {
            return Err(NoMemory);
        }
        on_stack::<MOST>(n, work);
        return Ok(());
    };
    let first = block.start().cast::<Axis>();
    for i in 0..n {
        // SAFETY: the block has room for `n` axes and is aligned for any type.
        unsafe { first.wrapping_add(i).write(Axis::default()) };
    }
    // SAFETY: `n` initialised axes that nothing else points to, until the block is dropped.
    work(unsafe { slice::from_raw_parts_mut(first, n) });
    Ok(())
}

/// As [`with_axes`], for at most `N` loops.
#[inline(never)]
fn on_stack<const N: usize>(n: usize, work: &mut dyn FnMut(&mut [Axis])) {
    let mut axes = [Axis::default(); N];
    work(axes.get_mut(..n).unwrap_or_default());
}
