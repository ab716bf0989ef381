//! Gathers: 16 bytes are loaded and looked up at a time.
//!
//! The items of 16 bytes of the destination lie in a few vectors of the source, always at the same
//! positions, so one table serves the whole call. The last of these vectors ends where the last item
//! does: nothing is read before the first item or behind the last.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the items that the caller promised"
)]

use core::arch::aarch64::*;

use super::super::generic;

const VECTOR: usize = 16;
/// The most vectors of the source that one of the destination is made of.
const PARTS: usize = 8;
/// Items at larger distances, and fewer items, are copied one by one.
const FAR: usize = 16;
const MIN_ITEMS: usize = 64;

/// Items at a distance in the source; see [`super::super::Strided`].
///
/// # Safety
/// * ITEMS: as for [`super::super::Strided`].
pub unsafe fn gather(width: usize, dst: *mut u8, src: *const u8, step: isize, n: usize) {
    // SAFETY: the same arrays (caller: ITEMS).
    if n < MIN_ITEMS || width > 8 || !unsafe { gather_of(width, dst, src, step, n) } {
        // SAFETY: as above.
        unsafe { generic::gather(width, dst, src, step, n) };
    }
}

/// `gather` for at least `MIN_ITEMS` items of `width` bytes. `false` if they are too far from each other; nothing was copied
/// then.
///
/// # Safety
/// * ITEMS: as for `gather`.
unsafe fn gather_of(width: usize, dst: *mut u8, src: *const u8, step: isize, n: usize) -> bool {
    let (far, shift) = (step.unsigned_abs(), width.trailing_zeros());
    let items = VECTOR >> shift;
    let span = (items - 1) * far + width;
    if far < width || far > FAR || span > PARTS * VECTOR {
        return false;
    }
    let (parts, last) = (span.div_ceil(VECTOR), span - VECTOR);
    let down = if step < 0 { (items - 1) * far } else { 0 };
    let mut places = Places { step, last, controls: [[u8::MAX; VECTOR]; PARTS] };
    for byte in 0..VECTOR {
        let (item, of_item) = (byte >> shift, byte & (width - 1));
        let item = if step < 0 { items - 1 - item } else { item };
        let place = item * far + of_item;
        let (part, place) = if place >= last {
            (parts - 1, place - last)
        } else {
            (place / VECTOR, place % VECTOR)
        };
        if let Some(control) = places.controls.get_mut(part).and_then(|all| all.get_mut(byte)) {
            *control = place as u8;
        }
    }
    let body = BODIES.get(parts).copied().unwrap_or(body::<1>);
    let (vectors, src) = (n >> items.trailing_zeros(), src.wrapping_sub(down));
    // SAFETY: the items of so many vectors (caller: ITEMS).
    unsafe { body(&places, dst, src, items.cast_signed(), vectors) };
    if n & (items - 1) > 0 {
        let at = n - items;
        let src = src.wrapping_offset(step * at.cast_signed());
        // SAFETY: the last vector's items (caller: ITEMS).
        unsafe { body(&places, dst.wrapping_add(at << shift), src, items.cast_signed(), 1) };
    }
    true
}

/// What all vectors of a call have in common.
struct Places {
    step: isize,
    /// Where in a vector's items the last one of the source begins.
    last: usize,
    /// What each vector of the source gives; other places lie beyond it, which makes zeros.
    controls: [[u8; VECTOR]; PARTS],
}

/// Writes vectors; see `body`.
type Body = unsafe fn(&Places, *mut u8, *const u8, isize, usize);

/// `body`, by the number of vectors that one is made of.
const BODIES: [Body; 1 + PARTS] = [
    body::<1>, body::<1>, body::<2>, body::<3>, body::<4>, body::<5>, body::<6>, body::<7>,
    body::<8>,
];

/// Writes `n` vectors of `items` items each. `src` is the lowest of the first's.
///
/// # Safety
/// * ITEMS: the items are readable and writable.
#[target_feature(enable = "neon")]
unsafe fn body<const N: usize>(
    places: &Places,
    mut dst: *mut u8,
    mut src: *const u8,
    items: isize,
    n: usize,
) {
    let Some(controls) = places.controls.first_chunk::<N>() else { return };
    // SAFETY: a control is as long as a vector.
    let controls = controls.map(|control| unsafe { vld1q_u8(control.as_ptr()) });
    let Some((last, others)) = controls.split_last() else { return };
    for _ in 0..n {
        // SAFETY: between the first and the last item of the vector (caller: ITEMS).
        let part = unsafe { vld1q_u8(src.wrapping_add(places.last)) };
        let mut out = vqtbl1q_u8(part, *last);
        for (part, &control) in others.iter().enumerate() {
            // SAFETY: as above.
            let part = unsafe { vld1q_u8(src.wrapping_add(part * VECTOR)) };
            out = vorrq_u8(out, vqtbl1q_u8(part, control));
        }
        // SAFETY: the items are writable (caller: ITEMS).
        unsafe { vst1q_u8(dst, out) };
        dst = dst.wrapping_add(VECTOR);
        src = src.wrapping_offset(places.step * items);
    }
}
