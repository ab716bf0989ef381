//! Where views come from: interned exporter types, and requests to them from each place.

use core::ffi::{CStr, c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicIsize, Ordering};

use super::call_sites::CallSite;
use super::filter::{Applies, Filter};
use super::names::{self, Name};
use super::places::{Place, Places};
use super::table::{Entry, Head, Table};
use super::tally::Reported;
use crate::abi::PyObject;
use crate::runtime::Runtime;

/// The type of an exporter.
#[repr(C)]
pub struct ExporterType {
    head: Head,
    /// The type's name.
    pub name: Name,
    /// What was reported of it.
    pub reported: Reported,
    applies: Applies,
}

/// The requests with the same flags from one place to exporters of one type.
#[repr(C)]
pub struct Origin {
    head: Head,
    /// The type of the exporters.
    pub exporter: &'static ExporterType,
    /// Where the requests are made; `None` without memory.
    pub place: Option<&'static Place>,
    /// Their flags.
    pub flags: c_int,
    n_held: AtomicIsize,
    n_lost: AtomicIsize,
}

impl Origin {
    /// The code that called the library; `None` for the library itself, or without memory.
    pub fn call_site(&self) -> Option<&'static CallSite> {
        self.place.and_then(|place| place.call_site)
    }

    /// A view was acquired.
    pub fn hold(&self) {
        self.n_held.fetch_add(1, Ordering::Relaxed);
    }

    /// The `Py_buffer` of a held view was filled again.
    pub fn lose(&self) {
        self.n_lost.fetch_add(1, Ordering::Relaxed);
    }

    /// A view was released.
    pub fn release(&self, was_lost: bool) {
        self.n_held.fetch_sub(1, Ordering::Relaxed);
        self.n_lost.fetch_sub(was_lost.into(), Ordering::Relaxed);
    }

    /// How many views are held, and how many of them are lost.
    pub fn held(&self) -> (isize, isize) {
        (self.n_held.load(Ordering::Relaxed), self.n_lost.load(Ordering::Relaxed))
    }
}

// SAFETY: `repr(C)`, with its head first (HEAD).
unsafe impl Entry for ExporterType {}
// SAFETY: as above.
unsafe impl Entry for Origin {}

impl ExporterType {
    /// Whether a finding, given by its bit, is not told, if the request or the release comes from `place`.
    #[cold]
    pub fn leaves_out(&self, bit: u8, place: Option<&Place>) -> bool {
        self.applies.leave_out(bit, place.is_some_and(|place| place.is_wanted))
    }
}

/// Calls `tell` with the name of an object's type, and with those of its bases, from which it has its slots.
///
/// # Safety
/// * OBJECT: `obj` is an object of this world.
unsafe fn each_name(runtime: &Runtime, obj: *mut PyObject, tell: &mut dyn FnMut(&[u8])) {
    let layout = runtime.layout();
    // SAFETY: an object (caller: OBJECT).
    let mut at = unsafe { layout.type_of(obj) };
    while !at.is_null() {
        // SAFETY: a type, as `obj` keeps its type, and that its bases.
        let name = unsafe { layout.name_of(at) };
        // SAFETY: a type's name is a C string.
        tell(unsafe { CStr::from_ptr(name) }.to_bytes());
        // SAFETY: a type, as above.
        at = unsafe { layout.base_of(at) };
    }
}

/// All places, exporter types and origins that were met. It begins as zeros.
pub struct Origins {
    /// Places.
    pub places: Places,
    /// What is not told.
    pub filter: Filter,
    exporters: Table<ExporterType>,
    origins: Table<Origin>,
}

impl Origins {
    /// Reads what the environment asks for, and looks up what does not change.
    pub fn begin(&mut self, runtime: &Runtime) {
        self.places.begin(runtime);
        self.filter.begin();
    }

    /// The place of the call that returns to `caller`: see [`Places::of`].
    ///
    /// # Safety
    /// * STATE: as for [`Places::of`].
    pub unsafe fn place(&self, runtime: &Runtime, caller: *const c_void) -> Option<&'static Place> {
        // SAFETY: the same thread (caller: STATE).
        unsafe { self.places.of(runtime, caller, &|files| self.filter.wants(files)) }
    }

    /// The type of `obj`; `None` without memory.
    ///
    /// # Safety
    /// * OBJECT: `obj` is an object of this world.
    pub unsafe fn exporter(
        &self,
        runtime: &Runtime,
        obj: *mut PyObject,
    ) -> Option<&'static ExporterType> {
        // SAFETY: an object (caller: OBJECT).
        let r#type = unsafe { runtime.type_of(obj) }.addr();
        // SAFETY: as above.
        let name = unsafe { runtime.type_name_of(obj) };
        // SAFETY: a type's name is a C string, and `obj` keeps its type.
        let name = unsafe { CStr::from_ptr(name) };
        // The name belongs to the key: a new type may lie where a freed one was.
        let hash = name
            .to_bytes()
            .iter()
            .fold(0, |hash: usize, byte| hash.wrapping_mul(31).wrapping_add((*byte).into()));
        let key = [r#type, hash, 0];
        self.exporters.intern(key, |head| {
            // SAFETY: an object (caller: OBJECT).
            let applies =
                self.filter.for_type(&mut |tell| unsafe { each_name(runtime, obj, tell) });
            ExporterType { head, name: names::copy(name), reported: Reported::new(), applies }
        })
    }

    /// The origin of a request; `None` without memory.
    pub fn origin(
        &self,
        exporter: &'static ExporterType,
        place: Option<&'static Place>,
        flags: c_int,
    ) -> Option<&'static Origin> {
        let at = place.map_or(0, |place| ptr::from_ref(place).addr());
        let key = [ptr::from_ref(exporter).addr(), at, flags.cast_unsigned() as usize];
        self.origins.intern(key, |head| {
            let (n_held, n_lost) = (AtomicIsize::new(0), AtomicIsize::new(0));
            Origin { head, exporter, place, flags, n_held, n_lost }
        })
    }

    /// All origins, the newest first.
    pub fn all(&self) -> impl Iterator<Item = &'static Origin> {
        self.origins.all()
    }

    /// All exporter types, the newest first.
    pub fn all_exporters(&self) -> impl Iterator<Item = &'static ExporterType> {
        self.exporters.all()
    }

    /// In a child: forgets what the parent holds and has counted, and releases the locks.
    pub fn begin_in_child(&self) {
        self.places.open();
        self.exporters.open();
        self.origins.open();
        for origin in self.all() {
            origin.n_held.store(0, Ordering::Relaxed);
            origin.n_lost.store(0, Ordering::Relaxed);
        }
        for exporter in self.all_exporters() {
            exporter.reported.n_again.store(0, Ordering::Relaxed);
        }
    }
}
