//! One view beside the request that it answers.
//!
//! Nothing is changed, allocated or called: the live audit asks this of every view that is handed out.
//! Pointers that cannot be true (unaligned, in the first page) are told and not followed. Where one
//! mistake would break several rules, the one is told that says what to mend.

use core::ffi::{CStr, c_int};
use core::slice;

use super::request::Request;
use super::{Finding, Rule, Sink, Value, is_plausible};
use crate::abi::{
    Py_buffer, PyBUF_ANY_CONTIGUOUS, PyBUF_C_CONTIGUOUS, PyBUF_F_CONTIGUOUS, PyBUF_FORMAT,
    PyBUF_INDIRECT, PyBUF_MAX_NDIM, PyBUF_ND, PyBUF_STRIDES, PyBUF_WRITABLE,
};
use crate::format::item_size;
use crate::layout::Order;
use crate::layout::contiguity::{is_dense, is_one_line};
use crate::layout::extent::extent;

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
        let ndim = Value::Number(view.ndim as isize);
        return judge.tell(Rule::Ndim, c"ndim", ndim, Value::Words("0 to 64"));
    }
    if view.ndim == 0 {
        judge.scalar();
    } else {
        // SAFETY: `ndim` is in its bounds; the rest is the caller's promise.
        unsafe { judge.array() };
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
    view: &'a Py_buffer,
    request: Request,
    sink: &'b mut Sink<'b>,
}

impl Judge<'_, '_> {
    fn asks(&self, flag: c_int) -> bool {
        self.request.has(flag)
    }

    fn tell(&mut self, rule: Rule, field: &'static CStr, found: Value, expected: Value) {
        self.tell_axis(rule, field, -1, found, expected);
    }

    #[cold]
    #[inline(never)]
    fn tell_axis(
        &mut self,
        rule: Rule,
        field: &'static CStr,
        axis: c_int,
        found: Value,
        expected: Value,
    ) {
        let flags = self.request.0;
        (self.sink)(&Finding { rule, flags, field, axis, found, expected });
    }

    /// What needs no array.
    fn fields(&mut self) {
        let view = self.view;
        if view.obj.is_null() {
            self.tell(Rule::Obj, c"obj", Value::Null, Value::Words("the exporter"));
        }
        if view.buf.is_null() && view.len > 0 {
            self.tell(Rule::Buf, c"buf", Value::Null, Value::Words("the first item"));
        }
        if view.itemsize < 0 {
            let itemsize = Value::Number(view.itemsize);
            self.tell(Rule::Itemsize, c"itemsize", itemsize, Value::Words("0 or more"));
        }
        let readonly = Value::Number(view.readonly as isize);
        if view.readonly != 0 && self.asks(PyBUF_WRITABLE) {
            self.tell(Rule::Writable, c"readonly", readonly, Value::Words("0, or BufferError"));
        } else if !(0..=1).contains(&view.readonly) {
            self.tell(Rule::Readonly, c"readonly", readonly, Value::Words("1 or 0"));
        }
    }

    /// A view without dimensions.
    fn scalar(&mut self) {
        let view = self.view;
        for (field, array) in
            [(c"shape", view.shape), (c"strides", view.strides), (c"suboffsets", view.suboffsets)]
        {
            if !array.is_null() {
                let found = Value::Address(array.addr());
                self.tell(Rule::Scalar, field, found, Value::Words("NULL, as ndim is 0"));
            }
        }
        if view.itemsize < 0 || view.len == view.itemsize {
            return;
        }
        let (len, itemsize) = (Value::Number(view.len), Value::Number(view.itemsize));
        // Of the plain request's answer only the bytes count: what is wrong then is ndim.
        if self.asks(PyBUF_ND) {
            self.tell(Rule::Len, c"len", len, itemsize);
        } else {
            self.tell(
                Rule::Scalar,
                c"ndim",
                Value::Number(0),
                Value::Words("1, as len is not itemsize"),
            );
        }
    }

    /// A view with dimensions.
    ///
    /// # Safety
    /// `ndim` is from 1 to 64; the rest as for [`check`].
    unsafe fn array(&mut self) {
        let view = self.view;
        let needs = |flag| Some(self.asks(flag)).filter(|_| self.request.is_defined());
        let (shape, strides) = (needs(PyBUF_ND), needs(PyBUF_STRIDES));
        // SAFETY: the caller's promise.
        let shape = unsafe { self.read(Rule::Shape, c"shape", view.shape, shape) };
        // SAFETY: as above.
        let strides = unsafe { self.read(Rule::Strides, c"strides", view.strides, strides) };
        // SAFETY: as above.
        let suboffsets = unsafe { self.suboffsets() };
        let arrays = Arrays { shape, strides, suboffsets };

        let Some(n_items) = self.n_items(arrays.shape) else { return };
        if view.itemsize < 0 {
            return;
        }
        self.len(arrays.shape, n_items);
        // Of no items nothing can be said, nor of more than there is memory for.
        if arrays.shape.is_none() || n_items.is_some_and(|n| n > 0) {
            self.structure(arrays);
            self.contiguity(arrays);
        }
    }

    /// Reads an array that is needed, unwanted, or either; an address that cannot be true is told.
    ///
    /// # Safety
    /// As for [`check`].
    unsafe fn read<'c>(
        &mut self,
        rule: Rule,
        field: &'static CStr,
        array: *mut isize,
        is_needed: Option<bool>,
    ) -> Option<&'c [isize]> {
        if array.is_null() {
            if is_needed == Some(true) {
                self.tell(rule, field, Value::Null, Value::Words("an array of ndim numbers"));
            }
            return None;
        }
        if !is_plausible(array) {
            let address = Value::Address(array.addr());
            self.tell(rule, field, address, Value::Words("an address that can be read"));
            return None;
        }
        let ndim = usize::try_from(self.view.ndim).unwrap_or(0);
        // SAFETY: `ndim` entries behind an address that may be true (caller).
        let numbers = unsafe { slice::from_raw_parts(array, ndim) };
        if is_needed == Some(false) {
            self.tell(rule, field, Value::Numbers(numbers), Value::Null);
        }
        Some(numbers)
    }

    /// # Safety
    /// As for [`check`].
    unsafe fn suboffsets<'c>(&mut self) -> Option<&'c [isize]> {
        let is_wanted = self.asks(PyBUF_INDIRECT) || !self.request.is_defined();
        let is_needed = if is_wanted { None } else { Some(false) };
        let array = self.view.suboffsets;
        // SAFETY: the caller's promise.
        let suboffsets = unsafe { self.read(Rule::Suboffsets, c"suboffsets", array, is_needed) }?;
        if suboffsets.iter().all(|&suboffset| suboffset < 0) {
            if is_wanted {
                let found = Value::Numbers(suboffsets);
                self.tell(Rule::NoSuboffsets, c"suboffsets", found, Value::Null);
            }
            return None;
        }
        Some(suboffsets)
    }

    /// `product(shape)`, `None` within if it is larger than any memory; `None` if an extent is negative.
    #[expect(clippy::option_option, reason = "two ways to have no number")]
    fn n_items(&mut self, shape: Option<&[isize]>) -> Option<Option<isize>> {
        let Some(shape) = shape else { return Some(None) };
        if let Some((axis, &n)) = shape.iter().enumerate().find(|(_, n)| **n < 0) {
            let axis = c_int::try_from(axis).unwrap_or(-1);
            let found = Value::Number(n);
            self.tell_axis(Rule::Extent, c"shape", axis, found, Value::Words("0 or more"));
            return None;
        }
        if shape.contains(&0) {
            return Some(Some(0));
        }
        Some(shape.iter().try_fold(1_isize, |product, &n| product.checked_mul(n)))
    }

    /// `len`, beside a shape if one is shown: without one itemsize is to be disregarded.
    fn len(&mut self, shape: Option<&[isize]>, n_items: Option<isize>) {
        let view = self.view;
        let len = Value::Number(view.len);
        let Some(shape) = shape else {
            if view.len < 0 {
                self.tell(Rule::Len, c"len", len, Value::Words("0 or more"));
            }
            return;
        };
        match n_items.and_then(|n| n.checked_mul(view.itemsize)) {
            Some(product) if product == view.len => {}
            Some(product) => self.tell(Rule::Len, c"len", len, Value::Number(product)),
            None => {
                let words = Value::Words("product(shape) * itemsize below 2**63");
                self.tell(Rule::Len, c"shape", Value::Numbers(shape), words);
            }
        }
    }

    /// Whether the items are within the addresses that there are.
    fn structure(&mut self, arrays: Arrays) {
        let Arrays { shape: Some(shape), strides: Some(strides), .. } = arrays else { return };
        let dims = shape.iter().copied().zip(strides.iter().copied());
        if extent(self.view.itemsize, dims).is_none() {
            let words = Value::Words("strides within the memory block");
            self.tell(Rule::Structure, c"strides", Value::Numbers(strides), words);
        }
    }

    /// Whether the items lie back to back as the request asks.
    fn contiguity(&mut self, arrays: Arrays) {
        if !self.request.is_defined() {
            return;
        }
        let is_c_needed = self.asks(PyBUF_C_CONTIGUOUS) || !self.asks(PyBUF_STRIDES);
        let is_broken = is_c_needed && !self.lies_in(arrays, true, false)
            || self.asks(PyBUF_F_CONTIGUOUS) && !self.lies_in(arrays, false, true)
            || self.asks(PyBUF_ANY_CONTIGUOUS) && !self.lies_in(arrays, true, true);
        if !is_broken {
            return;
        }
        let words = if is_c_needed {
            "C-contiguous memory, or BufferError"
        } else if self.asks(PyBUF_F_CONTIGUOUS) {
            "Fortran-contiguous memory, or BufferError"
        } else {
            "contiguous memory, or BufferError"
        };
        let found = arrays.suboffsets.or(arrays.strides).map_or(Value::Null, Value::Numbers);
        self.tell(Rule::Contiguity, c"strides", found, Value::Words(words));
    }

    fn lies_in(&self, arrays: Arrays, c: bool, fortran: bool) -> bool {
        if arrays.suboffsets.is_some() {
            return false;
        }
        let itemsize = self.view.itemsize;
        match (arrays.shape, arrays.strides) {
            (Some(shape), Some(strides)) => {
                c && is_dense(itemsize, shape, strides, Order::C)
                    || fortran && is_dense(itemsize, shape, strides, Order::Fortran)
            }
            // Strides without a shape tell nothing: one of the two is told already.
            (None, _) => true,
            (shape, None) => c || self.view.ndim < 2 || is_one_line(shape),
        }
    }

    /// # Safety
    /// As for [`check`].
    unsafe fn format(&mut self) {
        if !self.request.is_defined() {
            return;
        }
        let (format, field) = (self.view.format, c"format");
        if !self.asks(PyBUF_FORMAT) {
            if !format.is_null() {
                let found = Value::Address(format.addr());
                self.tell(Rule::Format, field, found, Value::Null);
            }
            return;
        }
        if format.is_null() {
            return self.tell(Rule::Format, field, Value::Null, Value::Words("a format"));
        }
        if !is_plausible(format) {
            let found = Value::Address(format.addr());
            return self.tell(
                Rule::Format,
                field,
                found,
                Value::Words("an address that can be read"),
            );
        }
        // SAFETY: a C string behind an address that may be true (caller).
        let format = unsafe { CStr::from_ptr(format) }.to_bytes();
        let itemsize = self.view.itemsize;
        match item_size(format) {
            Ok(size) if itemsize >= 0 && size.cast_signed() != itemsize => {
                let (found, size) = (Value::Number(itemsize), Value::Number(size.cast_signed()));
                self.tell(Rule::FormatSize, c"itemsize", found, size);
            }
            Ok(_) => {}
            Err(problem) => {
                let at = c_int::try_from(problem.position).unwrap_or(-1);
                let words = Value::Words("a format of struct or PEP 3118");
                self.tell_axis(Rule::FormatSyntax, field, at, Value::Quoted(format), words);
            }
        }
    }
}
