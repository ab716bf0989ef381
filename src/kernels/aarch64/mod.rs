//! The kernels of aarch64: NEON, which every such CPU has.
//!
//! Tested under emulation only, and measured nowhere: thresholds are those of x86_64's shuffles.

mod gather;
mod interleave;
mod transpose;
mod vectors;

use super::generic::{carry, fill, runs_of_any, scatter};
use super::{Kernels, Level};

/// NEON: vectors of 16 bytes.
pub static NEON: Kernels = Kernels {
    level: Level::Neon,
    gather: gather::gather,
    scatter,
    transpose: transpose::transpose,
    fill,
    runs: runs_of_any,
    streamed: runs_of_any,
    odd: None,
    carry,
};
