//! The memory for a weave's tables and stages: a block from malloc, or, if the copy is too small for that or memory is
//! refused, smaller ones on the stack.

use core::mem::MaybeUninit;

use super::storage::MANY;
use crate::block::Block;
use crate::plan::{MOST_COLUMNS, MOST_ROWS};

/// The number of items from which on a block from malloc pays (D-42).
const PAYS: usize = 256;

/// The addresses of rows or columns.
pub type Table = [MaybeUninit<*mut u8>];

/// Two buffers in which a block of rows and columns is collected and transposed.
pub struct Stage {
    /// The lines of the rows.
    pub input: *mut u8,
    /// The lines of the columns, after those of the rows.
    pub output: *mut u8,
    /// How many bytes each of the two has.
    pub size: usize,
    /// The size of a line in either buffer is a multiple of this.
    pub grain: usize,
    /// The most bytes of a row that are staged at once if its columns lie at regular distances.
    pub chunk: usize,
    /// The same if its columns are at arbitrary addresses.
    pub widest: usize,
    /// Whether non-temporal stores are possible: only where lines are whole cache lines.
    pub streams: bool,
}

/// What a copy needs room for.
pub struct Need {
    /// How many items are copied.
    pub items: usize,
    /// How many loops there are.
    pub loops: usize,
    /// How many rows are copied at once.
    pub rows: usize,
    /// How many bytes each row has.
    pub wide: usize,
    /// Whether the columns lie at regular distances, and so need no table and no second stage.
    pub is_regular: bool,
}

#[repr(C, align(64))]
struct Room<const STAGE: usize, const ROWS: usize, const COLUMNS: usize> {
    input: MaybeUninit<[u8; STAGE]>,
    output: MaybeUninit<[u8; STAGE]>,
    rows: [MaybeUninit<*mut u8>; ROWS],
    columns: [MaybeUninit<*mut u8>; COLUMNS],
}

/// In a block from malloc (D-43).
type Large = Room<LARGE, MOST_ROWS, MOST_COLUMNS>;
const LARGE: usize = 16 << 10;
const GRAIN: usize = 64;
const CHUNK: usize = 256;
/// On the stack.
type Small = Room<SMALL, SMALL_ROWS, 32>;
const SMALL: usize = 1024;
const SMALL_ROWS: usize = 64;
const SMALL_GRAIN: usize = 16;
const SMALL_CHUNK: usize = 128;
const SMALL_WIDEST: usize = 32;

// A stage has room for at least as many rows as a line of `GRAIN` bytes has items; for items of one byte these are
// `GRAIN`.
const _: () = assert!(GRAIN * CHUNK <= LARGE && GRAIN * MOST_COLUMNS <= LARGE);
const _: () =
    assert!(SMALL_GRAIN * SMALL_CHUNK <= 2 * SMALL && SMALL_GRAIN * SMALL_WIDEST <= SMALL);

impl<const STAGE: usize, const ROWS: usize, const COLUMNS: usize> Room<STAGE, ROWS, COLUMNS> {
    /// The tables of rows and of columns, and the addresses of the stages.
    fn parts(&mut self) -> (&mut Table, &mut Table, *mut u8, *mut u8) {
        let (input, output) = (self.input.as_mut_ptr().cast(), self.output.as_mut_ptr().cast());
        (&mut self.rows, &mut self.columns, input, output)
    }
}

/// Work with a table of rows, a table of columns, and stages.
pub type Work<'a> = dyn FnMut(&mut Table, &mut Table, &Stage) + 'a;

/// Calls `work` with the memory for a copy. Returns whether it did: not if memory is refused and the copy has so
/// many loops that the stack is used for them already.
pub fn with(need: &Need, work: &mut Work) -> bool {
    let lines = need.rows.saturating_mul(need.wide.next_multiple_of(SMALL_GRAIN));
    let is_small = need.rows <= SMALL_ROWS && need.is_regular && lines <= 2 * SMALL;
    let pays = need.items >= PAYS && !is_small;
    let block = pays.then(|| Block::of_lines(size_of::<Large>())).flatten();
    let Some(block) = block else {
        let has_room = need.loops <= MANY;
        if has_room {
            with_small(need.is_regular, work);
        }
        return has_room;
    };
    // SAFETY: the block has room for it and is aligned, all its parts are `MaybeUninit`, and nothing else points to
    // it until the block is dropped.
    let large = unsafe { &mut *block.first_line().cast::<Large>() };
    let (rows, columns, input, output) = large.parts();
    let (size, grain, chunk, widest) = (LARGE, GRAIN, CHUNK, MOST_COLUMNS * 16);
    work(rows, columns, &Stage { input, output, size, grain, chunk, widest, streams: true });
    true
}

#[inline(never)]
fn with_small(is_regular: bool, work: &mut Work) {
    let mut small = MaybeUninit::<Small>::uninit();
    // SAFETY: all its parts are `MaybeUninit`.
    let small = unsafe { small.assume_init_mut() };
    let (rows, columns, input, output) = small.parts();
    // The two stages are adjacent. If one is enough, it gets the memory of both.
    let size = if is_regular { 2 * SMALL } else { SMALL };
    let (grain, chunk, widest) = (SMALL_GRAIN, SMALL_CHUNK, SMALL_WIDEST);
    work(rows, columns, &Stage { input, output, size, grain, chunk, widest, streams: false });
}
