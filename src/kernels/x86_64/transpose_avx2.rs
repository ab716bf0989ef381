//! Transposes by tiles of two lanes: AVX2.

#![expect(clippy::arithmetic_side_effects, reason = "multiples of strides within the arrays")]

use super::transpose::{Strip, Tiles, transpose};
use super::transpose_networks::*;
use super::transpose_sse::{HALF_1, HALF_2, HALF_4};
use super::transpose_vectors::{walked, xmm, ymm};
use crate::kernels::generic;

shifted!(shifted "avx2" ymm);

/// All for items of one width.
macro_rules! level {
    ($name:ident $module:ident $width:literal $tile:ident $group:literal $half:expr) => {
        pub mod $module {
            use super::*;
            strip!(lane $width $tile "avx2" xmm store 1);
            strip!(pair $width $tile "avx2" ymm store 1);
            lines!(lines $width $tile "avx2" ymm store 1);
            lines!(stream $width $tile "avx2" ymm stream $group);
            pub static TILES: Tiles = Tiles {
                width: $width,
                strips: &[Strip { height: 32, run: pair }, Strip { height: 16, run: lane }],
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
