//! A tensor that was handed out, with all that it holds until its deleter is called.

use core::ffi::c_void;
use core::mem::offset_of;
use core::ptr::{self, NonNull};

use super::MAX_NDIM;
use crate::abi::{
    DLManagedTensor, DLManagedTensorVersioned, DLPackVersion, DLTensor, Py_buffer, PyObject,
};
use crate::block::Block;
use crate::protocol::get::{self, EMPTY};
use crate::runtime::{self, Life};

/// The version whose struct and flags are handed out. (1.1 to 1.3 add types and flags that no view has.)
const VERSION: DLPackVersion = DLPackVersion { major: 1, minor: 0 };

/// The two structs that a tensor can be handed out as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `DLManagedTensor`
    Legacy,
    /// `DLManagedTensorVersioned`
    Versioned,
}

/// One of the two structs.
#[repr(C)]
#[derive(Clone, Copy)]
union Struct {
    legacy: DLManagedTensor,
    versioned: DLManagedTensorVersioned,
}

/// A tensor and what it holds, in one block from `malloc`.
#[repr(C)]
pub struct Held {
    tensor: Struct,
    held: Holdings,
    shape: [i64; MAX_NDIM],
    strides: [i64; MAX_NDIM],
}

/// What the deleter releases.
#[repr(C)]
struct Holdings {
    /// What was asked of an exporter; without an object if nothing was. It may point into itself.
    view: Py_buffer,
    /// A reference, or null.
    owner: *mut PyObject,
    /// When the two were taken; `None` if there is nothing to release.
    life: Option<Life>,
}

impl Holdings {
    const NONE: Self = Self { view: EMPTY, owner: ptr::null_mut(), life: None };
}

/// The alignment of a copy, which DLPack asks for.
const ALIGNMENT: usize = 256;

/// A tensor that is being made. It is freed if it is dropped, but what it holds is not released.
pub struct New(Block);

impl New {
    /// A tensor that holds nothing, with room for a copy of `size` bytes; `None` if memory is refused.
    #[inline(never)]
    pub fn with_room(size: usize) -> Option<Self> {
        let padded = if size == 0 { 0 } else { size.checked_add(ALIGNMENT)? };
        let block = Block::new(size_of::<Held>().checked_add(padded)?)?;
        let new = Self(block);
        // SAFETY: a new block that is large enough, aligned for any type.
        unsafe { new.held().write(Holdings::NONE) };
        Some(new)
    }

    fn held(&self) -> *mut Holdings {
        self.part(offset_of!(Held, held))
    }

    /// The address of a member of the block.
    fn part<T>(&self, offset: usize) -> *mut T {
        self.0.start().wrapping_byte_add(offset).cast()
    }

    /// The room for a copy.
    pub fn room(&self) -> *mut u8 {
        let end = self.0.start().wrapping_add(size_of::<Held>());
        end.wrapping_add(end.addr().wrapping_neg() & ALIGNMENT.wrapping_sub(1))
    }

    /// The view, which stays where it is until it is released.
    pub fn view(&self) -> *mut Py_buffer {
        self.held().wrapping_byte_add(offset_of!(Holdings, view)).cast()
    }

    /// Has the deleter drop a reference to `owner`, if that is not null, and release the view.
    pub fn hold(&mut self, life: Life, owner: *mut PyObject) {
        // SAFETY: a block of ours, initialised but for the tensor.
        unsafe { (*self.held()).life = Some(life) };
        // SAFETY: as above.
        unsafe { (*self.held()).owner = owner };
    }

    /// The tensor's shape.
    pub fn shape(&self) -> *mut i64 {
        self.part(offset_of!(Held, shape))
    }

    /// The tensor's strides in items.
    pub fn strides(&self) -> *mut i64 {
        self.part(offset_of!(Held, strides))
    }

    /// Hands the tensor out; its deleter frees it.
    #[inline(never)]
    pub fn hand_out(self, dl_tensor: DLTensor, form: Form, flags: u64) -> *mut c_void {
        let held: *mut Held = self.0.keep().as_ptr().cast();
        let manager_ctx = held.cast();
        let tensor = match form {
            Form::Legacy => {
                let deleter = Some(delete as _);
                Struct { legacy: DLManagedTensor { dl_tensor, manager_ctx, deleter } }
            }
            Form::Versioned => {
                let (version, deleter) = (VERSION, Some(delete_versioned as _));
                let versioned =
                    DLManagedTensorVersioned { version, manager_ctx, deleter, flags, dl_tensor };
                Struct { versioned }
            }
        };
        // SAFETY: a block of ours, which nobody else knows yet.
        unsafe { (*held).tensor = tensor };
        held.cast()
    }
}

/// The deleter of the legacy struct.
///
/// # Safety
/// * TENSOR: `tensor` is null, or was handed out and is given up.
unsafe extern "C" fn delete(tensor: *mut DLManagedTensor) {
    if !tensor.is_null() {
        // SAFETY: it was handed out (caller: TENSOR).
        let held = unsafe { (*tensor).manager_ctx };
        // SAFETY: `hand_out` stored it there (caller: TENSOR).
        unsafe { release(held.cast()) };
    }
}

/// The deleter of the versioned struct.
///
/// # Safety
/// * TENSOR: as for [`delete`].
unsafe extern "C" fn delete_versioned(tensor: *mut DLManagedTensorVersioned) {
    if !tensor.is_null() {
        // SAFETY: it was handed out (caller: TENSOR).
        let held = unsafe { (*tensor).manager_ctx };
        // SAFETY: `hand_out` stored it there (caller: TENSOR).
        unsafe { release(held.cast()) };
    }
}

/// Releases and frees what a tensor holds. Without an interpreter that could do so, nothing is: the exporter's view
/// stays acquired, and the block with it.
///
/// # Safety
/// * HELD: a tensor that was handed out with it is given up.
#[inline(never)]
unsafe fn release(held: *mut Held) {
    // SAFETY: it was initialised when the tensor was handed out (caller: HELD).
    let life = unsafe { (*held).held.life };
    // SAFETY: what it was taken for (caller: HELD).
    let mut drop_held = || unsafe { drop_held(held) };
    if life.is_some_and(|life| !runtime::for_objects().anywhere(life, &mut drop_held)) {
        return;
    }
    if let Some(start) = NonNull::new(held.cast()) {
        // SAFETY: `hand_out` kept it, and it is given up once (caller: HELD).
        drop(unsafe { Block::kept(start) });
    }
}

/// Releases the view and drops the reference.
///
/// # Safety
/// * HELD: as for [`release`].
/// * STATE: a thread state of their interpreter is attached, in the life in which they were taken.
unsafe fn drop_held(held: *mut Held) {
    // SAFETY: a block of ours (caller: HELD). No reference is made: an exporter may change its view.
    let view = unsafe { &raw mut (*held).held.view };
    // SAFETY: filled by an exporter where it is, or empty (caller: HELD, STATE).
    unsafe { get::release(view) };
    // SAFETY: initialised (caller: HELD).
    let owner = unsafe { (*held).held.owner };
    if !owner.is_null() {
        // SAFETY: the tensor's own reference (caller: HELD, STATE).
        unsafe { runtime::for_objects().decref(owner) };
    }
}
