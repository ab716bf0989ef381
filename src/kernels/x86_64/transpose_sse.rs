//! Transposes by tiles of one lane: SSE2. The squares of 8 bytes serve the other levels too.

#![expect(clippy::arithmetic_side_effects, reason = "multiples of strides within the arrays")]

use super::interleave_shuffle::sse as narrow;
use super::transpose_networks::*;
use super::transpose_vectors::xmm;
use crate::kernels::transpose::halves::*;
use crate::kernels::transpose::networks::*;
use crate::kernels::transpose::stream::{Lines, Stream};
use crate::kernels::transpose::{Narrow, Strip, Tiles, walked};

halves!(squares_1 1 half_1 "sse2" xmm);
halves!(squares_2 2 half_2 "sse2" xmm);
halves!(squares_4 4 half_4 "sse2" xmm);

/// Squares of 8 bytes, of items of 1 byte.
pub static HALF_1: Strip = Strip { height: 8, run: squares_1 };
/// Squares of 8 bytes, of items of 2 bytes.
pub static HALF_2: Strip = Strip { height: 8, run: squares_2 };
/// Squares of 8 bytes, of items of 4 bytes.
pub static HALF_4: Strip = Strip { height: 8, run: squares_4 };

static NARROW: Narrow =
    Narrow { deinterleave: narrow::deinterleave, interleave: narrow::interleave };

drain!(drain "sse2" xmm);
shifted!(shifted "sse2" xmm);

/// Whole cache lines: from a stage, so many at a time, or of several vectors by a network.
macro_rules! lines {
    ($width:literal $group:literal) => {
        pub const PARTS: Strip = LANE;
        const STREAM: Stream =
            Stream { strip: LANE, lines: Lines::Staged(drain, $group), shifted };
    };
    ($width:literal $tile:ident) => {
        strip!(parts $width $tile "sse2" xmm store 64);
        strip!(stream $width $tile "sse2" xmm stream 64);
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
            strip!(lane $width $tile "sse2" xmm store 16);
            const LANE: Strip = Strip { height: 16, run: lane };
            lines!($width $lines);
            pub static TILES: Tiles = Tiles {
                width: $width,
                narrow: if $width < 16 { Some(&NARROW) } else { None },
                strips: &[LANE],
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
level!(of_4 4 tile_4 Some(&HALF_4), quad_4);
level!(of_8 8 tile_8 None, quad_8);
level!(of_16 16 tile_16 None, quad_16);
transpose!(of_1::TILES of_2::TILES of_4::TILES of_8::TILES of_16::TILES);
