use super::*;
use crate::layout::Order::{C, Fortran};
use std::vec::Vec;

fn given<'a>(shape: &'a [isize], strides: &'a [isize], itemsize: isize) -> Side<'a> {
    Side { shape, itemsize, strides: Strides::Given(strides), suboffsets: None }
}

fn dense(shape: &[isize], itemsize: isize, order: Order) -> Side<'_> {
    Side { shape, itemsize, strides: Strides::Dense(order), suboffsets: None }
}

fn laid(shape: &[isize], dst: Side, src: Side) -> Vec<Axis> {
    let kept = Kept::of(shape, &dst, &src);
    let mut axes = std::vec![Axis::default(); kept.n];
    lay(&mut axes, kept, shape, dst, src);
    axes
}

/// `(n, dst, src)` of each loop, and the run.
fn planned(axes: &mut [Axis], itemsize: isize) -> (Vec<(isize, isize, isize)>, usize) {
    let plan = canonicalise(axes, itemsize);
    (plan.axes.iter().map(|axis| (axis.n, axis.dst, axis.src)).collect(), plan.run)
}

#[test]
fn dense_sides_get_the_strides_of_their_order() {
    let axes = laid(&[2, 3], dense(&[2, 3], 4, Fortran), dense(&[2, 3], 4, C));
    assert_eq!(axes.iter().map(|a| (a.dst, a.src)).collect::<Vec<_>>(), [(4, 12), (8, 4)]);
}

#[test]
fn dense_side_larger_than_what_is_copied_keeps_its_own_strides() {
    let axes = laid(&[2, 2], dense(&[3, 5], 4, C), dense(&[2, 2], 4, C));
    assert_eq!(axes.iter().map(|a| a.dst).collect::<Vec<_>>(), [20, 4]);
}

#[test]
fn of_many_dimensions_those_of_one_step_have_no_loop() {
    let mut shape = std::vec![1; 40];
    (shape[3], shape[17], shape[39]) = (2, 5, 3);
    let few = laid(&[2, 5, 3], dense(&[2, 5, 3], 4, Fortran), dense(&[2, 5, 3], 4, C));
    assert_eq!(laid(&shape, dense(&shape, 4, Fortran), dense(&shape, 4, C)), few);
    // Pointers are followed also where there is one.
    let (mut suboffsets, mut strides) = (std::vec![-1; 40], std::vec![8; 40]);
    suboffsets[9] = 0;
    strides[9] = 16;
    let src = Side { suboffsets: Some(&suboffsets), ..given(&shape, &strides, 4) };
    let axes = laid(&shape, dense(&shape, 4, C), src);
    let found: Vec<_> = axes.iter().map(|axis| (axis.n, axis.src, axis.src_suboffset)).collect();
    assert_eq!(found, [(2, 8, -1), (1, 16, 0), (5, 8, -1), (3, 8, -1)]);
}

#[test]
fn two_dense_arrays_are_one_run() {
    let mut axes = laid(&[2, 3, 4], dense(&[2, 3, 4], 8, C), dense(&[2, 3, 4], 8, C));
    assert_eq!(planned(&mut axes, 8), (std::vec![], 192));
}

#[test]
fn dense_rows_with_gaps_are_runs_of_a_row() {
    let mut axes = laid(&[5, 4], dense(&[5, 4], 2, C), given(&[5, 4], &[32, 2], 2));
    assert_eq!(planned(&mut axes, 2), (std::vec![(5, 8, 32)], 8));
}

#[test]
fn transposed_array_is_walked_along_the_destination() {
    let mut axes = laid(&[5, 4], dense(&[5, 4], 2, Fortran), dense(&[5, 4], 2, C));
    assert_eq!(planned(&mut axes, 2), (std::vec![(4, 10, 2), (5, 2, 8)], 2));
}

/// The class that a copy's layouts lead to, and its inner loops as `(n, dst, src)`.
fn class_of(axes: &mut [Axis], itemsize: isize) -> (Class, Vec<(isize, isize, isize)>) {
    let plan = canonicalise(axes, itemsize);
    (plan.class, plan.axes.iter().map(|axis| (axis.n, axis.dst, axis.src)).collect())
}

#[test]
fn every_second_item_is_gathered_or_scattered() {
    let mut axes = laid(&[9], dense(&[9], 4, C), given(&[9], &[8], 4));
    assert_eq!(class_of(&mut axes, 4), (Class::Gather, std::vec![(9, 4, 8)]));
    let mut axes = laid(&[9], given(&[9], &[8], 4), dense(&[9], 4, C));
    assert_eq!(class_of(&mut axes, 4), (Class::Scatter, std::vec![(9, 8, 4)]));
}

#[test]
fn array_read_backwards_is_gathered() {
    let mut axes = laid(&[9], dense(&[9], 2, C), given(&[9], &[-2], 2));
    assert_eq!(class_of(&mut axes, 2), (Class::Gather, std::vec![(9, 2, -2)]));
}

#[test]
fn two_orders_are_a_transpose_with_the_source_s_dense_loop_before_the_last() {
    let mut axes = laid(&[5, 4], dense(&[5, 4], 2, Fortran), dense(&[5, 4], 2, C));
    assert_eq!(class_of(&mut axes, 2), (Class::Transpose, std::vec![(4, 10, 2), (5, 2, 8)]));
    // Three dimensions reversed: the middle one is the outer loop.
    let shape = [300, 4, 500];
    let mut axes = laid(&shape, dense(&shape, 1, Fortran), dense(&shape, 1, C));
    let expected = std::vec![(4, 300, 500), (500, 1200, 1), (300, 1, 2000)];
    assert_eq!(class_of(&mut axes, 1), (Class::Transpose, expected));
}

#[test]
fn transpose_of_rows_read_backwards_is_turned_round() {
    let mut axes = laid(&[5, 4], dense(&[5, 4], 1, Fortran), given(&[5, 4], &[4, -1], 1));
    let plan = canonicalise(&mut axes, 1);
    assert_eq!((plan.class, plan.dst, plan.src), (Class::Transpose, 15, -3));
    assert_eq!((plan.axes[0].dst, plan.axes[0].src), (-5, 1));
}

#[test]
fn broadcast_item_is_filled_and_broadcast_row_is_copied() {
    let mut axes = laid(&[6, 7], dense(&[6, 7], 4, C), given(&[6, 7], &[0, 0], 4));
    assert_eq!(class_of(&mut axes, 4), (Class::Fill, std::vec![(42, 4, 0)]));
    let mut axes = laid(&[6, 7], dense(&[6, 7], 4, C), given(&[6, 7], &[0, 4], 4));
    assert_eq!(planned(&mut axes, 4), (std::vec![(6, 28, 0)], 28));
}

#[test]
fn distance_on_both_sides_is_neither() {
    let mut axes = laid(&[9], given(&[9], &[8], 4), given(&[9], &[12], 4));
    assert_eq!(class_of(&mut axes, 4), (Class::Items, std::vec![(9, 8, 12)]));
}

#[test]
fn neighbouring_loops_that_continue_each_other_are_merged() {
    let mut axes = laid(&[3, 4, 1, 5], dense(&[3, 4, 1, 5], 1, C), {
        given(&[3, 4, 1, 5], &[80, 20, 7, 4], 1)
    });
    assert_eq!(planned(&mut axes, 1), (std::vec![(60, 1, 4)], 1));
}

#[test]
fn backward_destination_is_turned_round() {
    let shape = [4];
    let mut axes = laid(&shape, given(&shape, &[-3], 1), given(&shape, &[2], 1));
    let plan = canonicalise(&mut axes, 1);
    assert_eq!((plan.dst, plan.src, plan.run), (-9, 6, 1));
    assert_eq!((plan.class, plan.axes[0].dst, plan.axes[0].src), (Class::Items, 3, -2));
}

#[test]
fn backward_destination_of_a_dense_source_is_written_backwards() {
    let shape = [4];
    let mut axes = laid(&shape, given(&shape, &[-3], 1), dense(&shape, 1, C));
    let plan = canonicalise(&mut axes, 1);
    assert_eq!((plan.class, plan.dst, plan.src, plan.run), (Class::Scatter, 0, 0, 1));
    assert_eq!((plan.axes[0].dst, plan.axes[0].src), (-3, 1));
}

#[test]
fn destination_written_twice_is_told_from_one_written_once() {
    let once = |shape: &[isize], strides: &[isize], itemsize| {
        let axes = laid(shape, given(shape, strides, itemsize), dense(shape, itemsize, C));
        writes_each_byte_once(&axes, itemsize)
    };
    assert!(once(&[2, 3], &[12, 4], 4));
    assert!(once(&[2, 3], &[-4, 8], 4));
    assert!(once(&[1, 3], &[0, 4], 4));
    assert!(!once(&[2, 3], &[0, 4], 4));
    assert!(!once(&[2, 3], &[4, 4], 4));
    assert!(!once(&[3], &[2], 4));
    assert!(!once(&[3, 3], &[8, 4], 4));
}

#[test]
fn prefix_keeps_the_steps_that_it_begins() {
    let shape = [4, 5, 6];
    let kept = |items, order| {
        let mut axes = laid(&shape, dense(&shape, 1, C), dense(&shape, 1, C));
        keep_prefix(&mut axes, items, order);
        axes.iter().map(|axis| axis.n).collect::<Vec<_>>()
    };
    assert_eq!(kept(120, C), [4, 5, 6]);
    assert_eq!(kept(91, C), [4, 5, 6]);
    assert_eq!(kept(90, C), [3, 5, 6]);
    assert_eq!(kept(30, C), [1, 5, 6]);
    assert_eq!(kept(13, C), [1, 3, 6]);
    assert_eq!(kept(1, C), [1, 1, 1]);
    assert_eq!(kept(9, Fortran), [4, 3, 1]);
    assert_eq!(kept(41, Fortran), [4, 5, 3]);
}

#[test]
fn prefix_is_whole_slabs_and_a_rest() {
    let shape = [1, 4, 5];
    let mut axes = laid(&shape, dense(&shape, 1, C), dense(&shape, 1, C));
    assert_eq!(split_prefix(&mut axes, 13, C), Slabs { axis: 1, whole: 2, rest: 3 });
    assert_eq!(axes[1].index, 2);
    let mut axes = laid(&shape, dense(&shape, 1, C), dense(&shape, 1, C));
    assert_eq!(split_prefix(&mut axes, 13, Fortran), Slabs { axis: 2, whole: 3, rest: 1 });
}

/// A permutation of a C-contiguous array's dimensions, copied to a C-contiguous one.
fn permuted(dims: &[isize], order: &[usize], itemsize: isize) -> Vec<Axis> {
    let strides: Vec<isize> =
        (0..dims.len()).map(|i| dims[i + 1..].iter().product::<isize>() * itemsize).collect();
    let shape: Vec<isize> = order.iter().map(|i| dims[*i]).collect();
    let from: Vec<isize> = order.iter().map(|i| strides[*i]).collect();
    laid(&shape, dense(&shape, itemsize, C), given(&shape, &from, itemsize))
}

#[test]
fn short_lines_are_woven_of_several_loops() {
    // The last three are dense in the destination; what continues the column is among them.
    let mut axes = permuted(&[12, 14, 10, 16, 8, 18], &[5, 3, 1, 0, 2, 4], 4);
    let (class, loops) = class_of(&mut axes, 4);
    assert_eq!(class, Class::Weave { columns: 1, rows: 3 });
    assert_eq!(loops[2], (18, 860_160, 4));
    assert_eq!(loops[3..], [(12, 320, 1_290_240), (10, 32, 9216), (8, 4, 72)]);
    // Long columns, of which there is one loop.
    let mut axes = permuted(&[12, 14, 10, 16, 8, 18], &[0, 2, 4, 5, 3, 1], 8);
    let (class, loops) = class_of(&mut axes, 8);
    assert_eq!(class, Class::Weave { columns: 1, rows: 2 });
    assert_eq!(loops[2..], [(144, 1792, 8), (16, 112, 1152), (14, 8, 184_320)]);
    // Both: the fastest column last, before the rows.
    let mut axes = permuted(&[8; 6], &[5, 4, 3, 2, 1, 0], 1);
    let (class, loops) = class_of(&mut axes, 1);
    assert_eq!(class, Class::Weave { columns: 2, rows: 3 });
    assert_eq!(loops[1..3], [(8, 4096, 8), (8, 32_768, 1)]);
    assert_eq!(loops[3..], [(8, 64, 512), (8, 8, 4096), (8, 1, 32_768)]);
}

#[test]
fn long_lines_and_tables_too_long_are_plain_transposes() {
    let class = |dims: &[isize], order: &[usize], itemsize| {
        class_of(&mut permuted(dims, order, itemsize), itemsize).0
    };
    assert_eq!(class(&[256, 256, 256], &[2, 1, 0], 4), Class::Transpose);
    assert_eq!(class(&[8; 6], &[5, 4, 3, 2, 1, 0], 3), Class::Transpose);
    // 300 x 4 rows are more than a table has.
    assert_eq!(class(&[4, 300, 70], &[2, 1, 0], 4), Class::Transpose);
    assert_eq!(class(&[4, 250, 70], &[2, 1, 0], 4), Class::Weave { columns: 1, rows: 2 });
    // The loop that would make the columns wide has too many steps.
    assert_eq!(class(&[300, 100, 3], &[2, 1, 0], 1), Class::Transpose);
    assert_eq!(class(&[300, 80, 3], &[2, 1, 0], 1), Class::Weave { columns: 2, rows: 1 });
}

#[test]
fn woven_columns_read_backwards_are_turned_round() {
    let shape = [5, 3, 4];
    // The first dimension is dense in the source, downwards.
    let mut axes = laid(&shape, dense(&shape, 1, C), given(&shape, &[-1, 5, 60], 1));
    let plan = canonicalise(&mut axes, 1);
    assert_eq!((plan.class, plan.dst, plan.src), (Class::Weave { columns: 1, rows: 2 }, 48, -4));
    assert_eq!((plan.axes[0].n, plan.axes[0].dst, plan.axes[0].src), (5, -12, 1));
}

#[test]
fn shares_do_not_divide_runs_of_few_lines() {
    // The first dimension's 18 items are next to each other in the source: halves of it would read the same lines.
    let shape = [18, 16, 14, 8];
    let mut axes = laid(&shape, dense(&shape, 4, C), given(&shape, &[4, 576, 9216, 72], 4));
    let plan = canonicalise(&mut axes, 4);
    let mut division = shares::Division::NONE;
    assert!(division.divide(&plan, 2, 0, 0, plan.axes.len()));
    let mut room = [Axis::default(); 4];
    let (part, next) = division.next(0, division.units() / 2, &mut room).unwrap();
    assert_eq!(next, division.units() / 2);
    let steps: Vec<_> = part.axes.iter().map(|axis| (axis.n, axis.src)).collect();
    assert_eq!(steps, [(8, 576), (14, 9216), (18, 4), (8, 72)]);
}
