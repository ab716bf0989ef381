//! Gathers, for AVX-512: whole cache lines are loaded and their bytes permuted.
//!
//! The destination is written line by line. For each of its lines a few lines of the source hold the items, always at
//! the same positions, so one table of positions serves the whole call. Loads from the source are aligned to cache
//! lines where the step keeps the positions the same.
//!
//! Nothing is read before the first item or behind the last: loads there are masked.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the items that the caller promised, and counts of lines and bytes"
)]

use core::arch::x86_64::*;

use super::strided_gather_shuffle::avx2;

/// The bytes of a vector and of a cache line.
const LINE: usize = 64;
/// Items at larger distances are copied one by one, which is no slower then (D-26).
const FAR: usize = 24;
/// The most lines of the source that one line of the destination is made of.
const LINES: usize = FAR + 1;
/// For fewer items, and for shorter destinations whose items are near, finding the table takes too long (D-27).
const MIN_ITEMS: usize = 128;
const SMALL: usize = 1024;
const NEAR: usize = 8;
/// The same for items that are not near, in squares of their distance (D-27).
const SQUARES: usize = 3;
/// A shorter destination is not aligned: that would make a second edge (D-28).
const SHORT: usize = 2048;

/// Items at a distance in the source; see [`super::super::Strided`].
///
/// # Safety
/// * ITEMS: as for [`super::super::Strided`].
/// * CPU: it has AVX-512 F, BW, VL, DQ and VBMI.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
pub unsafe fn gather(width: usize, dst: *mut u8, src: *const u8, step: isize, n: usize) {
    let far = step.unsigned_abs();
    let least = if far <= NEAR { SMALL } else { far.saturating_mul(far).saturating_mul(SQUARES) };
    let small = n < MIN_ITEMS || n.saturating_mul(width) < least;
    if !small && width < 16 {
        let mut gather = Gather::NONE;
        if gather.find(width, dst, src, step, n) {
            // SAFETY: the same items (caller: ITEMS, CPU).
            return unsafe { gather.run(0, gather.lines) };
        }
    }
    // SAFETY: the same arrays (caller: ITEMS); AVX-512 comes with AVX2.
    unsafe { avx2::gather(width, dst, src, step, n) };
}

/// The items of a call, and where in the source's lines they lie.
pub struct Gather {
    /// The cache line in which the destination begins, and how many bytes of the line precede it.
    dst: *mut u8,
    before: usize,
    /// How many bytes the destination has.
    len: usize,
    /// The first source line of the first destination line, and the distance to that of the next one.
    src: *const u8,
    advance: isize,
    /// The offset from `src` to the source's first byte, and how many bytes the source spans.
    source: isize,
    span: usize,
    /// For each byte of a destination line, its position in the source line that holds it.
    index: __m512i,
    /// For each of those source lines, which bytes it supplies.
    masks: [u64; LINES],
    parts: usize,
    /// How many cache lines the destination touches.
    pub lines: usize,
}

impl Gather {
    /// Nothing.
    pub const NONE: Self = Self {
        dst: core::ptr::null_mut(),
        before: 0,
        len: 0,
        src: core::ptr::null(),
        advance: 0,
        source: 0,
        span: 0,
        // SAFETY: a vector may be zero.
        index: unsafe { core::mem::zeroed() },
        masks: [0; LINES],
        parts: 0,
        lines: 0,
    };

    /// Finds the positions; `false` if the items are too far from each other.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
    pub fn find(
        &mut self,
        width: usize,
        dst: *mut u8,
        src: *const u8,
        step: isize,
        n: usize,
    ) -> bool {
        let far = step.unsigned_abs();
        if n == 0 || far > FAR {
            return false;
        }
        let shift = width.trailing_zeros();
        let len = n << shift;
        let short = len < SHORT;
        let before = if short { 0 } else { dst.addr() % LINE };
        // A line may begin within an item; items count from that one.
        let skew = before.wrapping_neg() & (width - 1);
        let items_before = ((before + skew) >> shift).cast_signed();
        let last = (LINE - 1 + skew) >> shift;
        let first = src.wrapping_offset(-items_before * step);
        let down = if step < 0 { last * far } else { 0 };
        let lowest = first.wrapping_sub(down);
        let advance = (LINE >> shift).cast_signed() * step;
        let same = advance % LINE.cast_signed() == 0;
        let phase = if same && !short { lowest.addr() % LINE } else { 0 };
        let from = lowest.wrapping_sub(phase);
        let span = (n - 1) * far + width;
        let start = if step < 0 { src.wrapping_sub(span - width) } else { src };

        let places = [0, LINE / 2].map(|half| {
            let byte = _mm512_add_epi16(count(), _mm512_set1_epi16((half + skew) as i16));
            let item = _mm512_srl_epi16(byte, _mm_cvtsi32_si128(shift.cast_signed()));
            let byte = _mm512_and_si512(byte, _mm512_set1_epi16((width - 1) as i16));
            let item = _mm512_mullo_epi16(item, _mm512_set1_epi16(step as i16));
            let byte = _mm512_add_epi16(byte, _mm512_set1_epi16((phase + down) as i16));
            _mm512_add_epi16(item, byte)
        });
        let [low, high] = places.map(|place| _mm512_cvtepi16_epi8(place));
        let index = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high);
        let [low, high] = places.map(|place| _mm512_srli_epi16::<6>(place));
        let parts = (phase + last * far + width - 1) / LINE + 1;
        for (mask, part) in self.masks.iter_mut().take(parts).zip(0..) {
            let part = _mm512_set1_epi16(part);
            let [low, high] = [low, high].map(|line| _mm512_cmpeq_epi16_mask(line, part));
            *mask = u64::from(low) | u64::from(high) << 32;
        }
        (self.dst, self.before, self.len) = (dst.wrapping_sub(before), before, len);
        (self.src, self.advance, self.span) = (from, advance, span);
        self.source = start.addr().wrapping_sub(from.addr()).cast_signed();
        (self.index, self.parts) = (index, parts);
        self.lines = (before + len).div_ceil(LINE);
        true
    }

    /// Writes the lines `from..to` of the destination.
    ///
    /// # Safety
    /// * ITEMS: the items are readable and writable, and `to` is not above `lines`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
    pub unsafe fn run(&self, from: usize, to: usize) {
        let mut line = from;
        while line < to {
            let whole = self.whole(line, to);
            if whole > 0 {
                // SAFETY: so many lines have all their bytes (`whole`).
                unsafe { self.body(line, whole) };
                line += whole;
            } else {
                // SAFETY: the line is one of the destination's (caller: ITEMS).
                unsafe { self.edge(line) };
                line += 1;
            }
        }
    }

    /// How many destination lines from `line` to `to` are whole, and so are their source lines.
    fn whole(&self, line: usize, to: usize) -> usize {
        let written = (self.before + self.len) / LINE;
        let at = line.cast_signed() * self.advance - self.source;
        let room = self.span.cast_signed() - (self.parts * LINE).cast_signed();
        if (line == 0 && self.before > 0) || at < 0 || at > room {
            return 0;
        }
        let step = self.advance.unsigned_abs();
        let left = if self.advance < 0 { at } else { room - at }.unsigned_abs();
        let readable = left.checked_div(step).map_or(usize::MAX, |more| more + 1);
        written.min(to).saturating_sub(line).min(readable)
    }

    /// Writes `n` lines from `line` on.
    ///
    /// # Safety
    /// * WHOLE: they are whole on both sides, as `whole` tells.
    /// * CPU: as for [`gather`].
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
    unsafe fn body(&self, line: usize, n: usize) {
        let dst = self.dst.wrapping_add(line * LINE);
        let src = self.src.wrapping_offset(line.cast_signed() * self.advance);
        let body = BODIES.get(self.parts).copied().unwrap_or(Self::body_of_any);
        // SAFETY: the same lines (caller: WHOLE, CPU).
        unsafe { body(self, dst, src, n) };
    }

    /// `body` for a number of lines that the compiler unrolls.
    ///
    /// # Safety
    /// * WHOLE, CPU: as for `body`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
    unsafe fn body_of<const PARTS: usize>(&self, mut dst: *mut u8, mut src: *const u8, n: usize) {
        let Some(masks) = self.masks.first_chunk::<PARTS>() else { return };
        for _ in 0..n {
            let mut out = _mm512_setzero_si512();
            for (part, &mask) in masks.iter().enumerate() {
                // SAFETY: the line is readable (caller: WHOLE).
                let line = unsafe { load(src.wrapping_add(part * LINE)) };
                out = _mm512_mask_permutexvar_epi8(out, mask, self.index, line);
            }
            // SAFETY: the line is writable (caller: WHOLE).
            unsafe { store(dst, out) };
            dst = dst.wrapping_add(LINE);
            src = src.wrapping_offset(self.advance);
        }
    }

    /// `body` for more lines.
    ///
    /// # Safety
    /// * WHOLE, CPU: as for `body`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
    unsafe fn body_of_any(&self, mut dst: *mut u8, mut src: *const u8, n: usize) {
        for _ in 0..n {
            let mut out = _mm512_setzero_si512();
            for (part, &mask) in self.masks.iter().take(self.parts).enumerate() {
                // SAFETY: the line is readable (caller: WHOLE).
                let line = unsafe { load(src.wrapping_add(part * LINE)) };
                out = _mm512_mask_permutexvar_epi8(out, mask, self.index, line);
            }
            // SAFETY: the line is writable (caller: WHOLE).
            unsafe { store(dst, out) };
            dst = dst.wrapping_add(LINE);
            src = src.wrapping_offset(self.advance);
        }
    }

    /// Writes a line that is not whole on one of the two sides.
    ///
    /// # Safety
    /// * ITEMS: the line is one of the destination's.
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
    unsafe fn edge(&self, line: usize) {
        let at = line.cast_signed() * self.advance;
        let mut out = _mm512_setzero_si512();
        for (part, &mask) in self.masks.iter().take(self.parts).enumerate() {
            let at = at + (part * LINE).cast_signed();
            let readable = within(at - self.source, self.span);
            // SAFETY: the masked bytes lie between the first item and the last (caller: ITEMS).
            let bytes = unsafe { load_masked(self.src.wrapping_offset(at), readable) };
            out = _mm512_mask_permutexvar_epi8(out, mask, self.index, bytes);
        }
        let at = line * LINE;
        let writable = within(at.cast_signed() - self.before.cast_signed(), self.len);
        // SAFETY: the masked bytes are the destination's (caller: ITEMS).
        unsafe { store_masked(self.dst.wrapping_add(at), writable, out) };
    }
}

/// `Gather::body_of`, by the number of lines.
const BODIES: [unsafe fn(&Gather, *mut u8, *const u8, usize); 10] = [
    Gather::body_of_any,
    Gather::body_of::<1>,
    Gather::body_of::<2>,
    Gather::body_of::<3>,
    Gather::body_of::<4>,
    Gather::body_of::<5>,
    Gather::body_of::<6>,
    Gather::body_of::<7>,
    Gather::body_of::<8>,
    Gather::body_of::<9>,
];

/// The mask of those bytes of a line that are among `len` bytes, of which the line's first is number `at`.
#[target_feature(enable = "bmi2")]
pub fn within(at: isize, len: usize) -> u64 {
    let below = |bytes: isize| _bzhi_u64(u64::MAX, bytes.clamp(0, LINE.cast_signed()) as u32);
    below(len.cast_signed() - at) & !below(-at)
}

/// 0, 1, 2 ...
#[target_feature(enable = "avx512f,avx512bw")]
pub fn count() -> __m512i {
    const COUNT: [u16; LINE / 2] = [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
        25, 26, 27, 28, 29, 30, 31,
    ];
    // SAFETY: the table is as long as a vector.
    unsafe { load(COUNT.as_ptr().cast()) }
}

/// # Safety
/// * BYTES: 64 bytes are readable.
#[inline]
#[target_feature(enable = "avx512f")]
pub unsafe fn load(at: *const u8) -> __m512i {
    // SAFETY: the same bytes (caller: BYTES).
    unsafe { _mm512_loadu_si512(at.cast()) }
}

/// # Safety
/// * BYTES: 64 bytes are writable.
#[inline]
#[target_feature(enable = "avx512f")]
pub unsafe fn store(at: *mut u8, bytes: __m512i) {
    // SAFETY: the same bytes (caller: BYTES).
    unsafe { _mm512_storeu_si512(at.cast(), bytes) };
}

/// # Safety
/// * BYTES: the bytes of the mask are readable.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn load_masked(at: *const u8, mask: u64) -> __m512i {
    // SAFETY: the same bytes (caller: BYTES).
    unsafe { _mm512_maskz_loadu_epi8(mask, at.cast()) }
}

/// # Safety
/// * BYTES: the bytes of the mask are writable.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn store_masked(at: *mut u8, mask: u64, bytes: __m512i) {
    // SAFETY: the same bytes (caller: BYTES).
    unsafe { _mm512_mask_storeu_epi8(at.cast(), mask, bytes) };
}
