//! The kernels of x86_64, once for each level.

mod fill;
mod interleave_avx512;
mod interleave_shuffle;
mod odd_avx512;
mod odd_shuffle;
mod runs;
mod staging;
mod strided_gather_avx512;
mod strided_gather_shuffle;
mod strided_scatter_avx512;
mod transpose_avx2;
mod transpose_avx512;
mod transpose_networks;
mod transpose_sse;
mod transpose_vectors;

use super::generic::scatter;
use super::{Kernels, Level};

/// SSE2 and SSSE3: vectors of 16 bytes.
static SSE: Kernels = Kernels {
    level: Level::Sse,
    gather: strided_gather_shuffle::sse::gather,
    scatter,
    transpose: transpose_sse::transpose,
    fill: fill::sse::fill,
    runs: runs::sse::runs,
    streamed: Some(runs::streamed),
    odd: None,
    carry: staging::sse::carry,
};

/// AVX2: vectors of 32 bytes.
static AVX2: Kernels = Kernels {
    level: Level::Avx2,
    gather: strided_gather_shuffle::avx2::gather,
    scatter,
    transpose: transpose_avx2::transpose,
    fill: fill::avx2::fill,
    runs: runs::avx2::runs,
    streamed: Some(runs::streamed),
    odd: Some(odd_shuffle::transpose),
    carry: staging::avx2::carry,
};

/// AVX-512 with VBMI: vectors of 64 bytes.
static AVX512: Kernels = Kernels {
    level: Level::Avx512,
    gather: strided_gather_avx512::gather,
    scatter: strided_scatter_avx512::scatter,
    transpose: transpose_avx512::transpose,
    fill: fill::avx512::fill,
    runs: odd_avx512::runs_or_items,
    streamed: Some(runs::streamed),
    odd: Some(odd_avx512::transpose),
    carry: staging::avx512::carry,
};

/// The tables of the levels above the generic one, up to `highest`, the lowest first.
pub fn tables(highest: Level) -> impl Iterator<Item = &'static Kernels> {
    [&SSE, &AVX2, &AVX512].into_iter().filter(move |table| table.level <= highest)
}
