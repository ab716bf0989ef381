//! Tensors as memoryviews. Nothing of a tensor is believed: its sizes are checked before a pointer is formed.

use core::ffi::{CStr, c_void};
use core::ptr;

use super::dtype;
use super::{CPU, MAX_NDIM, READ_ONLY};
use crate::abi::{
    DLDataType, DLManagedTensor, DLManagedTensorVersioned, DLTensor, Py_buffer, PyObject,
};
use crate::error::{Kind, Message, Raised, message};
use crate::layout::extent::extent;
use crate::protocol::get::EMPTY;
use crate::protocol::memoryview;
use crate::runtime::{Destructor, raised_as, raised_text};

/// The major version whose structs are read.
const MAJOR: u32 = 1;

/// What a tensor's memory is where there is none: a memoryview needs an address.
static NOWHERE: u8 = 0;

/// The struct that a caller has.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// `DLManagedTensor`
    Legacy(&'a DLManagedTensor),
    /// `DLManagedTensorVersioned`
    Versioned(&'a DLManagedTensorVersioned),
}

/// A memoryview of a tensor's memory, which calls the deleter after its last use. If none is made, the tensor stays the
/// caller's.
///
/// # Safety
/// * TENSOR: it is whole, its memory stays until the deleter is called, and any thread may call that.
pub unsafe fn from_dlpack(source: Source) -> Result<*mut PyObject, Raised> {
    let (tensor, readonly, end, context): (_, _, Destructor, *const c_void) = match source {
        Source::Legacy(tensor) => (&tensor.dl_tensor, false, end, ptr::from_ref(tensor).cast()),
        Source::Versioned(tensor) => {
            if tensor.version.major != MAJOR {
                return Err(raised_as(
                    Kind::Buffer,
                    message!(
                        "the tensor is of DLPack {}.{}, and libpybuffer reads 1.x",
                        tensor.version.major,
                        tensor.version.minor
                    ),
                ));
            }
            let is_readonly = tensor.flags & READ_ONLY != 0;
            (&tensor.dl_tensor, is_readonly, end_versioned, ptr::from_ref(tensor).cast())
        }
    };
    let mut dims = [[0; MAX_NDIM]; 2];
    // SAFETY: a whole tensor (caller: TENSOR).
    let mut info = unsafe { describe(tensor, &mut dims) }?;
    info.readonly = readonly.into();
    // SAFETY: a view whose numbers agree, and whose memory stays until the deleter is called (caller: TENSOR).
    unsafe { memoryview::from_buffer_with_destructor(&info, end, context.cast_mut()) }
}

/// The end of a memoryview of a legacy tensor.
///
/// # Safety
/// * TENSOR: `tensor` is a `DLManagedTensor`, which is given up.
unsafe extern "C" fn end(tensor: *mut c_void) {
    let tensor: *mut DLManagedTensor = tensor.cast();
    // SAFETY: a tensor (caller: TENSOR).
    if let Some(deleter) = unsafe { (*tensor).deleter } {
        // SAFETY: its own deleter, called once (caller: TENSOR).
        unsafe { deleter(tensor) };
    }
}

/// The end of a memoryview of a versioned tensor.
///
/// # Safety
/// * TENSOR: `tensor` is a `DLManagedTensorVersioned`, which is given up.
unsafe extern "C" fn end_versioned(tensor: *mut c_void) {
    let tensor: *mut DLManagedTensorVersioned = tensor.cast();
    // SAFETY: a tensor (caller: TENSOR).
    if let Some(deleter) = unsafe { (*tensor).deleter } {
        // SAFETY: its own deleter, called once (caller: TENSOR).
        unsafe { deleter(tensor) };
    }
}

/// The view that a tensor is, with its shape and strides in `dims`.
///
/// # Safety
/// * TENSOR: its arrays, where not null, have `ndim` entries.
#[inline(never)]
unsafe fn describe(
    tensor: &DLTensor,
    dims: &mut [[isize; MAX_NDIM]; 2],
) -> Result<Py_buffer, Raised> {
    let (format, itemsize) = check_kind(tensor)?;
    let ndim = usize::try_from(tensor.ndim).unwrap_or(usize::MAX);
    let [shape, strides] = dims;
    let (Some(shape), Some(strides)) = (shape.get_mut(..ndim), strides.get_mut(..ndim)) else {
        return Err(wrong(message!("DLTensor.ndim is {}: it must be from 0 to 64", tensor.ndim)));
    };
    if ndim > 0 && tensor.shape.is_null() {
        return Err(raised_text(Kind::Value, c"DLTensor.shape is NULL"));
    }
    // SAFETY: null for no entries, or `ndim` entries (caller: TENSOR).
    let n_items = unsafe { read_shape(tensor.shape, shape, strides, itemsize) }?;
    if n_items > 0 && !tensor.strides.is_null() {
        // SAFETY: `ndim` entries (caller: TENSOR).
        unsafe { read_strides(tensor.strides, strides, shape, itemsize) }?;
    }
    let buf = first_item(tensor, n_items, itemsize, shape, strides)?;
    let if_there = |array: &mut [isize]| {
        if ndim == 0 { ptr::null_mut() } else { array.as_mut_ptr() }
    };
    Ok(Py_buffer {
        buf,
        len: n_items.wrapping_mul(itemsize),
        itemsize,
        // At most `MAX_NDIM`.
        ndim: tensor.ndim,
        format: format.as_ptr().cast_mut(),
        shape: if_there(shape),
        strides: if_there(strides),
        ..EMPTY
    })
}

/// The format of the items, and their size; an error raised if they are not in the CPU's memory, or no single values.
fn check_kind(tensor: &DLTensor) -> Result<(&'static CStr, isize), Raised> {
    let DLDataType { code, bits, lanes } = tensor.dtype;
    if tensor.device.device_type != CPU {
        return Err(raised_as(
            Kind::Buffer,
            message!(
                "the tensor is on device ({}, {}), not on the CPU, (1, 0): move it there",
                tensor.device.device_type,
                tensor.device.device_id
            ),
        ));
    }
    match dtype::find(tensor.dtype) {
        Some((_, format)) if !format.is_empty() => Ok((format, isize::from(bits / 8))),
        _ => Err(raised_as(
            Kind::Buffer,
            message!(
                "items of DLPack code {}, {} bits and {} lanes have no format: convert them to another dtype",
                code,
                bits,
                lanes
            ),
        )),
    }
}

/// Reads a tensor's shape, and sets the strides of C order. Returns the number of items, whose bytes fit an `isize`.
///
/// # Safety
/// * SHAPE: `from` has as many entries as `shape`, and `strides` too.
unsafe fn read_shape(
    from: *const i64,
    shape: &mut [isize],
    strides: &mut [isize],
    itemsize: isize,
) -> Result<isize, Raised> {
    let mut size = Some(itemsize);
    let mut is_empty = false;
    for (axis, (n, stride)) in shape.iter_mut().zip(strides).enumerate().rev() {
        // SAFETY: as many entries (caller: SHAPE).
        let given = unsafe { from.wrapping_add(axis).read() };
        *n = match isize::try_from(given) {
            Ok(n) if n >= 0 => n,
            _ => return Err(wrong(message!("DLTensor.shape[{}] is {}", axis, given))),
        };
        *stride = size.unwrap_or(0);
        is_empty |= *n == 0;
        size = size.and_then(|size| size.checked_mul(*n));
    }
    match size {
        _ if is_empty => Ok(0),
        Some(size) => Ok(size.checked_div(itemsize).unwrap_or(0)),
        None => {
            Err(raised_text(Kind::Value, c"DLTensor.shape has more items than memory can hold"))
        }
    }
}

/// Reads the strides of a tensor that has items, in bytes.
///
/// # Safety
/// * STRIDES: `from` has as many entries as `strides`, and `shape` too.
unsafe fn read_strides(
    from: *const i64,
    strides: &mut [isize],
    shape: &[isize],
    itemsize: isize,
) -> Result<(), Raised> {
    for (axis, (stride, n)) in strides.iter_mut().zip(shape).enumerate() {
        // SAFETY: as many entries (caller: STRIDES).
        let given = unsafe { from.wrapping_add(axis).read() };
        match isize::try_from(given).ok().and_then(|given| given.checked_mul(itemsize)) {
            Some(bytes) => *stride = bytes,
            // It leads nowhere: that of C order stays.
            None if *n < 2 => {}
            None => {
                return Err(wrong(message!(
                    "DLTensor.strides[{}] is {} items of {} bytes: that is beyond the address space",
                    axis,
                    given,
                    itemsize
                )));
            }
        }
    }
    Ok(())
}

/// The address of the first item; an error raised if one lies beyond the address space.
fn first_item(
    tensor: &DLTensor,
    n_items: isize,
    itemsize: isize,
    shape: &[isize],
    strides: &[isize],
) -> Result<*mut c_void, Raised> {
    if n_items == 0 {
        return Ok((&raw const NOWHERE).cast_mut().cast());
    }
    if tensor.data.is_null() {
        return Err(raised_text(Kind::Value, c"DLTensor.data is NULL, and there are items"));
    }
    let dims = shape.iter().copied().zip(strides.iter().copied());
    let offset = usize::try_from(tensor.byte_offset).ok();
    let first = offset.and_then(|offset| tensor.data.addr().checked_add(offset));
    let lies_within = |first: usize| {
        let extent = extent(itemsize, dims)?;
        first.checked_add_signed(extent.low)?;
        first.checked_add_signed(extent.high)
    };
    match (first.and_then(lies_within), offset) {
        (Some(_), Some(offset)) => Ok(tensor.data.wrapping_byte_add(offset)),
        _ => Err(raised_text(
            Kind::Value,
            c"DLTensor.byte_offset or strides lead beyond the address space",
        )),
    }
}

#[cold]
#[inline(never)]
fn wrong(why: Message) -> Raised {
    raised_as(Kind::Value, why)
}
