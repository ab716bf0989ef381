//! What this CPU can do, asked of it by cpuid.
//!
//! An instruction set counts only if the operating system saves its registers too: XCR0 says which.

use core::arch::x86_64::{__cpuid, __cpuid_count, CpuidResult};

use super::Level;

/// The highest level whose instructions this CPU has and its operating system supports.
pub fn highest_level() -> Level {
    let highest_leaf = __cpuid(0).eax;
    if highest_leaf < 7 {
        return sse(__cpuid(1));
    }
    let (leaf1, leaf7) = (__cpuid(1), __cpuid_count(7, 0));
    const OSXSAVE: u32 = 1 << 27;
    const AVX: u32 = 1 << 28;
    if leaf1.ecx & (OSXSAVE | AVX) != OSXSAVE | AVX {
        return sse(leaf1);
    }
    // SAFETY: OSXSAVE says that the instruction is there.
    let saved = unsafe { xcr0() };
    const XMM_YMM: u64 = 0b110;
    const ZMM: u64 = 0b1110_0110;
    const AVX2: u32 = 1 << 5;
    const BMI2: u32 = 1 << 8;
    // F, DQ, BW, VL of ebx; VBMI of ecx.
    const AVX512: u32 = 1 << 16 | 1 << 17 | 1 << 30 | 1 << 31;
    const VBMI: u32 = 1 << 1;
    let has = |register: u32, bits: u32| register & bits == bits;
    if saved & XMM_YMM != XMM_YMM || !has(leaf7.ebx, AVX2 | BMI2) || sse(leaf1) < Level::Sse {
        return sse(leaf1);
    }
    if saved & ZMM == ZMM && has(leaf7.ebx, AVX512) && has(leaf7.ecx, VBMI) {
        return Level::Avx512;
    }
    Level::Avx2
}

fn sse(leaf1: CpuidResult) -> Level {
    const SSSE3: u32 = 1 << 9;
    if leaf1.ecx & SSSE3 == SSSE3 { Level::Sse } else { Level::Generic }
}

/// # Safety
/// The CPU has XGETBV: OSXSAVE is set.
#[target_feature(enable = "xsave")]
unsafe fn xcr0() -> u64 {
    // SAFETY: register 0 is there wherever the instruction is.
    unsafe { core::arch::x86_64::_xgetbv(0) }
}
