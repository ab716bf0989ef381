//! What is read of a view: its fields as values, to be compared with another view's, or kept.

use core::ffi::CStr;
use core::slice;

use super::{Value, is_plausible};
use crate::abi::{Py_buffer, PyBUF_MAX_NDIM};

const MAX_NDIM: usize = PyBUF_MAX_NDIM as usize;
/// How much of a format is read.
const FORMAT: usize = 128;

/// A view's fields, but for `obj` and `internal`.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// `buf`
    pub buf: usize,
    /// `len`
    pub len: isize,
    /// `itemsize`
    pub itemsize: isize,
    /// `readonly`
    pub readonly: isize,
    /// `ndim`
    pub ndim: isize,
    /// `shape`, `strides` and `suboffsets`, as far as they can be read.
    pub arrays: [Option<&'a [isize]>; 3],
    /// `format`
    pub format: Option<&'a [u8]>,
}

impl<'a> Seen<'a> {
    /// Reads a view.
    ///
    /// # Safety
    /// As for `view::check`; nothing that is read changes during `'a`.
    pub unsafe fn of(view: &Py_buffer) -> Self {
        let ndim = usize::try_from(view.ndim).unwrap_or(0);
        let arrays = [view.shape, view.strides, view.suboffsets].map(|array| {
            // SAFETY: `ndim` entries behind an address that may be true (caller).
            (is_plausible(array) && (1..=MAX_NDIM).contains(&ndim))
                .then(|| unsafe { slice::from_raw_parts(array, ndim) })
        });
        // SAFETY: a C string behind an address that may be true (caller).
        let format =
            is_plausible(view.format).then(|| unsafe { CStr::from_ptr(view.format) }.to_bytes());
        let format = format.map(|format| format.get(..FORMAT).unwrap_or(format));
        Self {
            buf: view.buf.addr(),
            len: view.len,
            itemsize: view.itemsize,
            readonly: view.readonly as isize,
            ndim: view.ndim as isize,
            arrays,
            format,
        }
    }

    /// Each field with its name.
    fn fields(&self) -> [(&'static CStr, Value<'a>); 9] {
        let [shape, strides, suboffsets] = self.arrays.map(array);
        [
            (c"buf", Value::Address(self.buf)),
            (c"len", Value::Number(self.len)),
            (c"itemsize", Value::Number(self.itemsize)),
            (c"readonly", Value::Number(self.readonly)),
            (c"ndim", Value::Number(self.ndim)),
            (c"shape", shape),
            (c"strides", strides),
            (c"suboffsets", suboffsets),
            (c"format", self.format.map_or(Value::Null, Value::Quoted)),
        ]
    }

    /// The first field in which `self` is not as `other`: its name, and what each of the two holds.
    #[inline(never)]
    pub fn difference<'b>(
        &self,
        other: &Seen<'b>,
    ) -> Option<(&'static CStr, Value<'a>, Value<'b>)> {
        let mut pairs = self.fields().into_iter().zip(other.fields());
        let ((name, mine), (_, others)) = pairs.find(|((_, mine), (_, others))| mine != others)?;
        Some((name, mine, others))
    }
}

/// An array as a value.
pub fn array(array: Option<&[isize]>) -> Value<'_> {
    array.map_or(Value::Null, Value::Numbers)
}

/// A view's fields, kept when the view is gone.
pub struct Kept {
    scalars: Seen<'static>,
    arrays: [[isize; MAX_NDIM]; 3],
    has: [bool; 3],
    format: [u8; FORMAT],
    /// The length of the format, if there is one.
    format_len: Option<usize>,
}

impl Kept {
    /// Copies what was seen.
    pub fn new(seen: &Seen) -> Self {
        let mut this = Self {
            scalars: Seen { arrays: [None; 3], format: None, ..*seen },
            arrays: [[0; MAX_NDIM]; 3],
            has: [false; 3],
            format: [0; FORMAT],
            format_len: None,
        };
        this.learn(seen);
        this
    }

    /// Adds the arrays and the format that were not there yet.
    #[inline(never)]
    pub fn learn(&mut self, seen: &Seen) {
        for ((kept, has), array) in self.arrays.iter_mut().zip(&mut self.has).zip(seen.arrays) {
            if let Some(array) = array.filter(|_| !*has) {
                *has = true;
                kept.iter_mut().zip(array).for_each(|(to, from)| *to = *from);
            }
        }
        if let Some(format) = seen.format.filter(|_| self.format_len.is_none()) {
            self.format_len = Some(format.len());
            self.format.iter_mut().zip(format).for_each(|(to, from)| *to = *from);
        }
    }

    /// What was kept.
    #[inline(never)]
    pub fn seen(&self) -> Seen<'_> {
        let ndim = usize::try_from(self.scalars.ndim).unwrap_or(0);
        let mut arrays = [None; 3];
        for ((array, kept), has) in arrays.iter_mut().zip(&self.arrays).zip(self.has) {
            *array = kept.get(..ndim).filter(|_| has);
        }
        let format = self.format_len.and_then(|len| self.format.get(..len));
        Seen { arrays, format, ..self.scalars }
    }
}
