//! The library's own objects, for processes without Python.
//!
//! An object is a reference count and a type, laid out as in CPython's public headers, so that an
//! exporter's source compiles against Python.h and against libpybuffer.h alike. Reference counts are
//! atomic, each thread has its own error, and error texts are those of the newest CPython.

pub mod bytes;
pub mod errors;
pub mod exceptions;
pub mod memoryview;
pub mod objects;
pub mod owners;
mod world;

use core::cell::UnsafeCell;
use core::ffi::CStr;

use super::Runtime;
use super::layout::ObjectLayout;
use super::memoryviews::{Makers, Memoryviews};
use crate::abi::{PyBufferProcs, PyTypeObject, destructor};
use crate::error::Text;

/// The reference count of static objects: too large for a program to reach 0 by mistake.
const IMMORTAL: isize = isize::MAX / 2;

/// The world of a process without Python.
pub static RUNTIME: Runtime = Runtime {
    layout: ObjectLayout::PLAIN,
    incref: objects::incref,
    decref: objects::decref,
    counts_are_plain: false,
    thread_state: None,
    host: None,
    description: Text::from_ascii("standalone"),
    memoryviews: Memoryviews {
        r#type: memoryview::memoryview_type(),
        shift: Some(0),
        makers: Makers {
            from_object: Some(memoryview::from_object),
            from_memory: Some(memoryview::from_memory),
            from_buffer: Some(memoryview::from_buffer),
            get_contiguous: None,
        },
        new_bytes: Some(bytes::new),
        bytes: Some(bytes::data),
        allocate: Some(libc::malloc),
    },
};

/// A type of the library's own.
pub struct StaticType(UnsafeCell<PyTypeObject>);

// SAFETY: the library only takes the address, and changes the reference count atomically.
unsafe impl Sync for StaticType {}

/// The type of types.
static METATYPE: StaticType = StaticType(UnsafeCell::new(objects::static_type(c"type")));

/// The buffer slots of a type of the library's own.
struct StaticSlots(PyBufferProcs);

impl StaticType {
    /// A ready type (as after `PyType_Ready`) with instances of `size` bytes.
    const fn ready(
        name: &'static CStr,
        size: usize,
        dealloc: destructor,
        slots: Option<&'static StaticSlots>,
    ) -> Self {
        let mut this = objects::static_type(name);
        this.ob_base.ob_base.ob_type = METATYPE.0.get();
        this.tp_basicsize = size.cast_signed();
        this.tp_dealloc = Some(dealloc);
        this.tp_free = Some(objects::free);
        if let Some(slots) = slots {
            this.tp_as_buffer = (&raw const slots.0).cast_mut();
        }
        Self(UnsafeCell::new(this))
    }
}

/// The type of the standalone types, which `PyType_Ready` sets.
pub fn metatype() -> *mut PyTypeObject {
    METATYPE.0.get()
}
