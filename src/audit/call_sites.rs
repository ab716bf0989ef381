//! The code that calls the library: interned call sites, by their return addresses.

use core::ffi::{CStr, c_void};
use core::sync::atomic::{AtomicUsize, Ordering};

use super::names::{self, EMPTY, Name};
use super::table::{Entry, Head, Table};
use crate::check::text::Writer;
use crate::runtime::{self, Runtime};

/// A call, by its return address.
#[repr(C)]
pub struct CallSite {
    head: Head,
    /// The file's name without its folder; empty if it is unknown.
    pub file: Name,
    /// The function's name; empty if the file does not export it.
    pub function: Name,
    /// The offset of the return address in the file; the address itself if the file is unknown.
    pub offset: usize,
    /// Whether this is the interpreter's own code.
    pub is_host: bool,
}

// SAFETY: `repr(C)`, with its head first (HEAD).
unsafe impl Entry for CallSite {}

/// All call sites that were met. It begins as zeros.
pub struct CallSites {
    table: Table<CallSite>,
    /// The base address of the interpreter's own code; 0 without one.
    host: AtomicUsize,
}

impl CallSites {
    /// Notes the base address of the interpreter's code, if there is an interpreter.
    pub fn begin(&self, runtime: &Runtime) {
        if let Some(function) = runtime.host_function() {
            let base = runtime::locate(function).map_or(0, |info| info.dli_fbase.addr());
            self.host.store(base, Ordering::Relaxed);
        }
    }

    /// The call site with this return address; `None` for null, or without memory.
    pub fn at(&self, caller: *const c_void) -> Option<&'static CallSite> {
        if caller.is_null() {
            return None;
        }
        self.table.intern([caller.addr(), 0, 0], |head| self.describe(caller, head))
    }

    #[cold]
    fn describe(&self, caller: *const c_void, head: Head) -> CallSite {
        let mut site =
            CallSite { head, file: EMPTY, function: EMPTY, offset: caller.addr(), is_host: false };
        // One byte before the return address, which may be the beginning of the next function.
        let Some(info) = runtime::locate(caller.wrapping_byte_sub(1)) else { return site };
        let base = info.dli_fbase.addr();
        site.offset = caller.addr().wrapping_sub(base);
        site.is_host = base == self.host.load(Ordering::Relaxed);
        if !info.dli_fname.is_null() {
            // SAFETY: a C string of the dynamic linker's.
            let path = unsafe { CStr::from_ptr(info.dli_fname) }.to_bytes();
            let file = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            Writer::new(&mut site.file).printable(file);
        }
        if !info.dli_sname.is_null() {
            // SAFETY: as above.
            site.function = names::copy(unsafe { CStr::from_ptr(info.dli_sname) });
        }
        site
    }

    /// Releases the lock, in a child.
    pub fn open(&self) {
        self.table.open();
    }
}
