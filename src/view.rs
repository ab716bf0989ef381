//! What a `Py_buffer` means.
//!
//! `Fields` is a view as the exporter filled it, consistent or not, which is enough for predicates. `View` is a
//! view whose numbers were checked against each other once, which every access of items needs.
//!
//! A `View` upholds these invariants; every SAFETY comment that relies on one cites its number.
//!
//! * **V1** `itemsize >= 1`, every `shape[i] >= 0`, and `shape`, `strides` and `suboffsets` have the
//!   same length, `ndim`.
//! * **V2** `product(shape) * itemsize <= len <= isize::MAX`, equal unless the shape was implied.
//! * **V3** Every offset within a block (the sum of `index[i] * strides[i]`, plus `itemsize`) fits
//!   an `isize`, and so does the whole extent.
//! * **V4** The exporter promised, by the buffer protocol, that the items at these offsets are
//!   there, and, where a suboffset is not negative, that a pointer is.

pub mod plain;
pub mod pointer;
mod small;

use core::ffi::{c_char, c_int, c_void};
use core::slice;

use crate::abi::{Py_buffer, Py_ssize_t};
use crate::error::{Error, Kind, Message, message};
use crate::layout::Order;
use crate::layout::contiguity;
use crate::layout::extent;
use crate::layout::strides::c_stride;
use crate::suboffset::follow;

pub use small::Small;

/// A view's arrays as slices. Nothing else about the view is assumed.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    view: &'a Py_buffer,
}

impl<'a> Fields<'a> {
    /// Wraps a view.
    ///
    /// # Safety
    /// * ARRAYS: `shape`, `strides` and `suboffsets` are null or point to `ndim` readable values that do not
    ///   change during `'a`.
    pub unsafe fn new(view: &'a Py_buffer) -> Self {
        Self { view }
    }

    /// The address of the first item.
    pub fn buf(self) -> *mut c_void {
        self.view.buf
    }

    /// The number of bytes, according to the exporter.
    pub fn len(self) -> Py_ssize_t {
        self.view.len
    }

    /// Whether the exporter forbids writing.
    pub fn is_readonly(self) -> bool {
        self.view.readonly != 0
    }

    /// The number of dimensions; a negative `ndim` counts as none, as in libpython's loops.
    pub fn ndim(self) -> usize {
        usize::try_from(self.view.ndim).unwrap_or(0)
    }

    /// `shape[ndim]`, if there is one.
    pub fn shape(self) -> Option<&'a [Py_ssize_t]> {
        self.array(self.view.shape)
    }

    /// `strides[ndim]`, if there are any.
    pub fn strides(self) -> Option<&'a [Py_ssize_t]> {
        self.array(self.view.strides)
    }

    /// `suboffsets[ndim]`, if there are any.
    pub fn suboffsets(self) -> Option<&'a [Py_ssize_t]> {
        self.array(self.view.suboffsets)
    }

    fn array(self, first: *mut Py_ssize_t) -> Option<&'a [Py_ssize_t]> {
        // SAFETY: `ndim` readable values behind a pointer that is not null (`new`'s caller: ARRAYS).
        (!first.is_null()).then(|| unsafe { slice::from_raw_parts(first, self.ndim()) })
    }

    /// The address of the item at `indices[ndim]`, following pointers where suboffsets say so; `None`
    /// if the view has no strides.
    ///
    /// The indices are not checked: offsets wrap, as in libpython.
    ///
    /// # Safety
    /// Where a suboffset is not negative, a pointer is readable at the entry that the indices name.
    #[inline]
    pub unsafe fn locate(self, indices: &[Py_ssize_t]) -> Option<*mut u8> {
        let strides = self.strides()?;
        let mut at: *mut u8 = self.view.buf.cast();
        let Some(suboffsets) = self.suboffsets() else {
            let along = |stride: isize, index: isize| stride.wrapping_mul(index);
            // No loop for the numbers of dimensions that most views have.
            let offset = match (strides, indices) {
                ([s], [i]) => along(*s, *i),
                ([s, t], [i, j]) => along(*s, *i).wrapping_add(along(*t, *j)),
                ([s, t, u], [i, j, k]) => {
                    along(*s, *i).wrapping_add(along(*t, *j)).wrapping_add(along(*u, *k))
                }
                _ => strides
                    .iter()
                    .zip(indices)
                    .fold(0, |offset, (s, i)| along(*s, *i).wrapping_add(offset)),
            };
            return Some(at.wrapping_offset(offset));
        };
        for ((&stride, &suboffset), &index) in strides.iter().zip(suboffsets).zip(indices) {
            // SAFETY: a pointer is there where one is followed (caller).
            at = unsafe { follow(at.wrapping_offset(stride.wrapping_mul(index)), suboffset) };
        }
        Some(at)
    }

    /// As [`locate`](Self::locate) where the strides are those of C order, as `ctypes` leaves it.
    ///
    /// # Safety
    /// As for `locate`.
    #[cold]
    pub unsafe fn locate_without_strides(self, indices: &[Py_ssize_t]) -> Result<*mut u8, Error> {
        let shape = match self.shape() {
            Some(shape) => shape,
            None if indices.len() < 2 => &[],
            None => {
                let ndim = indices.len();
                return wrong(message!(
                    "Py_buffer.strides and Py_buffer.shape are NULL, but Py_buffer.ndim is {}",
                    ndim
                ));
            }
        };
        let mut at: *mut u8 = self.view.buf.cast();
        for (axis, &index) in indices.iter().enumerate() {
            let stride = c_stride(shape, self.view.itemsize, axis);
            let suboffset = self.suboffsets().and_then(|all| all.get(axis)).copied();
            at = at.wrapping_offset(stride.wrapping_mul(index));
            // SAFETY: a pointer is there where one is followed (caller).
            at = unsafe { follow(at, suboffset.unwrap_or(-1)) };
        }
        Ok(at)
    }

    /// Whether the items lie back to back in `order`: `'C'`, `'F'` or `'A'` (either of the two).
    ///
    /// libpython's answer in every case: any suboffsets mean no, any other order means no, and
    /// `len == 0` means yes. The result is C's (1 or 0), so that the rare case can be a tail call: a `bool`
    /// would have to be widened afterwards, and every call would need a stack frame for that.
    #[inline(always)]
    pub fn is_contiguous(self, order: c_char) -> c_int {
        let (Some(strides), None) = (self.strides(), self.suboffsets()) else {
            return self.is_contiguous_elsewise(order);
        };
        let is_dense = |order| self.view.len == 0 || self.is_dense(strides, order);
        let answer = match order as u8 {
            b'C' => is_dense(Order::C),
            b'F' => is_dense(Order::Fortran),
            b'A' => is_dense(Order::C) || is_dense(Order::Fortran),
            _ => false,
        };
        answer.into()
    }

    /// Whether the items lie back to back, if no pointers are followed.
    #[inline(always)]
    fn is_dense(self, strides: &[isize], order: Order) -> bool {
        match self.shape() {
            Some(shape) => contiguity::is_dense(self.view.itemsize, shape, strides, order),
            // An item without dimensions.
            None => self.ndim() == 0,
        }
    }

    /// As [`is_contiguous`](Self::is_contiguous) where there are suboffsets, or no strides: then they
    /// are those of C order.
    #[cold]
    #[inline(never)]
    fn is_contiguous_elsewise(self, order: c_char) -> c_int {
        let is_one_line =
            || self.ndim() <= 1 || self.view.len == 0 || contiguity::is_one_line(self.shape());
        let answer = match order as u8 {
            _ if self.suboffsets().is_some() => false,
            b'C' | b'A' => true,
            b'F' => is_one_line(),
            _ => false,
        };
        answer.into()
    }

    /// As [`is_contiguous`](Self::is_contiguous), for callers within the library. Kept out of line.
    #[inline(never)]
    pub fn lies_in(self, order: c_char) -> bool {
        self.is_contiguous(order) != 0
    }
}

/// A view whose sizes agree with each other: V1 to V4 of this module hold.
pub struct View<'a> {
    buf: *mut u8,
    itemsize: isize,
    /// `None` if the shape is implied by `len`: then it is `implied`.
    shape: Option<&'a [isize]>,
    implied: [isize; 1],
    strides: Option<&'a [isize]>,
    suboffsets: Option<&'a [isize]>,
}

impl<'a> View<'a> {
    /// Checks a view's numbers against each other.
    ///
    /// A ValueError names the field that is wrong, what it holds and what it should. V4 is not checked: whoever
    /// reaches an item has to know that the view is held.
    pub fn new(fields: Fields<'a>) -> Result<Self, Error> {
        let view = fields.view;
        if view.ndim < 0 {
            return wrong(message!("Py_buffer.ndim is {}: it must not be negative", view.ndim));
        }
        if view.len < 0 {
            return wrong(message!("Py_buffer.len is {}: it must not be negative", view.len));
        }
        if view.itemsize <= 0 {
            return wrong(message!("Py_buffer.itemsize is {}: it must be positive", view.itemsize));
        }
        // V1 for a view that has no shape: one dimension of as many items as fit.
        let implied = [view.len.checked_div(view.itemsize).unwrap_or(0)];
        let shape = fields.shape();
        if shape.is_none() && view.ndim > 1 {
            return wrong(message!(
                "Py_buffer.shape is NULL, but a view with ndim {} that is not contiguous needs one",
                view.ndim
            ));
        }
        if let Some(shape) = shape {
            check_len(view, shape)?;
        } else if view.ndim == 0 {
            check_len(view, &[])?;
        }
        let this = Self {
            buf: view.buf.cast(),
            itemsize: view.itemsize,
            shape: if view.ndim == 0 { Some(&[]) } else { shape },
            implied,
            strides: fields.strides(),
            suboffsets: fields.suboffsets(),
        };
        this.check_extent()?;
        Ok(this)
    }

    /// The first item.
    pub fn buf(&self) -> *mut u8 {
        self.buf
    }

    /// The size of an item, at least 1 (V1).
    pub fn itemsize(&self) -> isize {
        self.itemsize
    }

    /// `shape[ndim]`, none negative (V1).
    pub fn shape(&self) -> &[isize] {
        self.shape.unwrap_or(&self.implied)
    }

    /// `strides[ndim]`; `None` for C strides.
    pub fn strides(&self) -> Option<&[isize]> {
        self.strides
    }

    /// `suboffsets[ndim]`, if a dimension has one that is followed.
    pub fn suboffsets(&self) -> Option<&[isize]> {
        self.suboffsets.filter(|all| all.iter().any(|&suboffset| suboffset >= 0))
    }

    /// V3. Without strides the extent is that of the items back to back (V2).
    fn check_extent(&self) -> Result<(), Error> {
        let Some(strides) = self.strides else { return Ok(()) };
        let dims = self.shape().iter().copied().zip(strides.iter().copied());
        match extent::extent(self.itemsize, dims) {
            Some(_) => Ok(()),
            None => wrong(message!(
                "Py_buffer.strides {} reach beyond the address space with shape {}",
                strides,
                self.shape()
            )),
        }
    }
}

/// V2: `product(shape) * itemsize == len`, without overflow.
fn check_len(view: &Py_buffer, shape: &[isize]) -> Result<(), Error> {
    if let Some((i, n)) = shape.iter().enumerate().find(|(_, n)| **n < 0) {
        return wrong(message!("Py_buffer.shape[{}] is {}: it must not be negative", i, *n));
    }
    let needed = if shape.contains(&0) {
        Some(0)
    } else {
        shape.iter().try_fold(view.itemsize, |size, n| size.checked_mul(*n))
    };
    let (len, itemsize) = (view.len, view.itemsize);
    match needed {
        Some(needed) if needed == len => Ok(()),
        Some(needed) => wrong(message!(
            "Py_buffer.len is {}, but shape {} with itemsize {} makes {} bytes",
            len,
            shape,
            itemsize,
            needed
        )),
        None => wrong(message!(
            "Py_buffer.len is {}, but shape {} with itemsize {} makes more bytes than there are addresses",
            len,
            shape,
            itemsize
        )),
    }
}

#[cold]
fn wrong<T>(text: Message) -> Result<T, Error> {
    Err(Error::text(Kind::Value, text))
}
