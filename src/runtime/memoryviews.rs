//! Memoryviews of either world: the functions that make them, and the layout of their fields.
//!
//! CPython's memoryview has had the same fields since 3.8, and a standalone one has them too; only the length
//! of the head before them differs between builds. The layout is measured on the type, and a new memoryview's
//! fields are compared with the view it was made from before any of them is changed. If either check fails,
//! no field is changed, and CPython's own functions do the work.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::layout::ObjectLayout;
use super::{Runtime, raised, raised_text};
use crate::abi::{Py_buffer, PyObject, PyTypeObject, PyVarObject};
use crate::error::{Error, Kind, Raised};

/// A memoryview. Shape, strides and suboffsets follow it, `ndim` entries each.
#[repr(C)]
pub struct Memoryview {
    pub head: PyVarObject,
    pub managed: *mut Managed,
    pub hash: isize,
    pub flags: c_int,
    /// The number of views acquired from it and not yet released.
    pub exports: isize,
    pub view: Py_buffer,
    pub weakrefs: *mut PyObject,
}

/// The managed buffer that memoryviews of one acquisition share. It holds the exporter's view, which is released
/// with the last of them.
#[repr(C)]
pub struct Managed {
    pub head: PyObject,
    pub flags: c_int,
    pub exports: isize,
    pub master: Py_buffer,
}

/// The type of managed buffers, once a managed buffer has passed the checks. It is a static type.
static KNOWN: AtomicPtr<PyTypeObject> = AtomicPtr::new(ptr::null_mut());

/// The offset in `Managed.master` to which a short format is copied, from `shape` to the end. These fields are
/// free once the first memoryview is made: each memoryview has its own.
const SPARE: usize = core::mem::offset_of!(Py_buffer, shape);
/// The longest format that fits there, its NUL included.
const SPARE_SIZE: usize = size_of::<Py_buffer>().wrapping_sub(SPARE);

/// In `Memoryview.flags`: the memoryview was released, and `view.obj` may be gone.
const RELEASED: c_int = 1;
/// In `Managed.flags`: the format is freed with the managed buffer.
pub const FREE_FORMAT: c_int = 2;
/// The name of `Managed`'s type.
pub const MANAGED_NAME: &CStr = c"managedbuffer";

/// The functions that make memoryviews.
#[repr(C)]
pub struct Makers {
    /// `PyMemoryView_FromObject`
    pub from_object: Option<unsafe extern "C" fn(*mut PyObject) -> *mut PyObject>,
    /// `PyMemoryView_FromMemory`
    pub from_memory: Option<unsafe extern "C" fn(*mut c_char, isize, c_int) -> *mut PyObject>,
    /// `PyMemoryView_FromBuffer`
    pub from_buffer: Option<unsafe extern "C" fn(*const Py_buffer) -> *mut PyObject>,
    /// `PyMemoryView_GetContiguous`
    pub get_contiguous: Option<unsafe extern "C" fn(*mut PyObject, c_int, c_char) -> *mut PyObject>,
}

/// How a world makes memoryviews. A function that was not found is `None`.
pub struct Memoryviews {
    pub r#type: *mut PyTypeObject,
    /// How many bytes further the fields are than in `Memoryview`; `None` if the layout is unknown.
    pub shift: Option<usize>,
    pub makers: Makers,
    /// `PyBytes_FromStringAndSize`
    pub new_bytes: Option<unsafe extern "C" fn(*const c_char, isize) -> *mut PyObject>,
    /// `PyBytes_AsString`
    pub bytes: Option<unsafe extern "C" fn(*mut PyObject) -> *mut c_char>,
    /// Allocates memory for a format; the managed buffer frees it.
    pub allocate: Option<unsafe extern "C" fn(usize) -> *mut c_void>,
}

impl Runtime {
    /// How this world makes memoryviews. `Err` if no thread state is attached: then no object can be made, and no
    /// error can be set.
    pub fn memoryviews(&self) -> Result<&Memoryviews, Raised> {
        if self.is_attached() { Ok(&self.memoryviews) } else { Err(Raised) }
    }

    /// The object whose memory a memoryview shows; null for other objects, for none, or if the memoryview was released.
    ///
    /// # Safety
    /// * OBJECT: `obj` is an object of this world that the thread may use.
    pub unsafe fn shown_by(&self, obj: *mut PyObject) -> *mut PyObject {
        // SAFETY: an object (caller: OBJECT).
        if unsafe { !self.is_memoryview(obj) } || self.memoryviews.shift.is_none() {
            return ptr::null_mut();
        }
        let fields = self.memoryviews.fields_of(obj);
        // SAFETY: a memoryview of the known layout.
        let fields = unsafe { &*fields };
        // CPython sets the flag; in a standalone one the number of views is negative.
        let is_released = fields.flags & RELEASED != 0 || fields.exports < 0;
        if is_released { ptr::null_mut() } else { fields.view.obj }
    }

    /// A memoryview's view; null if the layout is unknown.
    pub fn view_of(&self, memoryview: *mut PyObject) -> *mut Py_buffer {
        self.memoryviews.view_of(memoryview)
    }
}

/// Raises that a function for memoryviews is missing or their layout unknown.
#[cold]
#[inline(never)]
pub fn missing() -> Raised {
    raised_text(
        Kind::System,
        c"libpybuffer finds no PyMemoryView functions in the libpython of this process, or does not \
          know how its memoryviews are laid out",
    )
}

/// A new memoryview whose fields were found at the expected offsets, and which nobody else has seen yet.
pub struct Fresh<'a> {
    view: &'a mut Py_buffer,
    managed: &'a mut Managed,
}

impl Fresh<'_> {
    /// Sets the owner of the memory. `keeper` is a new reference, which the managed buffer drops with its last
    /// memoryview; `base` becomes the memoryviews' `obj`, and must live as long as `keeper`.
    pub fn own(&mut self, keeper: *mut PyObject, base: *mut PyObject) {
        self.managed.master.obj = keeper;
        self.view.obj = base;
    }

    /// Replaces the address of the memory.
    pub fn move_to(&mut self, buf: *mut c_void) {
        self.managed.master.buf = buf;
        self.view.buf = buf;
    }
}

impl Memoryviews {
    /// How many bytes further the fields of CPython's memoryviews are than in [`Memoryview`]; `None` if the sizes
    /// in the type do not fit that structure.
    ///
    /// # Safety
    /// * TYPE: `r#type` is the type of memoryviews, of this layout.
    pub unsafe fn measure(layout: ObjectLayout, r#type: *const PyTypeObject) -> Option<usize> {
        let shift = layout.head_shift();
        let weakrefs = core::mem::offset_of!(Memoryview, weakrefs).wrapping_add(shift);
        let size = size_of::<Memoryview>().wrapping_add(shift);
        let expected = [size, size_of::<isize>(), weakrefs].map(usize::cast_signed);
        // SAFETY: a type of this layout (caller: TYPE).
        (unsafe { layout.sizes_of(r#type) } == expected).then_some(shift)
    }

    /// A memoryview's fields, of which `head` is not valid; null if the layout is unknown.
    pub fn fields_of(&self, memoryview: *mut PyObject) -> *mut Memoryview {
        match self.shift {
            Some(shift) => memoryview.wrapping_byte_add(shift).cast(),
            None => ptr::null_mut(),
        }
    }

    /// A memoryview's view; null if the layout is unknown.
    pub fn view_of(&self, memoryview: *mut PyObject) -> *mut Py_buffer {
        let fields = self.fields_of(memoryview);
        if fields.is_null() {
            return ptr::null_mut();
        }
        fields.wrapping_byte_add(core::mem::offset_of!(Memoryview, view)).cast()
    }

    /// The fields of a new memoryview, if they and its managed buffer agree with `like`, the view that it was
    /// made from.
    ///
    /// # Safety
    /// * NEW: `memoryview` is a memoryview of this layout that nobody else has seen.
    pub unsafe fn fresh<'a>(
        &self,
        layout: ObjectLayout,
        memoryview: *mut PyObject,
        like: &Py_buffer,
    ) -> Option<Fresh<'a>> {
        // SAFETY: null, or within the object, whose type has the expected size (caller: NEW).
        let fields = unsafe { self.fields_of(memoryview).as_mut() }?;
        let holds = |view: &Py_buffer| {
            view.buf == like.buf
                && view.obj.is_null()
                && (view.len, view.itemsize, view.ndim) == (like.len, like.itemsize, like.ndim)
        };
        let managed: *mut PyObject = fields.managed.cast();
        if !holds(&fields.view) || fields.exports != 0 || managed.is_null() {
            return None;
        }
        // SAFETY: the fields before and after this pointer have the expected values, so it leads to a managed buffer.
        let r#type = unsafe { layout.type_of(managed) };
        let shift = layout.head_shift();
        if r#type.cast_mut() != KNOWN.load(Ordering::Relaxed) {
            // SAFETY: an object's type.
            let [size, ..] = unsafe { layout.sizes_of(r#type) };
            // SAFETY: an object's type.
            let name = unsafe { layout.name_of(r#type) };
            // SAFETY: a type's name is a C string.
            let name = unsafe { CStr::from_ptr(name) };
            let expected = size_of::<Managed>().wrapping_add(shift).cast_signed();
            if name != MANAGED_NAME || size != expected {
                return None;
            }
            KNOWN.store(r#type.cast_mut(), Ordering::Relaxed);
        }
        let managed: *mut Managed = managed.wrapping_byte_add(shift).cast();
        // SAFETY: an object whose type has this size, and which only the new memoryview refers to (caller: NEW).
        let managed = unsafe { &mut *managed };
        (holds(&managed.master) && managed.flags == 0)
            .then_some(Fresh { view: &mut fields.view, managed })
    }

    /// Gives a new memoryview its own copy of a format, as the caller's may not live long enough.
    ///
    /// # Safety
    /// * FORMAT: it is null or a C string.
    pub unsafe fn keep_format(
        &self,
        fresh: &mut Fresh,
        format: *const c_char,
    ) -> Result<(), Raised> {
        if format.is_null() {
            return Ok(());
        }
        let mut kept: *mut u8 =
            ptr::from_mut(&mut fresh.managed.master).wrapping_byte_add(SPARE).cast();
        // SAFETY: a C string (caller: FORMAT); the spare fields have `SPARE_SIZE` bytes.
        if !unsafe { copy_short(kept, format.cast()) } {
            let allocate = self.allocate.ok_or_else(missing)?;
            // SAFETY: a C string (caller: FORMAT).
            let bytes = unsafe { CStr::from_ptr(format) }.to_bytes_with_nul();
            // SAFETY: an allocator takes any size.
            kept = unsafe { allocate(bytes.len()) }.cast();
            if kept.is_null() {
                return Err(raised(&Error::NoMemory));
            }
            // SAFETY: the new block has this size.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), kept, bytes.len()) };
            fresh.managed.flags |= FREE_FORMAT;
        }
        fresh.managed.master.format = kept.cast();
        fresh.view.format = kept.cast();
        Ok(())
    }
}

/// Copies a text of up to `SPARE_SIZE` bytes, its NUL included. Returns whether it fitted. Most formats have one
/// character, for which calls of `strlen` and `memcpy` would take longer.
///
/// # Safety
/// * TEXT: `text` is a C string.
/// * ROOM: `SPARE_SIZE` bytes are writable at `to`.
#[inline]
unsafe fn copy_short(to: *mut u8, text: *const u8) -> bool {
    (0..SPARE_SIZE).any(|i| {
        // SAFETY: no byte before this one was the NUL (caller: TEXT).
        let byte = unsafe { text.wrapping_add(i).read() };
        // SAFETY: `i` is below `SPARE_SIZE` (caller: ROOM).
        unsafe { to.wrapping_add(i).write(byte) };
        byte == 0
    })
}

#[cfg(test)]
mod tests {
    use super::super::standalone::{RUNTIME, memoryview, objects};
    use super::*;

    static ITEMS: [u8; 6] = [0; 6];

    fn of_items() -> (*mut PyObject, Py_buffer) {
        let mut like = crate::view::plain::EMPTY;
        like.buf = ITEMS.as_ptr().cast_mut().cast();
        (like.len, like.itemsize, like.ndim) = (6, 1, 1);
        (unsafe { memoryview::from_buffer(&raw const like) }, like)
    }

    fn is_fresh(memoryview: *mut PyObject, like: &Py_buffer) -> bool {
        unsafe { RUNTIME.memoryviews.fresh(RUNTIME.layout, memoryview, like) }.is_some()
    }

    #[test]
    fn layout_of_standalone_memoryviews_is_the_one_that_is_measured() {
        let measured =
            unsafe { Memoryviews::measure(RUNTIME.layout, memoryview::memoryview_type()) };
        assert_eq!(measured, RUNTIME.memoryviews.shift);
        assert_eq!(
            unsafe { Memoryviews::measure(RUNTIME.layout, super::super::standalone::metatype()) },
            None
        );
    }

    #[test]
    fn memoryview_that_is_not_what_it_was_made_of_is_left_alone() {
        let (memoryview, like) = of_items();
        assert!(is_fresh(memoryview, &like));
        let changes: [fn(&mut Py_buffer); 4] = [
            |like| like.buf = like.buf.wrapping_byte_add(1),
            |like| like.len = 5,
            |like| like.itemsize = 2,
            |like| like.ndim = 2,
        ];
        for change in changes {
            let (_, mut other) = (memoryview, crate::view::plain::EMPTY);
            (other.buf, other.len, other.itemsize, other.ndim) =
                (like.buf, like.len, like.itemsize, like.ndim);
            change(&mut other);
            assert!(!is_fresh(memoryview, &other));
        }
        // A memoryview that is in use: it has an outstanding view, a format to free, an owner.
        let fields = unsafe { &mut *RUNTIME.memoryviews.fields_of(memoryview) };
        fields.exports = 1;
        assert!(!is_fresh(memoryview, &like));
        fields.exports = 0;
        let managed = unsafe { &mut *fields.managed };
        managed.flags = FREE_FORMAT;
        assert!(!is_fresh(memoryview, &like));
        managed.flags = 0;
        managed.master.obj = memoryview;
        assert!(!is_fresh(memoryview, &like));
        managed.master.obj = ptr::null_mut();
        unsafe { objects::decref(memoryview) };
    }
}
