//! Transposes by tiles of four lanes, which are whole lines of the destination: AVX-512.

#![expect(clippy::arithmetic_side_effects, reason = "multiples of strides within the arrays")]

use super::interleave_avx512 as narrow;
use super::transpose_avx2;
use super::transpose_networks::*;
use super::transpose_sse::{HALF_1, HALF_2, HALF_4};
use super::transpose_vectors::zmm;
use crate::kernels::transpose::networks::*;
use crate::kernels::transpose::stream::{Lines, Stream};
use crate::kernels::transpose::{Narrow, Strip, Tiles, walked};

static NARROW: Narrow =
    Narrow { deinterleave: narrow::deinterleave, interleave: narrow::interleave };

drain!(drain "avx512f" zmm);
shifted!(shifted "avx512f" zmm);

/// Whole cache lines by non-temporal stores: from a stage, so many at a time, or directly.
macro_rules! lines {
    ($width:literal $tile:ident stage $group:literal) => {
        const STREAM: Stream =
            Stream { strip: QUAD, lines: Lines::Staged(drain, $group), shifted };
    };
    ($width:literal $tile:ident) => {
        strip!(stream $width $tile "avx512f,avx512bw,avx512vl" zmm stream 64);
        const STREAM: Stream = Stream {
            strip: Strip { height: 64, run: stream },
            lines: Lines::Direct(2),
            shifted,
        };
    };
}

/// All for items of one width; what is lower than a line, and lines in parts, by AVX2.
macro_rules! level {
    ($module:ident $width:literal $tile:ident $half:expr $(, $($stage:tt)+)?) => {
        pub mod $module {
            use super::*;
            use super::transpose_avx2::$module::{LANE, PAIR, PARTS};
            turned!(quad turned $width $tile "avx512f,avx512bw,avx512vl" zmm);
            const QUAD: Strip = Strip { height: 64, run: quad };
            lines!($width $tile $($($stage)+)?);
            pub static TILES: Tiles = Tiles {
                width: $width,
                narrow: if $width < 16 { Some(&NARROW) } else { None },
                strips: &[QUAD, PAIR, LANE],
                parts: PARTS,
                stream: Some(STREAM),
                turned: Some(turned),
                half: $half,
            };
        }
    };
}

level!(of_1 1 tile_1 Some(&HALF_1), stage 1);
level!(of_2 2 tile_2 Some(&HALF_2), stage 2);
level!(of_4 4 tile_4 Some(&HALF_4));
level!(of_8 8 tile_8 None);
level!(of_16 16 tile_16 None);
transpose!(of_1::TILES of_2::TILES of_4::TILES of_8::TILES of_16::TILES);
