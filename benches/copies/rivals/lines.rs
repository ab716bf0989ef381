//! No copy, but what every copy of one dimension has to do at the least: read something of each line of the
//! source, and write each line of the destination, in the order of their addresses and with nothing computed.

use std::ptr;

use super::{Copy, Rival};
use crate::job::Job;

const LINE: usize = 64;
/// Cases of fewer bytes stay in the first cache, where lines are not what takes the time.
const FEW: usize = 1 << 16;

pub struct Lines;

impl Rival for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn version(&self) -> String {
        format!("of {LINE} bytes")
    }

    fn copies(&self) -> bool {
        false
    }

    fn prepare<'a>(&'a self, job: &Job) -> Option<Copy<'a>> {
        let case = &job.case;
        let ([n], [s], [d]) = (&case.shape[..], &case.src[..], &case.dst[..]) else { return None };
        if case.len() < FEW {
            return None;
        }
        let lines = |first: *mut u8, stride: isize| {
            let far = (n - 1) * stride;
            let start = first.wrapping_offset(far.min(0));
            let before = start.addr() % LINE;
            let bytes = before + far.unsigned_abs() + case.item;
            (start.wrapping_sub(before), bytes.div_ceil(LINE))
        };
        let (dst, src) = (lines(job.dst, *d), lines(job.src, *s));
        Some(Box::new(move |times| {
            for _ in 0..times {
                // SAFETY: the lines in which the case's items are, mapped to their ends.
                unsafe { touch(dst, src) };
            }
        }))
    }
}

/// Reads from so many lines of the source while it writes so many of the destination.
///
/// # Safety
/// All of these lines are mapped; the destination's are written whole.
unsafe fn touch((dst, n_dst): (*mut u8, usize), (src, n_src): (*mut u8, usize)) {
    let (mut from, mut owed, mut seen) = (src, 0, 0_u64);
    for line in 0..n_dst {
        owed += n_src;
        while owed >= n_dst {
            owed -= n_dst;
            // SAFETY: one of the source's lines (caller).
            seen |= unsafe { ptr::read_volatile(from.cast::<u64>()) };
            from = from.wrapping_add(LINE);
        }
        // SAFETY: one of the destination's lines (caller), aligned.
        unsafe { dst.wrapping_add(line * LINE).cast::<[u64; 8]>().write([seen; 8]) };
    }
}
