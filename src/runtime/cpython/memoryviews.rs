//! The host's functions for memoryviews, and the destructor of the capsules that guard a program's memory.

use core::ffi::{CStr, c_void};
use core::{mem, ptr};

use super::HOST;
use super::dynamic::Image;
use super::host::Host;
use crate::abi::PyObject;
use crate::runtime::Destructor;
use crate::runtime::memoryviews::{Makers, Memoryviews};

/// The name of the capsules that call a destructor.
pub(super) const GUARD: &CStr = c"pybuffer.memory";

impl Host {
    /// The host's own functions. They are looked up in its image, because a look-up in the whole process would find
    /// those of a preloaded libpybuffer.
    pub fn memoryviews(&self) -> Memoryviews {
        let symbols = &self.symbols;
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
            // SAFETY: the type of the host's memoryviews, on which this layout was measured.
            shift: unsafe { Memoryviews::measure(self.layout, self.memoryview_type()) },
            // SAFETY: null becomes `None`; any other address is that of CPython's function of this name.
            makers: unsafe { mem::transmute::<[*mut c_void; 4], Makers>(addresses) },
            new_bytes: symbols.PyBytes_FromStringAndSize,
            bytes: symbols.PyBytes_AsString,
            allocate: symbols.PyMem_Malloc,
        }
    }
}

/// The destructor of the capsules that `World::guard` makes: calls the program's, unless the capsule is marked.
///
/// # Safety
/// * CAPSULE: `capsule` is such a capsule, which CPython is destroying.
pub(super) unsafe extern "C" fn end_guard(capsule: *mut PyObject) {
    let Some(host) = HOST.get() else { return };
    let (Some(pointer), Some(context)) =
        (host.symbols.PyCapsule_GetPointer, host.symbols.PyCapsule_GetContext)
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
        host.with_error_aside(&mut || unsafe { destructor(context) });
    }
}
