//! Transposes of which several short loops make the lines: their rows and columns lie anywhere, as
//! tables of offsets say.
//!
//! A block of them is collected in a stage, whose lines are back to back, transposed there, and spread
//! over the destination in long lines. Where only rows lie anywhere, the transpose itself writes the
//! destination.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the arrays (V3), and counts of rows and columns that plan::weave limits"
)]

use core::mem::MaybeUninit;
use core::slice;

use super::{direct, odometer};
use crate::kernels::{self, Kernels, Way};
use crate::plan::{Axis, MOST_COLUMNS, MOST_ROWS};

/// How many bytes are staged at once (8 KiB: 8^6 items of 4 bytes .22 of memcpy instead of .30; Xeon,
/// L1 48 KiB, `copies 6d`).
const STAGE: usize = 16 << 10;
/// How many bytes of a row, if there are more (items of 8 bytes by 024531: .62 .70 .80 of memcpy at 64, 128
/// and 256).
const CHUNK: usize = 256;

#[repr(align(64))]
struct Stage(MaybeUninit<[u8; STAGE]>);

/// Runs a plan of the class `Weave`.
///
/// # Safety
/// As for [`direct::run`]: `axes` are a plan's, of which the last `rows` are dense in the destination
/// and the `columns` before them in the source, with items of the width number `w`.
#[inline(never)]
pub unsafe fn run(
    kernels: &Kernels,
    w: usize,
    axes: &mut [Axis],
    columns: usize,
    rows: usize,
    dst: *mut u8,
    src: *const u8,
) {
    let inner = axes.len().saturating_sub(rows);
    let Some((axes, row_axes)) = axes.split_at_mut_checked(inner) else { return };
    let mut row_room = [const { MaybeUninit::uninit() }; MOST_ROWS];
    // A single loop's rows may be more than the table has room for.
    let (mut left, mut dst) = (items(row_axes), dst);
    while left > 0 {
        let rows = list(row_axes, &mut row_room, src.cast_mut(), |axis| axis.src);
        let n = rows.len();
        // SAFETY: the caller's promise is the callee's, for the rows that come next in the destination.
        unsafe { run_rows(kernels, w, axes, columns, rows, dst, src) };
        dst = dst.wrapping_add(n << w);
        left = left.saturating_sub(n);
    }
    odometer::reset(row_axes);
}

/// How many indices the loops have.
fn items(axes: &[Axis]) -> usize {
    axes.iter().fold(1, |all, axis| all * axis.n.unsigned_abs())
}

/// Runs loops over columns, for rows that lie anywhere: `rows` says where the first column of each is, if
/// the loops are at `src`.
///
/// # Safety
/// As for [`direct::run`], for every row; the last `columns` loops are dense in the source, and the rows in
/// the destination.
#[inline(never)]
pub unsafe fn run_rows(
    kernels: &Kernels,
    w: usize,
    axes: &mut [Axis],
    columns: usize,
    rows: &mut [*mut u8],
    dst: *mut u8,
    src: *const u8,
) {
    let outer = axes.len().saturating_sub(columns);
    let Some((outer, column_axes)) = axes.split_at_mut_checked(outer) else { return };
    let n_columns = items(column_axes);
    // A single loop's columns go on as they begin.
    let is_regular = column_axes.len() == 1;
    let step = column_axes.last().map_or(0, |axis| axis.dst);
    let mut column_room = [const { MaybeUninit::uninit() }; MOST_COLUMNS];
    let few = if is_regular { CHUNK >> w } else { n_columns };
    let room = column_room.get_mut(..few).unwrap_or_default();
    let columns = list(column_axes, room, dst, |axis| axis.dst);
    odometer::reset(column_axes);

    let is_on_line = |column: &*mut u8| (column.addr() ^ dst.addr()) & 63 == 0;
    let on_lines = columns.iter().all(is_on_line);
    let all = (items(outer) * n_columns * rows.len()) << w;
    let streams = on_lines && rows.len() << w >= 256 && all >= kernels::limits().large;
    let job = Job { kernels, w, n_columns, step, is_regular, streams };
    let (mut to, mut from) = (dst, src);
    direct::each(outer, dst, src, &mut |dst, src| {
        // The tables move along.
        let ahead = |at: usize, before: usize| at.wrapping_sub(before).cast_signed();
        let moved = (ahead(dst.addr(), to.addr()), ahead(src.addr(), from.addr()));
        columns.iter_mut().for_each(|column| *column = column.wrapping_offset(moved.0));
        rows.iter_mut().for_each(|row| *row = row.wrapping_offset(moved.1));
        (to, from) = (dst, src);
        // SAFETY: the inner loops at the outer ones' indices (caller).
        unsafe { job.run(columns, rows) };
    });
}

/// Lists where each index of the loops leads, as many as there is room for; the loops stand at the next one then,
/// or at their first.
#[inline(never)]
fn list<'a>(
    axes: &mut [Axis],
    room: &'a mut [MaybeUninit<*mut u8>],
    first: *mut u8,
    way: fn(&Axis) -> isize,
) -> &'a mut [*mut u8] {
    let mut used = 0;
    for to in room.iter_mut() {
        to.write(first.wrapping_offset(axes.iter().map(|axis| axis.index * way(axis)).sum()));
        used += 1;
        if odometer::step(axes).is_none() {
            break;
        }
    }
    // SAFETY: so many were written, one after another.
    unsafe { slice::from_raw_parts_mut(room.as_mut_ptr().cast(), used) }
}

/// What stays the same from index to index of the outer loops.
struct Job<'a> {
    kernels: &'a Kernels,
    w: usize,
    n_columns: usize,
    /// How far it is from a column to the next, if that is always the same.
    step: isize,
    is_regular: bool,
    /// Whether stores go past the caches.
    streams: bool,
}

impl Job<'_> {
    /// # Safety
    /// All columns of all `rows` are readable, and writable at `columns`, of which there may be more at
    /// regular distances.
    unsafe fn run(&self, columns: &[*mut u8], rows: &[*mut u8]) {
        let (mut input, mut output) = (Stage(MaybeUninit::uninit()), Stage(MaybeUninit::uninit()));
        let input: *mut u8 = input.0.as_mut_ptr().cast();
        let output: *mut u8 = output.0.as_mut_ptr().cast();
        let (carry, transpose, width) = (self.kernels.carry, self.kernels.transpose, 1 << self.w);
        let Some(dst) = columns.first() else { return };
        // Elsewhere than at multiples of their size, items never begin where lines do.
        let streams = self.streams && dst.addr().trailing_zeros() as usize >= self.w;
        // How many rows have a line of the destination.
        let line = 64 >> self.w;
        let mut first = 0;
        while first < self.n_columns {
            let columns = columns.get(..self.n_columns - first).unwrap_or(columns);
            let wide = columns.len() << self.w;
            let pitch = wide.next_multiple_of(64);
            let most = (STAGE.checked_div(pitch).unwrap_or(1) & !(line - 1)).max(line);
            let ahead = self.step * first.cast_signed();
            // The rows above the first whole line of the columns.
            let above = dst.wrapping_offset(ahead).addr().wrapping_neg() & 63;
            let head = if streams { above >> self.w } else { 0 };
            let mut at = 0;
            while let Some(left) = rows.get(at..).filter(|left| !left.is_empty()) {
                let n = if at == 0 && head > 0 { head } else { most };
                let block = left.get(..n).unwrap_or(left);
                let whole = block.len() & !(line - 1);
                let streams = streams && at >= head && whole > 0;
                let block = if streams { block.get(..whole).unwrap_or(block) } else { block };
                let (from, to) =
                    ((first << self.w).cast_signed(), ahead + (at << self.w).cast_signed());
                let high = block.len() << self.w;
                // SAFETY: these columns of these rows; the stage has room for a block.
                unsafe { carry(block, from, input, pitch, wide, Way::In) };
                let (n, s) = (columns.len(), pitch.cast_signed());
                if self.is_regular && !streams {
                    let dst = dst.wrapping_offset(to);
                    // SAFETY: the same columns in the destination.
                    unsafe { transpose(width, dst, self.step, input, s, n, block.len()) };
                } else {
                    let tall = high.next_multiple_of(64);
                    // SAFETY: both stages have room for the block.
                    unsafe {
                        transpose(width, output, tall.cast_signed(), input, s, n, block.len())
                    };
                    let way = if streams { Way::Past } else { Way::Out };
                    // SAFETY: the same columns in the destination, at multiples of 64 bytes past caches.
                    unsafe { carry(columns, to, output, tall, high, way) };
                }
                at += block.len();
            }
            first += columns.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{self, Class};
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
            unsafe { run(kernels, w, plan.axes, columns, rows, to, from) };
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
        // As many as are written past the caches, of columns that are whole lines.
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
