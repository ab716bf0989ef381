//! The kernels of aarch64: NEON, which every such CPU has.
//!
//! Tested under emulation only, and measured nowhere: thresholds are those of x86_64's shuffles.

mod gather;
mod interleave;
mod transpose;
mod vectors;

use super::generic::{carry, fill, gather, runs_of_any, scatter, scatter_words};
use super::{Kernels, Level};

/// NEON: vectors of 16 bytes.
pub static NEON: Kernels = Kernels {
    level: Level::Neon,
    gather: [
        gather::gather::<1>,
        gather::gather::<2>,
        gather::gather::<4>,
        gather::gather::<8>,
        gather::<16>,
    ],
    scatter: [scatter_words::<1>, scatter_words::<2>, scatter::<4>, scatter::<8>, scatter::<16>],
    transpose: [
        transpose::transpose_1,
        transpose::transpose_2,
        transpose::transpose_4,
        transpose::transpose_8,
        transpose::transpose_16,
    ],
    fill: [fill::<1>, fill::<2>, fill::<4>, fill::<8>, fill::<16>],
    runs: runs_of_any,
    others: None,
    carry,
};
