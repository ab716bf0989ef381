//! Transposes of items of odd sizes from 3 to 15 bytes, for AVX-512: bytes are permuted.
//!
//! A lane of 16 bytes holds `16 / width` items of a row; a tile has as many columns, and four times as
//! many rows. One table of permutations serves all columns: each column's bytes are picked from the vectors of
//! rows and stored at once (D-16). A store may write past the items of its tile, into bytes of the column that are
//! written later; never past the column's end.
//!
//! Gathers of near items of up to 31 bytes work in the same way: the bytes of a destination vector lie in one to
//! four vectors of the source.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the arrays, whose extents are addresses"
)]

use core::arch::x86_64::*;

use super::odd_shuffle;
use super::runs::avx512::runs;
use super::strided_gather_avx512::{count, load, load_masked, store, store_masked};
use super::transpose_vectors::zmm;
use crate::kernels::prefetch;

/// Bytes of the source's rows that are done from the first row to the last before the next ones.
const WIDE: usize = 256;

/// Transposes arrays of at least a tile; see [`super::super::TryTranspose`].
///
/// # Safety
/// * ITEMS: as for [`super::super::TryTranspose`].
/// * CPU: it has AVX-512 F, BW, VL, DQ and VBMI.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
pub unsafe fn transpose(
    width: usize,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) -> bool {
    let per = 16_usize.checked_div(width).unwrap_or(0);
    // Few rows go to the tiles of shorter vectors (D-16).
    if width < 8 && rows < 4 * per && columns * width >= 16 {
        // SAFETY: the same arrays (caller: ITEMS); AVX-512 comes with AVX2.
        return unsafe { odd_shuffle::transpose(width, dst, d, src, s, columns, rows) };
    }
    if per == 0 || rows < 4 * per || columns * width < 16 {
        return false;
    }
    let panel = match per {
        5 => panel::<5>,
        3 => panel::<3>,
        2 => panel::<2>,
        _ => panel::<1>,
    };
    // Low columns are not prefetched (D-17).
    let prefetches =
        rows * width >= 4 * prefetch::PIECE && prefetch::pays(columns, d, rows * width, s);
    let tiles = Tiles::new(width, per, d, s, prefetches);
    let (high, len) = (4 * per, rows * width);
    // Tiles in whose rows a load of 16 bytes does not reach beyond the row's end.
    let mut left = (columns * width - 16).checked_div(per * width).unwrap_or(0) + 1;
    let mut column = 0;
    while left > 0 {
        let groups = if prefetches { left } else { left.min(WIDE / 16) };
        // SAFETY: whole tiles (caller: ITEMS, CPU).
        unsafe { tiles.rows(panel, dst, src, column, 0, groups, rows, len, high) };
        column += groups * per;
        left -= groups;
    }
    if column < columns {
        // The last items of the rows: loads end where the rows do.
        let skip = 16 - per * width;
        let column = columns - per;
        // SAFETY: whole tiles (caller: ITEMS, CPU).
        unsafe { tiles.rows(panel, dst, src, column, skip, 1, rows, len, high) };
    }
    true
}

/// A function over `groups` tiles side by side.
type Panel = unsafe fn(
    &Tiles,
    dst: *mut u8,
    src: *const u8,
    groups: usize,
    n: usize,
    index: __m512i,
    writable: u64,
);

/// What all tiles of a call have in common.
struct Tiles {
    width: usize,
    d: isize,
    s: isize,
    /// For each byte of a column, its position in the vector of rows that holds it.
    index: __m512i,
    /// For each vector of rows, which bytes of a column it holds.
    masks: [u64; 5],
    /// Whether to prefetch columns.
    prefetches: bool,
}

impl Tiles {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
    fn new(width: usize, per: usize, d: isize, s: isize, prefetches: bool) -> Self {
        let places = items(width).map(|(item, byte)| {
            let lane = _mm512_slli_epi16::<4>(_mm512_and_si512(item, _mm512_set1_epi16(3)));
            (_mm512_add_epi16(lane, byte), _mm512_srli_epi16::<2>(item))
        });
        let [(low, low_vector), (high, high_vector)] = places;
        let index = _mm512_inserti64x4::<1>(
            _mm512_castsi256_si512(_mm512_cvtepi16_epi8(low)),
            _mm512_cvtepi16_epi8(high),
        );
        let mut masks = [0; 5];
        for (mask, vector) in masks.iter_mut().take(per).zip(0..) {
            let vector = _mm512_set1_epi16(vector);
            let low = _mm512_cmpeq_epi16_mask(low_vector, vector);
            let high = _mm512_cmpeq_epi16_mask(high_vector, vector);
            *mask = u64::from(low) | u64::from(high) << 32;
        }
        Self { width, d, s, index, masks, prefetches }
    }

    /// Transposes all rows of the columns of `groups` tiles, from `column` on.
    ///
    /// # Safety
    /// * ITEMS: they are in the arrays; the `skip` bytes before the first item are in its row.
    #[expect(clippy::too_many_arguments, reason = "a part of two arrays")]
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
    unsafe fn rows(
        &self,
        panel: Panel,
        dst: *mut u8,
        src: *const u8,
        column: usize,
        skip: usize,
        groups: usize,
        rows: usize,
        len: usize,
        high: usize,
    ) {
        let dst = dst.wrapping_offset(self.d * column.cast_signed());
        let src = src.wrapping_add(column * self.width).wrapping_sub(skip);
        let index = _mm512_add_epi8(self.index, _mm512_set1_epi8(skip as i8));
        // How many panels may store 64 bytes without reaching beyond the column's end.
        let last = len.checked_sub(64).and_then(|room| room.checked_div(high * self.width));
        let mut free = last.map_or(0, |last| last + 1);
        let mut row = 0;
        while row < rows {
            // The last panel overlaps the one before it.
            let at = row.min(rows - high);
            let left = len - at * self.width;
            let writable = if free > 0 { u64::MAX } else { _bzhi_u64(u64::MAX, left as u32) };
            let down = if self.prefetches { 2 * DOWN } else { DOWN };
            let n = free.min(down).max(1);
            free = free.saturating_sub(down);
            let to = dst.wrapping_add(at * self.width);
            let from = src.wrapping_offset(self.s * at.cast_signed());
            // SAFETY: tiles within the arrays (caller: ITEMS).
            unsafe { panel(self, to, from, groups, n, index, writable) };
            row += n * high;
        }
    }
}

/// How many panels are done before the next columns, so that a column's lines are written together (D-18).
const DOWN: usize = 4;

/// Transposes `groups` x `n` tiles of `N` columns and `4 * N` rows.
///
/// # Safety
/// * ITEMS: they are in the arrays, and so are the 16 bytes from the first item on in each row, and what `writable` has of each column.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
unsafe fn panel<const N: usize>(
    tiles: &Tiles,
    mut dst: *mut u8,
    mut src: *const u8,
    groups: usize,
    n: usize,
    index: __m512i,
    writable: u64,
) {
    let lanes = zmm::Lanes::new(tiles.s);
    let Some(masks) = tiles.masks.first_chunk::<N>() else { return };
    let mut indices = [index; N];
    for (index, column) in indices.iter_mut().zip(0..) {
        *index = _mm512_add_epi8(*index, _mm512_set1_epi8(column * tiles.width as i8));
    }
    for _ in 0..groups {
        if tiles.prefetches {
            prefetch::prefetch(dst, tiles.d, N);
        }
        let mut to = dst;
        let mut from = src;
        for _ in 0..n {
            let mut vectors = [_mm512_setzero_si512(); N];
            for vector in &mut vectors {
                // SAFETY: four rows of the tile (caller: ITEMS).
                *vector = unsafe { zmm::join(from, lanes) };
                from = from.wrapping_offset(4 * tiles.s);
            }
            let mut column = to;
            for &index in &indices {
                let mut out = _mm512_setzero_si512();
                for (&vector, &mask) in vectors.iter().zip(masks) {
                    out = _mm512_mask_permutexvar_epi8(out, mask, index, vector);
                }
                if writable == u64::MAX {
                    // SAFETY: bytes of the column (caller: ITEMS).
                    unsafe { store(column, out) };
                } else {
                    // SAFETY: as above.
                    unsafe { store_masked(column, writable, out) };
                }
                column = column.wrapping_offset(tiles.d);
            }
            to = to.wrapping_add(4 * N * tiles.width);
        }
        dst = dst.wrapping_offset(tiles.d * N.cast_signed());
        src = src.wrapping_add(N * tiles.width);
    }
}

/// For each byte of a vector of items, which item it belongs to and which of its bytes it is: the
/// first half and the second.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
fn items(width: usize) -> [(__m512i, __m512i); 2] {
    // Exact for bytes below 64.
    let inverse = ((1 << 16) + width - 1).checked_div(width).unwrap_or(0);
    let (inverse, width) = (_mm512_set1_epi16(inverse as i16), _mm512_set1_epi16(width as i16));
    [0, 32].map(|half| {
        let byte = _mm512_add_epi16(count(), _mm512_set1_epi16(half));
        let item = _mm512_mulhi_epu16(byte, inverse);
        (item, _mm512_sub_epi16(byte, _mm512_mullo_epi16(item, width)))
    })
}

/// See [`super::super::Runs`]. Near items of up to 31 bytes become dense ones by permutations.
///
/// # Safety
/// * ITEMS: as for [`super::super::Runs`].
/// * CPU: it has AVX-512 F, BW, VL, DQ and VBMI.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
pub unsafe fn runs_or_items(
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    n: usize,
    run: usize,
) {
    let dense = d == run.cast_signed() && run < 32 && n.saturating_mul(run) >= SMALL;
    // SAFETY: the same arrays (caller: ITEMS).
    if !dense || s.unsigned_abs() > FAR || !unsafe { gather(run, dst, src, s, n) } {
        // SAFETY: as above.
        unsafe { runs(dst, d, src, s, n, run) };
    }
}

/// Shorter destinations, in bytes, are copied item by item.
const SMALL: usize = 256;
/// Items at larger distances are never near.
const FAR: usize = 256;
/// The most vectors of the source that one of the destination is made of.
const PARTS: usize = 4;

/// Copies `n` items of `width` bytes at a distance in the source to a dense destination of `SMALL`
/// bytes at the least. `false` if they are too far from each other; nothing was copied then.
///
/// # Safety
/// * ITEMS: as for [`super::super::Strided`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
unsafe fn gather(width: usize, dst: *mut u8, src: *const u8, step: isize, n: usize) -> bool {
    let (per, far) = (64_usize.checked_div(width).unwrap_or(1), step.unsigned_abs());
    let span = (per - 1).saturating_mul(far).saturating_add(width);
    let parts = span.div_ceil(64);
    let body = match parts {
        1 => gather_of::<1>,
        2 => gather_of::<2>,
        3 => gather_of::<3>,
        4 => gather_of::<4>,
        _ => return false,
    };
    let down = if step < 0 { (per - 1) * far } else { 0 };
    // The last vector of the source ends where the last item does.
    let last = span.saturating_sub(64);
    let places = items(width).map(|(item, byte)| {
        let item = _mm512_mullo_epi16(item, _mm512_set1_epi16(step as i16));
        _mm512_add_epi16(_mm512_add_epi16(item, byte), _mm512_set1_epi16(down as i16))
    });
    let mut group = Gather {
        step,
        per,
        len: per * width,
        readable: _bzhi_u64(u64::MAX, span.min(64) as u32),
        last,
        indices: [_mm512_setzero_si512(); 2],
        masks: [0; PARTS],
    };
    let narrow = |[low, high]: [__m512i; 2]| {
        let low = _mm512_castsi256_si512(_mm512_cvtepi16_epi8(low));
        _mm512_inserti64x4::<1>(low, _mm512_cvtepi16_epi8(high))
    };
    let shift = _mm512_set1_epi16(last as i16);
    let shifted = places.map(|place| _mm512_sub_epi16(place, shift));
    group.indices = [narrow(places), narrow(shifted)];
    for (mask, part) in group.masks.iter_mut().take(parts).zip(0..) {
        let part = _mm512_set1_epi16(part);
        let [low, high] =
            places.map(|place| _mm512_cmpeq_epi16_mask(_mm512_srli_epi16::<6>(place), part));
        *mask = u64::from(low) | u64::from(high) << 32;
    }
    let src = src.wrapping_sub(down);
    // Groups that may store 64 bytes, then the others, the last of which ends where the destination does.
    let room = (n * width - 64).checked_div(group.len).unwrap_or(0) + 1;
    let free = room.min(n.checked_div(per).unwrap_or(0));
    // SAFETY: the items of so many groups (caller: ITEMS).
    unsafe { body(&group, dst, src, free, u64::MAX) };
    let mut item = free * per;
    while item < n {
        let at = item.min(n - per);
        let from = src.wrapping_offset(step * at.cast_signed());
        let writable = _bzhi_u64(u64::MAX, group.len as u32);
        // SAFETY: the items of one group (caller: ITEMS).
        unsafe { body(&group, dst.wrapping_add(at * width), from, 1, writable) };
        item += per;
    }
    true
}

/// What all groups of a call have in common; a group is as many items as a vector holds.
struct Gather {
    step: isize,
    per: usize,
    len: usize,
    /// Which bytes of the last vector of the source are readable.
    readable: u64,
    /// The offset of the last vector in a group.
    last: usize,
    /// For each byte of the destination vector, its position in the source's vectors, and in the last of them.
    indices: [__m512i; 2],
    /// Which bytes each source vector supplies.
    masks: [u64; PARTS],
}

/// Copies `n` groups.
///
/// # Safety
/// * ITEMS: their items are readable, and what `writable` has of each 64 bytes is writable.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
unsafe fn gather_of<const N: usize>(
    group: &Gather,
    mut dst: *mut u8,
    mut src: *const u8,
    n: usize,
    writable: u64,
) {
    let Some((last_mask, masks)) = group.masks.first_chunk::<N>().and_then(|m| m.split_last())
    else {
        return;
    };
    let [index, last_index] = group.indices;
    let advance = group.step * group.per.cast_signed();
    for _ in 0..n {
        // SAFETY: between the first and the last item of the group (caller: ITEMS).
        let last = unsafe { load_masked(src.wrapping_add(group.last), group.readable) };
        let mut out = _mm512_maskz_permutexvar_epi8(*last_mask, last_index, last);
        for (part, &mask) in masks.iter().enumerate() {
            // SAFETY: as above.
            let bytes = unsafe { load(src.wrapping_add(part * 64)) };
            out = _mm512_mask_permutexvar_epi8(out, mask, index, bytes);
        }
        if writable == u64::MAX {
            // SAFETY: 64 bytes are writable (caller: ITEMS).
            unsafe { store(dst, out) };
        } else {
            // SAFETY: as above.
            unsafe { store_masked(dst, writable, out) };
        }
        dst = dst.wrapping_add(group.len);
        src = src.wrapping_offset(advance);
    }
}
