//! Judges one view as the answer to one request.
//!
//! The live audit does this for every view that is handed out, so nothing is changed, allocated or called. Invalid
//! pointers (unaligned, or into the first page) are reported and not followed. If one mistake breaks several rules,
//! only the rule that says what to correct is reported.

use core::ffi::{CStr, c_int};

use super::address::{FIRST_PAGE, is_plausible};
use super::finding::{Finding, Sink, Value};
use super::numbers::{extent_of, has, is_dense, place_of};
use super::request::Request;
use super::rules::Rule;
use super::words::{Field, Word};
use crate::abi::{
    Py_buffer, PyBUF_ANY_CONTIGUOUS, PyBUF_C_CONTIGUOUS, PyBUF_F_CONTIGUOUS, PyBUF_FORMAT,
    PyBUF_INDIRECT, PyBUF_MAX_NDIM, PyBUF_ND, PyBUF_STRIDES, PyBUF_WRITABLE,
};
use crate::format::item_size;
use crate::layout::Order;
use crate::layout::contiguity::is_one_line;

/// Whether `is_there` holds of the address and size of a view's arrays and format. The first for which it does not
/// is reported. Addresses in the first page are left to [`check`].
#[inline(never)]
pub fn has_arrays(
    view: &Py_buffer,
    flags: c_int,
    is_there: &dyn Fn(usize, usize) -> bool,
    sink: &mut Sink,
) -> bool {
    let ndim = usize::try_from(view.ndim).unwrap_or(0).min(64);
    let size = ndim.wrapping_mul(size_of::<isize>());
    let arrays = [
        (Rule::Shape, Field::Shape, view.shape.addr(), size),
        (Rule::Strides, Field::Strides, view.strides.addr(), size),
        (Rule::Suboffsets, Field::Suboffsets, view.suboffsets.addr(), size),
        (Rule::Format, Field::Format, view.format.addr(), 1),
    ];
    for (rule, field, address, size) in arrays {
        if address >= FIRST_PAGE && !is_there(address, size) {
            let (field, found) = (field.text(), Value::Address(address));
            let expected = Value::Word(Word::Readable);
            sink(&Finding { rule, flags, field, axis: -1, found, expected });
            return false;
        }
    }
    true
}

/// Judges a view as the answer to a request with `flags`. If the documentation does not define these, only what does
/// not depend on them is judged.
///
/// # Safety
/// * ARRAYS: `shape`, `strides` and `suboffsets` each have `ndim` readable entries, unless they are null, unaligned or
///   in the first page, or `ndim` is not from 0 to 64.
/// * FORMAT: `format` is a C string, unless it is null or in the first page.
/// * STABLE: none of these changes during the call.
pub unsafe fn check(view: &Py_buffer, flags: c_int, sink: &mut Sink) {
    let mut judge = Judge { view, request: Request(flags), sink };
    judge.fields();
    if !(0..=PyBUF_MAX_NDIM).contains(&view.ndim) {
        return judge.tell(Rule::Ndim, Field::Ndim, Word::NdimInBounds);
    }
    if view.ndim == 0 {
        judge.scalar();
    } else {
        judge.array();
    }
    judge.format();
}

/// The arrays of a view, where they can be read.
#[derive(Clone, Copy)]
struct Arrays<'a> {
    shape: Option<&'a [isize]>,
    strides: Option<&'a [isize]>,
    suboffsets: Option<&'a [isize]>,
}

struct Judge<'a, 'b> {
    /// ARRAYS, FORMAT and STABLE of [`check`] hold of it.
    view: &'a Py_buffer,
    request: Request,
    sink: &'b mut Sink<'b>,
}

impl<'a> Judge<'a, '_> {
    /// Whether the request asks for `flag`.
    fn asks(&self, flag: c_int) -> bool {
        self.request.has(flag)
    }

    /// Reports a field, with what it holds.
    #[cold]
    #[inline(never)]
    fn tell(&mut self, rule: Rule, field: Field, expected: Word) {
        let found = self.value(field);
        self.tell_all(rule, field, -1, found, Value::Word(expected));
    }

    #[cold]
    #[inline(never)]
    fn tell_all(&mut self, rule: Rule, field: Field, axis: isize, found: Value, expected: Value) {
        let (flags, field) = (self.request.0, field.text());
        let axis = c_int::try_from(axis).unwrap_or(-1);
        (self.sink)(&Finding { rule, flags, field, axis, found, expected });
    }

    /// What a field holds; of the format only its address, because one that was not requested may be no C string.
    fn value(&self, field: Field) -> Value<'a> {
        let view = self.view;
        let array = match field {
            Field::Len => return Value::Number(view.len),
            Field::Itemsize => return Value::Number(view.itemsize),
            Field::Readonly => return Value::Number(view.readonly as isize),
            Field::Ndim => return Value::Number(view.ndim as isize),
            Field::Buf => return Value::address(view.buf),
            Field::Format => return Value::address(view.format),
            Field::Shape => view.shape,
            Field::Strides => view.strides,
            Field::Suboffsets => view.suboffsets,
            _ => return Value::address(view.obj),
        };
        // SAFETY: an array of this view (`check`'s caller: ARRAYS, STABLE).
        unsafe { Value::array(array, view.ndim) }
    }

    /// Judges what needs no array.
    fn fields(&mut self) {
        let view = self.view;
        if view.obj.is_null() {
            self.tell(Rule::Obj, Field::Obj, Word::Exporter);
        }
        if view.buf.is_null() && view.len > 0 {
            self.tell(Rule::Buf, Field::Buf, Word::FirstItem);
        }
        if view.itemsize < 0 {
            self.tell(Rule::Itemsize, Field::Itemsize, Word::NotNegative);
        }
        if view.readonly != 0 && self.asks(PyBUF_WRITABLE) {
            self.tell(Rule::Writable, Field::Readonly, Word::Writable);
        } else if view.readonly & !1 != 0 {
            self.tell(Rule::Readonly, Field::Readonly, Word::ReadonlyOrNot);
        }
    }

    /// Judges a view without dimensions.
    fn scalar(&mut self) {
        let view = self.view;
        for (field, array) in [
            (Field::Shape, view.shape),
            (Field::Strides, view.strides),
            (Field::Suboffsets, view.suboffsets),
        ] {
            if !array.is_null() {
                self.tell(Rule::Scalar, field, Word::NullForScalar);
            }
        }
        if view.itemsize < 0 || view.len == view.itemsize {
            return;
        }
        // Without PyBUF_ND only the number of bytes counts, so if it is not that of one item, ndim is wrong.
        if self.asks(PyBUF_ND) {
            let (len, itemsize) = (Value::Number(view.len), Value::Number(view.itemsize));
            self.tell_all(Rule::Len, Field::Len, -1, len, itemsize);
        } else {
            self.tell(Rule::Scalar, Field::Ndim, Word::OneDimension);
        }
    }

    /// Judges a view with 1 to 64 dimensions.
    fn array(&mut self) {
        let view = self.view;
        let is_defined = self.request.is_defined();
        let is_needed = |flag| if is_defined { Some(self.asks(flag)) } else { None };
        let (shape, strides) = (is_needed(PyBUF_ND), is_needed(PyBUF_STRIDES));
        let shape = self.read(Rule::Shape, Field::Shape, shape);
        let strides = self.read(Rule::Strides, Field::Strides, strides);
        let suboffsets = self.read_suboffsets(is_defined, shape);
        let arrays = Arrays { shape, strides, suboffsets };

        let shape = shape.unwrap_or_default();
        if let Some(axis) = place_of(shape, true) {
            let found = Value::Number(shape.get(axis).copied().unwrap_or(0));
            let (axis, expected) = (axis.cast_signed(), Value::Word(Word::NotNegative));
            return self.tell_all(Rule::Extent, Field::Shape, axis, found, expected);
        }
        if view.itemsize < 0 {
            return;
        }
        if arrays.shape.is_none() {
            // Without a shape, consumers must disregard itemsize.
            if view.len < 0 {
                self.tell(Rule::Len, Field::Len, Word::NotNegative);
            }
        } else if !self.len(shape) {
            return;
        }
        self.structure(arrays);
        if is_defined {
            self.contiguity(arrays);
        }
    }

    /// Reads an array. Reports it if it is needed and NULL, not needed and not NULL, or at an invalid address. If
    /// `is_needed` is `None`, it may be NULL or not.
    #[inline(never)]
    fn read(&mut self, rule: Rule, field: Field, is_needed: Option<bool>) -> Option<&'a [isize]> {
        match self.value(field) {
            Value::Numbers(numbers) => {
                if is_needed == Some(false) {
                    self.tell(rule, field, Word::Null);
                }
                return Some(numbers);
            }
            Value::Null if is_needed == Some(true) => self.tell(rule, field, Word::ArrayOfNdim),
            Value::Null => {}
            _ => self.tell(rule, field, Word::Readable),
        }
        None
    }

    /// Reads the suboffsets, if there are pointers to follow.
    fn read_suboffsets(
        &mut self,
        is_defined: bool,
        shape: Option<&[isize]>,
    ) -> Option<&'a [isize]> {
        let is_wanted = self.asks(PyBUF_INDIRECT) || !is_defined;
        let is_needed = if is_wanted { None } else { Some(false) };
        let suboffsets = self.read(Rule::Suboffsets, Field::Suboffsets, is_needed)?;
        if place_of(suboffsets, false).is_none() {
            // A slice without items may have them: memoryview leaves them there.
            if is_wanted && !shape.is_some_and(|shape| has(shape, 0)) {
                self.tell(Rule::NoSuboffsets, Field::Suboffsets, Word::Null);
            }
            return None;
        }
        Some(suboffsets)
    }

    /// Judges `len` by the shape. Returns whether the items have at least one byte, and no more than the address
    /// space.
    fn len(&mut self, shape: &[isize]) -> bool {
        let view = self.view;
        let is_empty = has(shape, 0);
        let size = if is_empty {
            Some(0)
        } else {
            shape.iter().try_fold(view.itemsize, |size, &n| size.checked_mul(n))
        };
        match size {
            Some(size) if size == view.len => {}
            Some(size) => {
                let (len, size) = (Value::Number(view.len), Value::Number(size));
                self.tell_all(Rule::Len, Field::Len, -1, len, size);
            }
            None => self.tell(Rule::Len, Field::Shape, Word::FitsMemory),
        }
        // An array without bytes is contiguous in every order, as for PyBuffer_IsContiguous.
        size.is_some_and(|size| size > 0)
    }

    /// Judges whether the items fit the address space.
    fn structure(&mut self, arrays: Arrays) {
        let Arrays { shape: Some(shape), strides: Some(strides), .. } = arrays else { return };
        if extent_of(self.view.itemsize, shape, strides).is_none() {
            self.tell(Rule::Structure, Field::Strides, Word::WithinBlock);
        }
    }

    /// Judges whether the items are contiguous in the order that the request asks for.
    fn contiguity(&mut self, arrays: Arrays) {
        let is_c_needed = self.asks(PyBUF_C_CONTIGUOUS) || !self.asks(PyBUF_STRIDES);
        let is_f_needed = self.asks(PyBUF_F_CONTIGUOUS);
        let is_a_needed = self.asks(PyBUF_ANY_CONTIGUOUS);
        if !(is_c_needed || is_f_needed || is_a_needed) {
            return;
        }
        let (is_c, is_f) = self.lies_in(arrays);
        let word = if is_c_needed && !is_c {
            Word::COrder
        } else if is_f_needed && !is_f {
            Word::FortranOrder
        } else if is_a_needed && !(is_c || is_f) {
            Word::AnyOrder
        } else {
            return;
        };
        let is_direct = arrays.suboffsets.is_none();
        let field = if is_direct { Field::Strides } else { Field::Suboffsets };
        self.tell(Rule::Contiguity, field, word);
    }

    /// Whether the items are contiguous in C order, and in Fortran order.
    #[inline(never)]
    fn lies_in(&self, arrays: Arrays) -> (bool, bool) {
        let itemsize = self.view.itemsize;
        match (arrays.shape, arrays.strides) {
            _ if arrays.suboffsets.is_some() => (false, false),
            (Some(shape), Some(strides)) => {
                let is_dense = |order| is_dense(itemsize, shape, strides, order);
                (is_dense(Order::C), is_dense(Order::Fortran))
            }
            // Strides without a shape say nothing; that one of the two is missing is reported already.
            (None, _) => (true, true),
            (shape, None) => (true, self.view.ndim < 2 || is_one_line(shape)),
        }
    }

    /// Judges the format.
    fn format(&mut self) {
        let format = self.view.format;
        if !self.request.is_defined() {
            return;
        }
        match (self.asks(PyBUF_FORMAT), format.is_null()) {
            (false, true) => return,
            (false, false) => return self.tell(Rule::Format, Field::Format, Word::Null),
            (true, true) => return self.tell(Rule::Format, Field::Format, Word::AFormat),
            (true, false) if !is_plausible(format) => {
                return self.tell(Rule::Format, Field::Format, Word::Readable);
            }
            (true, false) => {}
        }
        // SAFETY: the C string of this view (`check`'s caller: FORMAT, STABLE).
        let format = unsafe { CStr::from_ptr(format) }.to_bytes();
        let itemsize = self.view.itemsize;
        match item_size(format) {
            Ok(size) if itemsize >= 0 && size.cast_signed() != itemsize => {
                let (found, size) = (Value::Number(itemsize), Value::Number(size.cast_signed()));
                self.tell_all(Rule::FormatSize, Field::Itemsize, -1, found, size);
            }
            Ok(_) => {}
            Err(problem) => {
                let (at, found) = (problem.position.cast_signed(), Value::Quoted(format));
                let expected = Value::Word(Word::KnownFormat);
                self.tell_all(Rule::FormatSyntax, Field::Format, at, found, expected);
            }
        }
    }
}
