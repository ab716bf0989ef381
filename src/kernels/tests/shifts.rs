//! Source and destination shifted by different amounts, at nearly every length: where vectors of both never align.

use super::*;

/// Of the destination and of the source: equal, and different in each of their low bits.
const SHIFTS: [(usize, usize); 11] =
    [(0, 0), (0, 1), (1, 0), (3, 5), (8, 4), (4, 8), (2, 16), (16, 2), (7, 7), (12, 9), (15, 13)];
/// What stands where nothing is written.
const GUARD: u8 = 0xa5;

#[test]
fn transpose_of_few_at_every_length_is_the_model_s() {
    for kernels in all() {
        for size in SIZES {
            for n in (1..=70).chain([100, 127, 128, 129, 200]) {
                for shifts in SHIFTS {
                    for (columns, rows) in (2..=5).flat_map(|few| [(few, n), (n, few)]) {
                        for (d_gap, s_gap) in [(0, 0), (0, size), (size, 0), (1, 3)] {
                            let strides = (rows * size + d_gap, columns * size + s_gap);
                            check_shifted(kernels, size, (columns, rows), shifts, strides);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn transpose_of_every_small_shape_is_the_model_s() {
    for kernels in all() {
        for size in SIZES {
            for columns in 1..=36 {
                for rows in 1..=36 {
                    let (a, b) = ((columns * 5 + rows) % 16, (columns + rows * 3) % 16);
                    let (d, s) = (rows * size, columns * size);
                    check_shifted(kernels, size, (columns, rows), (a, b), (d, s));
                    check_shifted(kernels, size, (columns, rows), (b, a), (d + b, s + a));
                }
            }
        }
    }
}

fn check_shifted(
    kernels: &Kernels,
    size: usize,
    (columns, rows): (usize, usize),
    (to, from): (usize, usize),
    (d, s): (usize, usize),
) {
    let src = pattern(from + s * (rows - 1) + columns * size, 3);
    let mut expected = std::vec![GUARD; to + d * (columns - 1) + rows * size + 40];
    let mut found = expected.clone();
    for c in 0..columns {
        for r in 0..rows {
            let (to, from) = (to + c * d + r * size, from + r * s + c * size);
            expected[to..to + size].copy_from_slice(&src[from..from + size]);
        }
    }
    unsafe {
        let (dst, src) = (found.as_mut_ptr().add(to), src.as_ptr().add(from));
        (kernels.transpose)(size, dst, d as isize, src, s as isize, columns, rows);
    }
    assert!(
        found == expected,
        "{:?} {size} bytes {columns} x {rows}, shifts {to} {from}, strides {d} {s}",
        kernels.level
    );
}

#[test]
fn runs_at_every_step_and_length_are_the_model_s() {
    let src = pattern(200 * 40 + 200, 7);
    for kernels in all() {
        for run in 1..=34_usize {
            for step in -20..=20_isize {
                for n in (0..=60_usize).chain([97, 130]) {
                    let (to, from) = ((n + run) % 16, (n * 3 + run) % 16);
                    let before = if step < 0 { n.saturating_sub(1) } else { 0 };
                    let first = from + step.unsigned_abs() * before;
                    let mut found = std::vec![GUARD; to + n * run + 64];
                    let mut expected = found.clone();
                    for i in 0..n {
                        let at = first.checked_add_signed(step * i as isize).unwrap();
                        expected[to + i * run..][..run].copy_from_slice(&src[at..at + run]);
                    }
                    unsafe {
                        let (dst, src) = (found.as_mut_ptr().add(to), src.as_ptr().add(first));
                        (kernels.runs)(dst, run as isize, src, step, n, run);
                    }
                    assert!(found == expected, "{:?} {run} by {step}, {n}", kernels.level);
                }
            }
        }
    }
}

#[test]
fn fill_at_every_shift_is_the_model_s() {
    for kernels in all() {
        for size in SIZES {
            for n in (0..70).chain([100, 128, 129]) {
                for shift in 0..16 {
                    let item = pattern(size, n + shift);
                    let mut expected = std::vec![GUARD; shift + n * size + 64];
                    let mut found = expected.clone();
                    expected[shift..shift + n * size].copy_from_slice(&item.repeat(n));
                    unsafe {
                        (kernels.fill)(size, found.as_mut_ptr().add(shift), item.as_ptr(), n)
                    };
                    assert!(found == expected, "{:?} {size} bytes, {n}", kernels.level);
                }
            }
        }
    }
}
