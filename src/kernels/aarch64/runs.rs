//! Runs of bytes with gaps, and runs into a stage and out of it: short ones by vectors that overlap, without a call per
//! run; longer ones by `memcpy`.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the runs and the stage that the caller promised"
)]

use core::arch::aarch64::*;

use super::super::short_runs::neon::{ends, vectors};
use super::super::{CarryMode, Runs, generic};
use super::gather;

/// Longer runs are left to `memcpy`.
const LONG: usize = 128;
const VECTOR: usize = 16;

/// Copies `n` runs of `run` bytes; see [`super::super::Runs`].
///
/// # Safety
/// * ITEMS: as for [`super::super::Runs`].
pub unsafe fn runs(dst: *mut u8, d: isize, src: *const u8, s: isize, n: usize, run: usize) {
    let copy: Runs = match run {
        ..=2 => generic::runs_of_any,
        3 | 5..=7 if n >= gather::MIN_ITEMS && d == run.cast_signed() => gather::near_runs,
        3 => ends::<u16>,
        4..=7 => ends::<u32>,
        8..=16 => ends::<u64>,
        17..=32 => ends::<uint8x16_t>,
        33..=LONG => vectors::<uint8x16_t>,
        _ => generic::runs_of_any,
    };
    // SAFETY: the same runs (caller: ITEMS), as long as the callee requires by the ranges above.
    unsafe { copy(dst, d, src, s, n, run) };
}

/// See [`super::super::Carry`].
///
/// # Safety
/// * ITEMS: as for [`super::super::Carry`].
pub unsafe fn carry(
    places: &[*mut u8],
    from: isize,
    line: *mut u8,
    pitch: usize,
    run: usize,
    mode: CarryMode,
) {
    if run < VECTOR {
        // SAFETY: the same arrays (caller: ITEMS).
        return unsafe { generic::carry(places, from, line, pitch, run, mode) };
    }
    // SAFETY: the same arrays (caller: ITEMS); every such CPU has NEON.
    unsafe { carry_vectors(places, from, line, pitch, run, mode == CarryMode::In) };
}

/// `carry` of runs of 16 bytes or more.
///
/// # Safety
/// * ITEMS: as for `carry`.
#[target_feature(enable = "neon")]
unsafe fn carry_vectors(
    places: &[*mut u8],
    from: isize,
    mut line: *mut u8,
    pitch: usize,
    run: usize,
    into_stage: bool,
) {
    let last = run - VECTOR;
    for place in places {
        let place = place.wrapping_offset(from);
        let (dst, src) = if into_stage { (line, place) } else { (place, line) };
        // SAFETY: in the run (caller: ITEMS).
        let tail = unsafe { vld1q_u8(src.wrapping_add(last)) };
        for at in (0..last).step_by(VECTOR) {
            // SAFETY: as above.
            let bytes = unsafe { vld1q_u8(src.wrapping_add(at)) };
            // SAFETY: as above.
            unsafe { vst1q_u8(dst.wrapping_add(at), bytes) };
        }
        // SAFETY: as above.
        unsafe { vst1q_u8(dst.wrapping_add(last), tail) };
        line = line.wrapping_add(pitch);
    }
}
