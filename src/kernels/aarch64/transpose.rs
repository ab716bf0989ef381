//! Transposes by tiles of one vector, by squares of 8 bytes, and of whole lines from 4 bytes on.

#![expect(clippy::arithmetic_side_effects, reason = "multiples of strides within the arrays")]

use super::interleave as narrow;
use super::vectors as neon;
use crate::kernels::transpose::halves::*;
use crate::kernels::transpose::networks::*;
use crate::kernels::transpose::{Narrow, Strip, Tiles, walked};

static NARROW: Narrow =
    Narrow { deinterleave: narrow::deinterleave, interleave: narrow::interleave };

halves!(squares_1 1 half_1 "neon" neon);
halves!(squares_2 2 half_2 "neon" neon);
halves!(squares_4 4 half_4 "neon" neon);
static HALF_1: Strip = Strip { height: 8, run: squares_1 };
static HALF_2: Strip = Strip { height: 8, run: squares_2 };
static HALF_4: Strip = Strip { height: 8, run: squares_4 };

/// All for items of one width; cache lines of several vectors by a network, or one vector after the other.
macro_rules! level {
    ($module:ident $width:literal $half:expr, $tile:ident $($lines:ident)?) => {
        pub mod $module {
            use super::*;
            strip!(lane $width $tile "neon" neon store 16);
            const LANE: Strip = Strip { height: 16, run: lane };
            line_parts!($width $($lines)?);
            pub static TILES: Tiles = Tiles {
                width: $width,
                narrow: if $width < 16 { Some(&NARROW) } else { None },
                strips: &[LANE],
                parts: PARTS,
                stream: None,
                turned: None,
                half: $half,
            };
        }
    };
}

macro_rules! line_parts {
    ($width:literal) => {
        const PARTS: Strip = LANE;
    };
    ($width:literal $lines:ident) => {
        strip!(lines $width $lines "neon" neon store 64);
        const PARTS: Strip = Strip { height: 64, run: lines };
    };
}

level!(of_1 1 Some(&HALF_1), tile_1);
level!(of_2 2 Some(&HALF_2), tile_2);
level!(of_4 4 Some(&HALF_4), tile_4 quad_4);
level!(of_8 8 None, tile_8 quad_8);
level!(of_16 16 None, tile_16 quad_16);
transpose!(of_1::TILES of_2::TILES of_4::TILES of_8::TILES of_16::TILES);
