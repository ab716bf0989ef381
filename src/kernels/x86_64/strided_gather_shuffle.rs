//! Gathers, for SSSE3 and AVX2: 16 bytes are loaded and shuffled at a time.
//!
//! The items of 16 bytes of the destination lie in a few vectors of the source, always at the same
//! positions, so one table of shuffles serves the whole call. The last of these vectors ends where
//! the last item does: nothing is read before the first item or behind the last. AVX2 does two lanes at a time.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the items that the caller promised"
)]

use core::arch::x86_64::*;

use super::super::generic;

/// The bytes that a shuffle reaches.
pub const LANE: usize = 16;
/// The most vectors of the source that one of the destination is made of.
const PARTS: usize = 8;

/// Items at larger distances are copied one by one, which is no slower then (D-23).
const FAR: usize = 16;
/// Fewer items are copied one by one, and so are fewer than the square of their distance: finding the shuffles
/// takes as long as copying 30 items (D-24).
pub const MIN_ITEMS: usize = 40;
/// A shorter destination is not aligned.
const SHORT: usize = 512;

/// The shuffles of a call.
pub struct Shuffles {
    /// The distance between items.
    step: isize,
    /// How many items and bytes a lane of the destination gets.
    pub items: usize,
    len: usize,
    /// How far the lowest of a lane's items lies from the first.
    pub lowest: isize,
    /// Where in a lane's items the last vector begins; the others lie back to back before it.
    last: usize,
    /// Which bytes each vector supplies to the destination; elsewhere the top bit is set.
    controls: [__m128i; PARTS],
    /// How many vectors there are.
    pub parts: usize,
}

impl Shuffles {
    /// None.
    pub const NONE: Self = Self {
        step: 0,
        items: 0,
        len: 0,
        lowest: 0,
        last: 0,
        // SAFETY: a vector may be zero.
        controls: unsafe { core::mem::zeroed() },
        parts: 0,
    };

    /// Finds the shuffles for items of `width` bytes, 8 at the most; `false` if the items are too far from
    /// each other. In place, as a copy of a returned table takes longer (D-24).
    #[inline(never)]
    #[target_feature(enable = "ssse3")]
    pub fn find(&mut self, width: usize, step: isize) -> bool {
        let far = step.unsigned_abs();
        // Exact for the bytes of a lane.
        let inverse = 255_u8.checked_div(width as u8).map_or(0, u16::from) + 1;
        let items = (LANE * usize::from(inverse)) >> 8;
        if far < width || far > FAR {
            return false;
        }
        let span = (items - 1) * far + width;
        let parts = span.div_ceil(LANE);
        if parts > PARTS {
            return false;
        }
        let down = if step < 0 { (items - 1) * far } else { 0 };
        let [low, high] =
            [_mm_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7), _mm_setr_epi16(8, 9, 10, 11, 12, 13, 14, 15)]
                .map(|byte| {
                    let item = _mm_mullo_epi16(byte, _mm_set1_epi16(inverse.cast_signed()));
                    let item = _mm_srli_epi16::<8>(item);
                    let further = _mm_set1_epi16((step - width.cast_signed()) as i16);
                    let place = _mm_add_epi16(byte, _mm_mullo_epi16(item, further));
                    _mm_add_epi16(place, _mm_set1_epi16(down as i16))
                });
        // Below 256, as there are 8 vectors at the most.
        let place = _mm_packus_epi16(low, high);
        let last = span.saturating_sub(LANE);
        for (control, part) in self.controls.iter_mut().take(parts).zip(0..) {
            let offset = last.min(part * LANE);
            let place = _mm_sub_epi8(place, _mm_set1_epi8(offset as i8));
            // Positions from 16 on get the top bit.
            *control = _mm_adds_epu8(place, _mm_set1_epi8(0x70));
        }
        (self.step, self.lowest, self.last) = (step, -down.cast_signed(), last);
        (self.items, self.len, self.parts) = (items, items * width, parts);
        true
    }
}

/// Writes `n` vectors of `items` items each; `src` is the lowest of the first's.
type Body = unsafe fn(&Shuffles, dst: *mut u8, src: *const u8, items: isize, n: usize);

/// The kernels of a level: its features, its vector, how many lanes that has, its instructions, and what
/// it has for some shuffles.
macro_rules! kernels {
    (
        $level:ident, $features:literal, $vector:ty, $lanes:literal, $load:expr, $store:expr,
        $shuffle:ident, $or:ident, $widen:expr, $regular:expr
    ) => {
        pub mod $level {
            use super::*;

            const VECTOR: usize = LANE * $lanes;

            /// Items at a distance in the source; see [`super::super::super::Strided`].
            ///
            /// # Safety
            /// * ITEMS: as for [`super::super::super::Strided`].
            /// * CPU: it has the level's features.
            #[target_feature(enable = $features)]
            pub unsafe fn gather(
                width: usize,
                dst: *mut u8,
                src: *const u8,
                step: isize,
                n: usize,
            ) {
                let far = step.unsigned_abs();
                if n >= MIN_ITEMS && n >= far.saturating_mul(far) && width < 16 {
                    let mut shuffles = Shuffles::NONE;
                    if shuffles.find(width, step) {
                        // SAFETY: the same arrays (caller: ITEMS).
                        return unsafe { run(&shuffles, width, dst, src, n) };
                    }
                }
                // SAFETY: as above.
                unsafe { generic::gather(width, dst, src, step, n) };
            }

            /// Copies `n` items, a vector's at the least.
            ///
            /// # Safety
            /// * ITEMS: they are readable and writable, and the shuffles are of items of `width` bytes.
            #[inline(never)]
            #[target_feature(enable = $features)]
            pub unsafe fn run(
                shuffles: &Shuffles,
                width: usize,
                dst: *mut u8,
                src: *const u8,
                n: usize,
            ) {
                let shift = width.trailing_zeros();
                let items = VECTOR >> shift;
                let src = src.wrapping_offset(shuffles.lowest);
                let regular: Option<Body> = $regular(shuffles);
                let body = regular.or(BODIES.get(shuffles.parts).copied()).unwrap_or(body::<1>);
                let run = |item: usize, vectors: usize| {
                    let dst = dst.wrapping_add(item << shift);
                    let src = src.wrapping_offset(shuffles.step * item.cast_signed());
                    // SAFETY: the items of so many vectors lie from there on (caller: ITEMS).
                    unsafe { body(shuffles, dst, src, items.cast_signed(), vectors) };
                };
                // An unaligned first vector, then aligned ones, then one that ends where the destination does.
                let head = VECTOR - dst.addr() % VECTOR;
                let mut item = 0;
                if n > SHORT >> shift && head & (width - 1) == 0 {
                    run(0, 1);
                    item = head >> shift;
                }
                let vectors = (n - item) << shift;
                run(item, vectors / VECTOR);
                if vectors % VECTOR > 0 {
                    run(n - items, 1);
                }
            }

            /// `body`, by the number of vectors that one is made of.
            pub const BODIES: [Body; 1 + PARTS] = [
                body::<1>, body::<1>, body::<2>, body::<3>, body::<4>, body::<5>, body::<6>,
                body::<7>, body::<8>,
            ];

            /// Writes `n` vectors of `items` items each. `src` is the lowest of the first's.
            ///
            /// # Safety
            /// * ITEMS: the items are readable and writable, and each lane's are in `PARTS` vectors.
            #[target_feature(enable = $features)]
            unsafe fn body<const PARTS: usize>(
                shuffles: &Shuffles,
                mut dst: *mut u8,
                mut src: *const u8,
                items: isize,
                n: usize,
            ) {
                let Some(controls) = shuffles.controls.first_chunk::<PARTS>() else { return };
                let controls = controls.map(|control| $widen(control));
                let Some((last, others)) = controls.split_last() else { return };
                let (advance, lane) = (shuffles.step * items, shuffles.step * items / $lanes);
                // Two lanes are of widths that fill them.
                let len = if $lanes > 1 { VECTOR } else { shuffles.len };
                for _ in 0..n {
                    // SAFETY: between the first and the last item of each lane (caller: ITEMS).
                    let part = unsafe { $load(src.wrapping_add(shuffles.last), lane) };
                    let mut out = $shuffle(part, *last);
                    for (part, &control) in others.iter().enumerate() {
                        // SAFETY: as above.
                        let part = unsafe { $load(src.wrapping_add(part * LANE), lane) };
                        out = $or(out, $shuffle(part, control));
                    }
                    // SAFETY: the items are writable (caller: ITEMS).
                    unsafe { $store(dst.cast(), out) };
                    dst = dst.wrapping_add(len);
                    src = src.wrapping_offset(advance);
                }
            }
        }
    };
}

kernels!(
    sse,
    "ssse3",
    __m128i,
    1,
    |at: *const u8, _| _mm_loadu_si128(at.cast()),
    _mm_storeu_si128,
    _mm_shuffle_epi8,
    _mm_or_si128,
    |control| control,
    |_| None
);
kernels!(
    avx2,
    "avx2",
    __m256i,
    2,
    |at: *const u8, lane| _mm256_loadu2_m128i(at.wrapping_offset(lane).cast(), at.cast()),
    _mm256_storeu_si256,
    _mm256_shuffle_epi8,
    _mm256_or_si256,
    _mm256_broadcastsi128_si256,
    |shuffles: &Shuffles| {
        let far = shuffles.step.unsigned_abs();
        let body: Body = if shuffles.parts == 2 { regular::<2> } else { regular::<4> };
        (far.is_power_of_two() && matches!(shuffles.parts, 2 | 4)).then_some(body)
    }
);

/// `avx2::body` where every 16 bytes of the source hold the same number of items: whole vectors are loaded, and the
/// order of the items is restored at the end (D-25).
///
/// # Safety
/// * ITEMS: as for `avx2::body`; items have 1 to 8 bytes at a distance of 2 or 4 of them.
#[target_feature(enable = "avx2")]
unsafe fn regular<const PARTS: usize>(
    shuffles: &Shuffles,
    mut dst: *mut u8,
    src: *const u8,
    items: isize,
    n: usize,
) {
    let Some(controls) = shuffles.controls.first_chunk::<PARTS>() else { return };
    let controls = controls.map(|control| _mm256_broadcastsi128_si256(control));
    let Some((last, others)) = controls.split_last() else { return };
    let advance = shuffles.step * items;
    // The first lanes have the even ones of the source, the second lanes the odd ones.
    let order = match PARTS {
        2 => _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7),
        _ => _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7),
    };
    let swap = if shuffles.step < 0 { 4 } else { 0 };
    let order = _mm256_xor_si256(order, _mm256_set1_epi32(swap));
    let mut src = src.wrapping_offset((advance / 2).min(0));
    let last_part = (PARTS - 1) * LANE + shuffles.last;
    for _ in 0..n {
        // SAFETY: between the first and the last item (caller: ITEMS).
        let part = unsafe { _mm256_loadu_si256(src.wrapping_add(last_part).cast()) };
        let mut out = _mm256_shuffle_epi8(part, *last);
        for (part, &control) in others.iter().enumerate() {
            // SAFETY: as above.
            let part = unsafe { _mm256_loadu_si256(src.wrapping_add(2 * LANE * part).cast()) };
            out = _mm256_or_si256(out, _mm256_shuffle_epi8(part, control));
        }
        let out = _mm256_permutevar8x32_epi32(out, order);
        // SAFETY: the items are writable (caller: ITEMS).
        unsafe { _mm256_storeu_si256(dst.cast(), out) };
        dst = dst.wrapping_add(2 * LANE);
        src = src.wrapping_offset(advance);
    }
}
