//! Memoryviews. The process's world makes them; the library makes the copies, and adds what CPython's memoryviews lack:
//! an owner of the memory, and a format of their own.
//!
//! An error is raised where it is found, before any object is dropped, because dropping an object may run arbitrary
//! code.

use core::ffi::{c_char, c_int, c_void};
use core::ptr;

use super::{contiguous as copies, get};
use crate::abi::{
    Py_buffer, Py_ssize_t, PyBUF_FULL_RO, PyBUF_MAX_NDIM, PyBUF_READ, PyBUF_WRITE, PyObject,
};
use crate::error::{Error, Kind, Raised, message};
use crate::layout::{Order, strides};
use crate::runtime::memoryviews::{Fresh, missing};
use crate::runtime::{self, Destructor, Runtime, raised, raised_text};
use crate::view::Fields;

/// A new reference to an object.
type Made = Result<*mut PyObject, Raised>;
/// A new memoryview, with its fields where they are known.
type MadeWithFields<'a> = Result<(*mut PyObject, Option<Fresh<'a>>), Raised>;

/// The result of a function that makes an object: `Err` for null.
fn made(object: *mut PyObject) -> Made {
    if object.is_null() { Err(Raised) } else { Ok(object) }
}

/// A memoryview of what an object exports.
///
/// # Safety
/// * OBJECT: an object of this process's world.
#[inline]
pub unsafe fn from_object(obj: *mut PyObject) -> Made {
    let make = runtime::for_objects().memoryviews()?.makers.from_object.ok_or_else(missing)?;
    // SAFETY: an object (caller: OBJECT), and a thread state is attached.
    made(unsafe { make(obj) })
}

/// A memoryview of `size` bytes, read-only unless `flags` are `PyBUF_WRITE`.
///
/// # Safety
/// * MEMORY: the bytes stay as long as the memoryview.
pub unsafe fn from_memory(mem: *mut c_char, size: Py_ssize_t, flags: c_int) -> Made {
    let runtime = runtime::for_good();
    if mem.is_null() {
        // SAFETY: the same bytes (caller: MEMORY).
        return unsafe { lend(runtime, mem, size, flags) }.map(|(memoryview, _)| memoryview);
    }
    let make = runtime.memoryviews()?.makers.from_memory.ok_or_else(missing)?;
    // SAFETY: the same bytes (caller: MEMORY), and a thread state is attached.
    made(unsafe { make(mem, size, access(flags)) })
}

/// The flags that all builds of CPython accept; debug builds abort for others.
fn access(flags: c_int) -> c_int {
    if flags == PyBUF_WRITE { PyBUF_WRITE } else { PyBUF_READ }
}

/// As [`from_memory`], with the fields.
///
/// # Safety
/// * MEMORY: as for [`from_memory`].
#[inline(never)]
unsafe fn lend<'a>(
    runtime: &Runtime,
    mem: *mut c_char,
    size: Py_ssize_t,
    flags: c_int,
) -> MadeWithFields<'a> {
    let views = runtime.memoryviews()?;
    let make = views.makers.from_memory.ok_or_else(missing)?;
    // Debug builds of CPython abort for null.
    let mut stand_in: c_char = 0;
    let shown = if mem.is_null() { &raw mut stand_in } else { mem };
    // SAFETY: the same bytes (caller: MEMORY), and a thread state is attached.
    let memoryview = made(unsafe { make(shown, size, access(flags)) })?;
    let like = Py_buffer { buf: shown.cast(), len: size, itemsize: 1, ndim: 1, ..get::EMPTY };
    // SAFETY: just made of it.
    let mut fresh = unsafe { views.fresh(runtime.layout(), memoryview, &like) };
    match &mut fresh {
        Some(fresh) if mem.is_null() => fresh.move_to(mem.cast()),
        // SAFETY: just made.
        None if mem.is_null() => return Err(unsafe { drop_for(runtime, memoryview, missing()) }),
        _ => {}
    }
    Ok((memoryview, fresh))
}

/// A memoryview of the memory that a view describes, without its object. The format is copied.
///
/// # Safety
/// * VIEW: its arrays are there, and its memory stays as long as the memoryview.
pub unsafe fn from_buffer(info: &Py_buffer) -> Made {
    let runtime = runtime::for_good();
    // SAFETY: the same view (caller: VIEW).
    unsafe { describe(runtime, info) }.map(|(memoryview, _)| memoryview)
}

/// As [`from_buffer`], with the fields.
///
/// # Safety
/// * VIEW: as for [`from_buffer`].
#[inline(never)]
unsafe fn describe<'a>(runtime: &Runtime, info: &Py_buffer) -> MadeWithFields<'a> {
    let views = runtime.memoryviews()?;
    let make = views.makers.from_buffer.ok_or_else(missing)?;
    check(info)?;
    // SAFETY: a view (caller: VIEW) that libpython does not crash on (`check`).
    let memoryview = made(unsafe { make(info) })?;
    // SAFETY: just made of it.
    let mut fresh = unsafe { views.fresh(runtime.layout(), memoryview, info) };
    let kept = match &mut fresh {
        // SAFETY: a view's format is null or a C string.
        Some(fresh) => unsafe { views.keep_format(fresh, info.format) },
        None => Ok(()),
    };
    match kept {
        Ok(()) => Ok((memoryview, fresh)),
        // SAFETY: just made.
        Err(error) => Err(unsafe { drop_for(runtime, memoryview, error) }),
    }
}

/// Refuses what libpython refuses, and what it crashes on.
fn check(info: &Py_buffer) -> Result<(), Raised> {
    if info.buf.is_null() {
        return Err(raised_text(
            Kind::Value,
            c"PyMemoryView_FromBuffer(): info->buf must not be NULL",
        ));
    }
    // libpython has texts of its own for other numbers of dimensions.
    if !info.shape.is_null() || !(1..=PyBUF_MAX_NDIM).contains(&info.ndim) {
        return Ok(());
    }
    if info.ndim > 1 || info.len.checked_div(info.itemsize).is_none() {
        return Err(raised(&Error::text(
            Kind::Value,
            message!(
                "Py_buffer.shape is NULL, but a view with ndim {} and itemsize {} needs one",
                info.ndim,
                info.itemsize
            ),
        )));
    }
    Ok(())
}

/// Drops an object that is not returned after all.
///
/// # Safety
/// * REFERENCE: an object of this world, and the caller's own reference.
#[cold]
#[inline(never)]
unsafe fn drop_for(runtime: &Runtime, object: *mut PyObject, raised: Raised) -> Raised {
    // SAFETY: the caller's own reference (caller: REFERENCE).
    unsafe { runtime.decref(object) };
    raised
}

/// A contiguous memoryview of what an object exports: of the object itself if it is contiguous in `order`, else, unless
/// `buffertype` is `PyBUF_WRITE`, of a copy.
///
/// # Safety
/// * OBJECT: an object of this process's world.
pub unsafe fn get_contiguous(obj: *mut PyObject, buffertype: c_int, order: c_char) -> Made {
    let runtime = runtime::for_objects();
    // SAFETY: the same object (caller: OBJECT).
    let memoryview = unsafe { from_object(obj) }?;
    let mut acquired = get::EMPTY;
    let mut view = runtime.view_of(memoryview);
    if view.is_null() {
        // The fields of memoryviews are not known in this libpython, so a view is requested.
        view = &raw mut acquired;
        // SAFETY: made above; the view stays where it is until it is given back.
        let answer = unsafe { get::acquire(memoryview, view, PyBUF_FULL_RO) };
        if !matches!(answer, Ok(0)) {
            // SAFETY: made above.
            return Err(unsafe { drop_for(runtime, memoryview, Raised) });
        }
    }
    // SAFETY: the memoryview's own view, as long as it is held, or its answer.
    let view = unsafe { &*view };
    // SAFETY: as above.
    let copy = unsafe { contiguous(runtime, memoryview, view, buffertype, order) };
    // SAFETY: not acquired for, or filled above and given back once.
    unsafe { get::release(&raw mut acquired) };
    if let Ok(None) = copy {
        return Ok(memoryview);
    }
    // SAFETY: made above, and not needed any more.
    unsafe { runtime.decref(memoryview) };
    copy?.ok_or(Raised)
}

/// A memoryview of a copy of `view` in `order`; `None` if the view is in that order already.
///
/// # Safety
/// `view` is the view of a memoryview that is held.
unsafe fn contiguous(
    runtime: &Runtime,
    memoryview: *mut PyObject,
    view: &Py_buffer,
    buffertype: c_int,
    order: c_char,
) -> Result<Option<*mut PyObject>, Raised> {
    if buffertype == PyBUF_WRITE && view.readonly != 0 {
        return Err(raised_text(Kind::Buffer, c"underlying buffer is not writable"));
    }
    // SAFETY: a memoryview's arrays are there.
    let fields = unsafe { Fields::new(view) };
    if fields.lies_in(order) {
        return Ok(None);
    }
    if buffertype == PyBUF_WRITE {
        return Err(raised_text(
            Kind::Buffer,
            c"writable contiguous buffer requested for a non-contiguous object.",
        ));
    }
    let views = runtime.memoryviews()?;
    let new_bytes = views.new_bytes.ok_or_else(missing)?;
    let bytes = views.bytes.ok_or_else(missing)?;
    // SAFETY: any length; the bytes are written below, before anyone sees them.
    let owner = made(unsafe { new_bytes(ptr::null(), view.len) })?;
    // SAFETY: bytes.
    let buf: *mut c_void = unsafe { bytes(owner) }.cast();
    // SAFETY: as many bytes as the view has; its items are there (held).
    if let Err(error) = unsafe { copies::to_contiguous(buf, fields, view.len, order, raised) } {
        // SAFETY: made here.
        return Err(unsafe { drop_for(runtime, owner, error) });
    }
    // From here on the order is one that every function accepts: debug builds of CPython abort for others.
    let order = if matches!(order as u8, b'C' | b'A') { b'C' } else { b'F' } as c_char;
    // SAFETY: as above.
    let copy = match unsafe { view_of_copy(runtime, view, buf, order) } {
        Ok((memoryview, Some(mut fresh))) => {
            fresh.own(owner, owner);
            return Ok(Some(memoryview));
        }
        Ok((unknown, None)) => {
            // SAFETY: made there.
            unsafe { runtime.decref(unknown) };
            // The last resort is the host's own function, where it does not crash and makes a copy too.
            match views.makers.get_contiguous {
                Some(make) if view.ndim > 0 && !fields.lies_in(order) => {
                    // SAFETY: an object, and a thread state is attached.
                    made(unsafe { make(memoryview, PyBUF_READ, order) })
                }
                _ => Err(missing()),
            }
        }
        Err(raised) => Err(raised),
    };
    // SAFETY: made here.
    unsafe { runtime.decref(owner) };
    copy.map(Some)
}

/// A memoryview of a copy of `view` at `buf`, still without an owner.
///
/// # Safety
/// `view` is the view of a memoryview that is held, and its copy lies at `buf` in `order`, 'C' or 'F'.
unsafe fn view_of_copy<'a>(
    runtime: &Runtime,
    view: &Py_buffer,
    buf: *mut c_void,
    order: c_char,
) -> MadeWithFields<'a> {
    const MOST: usize = PyBUF_MAX_NDIM as usize;
    let order = if order as u8 == b'C' { Order::C } else { Order::Fortran };
    // SAFETY: a memoryview's arrays are there.
    let fields = unsafe { Fields::new(view) };
    let mut dense = [0; MOST];
    let of_view = dense.get_mut(..fields.ndim()).unwrap_or_default();
    strides::fill_contiguous(of_view, fields.shape().unwrap_or_default(), view.itemsize, order);
    let info = Py_buffer {
        buf,
        len: view.len,
        itemsize: view.itemsize,
        readonly: 1,
        ndim: view.ndim,
        format: view.format,
        shape: view.shape,
        strides: dense.as_mut_ptr(),
        ..get::EMPTY
    };
    // SAFETY: a whole view of the copy.
    unsafe { describe(runtime, &info) }
}

/// As [`from_buffer`], but the memoryviews keep `owner` alive, and it is their `obj`.
///
/// # Safety
/// * VIEW: as for [`from_buffer`], but its memory stays as long as `owner`.
/// * OWNER: an object of this world.
pub unsafe fn with_owner(info: &Py_buffer, owner: *mut PyObject) -> Made {
    let runtime = runtime::for_objects();
    runtime.memoryviews()?;
    // It is made before the memoryview, because the garbage collector may run, and must not find an unfinished
    // memoryview.
    // SAFETY: an object (caller: OWNER), and a thread state is attached.
    let keeper = made(unsafe { runtime.hold(owner) })?;
    // SAFETY: the same view (caller: VIEW).
    let made = unsafe { describe(runtime, info) };
    // SAFETY: just made.
    unsafe { keep(runtime, made, keeper, owner) }.map_err(|raised| {
        // SAFETY: made here, and kept by none.
        unsafe { drop_for(runtime, keeper, raised) }
    })
}

/// As [`from_memory`], and `destructor(context)` is called once, after the last memoryview is gone; not at
/// all if there is none.
///
/// # Safety
/// * MEMORY: the bytes stay until then.
/// * DESTRUCTOR: it may be called by any thread that drops a memoryview.
pub unsafe fn with_destructor(
    mem: *mut c_char,
    size: Py_ssize_t,
    flags: c_int,
    destructor: Destructor,
    context: *mut c_void,
) -> Made {
    let runtime = runtime::for_good();
    // SAFETY: the same bytes (caller: MEMORY).
    let mut lend = || unsafe { lend(runtime, mem, size, flags) };
    // SAFETY: a new memoryview; the same destructor (caller: DESTRUCTOR).
    unsafe { guarded(runtime, &mut lend, destructor, context) }
}

/// As [`from_buffer`], and `destructor(context)` is called once, after the last memoryview is gone; not at all if there
/// is none.
///
/// # Safety
/// * VIEW: as for [`from_buffer`], but its memory stays until then.
/// * DESTRUCTOR: it may be called by any thread that drops a memoryview.
pub unsafe fn from_buffer_with_destructor(
    info: &Py_buffer,
    destructor: Destructor,
    context: *mut c_void,
) -> Made {
    let runtime = runtime::for_good();
    // SAFETY: the same view (caller: VIEW).
    let mut describe = || unsafe { describe(runtime, info) };
    // SAFETY: a new memoryview; the same destructor (caller: DESTRUCTOR).
    unsafe { guarded(runtime, &mut describe, destructor, context) }
}

/// The memoryview that `make` makes, which calls `destructor(context)`.
///
/// # Safety
/// * FRESH: what `make` returns was just made.
/// * DESTRUCTOR: as for [`with_destructor`].
#[inline(never)]
unsafe fn guarded(
    runtime: &Runtime,
    make: &mut dyn FnMut() -> MadeWithFields<'static>,
    destructor: Destructor,
    context: *mut c_void,
) -> Made {
    runtime.memoryviews()?;
    // Before the memoryview, as in `with_owner`.
    // SAFETY: the same destructor (caller: DESTRUCTOR).
    let guard = made(unsafe { runtime.guard(destructor, context) })?;
    // SAFETY: just made (caller: FRESH).
    unsafe { keep(runtime, make(), guard, guard) }.inspect_err(|_| {
        // SAFETY: made here, and kept by none.
        unsafe { runtime.drop_idle_guard(guard) };
    })
}

/// Gives a new memoryview, if there is one, a keeper of its memory and a base.
///
/// # Safety
/// * FRESH: the memoryview was just made, and these are its fields.
/// * KEEPER: the reference to it is the caller's; it becomes the memoryview's if this succeeds.
#[inline(never)]
unsafe fn keep(
    runtime: &Runtime,
    made: MadeWithFields,
    keeper: *mut PyObject,
    base: *mut PyObject,
) -> Made {
    match made? {
        (memoryview, Some(mut fresh)) => {
            fresh.own(keeper, base);
            Ok(memoryview)
        }
        // SAFETY: just made (caller: FRESH).
        (memoryview, None) => Err(unsafe { drop_for(runtime, memoryview, missing()) }),
    }
}

/// Releases a memoryview, as its method `release` does.
///
/// # Safety
/// * OBJECT: an object of this process's world.
pub unsafe fn release(memoryview: *mut PyObject) -> Result<(), Raised> {
    let runtime = runtime::for_objects();
    runtime.memoryviews()?;
    // SAFETY: an object (caller: OBJECT).
    if !unsafe { runtime.is_memoryview(memoryview) } {
        return Err(raised_text(Kind::System, get::BAD_CALL));
    }
    // SAFETY: a memoryview, and a thread state is attached.
    unsafe { runtime.release_memoryview(memoryview) }
}

/// A memoryview's view.
///
/// # Safety
/// * OBJECT: an object of this process's world.
#[inline(never)]
pub unsafe fn view_of(memoryview: *mut PyObject) -> Result<*mut Py_buffer, Raised> {
    let runtime = runtime::for_objects();
    // SAFETY: an object (caller: OBJECT).
    if !unsafe { runtime.is_memoryview(memoryview) } {
        return Err(raised_text(Kind::System, get::BAD_CALL));
    }
    let view = runtime.view_of(memoryview);
    if view.is_null() { Err(missing()) } else { Ok(view) }
}
