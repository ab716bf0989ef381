//! The offsets of an object's type and of a type's slots.
//!
//! The head of an object is 2 words long in most builds of CPython, and 4 with free threading or with traced
//! references. The fields that follow it in a type have had the same order since 3.8, so the offset of the type
//! pointer within the head determines all the others. It is measured on one of the host's types, not assumed from a
//! version.

use core::ffi::{CStr, c_char};
use core::hint::black_box;
use core::mem::offset_of;

use crate::abi::{PyBufferProcs, PyObject, PyTypeObject};

const WORD: usize = size_of::<usize>();
/// The longest head that the measurement tries, in words.
const LONGEST_HEAD: usize = 8;

/// The offsets, in bytes, of the fields that the library reads in objects and types.
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

    /// Measures the layout on a type whose metatype and name are known, and whose instances export buffers. `None`
    /// if no layout fits.
    ///
    /// # Safety
    /// * TYPE: `r#type` is a static type object of a CPython, which need not be initialised yet.
    pub unsafe fn measure(
        r#type: *const PyTypeObject,
        metatype: *const PyTypeObject,
        name: &CStr,
    ) -> Option<Self> {
        // The compiler is not to repeat the test for each length.
        let words = 1..black_box(LONGEST_HEAD);
        words.map(|word| Self::with_type_at(word.wrapping_mul(WORD))).find(|layout| {
            // SAFETY: a type object is far longer than the longest head (caller: TYPE).
            if unsafe { layout.metatype_of(r#type) } != metatype {
                return false;
            }
            // SAFETY: the metatype is at its offset, so the fields after it are at theirs.
            let found = unsafe { layout.name_of(r#type) };
            // SAFETY: a type's name is a C string.
            let found = unsafe { CStr::from_ptr(found) };
            // SAFETY: the slots are at their offsets.
            found == name && !unsafe { layout.buffer_procs_of(r#type) }.is_null()
        })
    }

    /// The number of bytes by which an object's head is longer than `abi`'s.
    pub fn head_shift(self) -> usize {
        self.ob_type.wrapping_sub(offset_of!(PyObject, ob_type))
    }

    /// A type's `tp_basicsize`, `tp_itemsize` and `tp_weaklistoffset`.
    ///
    /// # Safety
    /// * TYPE: `r#type` is a type of this layout.
    pub unsafe fn sizes_of(self, r#type: *const PyTypeObject) -> [isize; 3] {
        let places = [
            offset_of!(PyTypeObject, tp_basicsize),
            offset_of!(PyTypeObject, tp_itemsize),
            offset_of!(PyTypeObject, tp_weaklistoffset),
        ];
        let shift = self.head_shift();
        // SAFETY: these fields are as large as a pointer, and at these offsets (caller: TYPE).
        places.map(|place| unsafe { read::<u8>(r#type.cast(), place.wrapping_add(shift)) } as isize)
    }

    /// The type of an object.
    ///
    /// # Safety
    /// * OBJECT: `obj` is an object of this layout.
    #[inline]
    pub unsafe fn type_of(self, obj: *const PyObject) -> *const PyTypeObject {
        // SAFETY: the head of an object has its type there (caller: OBJECT).
        unsafe { read(obj.cast(), self.ob_type) }
    }

    /// The buffer slots of an object's type, if it has any.
    ///
    /// # Safety
    /// * OBJECT: `obj` is an object of this layout.
    #[inline]
    pub unsafe fn slots_of<'a>(self, obj: *const PyObject) -> Option<&'a PyBufferProcs> {
        // SAFETY: an object of this layout (caller: OBJECT).
        let r#type = unsafe { self.type_of(obj) };
        // SAFETY: the type of an object of this layout has it too.
        let procs = unsafe { self.buffer_procs_of(r#type) };
        // SAFETY: null, or slots that live as long as the type.
        unsafe { procs.as_ref() }
    }

    /// The type of a type.
    ///
    /// # Safety
    /// * TYPE: `r#type` is a type object of this layout.
    #[inline]
    pub unsafe fn metatype_of(self, r#type: *const PyTypeObject) -> *const PyTypeObject {
        // SAFETY: a type is an object, whose head has its type there (caller: TYPE).
        unsafe { read(r#type.cast(), self.ob_type) }
    }

    /// A type's name, a C string.
    ///
    /// # Safety
    /// * TYPE: `r#type` is a type of this layout.
    pub unsafe fn name_of(self, r#type: *const PyTypeObject) -> *const c_char {
        // SAFETY: a type has its name there (caller: TYPE).
        unsafe { read(r#type.cast(), self.tp_name) }
    }

    /// A type's table of the members that its objects have as fields (`PyMemberDef`); null if it has none.
    ///
    /// # Safety
    /// * TYPE: `r#type` is a type of this layout.
    pub unsafe fn members_of<T>(self, r#type: *const PyTypeObject) -> *const T {
        let place = offset_of!(PyTypeObject, tp_members).wrapping_add(self.head_shift());
        // SAFETY: a type has this table there (caller: TYPE).
        unsafe { read(r#type.cast(), place) }
    }

    /// The type that a type is derived from; null for none.
    ///
    /// # Safety
    /// * TYPE: `r#type` is a type of this layout.
    pub unsafe fn base_of(self, r#type: *const PyTypeObject) -> *const PyTypeObject {
        let place = offset_of!(PyTypeObject, tp_base).wrapping_add(self.head_shift());
        // SAFETY: a type has its base there (caller: TYPE).
        unsafe { read(r#type.cast(), place) }
    }

    /// A type's buffer slots; null if it has none.
    ///
    /// # Safety
    /// * TYPE: `r#type` is a type of this layout.
    #[inline]
    pub unsafe fn buffer_procs_of(self, r#type: *const PyTypeObject) -> *const PyBufferProcs {
        // SAFETY: a type has the pointer to its buffer slots there (caller: TYPE).
        unsafe { read(r#type.cast(), self.tp_as_buffer) }
    }
}

/// Reads a pointer at an offset.
///
/// # Safety
/// * POINTER: an aligned pointer can be read at this offset from `base`.
#[inline]
unsafe fn read<T>(base: *const u8, offset: usize) -> *const T {
    // SAFETY: an aligned pointer (caller: POINTER).
    unsafe { base.wrapping_add(offset).cast::<*const T>().read() }
}
