//! Few columns or few rows: pixels to planes and back. Where items are aligned and lie back to back, by the structure
//! loads and stores (`ld2` to `ld4`, `st2` to `st4`), whose intrinsics require that; elsewhere columns are gathered one
//! after the other, and rows interleaved by tables.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the items that the caller promised"
)]

use core::arch::aarch64::*;

use super::super::generic;
use super::super::transpose::narrow::{BLOCK, NEAR, scatter_rows};
use super::gather::{MIN_ITEMS, Places};

/// Transposes two to four columns of items that are near enough; see [`super::super::TryTranspose`].
///
/// # Safety
/// * ITEMS: as for [`super::super::TryTranspose`].
pub unsafe fn deinterleave(
    width: usize,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) -> bool {
    let aligned = src.addr() & (width - 1) == 0;
    if !aligned || s != (columns * width).cast_signed() || rows * width < 16 {
        // SAFETY: the same arrays (caller: ITEMS).
        return unsafe { gather_columns(width, dst, d, src, s, columns, rows) };
    }
    let work: unsafe fn(*mut u8, isize, *const u8) = match (width, columns) {
        (1, 2) => apart_2_1,
        (1, 3) => apart_3_1,
        (1, 4) => apart_4_1,
        (2, 2) => apart_2_2,
        (2, 3) => apart_3_2,
        (2, 4) => apart_4_2,
        (4, 2) => apart_2_4,
        (4, 3) => apart_3_4,
        (4, 4) => apart_4_4,
        (8, 2) => apart_2_8,
        (8, 3) => apart_3_8,
        (8, 4) => apart_4_8,
        _ => return false,
    };
    whole(rows * width, |at| {
        // SAFETY: a vector of each column, which are the caller's.
        unsafe { work(dst.wrapping_add(at), d, src.wrapping_add(at * columns)) };
    });
    true
}

/// `deinterleave` by gathers, in blocks that stay in the first cache.
///
/// # Safety
/// * ITEMS: as for `deinterleave`.
unsafe fn gather_columns(
    width: usize,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) -> bool {
    let Some(places) = Places::find(width, s).filter(|_| rows >= MIN_ITEMS) else { return false };
    let block = BLOCK.checked_div(s.unsigned_abs()).unwrap_or(rows);
    let mut row = 0;
    while row < rows {
        // The last block includes what would be less than a block.
        let left = rows - row;
        let n = if left < 2 * block { left } else { block };
        let (to, from) =
            (dst.wrapping_add(row * width), src.wrapping_offset(s * row.cast_signed()));
        for column in 0..columns {
            let to = to.wrapping_offset(d * column.cast_signed());
            // SAFETY: a part of the column (caller: ITEMS).
            unsafe { places.run(to, from.wrapping_add(column * width), n) };
        }
        row += n;
    }
    true
}

/// Transposes two to four rows into columns that lie back to back, or near each other; see
/// [`super::super::TryTranspose`].
///
/// # Safety
/// * ITEMS: as for [`super::super::TryTranspose`].
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
    if !dense || columns * width < 16 {
        return false;
    }
    let aligned = dst.addr() & (width - 1) == 0;
    let work: unsafe fn(*mut u8, *const u8, isize) = match (width, rows) {
        (2, 2) if !aligned => by_table::<2, 2>,
        (2, 3) if !aligned => by_table::<2, 3>,
        (2, 4) if !aligned => by_table::<2, 4>,
        (4, 2) if !aligned => by_table::<4, 2>,
        (4, 3) if !aligned => by_table::<4, 3>,
        (4, 4) if !aligned => by_table::<4, 4>,
        (8, 2) if !aligned => by_table::<8, 2>,
        (8, 3) if !aligned => by_table::<8, 3>,
        (8, 4) if !aligned => by_table::<8, 4>,
        (1, 2) => together_2_1,
        (1, 3) => together_3_1,
        (1, 4) => together_4_1,
        (2, 2) => together_2_2,
        (2, 3) => together_3_2,
        (2, 4) => together_4_2,
        (4, 2) => together_2_4,
        (4, 3) => together_3_4,
        (4, 4) => together_4_4,
        (8, 2) => together_2_8,
        (8, 3) => together_3_8,
        (8, 4) => together_4_8,
        _ => return false,
    };
    whole(columns * width, |at| {
        // SAFETY: a vector of each row, which are the caller's.
        unsafe { work(dst.wrapping_add(at * rows), src.wrapping_add(at), s) };
    });
    true
}

/// For each of the vectors that one vector of each of `R` rows becomes, which of their bytes it takes.
#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const fn controls<const W: usize, const R: usize>() -> [[u8; 16]; R] {
    let mut controls = [[0; 16]; R];
    let mut place = 0;
    while place < R * 16 {
        let (item, byte) = (place / W, place % W);
        controls[place / 16][place % 16] = (item % R * 16 + item / R * W + byte) as u8;
        place += 1;
    }
    controls
}

/// Interleaves a vector of each of `R` rows, 4 at the most, of items of `W` bytes.
///
/// # Safety
/// * ITEMS: the items are readable and writable.
#[target_feature(enable = "neon")]
unsafe fn by_table<const W: usize, const R: usize>(dst: *mut u8, src: *const u8, s: isize) {
    let mut rows = [vdupq_n_u8(0); 4];
    for (row, at) in rows.iter_mut().zip(0..).take(R) {
        // SAFETY: a part of the arrays (caller: ITEMS).
        *row = unsafe { vld1q_u8(src.wrapping_offset(s * at)) };
    }
    let [a, b, c, d] = rows;
    let rows = uint8x16x4_t(a, b, c, d);
    for (control, at) in const { controls::<W, R>() }.iter().zip(0..) {
        // SAFETY: a control is as long as a vector.
        let bytes = vqtbl4q_u8(rows, unsafe { vld1q_u8(control.as_ptr()) });
        // SAFETY: a part of the arrays (caller: ITEMS).
        unsafe { vst1q_u8(dst.wrapping_add(16 * at), bytes) };
    }
}

/// Calls `work` with the offset of each vector of `len` bytes, at least 16; the last vector ends where they end.
fn whole(len: usize, work: impl Fn(usize)) {
    let mut at = 0;
    while at < len {
        work(at.min(len - 16));
        at += 16;
    }
}

/// The functions of a width: one vector of each column, and of each row.
macro_rules! few {
    (
        $type:ty, $load_one:ident $store_one:ident:
        $($apart:ident $together:ident $load:ident $store:ident $vectors:ident [$($i:tt)+])+
    ) => {
        $(
            /// # Safety
            /// * ITEMS: the items are readable and writable.
            #[target_feature(enable = "neon")]
            unsafe fn $apart(dst: *mut u8, d: isize, src: *const u8) {
                // SAFETY: a part of the arrays (caller: ITEMS).
                let vectors = unsafe { $load(src.cast::<$type>()) };
                $(
                    // SAFETY: a part of the arrays (caller: ITEMS).
                    unsafe { $store_one(dst.wrapping_offset(d * $i).cast(), vectors.$i) };
                )+
            }

            /// # Safety
            /// * ITEMS: the items are readable and writable.
            #[target_feature(enable = "neon")]
            unsafe fn $together(dst: *mut u8, src: *const u8, s: isize) {
                let vectors = $vectors($(
                    // SAFETY: a part of the arrays (caller: ITEMS).
                    unsafe { $load_one(src.wrapping_offset(s * $i).cast()) }
                ),+);
                // SAFETY: a part of the arrays (caller: ITEMS).
                unsafe { $store(dst.cast::<$type>(), vectors) };
            }
        )+
    };
}

few! {
    u8, vld1q_u8 vst1q_u8:
    apart_2_1 together_2_1 vld2q_u8 vst2q_u8 uint8x16x2_t [0 1]
    apart_3_1 together_3_1 vld3q_u8 vst3q_u8 uint8x16x3_t [0 1 2]
    apart_4_1 together_4_1 vld4q_u8 vst4q_u8 uint8x16x4_t [0 1 2 3]
}
few! {
    u16, vld1q_u16 vst1q_u16:
    apart_2_2 together_2_2 vld2q_u16 vst2q_u16 uint16x8x2_t [0 1]
    apart_3_2 together_3_2 vld3q_u16 vst3q_u16 uint16x8x3_t [0 1 2]
    apart_4_2 together_4_2 vld4q_u16 vst4q_u16 uint16x8x4_t [0 1 2 3]
}
few! {
    u32, vld1q_u32 vst1q_u32:
    apart_2_4 together_2_4 vld2q_u32 vst2q_u32 uint32x4x2_t [0 1]
    apart_3_4 together_3_4 vld3q_u32 vst3q_u32 uint32x4x3_t [0 1 2]
    apart_4_4 together_4_4 vld4q_u32 vst4q_u32 uint32x4x4_t [0 1 2 3]
}
few! {
    u64, vld1q_u64 vst1q_u64:
    apart_2_8 together_2_8 vld2q_u64 vst2q_u64 uint64x2x2_t [0 1]
    apart_3_8 together_3_8 vld3q_u64 vst3q_u64 uint64x2x3_t [0 1 2]
    apart_4_8 together_4_8 vld4q_u64 vst4q_u64 uint64x2x4_t [0 1 2 3]
}
