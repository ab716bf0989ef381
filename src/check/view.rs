//! One view beside the request that it answers.
//!
//! Nothing is changed, allocated or called: the live audit asks this of every view that is handed out.
//! Pointers that cannot be true (unaligned, in the first page) are told and not followed. Where one
//! mistake would break several rules, the one is told that says what to mend.

use core::ffi::{CStr, c_int};

use super::request::Request;
use super::words::{Field, Word};
use super::{Finding, Rule, Sink, Value, extent_of, has, is_dense, is_plausible, place_of};
use crate::abi::{
    Py_buffer, PyBUF_ANY_CONTIGUOUS, PyBUF_C_CONTIGUOUS, PyBUF_F_CONTIGUOUS, PyBUF_FORMAT,
    PyBUF_INDIRECT, PyBUF_MAX_NDIM, PyBUF_ND, PyBUF_STRIDES, PyBUF_WRITABLE,
};
use crate::format::item_size;
use crate::layout::Order;
use crate::layout::contiguity::is_one_line;

/// Judges a view as the answer to a request of `flags`. Requests that the documentation does not define
/// are judged by what does not depend on them.
///
/// # Safety
/// `shape`, `strides` and `suboffsets` are null or, if they are aligned and not in the first page, have
/// `ndim` readable entries if `ndim` is from 0 to 64; so is `format` null, in the first page, or a C
/// string. None of them changes during the call.
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
    // SAFETY: the caller's promise.
    unsafe { judge.format() };
}

/// The arrays of a view, as far as they are there.
#[derive(Clone, Copy)]
struct Arrays<'a> {
    shape: Option<&'a [isize]>,
    strides: Option<&'a [isize]>,
    suboffsets: Option<&'a [isize]>,
}

struct Judge<'a, 'b> {
    /// What its pointers point to can be read if it can be true (`check`).
    view: &'a Py_buffer,
    request: Request,
    sink: &'b mut Sink<'b>,
}

impl<'a> Judge<'a, '_> {
    fn asks(&self, flag: c_int) -> bool {
        self.request.has(flag)
    }

    /// Tells of a field, which holds what it holds.
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

    /// What a field holds. What was not asked for may be no format, and is not read.
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
        // SAFETY: an array that can be read if it can be true (`check`).
        unsafe { Value::array(array, view.ndim) }
    }

    /// What needs no array.
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

    /// A view without dimensions.
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
        // Of the plain request's answer only the bytes count: what is wrong then is ndim.
        if self.asks(PyBUF_ND) {
            let (len, itemsize) = (Value::Number(view.len), Value::Number(view.itemsize));
            self.tell_all(Rule::Len, Field::Len, -1, len, itemsize);
        } else {
            self.tell(Rule::Scalar, Field::Ndim, Word::OneDimension);
        }
    }

    /// A view with 1 to 64 dimensions.
    fn array(&mut self) {
        let view = self.view;
        let is_defined = self.request.is_defined();
        let is_needed = |flag| if is_defined { Some(self.asks(flag)) } else { None };
        let (shape, strides) = (is_needed(PyBUF_ND), is_needed(PyBUF_STRIDES));
        let shape = self.read(Rule::Shape, Field::Shape, shape);
        let strides = self.read(Rule::Strides, Field::Strides, strides);
        let suboffsets = self.suboffsets(is_defined, shape);
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
            // Without a shape itemsize is to be disregarded.
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

    /// Reads an array that is needed, unwanted, or either; an address that cannot be true is told.
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

    fn suboffsets(&mut self, is_defined: bool, shape: Option<&[isize]>) -> Option<&'a [isize]> {
        let is_wanted = self.asks(PyBUF_INDIRECT) || !is_defined;
        let is_needed = if is_wanted { None } else { Some(false) };
        let suboffsets = self.read(Rule::Suboffsets, Field::Suboffsets, is_needed)?;
        if place_of(suboffsets, false).is_none() {
            // A slice of an array without items may leave a negative one: memoryview does.
            if is_wanted && !shape.is_some_and(|shape| has(shape, 0)) {
                self.tell(Rule::NoSuboffsets, Field::Suboffsets, Word::Null);
            }
            return None;
        }
        Some(suboffsets)
    }

    /// `len` beside a shape; whether there are items with bytes, and not more than there is memory for.
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
        // Where there are no bytes, they lie in any order: PyBuffer_IsContiguous says so, too.
        size.is_some_and(|size| size > 0)
    }

    /// Whether the items are within the addresses that there are.
    fn structure(&mut self, arrays: Arrays) {
        let Arrays { shape: Some(shape), strides: Some(strides), .. } = arrays else { return };
        if extent_of(self.view.itemsize, shape, strides).is_none() {
            self.tell(Rule::Structure, Field::Strides, Word::WithinBlock);
        }
    }

    /// Whether the items lie back to back as the request asks.
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

    /// Whether the items lie back to back in C order, and in Fortran order.
    #[inline(never)]
    fn lies_in(&self, arrays: Arrays) -> (bool, bool) {
        let itemsize = self.view.itemsize;
        match (arrays.shape, arrays.strides) {
            _ if arrays.suboffsets.is_some() => (false, false),
            (Some(shape), Some(strides)) => {
                let is_dense = |order| is_dense(itemsize, shape, strides, order);
                (is_dense(Order::C), is_dense(Order::Fortran))
            }
            // Strides without a shape tell nothing: one of the two is told already.
            (None, _) => (true, true),
            (shape, None) => (true, self.view.ndim < 2 || is_one_line(shape)),
        }
    }

    /// # Safety
    /// As for [`check`].
    unsafe fn format(&mut self) {
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
        // SAFETY: a C string behind an address that may be true (caller).
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
