//! Scatters, for AVX-512: bytes are permuted and stored by masks.
//!
//! 64 bytes of the source go to a group of lines of the destination, always to the same positions, so
//! one table serves the whole call. Where the step allows it, groups are aligned to cache lines. The gaps
//! between the items are neither written nor read: a masked store writes the bytes of its mask and nothing else.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the items that the caller promised, and counts of lines and bytes"
)]

use core::arch::x86_64::*;

use super::super::generic;
use super::strided_gather_avx512::{self as lines, count, load, load_masked, store_masked, within};

/// The bytes of a vector and of a cache line.
const LINE: usize = 64;
/// The most lines of a group.
const LINES: usize = 8;
/// A shorter destination is not aligned.
const SHORT: usize = 2048;

/// Whether masked stores pay for items at such a distance: one takes as long as three plain stores (D-29).
pub fn is_near(width: usize, far: usize) -> bool {
    width < far && far < 12 && far <= LINES * width && width < 8
}

/// Items at a distance in the destination; see [`super::super::Strided`].
///
/// # Safety
/// * ITEMS: as for [`super::super::Strided`].
/// * CPU: it has AVX-512 F, BW, VL, DQ and VBMI.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
pub unsafe fn scatter(width: usize, dst: *mut u8, src: *const u8, step: isize, n: usize) {
    let far = step.unsigned_abs();
    if far == width && n > 0 && width < 16 {
        // No gaps: a gather from the other end.
        let to = if step < 0 { dst.wrapping_sub((n - 1) * width) } else { dst };
        let from = if step < 0 { src.wrapping_add((n - 1) * width) } else { src };
        // SAFETY: the same items (caller: ITEMS, CPU).
        unsafe { lines::gather(width, to, from, step, n) };
    } else if !is_near(width, far) || n < least(width, far) {
        // SAFETY: the same arrays (caller: ITEMS).
        unsafe { generic::scatter(width, dst, src, step, n) };
    } else {
        let scatter = Scatter::new(width, dst, src, step, n);
        // SAFETY: the same items (caller: ITEMS, CPU).
        unsafe { scatter.run() };
    }
}

/// Fewer items are copied one by one: finding the table of a line takes as long as 35 of them (D-29).
fn least(width: usize, far: usize) -> usize {
    128 + ((48 * far) >> width.trailing_zeros())
}

/// The items of a call, and where in the destination's lines they go.
struct Scatter {
    /// The first group's lines, and the distance to the next group's.
    dst: *mut u8,
    advance: usize,
    src: *const u8,
    /// The offset of the first group's 64 bytes in the source, which may begin before it or reach behind it, and
    /// the distance to the next group's.
    from: isize,
    turn: isize,
    /// How many bytes the source has.
    len: usize,
    /// For each line of a group, which of its bytes are written, and their positions in the source.
    masks: [u64; LINES],
    indices: [__m512i; LINES],
    lines: usize,
    /// The first whole group, the number of the group behind the last whole one, and how many groups there are.
    first: usize,
    whole: usize,
    groups: usize,
}

impl Scatter {
    /// Finds the positions, for a distance that is larger than an item.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
    fn new(width: usize, dst: *mut u8, src: *const u8, step: isize, n: usize) -> Self {
        let far = step.unsigned_abs();
        let shift = width.trailing_zeros();
        let items = LINE >> shift;
        let lowest = if step < 0 { dst.wrapping_sub((n - 1) * far) } else { dst };
        let advance = items * far;
        let short = n * far < SHORT;
        let same = advance.is_multiple_of(LINE) && lowest.addr() & (width - 1) == 0 && !short;
        let phase = if same { lowest.addr() % LINE } else { 0 };
        // Items of the first group that precede the destination's, and where its first item lies.
        let before = phase.checked_div(far).unwrap_or(0);
        let skew = phase - before * far;
        let lines = if same { advance / LINE } else { ((items - 1) * far + width).div_ceil(LINE) };
        let mut masks = [0; LINES];
        let mut indices = [_mm512_setzero_si512(); LINES];
        // Exact for the positions in a group, which are below 512, as 512 * 12 is below 65536.
        let inverse = ((1 << 16) + far - 1).checked_div(far).unwrap_or(0);
        let inverse = _mm512_set1_epi16(inverse as i16);
        let (size, distance) = (_mm512_set1_epi16(width as i16), _mm512_set1_epi16(far as i16));
        let last = _mm512_set1_epi16((items - 1) as i16);
        for (line, (mask, index)) in masks.iter_mut().zip(&mut indices).take(lines).enumerate() {
            let mut bits = [0; 2];
            let mut halves = [_mm256_setzero_si256(); 2];
            for (half, (bits, bytes)) in bits.iter_mut().zip(&mut halves).enumerate() {
                // Positions before the first item wrap round, and are masked out below.
                let start = (line * LINE + half * LINE / 2).wrapping_sub(skew);
                let place = _mm512_add_epi16(count(), _mm512_set1_epi16(start as i16));
                let item = _mm512_mulhi_epu16(place, inverse);
                let byte = _mm512_sub_epi16(place, _mm512_mullo_epi16(item, distance));
                *bits = _mm512_cmplt_epu16_mask(byte, size) & _mm512_cmple_epu16_mask(item, last);
                let item = if step < 0 { _mm512_sub_epi16(last, item) } else { item };
                let item = _mm512_mullo_epi16(item, size);
                *bytes = _mm512_cvtepi16_epi8(_mm512_add_epi16(item, byte));
            }
            let [low, high] = bits;
            *mask = u64::from(low) | u64::from(high) << 32;
            let [low, high] = halves;
            *index = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high);
        }
        let (before, count) = (before.cast_signed(), n.cast_signed());
        let from = if step < 0 { count + before - items.cast_signed() } else { -before };
        Self {
            dst: lowest.wrapping_sub(phase),
            advance,
            src,
            from: from << shift,
            turn: if step < 0 { -LINE.cast_signed() } else { LINE.cast_signed() },
            len: n << shift,
            masks,
            indices,
            lines,
            first: usize::from(before > 0),
            whole: (n + before.unsigned_abs()) >> items.trailing_zeros(),
            groups: (n + before.unsigned_abs() + items - 1) >> items.trailing_zeros(),
        }
    }

    /// Copies all items.
    ///
    /// # Safety
    /// * BYTES: they are readable and writable.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
    unsafe fn run(&self) {
        if self.first > 0 {
            // SAFETY: the first group (caller: ITEMS).
            unsafe { self.edge(0) };
        }
        if self.whole > self.first {
            let body = BODIES.get(self.lines).copied().unwrap_or(Self::body_of::<0>);
            let dst = self.dst.wrapping_add(self.first * self.advance);
            let src = self.src.wrapping_offset(self.from + self.turn * self.first.cast_signed());
            // SAFETY: these groups have all their items (caller: ITEMS).
            unsafe { body(self, dst, src, self.whole - self.first) };
        }
        if self.groups > self.whole.max(self.first) {
            // SAFETY: the last group (caller: ITEMS).
            unsafe { self.edge(self.whole) };
        }
    }

    /// Copies `n` groups that have all their items.
    ///
    /// # Safety
    /// * ITEMS: they are readable and writable, and a group has `N` lines.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
    unsafe fn body_of<const N: usize>(&self, mut dst: *mut u8, mut src: *const u8, n: usize) {
        let Some(masks) = self.masks.first_chunk::<N>() else { return };
        let Some(indices) = self.indices.first_chunk::<N>() else { return };
        for _ in 0..n {
            // SAFETY: the group's items are readable (caller: ITEMS).
            let bytes = unsafe { load(src) };
            for (line, (&mask, &index)) in masks.iter().zip(indices).enumerate() {
                let out = _mm512_permutexvar_epi8(index, bytes);
                // SAFETY: the masked bytes are items of the group (caller: ITEMS).
                unsafe { store_masked(dst.wrapping_add(line * LINE), mask, out) };
            }
            dst = dst.wrapping_add(self.advance);
            src = src.wrapping_offset(self.turn);
        }
    }

    /// Copies a group that has not all its items.
    ///
    /// # Safety
    /// * ITEMS: It is one of the groups; the items are readable and writable.
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
    unsafe fn edge(&self, group: usize) {
        let from = self.from + self.turn * group.cast_signed();
        let readable = within(from, self.len);
        // SAFETY: the masked bytes are the source's (caller: ITEMS).
        let bytes = unsafe { load_masked(self.src.wrapping_offset(from), readable) };
        let there = _mm512_movm_epi8(readable);
        let dst = self.dst.wrapping_add(group * self.advance);
        let lines = self.masks.iter().zip(&self.indices).take(self.lines);
        for (line, (&mask, &index)) in lines.enumerate() {
            let mask = mask & _mm512_movepi8_mask(_mm512_permutexvar_epi8(index, there));
            let out = _mm512_permutexvar_epi8(index, bytes);
            // SAFETY: the masked bytes are items that the source has (caller: ITEMS).
            unsafe { store_masked(dst.wrapping_add(line * LINE), mask, out) };
        }
    }
}

/// `Scatter::body_of`, by the number of lines.
const BODIES: [unsafe fn(&Scatter, *mut u8, *const u8, usize); 9] = [
    Scatter::body_of::<0>,
    Scatter::body_of::<1>,
    Scatter::body_of::<2>,
    Scatter::body_of::<3>,
    Scatter::body_of::<4>,
    Scatter::body_of::<5>,
    Scatter::body_of::<6>,
    Scatter::body_of::<7>,
    Scatter::body_of::<8>,
];
