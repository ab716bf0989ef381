//! Where an object's type lies, and a type's slots.
//!
//! The head of an object is 2 words long in most builds of CPython, 4 with free threading or with
//! traced references; what follows it in a type has had the same order since 3.8. So the place of the
//! type pointer within the head decides everything. It is measured on a type of the host, never
//! assumed from a version.

use core::ffi::{CStr, c_char};
use core::mem::offset_of;

use crate::abi::{PyBufferProcs, PyObject, PyTypeObject};

const WORD: usize = size_of::<usize>();
/// The longest head looked for, in words.
const LONGEST_HEAD: usize = 8;

/// The offsets, in bytes, of what the library reads in objects and types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectLayout {
    ob_type: usize,
    tp_name: usize,
    tp_as_buffer: usize,
}

impl ObjectLayout {
    /// The layout of `abi`'s types.
    pub const PLAIN: Self = Self::with_type_at(offset_of!(PyObject, ob_type));

    /// Whether this is the layout of `abi`'s types.
    #[inline]
    pub fn is_plain(&self) -> bool {
        *self == Self::PLAIN
    }

    const fn with_type_at(ob_type: usize) -> Self {
        let shift = ob_type.wrapping_sub(offset_of!(PyObject, ob_type));
        Self {
            ob_type,
            tp_name: offset_of!(PyTypeObject, tp_name).wrapping_add(shift),
            tp_as_buffer: offset_of!(PyTypeObject, tp_as_buffer).wrapping_add(shift),
        }
    }

    /// Measures the layout on a type that is known by its own type and its name, and that exports
    /// buffers. `None` if none fits.
    ///
    /// # Safety
    /// `r#type` is a type object of a running or not yet running CPython.
    pub unsafe fn measure(
        r#type: *const PyTypeObject,
        metatype: *const PyTypeObject,
        name: &CStr,
    ) -> Option<Self> {
        (1..LONGEST_HEAD).map(|word| Self::with_type_at(word.wrapping_mul(WORD))).find(|layout| {
            // SAFETY: a type object is far longer than the longest head.
            if unsafe { layout.metatype_of(r#type) } != metatype {
                return false;
            }
            // SAFETY: the metatype is in its place, and so are the slots behind it.
            let found = unsafe { layout.name_of(r#type) };
            // SAFETY: a type's name is a C string.
            let found = unsafe { CStr::from_ptr(found) };
            // SAFETY: as above.
            found == name && !unsafe { layout.buffer_procs_of(r#type) }.is_null()
        })
    }

    /// By how many bytes the head of an object is longer than that of `abi`'s.
    pub fn head_shift(self) -> usize {
        self.ob_type.wrapping_sub(offset_of!(PyObject, ob_type))
    }

    /// A type's `tp_basicsize`, `tp_itemsize` and `tp_weaklistoffset`.
    ///
    /// # Safety
    /// `r#type` is a type of this layout.
    pub unsafe fn sizes_of(self, r#type: *const PyTypeObject) -> [isize; 3] {
        let places = [
            offset_of!(PyTypeObject, tp_basicsize),
            offset_of!(PyTypeObject, tp_itemsize),
            offset_of!(PyTypeObject, tp_weaklistoffset),
        ];
        let shift = self.head_shift();
        // SAFETY: numbers as large as a pointer, in their places (caller).
        places.map(|place| unsafe { read::<u8>(r#type.cast(), place.wrapping_add(shift)) } as isize)
    }

    /// # Safety
    /// `obj` is an object of this layout.
    #[inline]
    pub unsafe fn type_of(self, obj: *const PyObject) -> *const PyTypeObject {
        // SAFETY: the caller's promise.
        unsafe { read(obj.cast(), self.ob_type) }
    }

    /// The buffer slots of an object's type, if it has any.
    ///
    /// # Safety
    /// `obj` is an object of this layout.
    #[inline]
    pub unsafe fn slots_of<'a>(self, obj: *const PyObject) -> Option<&'a PyBufferProcs> {
        // SAFETY: the caller's promise is the callee's.
        let r#type = unsafe { self.type_of(obj) };
        // SAFETY: an object's type is there.
        let procs = unsafe { self.buffer_procs_of(r#type) };
        // SAFETY: null, or slots that live as long as the type.
        unsafe { procs.as_ref() }
    }

    /// # Safety
    /// `r#type` is a type of this layout.
    #[inline]
    pub unsafe fn metatype_of(self, r#type: *const PyTypeObject) -> *const PyTypeObject {
        // SAFETY: the caller's promise; a type is an object.
        unsafe { read(r#type.cast(), self.ob_type) }
    }

    /// # Safety
    /// `r#type` is a type of this layout.
    pub unsafe fn name_of(self, r#type: *const PyTypeObject) -> *const c_char {
        // SAFETY: the caller's promise.
        unsafe { read(r#type.cast(), self.tp_name) }
    }

    /// # Safety
    /// `r#type` is a type of this layout.
    #[inline]
    pub unsafe fn buffer_procs_of(self, r#type: *const PyTypeObject) -> *const PyBufferProcs {
        // SAFETY: the caller's promise.
        unsafe { read(r#type.cast(), self.tp_as_buffer) }
    }
}

/// Reads a pointer at an offset.
///
/// # Safety
/// A pointer is there, and aligned.
#[inline]
unsafe fn read<T>(base: *const u8, offset: usize) -> *const T {
    // SAFETY: the caller's promise.
    unsafe { base.wrapping_add(offset).cast::<*const T>().read() }
}
