//! The standalone memoryview, which behaves as CPython's does towards C code.
//!
//! Memoryviews of one acquisition share a managed buffer, which holds the exporter's view and releases it
//! with the last of them. Each memoryview counts the views acquired from it (its exports), and can be
//! released when there are none. Several threads may make, use and drop memoryviews of one object:
//! reference counts and exports are atomic, and nothing else changes once a memoryview is made.

mod requests;

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char, c_int};
use core::ptr;
use core::sync::atomic::{AtomicIsize, Ordering};

use super::{RUNTIME, StaticSlots, StaticType, errors, objects};
use crate::abi::{
    Py_buffer, PyBUF_FULL_RO, PyBUF_MAX_NDIM, PyBUF_WRITE, PyBufferProcs, PyObject, PyTypeObject,
    PyVarObject,
};
use crate::error::{Error, Kind, Raised, message};
use crate::layout::{Order, strides::fill_contiguous};
use crate::runtime::layout::ObjectLayout;
use crate::runtime::memoryviews::{FREE_FORMAT, MANAGED_NAME, Managed, Memoryview};
use crate::runtime::watch;
use crate::view::{Fields, plain};

static TYPE: StaticType = {
    let this = StaticType::ready(c"memoryview", size_of::<Memoryview>(), dealloc, Some(&SLOTS));
    let mut shown = this.0.into_inner();
    shown.tp_itemsize = size_of::<isize>().cast_signed();
    shown.tp_weaklistoffset = core::mem::offset_of!(Memoryview, weakrefs).cast_signed();
    StaticType(UnsafeCell::new(shown))
};

static SLOTS: StaticSlots = StaticSlots(PyBufferProcs {
    bf_getbuffer: Some(requests::get_buffer),
    bf_releasebuffer: Some(requests::release_buffer),
});

static MANAGED_TYPE: StaticType =
    StaticType::ready(MANAGED_NAME, size_of::<Managed>(), dealloc_managed, None);

/// In `Memoryview.flags`: the layout of its items.
const C_CONTIGUOUS: c_int = 2;
const FORTRAN_CONTIGUOUS: c_int = 4;
const SCALAR: c_int = 8;
const INDIRECT: c_int = 0x10;

/// In `Memoryview.exports`: the memoryview is released, which is final.
const RELEASED: isize = isize::MIN;

/// The type of memoryviews.
pub const fn memoryview_type() -> *mut PyTypeObject {
    TYPE.0.get()
}

// --- making ------------------------------------------------------------------------------------

/// `PyMemoryView_FromObject`
///
/// # Safety
/// * OBJECT: `obj` is a standalone object to which the caller has a reference.
pub unsafe extern "C" fn from_object(obj: *mut PyObject) -> *mut PyObject {
    // SAFETY: an object (caller: OBJECT).
    let is_memoryview = unsafe { (*obj).ob_type } == memoryview_type();
    if is_memoryview {
        // SAFETY: an object of this type.
        let source = unsafe { &*obj.cast() };
        // SAFETY: the caller has a reference (caller: OBJECT).
        unsafe { of_memoryview(source) }
    } else {
        // SAFETY: the same object (caller: OBJECT).
        unsafe { of_exporter(obj) }
    }
}

/// Another memoryview of the acquisition that `source` belongs to.
///
/// # Safety
/// * SOURCE: `source` is a memoryview to which the caller has a reference.
unsafe fn of_memoryview(source: &Memoryview) -> *mut PyObject {
    // While `source` has an export, no other thread can release it.
    if !acquire(source) {
        return ptr::null_mut();
    }
    // SAFETY: a memoryview that is not released has a managed buffer, and its view has its arrays (caller: SOURCE).
    let made = unsafe { new_view(source.managed, &source.view) };
    exports(source).fetch_sub(1, Ordering::Release);
    made
}

/// The first memoryview of a new acquisition from `obj`.
///
/// # Safety
/// * OBJECT: `obj` is a standalone object to which the caller has a reference.
unsafe fn of_exporter(obj: *mut PyObject) -> *mut PyObject {
    // SAFETY: a standalone object (caller: OBJECT), which has the plain layout.
    let slots = unsafe { ObjectLayout::PLAIN.slots_of(obj) };
    let Some(getbuffer) = slots.and_then(|slots| slots.bf_getbuffer) else {
        // SAFETY: an object (caller: OBJECT).
        let r#type = unsafe { (*obj).ob_type };
        errors::raise(&Error::TypeName(
            c"memoryview: a bytes-like object is required, not '%.200s'",
            // SAFETY: an object's type.
            unsafe { (*r#type).tp_name },
        ));
        return ptr::null_mut();
    };
    let managed = new_managed(plain::EMPTY);
    if managed.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: a new managed buffer.
    let master = unsafe { &raw mut (*managed).master };
    // SAFETY: the slot of the object's own type (caller: OBJECT), and a view of ours, which is never moved.
    let acquired =
        unsafe { watch::acquire(&RUNTIME, getbuffer, obj, master, PyBUF_FULL_RO, ptr::null()) };
    if let Err(error) = &acquired {
        errors::raise(error);
    }
    if acquired.ok() != Some(0) {
        // The view was not filled, so it has no object to release.
        // SAFETY: as above.
        unsafe { (*master).obj = ptr::null_mut() };
        // SAFETY: the only reference.
        unsafe { objects::decref(managed.cast()) };
        return ptr::null_mut();
    }
    // SAFETY: the only reference, to a buffer whose view the exporter has filled.
    unsafe { first_view(managed) }
}

/// `PyMemoryView_FromMemory`
///
/// # Safety
/// * MEMORY: `size` bytes at `memory` live as long as the memoryview.
pub unsafe extern "C" fn from_memory(
    memory: *mut c_char,
    size: isize,
    flags: c_int,
) -> *mut PyObject {
    let readonly = (flags != PyBUF_WRITE).into();
    let mut info = plain::EMPTY;
    // SAFETY: a view of ours. This request cannot be refused, as it does not include `PyBUF_WRITABLE`.
    let _ =
        unsafe { plain::fill(&raw mut info, ptr::null_mut(), memory.cast(), size, readonly, 0) };
    // SAFETY: a view without arrays, whose memory lives long enough (caller: MEMORY).
    unsafe { from_buffer(&raw const info) }
}

/// `PyMemoryView_FromBuffer`, except that `info.buf` may be null.
///
/// # Safety
/// * VIEW: `info` is a view whose arrays have `ndim` entries.
/// * MEMORY: its memory and its format live as long as the memoryview.
pub unsafe extern "C" fn from_buffer(info: *const Py_buffer) -> *mut PyObject {
    // SAFETY: a view (caller: VIEW).
    let info = unsafe { info.read() };
    let managed = new_managed(Py_buffer { obj: ptr::null_mut(), ..info });
    if managed.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: the only reference, to a buffer whose view has its arrays and memory (caller: VIEW, MEMORY).
    unsafe { first_view(managed) }
}

/// A new managed buffer; null with an error raised if there is no memory.
#[inline(never)]
fn new_managed(master: Py_buffer) -> *mut Managed {
    let managed: *mut Managed = objects::make(&MANAGED_TYPE, 0).cast();
    // SAFETY: null, or a new object of this type.
    if let Some(fields) = unsafe { managed.as_mut() } {
        fields.flags = 0;
        fields.exports = 0;
        fields.master = master;
    }
    managed
}

/// The first memoryview of a managed buffer; null with an error raised, and the buffer destroyed, if it cannot be
/// made.
///
/// # Safety
/// * OWNED: the caller has the only reference, which it gives up.
/// * MASTER: the master view's arrays have `ndim` entries.
unsafe fn first_view(managed: *mut Managed) -> *mut PyObject {
    // SAFETY: a managed buffer (caller: OWNED).
    let master = unsafe { &(*managed).master };
    // SAFETY: a managed buffer and its own view (caller: OWNED, MASTER).
    let made = unsafe { new_view(managed, master) };
    // SAFETY: the caller's reference (caller: OWNED).
    unsafe { objects::decref(managed.cast()) };
    made
}

/// A new memoryview with the fields of `like` and its own copies of the arrays; null with an error raised if it
/// cannot be made.
///
/// # Safety
/// * MANAGED: `managed` is alive, and keeps the memory and format of `like` alive.
/// * ARRAYS: the arrays of `like` have `ndim` entries.
#[inline(never)]
unsafe fn new_view(managed: *mut Managed, like: &Py_buffer) -> *mut PyObject {
    if like.ndim > PyBUF_MAX_NDIM {
        return refuse(Kind::Value, c"memoryview: number of dimensions must not exceed 64");
    }
    let Ok(ndim) = usize::try_from(like.ndim) else {
        return refuse(Kind::System, c"bad argument to internal function");
    };
    // SAFETY: a view with its arrays (caller: ARRAYS).
    let fields = unsafe { Fields::new(like) };
    let implied = [like.len.checked_div(like.itemsize).unwrap_or(-1)];
    let shape = match fields.shape() {
        Some(shape) => shape,
        None if ndim == 0 => &[],
        None if ndim == 1 && like.itemsize != 0 => &implied,
        None => return refuse(Kind::Value, NO_SHAPE),
    };
    let obj = objects::make(&TYPE, size_of_val(shape).wrapping_mul(3));
    if obj.is_null() {
        return obj;
    }
    let this: *mut Memoryview = obj.cast();
    let to_shape: *mut isize = this.wrapping_add(1).cast();
    let to_strides = to_shape.wrapping_add(ndim);
    let to_suboffsets = to_strides.wrapping_add(ndim);
    let copy = |to: *mut isize, from: &[isize]| {
        // SAFETY: the object is followed by room for three arrays of `ndim` entries.
        unsafe { ptr::copy_nonoverlapping(from.as_ptr(), to, from.len()) };
    };
    copy(to_shape, shape);
    match fields.strides() {
        Some(strides) => copy(to_strides, strides),
        None => {
            let mut strides = [0; PyBUF_MAX_NDIM as usize];
            let strides = strides.get_mut(..ndim).unwrap_or_default();
            fill_contiguous(strides, shape, like.itemsize, Order::C);
            copy(to_strides, strides);
        }
    }
    copy(to_suboffsets, fields.suboffsets().unwrap_or_default());
    let if_there = |is_there, array| if is_there { array } else { ptr::null_mut() };
    let view = Py_buffer {
        format: if like.format.is_null() { plain::BYTES.cast_mut() } else { like.format },
        shape: if_there(ndim > 0, to_shape),
        strides: if_there(ndim > 0, to_strides),
        suboffsets: if_there(!like.suboffsets.is_null(), to_suboffsets),
        ..*like
    };
    // SAFETY: its arrays are those of the new object.
    let flags = flags_of(unsafe { Fields::new(&view) }, &view);
    // SAFETY: alive (caller: MANAGED).
    unsafe { objects::incref(managed.cast()) };
    // SAFETY: a new object of this type, whose head is kept.
    let head = unsafe { obj.cast::<PyVarObject>().read() };
    let made =
        Memoryview { head, managed, hash: -1, flags, exports: 0, view, weakrefs: ptr::null_mut() };
    // SAFETY: as above.
    unsafe { this.write(made) };
    obj
}

#[cold]
#[inline(never)]
fn refuse(kind: Kind, text: &'static CStr) -> *mut PyObject {
    errors::raise(&Error::Fixed(kind, text));
    ptr::null_mut()
}

const NO_SHAPE: &CStr =
    c"Py_buffer.shape is NULL: only a view with ndim 0, or with ndim 1 and an itemsize, can do without";

/// The flags for the layout of the items, as CPython's memoryview has them. With one dimension `len` is not looked at.
fn flags_of(fields: Fields, view: &Py_buffer) -> c_int {
    const BOTH: c_int = C_CONTIGUOUS | FORTRAN_CONTIGUOUS;
    let if_so = |is_so, flag| if is_so { flag } else { 0 };
    let indirect = if_so(!view.suboffsets.is_null(), INDIRECT);
    if view.ndim == 0 {
        return SCALAR | BOTH | indirect;
    }
    if indirect != 0 {
        return indirect;
    }
    match (fields.shape(), fields.strides()) {
        (Some(&[n]), Some(&[stride])) => if_so(n == 1 || stride == view.itemsize, BOTH),
        _ => {
            if_so(fields.lies_in(b'C' as c_char), C_CONTIGUOUS)
                | if_so(fields.lies_in(b'F' as c_char), FORTRAN_CONTIGUOUS)
        }
    }
}

// --- releasing ---------------------------------------------------------------------------------

/// The number of views acquired and not yet released, which any thread may change; or [`RELEASED`].
fn exports(this: &Memoryview) -> &AtomicIsize {
    let exports = (&raw const this.exports).cast_mut();
    // SAFETY: an aligned field that is changed through this function only.
    unsafe { AtomicIsize::from_ptr(exports) }
}

/// Counts one more export. Returns false with an error raised if the memoryview is released.
fn acquire(this: &Memoryview) -> bool {
    let more = |exports: isize| (exports != RELEASED).then(|| exports.wrapping_add(1));
    let is_alive = exports(this).fetch_update(Ordering::Acquire, Ordering::Relaxed, more).is_ok();
    if !is_alive {
        refuse(Kind::Value, c"operation forbidden on released memoryview object");
    }
    is_alive
}

/// `memoryview.release()`
///
/// # Safety
/// * MEMORYVIEW: `this` is a memoryview to which the caller has a reference.
pub unsafe fn release(this: *mut Memoryview) -> Result<(), Raised> {
    // SAFETY: a memoryview (caller: MEMORYVIEW).
    let this = unsafe { &*this };
    match exports(this).compare_exchange(0, RELEASED, Ordering::AcqRel, Ordering::Relaxed) {
        Ok(_) => {
            // SAFETY: this memoryview's own reference, which it no longer uses.
            unsafe { objects::decref(this.managed.cast()) };
            Ok(())
        }
        Err(RELEASED) => Ok(()),
        Err(n) => {
            errors::raise(&Error::text(
                Kind::Buffer,
                message!("memoryview has {} exported buffer{}", n, if n == 1 { "" } else { "s" }),
            ));
            Err(Raised)
        }
    }
}

/// `tp_dealloc` of memoryviews. Each view holds a reference, so none is outstanding.
///
/// # Safety
/// * LAST: `obj` is a memoryview without references.
unsafe extern "C" fn dealloc(obj: *mut PyObject) {
    // SAFETY: not freed yet (caller: LAST). It has no exports, so this cannot fail.
    let _ = unsafe { release(obj.cast()) };
    // SAFETY: nothing refers to it (caller: LAST).
    unsafe { objects::free(obj.cast()) };
}

/// `tp_dealloc` of managed buffers.
///
/// # Safety
/// * LAST: `obj` is a managed buffer without references.
unsafe extern "C" fn dealloc_managed(obj: *mut PyObject) {
    let managed: *mut Managed = obj.cast();
    // SAFETY: not freed yet (caller: LAST).
    let master = unsafe { &raw mut (*managed).master };
    // SAFETY: a view that the exporter filled and that has not moved, or one without an object.
    unsafe { watch::release(&RUNTIME, master, ptr::null()) };
    // SAFETY: not freed yet (caller: LAST).
    let Managed { flags, master: Py_buffer { format, .. }, .. } = unsafe { managed.read() };
    if flags & FREE_FORMAT != 0 {
        // SAFETY: it came from malloc (`Memoryviews::keep_format`), and nothing else uses it.
        unsafe { libc::free(format.cast()) };
    }
    // SAFETY: nothing refers to it (caller: LAST).
    unsafe { objects::free(obj.cast()) };
}
