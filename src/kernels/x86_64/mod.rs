//! The kernels of x86_64, once for each level.

mod fill;
mod interleave_avx512;
mod interleave_shuffle;
mod others_avx512;
mod runs;
mod staging;
mod strided_gather_avx512;
mod strided_gather_shuffle;
mod strided_scatter_avx512;
mod transpose_avx2;
mod transpose_avx512;
mod transpose_sse;
mod transpose_vectors;

use super::generic::{fill, gather, scatter, scatter_words};
use super::{Kernels, Level, WIDTHS};

/// SSE2 and SSSE3: vectors of 16 bytes.
static SSE: Kernels = Kernels {
    level: Level::Sse,
    gather: [
        strided_gather_shuffle::sse::gather::<1>,
        strided_gather_shuffle::sse::gather::<2>,
        strided_gather_shuffle::sse::gather::<4>,
        strided_gather_shuffle::sse::gather::<8>,
        gather::<16>,
    ],
    scatter: [scatter_words::<1>, scatter_words::<2>, scatter::<4>, scatter::<8>, scatter::<16>],
    transpose: [
        transpose_sse::transpose_1,
        transpose_sse::transpose_2,
        transpose_sse::transpose_4,
        transpose_sse::transpose_8,
        transpose_sse::transpose_16,
    ],
    fill: [
        fill::<1>,
        fill::sse::fill::<2>,
        fill::sse::fill::<4>,
        fill::sse::fill::<8>,
        fill::sse::fill::<16>,
    ],
    runs: runs::sse::runs,
    others: None,
    carry: staging::sse::carry,
};

/// AVX2: vectors of 32 bytes.
static AVX2: Kernels = Kernels {
    level: Level::Avx2,
    gather: [
        strided_gather_shuffle::avx2::gather::<1>,
        strided_gather_shuffle::avx2::gather::<2>,
        strided_gather_shuffle::avx2::gather::<4>,
        strided_gather_shuffle::avx2::gather::<8>,
        gather::<16>,
    ],
    scatter: [scatter_words::<1>, scatter_words::<2>, scatter::<4>, scatter::<8>, scatter::<16>],
    transpose: [
        transpose_avx2::transpose_1,
        transpose_avx2::transpose_2,
        transpose_avx2::transpose_4,
        transpose_avx2::transpose_8,
        transpose_avx2::transpose_16,
    ],
    fill: [
        fill::<1>,
        fill::avx2::fill::<2>,
        fill::avx2::fill::<4>,
        fill::avx2::fill::<8>,
        fill::avx2::fill::<16>,
    ],
    runs: runs::avx2::runs,
    others: None,
    carry: staging::avx2::carry,
};

/// AVX-512 with VBMI: vectors of 64 bytes.
static AVX512: Kernels = Kernels {
    level: Level::Avx512,
    gather: [
        strided_gather_avx512::gather::<1>,
        strided_gather_avx512::gather::<2>,
        strided_gather_avx512::gather::<4>,
        strided_gather_avx512::gather::<8>,
        gather::<16>,
    ],
    scatter: [
        strided_scatter_avx512::scatter::<1>,
        strided_scatter_avx512::scatter::<2>,
        strided_scatter_avx512::scatter::<4>,
        strided_scatter_avx512::scatter::<8>,
        scatter::<16>,
    ],
    transpose: [
        transpose_avx512::transpose_1,
        transpose_avx512::transpose_2,
        transpose_avx512::transpose_4,
        transpose_avx512::transpose_8,
        transpose_avx512::transpose_16,
    ],
    fill: [
        fill::<1>,
        fill::avx512::fill::<2>,
        fill::avx512::fill::<4>,
        fill::avx512::fill::<8>,
        fill::avx512::fill::<16>,
    ],
    runs: others_avx512::runs_or_items,
    others: Some(others_avx512::transpose),
    carry: staging::avx512::carry,
};

/// The tables of the levels above the generic one, up to `highest`, the lowest first.
pub fn tables(highest: Level) -> impl Iterator<Item = &'static Kernels> {
    [&SSE, &AVX2, &AVX512].into_iter().filter(move |table| table.level <= highest)
}

/// The kernel for items of `width` bytes.
fn of_width<T: Copy>(kernels: &[T; WIDTHS], width: usize) -> T {
    let [first, ..] = kernels;
    *kernels.get(width.trailing_zeros() as usize).unwrap_or(first)
}
