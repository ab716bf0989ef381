//! Few columns or few rows, for SSSE3 and AVX2: pixels to planes and back.
//!
//! Few columns are gathered one after the other, in blocks that stay in the first cache. Few rows
//! are shuffled into each other, 16 bytes of each row at a time; AVX2 does it twice at once.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the items that the caller promised"
)]

use core::arch::x86_64::*;

use super::super::{Strided, generic};
use super::strided_gather_shuffle::{self as gather, Shuffles};

/// The bytes that a shuffle reaches.
const LANE: usize = 16;
/// How much of the source is gathered from before the next column's turn comes.
pub const BLOCK: usize = 16 << 10;

/// Rows of 1 and 2 bytes are scattered into columns with gaps if these are no further from each other
/// (Sapphire Rapids: three rows of bytes into pixels of 4 bytes at .08 of memcpy, against .024 by tiles).
const NEAR: usize = 16;

/// Scatters one row after the other, in blocks that stay in the first cache.
///
/// # Safety
/// As for [`super::super::Transpose`] and `scatter`.
pub unsafe fn scatter_rows<const W: usize>(
    scatter: Strided,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) {
    let block = BLOCK.checked_div(d.unsigned_abs()).unwrap_or(columns).max(1);
    for column in (0..columns).step_by(block) {
        let n = block.min(columns - column);
        let to = dst.wrapping_offset(d * column.cast_signed());
        for row in 0..rows {
            let from = src.wrapping_offset(s * row.cast_signed()).wrapping_add(column * W);
            // SAFETY: a part of the row (caller).
            unsafe { scatter(to.wrapping_add(row * W), from, d, n) };
        }
    }
}

/// Shuffles that interleave `R` rows of `W`-byte items: entry `[j][k]` picks what row `k` gives to the
/// `j`th of the `R` vectors that one vector of each row becomes.
#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const fn controls<const R: usize, const W: usize>() -> [[[u8; LANE]; R]; R] {
    // The top bit: nothing.
    let mut controls = [[[0x80; LANE]; R]; R];
    let mut place = 0;
    while place < R * LANE {
        let (item, byte) = (place / W, place % W);
        controls[place / LANE][item % R][place % LANE] = (item / R * W + byte) as u8;
        place += 1;
    }
    controls
}

/// The kernels of a level: its features, how many lanes a vector has, and its instructions.
macro_rules! kernels {
    (
        $level:ident, $features:literal, $lanes:literal, $zero:ident, $load:ident,
        $shuffle:ident, $or:ident, $widen:expr, $narrow:expr
    ) => {
        pub mod $level {
            use super::*;

            /// The bytes of a row that are interleaved at a time.
            const VECTOR: usize = LANE * $lanes;

            /// Transposes two to four columns of items that lie near enough, or says that it did not;
            /// see [`super::super::super::Transpose`].
            ///
            /// # Safety
            /// As for [`super::super::super::Transpose`], and the CPU has the level's features.
            #[target_feature(enable = $features)]
            pub unsafe fn deinterleave<const W: usize>(
                dst: *mut u8,
                d: isize,
                src: *const u8,
                s: isize,
                columns: usize,
                rows: usize,
            ) -> bool {
                let shuffles = if rows < gather::FEW { None } else { Shuffles::new::<W>(s) };
                let Some(shuffles) = shuffles else { return false };
                let block = BLOCK.checked_div(s.unsigned_abs()).unwrap_or(rows);
                let mut row = 0;
                while row < rows {
                    // The last block takes along what would be less than one.
                    let left = rows - row;
                    let n = if left < 2 * block { left } else { block };
                    let to = dst.wrapping_add(row * W);
                    let from = src.wrapping_offset(s * row.cast_signed());
                    for column in 0..columns {
                        let to = to.wrapping_offset(d * column.cast_signed());
                        // SAFETY: a part of the column (caller).
                        unsafe {
                            gather::$level::run::<W>(
                                &shuffles,
                                to,
                                from.wrapping_add(column * W),
                                n,
                            )
                        };
                    }
                    row += n;
                }
                true
            }

            /// Transposes two to four rows into columns that lie back to back, or says that it did not;
            /// see [`super::super::super::Transpose`].
            ///
            /// # Safety
            /// As for [`super::super::super::Transpose`], and the CPU has the level's features.
            #[target_feature(enable = $features)]
            pub unsafe fn interleave<const W: usize>(
                dst: *mut u8,
                d: isize,
                src: *const u8,
                s: isize,
                columns: usize,
                rows: usize,
            ) -> bool {
                if d != (rows * W).cast_signed() && d.unsigned_abs() <= NEAR && W <= 2 {
                    let scatter = generic::scatter::<W>;
                    // SAFETY: the caller's promise is the callee's.
                    unsafe { scatter_rows::<W>(scatter, dst, d, src, s, columns, rows) };
                    return true;
                }
                if d != (rows * W).cast_signed() || columns < VECTOR / W {
                    return false;
                }
                let interleave = match rows {
                    2 => interleave_rows::<2, W>,
                    3 => interleave_rows::<3, W>,
                    4 => interleave_rows::<4, W>,
                    _ => return false,
                };
                // SAFETY: the caller's promise is the callee's.
                unsafe { interleave(dst, src, s, columns) };
                true
            }

            /// Interleaves `R` rows of `n` items, which are a vector at the least.
            ///
            /// # Safety
            /// They are readable and writable.
            #[target_feature(enable = $features)]
            unsafe fn interleave_rows<const R: usize, const W: usize>(
                dst: *mut u8,
                src: *const u8,
                s: isize,
                n: usize,
            ) {
                let tables = const { controls::<R, W>() };
                let mut controls = [[$zero(); R]; R];
                for (controls, tables) in controls.iter_mut().zip(&tables) {
                    for (control, table) in controls.iter_mut().zip(tables) {
                        // SAFETY: a table is as long as a lane.
                        *control = $widen(unsafe { _mm_loadu_si128(table.as_ptr().cast()) });
                    }
                }
                let vector = |item: usize| {
                    let src = src.wrapping_add(item * W);
                    let mut dst = dst.wrapping_add(item * R * W);
                    let mut rows = [$zero(); R];
                    for (row, r) in rows.iter_mut().zip(0..) {
                        // SAFETY: the items are readable (caller).
                        *row = unsafe { $load(src.wrapping_offset(s * r).cast()) };
                    }
                    let mut out = [$zero(); R];
                    for (out, controls) in out.iter_mut().zip(&controls) {
                        for (&row, &control) in rows.iter().zip(controls) {
                            *out = $or(*out, $shuffle(row, control));
                        }
                    }
                    // In the order of their addresses: AVX2 is a third slower otherwise.
                    for lane in 0..$lanes {
                        for &out in &out {
                            // SAFETY: the items are writable (caller).
                            unsafe { _mm_storeu_si128(dst.cast(), $narrow(out, lane)) };
                            dst = dst.wrapping_add(LANE);
                        }
                    }
                };
                let items = VECTOR / W;
                let mut item = 0;
                while item + items <= n {
                    vector(item);
                    item += items;
                }
                if item < n {
                    vector(n - items);
                }
            }
        }
    };
}

kernels!(
    sse,
    "ssse3",
    1,
    _mm_setzero_si128,
    _mm_loadu_si128,
    _mm_shuffle_epi8,
    _mm_or_si128,
    |control| control,
    |bytes, _| bytes
);
kernels!(
    avx2,
    "avx2",
    2,
    _mm256_setzero_si256,
    _mm256_loadu_si256,
    _mm256_shuffle_epi8,
    _mm256_or_si256,
    |control| _mm256_broadcastsi128_si256(control),
    |bytes, lane| match lane {
        0 => _mm256_castsi256_si128(bytes),
        _ => _mm256_extracti128_si256::<1>(bytes),
    }
);
