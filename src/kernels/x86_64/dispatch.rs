//! Which kernel transposes: those for few columns or few rows, where they can, or tiles.

/// The most columns or rows that are few.
pub const MOST: usize = 4;

/// The transposes of a level, by the size of the items: `few` has its `deinterleave` and `interleave`.
macro_rules! transposes {
    ($level:ident, $few:path, $($name:ident, $size:literal, $tiles:path;)*) => {
        pub mod $level {
            use super::MOST;
            use $few as few;

            $(
                /// See [`super::super::super::Transpose`].
                ///
                /// # Safety
                /// As for [`super::super::super::Transpose`], and the CPU has the level's features.
                pub unsafe fn $name(
                    dst: *mut u8,
                    d: isize,
                    src: *const u8,
                    s: isize,
                    columns: usize,
                    rows: usize,
                ) {
                    let mut done = false;
                    if columns <= MOST {
                        // SAFETY: the caller's promise is the callee's.
                        done = unsafe { few::deinterleave::<$size>(dst, d, src, s, columns, rows) };
                    }
                    if !done && rows <= MOST {
                        // SAFETY: as above.
                        done = unsafe { few::interleave::<$size>(dst, d, src, s, columns, rows) };
                    }
                    if !done {
                        // SAFETY: as above.
                        unsafe { $tiles(dst, d, src, s, columns, rows) };
                    }
                }
            )*
        }
    };
}

transposes!(
    sse, super::super::interleave_shuffle::sse,
    transpose_1, 1, super::super::transpose_sse::transpose_1;
    transpose_2, 2, super::super::transpose_sse::transpose_2;
    transpose_4, 4, super::super::transpose_sse::transpose_4;
    transpose_8, 8, super::super::transpose_sse::transpose_8;
);
transposes!(
    avx2, super::super::interleave_shuffle::avx2,
    transpose_1, 1, super::super::transpose_avx2::transpose_1;
    transpose_2, 2, super::super::transpose_avx2::transpose_2;
    transpose_4, 4, super::super::transpose_avx2::transpose_4;
    transpose_8, 8, super::super::transpose_avx2::transpose_8;
);
transposes!(
    avx512, super::super::interleave_avx512,
    transpose_1, 1, super::super::transpose_avx512::transpose_1;
    transpose_2, 2, super::super::transpose_avx512::transpose_2;
    transpose_4, 4, super::super::transpose_avx512::transpose_4;
    transpose_8, 8, super::super::transpose_avx512::transpose_8;
);
