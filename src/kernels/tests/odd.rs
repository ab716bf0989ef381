//! Items that have no width of their own: gathered, and transposed.

use super::*;

const WIDTHS_OF_OTHERS: [usize; 12] = [3, 5, 6, 7, 9, 11, 12, 13, 15, 24, 31, 33];

#[test]
fn near_runs_of_all_lengths_steps_and_misalignments_are_the_model_s() {
    let src = pattern(13 * 33 * 516, 7);
    for kernels in all() {
        for width in WIDTHS_OF_OTHERS {
            for step in [-7, -4, -3, -2, -1, 1, 2, 3, 5, 12_isize] {
                for n in 0..516_usize {
                    // Steps of whole items, and odd ones.
                    let step = step * width as isize + (n % 3) as isize;
                    check_near(kernels, width, step, n, &src);
                }
            }
        }
    }
}

fn check_near(kernels: &Kernels, width: usize, step: isize, n: usize, src: &[u8]) {
    let first = if step < 0 { step.unsigned_abs() * n.saturating_sub(1) } else { 0 };
    let (shift, len) = (n % 64, n * width);
    let mut found = std::vec![0xa5; shift + len + 64];
    unsafe {
        let (dst, src) = (found.as_mut_ptr().add(shift), src.as_ptr().add(first));
        (kernels.runs)(dst, width as isize, src, step, n, width);
    }
    let right = (0..n).all(|i| {
        let from = first.checked_add_signed(step * i as isize).unwrap();
        found[shift + i * width..][..width] == src[from..from + width]
    });
    let around = found[..shift].iter().chain(&found[shift + len..]).all(|byte| *byte == 0xa5);
    assert!(right && around, "runs {:?} of {width} step {step} n {n}", kernels.level);
}

#[test]
fn transpose_of_odd_items_of_all_small_shapes_is_the_model_s() {
    let extents = (1..22).chain([31, 33, 64, 65]);
    for kernels in all() {
        for width in WIDTHS_OF_OTHERS {
            for columns in extents.clone() {
                for rows in extents.clone() {
                    let (d, s) = ((rows * width) as isize, (columns * width) as isize);
                    let shift = (columns * 5 + rows) % 64;
                    check(kernels, width, columns, rows, shift, d, s);
                    check(kernels, width, columns, rows, shift, -d - 1, s + 5);
                    check(kernels, width, columns, rows, shift, d + 64, -s);
                }
            }
            check(kernels, width, 131, 70, 7, 70 * width as isize, 131 * width as isize);
            check(kernels, width, 300, 200, 5, 8192, 4096 + 1024 * 9);
            check(kernels, width, 5, 2000, 16, 2000 * width as isize, 5 * width as isize);
            check(kernels, width, 2000, 5, 16, 5 * width as isize, 2000 * width as isize);
        }
    }
}

fn check(
    kernels: &Kernels,
    width: usize,
    columns: usize,
    rows: usize,
    shift: usize,
    d: isize,
    s: isize,
) {
    let extent = |stride: isize, n: usize, line: usize| stride.unsigned_abs() * (n - 1) + line;
    let src = pattern(extent(s, rows, columns * width), 3);
    let before = pattern(extent(d, columns, rows * width) + shift + 64, 91);
    let first = |stride: isize, n: usize| {
        if stride < 0 { stride.unsigned_abs() * (n - 1) } else { 0 }
    };
    let (to, from) = (shift + first(d, columns), first(s, rows));
    let mut expected = before.clone();
    for c in 0..columns {
        for r in 0..rows {
            let to = to.checked_add_signed(c as isize * d).unwrap() + r * width;
            let from = from.checked_add_signed(r as isize * s).unwrap() + c * width;
            expected[to..to + width].copy_from_slice(&src[from..from + width]);
        }
    }
    let mut found = before;
    unsafe {
        let dst = found.as_mut_ptr().add(to);
        kernels.transpose_any(width, dst, d, src.as_ptr().add(from), s, columns, rows);
    }
    assert!(
        found == expected,
        "transpose {:?} {width} bytes {columns} x {rows}, d {d} s {s}",
        kernels.level
    );
}

#[test]
fn odd_items_touch_nothing_beyond_the_first_and_the_last_item() {
    let (dst, src) = (Guarded::new(40 * 600), Guarded::new(120 * 600));
    for kernels in all() {
        for width in WIDTHS_OF_OTHERS {
            for (columns, rows) in
                [(1, 600), (3, 200), (9, 66), (66, 9), (16, 21), (17, 35), (24, 25), (90, 4)]
            {
                let (d, s) = ((rows * width) as isize, (columns * width) as isize);
                let len = columns * rows * width;
                for (dst, src) in dst.ends(len).into_iter().zip(src.ends(len)) {
                    unsafe {
                        kernels.transpose_any(width, dst, d, src, s, columns, rows);
                    }
                }
            }
            for step in [-3, -2, -1, 2, 3_isize] {
                for n in (1..130).chain([255, 256, 599, 600]) {
                    let (step, d) = (step * width as isize, width as isize);
                    let reach = step.unsigned_abs() * (n - 1) + width;
                    for (dst, lowest) in dst.ends(n * width).into_iter().zip(src.ends(reach)) {
                        unsafe {
                            let first = lowest.add(if step < 0 { reach - width } else { 0 });
                            (kernels.runs)(dst, d, first, step, n, width);
                        }
                    }
                }
            }
        }
    }
}

/// As large as caches are, where lines are prefetched.
#[test]
#[cfg(target_arch = "x86_64")]
fn transpose_of_odd_items_beyond_a_cache_is_the_model_s() {
    for kernels in all() {
        for width in [3, 5, 6, 7, 9, 12, 15, 24, 40] {
            let columns = 203;
            let rows = cpu::limits().far * 5 / 4 / columns / width + 1;
            let (d, s) = ((rows * width) as isize, (columns * width) as isize);
            for (d, s) in [(d, s + 2), (d + 64, -s)] {
                check(kernels, width, columns, rows, 3, d, s);
            }
        }
    }
}
