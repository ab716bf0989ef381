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

// Programs that make types by the thousand have lists of a few still; pages of them that nothing is in are
// never touched.
const N_LISTS: usize = 1 << 14;
/// The longest name that is kept whole.
const NAME: usize = 96;

/// A name's copy, with its NUL.
pub type Name = [c_char; NAME];

#[inline(never)]
fn copy(name: &CStr) -> Name {
    let mut copy = [0; NAME];
    Room::new(&mut copy).printable(name.to_bytes());
    copy
}

/// What three numbers tell apart in a list: the first field of each kind.
#[repr(C)]
struct Head {
    next: *mut Head,
    /// What was added to any of the lists before.
    before: *mut Head,
    keys: [usize; 3],
}

impl Head {
    fn new(keys: [usize; 3]) -> Self {
        Self { next: ptr::null_mut(), before: ptr::null_mut(), keys }
    }
}

/// A place in the code: where a caller goes on.
#[repr(C)]
pub struct Place {
    head: Head,
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
#[repr(C)]
pub struct Exporter {
    head: Head,
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

/// How many lines there were about a rule or a mistake, or of one kind at the end.
pub struct Tally {
    n_told: AtomicUsize,
    /// How many findings got none, as there were enough.
    pub n_more: AtomicUsize,
}

impl Tally {
    const MOST: usize = 100;

    /// Whether one more line may be written; if not, it is counted.
    pub fn has_room(&self) -> bool {
        let has_room = self.n_told.load(Ordering::Relaxed) < Self::MOST;
        let count = if has_room { &self.n_told } else { &self.n_more };
        count.fetch_add(1, Ordering::Relaxed);
        has_room
    }
}

impl Exporter {
    /// Whether no line is to be written of a rule or a mistake, by its bit: there was one, or there were
    /// enough of other exporters.
    pub fn is_known(&self, bit: u8, tally: &Tally) -> bool {
        let bit = 1_u64.wrapping_shl(bit.into());
        if self.told.load(Ordering::Relaxed) & bit == 0 {
            if !tally.has_room() {
                return true;
            }
            if self.told.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
                return false;
            }
        }
        self.n_again.fetch_add(1, Ordering::Relaxed);
        true
    }
}

/// A request of one place to exporters of one type.
#[repr(C)]
pub struct Asked {
    head: Head,
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

/// Lists that only grow, and are read without a lock. Each has things of one kind.
struct Lists {
    lists: [AtomicPtr<Head>; N_LISTS],
    last: AtomicPtr<Head>,
}

impl Lists {
    /// The list that keys are in.
    fn list(&self, [a, b, c]: [usize; 3]) -> Option<&AtomicPtr<Head>> {
        // Two addresses that lie alike shall not cancel out.
        let key = a ^ b.rotate_left(21) ^ c.rotate_left(42);
        self.lists.get((memory::hash(key) >> 40) as usize % N_LISTS)
    }

    /// What has these keys.
    fn find(&self, keys: [usize; 3]) -> Option<NonNull<Head>> {
        let mut at = self.list(keys)?.load(Ordering::Acquire);
        // SAFETY: null or in the list, and never freed.
        while let Some(found) = unsafe { at.as_ref() } {
            if found.keys == keys {
                return NonNull::new(at);
            }
            at = found.next;
        }
        None
    }

    /// Adds what has keys of its own, unless another thread has; answers what is in the list.
    #[cold]
    #[inline(never)]
    fn add(&self, lock: &Lock, new: NonNull<Head>) -> Option<NonNull<Head>> {
        // SAFETY: filled (caller), and nobody else knows of it.
        let head = unsafe { &mut *new.as_ptr() };
        let list = self.list(head.keys)?;
        lock.hold(|| {
            self.find(head.keys).or_else(|| {
                head.next = list.load(Ordering::Relaxed);
                head.before = self.last.load(Ordering::Relaxed);
                list.store(new.as_ptr(), Ordering::Release);
                self.last.store(new.as_ptr(), Ordering::Release);
                Some(new)
            })
        })
    }

    /// All of them, the last one first.
    fn all(&self) -> impl Iterator<Item = NonNull<Head>> {
        core::iter::successors(NonNull::new(self.last.load(Ordering::Acquire)), |head| {
            // SAFETY: in a list, and never freed.
            NonNull::new(unsafe { head.as_ref() }.before)
        })
    }
}

/// All that were met.
pub struct People {
    lock: Lock,
    places: Lists,
    exporters: Lists,
    asked: Lists,
    /// Where the interpreter's own code begins.
    host: AtomicUsize,
}

/// A thing by its head.
///
/// # Safety
/// The head is a `T`'s, and in a list.
unsafe fn whole<T>(head: NonNull<Head>) -> &'static T {
    // SAFETY: the caller's promise; what is in a list is never freed.
    unsafe { head.cast().as_ref() }
}

impl People {
    /// Notes where the code of the world's own functions begins, if it is CPython's.
    pub fn meet(&self, runtime: &Runtime) {
        if let Some(function) = runtime.host_function() {
            let base = runtime::locate(function).map_or(0, |info| info.dli_fbase.addr());
            self.host.store(base, Ordering::Relaxed);
        }
    }

    /// The place of an address; none for null, or without memory.
    pub fn place(&self, caller: *const c_void) -> Option<&'static Place> {
        let keys = [caller.addr(), 0, 0];
        if caller.is_null() {
            return None;
        }
        let found = self.places.find(keys).or_else(|| {
            // Not under the lock: it takes the dynamic linker's.
            let place = memory::keep(self.describe(caller, Head::new(keys)))?;
            self.places.add(&self.lock, place.cast())
        })?;
        // SAFETY: these lists are of places.
        Some(unsafe { whole(found) })
    }

    #[cold]
    fn describe(&self, caller: *const c_void, head: Head) -> Place {
        let mut place = Place {
            head,
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
        // A type's memory may have been freed, and taken by another one.
        let hash = name
            .to_bytes()
            .iter()
            .fold(0, |hash: usize, byte| hash.wrapping_mul(31).wrapping_add((*byte).into()));
        let keys = [r#type, hash, 0];
        let found = self.exporters.find(keys).or_else(|| {
            let (told, n_again) = (AtomicU64::new(0), AtomicUsize::new(0));
            let head = Head::new(keys);
            let exporter = memory::keep(Exporter { head, name: copy(name), told, n_again })?;
            self.exporters.add(&self.lock, exporter.cast())
        })?;
        // SAFETY: these lists are of exporters.
        Some(unsafe { whole(found) })
    }

    /// A request.
    pub fn asked(
        &self,
        exporter: &'static Exporter,
        place: Option<&'static Place>,
        flags: c_int,
    ) -> Option<&'static Asked> {
        let place_at = place.map_or(0, |place| ptr::from_ref(place).addr());
        let keys = [ptr::from_ref(exporter).addr(), place_at, flags.cast_unsigned() as usize];
        let found = self.asked.find(keys).or_else(|| {
            let (n_held, n_lost) = (AtomicIsize::new(0), AtomicIsize::new(0));
            let head = Head::new(keys);
            let asked = memory::keep(Asked { head, exporter, place, flags, n_held, n_lost })?;
            self.asked.add(&self.lock, asked.cast())
        })?;
        // SAFETY: these lists are of requests.
        Some(unsafe { whole(found) })
    }

    /// All requests that were made.
    pub fn all_asked(&self) -> impl Iterator<Item = &'static Asked> {
        // SAFETY: these lists are of requests.
        self.asked.all().map(|head| unsafe { whole(head) })
    }

    /// All types that were asked.
    pub fn all_exporters(&self) -> impl Iterator<Item = &'static Exporter> {
        // SAFETY: these lists are of exporters.
        self.exporters.all().map(|head| unsafe { whole(head) })
    }

    /// A new process has neither held nor told anything.
    pub fn begin_anew(&self) {
        self.lock.open();
        for asked in self.all_asked() {
            asked.n_held.store(0, Ordering::Relaxed);
            asked.n_lost.store(0, Ordering::Relaxed);
        }
        for exporter in self.all_exporters() {
            exporter.n_again.store(0, Ordering::Relaxed);
        }
    }
}
