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

use super::super::short_runs::neon::ends;
use super::super::{Runs, generic};

const VECTOR: usize = 16;
/// The most vectors of the source that one of the destination is made of.
const PARTS: usize = 8;
/// Items at larger distances, fewer items, and fewer than the square of their distance are copied one by one.
const FAR: usize = 16;
pub const MIN_ITEMS: usize = 40;

/// Items at a distance in the source; see [`super::super::Strided`].
///
/// # Safety
/// * ITEMS: as for [`super::super::Strided`].
pub unsafe fn gather(width: usize, dst: *mut u8, src: *const u8, step: isize, n: usize) {
    let far = step.unsigned_abs();
    if n >= MIN_ITEMS
        && n >= far.saturating_mul(far)
        && width <= 8
        && let Some(places) = Places::find(width, step)
    {
        // SAFETY: the same arrays (caller: ITEMS).
        return unsafe { places.run(dst, src, n) };
    }
    // SAFETY: as above.
    unsafe { generic::gather(width, dst, src, step, n) };
}

/// Copies at least `MIN_ITEMS` runs of 3, 5, 6 or 7 bytes to a dense destination: by tables if they lie near each other in
/// the source.
///
/// # Safety
/// * ITEMS: as for [`super::super::Runs`].
pub unsafe fn near_runs(
    mut dst: *mut u8,
    d: isize,
    mut src: *const u8,
    s: isize,
    mut n: usize,
    run: usize,
) {
    let plain: Runs = if run == 3 { ends::<u16> } else { ends::<u32> };
    if let Some(places) = Places::find(run, s) {
        // SAFETY: the first run (caller: ITEMS).
        unsafe { plain(dst, d, src, s, 1, run) };
        (dst, src) = (dst.wrapping_add(run), src.wrapping_offset(s));
        // A load and a store of 16 bytes may reach one item beyond those of its group: the first and the last
        // group leave an item over.
        let groups = ((n - 2) * run - VECTOR).checked_div(places.len).unwrap_or(0) + 1;
        // SAFETY: the items of so many groups, with one item before them and one behind them (caller: ITEMS).
        unsafe { places.groups(dst, src, groups) };
        let done = groups * places.items;
        (dst, src) = (dst.wrapping_add(done * run), src.wrapping_offset(s * done.cast_signed()));
        n -= done + 1;
    }
    // SAFETY: the other runs (caller: ITEMS).
    unsafe { plain(dst, d, src, s, n, run) };
}

/// What all vectors of a call have in common.
pub struct Places {
    step: isize,
    /// How many items and bytes a vector of the destination gets.
    items: usize,
    len: usize,
    /// How far the lowest of its items lies from the first.
    lowest: isize,
    /// Where in its items the last vector of the source begins; the others lie back to back before it.
    last: usize,
    /// How many vectors of the source there are, and what each gives; other places lie beyond it, which makes zeros.
    parts: usize,
    controls: [[u8; VECTOR]; PARTS],
}

impl Places {
    /// For items of `width` bytes, 8 at the most; `None` if they are too far from each other.
    pub fn find(width: usize, step: isize) -> Option<Self> {
        let far = step.unsigned_abs();
        let items = VECTOR.checked_div(width)?;
        if far < width || far > FAR {
            return None;
        }
        let span = (items - 1) * far + width;
        let (parts, last) = (span.div_ceil(VECTOR), span.saturating_sub(VECTOR));
        let mut controls = [[u8::MAX; VECTOR]; PARTS];
        for item in 0..items {
            let of_item = if step < 0 { items - 1 - item } else { item } * far;
            for place in of_item..of_item + width {
                let part = if place >= last { parts - 1 } else { place / VECTOR };
                let start = if place >= last { last } else { part * VECTOR };
                let byte = item * width + place - of_item;
                *controls.get_mut(part)?.get_mut(byte)? = (place - start) as u8;
            }
        }
        let lowest = if step < 0 { step * (items - 1).cast_signed() } else { 0 };
        Some(Self { step, items, len: items * width, lowest, last, parts, controls })
    }

    /// Copies `n` items that fill vectors, one vector's at the least: the last vector ends where they end.
    ///
    /// # Safety
    /// * ITEMS: they are readable and writable, and have 1, 2, 4 or 8 bytes.
    pub unsafe fn run(&self, dst: *mut u8, src: *const u8, n: usize) {
        let shift = self.items.trailing_zeros();
        // SAFETY: the items of so many vectors (caller: ITEMS).
        unsafe { self.groups(dst, src, n >> shift) };
        if n & (self.items - 1) > 0 {
            let at = n - self.items;
            let (to, from) = ((at * self.len) >> shift, self.step * at.cast_signed());
            // SAFETY: the last vector's items (caller: ITEMS).
            unsafe { self.groups(dst.wrapping_add(to), src.wrapping_offset(from), 1) };
        }
    }

    /// Copies `n` vectors' items.
    ///
    /// # Safety
    /// * ITEMS: they are readable and writable; where they do not fill vectors, so is one item before them and one
    ///   behind them.
    unsafe fn groups(&self, dst: *mut u8, src: *const u8, n: usize) {
        let body = BODIES.get(self.parts).copied().unwrap_or(body::<1>);
        // SAFETY: the same items (caller: ITEMS).
        unsafe { body(self, dst, src.wrapping_offset(self.lowest), n) };
    }
}

/// Writes vectors; see `body`.
type Body = unsafe fn(&Places, *mut u8, *const u8, usize);

/// `body`, by the number of vectors that one is made of.
const BODIES: [Body; 1 + PARTS] = [
    body::<1>, body::<1>, body::<2>, body::<3>, body::<4>, body::<5>, body::<6>, body::<7>,
    body::<8>,
];

/// Writes `n` vectors. `src` is the lowest item of the first's.
///
/// # Safety
/// * ITEMS: as for `Places::groups`.
#[target_feature(enable = "neon")]
unsafe fn body<const N: usize>(places: &Places, mut dst: *mut u8, mut src: *const u8, n: usize) {
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
        dst = dst.wrapping_add(places.len);
        src = src.wrapping_offset(places.step * places.items.cast_signed());
    }
}
