//! Few columns or few rows, for SSSE3 and AVX2: pixels to planes and back.
//!
//! Few columns are gathered one after the other, in blocks that stay in the first cache. Few rows
//! are interleaved by shuffles, 16 bytes of each row at a time; AVX2 does two lanes at a time.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the items that the caller promised"
)]

use core::arch::x86_64::*;

use super::super::generic;
use super::super::transpose::narrow::{BLOCK, NEAR, scatter_rows};
use super::strided_gather_shuffle::{self as gather, Shuffles};
use super::transpose_vectors::{xmm, ymm};

/// The bytes that a shuffle reaches.
const LANE: usize = 16;
/// For each of the vectors that three rows become, which bytes each row supplies.
type Controls = [[[u8; LANE]; 3]; 3];

/// Shuffles that interleave three rows of `W`-byte items: entry `[j][k]` picks what row `k` supplies to
/// the `j`th of the three vectors that one vector of each row becomes.
#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const fn controls<const W: usize>() -> Controls {
    // The top bit supplies nothing.
    let mut controls = [[[0x80; LANE]; 3]; 3];
    let mut place = 0;
    while place < 3 * LANE {
        let (item, byte) = (place / W, place % W);
        controls[place / LANE][item % 3][place % LANE] = (item / 3 * W + byte) as u8;
        place += 1;
    }
    controls
}

/// The shuffles of three rows, by the size of the items.
static CONTROLS: [Controls; 4] =
    [controls::<1>(), controls::<2>(), controls::<4>(), controls::<8>()];

/// Functions that interleave two and four rows of items of a width.
macro_rules! even {
    ($features:literal $v:ident $two:ident $four:ident $lo:ident $hi:ident) => {
        /// See [`super::Rows`].
        ///
        /// # Safety
        /// * ITEMS: as for [`super::Rows`].
        #[target_feature(enable = $features)]
        unsafe fn $two(_: &Controls, mut dst: *mut u8, mut src: *const u8, s: isize, n: usize) {
            for _ in 0..n {
                // SAFETY: the items are readable (caller: ITEMS).
                let a = unsafe { $v::load(src) };
                // SAFETY: as above.
                let b = unsafe { $v::load(src.wrapping_offset(s)) };
                // SAFETY: the items are writable (caller: ITEMS).
                unsafe { write(dst, [$v::$lo(a, b), $v::$hi(a, b)]) };
                dst = dst.wrapping_add(2 * VECTOR);
                src = src.wrapping_add(VECTOR);
            }
        }

        /// See [`super::Rows`].
        ///
        /// # Safety
        /// * ITEMS: as for [`super::Rows`].
        #[target_feature(enable = $features)]
        unsafe fn $four(_: &Controls, mut dst: *mut u8, mut src: *const u8, s: isize, n: usize) {
            for _ in 0..n {
                // SAFETY: the items are readable (caller: ITEMS).
                let a = unsafe { $v::load(src) };
                // SAFETY: as above.
                let b = unsafe { $v::load(src.wrapping_offset(s)) };
                // SAFETY: as above.
                let c = unsafe { $v::load(src.wrapping_offset(2 * s)) };
                // SAFETY: as above.
                let d = unsafe { $v::load(src.wrapping_offset(3 * s)) };
                let (a, c) = ($v::$lo(a, c), $v::$hi(a, c));
                let (b, d) = ($v::$lo(b, d), $v::$hi(b, d));
                let out = [$v::$lo(a, b), $v::$hi(a, b), $v::$lo(c, d), $v::$hi(c, d)];
                // SAFETY: the items are writable (caller: ITEMS).
                unsafe { write(dst, out) };
                dst = dst.wrapping_add(4 * VECTOR);
                src = src.wrapping_add(VECTOR);
            }
        }
    };
}

/// The kernels of a level: its features, how many lanes a vector has, and its instructions.
macro_rules! kernels {
    (
        $level:ident, $features:literal, $v:ident, $vector:ty, $lanes:literal, $zero:ident, $load:ident,
        $shuffle:ident, $or:ident, $widen:expr, $narrow:expr
    ) => {
        pub mod $level {
            use super::*;

            /// The bytes of a row that are interleaved at a time.
            const VECTOR: usize = LANE * $lanes;

            /// Transposes two to four columns of items that are near enough; see
            /// [`crate::kernels::TryTranspose`].
            ///
            /// # Safety
            /// * ITEMS: as for [`super::super::super::Transpose`].
            /// * CPU: it has the level's features.
            #[target_feature(enable = $features)]
            pub unsafe fn deinterleave(
                width: usize,
                dst: *mut u8,
                d: isize,
                src: *const u8,
                s: isize,
                columns: usize,
                rows: usize,
            ) -> bool {
                let mut shuffles = Shuffles::NONE;
                if rows < gather::MIN_ITEMS || !shuffles.find(width, s) {
                    return false;
                }
                let block = BLOCK.checked_div(s.unsigned_abs()).unwrap_or(rows);
                let mut row = 0;
                while row < rows {
                    // The last block includes what would be less than a block.
                    let left = rows - row;
                    let n = if left < 2 * block { left } else { block };
                    let to = dst.wrapping_add(row * width);
                    let from = src.wrapping_offset(s * row.cast_signed());
                    for column in 0..columns {
                        let to = to.wrapping_offset(d * column.cast_signed());
                        // SAFETY: a part of the column (caller: ITEMS).
                        unsafe {
                            gather::$level::run(
                                &shuffles,
                                width,
                                to,
                                from.wrapping_add(column * width),
                                n,
                            )
                        };
                    }
                    row += n;
                }
                true
            }

            /// Transposes two to four rows into columns that lie back to back; see
            /// [`crate::kernels::TryTranspose`].
            ///
            /// # Safety
            /// * ITEMS: as for [`super::super::super::Transpose`].
            /// * CPU: it has the level's features.
            #[target_feature(enable = $features)]
            pub unsafe fn interleave(
                width: usize,
                dst: *mut u8,
                d: isize,
                src: *const u8,
                s: isize,
                columns: usize,
                rows: usize,
            ) -> bool {
                let dense = d == (rows * width).cast_signed();
                if !dense && d.unsigned_abs() <= NEAR && width <= 2 {
                    // SAFETY: the same arrays (caller: ITEMS).
                    unsafe { scatter_rows(width, generic::scatter, dst, d, src, s, columns, rows) };
                    return true;
                }
                let shift = width.trailing_zeros();
                if !dense || columns < VECTOR >> shift {
                    return false;
                }
                let w = shift as usize;
                let interleave: Rows = match (rows, EVEN.get(w)) {
                    (2, Some((two, _))) => *two,
                    (3, _) => rows_of_3,
                    (4, Some((_, four))) => *four,
                    _ => return false,
                };
                let Some(controls) = CONTROLS.get(w) else { return false };
                // Whole vectors, then one that ends where the rows do.
                let len = columns << shift;
                // SAFETY: a part of the arrays (caller: ITEMS).
                unsafe { interleave(controls, dst, src, s, len / VECTOR) };
                if len % VECTOR > 0 {
                    let last = len - VECTOR;
                    let (dst, src) = (dst.wrapping_add(last * rows), src.wrapping_add(last));
                    // SAFETY: as above.
                    unsafe { interleave(controls, dst, src, s, 1) };
                }
                true
            }

            /// Interleaves `n` vectors of each of three rows.
            ///
            /// # Safety
            /// * BYTES: they are readable and writable.
            #[target_feature(enable = $features)]
            unsafe fn rows_of_3(
                tables: &Controls,
                mut dst: *mut u8,
                mut src: *const u8,
                s: isize,
                n: usize,
            ) {
                let mut controls = [[$zero(); 3]; 3];
                for (controls, tables) in controls.iter_mut().zip(tables) {
                    for (control, table) in controls.iter_mut().zip(tables) {
                        // SAFETY: a table is as long as a lane.
                        *control = $widen(unsafe { _mm_loadu_si128(table.as_ptr().cast()) });
                    }
                }
                for _ in 0..n {
                    let mut rows = [$zero(); 3];
                    for (row, r) in rows.iter_mut().zip(0..) {
                        // SAFETY: the items are readable (caller: BYTES).
                        *row = unsafe { $load(src.wrapping_offset(s * r).cast()) };
                    }
                    let mut out = [$zero(); 3];
                    for (out, controls) in out.iter_mut().zip(&controls) {
                        for (&row, &control) in rows.iter().zip(controls) {
                            *out = $or(*out, $shuffle(row, control));
                        }
                    }
                    // SAFETY: the items are writable (caller: BYTES).
                    unsafe { write(dst, out) };
                    dst = dst.wrapping_add(3 * VECTOR);
                    src = src.wrapping_add(VECTOR);
                }
            }

            /// Writes vectors lane by lane, in the order of their addresses: any other order is a third slower with
            /// AVX2.
            ///
            /// # Safety
            /// * BYTES: they are writable.
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn write<const R: usize>(mut dst: *mut u8, out: [$vector; R]) {
                for lane in 0..$lanes {
                    for &out in &out {
                        // SAFETY: the same bytes (caller: BYTES).
                        unsafe { _mm_storeu_si128(dst.cast(), $narrow(out, lane)) };
                        dst = dst.wrapping_add(LANE);
                    }
                }
            }

            /// For two and for four rows, by the size of the items.
            const EVEN: [(Rows, Rows); 4] = [
                (two_1, four_1),
                (two_2, four_2),
                (two_4, four_4),
                (two_8, four_8),
            ];
            even!($features $v two_1 four_1 lo8 hi8);
            even!($features $v two_2 four_2 lo16 hi16);
            even!($features $v two_4 four_4 lo32 hi32);
            even!($features $v two_8 four_8 lo64 hi64);
        }
    };
}

/// Interleaves `n` vectors of each of some rows.
///
/// Safety: they are readable and writable, and the CPU has the instructions.
type Rows = unsafe fn(tables: &Controls, dst: *mut u8, src: *const u8, s: isize, n: usize);

kernels!(
    sse,
    "ssse3",
    xmm,
    __m128i,
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
    ymm,
    __m256i,
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
