//! Where views come from: interned call sites, exporter types, and requests of one by the other.
//!
//! Nothing is ever freed: when a line is written, the type or the library that it names may be gone.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicIsize, AtomicPtr, AtomicUsize, Ordering};

use super::memory::{self, Lock};
use super::tally::Reported;
use crate::abi::PyObject;
use crate::check::text::Writer;
use crate::runtime::{self, Runtime};

// Enough to keep the lists short in a program that creates types by the thousand. Pages of empty lists are never
// touched.
const N_LISTS: usize = 1 << 14;
/// The size of a name, with its NUL; longer ones are cut.
const NAME: usize = 96;

/// A copy of a name, with its NUL.
pub type Name = [c_char; NAME];

#[inline(never)]
fn copy(name: &CStr) -> Name {
    let mut copy = [0; NAME];
    Writer::new(&mut copy).printable(name.to_bytes());
    copy
}

/// The first field of everything in a list: its key and its links.
#[repr(C)]
struct Head {
    /// The next one in its list.
    next: *mut Head,
    /// The one that was added before it, to whichever list.
    before: *mut Head,
    key: [usize; 3],
}

impl Head {
    fn new(key: [usize; 3]) -> Self {
        Self { next: ptr::null_mut(), before: ptr::null_mut(), key }
    }
}

/// A call of the library, by its return address.
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

/// The type of an exporter.
#[repr(C)]
pub struct ExporterType {
    head: Head,
    /// The type's name.
    pub name: Name,
    /// What was reported of it.
    pub reported: Reported,
}

/// The requests with the same flags from one call site to exporters of one type.
#[repr(C)]
pub struct Origin {
    head: Head,
    /// The type of the exporters.
    pub exporter: &'static ExporterType,
    /// Where the requests are made; `None` for the library itself, or without memory.
    pub call_site: Option<&'static CallSite>,
    /// Their flags.
    pub flags: c_int,
    n_held: AtomicIsize,
    n_lost: AtomicIsize,
}

impl Origin {
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

/// The type of a table's entries.
///
/// # Safety
/// * HEAD: the type is `repr(C)`, and its first field is a [`Head`].
unsafe trait Entry {}

// SAFETY: `repr(C)`, with its head first (HEAD).
unsafe impl Entry for CallSite {}
// SAFETY: as above.
unsafe impl Entry for ExporterType {}
// SAFETY: as above.
unsafe impl Entry for Origin {}

/// A hash table of `T`s. It only grows, and is read without a lock.
struct Table<T> {
    heads: Heads,
    kind: PhantomData<T>,
}

impl<T: Entry + 'static> Table<T> {
    /// The entry with this key; `make` makes it if there is none. `None` without memory.
    #[inline]
    fn intern(
        &self,
        lock: &Lock,
        key: [usize; 3],
        make: impl FnOnce(Head) -> T,
    ) -> Option<&'static T> {
        let found = self.heads.find(key).or_else(|| {
            // Not under the lock: what `make` calls may take others.
            let new = memory::keep(make(Head::new(key)))?;
            // SAFETY: a new block that begins with its head (HEAD).
            unsafe { self.heads.add(lock, new.cast()) }
        })?;
        // SAFETY: this table has `T`s only, which begin with their head (HEAD) and are never freed.
        Some(unsafe { found.cast().as_ref() })
    }

    /// All entries, the newest first.
    fn all(&self) -> impl Iterator<Item = &'static T> {
        // SAFETY: as in `intern`.
        self.heads.all().map(|head| unsafe { head.cast().as_ref() })
    }
}

/// The part of a table that does not depend on the type of its entries.
struct Heads {
    lists: [AtomicPtr<Head>; N_LISTS],
    last: AtomicPtr<Head>,
}

impl Heads {
    /// The list for a key.
    fn list(&self, [a, b, c]: [usize; 3]) -> Option<&AtomicPtr<Head>> {
        // Rotated, so that addresses with the same low bits do not cancel out.
        let key = a ^ b.rotate_left(21) ^ c.rotate_left(42);
        self.lists.get((memory::hash(key) >> 40) as usize % N_LISTS)
    }

    /// The entry with this key.
    #[inline(never)]
    fn find(&self, key: [usize; 3]) -> Option<NonNull<Head>> {
        let mut at = self.list(key)?.load(Ordering::Acquire);
        // SAFETY: null or an entry, which is never freed.
        while let Some(found) = unsafe { at.as_ref() } {
            if found.key == key {
                return NonNull::new(at);
            }
            at = found.next;
        }
        None
    }

    /// Adds `new`, unless another thread has added an entry with the same key; returns the one in the table.
    ///
    /// # Safety
    /// * NEW: `new` is never freed, and nothing else refers to it.
    #[cold]
    #[inline(never)]
    unsafe fn add(&self, lock: &Lock, new: NonNull<Head>) -> Option<NonNull<Head>> {
        // SAFETY: nothing else refers to it (caller: NEW).
        let head = unsafe { &mut *new.as_ptr() };
        let list = self.list(head.key)?;
        lock.hold(|| {
            self.find(head.key).or_else(|| {
                head.next = list.load(Ordering::Relaxed);
                head.before = self.last.load(Ordering::Relaxed);
                list.store(new.as_ptr(), Ordering::Release);
                self.last.store(new.as_ptr(), Ordering::Release);
                Some(new)
            })
        })
    }

    /// All entries, the newest first.
    fn all(&self) -> impl Iterator<Item = NonNull<Head>> {
        core::iter::successors(NonNull::new(self.last.load(Ordering::Acquire)), |head| {
            // SAFETY: an entry, which is never freed.
            NonNull::new(unsafe { head.as_ref() }.before)
        })
    }
}

/// All call sites, exporter types and origins that were met. It begins as zeros.
pub struct Origins {
    lock: Lock,
    call_sites: Table<CallSite>,
    exporters: Table<ExporterType>,
    origins: Table<Origin>,
    /// The base address of the interpreter's own code; 0 without one.
    host: AtomicUsize,
}

impl Origins {
    /// Notes the base address of the interpreter's code, if there is an interpreter.
    pub fn begin(&self, runtime: &Runtime) {
        if let Some(function) = runtime.host_function() {
            let base = runtime::locate(function).map_or(0, |info| info.dli_fbase.addr());
            self.host.store(base, Ordering::Relaxed);
        }
    }

    /// The call site with this return address; `None` for null, or without memory.
    pub fn call_site(&self, caller: *const c_void) -> Option<&'static CallSite> {
        if caller.is_null() {
            return None;
        }
        let key = [caller.addr(), 0, 0];
        self.call_sites.intern(&self.lock, key, |head| self.describe(caller, head))
    }

    #[cold]
    fn describe(&self, caller: *const c_void, head: Head) -> CallSite {
        let mut site = CallSite {
            head,
            file: [0; NAME],
            function: [0; NAME],
            offset: caller.addr(),
            is_host: false,
        };
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
            site.function = copy(unsafe { CStr::from_ptr(info.dli_sname) });
        }
        site
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
        self.exporters.intern(&self.lock, key, |head| {
            let (name, reported) = (copy(name), Reported::new());
            ExporterType { head, name, reported }
        })
    }

    /// The origin of a request; `None` without memory.
    pub fn origin(
        &self,
        exporter: &'static ExporterType,
        call_site: Option<&'static CallSite>,
        flags: c_int,
    ) -> Option<&'static Origin> {
        let site = call_site.map_or(0, |site| ptr::from_ref(site).addr());
        let key = [ptr::from_ref(exporter).addr(), site, flags.cast_unsigned() as usize];
        self.origins.intern(&self.lock, key, |head| {
            let (n_held, n_lost) = (AtomicIsize::new(0), AtomicIsize::new(0));
            Origin { head, exporter, call_site, flags, n_held, n_lost }
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

    /// In a child: forgets what the parent holds and has counted, and releases the lock.
    pub fn begin_in_child(&self) {
        self.lock.open();
        for origin in self.all() {
            origin.n_held.store(0, Ordering::Relaxed);
            origin.n_lost.store(0, Ordering::Relaxed);
        }
        for exporter in self.all_exporters() {
            exporter.reported.n_again.store(0, Ordering::Relaxed);
        }
    }
}
