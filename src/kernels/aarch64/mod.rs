//! The kernels of aarch64: NEON, which every such CPU has.
//!
//! Tested under emulation only, and measured nowhere: thresholds are those of x86_64's shuffles.

mod fill;
mod gather;
mod interleave;
mod runs;
mod transpose;
mod vectors;

use super::generic::scatter;
use super::{Kernels, Level};

/// NEON: vectors of 16 bytes.
pub static NEON: Kernels = Kernels {
    level: Level::Neon,
    gather: gather::gather,
    scatter,
    transpose: transpose::transpose,
    fill: fill::fill,
    runs: runs::runs,
    streamed: None,
    odd: None,
    carry: runs::carry,
};
