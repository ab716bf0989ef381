//! Whether the interpreter's own calls come to the library. Only where it is heard, a release can be known to
//! have no acquisition, and a view to have no release.

use core::ffi::CStr;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::runtime::cpython::{self, Image};
use crate::runtime::{Runtime, copies};

/// The functions by which views come and go.
const NAMES: [&CStr; 3] = [c"PyObject_GetBuffer", c"PyBuffer_FillInfo", c"PyBuffer_Release"];
const GET: usize = 0;
const FILL: usize = 1;
const RELEASE: usize = 2;

/// Where the interpreter calls these functions of its own. It begins as zeros.
pub struct Hearing {
    calls: [Call; NAMES.len()],
}

struct Call {
    /// Where the address is kept by which it calls; 0 if there is none.
    entry: AtomicUsize,
    /// Its own function's address.
    own: AtomicUsize,
    /// An address in that entry with which the calls come here, once one is known.
    known: AtomicUsize,
}

impl Hearing {
    /// Looks up what does not change.
    pub fn meet(&self, runtime: &Runtime) {
        let Some(function) = runtime.host_function() else { return };
        let Some(image) = Image::around(function) else { return };
        let entries = cpython::entries(function, &NAMES);
        for ((call, entry), name) in self.calls.iter().zip(entries).zip(NAMES) {
            call.own.store(image.find(name).addr(), Ordering::Relaxed);
            call.entry.store(entry, Ordering::Relaxed);
        }
    }

    /// Whether all acquisitions come here, the interpreter's own too.
    pub fn hears_acquisitions(&self, runtime: &Runtime) -> bool {
        self.hears(runtime, GET) && self.hears(runtime, FILL)
    }

    /// Whether all releases do. The address of that function is in some libpythons for another reason than to
    /// call it, so the entry of one of which it is not must be there too.
    pub fn hears_releases(&self, runtime: &Runtime) -> bool {
        self.hears(runtime, RELEASE) && self.hears(runtime, GET)
    }

    fn hears(&self, runtime: &Runtime, which: usize) -> bool {
        !runtime.is_hosted() || self.calls.get(which).is_some_and(|call| call.comes_here(runtime))
    }
}

impl Call {
    fn comes_here(&self, runtime: &Runtime) -> bool {
        let entry: *mut usize =
            ptr::with_exposed_provenance_mut(self.entry.load(Ordering::Relaxed));
        let own = self.own.load(Ordering::Relaxed);
        if entry.is_null() || own == 0 {
            return false;
        }
        // SAFETY: an aligned word of the interpreter's global offset table, which the dynamic linker changes.
        let target = unsafe { AtomicUsize::from_ptr(entry) }.load(Ordering::Relaxed);
        if target == self.known.load(Ordering::Relaxed) {
            return true;
        }
        let comes = target != own && (is_unbound(runtime, target) || copies::is_watched(target));
        if comes {
            self.known.store(target, Ordering::Relaxed);
        }
        comes
    }
}

/// Whether an entry still leads to the code that will bind it: nobody has called by it.
fn is_unbound(runtime: &Runtime, target: usize) -> bool {
    let base = |address| cpython::locate(address).map(|info| info.dli_fbase);
    let target = ptr::without_provenance(target);
    runtime.host_function().is_some_and(|function| base(function) == base(target))
}
