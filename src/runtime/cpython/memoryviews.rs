//! The host's functions for memoryviews, and the objects that keep their memory's owner alive.

use core::ffi::{CStr, c_void};
use core::{mem, ptr};

use super::dynamic::Image;
use super::host::Host;
use crate::abi::PyObject;
use crate::error::Raised;
use crate::runtime::layout::ObjectLayout;
use crate::runtime::memoryviews::{Makers, Memoryviews, missing};
use crate::runtime::{Destructor, for_objects};

/// The name of the capsules that call a destructor.
const GUARD: &CStr = c"pybuffer.memory";

impl Host {
    /// The host's own functions. They are looked up in its image: by name alone, a preloaded libpybuffer would find
    /// its own.
    ///
    /// # Safety
    /// * LAYOUT: this is the layout of the host's types.
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
            // SAFETY: the type of the host's memoryviews, of this layout (caller: LAYOUT).
            shift: unsafe { Memoryviews::measure(layout, self.memoryview_type()) },
            // SAFETY: null becomes `None`; any other address is that of CPython's function of this name.
            makers: unsafe { mem::transmute::<[*mut c_void; 4], Makers>(addresses) },
            new_bytes: symbols.PyBytes_FromStringAndSize,
            bytes: symbols.PyBytes_AsString,
            allocate: symbols.PyMem_Malloc,
        }
    }

    /// `memoryview.release()`
    ///
    /// # Safety
    /// * MEMORYVIEW: it is a memoryview of the host's.
    /// * STATE: a thread state is attached.
    pub unsafe fn release_memoryview(&self, memoryview: *mut PyObject) -> Result<(), Raised> {
        let Some(call) = self.symbols().PyObject_CallMethod else { return Err(missing()) };
        // SAFETY: an object (caller: MEMORYVIEW, STATE), a method's name, and no arguments.
        let none = unsafe { call(memoryview, c"release".as_ptr(), ptr::null()) };
        if none.is_null() {
            return Err(Raised);
        }
        // SAFETY: the new reference that the call returned.
        unsafe { (self.decref())(none) };
        Ok(())
    }

    /// A new tuple that contains `owner`; the garbage collector traverses it. The owner itself must not be the
    /// managed buffer's object: CPython would call its `bf_releasebuffer` with a view that it never filled.
    ///
    /// # Safety
    /// * OWNER: `owner` is an object of the host's.
    /// * STATE: a thread state is attached.
    pub unsafe fn hold(&self, owner: *mut PyObject) -> *mut PyObject {
        let Some(pack) = self.symbols().PyTuple_Pack else {
            missing();
            return ptr::null_mut();
        };
        // SAFETY: a tuple of one object (caller: OWNER, STATE).
        unsafe { pack(1, owner) }
    }

    /// A new capsule that calls `destructor(context)` when it is destroyed.
    ///
    /// # Safety
    /// * STATE: a thread state is attached.
    /// * DESTRUCTOR: `destructor` may be called with `context` from any thread.
    pub unsafe fn guard(&self, destructor: Destructor, context: *mut c_void) -> *mut PyObject {
        let (Some(new), Some(set_context)) =
            (self.symbols().PyCapsule_New, self.symbols().PyCapsule_SetContext)
        else {
            missing();
            return ptr::null_mut();
        };
        // SAFETY: a pointer that is not null, and a static name (caller: STATE).
        let capsule = unsafe { new(destructor as *mut c_void, GUARD.as_ptr(), Some(end_guard)) };
        if !capsule.is_null() {
            // SAFETY: a new capsule, for which this cannot fail.
            unsafe { set_context(capsule, context) };
        }
        capsule
    }

    /// Destroys a capsule that [`guard`](Self::guard) made, without calling its destructor.
    ///
    /// # Safety
    /// * CAPSULE: `guard` made it, and the caller has the only reference, which it gives up.
    /// * STATE: a thread state is attached.
    pub unsafe fn drop_idle_guard(&self, capsule: *mut PyObject) {
        if let Some(set_context) = self.symbols().PyCapsule_SetContext {
            // The capsule's own address marks it: no program can have passed that as the context.
            // SAFETY: a capsule (caller: CAPSULE), for which this cannot fail.
            unsafe { set_context(capsule, capsule.cast()) };
        }
        // SAFETY: the caller's reference (caller: CAPSULE, STATE).
        unsafe { (self.decref())(capsule) };
    }
}

/// The destructor of [`Host::guard`]'s capsules: calls the program's, unless the capsule is marked.
///
/// # Safety
/// * CAPSULE: `capsule` is such a capsule, which CPython is destroying.
unsafe extern "C" fn end_guard(capsule: *mut PyObject) {
    let Some(host) = for_objects().host() else { return };
    let (Some(pointer), Some(context)) =
        (host.symbols().PyCapsule_GetPointer, host.symbols().PyCapsule_GetContext)
    else {
        return;
    };
    // SAFETY: a capsule of this name (caller: CAPSULE).
    let destructor = unsafe { pointer(capsule, GUARD.as_ptr()) };
    // SAFETY: a capsule (caller: CAPSULE).
    let context = unsafe { context(capsule) };
    // SAFETY: null, or the function that `guard` stored.
    let destructor = unsafe { mem::transmute::<*mut c_void, Option<Destructor>>(destructor) };
    if let Some(destructor) = destructor.filter(|_| context != capsule.cast()) {
        // SAFETY: the caller of `guard` allowed this call (its DESTRUCTOR).
        host.with_error_aside(|| unsafe { destructor(context) });
    }
}
