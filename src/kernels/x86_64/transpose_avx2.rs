//! Transposes by tiles of two lanes: AVX2.

#![expect(clippy::arithmetic_side_effects, reason = "multiples of strides within the arrays")]

use super::interleave_shuffle::avx2 as narrow;
use super::transpose_networks::*;
use super::transpose_sse::{HALF_1, HALF_2, HALF_4};
use super::transpose_vectors::{xmm, ymm};
use crate::kernels::transpose::networks::*;
use crate::kernels::transpose::stream::{Lines, Stream};
use crate::kernels::transpose::{Narrow, Strip, Tiles, walked};

static NARROW: Narrow =
    Narrow { deinterleave: narrow::deinterleave, interleave: narrow::interleave };

drain!(drain "avx2" ymm);
shifted!(shifted "avx2" ymm);

/// Whole cache lines: from a stage, so many at a time, or of several vectors by a network.
macro_rules! lines {
    ($width:literal $group:literal) => {
        pub const PARTS: Strip = PAIR;
        const STREAM: Stream =
            Stream { strip: PAIR, lines: Lines::Staged(drain, $group), shifted };
    };
    ($width:literal $tile:ident) => {
        strip!(parts $width $tile "avx2" ymm store 64);
        strip!(stream $width $tile "avx2" ymm stream 64);
        pub const PARTS: Strip = Strip { height: 64, run: parts };
        const STREAM: Stream = Stream {
            strip: Strip { height: 64, run: stream },
            lines: Lines::Direct(2),
            shifted,
        };
    };
}

/// All for items of one width.
macro_rules! level {
    ($module:ident $width:literal $tile:ident $half:expr, $lines:tt) => {
        pub mod $module {
            use super::*;
            strip!(lane $width $tile "avx2" xmm store 16);
            strip!(pair $width $tile "avx2" ymm store 32);
            pub const LANE: Strip = Strip { height: 16, run: lane };
            pub const PAIR: Strip = Strip { height: 32, run: pair };
            lines!($width $lines);
            pub static TILES: Tiles = Tiles {
                width: $width,
                narrow: if $width < 16 { Some(&NARROW) } else { None },
                strips: &[PAIR, LANE],
                parts: PARTS,
                stream: Some(STREAM),
                turned: None,
                half: $half,
            };
        }
    };
}

level!(of_1 1 tile_1 Some(&HALF_1), 1);
level!(of_2 2 tile_2 Some(&HALF_2), 2);
level!(of_4 4 tile_4 Some(&HALF_4), pair_4);
level!(of_8 8 tile_8 None, pair_8);
level!(of_16 16 tile_16 None, pair_16);
transpose!(of_1::TILES of_2::TILES of_4::TILES of_8::TILES of_16::TILES);
