//! How the host makes memoryviews, and what keeps their memory's owner alive.

use core::ffi::{CStr, c_void};
use core::{mem, ptr};

use super::dynamic::Image;
use super::host::Host;
use crate::abi::PyObject;
use crate::error::Raised;
use crate::runtime::layout::ObjectLayout;
use crate::runtime::memoryviews::{Makers, Memoryviews, missing};
use crate::runtime::{Destructor, for_objects};

/// What a capsule that runs a destructor is called.
const GUARD: &CStr = c"pybuffer.memory";

impl Host {
    /// The host's own functions: under a preload this library's would come first by name.
    ///
    /// # Safety
    /// This is the layout of the host's types.
    pub unsafe fn memoryviews(&self, layout: ObjectLayout) -> Memoryviews {
        let symbols = self.symbols();
        let get_version = symbols.Py_GetVersion.map_or(ptr::null(), |f| f as *const c_void);
        let image = Image::around(get_version);
        let names = [
            c"PyMemoryView_FromObject",
            c"PyMemoryView_FromMemory",
            c"PyMemoryView_FromBuffer",
            c"PyMemoryView_GetContiguous",
        ];
        let addresses =
            names.map(|name| image.as_ref().map_or(ptr::null_mut(), |image| image.find(name)));
        Memoryviews {
            r#type: self.memoryview_type(),
            // SAFETY: the caller's promise is the callee's.
            shift: unsafe { Memoryviews::measure(layout, self.memoryview_type()) },
            // SAFETY: null becomes `None`, any other address is that of CPython's function of that name.
            makers: unsafe { mem::transmute::<[*mut c_void; 4], Makers>(addresses) },
            new_bytes: symbols.PyBytes_FromStringAndSize,
            bytes: symbols.PyBytes_AsString,
            allocate: symbols.PyMem_Malloc,
        }
    }

    /// `memoryview.release()`
    ///
    /// # Safety
    /// A memoryview of the host's, and a thread state is attached.
    pub unsafe fn release_memoryview(&self, memoryview: *mut PyObject) -> Result<(), Raised> {
        let Some(call) = self.symbols().PyObject_CallMethod else { return Err(missing()) };
        // SAFETY: an object (caller), a method's name, and no arguments.
        let none = unsafe { call(memoryview, c"release".as_ptr(), ptr::null()) };
        if none.is_null() {
            return Err(Raised);
        }
        // SAFETY: the reference that the call gave.
        unsafe { (self.decref())(none) };
        Ok(())
    }

    /// A new object that holds another one: a tuple, which the garbage collector looks into. The object
    /// itself would not do, as CPython calls its `bf_releasebuffer` with a view that it never filled.
    ///
    /// # Safety
    /// An object of the host's, and a thread state is attached.
    pub unsafe fn hold(&self, owner: *mut PyObject) -> *mut PyObject {
        let Some(pack) = self.symbols().PyTuple_Pack else {
            missing();
            return ptr::null_mut();
        };
        // SAFETY: one object.
        unsafe { pack(1, owner) }
    }

    /// A new object that calls `destructor(context)` with its end: a capsule.
    ///
    /// # Safety
    /// A thread state is attached.
    pub unsafe fn guard(&self, destructor: Destructor, context: *mut c_void) -> *mut PyObject {
        let (Some(new), Some(set_context)) =
            (self.symbols().PyCapsule_New, self.symbols().PyCapsule_SetContext)
        else {
            missing();
            return ptr::null_mut();
        };
        // SAFETY: a pointer that is not null, and a name that lives for ever.
        let capsule = unsafe { new(destructor as *mut c_void, GUARD.as_ptr(), Some(end_guard)) };
        if !capsule.is_null() {
            // SAFETY: a capsule; this cannot fail.
            unsafe { set_context(capsule, context) };
        }
        capsule
    }

    /// Drops a capsule of [`guard`](Self::guard)'s that is to call nothing.
    ///
    /// # Safety
    /// Such a capsule, and the caller's own reference; a thread state is attached.
    pub unsafe fn drop_idle_guard(&self, capsule: *mut PyObject) {
        if let Some(set_context) = self.symbols().PyCapsule_SetContext {
            // Its own address can be no one else's context.
            // SAFETY: a capsule; this cannot fail.
            unsafe { set_context(capsule, capsule.cast()) };
        }
        // SAFETY: the caller's own.
        unsafe { (self.decref())(capsule) };
    }
}

/// # Safety
/// `capsule` is one of [`Host::guard`]'s at its end.
unsafe extern "C" fn end_guard(capsule: *mut PyObject) {
    let Some(host) = for_objects().host() else { return };
    let (Some(pointer), Some(context)) =
        (host.symbols().PyCapsule_GetPointer, host.symbols().PyCapsule_GetContext)
    else {
        return;
    };
    // SAFETY: a capsule of this name.
    let destructor = unsafe { pointer(capsule, GUARD.as_ptr()) };
    // SAFETY: a capsule.
    let context = unsafe { context(capsule) };
    // SAFETY: null, or what `guard` put there.
    let destructor = unsafe { mem::transmute::<*mut c_void, Option<Destructor>>(destructor) };
    if let Some(destructor) = destructor.filter(|_| context != capsule.cast()) {
        // SAFETY: the promise of whoever gave both.
        host.with_error_aside(|| unsafe { destructor(context) });
    }
}
