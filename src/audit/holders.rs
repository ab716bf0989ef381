//! Answers who holds the views of an object.

use core::ffi::{c_char, c_int, c_void};
use core::mem;
use core::ptr::{self, NonNull};

use super::memory;
use super::origins::Origin;
use super::record::{Record, Status};
use super::state::State;
use crate::abi::pybuffer_holder;
use crate::runtime::Runtime;

/// Views that agree in all but their age.
#[derive(Clone, Copy)]
struct Group {
    origin: &'static Origin,
    len: isize,
    thread: usize,
    n_views: isize,
    n_lost: isize,
    /// When the oldest was acquired.
    time: u64,
    /// The address of its `Py_buffer`.
    view: usize,
}

/// Groups, in a block from malloc.
struct Groups {
    block: *mut Group,
    n: usize,
    room: usize,
    /// Whether memory was refused.
    is_short: bool,
}

impl Groups {
    /// How many of the last groups are looked at for one like a view.
    const LOOKED_AT: usize = 16;

    fn all(&mut self) -> &mut [Group] {
        let block = NonNull::new(self.block).unwrap_or(NonNull::dangling());
        // SAFETY: so many groups were written to the block.
        unsafe { core::slice::from_raw_parts_mut(block.as_ptr(), self.n) }
    }

    /// Counts a view.
    fn count(&mut self, record: &Record) {
        let Some(origin) = record.origin else { return };
        let Record { len, thread, time, view, .. } = *record;
        let n_lost = (record.status == Status::Lost).into();
        self.add(Group { origin, len, thread, n_views: 1, n_lost, time, view });
    }

    /// Adds a group, to one of the last few if it is like that.
    #[inline(never)]
    fn add(&mut self, group: Group) {
        let is_like = |other: &&mut Group| other.place() == group.place();
        if let Some(other) = self.all().iter_mut().rev().take(Self::LOOKED_AT).find(is_like) {
            other.n_views = other.n_views.wrapping_add(group.n_views);
            other.n_lost = other.n_lost.wrapping_add(group.n_lost);
            if group.time < other.time {
                (other.time, other.view) = (group.time, group.view);
            }
            return;
        }
        if self.n == self.room && !self.grow() {
            self.is_short = true;
            return;
        }
        // SAFETY: there is room for one more.
        let place = unsafe { self.block.add(self.n) };
        // SAFETY: as above.
        unsafe { place.write(group) };
        self.n = self.n.wrapping_add(1);
    }

    /// Makes one group of those that are alike. (To compare each view with each group would take hours if there are many of
    /// both.)
    fn merge(&mut self) {
        self.sort(by_place);
        let n = mem::take(&mut self.n);
        for i in 0..n {
            // SAFETY: one of the groups.
            let group = unsafe { self.block.add(i) };
            // SAFETY: as above; what was added was written before it.
            self.add(unsafe { group.read() });
        }
    }

    fn grow(&mut self) -> bool {
        let room = self.room.wrapping_mul(2).max(16);
        let Some(size) = room.checked_mul(size_of::<Group>()) else { return false };
        // SAFETY: null, or what it returned before.
        let block = unsafe { libc::realloc(self.block.cast(), size) };
        if block.is_null() {
            return false;
        }
        (self.block, self.room) = (block.cast(), room);
        true
    }

    #[inline(never)]
    fn sort(&mut self, by: unsafe extern "C" fn(*const c_void, *const c_void) -> c_int) {
        // SAFETY: so many groups were written to the block, and both orders are total.
        unsafe { libc::qsort(self.block.cast(), self.n, size_of::<Group>(), Some(by)) };
    }
}

/// The order by place.
///
/// # Safety
/// * GROUPS: both are groups.
unsafe extern "C" fn by_place(one: *const c_void, other: *const c_void) -> c_int {
    // SAFETY: both are groups (caller: GROUPS).
    let [one, other] = [one, other].map(|group| unsafe { &*group.cast::<Group>() });
    one.place().cmp(&other.place()) as c_int
}

/// The order in which the oldest comes first.
///
/// # Safety
/// * GROUPS: both are groups.
unsafe extern "C" fn by_age(one: *const c_void, other: *const c_void) -> c_int {
    // SAFETY: both are groups (caller: GROUPS).
    let [one, other] = [one, other].map(|group| unsafe { &*group.cast::<Group>() });
    one.time.cmp(&other.time) as c_int
}

impl Drop for Groups {
    fn drop(&mut self) {
        // SAFETY: null or from `realloc`.
        unsafe { libc::free(self.block.cast()) };
    }
}

impl Group {
    /// What views of one group have in common.
    fn place(&self) -> [usize; 3] {
        [ptr::from_ref(self.origin).addr(), self.len.cast_unsigned(), self.thread]
    }

    fn describe(&self, now: u64) -> pybuffer_holder {
        let name = |text: &[c_char]| match text.first() {
            None | Some(0) => ptr::null(),
            Some(_) => text.as_ptr(),
        };
        let site = self.origin.place.and_then(|place| place.caller());
        let frames = self.origin.place.map(|place| place.frames()).unwrap_or_default();
        pybuffer_holder {
            type_name: self.origin.exporter.name.as_ptr(),
            file: site.map_or(ptr::null(), |site| name(&site.file)),
            function: site.map_or(ptr::null(), |site| name(&site.function)),
            offset: site.map_or(0, |site| site.offset),
            frames: frames.as_ptr(),
            n_frames: frames.len() as i32,
            flags: self.origin.flags,
            len: self.len,
            thread: self.thread,
            n_views: self.n_views,
            n_lost: self.n_lost,
            age: now.saturating_sub(self.time) as f64 / 1e9,
            view: self.view,
            reserved: 0,
        }
    }
}

impl State {
    /// Writes an entry for each group of outstanding views of either object (0: none), or of every object if the first is 0,
    /// to `tell`, the oldest first. Returns how many there are; `None` without memory.
    #[cold]
    pub fn holders(
        &self,
        runtime: &Runtime,
        objects: [usize; 2],
        tell: &mut dyn FnMut(usize, pybuffer_holder),
    ) -> Option<usize> {
        let mut groups = Groups { block: ptr::null_mut(), n: 0, room: 0, is_short: false };
        // Where not all releases are seen, a view may have been released.
        let sees = self.sees_all_releases(runtime);
        self.records.each(&mut |record| {
            let is_of = |object: &usize| {
                *object != 0 && (*object == record.contents.obj || *object == record.asked)
            };
            let is_asked_for = objects[0] == 0 || objects.iter().any(is_of);
            if is_asked_for && (sees || record.is_surely_held()) {
                groups.count(record);
            }
        });
        if groups.is_short {
            return None;
        }
        groups.merge();
        groups.sort(by_age);
        let now = memory::now();
        groups.all().iter().enumerate().for_each(|(i, group)| tell(i, group.describe(now)));
        Some(groups.n)
    }
}
