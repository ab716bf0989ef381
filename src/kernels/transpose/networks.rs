//! Networks of interleavings that transpose a tile within vectors. They are macros: with arrays, loops or inlined
//! functions, the compiler would keep vectors on the stack and call `memcpy`.
//!
//! A tile is 16 bytes of columns wide and a vector of rows high; every lane of 16 bytes transposes a
//! square of its own. Number the items of a square by row, then column, in binary. Interleaving the first half of
//! the vectors with the second half rotates this number by one bit. After as many rounds as a row number has bits,
//! row and column have changed places.
//!
//! The macros take `$v`, the module of the vectors (`xmm`, `ymm`, `zmm`), and `$store`, its function
//! that writes. They expand within an `unsafe fn` of the vectors' instructions, whose caller promises
//! that the tile is readable and writable.

/// Loads vectors of rows: each vector takes one row in its first lane, and rows further down in the other lanes.
macro_rules! rows {
    ($v:ident $from:expr, $s:expr, $lanes:expr => $($a:ident)+) => {
        let mut row: *const u8 = $from;
        $(
            // SAFETY: rows of the tile (caller: ITEMS).
            let $a = unsafe { $v::join(row, $lanes) };
            row = walked(row.wrapping_offset($s));
        )+
        let _ = row;
    };
}

/// Writes vectors, each to a column.
macro_rules! columns {
    ($v:ident $store:ident $to:expr, $d:expr => $($a:ident)+) => {
        let mut column: *mut u8 = $to;
        $(
            // SAFETY: a column of the tile (caller: ITEMS), aligned if `$store` needs it.
            unsafe { $v::$store(column, $a) };
            column = column.wrapping_offset($d);
        )+
        let _ = column;
    };
}

/// One round: interleaves `$a` with `$b`, low halves to `$x` and high halves to `$y`.
macro_rules! round {
    ($v:ident $lo:ident $hi:ident: $($a:ident $b:ident => $x:ident $y:ident),+) => {
        $(
            let $x = $v::$lo($a, $b);
            let $y = $v::$hi($a, $b);
        )+
    };
}

/// Squares of 16 x 16 items of 1 byte.
macro_rules! tile_1 {
    ($v:ident $store:ident, $to:expr, $d:expr, $from:expr, $s:expr, $lanes:expr) => {
        rows!($v $from, $s, $lanes => a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 a10 a11 a12 a13 a14 a15);
        round!($v lo8 hi8: a0 a8 => b0 b1, a1 a9 => b2 b3, a2 a10 => b4 b5, a3 a11 => b6 b7,
            a4 a12 => b8 b9, a5 a13 => b10 b11, a6 a14 => b12 b13, a7 a15 => b14 b15);
        round!($v lo8 hi8: b0 b8 => a0 a1, b1 b9 => a2 a3, b2 b10 => a4 a5, b3 b11 => a6 a7,
            b4 b12 => a8 a9, b5 b13 => a10 a11, b6 b14 => a12 a13, b7 b15 => a14 a15);
        round!($v lo8 hi8: a0 a8 => b0 b1, a1 a9 => b2 b3, a2 a10 => b4 b5, a3 a11 => b6 b7,
            a4 a12 => b8 b9, a5 a13 => b10 b11, a6 a14 => b12 b13, a7 a15 => b14 b15);
        round!($v lo8 hi8: b0 b8 => a0 a1, b1 b9 => a2 a3, b2 b10 => a4 a5, b3 b11 => a6 a7,
            b4 b12 => a8 a9, b5 b13 => a10 a11, b6 b14 => a12 a13, b7 b15 => a14 a15);
        columns!($v $store $to, $d => a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 a10 a11 a12 a13 a14 a15);
    };
}

/// Squares of 8 x 8 items of 2 bytes.
macro_rules! tile_2 {
    ($v:ident $store:ident, $to:expr, $d:expr, $from:expr, $s:expr, $lanes:expr) => {
        rows!($v $from, $s, $lanes => a0 a1 a2 a3 a4 a5 a6 a7);
        round!($v lo16 hi16: a0 a4 => b0 b1, a1 a5 => b2 b3, a2 a6 => b4 b5, a3 a7 => b6 b7);
        round!($v lo16 hi16: b0 b4 => a0 a1, b1 b5 => a2 a3, b2 b6 => a4 a5, b3 b7 => a6 a7);
        round!($v lo16 hi16: a0 a4 => b0 b1, a1 a5 => b2 b3, a2 a6 => b4 b5, a3 a7 => b6 b7);
        columns!($v $store $to, $d => b0 b1 b2 b3 b4 b5 b6 b7);
    };
}

/// Squares of 4 x 4 items of 4 bytes.
macro_rules! tile_4 {
    ($v:ident $store:ident, $to:expr, $d:expr, $from:expr, $s:expr, $lanes:expr) => {
        rows!($v $from, $s, $lanes => a0 a1 a2 a3);
        round!($v lo32 hi32: a0 a2 => b0 b1, a1 a3 => b2 b3);
        round!($v lo32 hi32: b0 b2 => a0 a1, b1 b3 => a2 a3);
        columns!($v $store $to, $d => a0 a1 a2 a3);
    };
}

/// Squares of 2 x 2 items of 8 bytes.
macro_rules! tile_8 {
    ($v:ident $store:ident, $to:expr, $d:expr, $from:expr, $s:expr, $lanes:expr) => {
        rows!($v $from, $s, $lanes => a0 a1);
        round!($v lo64 hi64: a0 a1 => b0 b1);
        columns!($v $store $to, $d => b0 b1);
    };
}

/// Items of 16 bytes, one to a lane.
macro_rules! tile_16 {
    ($v:ident $store:ident, $to:expr, $d:expr, $from:expr, $s:expr, $lanes:expr) => {
        rows!($v $from, $s, $lanes => a0);
        columns!($v $store $to, $d => a0);
    };
}

/// Four columns of 16 items of 4 bytes, each a cache line in four vectors.
macro_rules! quad_4 {
    ($v:ident $store:ident, $to:expr, $d:expr, $from:expr, $s:expr, $lanes:expr) => {
        rows!($v $from, $s, $lanes => a0 a1 a2 a3 b0 b1 b2 b3 c0 c1 c2 c3 e0 e1 e2 e3);
        round!($v lo32 hi32: a0 a2 => f0 f1, a1 a3 => f2 f3);
        round!($v lo32 hi32: f0 f2 => a0 a1, f1 f3 => a2 a3);
        round!($v lo32 hi32: b0 b2 => f0 f1, b1 b3 => f2 f3);
        round!($v lo32 hi32: f0 f2 => b0 b1, f1 f3 => b2 b3);
        round!($v lo32 hi32: c0 c2 => f0 f1, c1 c3 => f2 f3);
        round!($v lo32 hi32: f0 f2 => c0 c1, f1 f3 => c2 c3);
        round!($v lo32 hi32: e0 e2 => f0 f1, e1 e3 => f2 f3);
        round!($v lo32 hi32: f0 f2 => e0 e1, f1 f3 => e2 e3);
        parts!($v $store $to, $d => [a0 b0 c0 e0] [a1 b1 c1 e1] [a2 b2 c2 e2] [a3 b3 c3 e3]);
    };
}

/// Two columns of 8 items of 8 bytes, each a cache line in four vectors.
macro_rules! quad_8 {
    ($v:ident $store:ident, $to:expr, $d:expr, $from:expr, $s:expr, $lanes:expr) => {
        rows!($v $from, $s, $lanes => a0 a1 a2 a3 a4 a5 a6 a7);
        round!($v lo64 hi64: a0 a1 => b0 b1, a2 a3 => b2 b3, a4 a5 => b4 b5, a6 a7 => b6 b7);
        parts!($v $store $to, $d => [b0 b2 b4 b6] [b1 b3 b5 b7]);
    };
}

/// A column of 4 items of 16 bytes, a cache line in four vectors.
macro_rules! quad_16 {
    ($v:ident $store:ident, $to:expr, $d:expr, $from:expr, $s:expr, $lanes:expr) => {
        rows!($v $from, $s, $lanes => a0 a1 a2 a3);
        parts!($v $store $to, $d => [a0 a1 a2 a3]);
    };
}

/// Writes vectors; those in brackets go to one column.
macro_rules! parts {
    ($v:ident $store:ident $to:expr, $d:expr => $([$($a:ident)+])+) => {
        let mut column: *mut u8 = $to;
        $(
            let mut part = column;
            $(
                // SAFETY: a column of the tile (caller: ITEMS), aligned if `$store` needs it.
                unsafe { $v::$store(part, $a) };
                part = part.wrapping_add($v::BYTES);
            )+
            let _ = part;
            column = column.wrapping_offset($d);
        )+
        let _ = column;
    };
}

/// A strip: a function over tiles that are one vector or one cache line high.
macro_rules! strip {
    ($name:ident $width:literal $tile:ident $features:literal $v:ident $store:ident $high:expr) => {
        /// See [`crate::kernels::transpose::Run`].
        ///
        /// # Safety
        /// * ITEMS: as for [`crate::kernels::transpose::Run`].
        #[target_feature(enable = $features)]
        pub unsafe fn $name(
            mut dst: *mut u8,
            d: isize,
            mut src: *const u8,
            s: isize,
            tiles: usize,
            panels: usize,
            group: usize,
        ) {
            let lanes = $v::Lanes::new(s * (16 / $width));
            let mut left = panels;
            while left > 0 {
                let group = left.min(group);
                let (mut to, mut from) = (dst, src);
                for _ in 0..tiles {
                    let (mut line, mut rows) = (to, from);
                    for _ in 0..group {
                        $tile!($v $store, line, d, rows, s, lanes);
                        line = line.wrapping_add($high);
                        rows = rows.wrapping_offset(s * ($high / $width));
                    }
                    to = to.wrapping_offset(d * (16 / $width));
                    from = from.wrapping_add(16);
                }
                dst = dst.wrapping_add($high * group);
                src = src.wrapping_offset(s * ($high / $width) * group.cast_signed());
                left -= group;
            }
        }
    };
}

/// `Transpose` of a level, from its tiles by the size of the items.
macro_rules! transpose {
    ($($tiles:path)*) => {
        static TILES: [&Tiles; crate::kernels::WIDTHS] = [$(&$tiles),*];

        /// See [`crate::kernels::Transpose`].
        ///
        /// # Safety
        /// * ITEMS: as for [`crate::kernels::Transpose`].
        /// * CPU: it has this level.
        pub unsafe fn transpose(
            width: usize,
            dst: *mut u8,
            d: isize,
            src: *const u8,
            s: isize,
            columns: usize,
            rows: usize,
        ) {
            let tiles = crate::kernels::of_width(&TILES, width);
            // SAFETY: a part of the arrays (caller: ITEMS).
            unsafe { crate::kernels::transpose::transpose(tiles, dst, d, src, s, columns, rows) };
        }
    };
}

pub(in crate::kernels) use {
    columns, parts, quad_4, quad_8, quad_16, round, rows, strip, tile_1, tile_2, tile_4, tile_8,
    tile_16, transpose,
};
