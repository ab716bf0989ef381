//! A hash table that only grows: everything that the audit names is interned, and never freed.

use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering};

use super::memory::{self, Lock};

// Enough to keep the lists short in a program that creates types by the thousand. Pages of empty lists are never
// touched.
const N_LISTS: usize = 1 << 14;

/// The first field of everything in a list: its key and its links.
#[repr(C)]
pub struct Head {
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

/// The type of a table's entries.
///
/// # Safety
/// * HEAD: the type is `repr(C)`, and its first field is a [`Head`].
pub unsafe trait Entry {}

/// A hash table of `T`s. It only grows, and is read without a lock. It begins as zeros.
pub struct Table<T> {
    heads: Heads,
    kind: PhantomData<T>,
}

impl<T: Entry + 'static> Table<T> {
    /// The entry with this key; `make` makes it if there is none. `None` without memory.
    #[inline]
    pub fn intern(&self, key: [usize; 3], make: impl FnOnce(Head) -> T) -> Option<&'static T> {
        let found = self.heads.find(key).or_else(|| {
            // Not under the lock: what `make` calls may take others.
            let new = memory::keep(make(Head::new(key)))?;
            // SAFETY: a new block that begins with its head (HEAD).
            unsafe { self.heads.add(new.cast()) }
        })?;
        // SAFETY: this table has `T`s only, which begin with their head (HEAD) and are never freed.
        Some(unsafe { found.cast().as_ref() })
    }

    /// All entries, the newest first.
    pub fn all(&self) -> impl Iterator<Item = &'static T> {
        // SAFETY: as in `intern`.
        self.heads.all().map(|head| unsafe { head.cast().as_ref() })
    }

    /// Releases the lock, in a child.
    pub fn open(&self) {
        self.heads.lock.open();
    }
}

/// The part of a table that does not depend on the type of its entries.
struct Heads {
    /// Held while an entry is added.
    lock: Lock,
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
    unsafe fn add(&self, new: NonNull<Head>) -> Option<NonNull<Head>> {
        // SAFETY: nothing else refers to it (caller: NEW).
        let head = unsafe { &mut *new.as_ptr() };
        let list = self.list(head.key)?;
        self.lock.hold(|| {
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
