//! Squares of 8 bytes, for arrays that are narrower or lower than a tile: networks as those of tiles (`networks`), of
//! which a vector holds two rows at the end.

/// Squares of 8 x 8 items of 1 byte, of which a vector holds two rows after the first round.
macro_rules! half_1 {
    ($v:ident $to:expr, $d:expr, $from:expr, $s:expr) => {
        half_rows!($v $from, $s => a0 a1 a2 a3 a4 a5 a6 a7);
        let (b0, b1) = ($v::lo8(a0, a4), $v::lo8(a1, a5));
        let (b2, b3) = ($v::lo8(a2, a6), $v::lo8(a3, a7));
        round!($v lo8 hi8: b0 b2 => a0 a1, b1 b3 => a2 a3);
        round!($v lo8 hi8: a0 a2 => b0 b1, a1 a3 => b2 b3);
        half_columns!($v $to, $d => b0 b1 b2 b3);
    };
}

/// Squares of 4 x 4 items of 2 bytes.
macro_rules! half_2 {
    ($v:ident $to:expr, $d:expr, $from:expr, $s:expr) => {
        half_rows!($v $from, $s => a0 a1 a2 a3);
        let (b0, b1) = ($v::lo16(a0, a2), $v::lo16(a1, a3));
        round!($v lo16 hi16: b0 b1 => a0 a1);
        half_columns!($v $to, $d => a0 a1);
    };
}

/// Squares of 2 x 2 items of 4 bytes.
macro_rules! half_4 {
    ($v:ident $to:expr, $d:expr, $from:expr, $s:expr) => {
        half_rows!($v $from, $s => a0 a1);
        let a0 = $v::lo32(a0, a1);
        half_columns!($v $to, $d => a0);
    };
}

/// Loads rows of 8 bytes.
macro_rules! half_rows {
    ($v:ident $from:expr, $s:expr => $($a:ident)+) => {
        let mut row: *const u8 = $from;
        $(
            // SAFETY: rows of the square (caller: ITEMS).
            let $a = unsafe { $v::load_half(row) };
            row = row.wrapping_offset($s);
        )+
        let _ = row;
    };
}

/// Writes vectors, each to two columns of 8 bytes.
macro_rules! half_columns {
    ($v:ident $to:expr, $d:expr => $($a:ident)+) => {
        let mut column: *mut u8 = $to;
        $(
            // SAFETY: a column of the square (caller: ITEMS).
            unsafe { $v::store_half(column, $a) };
            column = column.wrapping_offset($d);
            // SAFETY: the next column (caller: ITEMS).
            unsafe { $v::store_half(column, $v::hi64($a, $a)) };
            column = column.wrapping_offset($d);
        )+
        let _ = column;
    };
}

/// A function over `panels` x `tiles` squares of 8 bytes.
macro_rules! halves {
    ($name:ident $width:literal $half:ident $features:literal $v:ident) => {
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
            _: usize,
        ) {
            for _ in 0..panels {
                let (mut to, mut from) = (dst, src);
                for _ in 0..tiles {
                    $half!($v to, d, from, s);
                    to = to.wrapping_offset(d * (8 / $width));
                    from = from.wrapping_add(8);
                }
                dst = dst.wrapping_add(8);
                src = src.wrapping_offset(s * (8 / $width));
            }
        }
    };
}

pub(in crate::kernels) use {half_1, half_2, half_4, half_columns, half_rows, halves};
