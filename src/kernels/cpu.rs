//! What this CPU can do, by `cpuid`.
//!
//! An instruction set counts only if the operating system saves its registers too: XCR0 says which.

use core::arch::x86_64::{__cpuid, __cpuid_count, CpuidResult};
use core::sync::atomic::{AtomicUsize, Ordering};

use super::{Level, Limits};

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
/// * CPU: it has XGETBV: OSXSAVE is set.
#[target_feature(enable = "xsave")]
unsafe fn xcr0() -> u64 {
    // SAFETY: register 0 is there wherever the instruction is.
    unsafe { core::arch::x86_64::_xgetbv(0) }
}

static LIMITS: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];

/// The limits that go with this CPU's caches. `cpuid` is executed once, as it takes microseconds under a hypervisor.
pub fn limits() -> Limits {
    let [far, large, huge] = &LIMITS;
    let found = Limits {
        huge: huge.load(Ordering::Acquire),
        far: far.load(Ordering::Relaxed),
        large: large.load(Ordering::Relaxed),
    };
    if found.huge != 0 {
        return found;
    }
    let found = find_limits();
    far.store(found.far, Ordering::Relaxed);
    large.store(found.large, Ordering::Relaxed);
    // Stored last, with release: a thread that sees it sees the other two.
    huge.store(found.huge, Ordering::Release);
    found
}

#[cold]
fn find_limits() -> Limits {
    const INTEL: u32 = 4;
    const AMD: u32 = 0x8000_001d;
    if __cpuid(0).eax >= INTEL {
        let (l2, l3) = sizes(INTEL);
        if l2 != 0 {
            // The last level is slow and shared with other virtual machines, and how much of it this one has is
            // unknown. So the size of the second level decides (D-35).
            let large = (l2 / 4).saturating_mul(3);
            let huge = (l3 / 8).saturating_mul(3).min(20 << 20).max(large);
            return Limits { far: large / 2, large, huge };
        }
    }
    if __cpuid(0x8000_0000).eax >= AMD {
        let (l2, l3) = sizes(AMD);
        if l2 != 0 {
            // The last level is fast (D-36).
            let large = (l3 / 8).saturating_mul(3).max(l2);
            return Limits { far: large, large, huge: large };
        }
    }
    Limits { far: 4 << 20, large: 4 << 20, huge: 4 << 20 }
}

/// The sizes of the second and third level, by a leaf that describes one cache per index.
fn sizes(leaf: u32) -> (usize, usize) {
    let mut sizes = (0, 0);
    for index in 0..16 {
        let CpuidResult { eax, ebx, ecx, .. } = __cpuid_count(leaf, index);
        const NONE: u32 = 0;
        const INSTRUCTIONS: u32 = 2;
        match (eax & 0x1f, eax >> 5 & 7) {
            (NONE, _) => break,
            (INSTRUCTIONS, _) => {}
            (_, level @ (2 | 3)) => {
                // Ways, partitions, line size and sets, each minus one.
                let parts = [ebx >> 22, ebx >> 12 & 0x3ff, ebx & 0xfff, ecx];
                let size = parts.iter().fold(1_usize, |size, part| {
                    size.saturating_mul((*part as usize).saturating_add(1))
                });
                if level == 2 {
                    sizes.0 = size;
                } else {
                    sizes.1 = size;
                }
            }
            _ => {}
        }
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_found_once_and_in_order() {
        let limits = limits();
        assert!(limits.far >= 32 << 10 && limits.huge <= 256 << 20, "{limits:?}");
        assert!(limits.far <= limits.large && limits.large <= limits.huge, "{limits:?}");
        assert_eq!(limits, self::limits());
    }
}
