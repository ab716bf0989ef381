//! `pybuffer_format_*`: what a format says, in the grammar of PEP 3118.

use core::ffi::{CStr, c_char, c_int};
use core::mem::MaybeUninit;
use core::slice;

use crate::abi::{Py_ssize_t, pybuffer_format_field, pybuffer_format_info};
use crate::error::Error;
use crate::format::equivalent::equivalent;
use crate::format::item_size;
use crate::format::parse::{Fields, parse};
use crate::format::read::Extents;
use crate::runtime;

/// Parses a format: the items that it describes, with their names, offsets, sizes and shapes.
///
/// The grammar is that of PEP 3118 as exporters write it (docs/formats.md): all that the module `struct`
/// knows, `T{}`, names, shapes, `^ t g u w O Z & X{}`, and ctypes' `z F D G`. A NULL format means `"B"`,
/// as in a view.
///
/// At most `max_fields` fields are stored in `fields`, in the order of the format, each struct before its
/// members. Padding (`x` without a name) is not a field. The extents of the shapes are stored in `extents`, one
/// shape after the other, at most `max_extents` numbers. What does not fit is counted but not stored, so a call
/// with `max_fields` and `max_extents` 0 tells how much room is needed. If `info` is not NULL, it is filled in,
/// also for a wrong format.
///
/// Returns the number of fields; or -1 with `ValueError` set if the format is wrong. The error's text says
/// what is wrong and where; `info->error_position` says where.
///
/// # Safety
/// `format` is NULL or a C string. `fields` is NULL (no room) or has room for `max_fields` entries, and
/// `extents` is NULL or has room for `max_extents` entries. `info` is NULL or writable. The names of the fields
/// point into `format`, and their shapes into `extents`. Needs no GIL, except to set the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_format_parse(
    format: *const c_char,
    fields: *mut pybuffer_format_field,
    max_fields: Py_ssize_t,
    extents: *mut Py_ssize_t,
    max_extents: Py_ssize_t,
    info: *mut pybuffer_format_info,
) -> Py_ssize_t {
    // SAFETY: null or a C string (caller).
    let text = unsafe { text_of(format) };
    let mut found = Fields {
        // SAFETY: null or room for `max_fields` entries (caller).
        room: unsafe { room(fields, max_fields) },
        n: 0,
        extents: Extents {
            // SAFETY: null or room for `max_extents` entries (caller).
            room: unsafe { room(extents, max_extents) },
            first: extents,
            n: 0,
        },
        format,
    };
    let parsed = parse(text.to_bytes(), &mut found);
    // SAFETY: null or writable (caller).
    if let Some(info) = unsafe { info.cast::<MaybeUninit<_>>().as_mut() } {
        info.write(pybuffer_format_info {
            itemsize: parsed.map_or(-1, |item| item.end),
            alignment: parsed.map_or(1, |item| item.align.into()),
            n_fields: found.n.cast_signed(),
            n_extents: found.extents.n.cast_signed(),
            error_position: parsed.map_or_else(|problem| problem.position.cast_signed(), |_| -1),
        });
    }
    size(parsed.map(|_| found.n.cast_signed()).map_err(|problem| problem.of("the format")))
}

/// The size in bytes of the item that a format describes, in the grammar of `pybuffer_format_parse`.
///
/// A format that `PyBuffer_SizeFromFormat` accepts has the same size here. A NULL format means `"B"`, as in a
/// view.
///
/// Returns the size; or -1 with `ValueError` set if the format is wrong. The error's text says what is wrong
/// and where.
///
/// # Safety
/// `format` is NULL or a C string. Needs no GIL, except to set the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_format_itemsize(format: *const c_char) -> Py_ssize_t {
    // SAFETY: null or a C string (caller).
    let text = unsafe { text_of(format) };
    let found = item_size(text.to_bytes());
    size(found.map(usize::cast_signed).map_err(|problem| problem.of("the format")))
}

/// Whether two formats, in the grammar of `pybuffer_format_parse`, describe the same memory: items of
/// the same size, with numbers of the same kind, width and byte order at the same offsets.
///
/// So `l` is equivalent to `q` where they have the same size, and `i` to `<i` on a little-endian machine. Names,
/// shapes, counts, nesting and the way padding is written do not matter: `T{(2)h:a:}` is equivalent to `hh`.
/// Nor does it matter what a pointer points at. A NULL format means `"B"`, as in a view.
///
/// Returns 1 or 0; or -1 with `ValueError` set if a format is wrong, or if the two cannot be compared in
/// reasonable time: they have many items, and their arrays of structs repeat in different periods.
///
/// # Safety
/// `first` and `second` are NULL or C strings. Needs no GIL, except to set the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_format_equivalent(
    first: *const c_char,
    second: *const c_char,
) -> c_int {
    // SAFETY: null or a C string (caller).
    let first = unsafe { text_of(first) };
    // SAFETY: as above.
    let second = unsafe { text_of(second) };
    match equivalent(first.to_bytes(), second.to_bytes()) {
        Ok(is_equivalent) => is_equivalent.into(),
        Err(refusal) => runtime::status_if_known(Err::<(), Error>(refusal.into())),
    }
}

/// The format as a C string; `"B"` for null.
///
/// # Safety
/// `format` is null or a C string.
unsafe fn text_of<'a>(format: *const c_char) -> &'a CStr {
    if format.is_null() {
        return c"B";
    }
    // SAFETY: not null, so a C string (caller).
    unsafe { CStr::from_ptr(format) }
}

/// The room that a caller gives, as a slice; empty if it is null.
///
/// # Safety
/// `first` is null or has room for `n` entries.
unsafe fn room<'a, T>(first: *mut T, n: Py_ssize_t) -> &'a mut [MaybeUninit<T>] {
    let n = usize::try_from(n).unwrap_or(0);
    if first.is_null() || n == 0 {
        return &mut [];
    }
    // SAFETY: room for `n` entries (caller), which need not be initialised.
    unsafe { slice::from_raw_parts_mut(first.cast(), n) }
}

/// The size, or -1 with the error raised.
fn size(result: Result<Py_ssize_t, Error>) -> Py_ssize_t {
    result.unwrap_or_else(|error| {
        runtime::raise_if_known(&error);
        -1
    })
}
