//! Every kernel of every level that this CPU has, against the naive model: all lengths and all
//! misalignments, with a guard of bytes that must not change on both sides and between the items.

mod odd;
mod shifts;

use super::*;
use std::vec::Vec;

const SIZES: [usize; WIDTHS] = [1, 2, 4, 8, 16];

fn pattern(n: usize, seed: usize) -> Vec<u8> {
    (0..n).map(|i| (i.wrapping_mul(197).wrapping_add(seed) >> 3) as u8 ^ (i as u8)).collect()
}

/// A block with `shift` bytes before it, and the offset of the first item for a step of either sign.
fn block(extent: usize, shift: usize, seed: usize) -> Vec<u8> {
    pattern(extent + shift + 128, seed)
}

#[test]
fn gather_and_scatter_of_all_lengths_steps_and_misalignments_are_the_model_s() {
    for kernels in all() {
        for (w, &size) in SIZES.iter().enumerate() {
            for step in -9..=9_isize {
                if step == 0 || step == 1 {
                    continue;
                }
                for n in (0..70).chain([100, 127, 128, 129, 255, 256, 257, 511, 512, 513]) {
                    let shift = (n * 7 + size) % 64;
                    // Strides of whole items, and odd ones.
                    for odd in [0, 1] {
                        check_strided(kernels, w, step * size as isize + odd, n, shift);
                    }
                }
            }
        }
    }
}

fn check_strided(kernels: &Kernels, w: usize, step: isize, n: usize, shift: usize) {
    let size = SIZES[w];
    let reach = step.unsigned_abs() * n.saturating_sub(1) + size;
    let far = block(reach, shift, 5);
    let first = 64 + shift % 64 + if step < 0 { reach - size } else { 0 };
    let near = block(n * size, shift, 77);
    let at = |i: usize| first.checked_add_signed(step * i as isize).unwrap();

    let mut gathered = near.clone();
    let mut expected = near.clone();
    for i in 0..n {
        let to = 64 + i * size;
        expected[to..to + size].copy_from_slice(&far[at(i)..at(i) + size]);
    }
    unsafe {
        (kernels.gather)(size, gathered.as_mut_ptr().add(64), far.as_ptr().add(first), step, n);
    }
    assert!(gathered == expected, "gather {:?} {size} step {step} n {n}", kernels.level);
    if step.unsigned_abs() < size {
        return;
    }

    let mut scattered = far.clone();
    let mut expected = far.clone();
    for i in 0..n {
        let from = 64 + i * size;
        expected[at(i)..at(i) + size].copy_from_slice(&near[from..from + size]);
    }
    unsafe {
        (kernels.scatter)(size, scattered.as_mut_ptr().add(first), near.as_ptr().add(64), step, n);
    }
    assert!(scattered == expected, "scatter {:?} {size} step {step} n {n}", kernels.level);
}

#[test]
fn gather_and_scatter_of_all_misalignments_are_the_model_s() {
    for kernels in all() {
        for (w, &size) in SIZES.iter().enumerate() {
            // Enough that kernels align what they write.
            let n = 2200 / size;
            for step in [-3, -1, 2, 3, 8, 12, 25] {
                for shift in 0..64 {
                    check_strided(kernels, w, step * size as isize, n + shift, shift);
                }
            }
        }
    }
}

#[test]
fn gather_of_items_that_share_bytes_is_the_model_s() {
    for kernels in all() {
        for (w, &size) in SIZES.iter().enumerate() {
            for step in 1 - size as isize..size as isize {
                for n in [1, 5, 16, 33, 130, 4100 / size] {
                    check_strided(kernels, w, step, n, n % 64);
                }
            }
        }
    }
}

/// Pages that can be read and written between two that cannot.
struct Guarded {
    first: *mut u8,
    len: usize,
}

impl Guarded {
    const PAGE: usize = 4096;

    fn new(len: usize) -> Self {
        let len = len.next_multiple_of(Self::PAGE);
        let (none, flags) = (libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let whole = len + 2 * Self::PAGE;
        let start = unsafe { libc::mmap(core::ptr::null_mut(), whole, none, flags, -1, 0) };
        assert!(start != libc::MAP_FAILED);
        let first = unsafe { start.cast::<u8>().add(Self::PAGE) };
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        assert_eq!(unsafe { libc::mprotect(first.cast(), len, protection) }, 0);
        Self { first, len }
    }

    /// The places at which `len` bytes begin where the pages do, and at which they end there.
    fn ends(&self, len: usize) -> [*mut u8; 2] {
        [self.first, unsafe { self.first.add(self.len - len) }]
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        unsafe {
            libc::munmap(self.first.sub(Self::PAGE).cast(), self.len + 2 * Self::PAGE);
        }
    }
}

#[test]
fn gather_and_scatter_touch_nothing_beyond_the_first_and_the_last_item() {
    let (far, near) = (Guarded::new(16 * 16 * 600), Guarded::new(16 * 600));
    for kernels in all() {
        for size in SIZES {
            for step in [-16, -9, -8, -4, -3, -2, -1, 2, 3, 4, 7, 8, 9, 16_isize] {
                for n in (1..40).chain([63, 64, 65, 100, 127, 128, 129, 200, 511, 513, 600]) {
                    let step = step * size as isize;
                    let reach = step.unsigned_abs() * (n - 1) + size;
                    for (lowest, dense) in far.ends(reach).into_iter().zip(near.ends(n * size)) {
                        let first = if step < 0 { reach - size } else { 0 };
                        unsafe {
                            let first = lowest.add(first);
                            (kernels.gather)(size, dense, first, step, n);
                            (kernels.scatter)(size, first, dense, step, n);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn transpose_of_few_columns_or_rows_is_the_model_s() {
    for kernels in all() {
        for (w, &size) in SIZES.iter().enumerate() {
            let size = size as isize;
            for few in 2..=5_usize {
                for n in [63, 64, 65, 129, 2100 / size as usize] {
                    let (line, dense) = (n as isize * size, few as isize * size);
                    for (shift, gap) in [(0, 0), (7, size), (16, 0), (33, 3), (48, 4 * size)] {
                        check_transpose_at(kernels, w, few, n, shift, line + gap, dense + gap);
                        check_transpose_at(kernels, w, few, n, shift, -line, -dense - gap);
                        check_transpose_at(kernels, w, n, few, shift, dense + gap, line + gap);
                        check_transpose_at(kernels, w, n, few, shift, -dense - gap, -line);
                    }
                }
            }
        }
    }
}

#[test]
fn transpose_touches_nothing_beyond_the_first_and_the_last_item() {
    let (dst, src) = (Guarded::new(16 * 7 * 1100), Guarded::new(16 * 7 * 1100));
    for kernels in all() {
        for size in SIZES {
            for few in 1..8_usize {
                for n in [1, 3, 7, 15, 16, 17, 31, 33, 63, 64, 65, 100, 128, 255, 600, 1024, 1025] {
                    for (columns, rows) in [(few, n), (n, few)] {
                        let (d, s) = ((rows * size) as isize, (columns * size) as isize);
                        let len = columns * rows * size;
                        for (dst, src) in dst.ends(len).into_iter().zip(src.ends(len)) {
                            unsafe { (kernels.transpose)(size, dst, d, src, s, columns, rows) };
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn transpose_of_all_small_shapes_is_the_model_s() {
    let extents = (1..40).chain([47, 48, 63, 64, 65, 80, 127, 128, 129]);
    for kernels in all() {
        for (w, _) in SIZES.iter().enumerate() {
            for columns in extents.clone() {
                for rows in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 129] {
                    check_transpose(kernels, w, columns, rows, (columns * 13 + rows) % 64);
                }
            }
        }
    }
}

#[test]
fn transpose_with_strides_of_powers_of_two_is_the_model_s() {
    for kernels in all() {
        for (w, &size) in SIZES.iter().enumerate() {
            let n = 4096 / size;
            let (columns, rows) = (n.min(300), n.min(200));
            check_transpose_at(kernels, w, columns, rows, 0, 4096, 4096);
            check_transpose_at(kernels, w, columns, rows, 16, 4096, -4096);
            check_transpose_at(kernels, w, columns, rows, 3, 8192, 4096 + 64);
        }
    }
}

/// So far apart that lines are prefetched, and that they are written by non-temporal stores, at each level that
/// has these; in columns that all begin at cache lines, and in others.
#[test]
#[cfg(target_arch = "x86_64")]
fn transpose_into_far_columns_is_the_model_s() {
    let limits = [cpu::limits().far, cpu::limits().huge].map(|limit| limit + limit / 4);
    for kernels in all() {
        for (w, &size) in SIZES.iter().enumerate() {
            let columns = 80 / size + 1;
            for limit in limits {
                let far = limit / columns;
                for d in [(far as isize + 64) & !63, (far as isize + 64) | 9] {
                    for (rows, shift) in [(512 / size, 0), (1000 / size + 3, size), (300, 16)] {
                        check_transpose_at(kernels, w, columns, rows, shift, d, 320);
                    }
                }
                // More columns than the stage of shifted lines has.
                let d = (limit / 260 + 1) as isize | 1;
                check_transpose_at(kernels, w, 260, 640 / size + 1, 5, -d, 260 * size as isize);
            }
        }
    }
}

/// Lines are prefetched of many columns only: a little lower and higher than whole pieces, that begin
/// where lines do, where vectors do, and anywhere.
#[test]
#[cfg(target_arch = "x86_64")]
fn transpose_into_many_far_columns_is_the_model_s() {
    let far = (cpu::limits().far / 70 + 64) as isize;
    for kernels in all() {
        for (w, &size) in SIZES.iter().enumerate() {
            for d in [(far & !63) + 64, (far & !63) + 16, far | 9] {
                for down in [384 - size, 384, 384 + 48, 768 + 16, 1152 + 3 * size] {
                    for shift in [0, 16, 48, size] {
                        check_transpose_at(kernels, w, 70, down / size, shift, d, 70 * 16);
                    }
                }
            }
        }
    }
}

/// Columns back to back, whose lines cross from one to the next.
#[test]
fn transpose_into_dense_columns_is_the_model_s() {
    for kernels in all() {
        for (w, &size) in SIZES.iter().enumerate() {
            for columns in [16 / size, 16 / size + 1, 32 / size + 1, 50, 64] {
                for (down, shift) in
                    [(64, 16), (64, 32), (128, 48), (192, 8), (1024, 16), (1088, 16)]
                {
                    let (d, s) = (down as isize, (columns * size) as isize);
                    check_transpose_at(kernels, w, columns.max(2), down / size, shift, d, s + 3);
                }
            }
        }
    }
}

fn check_transpose(kernels: &Kernels, w: usize, columns: usize, rows: usize, shift: usize) {
    let size = SIZES[w] as isize;
    let (d, s) = (rows as isize * size, columns as isize * size);
    check_transpose_at(kernels, w, columns, rows, shift, d, s);
    check_transpose_at(kernels, w, columns, rows, shift, -d - 3, s + 5);
    check_transpose_at(kernels, w, columns, rows, shift, d + size, -s);
}

fn check_transpose_at(
    kernels: &Kernels,
    w: usize,
    columns: usize,
    rows: usize,
    shift: usize,
    d: isize,
    s: isize,
) {
    let size = SIZES[w];
    let extent = |stride: isize, n: usize, line: usize| stride.unsigned_abs() * (n - 1) + line;
    let (to_extent, from_extent) =
        (extent(d, columns, rows * size), extent(s, rows, columns * size));
    let src = pattern(from_extent + shift + 64, 3);
    let before = pattern(4093, 91).repeat((to_extent + shift) / 4093 + 1);
    let first = |stride: isize, n: usize| {
        shift + if stride < 0 { stride.unsigned_abs() * (n - 1) } else { 0 }
    };
    let (to, from) = (first(d, columns), first(s, rows));
    let mut expected = before.clone();
    for c in 0..columns {
        for r in 0..rows {
            let to = to.checked_add_signed(c as isize * d).unwrap() + r * size;
            let from = from.checked_add_signed(r as isize * s).unwrap() + c * size;
            expected[to..to + size].copy_from_slice(&src[from..from + size]);
        }
    }
    let mut found = before;
    unsafe {
        let dst = found.as_mut_ptr().add(to);
        (kernels.transpose)(size, dst, d, src.as_ptr().add(from), s, columns, rows);
    }
    assert!(
        found == expected,
        "transpose {:?} {size} bytes {columns} x {rows}, d {d} s {s}",
        kernels.level
    );
}

#[test]
fn fill_of_all_lengths_and_misalignments_is_the_model_s() {
    for kernels in all() {
        for size in SIZES {
            for n in 0..516 {
                let shift = (n * 5 + n / 64) % 64;
                let item = pattern(16, n);
                let before = pattern(n * size + 128, 9);
                let mut expected = before.clone();
                for i in 0..n {
                    let at = shift + i * size;
                    expected[at..at + size].copy_from_slice(&item[..size]);
                }
                let mut found = before;
                unsafe { (kernels.fill)(size, found.as_mut_ptr().add(shift), item.as_ptr(), n) };
                assert!(found == expected, "fill {:?} {size} bytes, {n} items", kernels.level);
            }
        }
    }
}

#[test]
fn runs_of_all_lengths_are_the_model_s() {
    for kernels in all() {
        for run in 1..516_usize {
            for gap in [0, 1, 64] {
                let (n, shift) = (3, run % 64);
                let (d, s) = (run + gap, run + 2 * gap);
                let src = pattern(n * s + 128, 1);
                let before = pattern(n * d + 128, 2);
                let mut expected = before.clone();
                for i in 0..n {
                    let (to, from) = (shift + i * d, 5 + i * s);
                    expected[to..to + run].copy_from_slice(&src[from..from + run]);
                }
                for copy in [Some(kernels.runs), kernels.streamed].into_iter().flatten() {
                    let mut found = before.clone();
                    unsafe {
                        let (dst, src) = (found.as_mut_ptr().add(shift), src.as_ptr().add(5));
                        copy(dst, d as isize, src, s as isize, n, run);
                    }
                    assert!(found == expected, "runs {:?} of {run}, gap {gap}", kernels.level);
                }
            }
        }
    }
}

#[test]
fn runs_and_fills_touch_nothing_beyond_the_first_and_the_last() {
    let (dst, src) = (Guarded::new(3 * 1100), Guarded::new(3 * 1200));
    for kernels in all() {
        for run in 1..1100_usize {
            let (d, s) = (run, run + run % 90);
            let (to, from) = (dst.ends(3 * run), src.ends(2 * s + run));
            for (to, from) in to.into_iter().zip(from) {
                for copy in [Some(kernels.runs), kernels.streamed].into_iter().flatten() {
                    // From the first to the last and from the last to the first.
                    unsafe {
                        copy(to, d as isize, from, s as isize, 3, run);
                        let (to, from) = (to.add(2 * d), from.add(2 * s));
                        copy(to, -(d as isize), from, -(s as isize), 3, run);
                    }
                }
            }
            for size in SIZES {
                let n = run / size;
                for (to, item) in dst.ends(n * size).into_iter().zip(src.ends(size)) {
                    unsafe { (kernels.fill)(size, to, item, n) };
                }
            }
        }
    }
}

#[test]
fn runs_of_all_lengths_are_carried_as_the_model_does() {
    let offsets = [2000, 0, 1000, 3000, 1600];
    for kernels in all() {
        for run in 0..=515 {
            for n in [0, 1, 2, 5] {
                let (from, shift, pitch) = (run % 23, run * 5 % 64, run + 13 * n);
                let far = block(4 * 1000, shift, run);
                let near = block(5 * pitch + run, shift, run + 1);
                for mode in [CarryMode::In, CarryMode::Out] {
                    let (mut far, mut near) = (far.clone(), near.clone());
                    let (mut far_expected, mut near_expected) = (far.clone(), near.clone());
                    for (i, at) in offsets[..n].iter().enumerate() {
                        let (far_at, near_at) = (shift + at + from, 64 + i * pitch);
                        if mode == CarryMode::In {
                            near_expected[near_at..][..run].copy_from_slice(&far[far_at..][..run]);
                        } else {
                            far_expected[far_at..][..run].copy_from_slice(&near[near_at..][..run]);
                        }
                    }
                    let first = far.as_mut_ptr().wrapping_add(shift);
                    let places: Vec<_> =
                        offsets[..n].iter().map(|at| first.wrapping_add(*at)).collect();
                    let line = near.as_mut_ptr().wrapping_add(64);
                    unsafe { (kernels.carry)(&places, from as isize, line, pitch, run, mode) };
                    assert!(near == near_expected, "{:?} {mode:?} {run} {n}", kernels.level);
                    assert!(far == far_expected, "{:?} {mode:?} {run} {n}", kernels.level);
                }
            }
        }
    }
}

#[test]
fn lines_are_carried_past_the_caches_as_the_model_does() {
    let near = pattern(8192, 3);
    for kernels in all() {
        for run in (0..=1024).step_by(64) {
            let mut far = std::vec![0x5a_u8; 8192 + 64];
            let first = far.as_ptr().addr().wrapping_neg() % 64;
            let mut expected = far.clone();
            let offsets = [4096, 0, 2048 + 64];
            for (i, at) in offsets.iter().enumerate() {
                expected[first + at..][..run].copy_from_slice(&near[7 + i * 1100..][..run]);
            }
            let start = far.as_mut_ptr().wrapping_add(first);
            let places = offsets.map(|at| start.wrapping_add(at).wrapping_sub(128));
            let line = near.as_ptr().wrapping_add(7).cast_mut();
            unsafe { (kernels.carry)(&places, 128, line, 1100, run, CarryMode::Streamed) };
            assert!(far == expected, "{:?} {run}", kernels.level);
        }
    }
}

#[test]
fn carrying_touches_nothing_beyond_the_runs() {
    for kernels in all() {
        for len in (1..=200).chain([256, 300, 515]) {
            let (there, here) = (Guarded::new(len), Guarded::new(len));
            for (place, line) in there.ends(len).into_iter().zip(here.ends(len)) {
                for mode in [CarryMode::In, CarryMode::Out] {
                    unsafe { (kernels.carry)(&[place], 0, line, len, len, mode) };
                }
            }
        }
    }
}

#[test]
fn levels_rise_and_start_at_the_generic_one() {
    let levels: Vec<Level> = all().map(|kernels| kernels.level).collect();
    assert_eq!(levels.first(), Some(&Level::Generic));
    assert!(levels.is_sorted());
}
