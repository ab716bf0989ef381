//! Memoryviews, of either world: the table of what makes them, and where their fields lie.
//!
//! CPython's memoryview has kept its fields since 3.8, and a standalone one has the same; only the length
//! of the head before them differs between builds. The layout is measured on the type, and an object's
//! fields are held against what it was made of before any is changed. Where either fails, nothing is
//! changed, and CPython's own functions have the last word.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::cpython::Host;
use super::layout::ObjectLayout;
use super::{Destructor, Runtime, raised, raised_text, standalone};
use crate::abi::{Py_buffer, PyObject, PyTypeObject, PyVarObject};
use crate::error::{Error, Kind, Raised};

/// A memoryview. Behind it lie shape, strides and suboffsets, `ndim` entries each.
#[repr(C)]
pub struct Memoryview {
    pub head: PyVarObject,
    pub managed: *mut Managed,
    pub hash: isize,
    pub flags: c_int,
    /// The number of views that it has handed out.
    pub exports: isize,
    pub view: Py_buffer,
    pub weakrefs: *mut PyObject,
}

/// What memoryviews of one acquisition share: the exporter's view, which is given back with the last.
#[repr(C)]
pub struct Managed {
    pub head: PyObject,
    pub flags: c_int,
    pub exports: isize,
    pub master: Py_buffer,
}

/// The type of managed buffers, once one was seen that is as it should be. There is one, which never ends.
static KNOWN: AtomicPtr<PyTypeObject> = AtomicPtr::new(ptr::null_mut());

/// Where a short format lies in `Managed.master`: from `shape` to the end, which the memoryviews have of
/// their own, and which nobody looks at once the first of them is made.
const SPARE: usize = core::mem::offset_of!(Py_buffer, shape);
/// How long it may be, its NUL included.
const SPARE_SIZE: usize = size_of::<Py_buffer>().wrapping_sub(SPARE);

/// In `Managed.flags`: the format is freed with it.
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

/// How a world makes memoryviews; a function that is `None` could not be found.
pub struct Memoryviews {
    pub r#type: *mut PyTypeObject,
    /// By how many bytes the fields lie further than in `Memoryview`; `None` if they lie in no known way.
    pub shift: Option<usize>,
    pub makers: Makers,
    /// `PyBytes_FromStringAndSize`
    pub new_bytes: Option<unsafe extern "C" fn(*const c_char, isize) -> *mut PyObject>,
    /// `PyBytes_AsString`
    pub bytes: Option<unsafe extern "C" fn(*mut PyObject) -> *mut c_char>,
    /// Memory for a format that is freed with its memoryview.
    pub allocate: Option<unsafe extern "C" fn(usize) -> *mut c_void>,
}

impl Runtime {
    /// How this world makes memoryviews. `Raised` where no object can be made, and no error either: no
    /// thread state is attached.
    pub fn memoryviews(&self) -> Result<&Memoryviews, Raised> {
        match &self.host {
            Some(host) if !host.is_attached() => Err(Raised),
            _ => Ok(&self.memoryviews),
        }
    }

    /// A memoryview's view; null if nobody knows where it lies.
    pub fn view_of(&self, memoryview: *mut PyObject) -> *mut Py_buffer {
        self.memoryviews.view_of(memoryview)
    }

    /// The libpython, if there is one.
    pub fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    /// A new object, or null with an error raised, that holds `owner`, and has no buffer of its own to give back.
    ///
    /// # Safety
    /// An object that the thread may use; a thread state is attached.
    pub unsafe fn hold(&self, owner: *mut PyObject) -> *mut PyObject {
        match &self.host {
            // SAFETY: the caller's promise is the callee's.
            Some(host) => unsafe { host.hold(owner) },
            // SAFETY: as above.
            None => unsafe { standalone::owners::hold(owner) },
        }
    }

    /// A new object, or null with an error raised, that calls `destructor(context)` with its end.
    ///
    /// # Safety
    /// A thread state is attached; the destructor may be called with the context from any thread.
    pub unsafe fn guard(&self, destructor: Destructor, context: *mut c_void) -> *mut PyObject {
        match &self.host {
            // SAFETY: the caller's promise is the callee's.
            Some(host) => unsafe { host.guard(destructor, context) },
            None => standalone::owners::guard(destructor, context),
        }
    }

    /// Drops what [`guard`](Self::guard) made and nobody else has seen; the destructor is not called.
    ///
    /// # Safety
    /// Such a guard, and the caller's own reference; a thread state is attached.
    #[cold]
    pub unsafe fn drop_idle_guard(&self, guard: *mut PyObject) {
        match &self.host {
            // SAFETY: the caller's promise is the callee's.
            Some(host) => unsafe { host.drop_idle_guard(guard) },
            // SAFETY: as above; it has nothing else to give back.
            None => unsafe { standalone::objects::free(guard.cast()) },
        }
    }

    /// Gives a memoryview's memory back before its end; whether it could be.
    ///
    /// # Safety
    /// A memoryview of this world; a thread state is attached.
    pub unsafe fn release_memoryview(&self, memoryview: *mut PyObject) -> Result<(), Raised> {
        match &self.host {
            // SAFETY: the caller's promise is the callee's.
            Some(host) => unsafe { host.release_memoryview(memoryview) },
            // SAFETY: as above.
            None => unsafe { standalone::memoryview::release(memoryview.cast()) },
        }
    }
}

/// Something that memoryviews are made by is missing.
#[cold]
#[inline(never)]
pub fn missing() -> Raised {
    raised_text(
        Kind::System,
        c"libpybuffer finds no PyMemoryView functions in the libpython of this process, or does not \
          know how its memoryviews are laid out",
    )
}

/// A memoryview that was just made, whose fields are where they were expected.
pub struct Fresh<'a> {
    view: &'a mut Py_buffer,
    managed: &'a mut Managed,
}

impl Fresh<'_> {
    /// Makes the memory's owner known. `keeper` is a new reference that the last memoryview drops;
    /// `base` is what the memoryviews say they are of, alive as long as the keeper.
    pub fn own(&mut self, keeper: *mut PyObject, base: *mut PyObject) {
        self.managed.master.obj = keeper;
        self.view.obj = base;
    }

    /// Puts another address in place of the one that it was made with.
    pub fn move_to(&mut self, buf: *mut c_void) {
        self.managed.master.buf = buf;
        self.view.buf = buf;
    }
}

impl Memoryviews {
    /// Whether the fields of CPython's memoryviews lie as in [`Memoryview`], and how much further.
    ///
    /// # Safety
    /// `r#type` is the type of memoryviews, of this layout.
    pub unsafe fn measure(layout: ObjectLayout, r#type: *const PyTypeObject) -> Option<usize> {
        let shift = layout.head_shift();
        let weakrefs = core::mem::offset_of!(Memoryview, weakrefs).wrapping_add(shift);
        let size = size_of::<Memoryview>().wrapping_add(shift);
        let expected = [size, size_of::<isize>(), weakrefs].map(usize::cast_signed);
        // SAFETY: the caller's promise is the callee's.
        (unsafe { layout.sizes_of(r#type) } == expected).then_some(shift)
    }

    /// A memoryview's fields, but for its head; null if nobody knows where they lie.
    pub fn fields_of(&self, memoryview: *mut PyObject) -> *mut Memoryview {
        match self.shift {
            Some(shift) => memoryview.wrapping_byte_add(shift).cast(),
            None => ptr::null_mut(),
        }
    }

    /// A memoryview's view; null if nobody knows where it lies.
    pub fn view_of(&self, memoryview: *mut PyObject) -> *mut Py_buffer {
        let fields = self.fields_of(memoryview);
        if fields.is_null() {
            return ptr::null_mut();
        }
        fields.wrapping_byte_add(core::mem::offset_of!(Memoryview, view)).cast()
    }

    /// The fields of a memoryview that was just made of `like` and that nobody else has seen, if they
    /// hold what they should.
    ///
    /// # Safety
    /// `memoryview` is such a memoryview, of this layout.
    pub unsafe fn fresh<'a>(
        &self,
        layout: ObjectLayout,
        memoryview: *mut PyObject,
        like: &Py_buffer,
    ) -> Option<Fresh<'a>> {
        // SAFETY: null, or within the object, whose size was measured.
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
        // SAFETY: between fields that hold what they should lies the pointer to a managed buffer.
        let r#type = unsafe { layout.type_of(managed) };
        let shift = layout.head_shift();
        if r#type.cast_mut() != KNOWN.load(Ordering::Relaxed) {
            // SAFETY: an object's type.
            let [size, ..] = unsafe { layout.sizes_of(r#type) };
            // SAFETY: as above.
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
        // SAFETY: an object of this size, of which only the memoryview knows.
        let managed = unsafe { &mut *managed };
        (holds(&managed.master) && managed.flags == 0)
            .then_some(Fresh { view: &mut fields.view, managed })
    }

    /// Gives a fresh memoryview a format of its own: the one that it was made with may go away.
    ///
    /// # Safety
    /// The format is null or a C string.
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
        // SAFETY: a C string (caller), and as much room.
        if !unsafe { copy_short(kept, format.cast()) } {
            let allocate = self.allocate.ok_or_else(missing)?;
            // SAFETY: as above.
            let bytes = unsafe { CStr::from_ptr(format) }.to_bytes_with_nul();
            // SAFETY: takes any size.
            kept = unsafe { allocate(bytes.len()) }.cast();
            if kept.is_null() {
                return Err(raised(&Error::NoMemory));
            }
            // SAFETY: as many bytes, in a new block.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), kept, bytes.len()) };
            fresh.managed.flags |= FREE_FORMAT;
        }
        fresh.managed.master.format = kept.cast();
        fresh.view.format = kept.cast();
        Ok(())
    }
}

/// Copies a text of up to `SPARE_SIZE` bytes; whether it is no longer. Most have one character: calls would
/// take longer.
///
/// # Safety
/// `text` is a C string, and `SPARE_SIZE` bytes are writable at `to`.
#[inline]
unsafe fn copy_short(to: *mut u8, text: *const u8) -> bool {
    (0..SPARE_SIZE).any(|i| {
        // SAFETY: no byte before this one was the NUL.
        let byte = unsafe { text.wrapping_add(i).read() };
        // SAFETY: as much room (caller).
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
        // One that is in use already: a view is out, it has an owner, its format is its own.
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
