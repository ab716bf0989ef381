//! Leaf loops: items and runs at constant strides, and nothing else.
//!
//! A kernel may assume that source and destination share no byte, that no byte of the destination is
//! written twice, and that all of its items are mapped. It touches no other byte: the gaps between the
//! items of a destination may belong to another thread.
//!
//! `generic` is plain Rust, for every machine, and always tested. Each architecture's folder holds the same kernels
//! once for each level of instructions; `Kernels` is the table of one level. Only `selected` and `all` give access
//! to tables, and only to those that this CPU can run.
//!
//! The functions' `# Safety` sections have labels, which the `// SAFETY:` comments cite as `caller: LABEL`: In `#
//! Safety`, `ITEMS` is what the function's type below says of its items, and `CPU` means that the CPU has the
//! instructions.
//!
//! Figures are in `docs/performance/decisions.md`, under the numbers that comments give (`D-1`).

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod cpu;
pub mod generic;
pub mod odd;
mod prefetch;
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
mod short_runs;
#[cfg(test)]
mod tests;
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
mod transpose;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use core::ffi::CStr;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::environment;

/// A level of instructions. It includes the lower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Plain Rust.
    Generic,
    /// NEON.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// SSE2 and SSSE3.
    Sse,
    /// AVX2.
    Avx2,
    /// AVX-512 F, BW, VL, DQ and VBMI.
    Avx512,
}

impl Level {
    /// All levels, with their names in `PYBUFFER_CPU`.
    const NAMES: &[(Self, &CStr)] = &[
        (Self::Generic, c"generic"),
        #[cfg(target_arch = "aarch64")]
        (Self::Neon, c"neon"),
        (Self::Sse, c"sse"),
        (Self::Avx2, c"avx2"),
        (Self::Avx512, c"avx512"),
    ];

    /// Its name in `PYBUFFER_CPU`.
    pub fn name(self) -> &'static CStr {
        Self::NAMES.iter().find(|(level, _)| *level == self).map_or(c"", |(_, name)| name)
    }
}

/// Copies `n` items of `width` bytes. On one side they lie `step` bytes apart, on the other back to back: a gather
/// has the step in the source, a scatter in the destination.
///
/// Safety: `n` items are readable at the source and writable at the destination.
pub type Strided = unsafe fn(width: usize, dst: *mut u8, src: *const u8, step: isize, n: usize);

/// Copies `n` items at distances `d` and `s`.
///
/// Safety: `n` items are readable and writable.
pub type Items = unsafe fn(dst: *mut u8, d: isize, src: *const u8, s: isize, n: usize);

/// Transposes items of `W` bytes: item `(r, c)` of the source, at `src + r * s + c * W`, goes to
/// `dst + c * d + r * W`.
/// The source's rows of `columns` items and the destination's columns of `rows` items lie back to
/// back.
///
/// Safety: all `rows * columns` items are readable and writable.
pub type Transpose = unsafe fn(
    width: usize,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
);

/// Transposes an array of items of `width` bytes if it can. Returns whether it did.
///
/// Safety: as for [`Transpose`], and the CPU has the instructions.
pub type TryTranspose = unsafe fn(
    width: usize,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) -> bool;

/// Writes the item of `width` bytes at `src` `n` times, back to back.
///
/// Safety: the item is readable and `n` items are writable.
pub type Fill = unsafe fn(width: usize, dst: *mut u8, src: *const u8, n: usize);

/// Copies `n` runs of `run` bytes at distances `d` and `s`.
///
/// Safety: all runs are readable and writable.
pub type Runs = unsafe fn(dst: *mut u8, d: isize, src: *const u8, s: isize, n: usize, run: usize);

/// Copies `run` bytes between each address `place + from` and a line of a stage, whose lines are `pitch` bytes apart.
///
/// Safety: all runs are readable, and those of the destination writable; for `CarryMode::Streamed` all of these
/// numbers and addresses are multiples of 64.
pub type Carry = unsafe fn(
    places: &[*mut u8],
    from: isize,
    line: *mut u8,
    pitch: usize,
    run: usize,
    mode: CarryMode,
);

/// The direction in which runs are carried, and how they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarryMode {
    /// Into the stage.
    In,
    /// Out of the stage.
    Out,
    /// Out of the stage, by non-temporal stores.
    Streamed,
}

/// The leaf loops of one level, for items of 1, 2, 4, 8 and 16 bytes.
pub struct Kernels {
    /// The level that these kernels need.
    pub level: Level,
    /// Items at a distance in the source, back to back in the destination.
    pub gather: Strided,
    /// Items back to back in the source, at a distance in the destination.
    pub scatter: Strided,
    /// Two dimensions whose order differs.
    pub transpose: Transpose,
    /// A distance of 0 in the source.
    pub fill: Fill,
    /// Runs of more than 16 bytes.
    pub runs: Runs,
    /// Runs of a destination that the caches cannot hold, if the level has something better for them.
    pub streamed: Option<Runs>,
    /// Two dimensions whose order differs, of items of odd sizes up to 15 bytes, if the level has something
    /// better than runs.
    pub odd: Option<TryTranspose>,
    /// Rows and columns at any addresses, into a stage and out of it.
    pub carry: Carry,
}

impl Kernels {
    /// Two dimensions whose order differs, of items of any size.
    ///
    /// # Safety
    /// * ITEMS: as for [`Transpose`].
    #[expect(clippy::too_many_arguments, reason = "a transpose, and its items' size")]
    pub unsafe fn transpose_any(
        &self,
        width: usize,
        dst: *mut u8,
        d: isize,
        src: *const u8,
        s: isize,
        columns: usize,
        rows: usize,
    ) {
        if width_of(width).is_some() {
            // SAFETY: the same items (caller: ITEMS); this CPU has the table's level.
            return unsafe { (self.transpose)(width, dst, d, src, s, columns, rows) };
        }
        let odd = self.odd.filter(|_| width < 16);
        // SAFETY: as above.
        if odd.is_some_and(|odd| unsafe { odd(width, dst, d, src, s, columns, rows) }) {
            return;
        }
        // SAFETY: as above.
        unsafe { odd::transpose(self.runs, width, dst, d, src, s, columns, rows) }
    }
}

/// The sizes in bytes from which on a destination is written in other ways. They depend on the sizes of the caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Prefetching its lines pays.
    pub far: usize,
    /// Non-temporal stores are better than plain ones without prefetching.
    pub large: usize,
    /// Non-temporal stores are better in any case.
    pub huge: usize,
}

/// The limits of this machine; none on architectures where nothing was measured.
pub fn limits() -> Limits {
    #[cfg(target_arch = "x86_64")]
    return cpu::limits();
    #[cfg(not(target_arch = "x86_64"))]
    Limits { far: usize::MAX, large: usize::MAX, huge: usize::MAX }
}

/// The number of sizes of items that have kernels of their own: 1, 2, 4, 8 and 16 bytes.
pub const WIDTHS: usize = 5;

/// Which of the `WIDTHS` a size is, if it has kernels of its own.
pub fn width_of(size: usize) -> Option<usize> {
    (size.is_power_of_two() && size <= 16).then(|| size.trailing_zeros() as usize)
}

/// The kernel for items of `width` bytes.
fn of_width<T: Copy>(kernels: &[T; WIDTHS], width: usize) -> T {
    let [first, ..] = kernels;
    *kernels.get(width.trailing_zeros() as usize).unwrap_or(first)
}

static SELECTED: AtomicPtr<Kernels> = AtomicPtr::new(core::ptr::null_mut());

/// The kernels of the highest level that this CPU has and `PYBUFFER_CPU` allows.
#[inline]
pub fn selected() -> &'static Kernels {
    // SAFETY: null, or one of the static tables.
    match unsafe { SELECTED.load(Ordering::Relaxed).as_ref() } {
        Some(kernels) => kernels,
        None => select(),
    }
}

#[cold]
fn select() -> &'static Kernels {
    let kernels =
        all().filter(|kernels| kernels.level <= allowed()).last().unwrap_or(&generic::KERNELS);
    SELECTED.store(core::ptr::from_ref(kernels).cast_mut(), Ordering::Relaxed);
    kernels
}

/// The tables of all levels that this CPU has, the lowest first.
pub fn all() -> impl Iterator<Item = &'static Kernels> {
    #[cfg(target_arch = "x86_64")]
    let more = x86_64::tables(cpu::highest_level());
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    let more = core::iter::once(&aarch64::NEON);
    #[cfg(not(any(
        target_arch = "x86_64",
        all(target_arch = "aarch64", target_endian = "little")
    )))]
    let more = core::iter::empty();
    core::iter::once(&generic::KERNELS).chain(more)
}

/// What `PYBUFFER_CPU` allows: everything, if it is not set or names no level.
fn allowed() -> Level {
    let value = environment::variable(c"PYBUFFER_CPU");
    let named = value.and_then(|value| Level::NAMES.iter().find(|(_, name)| *name == value));
    named.map_or(Level::Avx512, |(level, _)| *level)
}
