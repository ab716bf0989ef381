//! Who asked whom for what: places in the code, types of exporters, and requests, each kept once.
//!
//! Nothing is ever freed: a type's name or a library may be gone when it is written.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicIsize, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use super::memory::{self, Lock};
use crate::abi::PyObject;
use crate::check::Rule;
use crate::check::text::Room;
use crate::runtime::{self, Runtime};

const N_LISTS: usize = 256;
/// The longest name that is kept whole.
const NAME: usize = 96;

/// A name's copy, with its NUL.
pub type Name = [c_char; NAME];

fn copy(name: &CStr) -> Name {
    let mut copy = [0; NAME];
    Room::new(&mut copy).printable(name.to_bytes());
    copy
}

/// A place in the code: where a caller goes on.
pub struct Place {
    next: *mut Place,
    address: usize,
    /// The file's name without its folder; empty if nobody knows.
    pub file: Name,
    /// The function's name; empty if the file does not tell.
    pub function: Name,
    /// How far behind the file's beginning.
    pub offset: usize,
    /// Whether this is the interpreter's own code.
    pub is_host: bool,
}

/// A type of exporters.
pub struct Exporter {
    next: *mut Exporter,
    r#type: usize,
    /// The type's name.
    pub name: Name,
    /// A bit for each rule and each mistake that was told already.
    told: AtomicU64,
    /// How many were not told, as they were known.
    pub n_again: AtomicUsize,
}

/// What a release may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// Of a `Py_buffer` that is a copy of the one that was filled.
    Moved = 61,
    /// Of a copy of a view that was released.
    Twice = 62,
    /// Of a view that nobody asked for.
    NeverAcquired = 63,
}

const _: () = assert!(Rule::ALL.len() < Mistake::Moved as usize);

impl Exporter {
    /// Whether a rule was told of before; from now on it is.
    pub fn is_known(&self, rule: Rule) -> bool {
        self.is_known_bit(rule as u8)
    }

    /// Whether a mistake was told of before; from now on it is.
    pub fn is_known_mistake(&self, mistake: Mistake) -> bool {
        self.is_known_bit(mistake as u8)
    }

    fn is_known_bit(&self, number: u8) -> bool {
        let bit = 1_u64.wrapping_shl(number.into());
        let is_known = self.told.fetch_or(bit, Ordering::Relaxed) & bit != 0;
        self.n_again.fetch_add(is_known.into(), Ordering::Relaxed);
        is_known
    }
}

/// A request of one place to exporters of one type.
pub struct Asked {
    next: *mut Asked,
    /// Whom.
    pub exporter: &'static Exporter,
    /// From where; none if nobody knows.
    pub place: Option<&'static Place>,
    /// For what.
    pub flags: c_int,
    n_held: AtomicIsize,
    n_lost: AtomicIsize,
}

impl Asked {
    /// One more view is out.
    pub fn hold(&self) {
        self.n_held.fetch_add(1, Ordering::Relaxed);
    }

    /// One more view's `Py_buffer` is filled again.
    pub fn lose(&self) {
        self.n_lost.fetch_add(1, Ordering::Relaxed);
    }

    /// A view is given back.
    pub fn release(&self, was_lost: bool) {
        self.n_held.fetch_sub(1, Ordering::Relaxed);
        self.n_lost.fetch_sub(was_lost.into(), Ordering::Relaxed);
    }

    /// How many views are out, and of how many of them the `Py_buffer` is gone.
    pub fn held(&self) -> (isize, isize) {
        (self.n_held.load(Ordering::Relaxed), self.n_lost.load(Ordering::Relaxed))
    }
}

/// Lists that only grow, and are read without a lock.
struct Lists<T>([AtomicPtr<T>; N_LISTS]);

trait Linked {
    fn next(&self) -> *mut Self;
}

macro_rules! linked {
    ($($kind:ty),+) => {
        $(impl Linked for $kind {
            fn next(&self) -> *mut Self {
                self.next
            }
        })+
    };
}
linked!(Place, Exporter, Asked);

impl<T: Linked + 'static> Lists<T> {
    fn list(&self, key: usize) -> Option<&AtomicPtr<T>> {
        // Addresses of code and of types differ in their middle bits.
        self.0.get((key ^ (key >> 8)) % N_LISTS)
    }

    #[inline]
    fn find(list: &AtomicPtr<T>, fits: impl Fn(&T) -> bool) -> Option<&'static T> {
        let mut at = list.load(Ordering::Acquire);
        // SAFETY: null or in the list, and never freed.
        while let Some(found) = unsafe { at.as_ref() } {
            if fits(found) {
                return Some(found);
            }
            at = found.next();
        }
        None
    }

    fn all(&self) -> impl Iterator<Item = &'static T> {
        self.0.iter().flat_map(|list| {
            // SAFETY: as in `find`.
            let first = unsafe { list.load(Ordering::Acquire).as_ref() };
            // SAFETY: as in `find`.
            core::iter::successors(first, |at| unsafe { at.next().as_ref() })
        })
    }
}

/// All that were met.
pub struct People {
    lock: Lock,
    places: Lists<Place>,
    exporters: Lists<Exporter>,
    asked: Lists<Asked>,
    /// Where the interpreter's own code begins.
    host: AtomicUsize,
}

impl People {
    /// Notes where the code of the world's own functions begins, if it is CPython's.
    pub fn meet(&self, runtime: &Runtime) {
        if let Some(function) = runtime.host_function() {
            self.host.store(
                runtime::locate(function).map_or(0, |info| info.dli_fbase.addr()),
                Ordering::Relaxed,
            );
        }
    }

    /// Adds what `make` gives to a list, unless another thread has.
    #[cold]
    fn add<T: Linked + 'static>(
        &self,
        list: &AtomicPtr<T>,
        fits: impl Fn(&T) -> bool,
        make: impl FnOnce(*mut T) -> T,
    ) -> Option<&'static T> {
        self.lock.hold(|| {
            Lists::find(list, fits).or_else(|| {
                let new: NonNull<T> = memory::keep(make(list.load(Ordering::Relaxed)))?;
                list.store(new.as_ptr(), Ordering::Release);
                // SAFETY: filled, and never freed.
                Some(unsafe { new.as_ref() })
            })
        })
    }

    /// The place of an address; none for null, or without memory.
    pub fn place(&self, caller: *const c_void) -> Option<&'static Place> {
        let address = caller.addr();
        if address == 0 {
            return None;
        }
        let list = self.places.list(address)?;
        let fits = |place: &Place| place.address == address;
        if let Some(known) = Lists::find(list, fits) {
            return Some(known);
        }
        // Not under the lock: it takes the dynamic linker's.
        let mut place = self.describe(caller);
        self.add(list, fits, move |next| {
            place.next = next;
            place
        })
    }

    #[cold]
    fn describe(&self, caller: *const c_void) -> Place {
        let mut place = Place {
            next: ptr::null_mut(),
            address: caller.addr(),
            file: [0; NAME],
            function: [0; NAME],
            offset: caller.addr(),
            is_host: false,
        };
        // The call is in front of where it goes on, which may be the next function already.
        let Some(info) = runtime::locate(caller.wrapping_byte_sub(1)) else { return place };
        let base = info.dli_fbase.addr();
        place.offset = caller.addr().wrapping_sub(base);
        place.is_host = base == self.host.load(Ordering::Relaxed);
        if !info.dli_fname.is_null() {
            // SAFETY: a C string of the dynamic linker's.
            let path = unsafe { CStr::from_ptr(info.dli_fname) }.to_bytes();
            let file = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            Room::new(&mut place.file).printable(file);
        }
        if !info.dli_sname.is_null() {
            // SAFETY: as above.
            place.function = copy(unsafe { CStr::from_ptr(info.dli_sname) });
        }
        place
    }

    /// The type of an object.
    ///
    /// # Safety
    /// `obj` is an object.
    pub unsafe fn exporter(
        &self,
        runtime: &Runtime,
        obj: *mut PyObject,
    ) -> Option<&'static Exporter> {
        // SAFETY: an object (caller).
        let r#type = unsafe { runtime.type_of(obj) }.addr();
        // SAFETY: as above.
        let name = unsafe { runtime.type_name_of(obj) };
        // SAFETY: a type's name is a C string.
        let name = unsafe { CStr::from_ptr(name) };
        let list = self.exporters.list(r#type)?;
        // A type's memory may have been freed, and taken by another one.
        let is_same = |kept: &Name| {
            let kept = kept.iter().take_while(|byte| **byte != 0).count();
            kept >= NAME - 1 || kept == name.count_bytes()
        };
        let fits = |exporter: &Exporter| exporter.r#type == r#type && is_same(&exporter.name);
        Lists::find(list, fits).or_else(|| {
            let (told, n_again) = (AtomicU64::new(0), AtomicUsize::new(0));
            self.add(list, fits, |next| Exporter { next, r#type, name: copy(name), told, n_again })
        })
    }

    /// A request.
    pub fn asked(
        &self,
        exporter: &'static Exporter,
        place: Option<&'static Place>,
        flags: c_int,
    ) -> Option<&'static Asked> {
        let at = place.map_or(0, |place| place.address);
        let key = ptr::from_ref(exporter).addr() ^ at ^ flags.cast_unsigned() as usize;
        let list = self.asked.list(key)?;
        let fits = |asked: &Asked| {
            ptr::eq(asked.exporter, exporter)
                && asked.flags == flags
                && asked.place.map_or(0, |place| place.address) == at
        };
        Lists::find(list, fits).or_else(|| {
            let (n_held, n_lost) = (AtomicIsize::new(0), AtomicIsize::new(0));
            self.add(list, fits, |next| Asked { next, exporter, place, flags, n_held, n_lost })
        })
    }

    /// All requests that were made.
    pub fn all_asked(&self) -> impl Iterator<Item = &'static Asked> {
        self.asked.all()
    }

    /// All types that were asked.
    pub fn all_exporters(&self) -> impl Iterator<Item = &'static Exporter> {
        self.exporters.all()
    }

    /// A new process has neither held nor told anything.
    pub fn begin_anew(&self) {
        self.lock.open();
        for asked in self.asked.all() {
            asked.n_held.store(0, Ordering::Relaxed);
            asked.n_lost.store(0, Ordering::Relaxed);
        }
        for exporter in self.exporters.all() {
            exporter.n_again.store(0, Ordering::Relaxed);
        }
    }
}
