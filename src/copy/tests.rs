//! Copies against a naive model: each item by itself, in the order of the sequence.

use super::*;
use crate::kernels;
use crate::plan::shares::Share;
use proptest::prelude::*;
use std::vec::Vec;

/// An array in a block of its own: the offset of its first item, and its strides.
#[derive(Clone, Debug)]
struct Placed {
    first: usize,
    strides: Vec<isize>,
}

#[derive(Clone, Debug)]
struct Case {
    shape: Vec<isize>,
    itemsize: isize,
    dst: Placed,
    src: Placed,
    order: bool,
    items: isize,
    first_comes_last: bool,
    /// Both arrays in one block.
    shared: bool,
}

const BLOCK: usize = 8192;
const MIDDLE: usize = BLOCK / 2;

fn placed(ndim: usize, spread: isize) -> impl Strategy<Value = Placed> {
    (0..64_usize, prop::collection::vec(-spread..=spread, ndim))
        .prop_map(|(shift, strides)| Placed { first: MIDDLE + shift, strides })
}

fn case() -> impl Strategy<Value = Case> {
    (0..=4_usize, 1..=17_isize).prop_flat_map(|(ndim, itemsize)| {
        (
            // Few items and many.
            prop_oneof![
                prop::collection::vec(0..=3_isize, ndim),
                prop::collection::vec(1..=9_isize, ndim)
            ],
            placed(ndim, 90),
            placed(ndim, 90),
            any::<[bool; 3]>(),
            0.0..=1.3_f64,
        )
            .prop_map(move |(shape, dst, src, [order, first_comes_last, shared], part)| {
                let all: isize = shape.iter().product();
                // Most often the whole.
                let items = if part >= 1.0 { all } else { (all as f64 * part) as isize };
                let first_comes_last = first_comes_last && items == all;
                Case { shape, itemsize, dst, src, order, items, first_comes_last, shared }
            })
    })
}

fn offset(placed: &Placed, index: &[isize]) -> usize {
    let offset: isize = placed.strides.iter().zip(index).map(|(stride, i)| stride * i).sum();
    placed.first.checked_add_signed(offset).unwrap()
}

/// All index vectors in an order.
fn indices(shape: &[isize], order: Order) -> Vec<Vec<isize>> {
    let all: isize = shape.iter().product();
    (0..all)
        .map(|mut flat| {
            let mut index = std::vec![0; shape.len()];
            let mut digit = |axis: usize| {
                index[axis] = flat % shape[axis];
                flat /= shape[axis];
            };
            match order {
                Order::C => (0..shape.len()).rev().for_each(&mut digit),
                Order::Fortran => (0..shape.len()).for_each(&mut digit),
            }
            index
        })
        .collect()
}

fn model(case: &Case, order: Order, dst: &mut [u8], src: &[u8]) {
    let size = case.itemsize as usize;
    let mut visited: Vec<_> =
        indices(&case.shape, order).into_iter().take(case.items as usize).collect();
    if case.first_comes_last && !visited.is_empty() {
        visited.rotate_left(1);
    }
    for index in visited {
        let (to, from) = (offset(&case.dst, &index), offset(&case.src, &index));
        dst[to..to + size].copy_from_slice(&src[from..from + size]);
    }
}

fn array<'a>(block: &mut [u8], placed: &'a Placed, case: &'a Case) -> Array<'a> {
    let side = Side {
        shape: &case.shape,
        itemsize: case.itemsize,
        strides: Strides::Given(&placed.strides),
        suboffsets: None,
    };
    Array { buf: block.as_mut_ptr().wrapping_add(placed.first), side }
}

fn check(case: &Case) {
    let order = if case.order { Order::C } else { Order::Fortran };
    let before: Vec<u8> = (0..BLOCK).map(|i| (i * 7 % 251) as u8).collect();
    let (mut block, mut other) = (before.clone(), before.clone());
    let mut expected = before.clone();
    model(case, order, &mut expected, &before);
    let dst = array(&mut block, &case.dst, case);
    let src = if case.shared {
        Array {
            buf: block.as_mut_ptr().wrapping_add(case.src.first),
            ..array(&mut [], &case.src, case)
        }
    } else {
        array(&mut other, &case.src, case)
    };
    let sequence = Sequence {
        shape: &case.shape,
        itemsize: case.itemsize,
        order,
        items: case.items,
        first_comes_last: case.first_comes_last,
    };
    unsafe { copy(dst, src, sequence) }.unwrap();
    assert_eq!(block, expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn copy_of_any_two_arrays_is_the_model_s(case in case()) {
        check(&case);
    }
}

/// `small::copy_axes` between arrays apart, in the order of the loops.
fn check_few(n: &[isize], dst: &[isize], src: &[isize], size: isize) {
    let place = |strides: &[isize]| Placed { first: MIDDLE, strides: strides.into() };
    let case = Case {
        shape: n.into(),
        itemsize: size,
        dst: place(dst),
        src: place(src),
        order: true,
        items: n.iter().product(),
        first_comes_last: false,
        shared: false,
    };
    let before: Vec<u8> = (0..BLOCK).map(|i| (i * 7 % 251) as u8).collect();
    let (mut block, mut expected) = (before.clone(), before.clone());
    model(&case, Order::C, &mut expected, &before);
    let to = block.as_mut_ptr().wrapping_add(MIDDLE);
    let from = before.as_ptr().wrapping_add(MIDDLE);
    let numbers = n.iter().zip(dst).zip(src);
    let mut axes: Vec<_> =
        numbers.map(|((&n, &dst), &src)| Axis { n, dst, src, ..Axis::default() }).collect();
    unsafe { small::copy_axes(&mut axes, to, from, size) };
    assert_eq!(block, expected, "{n:?} {dst:?} {src:?} {size}");
}

#[test]
fn few_items_are_copied_in_the_order_of_the_loops() {
    for size in (1..=17).chain([24, 64]) {
        for n in [[1, 1, 1], [1, 1, 7], [2, 3, 4], [3, 1, 5], [5, 4, 6], [1, 9, 9]] {
            // Apart, one over another, and backwards.
            for dst in [[1, 1, 1], [40, 30, 20], [0, 5, 0], [-60, 30, -7]] {
                check_few(&n, &dst, &[-50, 9, 33], size);
                check_few(&n, &dst, &[0, -17, size], size);
            }
        }
        check_few(&[1, 2, 1, 2, 1, 2, 3, 2], &[1, 3, 5, 7, 2, -9, 11, 13], &[7; 8], size);
        check_few(&[], &[], &[], size);
        check_few(&[3, 2], &[-70, 64], &[1, 5], size);
        check_few(&[2; 7], &[100, 90, 80, 70, -60, 50, -30], &[1, 2, 4, 8, 16, 32, 128], size);
    }
}

/// Strides for `n`: dense in some order of the dimensions with a gap behind each, some of them downwards;
/// or, for a source, any.
fn strides(
    n: [isize; 3],
    size: isize,
    order: [usize; 3],
    gaps: [isize; 3],
    down: [bool; 3],
) -> [isize; 3] {
    let mut strides = [0; 3];
    let mut step = size;
    for (i, axis) in order.into_iter().enumerate() {
        strides[axis] = if down[axis] { -step } else { step };
        step = step * n[axis] + gaps[i];
    }
    strides
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn many_items_of_three_loops_are_copied_as_few_are(
        n in prop_oneof![[1..2_isize, 1..70_isize, 1..70_isize], [1..9_isize, 1..24_isize, 1..24_isize]],
        size in prop_oneof![4 => prop::sample::select(std::vec![1_isize, 2, 4, 8, 16]), 1 => 1..=24_isize],
        orders in [Just([0, 1, 2]).prop_shuffle(), Just([2, 1, 0]).prop_shuffle()],
        gaps in prop::array::uniform6(prop_oneof![4 => Just(0), 1 => 1..=9_isize]),
        down in prop::array::uniform6(prop::bool::weighted(0.1)),
        strange in prop_oneof![9 => Just(None), 1 => [-40..=40_isize, -40..=40_isize, -40..=40_isize].prop_map(Some)],
        twice in prop::bool::weighted(0.05),
    ) {
        let ([g0, g1, g2, g3, g4, g5], [d0, d1, d2, d3, d4, d5]) = (gaps, down);
        let dst = strides(n, size, orders[0], [g0, g1, g2], [d0, d1, d2]);
        let src = strides(n, size, orders[1], [g3, g4, g5], [d3, d4, d5]);
        let (dst, src) = if twice { ([1, 2, 3], src) } else { (dst, strange.unwrap_or(src)) };
        let reach = |strides: [isize; 3]| -> isize { n.iter().zip(strides).map(|(n, s)| n * s.abs()).sum() };
        let middle = (reach(dst).max(reach(src)) + size).unsigned_abs();
        let before: Vec<u8> = (0..2 * middle).map(|i| (i * 7 % 251) as u8).collect();
        let mut block = std::vec![0_u8; 2 * middle];
        let mut expected = block.clone();
        let to = block.as_mut_ptr().wrapping_add(middle);
        let from = before.as_ptr().wrapping_add(middle);
        let loops = small::Loops { n: &n, dst: &dst, src: &src, itemsize: size };
        if unsafe { small::copy_many(to, from, &loops) } {
            unsafe { small::copy(expected.as_mut_ptr().wrapping_add(middle), from, &loops) };
        } else {
            prop_assert!(twice);
        }
        prop_assert!(block == expected, "{n:?} {dst:?} {src:?} {size}");
    }
}

#[test]
fn many_dimensions_are_copied_from_memory_of_their_own() {
    let mut shape = std::vec![1; 200];
    shape[199] = 3;
    let case = Case {
        dst: Placed { first: MIDDLE, strides: std::vec![2; 200] },
        src: Placed { first: MIDDLE, strides: std::vec![-1; 200] },
        shape,
        itemsize: 1,
        order: true,
        items: 3,
        first_comes_last: false,
        shared: false,
    };
    check(&case);
}

#[test]
fn pointers_in_the_source_are_followed() {
    let mut rows = [[1_u8, 2, 3], [4, 5, 6]];
    let mut table = [rows[0].as_mut_ptr(), rows[1].as_mut_ptr()];
    let shape = [2, 2];
    let strides = [size_of::<*mut u8>() as isize, 1];
    let src = Array {
        buf: table.as_mut_ptr().cast(),
        side: Side {
            shape: &shape,
            itemsize: 1,
            strides: Strides::Given(&strides),
            suboffsets: Some(&[1, -1]),
        },
    };
    for (order, expected) in [(Order::C, [2, 3, 5, 6]), (Order::Fortran, [2, 5, 3, 6])] {
        let mut to = [0_u8; 4];
        let side =
            Side { shape: &shape, itemsize: 1, strides: Strides::Dense(order), suboffsets: None };
        let sequence =
            Sequence { shape: &shape, itemsize: 1, order, items: 4, first_comes_last: false };
        unsafe { copy(Array { buf: to.as_mut_ptr(), side }, src, sequence) }.unwrap();
        assert_eq!(to, expected);
    }
}

#[test]
fn staging_block_in_a_gap_of_the_destination_is_no_overlap() {
    // Two items at the ends of the address space that malloc uses: whatever is allocated lies between.
    let mut low = std::boxed::Box::new([0_u8; 16]);
    let mut high = std::vec![0_u8; 1 << 24].into_boxed_slice();
    let (low, high) = (low.as_mut_ptr(), high.as_mut_ptr());
    let stride = high.addr() as isize - low.addr() as isize;
    let shape = [2];
    let strides = [stride];
    let dst = Array {
        buf: low,
        side: Side {
            shape: &shape,
            itemsize: 1,
            strides: Strides::Given(&strides),
            suboffsets: None,
        },
    };
    let mut from = std::boxed::Box::new([7_u8, 8]);
    let side =
        Side { shape: &shape, itemsize: 1, strides: Strides::Dense(Order::C), suboffsets: None };
    let src = Array { buf: from.as_mut_ptr(), side };
    let sequence =
        Sequence { shape: &shape, itemsize: 1, order: Order::C, items: 2, first_comes_last: false };
    unsafe { copy(dst, src, sequence) }.unwrap();
    assert_eq!(unsafe { (*low, *high) }, (7, 8));
}

/// Copies a case in parts, each in its turn from both ends, and compares with the naive copy.
fn check_parts(case: &Case, n_parts: isize) {
    let before: Vec<u8> = (0..BLOCK).map(|i| (i * 7 % 251) as u8).collect();
    let (mut block, mut expected) = (std::vec![0x5a_u8; BLOCK], std::vec![0x5a_u8; BLOCK]);
    model(case, Order::C, &mut expected, &before);
    let side = |strides| Side {
        shape: &case.shape,
        itemsize: case.itemsize,
        strides: Strides::Given(strides),
        suboffsets: None,
    };
    let dst = Array {
        buf: block.as_mut_ptr().wrapping_add(case.dst.first),
        side: side(&case.dst.strides),
    };
    let src = Array {
        buf: before.as_ptr().cast_mut().wrapping_add(case.src.first),
        side: side(&case.src.strides),
    };
    let sequence = Sequence {
        shape: &case.shape,
        itemsize: case.itemsize,
        order: Order::C,
        items: case.items,
        first_comes_last: false,
    };
    for turn in 0..n_parts {
        let part = if turn % 2 == 0 { turn / 2 } else { n_parts - 1 - turn / 2 };
        let share = Share { part, n_parts };
        assert!(unsafe { part::copy_share(dst, src, sequence, share, 1) }.unwrap());
    }
    assert!(block == expected, "{case:?} in {n_parts} parts");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_of_any_copy_are_the_model_s(case in case(), n_parts in prop::sample::select(std::vec![1_isize, 2, 3, 7, 64])) {
        let items = case.shape.iter().product();
        check_parts(&Case { items, shared: false, first_comes_last: false, ..case }, n_parts);
    }

    #[test]
    fn parts_of_permuted_copies_are_the_model_s(
        n in prop_oneof![[1..4_isize, 1..20_isize, 1..40_isize], [1..9_isize, 1..9_isize, 1..9_isize]],
        itemsize in prop_oneof![4 => prop::sample::select(std::vec![1_isize, 2, 4, 8, 16]), 1 => 1..=24_isize],
        orders in [Just([0, 1, 2]).prop_shuffle(), Just([2, 1, 0]).prop_shuffle()],
        gaps in prop::array::uniform6(prop_oneof![4 => Just(0), 1 => 1..=9_isize]),
        down in prop::array::uniform6(prop::bool::weighted(0.1)),
        first in 0..64_usize,
        n_parts in prop::sample::select(std::vec![2_isize, 3, 7, 64]),
    ) {
        let ([g0, g1, g2, g3, g4, g5], [d0, d1, d2, d3, d4, d5]) = (gaps, down);
        let dst = strides(n, itemsize, orders[0], [g0, g1, g2], [d0, d1, d2]);
        let src = strides(n, itemsize, orders[1], [g3, g4, g5], [d3, d4, d5]);
        let reach = |strides: [isize; 3]| -> isize { n.iter().zip(strides).map(|(n, s)| n * s.abs()).sum() };
        prop_assume!(reach(dst).max(reach(src)) + itemsize < MIDDLE as isize - 64);
        let place = |strides: [isize; 3]| Placed { first: MIDDLE + first, strides: strides.into() };
        check_parts(&Case {
            shape: n.into(),
            itemsize,
            dst: place(dst),
            src: place(src),
            order: true,
            items: n.iter().product(),
            first_comes_last: false,
            shared: false,
        }, n_parts);
    }
}

/// Runs that fill more than the caches: in whichever order of the loops, from either end, at any distance to a line.
#[test]
fn long_runs_of_large_arrays_are_the_model_s() {
    let huge = kernels::limits().huge.min(32 << 20);
    let [n, m] = [5, 7_usize];
    let run = huge / (n * m) + 1001;
    let src: Vec<u8> = (0..n * m * run).map(|i| (i * 31 % 251) as u8).collect();
    // The strides of a source of n x m runs in steps of one, by the dimensions of the destination.
    let [n, m, item] = [n, m, run].map(|n| n as isize);
    let sources = [
        (0, [item, n * item, 1]),
        ((n - 1) * item, [-item, n * item, 1]),
        ((m - 1) * n * item, [item, -n * item, 1]),
        (0, [m * item, item, 1]),
        (0, [0, item, 1]),
    ];
    for (first, strides) in sources {
        for (gap, before) in [(0, 0), (0, 16), (3, 5), (64, 0)] {
            let pitch = item + gap;
            let mut dst = std::vec![0xA5_u8; before + (n * m * pitch) as usize];
            let mut expected = dst.clone();
            for (i, j) in (0..n).flat_map(|i| (0..m).map(move |j| (i, j))) {
                let from = (first + i * strides[0] + j * strides[1]) as usize;
                let to = before + ((i * m + j) * pitch) as usize;
                expected[to..to + run].copy_from_slice(&src[from..from + run]);
            }
            let shape = [n, m, item];
            let side = |strides| Side {
                shape: &shape,
                itemsize: 1,
                strides: Strides::Given(strides),
                suboffsets: None,
            };
            let dst_strides = [m * pitch, pitch, 1];
            let to = Array { buf: dst.as_mut_ptr().wrapping_add(before), side: side(&dst_strides) };
            let from = src.as_ptr().cast_mut().wrapping_offset(first);
            let from = Array { buf: from, side: side(&strides) };
            let (order, items) = (Order::C, n * m * item);
            let sequence =
                Sequence { shape: &shape, itemsize: 1, order, items, first_comes_last: false };
            assert!(unsafe { copy(to, from, sequence) }.is_ok());
            assert!(dst == expected, "{first} {strides:?} {gap} {before}");
        }
    }
}
