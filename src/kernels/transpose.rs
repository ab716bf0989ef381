//! Transposes by tiles: which tiles, in which order.
//!
//! A tile is 16 bytes of columns wide and 16, 32 or 64 bytes of rows high; a *strip* is a function
//! that runs over many of them. What no whole tile covers at the far edges is covered by tiles that
//! overlap others: they write the same bytes once more. Arrays narrower or lower than 16 bytes take
//! squares of 8 bytes, and smaller ones plain loops.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the arrays, whose extents are addresses; divisors are constants"
)]

pub use crate::kernels::generic::walked;
use crate::kernels::transpose_job::{SHIFTED, blocks, count};
use crate::kernels::{ahead, generic, limits};

/// Transposes `panels` x `tiles` tiles: `panels` down the source's rows and along the destination's
/// lines, `tiles` across the source's lines. Of those lower than a line `group` below each other are
/// done before the next ones to the right.
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

/// Copies `lines` lines of each of some columns past the caches from `stage`, where they lie back to
/// back.
///
/// Safety: the lines are writable, the stage's readable, and the CPU has the instructions; `dst` and
/// `d` are multiples of a line.
pub type Drain = unsafe fn(dst: *mut u8, d: isize, stage: *const u8, columns: usize, lines: usize);

/// Writes a line of each of some columns past the caches: the first that is aligned at or above
/// `dst`, which lies among the two lines that `stage` has for each column and that belong at `dst`.
/// Then moves the stage's second lines to the first.
///
/// Safety: these lines are writable, the stage's lines are readable and writable, and the CPU has the
/// instructions.
pub type Shifted = unsafe fn(dst: *mut u8, d: isize, stage: *mut u8, columns: usize);

/// Transposes tiles 64 bytes high of which the lanes of 16 bytes from `lane` on are not the
/// rows below the others but lie `back` before these.
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

/// The most columns or rows that are few.
pub const MOST: usize = 4;

/// Transposes few columns or few rows of items of `width` bytes, or says that it did not.
///
/// Safety: as for [`super::Transpose`], and the CPU has the instructions.
pub type Few = unsafe fn(
    width: usize,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) -> bool;

/// What a level has for items of one size.
pub struct Tiles {
    /// The size of the items.
    pub width: usize,
    /// For two to four columns, and for as many rows.
    pub few: Option<&'static (Few, Few)>,
    /// Tiles 16 bytes wide, the highest first and the lowest of 16 bytes.
    pub strips: &'static [Strip],
    /// Tiles that make lines of several vectors, together if not each by itself.
    pub parts: Strip,
    /// How lines are written past the caches, and by which tiles.
    pub stream: (Strip, Lines),
    /// The same where columns are not aligned.
    pub shifted: Option<Shifted>,
    /// Lines that cross from a column to the next.
    pub turned: Option<Turned>,
    /// Squares of 8 bytes, if items are smaller than that.
    pub half: Option<&'static Strip>,
}

/// How one transpose is done.
#[derive(Clone, Copy)]
pub struct Way {
    /// Most of it.
    pub body: Strip,
    /// How many bytes of columns are done from the first row to the last before the next ones.
    pub block: usize,
    /// To a multiple of how many bytes the destination's lines are brought first; a power of two.
    pub align: usize,
    /// Whether stores go past the caches.
    pub streams: bool,
    /// How the lines that `body` makes get into the destination.
    pub lines: Lines,
}

/// How lines get into the destination.
#[derive(Clone, Copy)]
pub enum Lines {
    /// Of so many tiles below each other.
    Direct(usize),
    /// Of some lines below each other, while the next columns' are on their way to the caches.
    Ahead,
    /// Whole, so many neighbours at once, from a stage.
    Whole(Drain, usize),
    /// Whole, from a stage, where not all columns are aligned to lines; the ends directly.
    Shifted(Shifted),
}

/// See [`super::Transpose`].
///
/// # Safety
/// As for [`super::Transpose`]; and the CPU has the instructions of `tiles`.
pub unsafe fn transpose(
    tiles: &Tiles,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) {
    if let Some(&(deinterleave, interleave)) = tiles.few {
        let width = tiles.width;
        // SAFETY: the caller's promise.
        if columns <= MOST && unsafe { deinterleave(width, dst, d, src, s, columns, rows) } {
            return;
        }
        // SAFETY: the caller's promise.
        if rows <= MOST && unsafe { interleave(width, dst, d, src, s, columns, rows) } {
            return;
        }
    }
    let (across, down) = (columns * tiles.width, rows * tiles.width);
    let smaller = across.min(down);
    match tiles.half {
        _ if smaller >= 16 => {
            let way = choose(tiles, dst, d, s, across, down);
            let head = dst.addr().wrapping_neg() % 64;
            if let Some(turned) = tiles.turned
                && head != 0
                && head.is_multiple_of(16)
                && d == down.cast_signed()
                && down.is_multiple_of(64)
                && down <= 1024
                && across > 16
                && !way.streams
                && !matches!(way.lines, Lines::Ahead)
            {
                // SAFETY: the caller's promise; the columns lie back to back.
                return unsafe { dense(tiles, turned, head, dst, src, s, across, down) };
            }
            // SAFETY: the caller's promise; the array holds a tile.
            unsafe { blocks(tiles.width, tiles.strips, 16, &way, dst, d, src, s, across, down) };
        }
        Some(&half) if smaller >= 8 => {
            let way =
                Way { body: half, block: 512, align: 1, streams: false, lines: Lines::Direct(1) };
            // SAFETY: the caller's promise; the array holds a square of 8 bytes.
            unsafe { blocks(tiles.width, &[half], 8, &way, dst, d, src, s, across, down) };
        }
        // SAFETY: the caller's promise.
        _ => unsafe { generic::transpose(tiles.width, dst, d, src, s, columns, rows) },
    }
}

/// Chooses the way for an array of `across` bytes of columns and `down` bytes of rows, at least 16
/// each. Figures are ratios to memcpy on Emerald Rapids (L2 2 MiB).
fn choose(tiles: &Tiles, dst: *mut u8, d: isize, s: isize, across: usize, down: usize) -> Way {
    let width = tiles.width;
    // How far the destination extends: that is what its lines compete with for the caches, also where
    // other calls write what lies between the columns (256^3 items of 4 bytes, axes 2 1 0: .41 with
    // plain stores, .77 past the caches; but 0 2 1, of small dense destinations: 1.0 and .73).
    let extent = count(across, width).saturating_mul(d.unsigned_abs());
    let on_lines = d % 64 == 0 && dst.addr().is_multiple_of(width);
    let plain = *tiles.strips.iter().find(|strip| strip.height <= down).unwrap_or(&tiles.parts);
    // What is written past the caches has to come from memory for whoever reads it next, and lines that are
    // in the caches have to leave them first. Of 1000 x 1000 items of 2, 4, 8, 16 bytes that the caches
    // have: .31 .37 .51 .64 of memcpy past them, .89 .88 .78 .83 asked for; that they do not have: .65 .72
    // 1.17 1.26, and .87 .85 .86 .97 (Xeon, L2 2 MiB). Bytes: 2000 x 2000 .36 and .67, .70 and .66.
    // 2000 x 2000 items of 8 bytes, 32 MB: .87 and .55.
    let asks = extent < limits().huge && ahead::pays(count(across, width), d, down, s);
    let large = if asks || down < 256 { usize::MAX } else { limits().large };
    if extent >= large {
        if on_lines {
            // 4096 x 4096 items of 1, 2, 4, 8, 16 bytes: .65 .80 .64 .22 .29 with plain stores, .73
            // .92 1.0 .61 .65 past the caches, and .68 1.0 1.4 1.0 1.0 in pairs of lines, so all but
            // single bytes have pairs. Of blocks 64, 512, 4096 and 16384 bytes wide, 2048 and 4096
            // were the best (8 bytes, single lines: .22 .54 .64 .57).
            let (body, lines) = tiles.stream;
            return Way { body, block: 4096, align: 64, streams: true, lines };
        }
        if let Some(shifted) = tiles.shifted
            && (width > 1 || extent / 2 >= large)
        {
            // 3001 x 3001 items of 1, 2, 4, 8 bytes: .50 .81 .31 .27 with plain stores, .74 .95 .99
            // 1.0 in lines; 1000 x 3000 items of 1 byte: .50 and .43.
            let lines = Lines::Shifted(shifted);
            return Way { body: plain, block: SHIFTED * width, align: 1, streams: true, lines };
        }
    }
    // Lines in parts of 16 or 32 bytes, but all parts one after another: 512 x 512 items at AVX2 .27
    // .25 .29 .54 .58 -> .38 .39 .51 .68 .72, but 64 x 64 items of 2 bytes .22 -> .17. Where a vector
    // is a line but crosses lines, halves are better from 4 bytes on (1000 x 1000: .61 -> .72).
    // (From 4 bytes on by networks of whole lines: by a stage on the way 512 x 512 items of 4 bytes at
    // AVX2 are .47 instead of .58. Of 1 and 2 bytes, whose networks are large, a stage costs nothing.)
    let whole = plain.height == 64;
    let parts = match width {
        4.. => asks || !whole || !on_lines,
        _ => !whole && extent >= 1 << 16,
    };
    let (body, lines) = match parts && down >= 64 {
        true => (tiles.parts, Lines::Direct(count(64, tiles.parts.height))),
        false => (plain, Lines::Direct(1)),
    };
    let lines = if asks { Lines::Ahead } else { lines };
    // Columns 2 KiB apart or a multiple of that meet in few sets of the caches: only as many as stay.
    // Others may be many, as rows are read best from end to end (1000 x 1000 items of 4 bytes: in
    // blocks of 512, 1024, 4096 bytes .32 .36 .61), within what the TLB knows (2048 pages); of single
    // bytes fewer, whose lines stay in the first level (1000 x 1000: .48 at 512, .44 at 1024).
    // Short rows of the source are near each other anyway (4200 x 80 items of 4 bytes, between other work:
    // whole rows .58, blocks of 128 to 192 bytes .72; without other work there is no difference).
    let block = match width {
        1 if !asks => 512,
        4.. if d % 2048 == 0 => 128,
        4.. if !asks && s.unsigned_abs() <= 512 => 192,
        _ => 1024 * width,
    };
    // Not at all if only some columns could be brought there, or if that costs more than it saves.
    let height = if parts { 64 } else { body.height };
    let align = height.min(1 << d.trailing_zeros().min(6));
    let align = if align < 16 || down < 192 { 1 } else { align };
    Way { body, block, align, streams: false, lines }
}

/// Transposes into columns of whole lines' sizes that lie back to back but do not start where lines
/// do. Each column's last line has the next one's first `head` bytes as well, so that no line is
/// written in two parts (items of 1, 2, 4, 8 bytes on Emerald Rapids, 64 x 64: .157 .215 .297 .63 ->
/// .188 .230 .315 .70 of memcpy; 512 x 512 items of 1 byte: .53 -> .64).
///
/// # Safety
/// As for [`transpose`]; `head`, a multiple of 16, is how far the first line is from `dst`, `down` is
/// a multiple of 64 and the distance of columns, and `across` is above 16.
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
        let block = 1024 * width;
        let body = tiles.strips.first().copied().unwrap_or(tiles.parts);
        let way = Way { body, block, align: 1, streams: false, lines: Lines::Direct(1) };
        let dst = dst.wrapping_add(head);
        // SAFETY: whole lines within each column.
        unsafe { blocks(width, &[body], 16, &way, dst, d, row(head), s, across, down - 64) };
    }
    // From here on the lines that cross.
    let last = down - 64 + head;
    let column = |at: usize| dst.wrapping_add(count(at, width) * down + last);
    let back = s * count(down, width).cast_signed() - width.cast_signed();
    let lane = 4 - head / 16;
    let crossing = across - width;
    // SAFETY: all columns but the last one have a next.
    unsafe { turned(column(0), d, row(last), s, crossing / 16, lane, back) };
    if !crossing.is_multiple_of(16) {
        let at = crossing - 16;
        // SAFETY: the last tile of them.
        unsafe { turned(column(at), d, row(last).wrapping_add(at), s, 1, lane, back) };
    }
    // SAFETY: what of the first column lies above its first line.
    unsafe { generic::transpose(width, dst, d, src, s, 1, count(head, width)) };
    let rest = count(64 - head, width);
    // SAFETY: what of the last column lies in a line beyond which nothing is the array's.
    unsafe {
        generic::transpose(width, column(crossing), d, row(last).wrapping_add(crossing), s, 1, rest)
    };
}
