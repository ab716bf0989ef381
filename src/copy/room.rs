//! Where a weave has its tables and its stages: in a block from malloc, or, if the copy does not pay for that
//! or there is no memory, in smaller ones on the stack.

use core::mem::MaybeUninit;

use super::storage::MANY;
use crate::block::Block;
use crate::plan::{MOST_COLUMNS, MOST_ROWS};

/// From how many items on a copy pays for malloc, which takes 25 to 50 ns: in two blocks on the stack 8^3 items of
/// 4 bytes took 100 ns more than in one (450 ns; 6^4 items of 1 byte 1900 ns; Zen 5).
const PAYS: usize = 256;

/// Where rows or columns lie.
pub type Table = [MaybeUninit<*mut u8>];

/// Where blocks of rows and columns are brought together.
pub struct Stage {
    /// The lines of the rows.
    pub input: *mut u8,
    /// The lines of the columns, behind those of the rows.
    pub output: *mut u8,
    /// How many bytes each of the two has.
    pub size: usize,
    /// What the size of their lines is a multiple of.
    pub grain: usize,
    /// How many bytes of a row are staged at once, if there are more,
    pub chunk: usize,
    /// and if its columns lie anywhere.
    pub widest: usize,
    /// Whether stores may go past the caches: only where lines are whole.
    pub streams: bool,
}

/// What there shall be room for.
pub struct Need {
    /// How many items are copied.
    pub items: usize,
    /// How many loops there are.
    pub loops: usize,
    /// How many rows are copied at once,
    pub rows: usize,
    /// and how many bytes of each,
    pub wide: usize,
    /// whose columns go on as they begin, so that there is no stage for them.
    pub is_regular: bool,
}

#[repr(C, align(64))]
struct Room<const STAGE: usize, const ROWS: usize, const COLUMNS: usize> {
    input: MaybeUninit<[u8; STAGE]>,
    output: MaybeUninit<[u8; STAGE]>,
    rows: [MaybeUninit<*mut u8>; ROWS],
    columns: [MaybeUninit<*mut u8>; COLUMNS],
}

/// Stages of 16 KiB (8 KiB: 8^6 items of 4 bytes .22 of memcpy instead of .30; Xeon, L1 48 KiB, `copies 6d`)
/// and chunks of 256 bytes (items of 8 bytes by 024531: .62 .70 .80 of memcpy at 64, 128 and 256).
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

// At least as many rows are staged as a line of the grain's size has items: of one byte, the most.
const _: () = assert!(GRAIN * CHUNK <= LARGE && GRAIN * MOST_COLUMNS <= LARGE);
const _: () =
    assert!(SMALL_GRAIN * SMALL_CHUNK <= 2 * SMALL && SMALL_GRAIN * SMALL_WIDEST <= SMALL);

impl<const STAGE: usize, const ROWS: usize, const COLUMNS: usize> Room<STAGE, ROWS, COLUMNS> {
    /// Its tables, of rows and of columns, and where its stages are.
    fn parts(&mut self) -> (&mut Table, &mut Table, *mut u8, *mut u8) {
        let (input, output) = (self.input.as_mut_ptr().cast(), self.output.as_mut_ptr().cast());
        (&mut self.rows, &mut self.columns, input, output)
    }
}

/// Does some work with a table of rows, one of columns, and stages.
pub type Work<'a> = dyn FnMut(&mut Table, &mut Table, &Stage) + 'a;

/// Does some work with room for a copy; whether it did: not without memory, if there are so many loops that
/// these may be on the stack themselves.
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
    // SAFETY: the block has room for it, is aligned, and nothing of it need be initialised; nothing else
    // points to it until the block is dropped.
    let large = unsafe { &mut *block.first_line().cast::<Large>() };
    let (rows, columns, input, output) = large.parts();
    let (size, grain, chunk, widest) = (LARGE, GRAIN, CHUNK, MOST_COLUMNS * 16);
    work(rows, columns, &Stage { input, output, size, grain, chunk, widest, streams: true });
    true
}

#[inline(never)]
fn with_small(is_regular: bool, work: &mut Work) {
    let mut small = MaybeUninit::<Small>::uninit();
    // SAFETY: nothing of it need be initialised.
    let small = unsafe { small.assume_init_mut() };
    let (rows, columns, input, output) = small.parts();
    // The two stages are neighbours, and one where one is enough.
    let size = if is_regular { 2 * SMALL } else { SMALL };
    let (grain, chunk, widest) = (SMALL_GRAIN, SMALL_CHUNK, SMALL_WIDEST);
    work(rows, columns, &Stage { input, output, size, grain, chunk, widest, streams: false });
}
