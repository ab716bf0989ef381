//! Whether the interpreter's calls of its own buffer functions reach the library.
//!
//! If they do not, a release without a known acquisition may be right, and a view without a known release may have
//! been released.

use core::ffi::CStr;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::runtime::cpython::{self, Image};
use crate::runtime::{Runtime, copies};

/// The functions that acquire, fill and release views.
const NAMES: [&CStr; 3] = [c"PyObject_GetBuffer", c"PyBuffer_FillInfo", c"PyBuffer_Release"];
const GET: usize = 0;
const FILL: usize = 1;
const RELEASE: usize = 2;

/// How the interpreter calls each of these functions. It begins as zeros.
pub struct Interposition {
    calls: [Call; NAMES.len()],
}

struct Call {
    /// The address of the entry of the interpreter's global offset table that its calls go through; 0 if there is
    /// none.
    entry: AtomicUsize,
    /// The address of the interpreter's own function.
    own: AtomicUsize,
    /// The last target of that entry that was found to reach the library; 0 before.
    known: AtomicUsize,
}

impl Interposition {
    /// Looks up what does not change: entries and own functions.
    pub fn begin(&self, runtime: &Runtime) {
        let Some(function) = runtime.host_function() else { return };
        let Some(image) = Image::around(function) else { return };
        let entries = cpython::entries(function, &NAMES);
        for ((call, entry), name) in self.calls.iter().zip(entries).zip(NAMES) {
            call.own.store(image.find(name).addr(), Ordering::Relaxed);
            call.entry.store(entry, Ordering::Relaxed);
        }
    }

    /// Whether all acquisitions reach the library, the interpreter's included.
    pub fn sees_acquisitions(&self, runtime: &Runtime) -> bool {
        self.sees(runtime, GET) && self.sees(runtime, FILL)
    }

    /// Whether all releases do. Some libpythons take the address of `PyBuffer_Release` and call it directly, so its
    /// entry alone proves nothing: that of `PyObject_GetBuffer`, whose address they do not take, must be there too.
    pub fn sees_releases(&self, runtime: &Runtime) -> bool {
        self.sees(runtime, RELEASE) && self.sees(runtime, GET)
    }

    #[inline(never)]
    fn sees(&self, runtime: &Runtime, which: usize) -> bool {
        !runtime.is_hosted()
            || self.calls.get(which).is_some_and(|call| call.reaches_library(runtime))
    }
}

impl Call {
    fn reaches_library(&self, runtime: &Runtime) -> bool {
        let entry: *mut usize =
            ptr::with_exposed_provenance_mut(self.entry.load(Ordering::Relaxed));
        let own = self.own.load(Ordering::Relaxed);
        if entry.is_null() || own == 0 {
            return false;
        }
        // SAFETY: an aligned word of the interpreter's global offset table, which the dynamic linker may write.
        let target = unsafe { AtomicUsize::from_ptr(entry) }.load(Ordering::Relaxed);
        if target == self.known.load(Ordering::Relaxed) {
            return true;
        }
        let reaches = target != own && (is_unbound(runtime, target) || copies::is_watched(target));
        if reaches {
            self.known.store(target, Ordering::Relaxed);
        }
        reaches
    }
}

/// Whether an entry is not bound yet: it still points to code of the interpreter's image, which binds it at the
/// first call.
fn is_unbound(runtime: &Runtime, target: usize) -> bool {
    let base = |address| cpython::locate(address).map(|info| info.dli_fbase);
    let target = ptr::without_provenance(target);
    runtime.host_function().is_some_and(|function| base(function) == base(target))
}
