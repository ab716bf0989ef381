//! Networks for x86_64 alone, in the manner of `kernels::transpose::networks`: cache lines of two vectors, tiles
//! whose lines cross from a column to the next, non-temporal stores, and squares of 8 bytes.

/// Four columns of 16 items of 4 bytes, each a cache line in two vectors.
macro_rules! pair_4 {
    ($v:ident $store:ident, $to:expr, $d:expr, $from:expr, $s:expr, $lanes:expr) => {
        rows!($v $from, $s, $lanes => a0 a1 a2 a3);
        round!($v lo32 hi32: a0 a2 => b0 b1, a1 a3 => b2 b3);
        round!($v lo32 hi32: b0 b2 => a0 a1, b1 b3 => a2 a3);
        rows!($v $from.wrapping_offset($s * 8), $s, $lanes => c0 c1 c2 c3);
        round!($v lo32 hi32: c0 c2 => b0 b1, c1 c3 => b2 b3);
        round!($v lo32 hi32: b0 b2 => c0 c1, b1 b3 => c2 c3);
        parts!($v $store $to, $d => [a0 c0] [a1 c1] [a2 c2] [a3 c3]);
    };
}

/// Two columns of 8 items of 8 bytes, each a cache line in two vectors.
macro_rules! pair_8 {
    ($v:ident $store:ident, $to:expr, $d:expr, $from:expr, $s:expr, $lanes:expr) => {
        rows!($v $from, $s, $lanes => a0 a1);
        rows!($v $from.wrapping_offset($s * 4), $s, $lanes => a2 a3);
        round!($v lo64 hi64: a0 a1 => b0 b1, a2 a3 => b2 b3);
        parts!($v $store $to, $d => [b0 b2] [b1 b3]);
    };
}

/// A column of 4 items of 16 bytes, a cache line in two vectors.
macro_rules! pair_16 {
    ($v:ident $store:ident, $to:expr, $d:expr, $from:expr, $s:expr, $lanes:expr) => {
        rows!($v $from, $s, $lanes => a0);
        rows!($v $from.wrapping_offset($s * 2), $s, $lanes => a1);
        parts!($v $store $to, $d => [a0 a1]);
    };
}

/// A strip, and the function behind it that also does tiles whose last rows are the next column's first ones.
macro_rules! turned {
    ($name:ident $turned:ident $width:literal $tile:ident $features:literal $v:ident) => {
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
                // SAFETY: a part of the arrays (caller: ITEMS).
                unsafe { $turned(dst, d, src, s, tiles, 4, 0) };
                dst = dst.wrapping_add(64);
                src = src.wrapping_offset(s * (64 / $width));
            }
        }

        /// See [`crate::kernels::transpose::Turned`].
        ///
        /// # Safety
        /// * ITEMS: as for [`crate::kernels::transpose::Turned`].
        #[inline(never)]
        #[target_feature(enable = $features)]
        pub unsafe fn $turned(
            mut dst: *mut u8,
            d: isize,
            mut src: *const u8,
            s: isize,
            tiles: usize,
            lane: usize,
            back: isize,
        ) {
            let lanes = $v::Lanes::turned(s * (16 / $width), lane, back);
            for _ in 0..tiles {
                $tile!($v store, dst, d, src, s, lanes);
                dst = dst.wrapping_offset(d * (16 / $width));
                src = src.wrapping_add(16);
            }
        }
    };
}

/// A function that copies lines from a stage by non-temporal stores.
macro_rules! drain {
    ($name:ident $features:literal $v:ident) => {
        /// See [`crate::kernels::transpose::stream::Drain`].
        ///
        /// # Safety
        /// * ITEMS: as for [`crate::kernels::transpose::stream::Drain`].
        #[target_feature(enable = $features)]
        pub unsafe fn $name(
            mut dst: *mut u8,
            d: isize,
            mut stage: *const u8,
            columns: usize,
            lines: usize,
        ) {
            for _ in 0..columns {
                let mut to = dst;
                for _ in 0..lines {
                    for at in (0..64).step_by($v::BYTES) {
                        // SAFETY: a line of the stage (caller: ITEMS).
                        let vector = unsafe { $v::load(stage.wrapping_add(at)) };
                        // SAFETY: a line of a column (caller: ITEMS), aligned.
                        unsafe { $v::stream(to.wrapping_add(at), vector) };
                    }
                    to = to.wrapping_add(64);
                    stage = stage.wrapping_add(64);
                }
                dst = dst.wrapping_offset(d);
            }
        }
    };
}

/// A function that writes shifted lines by non-temporal stores.
macro_rules! shifted {
    ($name:ident $features:literal $v:ident) => {
        /// See [`crate::kernels::transpose::stream::Shifted`].
        ///
        /// # Safety
        /// * ITEMS: as for [`crate::kernels::transpose::stream::Shifted`].
        #[target_feature(enable = $features)]
        pub unsafe fn $name(mut dst: *mut u8, d: isize, mut stage: *mut u8, columns: usize) {
            for _ in 0..columns {
                let shift = dst.addr().wrapping_neg() % 64;
                for at in (0..64).step_by($v::BYTES) {
                    // SAFETY: the column's two lines in the stage (caller: ITEMS).
                    let vector = unsafe { $v::load(stage.wrapping_add(shift + at)) };
                    // SAFETY: the column's next line (caller: ITEMS), which `shift` aligns.
                    unsafe { $v::stream(dst.wrapping_add(shift + at), vector) };
                }
                for at in (0..64).step_by($v::BYTES) {
                    // SAFETY: the column's second line.
                    let vector = unsafe { $v::load(stage.wrapping_add(64 + at)) };
                    // SAFETY: its first line.
                    unsafe { $v::store(stage.wrapping_add(at), vector) };
                }
                dst = dst.wrapping_offset(d);
                stage = stage.wrapping_add(128);
            }
        }
    };
}

pub(super) use {drain, pair_4, pair_8, pair_16, shifted, turned};
