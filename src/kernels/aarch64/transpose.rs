//! Transposes by tiles of one vector, and of whole lines from 4 bytes on.

#![expect(clippy::arithmetic_side_effects, reason = "multiples of strides within the arrays")]

use super::interleave as narrow;
use super::vectors as neon;
use crate::kernels::transpose::networks::*;
use crate::kernels::transpose::{Narrow, Strip, Tiles, walked};

static NARROW: Narrow =
    Narrow { deinterleave: narrow::deinterleave, interleave: narrow::interleave };

/// All for items of one width; cache lines of several vectors by a network, or one vector after the other.
macro_rules! level {
    ($module:ident $width:literal $tile:ident $($lines:ident)?) => {
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
                half: None,
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

level!(of_1 1 tile_1);
level!(of_2 2 tile_2);
level!(of_4 4 tile_4 quad_4);
level!(of_8 8 tile_8 quad_8);
level!(of_16 16 tile_16 quad_16);
transpose!(of_1::TILES of_2::TILES of_4::TILES of_8::TILES of_16::TILES);
