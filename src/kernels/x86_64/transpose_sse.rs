//! Transposes by tiles of one lane: SSE2. The squares of 8 bytes serve the other levels too.

#![expect(clippy::arithmetic_side_effects, reason = "multiples of strides within the arrays")]

use super::transpose::{Strip, Tiles, transpose};
use super::transpose_networks::*;
use super::transpose_vectors::{walked, xmm};
use crate::kernels::generic;
use core::arch::x86_64::{_mm_loadl_epi64, _mm_storel_epi64};

halves!(squares_1 1 half_1);
halves!(squares_2 2 half_2);
halves!(squares_4 4 half_4);

/// Squares of 8 bytes, of items of 1 byte.
pub const HALF_1: Strip = Strip { height: 8, run: squares_1 };
/// Squares of 8 bytes, of items of 2 bytes.
pub const HALF_2: Strip = Strip { height: 8, run: squares_2 };
/// Squares of 8 bytes, of items of 4 bytes.
pub const HALF_4: Strip = Strip { height: 8, run: squares_4 };

shifted!(shifted "sse2" xmm);

/// All for items of one width.
macro_rules! level {
    ($name:ident $module:ident $width:literal $tile:ident $group:literal $half:expr) => {
        pub mod $module {
            use super::*;
            strip!(lane $width $tile "sse2" xmm store 1);
            lines!(lines $width $tile "sse2" xmm store 1);
            lines!(stream $width $tile "sse2" xmm stream $group);
            pub static TILES: Tiles = Tiles {
                width: $width,
                strips: &[Strip { height: 16, run: lane }],
                lines: Strip { height: 64, run: lines },
                stream: Strip { height: 64, run: stream },
                shifted,
                turned: None,
                half: $half,
                scalar: generic::transpose::<$width>,
            };
        }
        transpose!($name $module::TILES);
    };
}

level!(transpose_1 of_1 1 tile_1 1 Some(HALF_1));
level!(transpose_2 of_2 2 tile_2 2 Some(HALF_2));
level!(transpose_4 of_4 4 tile_4 2 Some(HALF_4));
level!(transpose_8 of_8 8 tile_8 2 None);
level!(transpose_16 of_16 16 tile_16 2 None);
