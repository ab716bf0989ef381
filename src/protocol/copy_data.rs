//! Copies from view to view, and from exporter to exporter.

use core::ptr;

use super::sides::{are_blocks, array_of, checked, items_of, move_bytes};
use super::{get, short_cut};
use crate::abi::{PyBUF_FULL, PyBUF_FULL_RO, PyObject};
use crate::copy::{self, Sequence, part};
use crate::error::{Error, Kind, NoMemory, Raised, message};
use crate::layout::Order;
use crate::plan::shares::Share;
use crate::runtime::{self, Raise, raised, raised_by, raised_text};
use crate::view::{Fields, View};

/// Copies what `src` exports to what `dest` exports, by indices in C order; a smaller source fills the
/// leading corner.
///
/// # Safety
/// * OBJECTS: both are objects that the thread may use.
pub unsafe fn copy_data(dest: *mut PyObject, src: *mut PyObject) -> Result<(), Raised> {
    let runtime = runtime::for_objects();
    // SAFETY: both are objects (caller: OBJECTS).
    let are_exporters = unsafe { get::is_exporter(runtime.layout(), dest) }
        // SAFETY: as above.
        && unsafe { get::is_exporter(runtime.layout(), src) };
    if !are_exporters {
        return Err(raised_text(
            Kind::Type,
            c"both destination and source must be bytes-like objects",
        ));
    }
    let (mut dest_view, mut src_view) = (get::EMPTY, get::EMPTY);
    // SAFETY: as above.
    unsafe { get::acquire_or_raise(dest, &raw mut dest_view, PyBUF_FULL) }?;
    // SAFETY: as above.
    let result = match unsafe { get::acquire_or_raise(src, &raw mut src_view, PyBUF_FULL_RO) } {
        Ok(()) => {
            // SAFETY: an exporter's answer has its arrays, which stay as they are while it is held.
            let dest = unsafe { Fields::new(&dest_view) };
            // SAFETY: as above.
            let src = unsafe { Fields::new(&src_view) };
            // SAFETY: both views are held, and the first was asked for to be written.
            unsafe { copy_views(dest, src) }
        }
        Err(Raised) => {
            src_view.obj = ptr::null_mut();
            Err(Raised)
        }
    };
    // As in libpython, the error is set before the views are released, the destination's first.
    // SAFETY: filled above, not moved, and given back once.
    unsafe { get::release(&raw mut dest_view) };
    // SAFETY: as above; `obj` is null if it was not filled.
    unsafe { get::release(&raw mut src_view) };
    result
}

/// Copies the items of one view to those of another.
///
/// # Safety
/// * VIEWS: both are held (`View`'s V4), and the memory of `dest` may be written.
#[inline(never)]
unsafe fn copy_views(dest: Fields, src: Fields) -> Result<(), Raised> {
    if dest.len() < src.len() {
        return Err(raised_text(
            Kind::Buffer,
            c"destination is too small to receive data from source",
        ));
    }
    if src.len() == 0 {
        return Ok(());
    }
    if dest.buf().is_null() || src.buf().is_null() {
        return Err(raised(&Error::NullArgument));
    }
    if src.len() > 0 && are_blocks(dest, src) {
        // SAFETY: both blocks have the source's bytes (caller: VIEWS).
        unsafe { move_bytes(dest.buf().cast(), src.buf().cast(), src.len()) };
        return Ok(());
    }
    // SAFETY: the same views (caller: VIEWS).
    if unsafe { short_cut::copy_views(dest, src, true) } {
        return Ok(());
    }
    // SAFETY: the same views (caller: VIEWS).
    unsafe { copy_items(dest, src, Fit::Corner, raised) }
}

/// Which pairs of views are accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// One shape and itemsize.
    Same,
    /// Every index of the source is one of the destination, and its items are not larger. The first item
    /// is written last, as in libpython.
    Corner,
}

/// Copies the items of one view to those of another, by indices in C order.
///
/// # Safety
/// * VIEWS: both are held (`View`'s V4), and the memory of `dest` may be written.
#[inline(never)]
unsafe fn copy_items(
    dest_view: Fields,
    src_view: Fields,
    fit: Fit,
    raise: Raise,
) -> Result<(), Raised> {
    let dest = checked(dest_view, raise)?;
    let src = checked(src_view, raise)?;
    check_fits(&dest, &src, fit, raise)?;
    let Some(sequence) = whole(&dest, &src, raise)? else { return Ok(()) };
    if fit == Fit::Same && are_blocks(dest_view, src_view) {
        // SAFETY: both blocks have as many bytes (V2; caller: VIEWS).
        unsafe {
            move_bytes(dest.buf(), src.buf(), sequence.items.wrapping_mul(sequence.itemsize))
        };
        return Ok(());
    }
    let sequence = Sequence { first_comes_last: fit == Fit::Corner, ..sequence };
    // SAFETY: every index of the source is one of the destination, and its items are not larger (`check_fits`);
    // both views' items can be reached (V3, V4; caller: VIEWS).
    unsafe { copy::copy(array_of(&dest), array_of(&src), sequence) }
        .map_err(|NoMemory| raise(&Error::NoMemory))
}

#[inline(never)]
fn check_fits(dest: &View, src: &View, fit: Fit, raise: Raise) -> Result<(), Raised> {
    let (into, from) = (dest.shape(), src.shape());
    let is_same = into == from && dest.itemsize() == src.itemsize();
    let is_corner = into.len() == from.len()
        && into.iter().zip(from).all(|(into, from)| from <= into)
        && src.itemsize() <= dest.itemsize();
    let needed = match fit {
        _ if is_same => return Ok(()),
        Fit::Corner if is_corner => return Ok(()),
        Fit::Same => "both need the same shape and itemsize",
        Fit::Corner => {
            "the source needs as many dimensions as the destination, none longer, and items no larger"
        }
    };
    Err(raise(&Error::text(
        Kind::Buffer,
        message!(
            "cannot copy items of {} bytes with shape {} into items of {} bytes with shape {}: {}",
            src.itemsize(),
            from,
            dest.itemsize(),
            into,
            needed,
        ),
    )))
}

/// Copies the items of `src` to those of `dest`, which have the same shape, as if all of `src` had been read before
/// anything was written.
///
/// # Safety
/// * VIEWS: both are exporters' answers that are still held, or views that the caller vouches for (`View`'s V4), and
///   the memory of `dest` may be written unless it is marked as read-only.
pub unsafe fn copy(dest: Fields, src: Fields, raise: Raise) -> Result<(), Raised> {
    if dest.is_readonly() {
        return Err(refuse_readonly(raise));
    }
    // SAFETY: the same views (caller: VIEWS).
    if unsafe { short_cut::copy_views(dest, src, false) } {
        return Ok(());
    }
    // SAFETY: the same views (caller: VIEWS).
    unsafe { copy_items(dest, src, Fit::Same, raise) }
}

/// The fewest bytes that a part touches in each array, on average. Waking a thread for fewer does not pay (D-44).
const LEAST: isize = 256 << 10;

/// Copies the `part`-th of `n_parts` shares of what [`copy`] copies. The shares may be copied at the same time; together
/// they copy each item once.
///
/// # Safety
/// * VIEWS: as for [`copy`].
pub unsafe fn copy_part(
    dest: Fields,
    src: Fields,
    part: isize,
    n_parts: isize,
    raise: Raise,
) -> Result<(), Raised> {
    if n_parts < 1 || part < 0 || part >= n_parts {
        return Err(raise(&Error::text(
            Kind::Value,
            message!("part is {} of {}: it must be from 0 to n_parts - 1", part, n_parts),
        )));
    }
    if n_parts == 1 {
        // SAFETY: the same views (caller: VIEWS).
        return unsafe { copy(dest, src, raise) };
    }
    if dest.is_readonly() {
        return Err(refuse_readonly(raise));
    }
    let dest = checked(dest, raise)?;
    let src = checked(src, raise)?;
    check_fits(&dest, &src, Fit::Same, raise)?;
    let Some(sequence) = whole(&dest, &src, raise)? else { return Ok(()) };
    let share = Share { part, n_parts };
    // SAFETY: both views have these items (V1 to V4; caller: VIEWS).
    match unsafe { part::copy_share(array_of(&dest), array_of(&src), sequence, share, LEAST) } {
        Ok(true) => Ok(()),
        Ok(false) => Err(raised_by(
            raise,
            Kind::Buffer,
            c"cannot copy in parts: source and destination share memory (copy them in one part)",
        )),
        Err(NoMemory) => Err(raise(&Error::NoMemory)),
    }
}

/// The number of parts, at most `max`, that pay for a thread each; 1 for whatever cannot be copied in parts.
///
/// # Safety
/// * VIEWS: as for [`copy`], but nothing is written.
pub unsafe fn n_parts(dest: Fields, src: Fields, max: isize) -> isize {
    let (Ok(dest), Ok(src)) = (View::new(dest), View::new(src)) else { return 1 };
    let is_same = dest.shape() == src.shape() && dest.itemsize() == src.itemsize();
    if !is_same || items_of(&src) == 0 || dest.buf().is_null() || src.buf().is_null() {
        return 1;
    }
    let sequence = sequence_of(&src);
    // SAFETY: both views have these items (V1 to V4; caller: VIEWS).
    let n = unsafe { part::n_parts(array_of(&dest), array_of(&src), sequence, max, LEAST) };
    n.unwrap_or(1).max(1)
}

/// All items of a view, in C order.
fn sequence_of<'a>(src: &'a View) -> Sequence<'a> {
    Sequence {
        shape: src.shape(),
        itemsize: src.itemsize(),
        order: Order::C,
        items: items_of(src),
        first_comes_last: false,
    }
}

/// All items of two views of one shape, if there are any; an error raised if they have items and no memory.
fn whole<'a>(dest: &View, src: &'a View, raise: Raise) -> Result<Option<Sequence<'a>>, Raised> {
    let sequence = sequence_of(src);
    if sequence.items == 0 {
        return Ok(None);
    }
    if dest.buf().is_null() || src.buf().is_null() {
        return Err(raise(&Error::NullArgument));
    }
    Ok(Some(sequence))
}

#[cold]
#[inline(never)]
fn refuse_readonly(raise: Raise) -> Raised {
    raised_by(raise, Kind::Buffer, c"the destination's view is read-only")
}
