//! DLPack: views as tensors, and tensors as memoryviews.
//!
//! A tensor is handed out with all that it needs in one block: what is asked of its exporter, its shape and strides, or
//! a copy of the items. Its deleter is called by anybody, at any time (`held`). What comes in is not believed: sizes are
//! checked before a pointer is formed (`import`).

mod dtype;
mod export;
mod held;
mod import;

pub use dtype::find;
pub use export::{to_dlpack, view_to_dlpack};
pub use held::Form;
pub use import::{Source, from_dlpack};

/// The largest number of dimensions: that of a memoryview, of NumPy and of PyTorch.
const MAX_NDIM: usize = crate::abi::PyBUF_MAX_NDIM as usize;

/// `DLDeviceType`'s number for memory of the CPU.
const CPU: i32 = 1;

/// In `DLManagedTensorVersioned.flags`: the memory must not be written.
const READ_ONLY: u64 = 1;
/// In `DLManagedTensorVersioned.flags`: the items are a copy, which nobody else has.
const IS_COPIED: u64 = 2;
