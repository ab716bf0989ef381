//! Copies from arrays with suboffsets into arrays without.
//!
//! The loops over pointers run by index. The array behind each of the last pointers is copied by `direct`; all of
//! these arrays have the same shape and strides, so one plan serves them. If the destination is dense along the
//! last pointers, the rows behind them are woven instead.

use core::{ptr, slice};

use super::room::{self, Need, Table};
use super::weave::{self, Weave};
use super::{direct, odometer};
use crate::kernels;
use crate::layout::Order;
use crate::plan::{self, Axis, Plan};
use crate::suboffset::follow;

/// Copies a whole array.
///
/// # Safety
/// * ITEMS: every index of the axes can be reached in both arrays, which share no byte; no byte of the destination
///   is written twice; pointers are followed in the source alone, and all indices are 0.
#[inline(never)]
pub unsafe fn copy(axes: &mut [Axis], dst: *mut u8, src: *mut u8, itemsize: isize) {
    let last_pointer = axes.iter().rposition(|axis| axis.src_suboffset >= 0);
    let depth = last_pointer.map_or(0, |last| last.saturating_add(1));
    let Some((outer, inner)) = axes.split_at_mut_checked(depth) else { return };
    let Some((pointers, outer)) = outer.split_last_mut() else { return };
    let mut plan = plan::canonicalise(inner, itemsize);
    // No pointer leads into the destination.
    let dst = dst.wrapping_offset(plan.dst);
    let w = kernels::width_of(plan.run).filter(|_| plan::is_column(&plan, pointers));
    let is_woven = w.is_some_and(|w| {
        let [others, rows, items] =
            [&*outer, slice::from_ref(pointers), &*plan.axes].map(weave::items);
        let need = Need {
            items: others.saturating_mul(rows).saturating_mul(items),
            loops: depth.saturating_add(plan.axes.len()),
            rows,
            wide: plan.axes.last().map_or(0, |columns| columns.n.unsigned_abs()) << w,
            is_regular: true,
        };
        room::with(&need, &mut |rows, columns, stage| {
            let weave = Weave { kernels: kernels::selected(), w, columns: 1, stage };
            let mut rows = |dst, src| {
                // SAFETY: the rows behind these indices, whose columns the plan has (caller: ITEMS).
                unsafe { weave_rows(&weave, &mut plan, pointers, (rows, columns), dst, src) }
            };
            // SAFETY: the loops up to the last pointers are in the arrays (caller: ITEMS).
            unsafe { each(outer, dst, src, &mut rows) };
        })
    });
    if !is_woven {
        // SAFETY: the rows behind these indices (caller: ITEMS).
        let mut rows = |dst, src| unsafe { copy_rows(&mut plan, pointers, dst, src) };
        // SAFETY: as above.
        unsafe { each(outer, dst, src, &mut rows) };
    }
}

/// Calls `work` at every index of the loops, with the addresses in the destination and in the source.
///
/// # Safety
/// * ITEMS: all indices, which are 0 at first, can be reached in both arrays.
unsafe fn each(
    axes: &mut [Axis],
    dst: *mut u8,
    src: *mut u8,
    work: &mut dyn FnMut(*mut u8, *mut u8),
) {
    loop {
        // SAFETY: the indices are within the shape (caller: ITEMS).
        let to = unsafe { odometer::locate_dst(axes, dst) };
        // SAFETY: as above.
        let from = unsafe { odometer::locate_src(axes, src) };
        work(to, from);
        if !odometer::advance(axes, Order::C) {
            return;
        }
    }
}

/// Copies the array behind each pointer of a loop.
///
/// # Safety
/// * ITEMS: as for [`copy`], for the pointers from `src` on.
unsafe fn copy_rows(plan: &mut Plan, pointers: &Axis, mut dst: *mut u8, mut src: *mut u8) {
    for _ in 0..pointers.n {
        // SAFETY: the loop's pointers (caller: ITEMS).
        let from = unsafe { follow(src, pointers.src_suboffset) }.wrapping_offset(plan.src);
        if plan.axes.is_empty() {
            // SAFETY: one run is behind this pointer (caller: ITEMS).
            unsafe { ptr::copy_nonoverlapping(from, dst, plan.run) };
        } else {
            // SAFETY: the inner loops reach the array behind this pointer (caller: ITEMS).
            unsafe { direct::run(plan, dst, from) };
        }
        dst = dst.wrapping_offset(pointers.dst);
        src = src.wrapping_offset(pointers.src);
    }
}

/// Copies the rows behind the pointers of a loop along which the destination is dense, many at once.
///
/// # Safety
/// * ITEMS: as for [`copy_rows`].
/// * COLUMN: `plan::is_column` holds.
unsafe fn weave_rows(
    weave: &Weave,
    plan: &mut Plan,
    pointers: &Axis,
    (room, columns): (&mut Table, &mut Table),
    mut dst: *mut u8,
    mut src: *mut u8,
) {
    let mut left = pointers.n.unsigned_abs();
    while left > 0 {
        let n = left.min(room.len());
        for row in room.iter_mut().take(n) {
            // SAFETY: the loop's pointers (caller: ITEMS).
            row.write(unsafe { follow(src, pointers.src_suboffset) }.wrapping_offset(plan.src));
            src = src.wrapping_offset(pointers.src);
        }
        // SAFETY: so many were written.
        let rows = unsafe { slice::from_raw_parts_mut(room.as_mut_ptr().cast(), n) };
        // SAFETY: the inner loops reach the rows behind these pointers (caller: ITEMS); the last loop is dense in the
        // source, and the destination along the rows (caller: COLUMN).
        unsafe { weave::run_rows(weave, plan.axes, rows, columns, dst, ptr::null()) };
        dst = dst.wrapping_offset(pointers.dst.wrapping_mul(n.cast_signed()));
        left = left.wrapping_sub(n);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Array, Sequence, copy};
    use crate::layout::Order;
    use crate::plan::{Side, Strides};
    use std::vec::Vec;

    /// Copies rows of `shape[1..]` items that lie in any order in memory, and compares with the naive copy.
    fn check(shape: &[isize], itemsize: isize, order: Order, suboffset: isize, step: isize) {
        let n_rows = shape[0] as usize;
        // Items of a row in C order, `step` items apart, behind `suboffset` bytes.
        let mut strides = std::vec![size_of::<*mut u8>() as isize; shape.len()];
        let mut len = itemsize * step;
        for axis in (1..shape.len()).rev() {
            strides[axis] = len;
            len *= shape[axis];
        }
        let row_len = (suboffset + len) as usize;
        let mut memory: Vec<u8> =
            (0..n_rows * row_len).map(|i| (i ^ i >> 8 ^ i >> 15) as u8).collect();
        let place = |row: usize| row * 7 % n_rows * row_len;
        let base = memory.as_mut_ptr();
        let mut table: Vec<*mut u8> =
            (0..n_rows).map(|row| base.wrapping_add(place(row))).collect();
        let mut suboffsets = std::vec![-1; shape.len()];
        suboffsets[0] = suboffset;

        let all: isize = shape.iter().product();
        let mut expected = Vec::new();
        for mut flat in 0..all {
            let mut at = suboffset;
            let mut row = 0;
            let mut digit = |axis: usize| {
                let index = flat % shape[axis];
                flat /= shape[axis];
                if axis == 0 { row = index as usize } else { at += index * strides[axis] }
            };
            match order {
                Order::C => (0..shape.len()).rev().for_each(&mut digit),
                Order::Fortran => (0..shape.len()).for_each(&mut digit),
            }
            let from = place(row) + at as usize;
            expected.extend_from_slice(&memory[from..from + itemsize as usize]);
        }
        let mut found = std::vec![0x5a; expected.len() + 64];
        let dense = Side { shape, itemsize, strides: Strides::Dense(order), suboffsets: None };
        let pointers =
            Side { strides: Strides::Given(&strides), suboffsets: Some(&suboffsets), ..dense };
        let src = Array { buf: table.as_mut_ptr().cast(), side: pointers };
        let dst = Array { buf: found.as_mut_ptr(), side: dense };
        let sequence = Sequence { shape, itemsize, order, items: all, first_comes_last: false };
        unsafe { copy(dst, src, sequence) }.unwrap();
        assert!(found[..expected.len()] == expected, "{shape:?} {itemsize} {order:?} {step}");
        assert!(found[expected.len()..].iter().all(|byte| *byte == 0x5a));
    }

    #[test]
    fn rows_behind_pointers_are_the_model_s() {
        for order in [Order::C, Order::Fortran] {
            for itemsize in (1..=9).chain([16, 24]) {
                for step in [1, 2] {
                    check(&[13, 29], itemsize, order, 5, step);
                    check(&[5, 6, 7], itemsize, order, 0, step);
                    check(&[8, 3, 4, 5], itemsize, order, 3, step);
                }
            }
            // More rows than a table has, and more columns than a chunk.
            check(&[2500, 3], 1, order, 1, 1);
            check(&[1025, 301], 4, order, 0, 1);
            check(&[70, 5000], 2, order, 9, 1);
        }
    }
}
