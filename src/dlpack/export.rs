//! Views as tensors.
//!
//! An error is raised where it is found, so that its text and the frames of a copy are never on the stack at the same
//! time.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;

use super::dtype::of_format;
use super::held::{Form, New};
use super::{CPU, IS_COPIED, MAX_NDIM, READ_ONLY};
use crate::abi::{DLDataType, DLDevice, DLTensor, Py_buffer, PyBUF_FULL_RO, PyObject};
use crate::error::{Error, Kind, Message, Raised, Text, message};
use crate::protocol::contiguous::to_contiguous;
use crate::protocol::get;
use crate::runtime::{self, Life, raised, raised_text};
use crate::view::{Fields, View};

/// `PYBUFFER_DLPACK_COPY`: the tensor is a copy.
const COPY: c_int = 1;

/// A tensor of what `obj` exports, as one of the two structs.
///
/// # Safety
/// * OBJECT: an object of this process's world that the thread may use.
pub unsafe fn to_dlpack(
    obj: *mut PyObject,
    flags: c_int,
    form: Form,
) -> Result<*mut c_void, Raised> {
    let is_copied = is_copied(flags)?;
    let life = if is_copied { None } else { Some(life()?) };
    let mut new = New::with_room(0).ok_or_else(no_memory)?;
    // SAFETY: an object (caller: OBJECT), and a view of ours that stays where it is.
    unsafe { get::acquire_or_raise(obj, new.view(), PyBUF_FULL_RO) }?;
    // SAFETY: filled by the exporter.
    let view = unsafe { &*new.view() };
    let Some(life) = life else {
        // SAFETY: the exporter's answer, which is held.
        let made = unsafe { copy(view, form) };
        // SAFETY: filled above, not moved, and given back once.
        unsafe { get::release(new.view()) };
        return made;
    };
    // SAFETY: the exporter's answer, which is held.
    match unsafe { lay(&new, view, form) } {
        Ok(tensor) => {
            let flags = if view.readonly != 0 { READ_ONLY } else { 0 };
            new.hold(life, ptr::null_mut());
            Ok(new.hand_out(tensor, form, flags))
        }
        Err(raised) => {
            // SAFETY: filled above, not moved, and given back once.
            unsafe { get::release(new.view()) };
            Err(raised)
        }
    }
}

/// A tensor of what a view describes, which keeps `owner` if that is not null.
///
/// # Safety
/// * VIEW: its arrays are there. Its memory stays as long as `owner`; without one, or for a copy, see the caller's.
/// * OWNER: null or an object of this process's world that the thread may use.
pub unsafe fn view_to_dlpack(
    view: &Py_buffer,
    owner: *mut PyObject,
    flags: c_int,
) -> Result<*mut c_void, Raised> {
    if is_copied(flags)? {
        // SAFETY: the same view (caller: VIEW).
        return unsafe { copy(view, Form::Versioned) };
    }
    let mut new = New::with_room(0).ok_or_else(no_memory)?;
    // SAFETY: the same view (caller: VIEW).
    let tensor = unsafe { lay(&new, view, Form::Versioned) }?;
    if !owner.is_null() {
        let runtime = runtime::for_objects();
        let life = life()?;
        // SAFETY: an object (caller: OWNER).
        unsafe { runtime.incref(owner) };
        new.hold(life, owner);
    }
    let flags = if view.readonly != 0 { READ_ONLY } else { 0 };
    Ok(new.hand_out(tensor, Form::Versioned, flags))
}

/// Whether the caller's flags ask for a copy.
fn is_copied(flags: c_int) -> Result<bool, Raised> {
    match flags {
        0 => Ok(false),
        COPY => Ok(true),
        _ => Err(raised_text(Kind::Value, c"flags must be 0 or PYBUFFER_DLPACK_COPY")),
    }
}

#[cold]
#[inline(never)]
fn no_memory() -> Raised {
    raised(&Error::NoMemory)
}

/// The present life of the objects; an error raised in a subinterpreter, which may end before a tensor.
fn life() -> Result<Life, Raised> {
    match runtime::for_objects().life() {
        Ok(Some(life)) => Ok(life),
        Ok(None) => Err(needs_copy(message!("a tensor may outlive this subinterpreter"))),
        Err(raised) => Err(raised),
    }
}

/// The tensor that lies where a view does.
///
/// # Safety
/// * VIEW: the view's arrays are there, and its format is null or a C string.
#[inline(never)]
unsafe fn lay(new: &New, view: &Py_buffer, form: Form) -> Result<DLTensor, Raised> {
    // SAFETY: as the caller says (caller: VIEW).
    let (checked, dtype) = unsafe { check(view) }?;
    if form == Form::Legacy && view.readonly != 0 {
        return Err(needs_copy(message!("read-only memory needs DLPack 1.0 or later")));
    }
    if checked.suboffsets().is_some() {
        return Err(needs_copy(message!("DLPack has no suboffsets")));
    }
    let strides = checked.strides().filter(|_| has_items(view)).unwrap_or_default();
    set_dims(new, checked.shape(), strides, view.itemsize)?;
    Ok(tensor(new, checked.shape().len(), if_items(view, view.buf), dtype))
}

/// A tensor with a copy of a view's items in C order.
///
/// # Safety
/// * VIEW: the view's arrays and items are there, and its format is null or a C string.
#[inline(never)]
unsafe fn copy(view: &Py_buffer, form: Form) -> Result<*mut c_void, Raised> {
    // SAFETY: as the caller says (caller: VIEW).
    let dtype = unsafe { check(view) }?.1;
    let new = New::with_room(view.len.unsigned_abs()).ok_or_else(no_memory)?;
    // SAFETY: as the caller says (caller: VIEW).
    let fields = unsafe { Fields::new(view) };
    let implied = [view.len.checked_div(view.itemsize).unwrap_or(0)];
    let shape = fields.shape().unwrap_or(if view.ndim == 0 { &[] } else { &implied });
    set_dims(&new, shape, &[], view.itemsize)?;
    let tensor = tensor(&new, shape.len(), if_items(view, new.room().cast()), dtype);
    // SAFETY: as many bytes as the view has; its items are there (caller: VIEW).
    unsafe { to_contiguous(new.room().cast(), fields, view.len, b'C' as c_char, raised) }?;
    Ok(new.hand_out(tensor, form, IS_COPIED))
}

/// A view that can be a tensor, but for its strides and suboffsets, with its type.
///
/// # Safety
/// * VIEW: as for [`lay`].
#[inline(never)]
unsafe fn check(view: &Py_buffer) -> Result<(View<'_>, DLDataType), Raised> {
    // SAFETY: as the caller says (caller: VIEW).
    let checked = View::new(unsafe { Fields::new(view) }).map_err(|error| raised(&error))?;
    if checked.shape().len() > MAX_NDIM {
        return Err(raised_text(Kind::Buffer, c"a DLPack tensor has at most 64 dimensions"));
    }
    if view.buf.is_null() && view.len != 0 {
        return Err(raised(&Error::NullArgument));
    }
    // SAFETY: a C string, if it is not null (caller: VIEW).
    let format = if view.format.is_null() { c"B" } else { unsafe { CStr::from_ptr(view.format) } };
    Ok((checked, of_format(format, view.itemsize)?))
}

#[cold]
#[inline(never)]
fn needs_copy(why: Message) -> Raised {
    let mut text = Text::of(why);
    text.put(b": ask for a copy (PYBUFFER_DLPACK_COPY, copy=True)");
    raised(&Error::Text(Kind::Buffer, text))
}

/// The tensor's strides are those of C order, but for axes with a stride of their own that matters.
#[inline(never)]
fn set_dims(new: &New, shape: &[isize], strides: &[isize], itemsize: isize) -> Result<(), Raised> {
    let mut dense = 1_isize;
    for (axis, n) in shape.iter().enumerate().rev() {
        let mut stride = dense;
        if let Some(own) = strides.get(axis) {
            let whole = own.checked_div(itemsize).unwrap_or(0);
            if whole.wrapping_mul(itemsize) == *own {
                stride = whole;
            } else if *n > 1 {
                return Err(needs_copy(message!(
                    "strides {} are not whole items of {} bytes",
                    strides,
                    itemsize
                )));
            }
        }
        // SAFETY: there is room for `MAX_NDIM` of them, which no view exceeds (`check`).
        unsafe { new.shape().wrapping_add(axis).write(*n as i64) };
        // SAFETY: as above.
        unsafe { new.strides().wrapping_add(axis).write(stride as i64) };
        dense = dense.wrapping_mul(*n);
    }
    Ok(())
}

/// Whether a view that was checked has items.
fn has_items(view: &Py_buffer) -> bool {
    view.len >= view.itemsize
}

/// The address of a checked view's items; null if there are none.
fn if_items(view: &Py_buffer, buf: *mut c_void) -> *mut c_void {
    if has_items(view) { buf } else { ptr::null_mut() }
}

/// A tensor with the shape and strides that were set.
fn tensor(new: &New, ndim: usize, data: *mut c_void, dtype: DLDataType) -> DLTensor {
    DLTensor {
        data,
        device: DLDevice { device_type: CPU, device_id: 0 },
        // At most `MAX_NDIM`.
        ndim: ndim as i32,
        dtype,
        shape: new.shape(),
        strides: new.strides(),
        byte_offset: 0,
    }
}
