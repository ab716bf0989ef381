//! Weaves: transposes whose rows and columns are each made of several short loops, or lie behind pointers.
//!
//! Such rows and columns lie at no regular distances, so tables hold their addresses. A block of them is gathered into
//! a stage, transposed there, and stored to the destination in long lines. Where only the rows are irregular, the
//! transpose writes the destination directly.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the arrays (V3), and counts of rows and columns that plan::weave limits"
)]

use core::slice;

use super::odometer;
use super::room::{self, Need, Stage, Table};
use crate::kernels::{self, CarryMode, Kernels};
use crate::plan::Axis;

/// Runs a plan of the class `Weave`. Returns whether it did: not if there is no memory for its tables.
///
/// # Safety
/// * RUNS: as for [`super::direct::run`].
/// * WEAVE: the last `rows` of the plan's axes are dense in the destination, the `columns` before them in the source,
///   with items of `1 << w` bytes.
#[inline(never)]
pub unsafe fn run(
    kernels: &Kernels,
    w: usize,
    axes: &mut [Axis],
    columns: usize,
    rows: usize,
    dst: *mut u8,
    src: *const u8,
) -> bool {
    let loops = axes.len();
    let Some((axes, row_axes)) = axes.split_at_mut_checked(loops.saturating_sub(rows)) else {
        return false;
    };
    let n_rows = items(row_axes);
    let column_axes = axes.get(axes.len().saturating_sub(columns)..).unwrap_or_default();
    let need = Need {
        items: items(axes) * n_rows,
        loops,
        rows: n_rows,
        wide: items(column_axes) << w,
        is_regular: columns == 1,
    };
    room::with(&need, &mut |row_table, column_table, stage| {
        // The table may be too small for all rows.
        let (mut left, mut dst) = (n_rows, dst);
        while left > 0 {
            let rows = list(row_axes, row_table, src.cast_mut(), Side::Source);
            let n = rows.len();
            let weave = Weave { kernels, w, columns, stage };
            // SAFETY: the rows that come next in the destination (caller: RUNS, WEAVE).
            unsafe { run_rows(&weave, axes, rows, column_table, dst, src) };
            dst = dst.wrapping_add(n << w);
            left = left.saturating_sub(n);
        }
        odometer::reset(row_axes);
    })
}

/// The number of items that the loops visit.
pub fn items(axes: &[Axis]) -> usize {
    axes.iter().fold(1, |all, axis| all * axis.n.unsigned_abs())
}

/// What stays the same for all rows.
pub struct Weave<'a> {
    /// The kernels.
    pub kernels: &'a Kernels,
    /// The items have `1 << w` bytes.
    pub w: usize,
    /// The number of loops over columns, which are the last ones.
    pub columns: usize,
    /// The stage.
    pub stage: &'a Stage,
}

/// The next multiple of a power of two.
fn rounded(size: usize, grain: usize) -> usize {
    (size + grain - 1) & !(grain - 1)
}

/// Runs the loops over columns for given rows. `rows` has the address of each row's first column for the loops'
/// current indices, whose item is at `src`. `table` is for the addresses of columns.
///
/// # Safety
/// * RUNS: as for [`super::direct::run`], for every row.
/// * WEAVE: the last loops, over columns, are dense in the source, and the rows in the destination.
#[inline(never)]
pub unsafe fn run_rows(
    weave: &Weave,
    axes: &mut [Axis],
    rows: &mut [*mut u8],
    table: &mut Table,
    dst: *mut u8,
    src: *const u8,
) {
    let Weave { w, stage, .. } = *weave;
    let outer = axes.len().saturating_sub(weave.columns);
    let Some((outer, column_axes)) = axes.split_at_mut_checked(outer) else { return };
    let n_columns = items(column_axes);
    // The columns of a single loop lie at regular distances.
    let is_regular = column_axes.len() == 1;
    let step = column_axes.last().map_or(0, |axis| axis.dst);
    let all = (items(outer) * n_columns * rows.len()) << w;
    let is_large = rows.len() << w >= 256 && all >= kernels::limits().large;
    let wide = if is_regular { stage.chunk } else { stage.widest };
    let at_once = wide >> w;
    // A table of columns is needed only where they are written one by one.
    let may_stream = stage.streams && is_large;
    let most = if is_regular && !may_stream { 1 } else { table.len().min(at_once) };
    let (mut from, mut done) = (src, 0);
    while done < n_columns {
        let room = table.get_mut(..most).unwrap_or_default();
        let columns = list(column_axes, room, dst, Side::Destination);
        let is_on_line = |column: &*mut u8| (column.addr() ^ dst.addr()) & 63 == 0;
        let streams = may_stream && columns.iter().all(is_on_line);
        let n = if is_regular { n_columns } else { columns.len() };
        let job = Job { weave, n, at_once, before: done << w, step, is_regular, streams };
        let mut to = dst;
        odometer::each(outer, dst, src, &mut |dst, src| {
            // The addresses in the tables move by as much as the outer loops do.
            let distance = |at: usize, before: usize| at.wrapping_sub(before).cast_signed();
            let moved = (distance(dst.addr(), to.addr()), distance(src.addr(), from.addr()));
            columns.iter_mut().for_each(|column| *column = column.wrapping_offset(moved.0));
            rows.iter_mut().for_each(|row| *row = row.wrapping_offset(moved.1));
            (to, from) = (dst, src);
            // SAFETY: the inner loops at the outer ones' indices (caller: RUNS, WEAVE).
            unsafe { job.run(columns, rows) };
        });
        done += n;
    }
    odometer::reset(column_axes);
}

/// One of the two arrays.
#[derive(Clone, Copy)]
enum Side {
    Destination,
    Source,
}

impl Side {
    #[inline(always)]
    fn of(self, (dst, src): (isize, isize)) -> isize {
        match self {
            Self::Destination => dst,
            Self::Source => src,
        }
    }
}

/// Lists the addresses of the loops' items from the current indices on, as many as the table has entries. Leaves
/// the loops at the next indices, or, after the last ones, at the first.
#[inline(never)]
fn list<'a>(
    axes: &mut [Axis],
    room: &'a mut Table,
    first: *mut u8,
    side: Side,
) -> &'a mut [*mut u8] {
    let mut used = 0;
    let mut at = first
        .wrapping_offset(axes.iter().map(|axis| axis.index * side.of((axis.dst, axis.src))).sum());
    for to in room.iter_mut() {
        to.write(at);
        used += 1;
        let Some(step) = odometer::step(axes) else { break };
        at = at.wrapping_offset(side.of(step));
    }
    // SAFETY: the first `used` entries were written above.
    unsafe { slice::from_raw_parts_mut(room.as_mut_ptr().cast(), used) }
}

/// What stays the same while the outer loops advance.
struct Job<'a> {
    weave: &'a Weave<'a>,
    /// How many columns there are.
    n: usize,
    /// How many of them are transposed at once.
    at_once: usize,
    /// How many bytes of each row come before them.
    before: usize,
    /// The distance from a column to the next, if it is regular.
    step: isize,
    is_regular: bool,
    /// Whether non-temporal stores write the destination.
    streams: bool,
}

impl Job<'_> {
    /// Weaves all columns of all `rows`.
    ///
    /// # Safety
    /// * ITEMS: they are readable, and writable at `columns`, of which there may be more at regular distances.
    unsafe fn run(&self, columns: &[*mut u8], rows: &[*mut u8]) {
        let Weave { kernels, w, stage, .. } = *self.weave;
        let Stage { input, output, size, grain, .. } = *stage;
        let (carry, transpose, width) = (kernels.carry, kernels.transpose, 1 << w);
        let Some(dst) = columns.first() else { return };
        // Items that are not aligned to their size never begin at a cache line.
        let streams = self.streams && dst.addr().trailing_zeros() as usize >= w;
        // How many rows fill a line of the destination.
        let line = grain >> w;
        let mut first = 0;
        while first < self.n {
            let n_columns = self.at_once.min(self.n - first);
            let wide = n_columns << w;
            let pitch = rounded(wide, grain);
            let most = (size.checked_div(pitch).unwrap_or(1) & !(line - 1)).max(line);
            let offset = self.step * first.cast_signed();
            // The rows above the columns' first whole cache line.
            let above = dst.wrapping_offset(offset).addr().wrapping_neg() & 63;
            let head = if streams { above >> w } else { 0 };
            let mut at = 0;
            while let Some(left) = rows.get(at..).filter(|left| !left.is_empty()) {
                let n = if at == 0 && head > 0 { head } else { most };
                let block = left.get(..n).unwrap_or(left);
                let whole = block.len() & !(line - 1);
                let streams = streams && at >= head && whole > 0;
                let block = if streams { block.get(..whole).unwrap_or(block) } else { block };
                let from = (self.before + (first << w)).cast_signed();
                let to = offset + (at << w).cast_signed();
                let high = block.len() << w;
                // SAFETY: these columns of these rows (caller: ITEMS); the stage has room for a block.
                unsafe { carry(block, from, input, pitch, wide, CarryMode::In) };
                let s = pitch.cast_signed();
                if self.is_regular && !streams {
                    let dst = dst.wrapping_offset(to);
                    // SAFETY: the same columns in the destination (caller: ITEMS).
                    unsafe { transpose(width, dst, self.step, input, s, n_columns, block.len()) };
                } else {
                    let tall = rounded(high, grain);
                    let d = tall.cast_signed();
                    // SAFETY: both stages have room for the block.
                    unsafe { transpose(width, output, d, input, s, n_columns, block.len()) };
                    let columns = columns.get(..n_columns).unwrap_or(columns);
                    let mode = if streams { CarryMode::Streamed } else { CarryMode::Out };
                    // SAFETY: the same columns in the destination (caller: ITEMS); where they are streamed, all
                    // addresses and sizes are multiples of 64.
                    unsafe { carry(columns, to, output, tall, high, mode) };
                }
                at += block.len();
            }
            first += n_columns;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{self, Class, MOST_ROWS};
    use std::vec::Vec;

    /// Copies a permutation of a dense array at every level and compares with the naive copy.
    fn check(dims: &[isize], order: &[usize], itemsize: usize, shift: usize) {
        let len = dims.iter().product::<isize>() as usize * itemsize;
        let stride = |i: usize| dims[i + 1..].iter().product::<isize>() * itemsize as isize;
        let src: Vec<u8> = (0..len).map(|i| (i ^ i >> 7 ^ i >> 13) as u8).collect();
        let mut axes = Vec::new();
        let mut dst = itemsize as isize;
        for &i in order.iter().rev() {
            axes.push(Axis { n: dims[i], dst, src: stride(i), ..Axis::default() });
            dst *= dims[i];
        }
        axes.reverse();
        let (mut expected, mut at) = (std::vec![0x5a; len + shift + 64], 0);
        loop {
            let from: isize = axes.iter().map(|axis| axis.index * axis.src).sum();
            let to = shift + at;
            expected[to..to + itemsize].copy_from_slice(&src[from as usize..][..itemsize]);
            at += itemsize;
            if odometer::step(&mut axes).is_none() {
                break;
            }
        }
        for kernels in kernels::all() {
            let mut found = std::vec![0x5a; len + shift + 64];
            let mut axes = axes.clone();
            let plan = plan::canonicalise(&mut axes, itemsize as isize);
            let Class::Weave { columns, rows } = plan.class else { panic!("{:?}", plan.class) };
            let w = kernels::width_of(plan.run).unwrap();
            let to = found.as_mut_ptr().wrapping_add(shift).wrapping_offset(plan.dst);
            let from = src.as_ptr().wrapping_offset(plan.src);
            assert!(unsafe { run(kernels, w, plan.axes, columns, rows, to, from) });
            assert!(found == expected, "{:?} {dims:?} {order:?} {itemsize} {shift}", kernels.level);
        }
    }

    #[test]
    fn woven_arrays_are_the_model_s() {
        for (turn, itemsize) in [1, 2, 4, 8, 16].into_iter().cycle().take(15).enumerate() {
            let n = turn as isize;
            for shift in [0, 16, 1 + turn, 64 - itemsize] {
                check(&[3 + n % 4, 5, 2, 3, 4, 7 + n], &[5, 3, 1, 0, 2, 4], itemsize, shift);
                check(&[3, 5, 6 + n, 3, 4, 3], &[0, 2, 4, 5, 3, 1], itemsize, shift);
                check(&[5, 2 + n % 3, 4, 3, 3, 4], &[5, 4, 3, 2, 1, 0], itemsize, shift);
            }
            // Columns of one loop, and more than one chunk of them.
            check(&[2, 3, 37 + 40 * n], &[2, 1, 0], itemsize, turn);
            check(&[7 + n, 9, 301], &[2, 1, 0], itemsize, turn);
        }
    }

    #[test]
    fn more_rows_than_the_table_holds_are_all_woven() {
        let most = MOST_ROWS as isize;
        for n in [most - 1, most, most + 1, 2 * most, 2 * most + 1, 5000] {
            for itemsize in [1, 2, 4, 8] {
                check(&[n, 2, 2], &[2, 1, 0], itemsize, 0);
                check(&[2, n, 3, 2], &[0, 3, 2, 1], itemsize, 1);
            }
            // Of the shape of a picture with three colours.
            check(&[n, 64, 3], &[2, 1, 0], 1, 0);
        }
    }

    #[test]
    fn woven_arrays_past_the_caches_are_the_model_s() {
        // So many that they are written by non-temporal stores, of columns that are whole lines.
        let outer = |bytes: usize| (kernels::limits().large / bytes) as isize + 1;
        if kernels::limits().large == usize::MAX {
            return;
        }
        for (itemsize, shift) in [(4, 16), (4, 3), (2, 62), (1, 16), (8, 0), (16, 16)] {
            let inner = 12 * 8 * 8 * 6;
            check(&[12, outer(inner * itemsize), 8, 8, 6], &[1, 4, 2, 3, 0], itemsize, shift);
        }
    }
}
