//! Transposes of items of 1, 2, 4, 8 and 16 bytes, by tiles.
//!
//! A tile is 16 bytes of columns wide and 16, 32 or 64 bytes of rows high. Items of 4 bytes, a tile 32 bytes high:
//!
//! ```text
//!        source: 8 rows, s apart           destination: 4 columns, d apart
//!        +----+----+----+----+             +----+----+----+----+----+----+----+----+
//!      0 | a0 | b0 | c0 | d0 |           0 | a0 | a1 | a2 | a3 | a4 | a5 | a6 | a7 |
//!      1 | a1 | b1 | c1 | d1 |           1 | b0 | b1 | b2 | b3 | b4 | b5 | b6 | b7 |
//!      2 | a2 | b2 | c2 | d2 |    ==>    2 | c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 |
//!      3 | a3 | b3 | c3 | d3 |           3 | d0 | d1 | d2 | d3 | d4 | d5 | d6 | d7 |
//!      : | :  | :  | :  | :  |             +----+----+----+----+----+----+----+----+
//!      7 | a7 | b7 | c7 | d7 |             |<-- lane 0: 16 B ->|<-- lane 1: 16 B ->|
//!        +----+----+----+----+
//!        |<---- 16 bytes --->|
//! ```
//!
//! Each lane of 16 bytes transposes a square of its own (`networks`). A *strip* is a function that runs over many
//! tiles of one size. `choose` decides which strip runs and in which order, `run` does it, and `stream` writes
//! whole cache lines by non-temporal stores.
//!
//! If whole tiles do not cover the far edges, tiles that overlap others do; they write the same bytes again. Arrays
//! narrower or lower than 16 bytes take squares of 8 bytes, and smaller ones plain loops.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the arrays, whose extents are addresses; divisors are constants"
)]

mod choose;
pub mod halves;
mod job;
pub mod narrow;
pub mod networks;
mod run;
#[cfg_attr(not(target_arch = "x86_64"), path = "no_stream.rs")]
pub mod stream;

pub use super::generic::walked;
use super::{TryTranspose, generic};
use choose::choose;
use run::blocks;
use stream::Stream;

/// Transposes `panels` x `tiles` tiles: `panels` down the source's rows and along the destination's lines, `tiles`
/// across the source's lines. Tiles lower than a line are done in groups: `group` tiles below each other, then the
/// next ones to the right.
///
/// Safety: the items of all tiles are readable and writable, and the CPU has the instructions.
pub type Run = unsafe fn(
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    tiles: usize,
    panels: usize,
    group: usize,
);

/// A function over tiles of one size.
#[derive(Clone, Copy)]
pub struct Strip {
    /// Bytes of the destination's line that a tile writes: 8, 16, 32 or 64.
    pub height: usize,
    /// The function.
    pub run: Run,
}

/// Transposes tiles 64 bytes high. Each lane takes the rows below those of the lane before it; but from lane number
/// `lane` on, `back` bytes are subtracted from the addresses of the rows.
///
/// Safety: the items of all tiles are readable and writable, and the CPU has the instructions.
pub type Turned = unsafe fn(
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    tiles: usize,
    lane: usize,
    back: isize,
);

/// The most columns, or rows, that [`Narrow`] has functions for.
pub const NARROW: usize = 4;

/// The functions for arrays of two to [`NARROW`] columns or rows.
pub struct Narrow {
    /// Few columns: pixels to planes.
    pub deinterleave: TryTranspose,
    /// Few rows: planes to pixels.
    pub interleave: TryTranspose,
}

/// The functions of a level for items of one size.
pub struct Tiles {
    /// The size of the items.
    pub width: usize,
    /// For few columns and few rows.
    pub narrow: Option<&'static Narrow>,
    /// Tiles 16 bytes wide, the highest first and the lowest of 16 bytes.
    pub strips: &'static [Strip],
    /// Tiles that write a cache line in several vectors, one right after another.
    pub parts: Strip,
    /// How whole cache lines are written by non-temporal stores, if there are any.
    pub stream: Option<Stream>,
    /// Lines that cross from a column to the next.
    pub turned: Option<Turned>,
    /// Squares of 8 bytes, if items are smaller than that.
    pub half: Option<&'static Strip>,
}

/// How one transpose is done.
#[derive(Clone, Copy)]
pub struct Strategy {
    /// The strip that does most of it.
    body: Strip,
    /// How many bytes of columns a block has: its columns are done from the first row to the last before the next
    /// block.
    block: usize,
    /// The multiple of bytes to which the destination's lines are aligned first; a power of two.
    align: usize,
    /// How the lines that `body` makes get into the destination.
    lines: Lines,
}

/// How lines get into the destination.
#[derive(Clone, Copy)]
enum Lines {
    /// By plain stores: this many tiles below each other, then the next ones to the right.
    Direct(usize),
    /// By plain stores, a piece of each column at a time, while the same piece of later columns is prefetched.
    Prefetched,
    /// By non-temporal stores.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "measured nowhere else"))]
    Streamed(stream::Lines),
}

/// See [`super::Transpose`].
///
/// # Safety
/// * ITEMS: as for [`super::Transpose`].
/// * CPU: it has the instructions of `tiles`.
pub unsafe fn transpose(
    tiles: &Tiles,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) {
    let width = tiles.width;
    let few_columns = tiles.narrow.filter(|_| columns <= NARROW).map(|narrow| narrow.deinterleave);
    let few_rows = tiles.narrow.filter(|_| rows <= NARROW).map(|narrow| narrow.interleave);
    for try_transpose in [few_columns, few_rows].into_iter().flatten() {
        // SAFETY: the same array (caller: ITEMS, CPU).
        if unsafe { try_transpose(width, dst, d, src, s, columns, rows) } {
            return;
        }
    }
    let (across, down) = (columns * width, rows * width);
    let smaller = across.min(down);
    match tiles.half {
        _ if smaller >= 16 => {
            let strategy = choose(tiles, dst, d, s, across, down);
            let head = dst.addr().wrapping_neg() % 64;
            if let Some(turned) = tiles.turned
                && head != 0
                && head.is_multiple_of(16)
                && d == down.cast_signed()
                && down.is_multiple_of(64)
                && down <= 1024
                && across > 16
                && matches!(strategy.lines, Lines::Direct(_))
            {
                // SAFETY: the same array (caller: ITEMS, CPU); the conditions above are `dense`'s.
                return unsafe { dense(tiles, turned, head, dst, src, s, across, down) };
            }
            // SAFETY: the same array (caller: ITEMS, CPU), which holds a tile.
            unsafe { blocks(width, tiles.strips, 16, &strategy, dst, d, src, s, across, down) };
        }
        Some(&half) if smaller >= 8 => {
            let strategy = Strategy { body: half, block: 512, align: 1, lines: Lines::Direct(1) };
            // SAFETY: the same array (caller: ITEMS, CPU), which holds a square of 8 bytes.
            unsafe { blocks(width, &[half], 8, &strategy, dst, d, src, s, across, down) };
        }
        // SAFETY: the same array (caller: ITEMS).
        _ => unsafe { generic::transpose(width, dst, d, src, s, columns, rows) },
    }
}

/// Transposes into columns whose size is a multiple of a cache line and that lie back to back, but do not begin
/// at cache lines. The last line of each column is written together with the first `head` bytes of the next one,
/// so that no line is written in two parts (D-1).
///
/// # Safety
/// * ITEMS, CPU: as for [`transpose`].
/// * DENSE: `head`, a multiple of 16, is the distance from `dst` to the next cache line; `down` is a multiple of
///   64 and the distance of the columns; `across` is above 16.
#[expect(clippy::too_many_arguments, reason = "two arrays, their extents, and how")]
unsafe fn dense(
    tiles: &Tiles,
    turned: Turned,
    head: usize,
    dst: *mut u8,
    src: *const u8,
    s: isize,
    across: usize,
    down: usize,
) {
    let (width, d) = (tiles.width, down.cast_signed());
    let row = |at: usize| src.wrapping_offset(s * count(at, width).cast_signed());
    if down > 64 {
        let body = tiles.strips.first().copied().unwrap_or(tiles.parts);
        let strategy = Strategy { body, block: 1024 * width, align: 1, lines: Lines::Direct(1) };
        let dst = dst.wrapping_add(head);
        // SAFETY: the whole cache lines within each column (caller: ITEMS, CPU, DENSE).
        unsafe { blocks(width, &[body], 16, &strategy, dst, d, row(head), s, across, down - 64) };
    }
    // The lines that cross from a column to the next.
    let last = down - 64 + head;
    let column = |at: usize| dst.wrapping_add(count(at, width) * down + last);
    let back = s * count(down, width).cast_signed() - width.cast_signed();
    let lane = 4 - head / 16;
    let crossing = across - width;
    // SAFETY: all columns but the last one have a next one (caller: ITEMS, CPU, DENSE).
    unsafe { turned(column(0), d, row(last), s, crossing / 16, lane, back) };
    if !crossing.is_multiple_of(16) {
        let at = crossing - 16;
        // SAFETY: the last tile of these columns, which ends where they end.
        unsafe { turned(column(at), d, row(last).wrapping_add(at), s, 1, lane, back) };
    }
    // SAFETY: the first column's bytes above its first cache line.
    unsafe { generic::transpose(width, dst, d, src, s, 1, count(head, width)) };
    let rest = count(64 - head, width);
    // SAFETY: the last column's bytes in its last cache line, whose other bytes are not the array's.
    unsafe {
        generic::transpose(width, column(crossing), d, row(last).wrapping_add(crossing), s, 1, rest)
    };
}

/// The number of whole units in a number of bytes; units are powers of two.
fn count(bytes: usize, unit: usize) -> usize {
    bytes >> unit.trailing_zeros()
}
