//! A view's fields as they are read, to be compared with another view's, and copies of them.

use core::ffi::CStr;

use super::address::is_plausible;
use super::finding::Value;
use super::words::{Field, Word};
use crate::abi::{Py_buffer, PyBUF_MAX_NDIM};

const MAX_NDIM: usize = PyBUF_MAX_NDIM as usize;
/// How many bytes of a format are read.
const FORMAT: usize = 128;

/// A view's fields except `obj` and `internal`.
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
    /// `shape`, `strides` and `suboffsets`, if they can be read.
    pub arrays: [Option<&'a [isize]>; 3],
    /// `format`, if it can be read.
    pub format: Option<&'a [u8]>,
}

impl<'a> Seen<'a> {
    /// Reads a view.
    ///
    /// # Safety
    /// * ARRAYS, FORMAT: as for [`view::check`](super::view::check).
    /// * STABLE: nothing of it changes during `'a`.
    #[inline(never)]
    pub unsafe fn of(view: &Py_buffer) -> Self {
        let arrays = [view.shape, view.strides, view.suboffsets].map(|array| {
            // SAFETY: an array of the view (caller: ARRAYS, STABLE).
            match unsafe { Value::array(array, view.ndim) } {
                Value::Numbers(numbers) => Some(numbers),
                _ => None,
            }
        });
        // SAFETY: a C string, as its address can be true (caller: FORMAT, STABLE).
        let format =
            is_plausible(view.format).then(|| unsafe { CStr::from_ptr(view.format) }.to_bytes());
        Self {
            buf: view.buf.addr(),
            len: view.len,
            itemsize: view.itemsize,
            readonly: view.readonly as isize,
            ndim: view.ndim as isize,
            arrays,
            format: format.map(|format| format.get(..FORMAT).unwrap_or(format)),
        }
    }

    /// What a field holds.
    #[inline(never)]
    pub fn value(&self, field: Field) -> Value<'a> {
        let [shape, strides, suboffsets] = self.arrays;
        let array = match field {
            Field::Buf => return Value::Address(self.buf),
            Field::Len => return Value::Number(self.len),
            Field::Itemsize => return Value::Number(self.itemsize),
            Field::Readonly => return Value::Number(self.readonly),
            Field::Ndim => return Value::Number(self.ndim),
            Field::Shape => shape,
            Field::Strides => strides,
            Field::Suboffsets => suboffsets,
            _ => return self.format.map_or(Value::Null, Value::Quoted),
        };
        array.map_or(Value::Null, Value::Numbers)
    }

    /// What a field holds here and in `other`, for a finding. Two addresses are only said to differ.
    #[inline(never)]
    pub fn beside<'b>(&self, other: &Seen<'b>, field: Field) -> (Value<'a>, Value<'b>) {
        if field != Field::Buf {
            return (self.value(field), other.value(field));
        }
        let shown = |address, word| if address == 0 { Value::Null } else { Value::Word(word) };
        (shown(self.buf, Word::AnotherAddress), shown(other.buf, Word::AddressBefore))
    }

    /// Whether a field holds the same as in `other`.
    #[inline(never)]
    pub fn is_as_in(&self, other: &Seen, field: Field) -> bool {
        self.value(field) == other.value(field)
    }
}

/// A copy of a view's fields, which outlives the view.
pub struct Snapshot {
    scalars: Seen<'static>,
    arrays: [[isize; MAX_NDIM]; 3],
    has: [bool; 3],
    format: [u8; FORMAT],
    /// The length of the format, if there is one.
    format_len: Option<usize>,
}

impl Snapshot {
    /// Copies what was seen.
    #[inline(never)]
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

    /// Adds the arrays and the format that are missing in the copy.
    #[inline(never)]
    pub fn learn(&mut self, seen: &Seen) {
        for ((kept, has), array) in self.arrays.iter_mut().zip(&mut self.has).zip(seen.arrays) {
            if let Some(array) = array.filter(|_| !*has) {
                *has = true;
                put(kept, array);
            }
        }
        if let Some(format) = seen.format.filter(|_| self.format_len.is_none()) {
            self.format_len = Some(format.len());
            put(&mut self.format, format);
        }
    }

    /// The fields that were copied.
    #[inline(never)]
    pub fn seen(&self) -> Seen<'_> {
        let ndim = self.scalars.ndim.cast_unsigned();
        let mut arrays = [None; 3];
        for ((array, kept), has) in arrays.iter_mut().zip(&self.arrays).zip(self.has) {
            *array = kept.get(..ndim).filter(|_| has);
        }
        let format = self.format_len.and_then(|len| self.format.get(..len));
        Seen { arrays, format, ..self.scalars }
    }
}

/// Copies `from` to the beginning of `to`, if it fits.
fn put<T: Copy>(to: &mut [T], from: &[T]) {
    if let Some(to) = to.get_mut(..from.len()) {
        to.copy_from_slice(from);
    }
}
