//! The structs of DLPack, as `dlpack.h` 1.x lays them out.

use core::ffi::c_void;

/// Where a tensor's memory is.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DLDevice {
    /// The kind of device; 1 for memory of the CPU.
    pub device_type: i32,
    /// Which one of that kind.
    pub device_id: i32,
}

/// What an item is.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DLDataType {
    /// The kind of value.
    pub code: u8,
    /// The width of one value; of both parts of a complex number together.
    pub bits: u8,
    /// How many values an item has.
    pub lanes: u16,
}

/// An array in memory.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DLTensor {
    /// The address from which `byte_offset` counts.
    pub data: *mut c_void,
    /// Where that is.
    pub device: DLDevice,
    /// The number of dimensions.
    pub ndim: i32,
    /// What an item is.
    pub dtype: DLDataType,
    /// `shape[ndim]`: the number of items along each dimension.
    pub shape: *mut i64,
    /// `strides[ndim]`, in items; `NULL` for C order.
    pub strides: *mut i64,
    /// The offset of the first item in bytes.
    pub byte_offset: u64,
}

/// A tensor with its owner, as before DLPack 1.0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DLManagedTensor {
    /// The array.
    pub dl_tensor: DLTensor,
    /// For the producer's own use.
    pub manager_ctx: *mut c_void,
    /// Called once, by whoever uses the tensor last; `NULL` if there is nothing to do.
    pub deleter: Option<unsafe extern "C" fn(*mut DLManagedTensor)>,
}

/// The version of DLPack that a tensor is laid out by.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DLPackVersion {
    /// Another one means another layout.
    pub major: u32,
    /// Another one means more values only.
    pub minor: u32,
}

/// A tensor with its owner, from DLPack 1.0 on.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DLManagedTensorVersioned {
    /// The version of this struct.
    pub version: DLPackVersion,
    /// For the producer's own use.
    pub manager_ctx: *mut c_void,
    /// Called once, by whoever uses the tensor last; `NULL` if there is nothing to do.
    pub deleter: Option<unsafe extern "C" fn(*mut DLManagedTensorVersioned)>,
    /// Bit 0: read-only; bit 1: a copy; bit 2: items of less than a byte are padded.
    pub flags: u64,
    /// The array.
    pub dl_tensor: DLTensor,
}
