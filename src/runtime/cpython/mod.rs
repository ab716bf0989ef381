//! The world of the libpython in this process, the host.
//!
//! The host is found by weak references (`symbols`), or by `dlsym` if it was loaded later. Its own functions
//! set errors and change reference counts (`Py_IncRef` and `Py_DecRef`; `counts` has the one short cut), so
//! that one binary serves all versions and builds.

/// The assembly text of a pointer-sized datum: a weak reference to a name, or null.
#[cfg(target_pointer_width = "64")]
macro_rules! address_of {
    () => {
        ".quad 0"
    };
    ($name:expr) => {
        concat!(".weak ", $name, "\n.quad ", $name)
    };
}
#[cfg(target_pointer_width = "32")]
macro_rules! address_of {
    () => {
        ".long 0"
    };
    ($name:expr) => {
        concat!(".weak ", $name, "\n.long ", $name)
    };
}

mod calls;
mod dynamic;
mod host;
mod memoryviews;
mod raised;
mod symbols;
pub mod unserved;
mod version;

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU8, Ordering};

use super::layout::ObjectLayout;
use super::{Runtime, counts};
pub use calls::entries;
pub use dynamic::{Image, locate};
pub use host::Host;
use symbols::Symbols;

/// The host's table, written once.
struct Slot {
    state: AtomicU8,
    table: UnsafeCell<MaybeUninit<Runtime>>,
}

// SAFETY: `table` is written by the one thread that moved `state` from EMPTY to FILLING, and read only once
// `state` is FULL.
unsafe impl Sync for Slot {}

static SLOT: Slot =
    Slot { state: AtomicU8::new(EMPTY), table: UnsafeCell::new(MaybeUninit::uninit()) };
const EMPTY: u8 = 0;
const FILLING: u8 = 1;
const FULL: u8 = 2;

/// The world of the libpython in this process, if there is one.
pub fn find() -> Option<&'static Runtime> {
    adopt(Symbols::linked().or_else(Symbols::loaded)?)
}

/// The world of a libpython that was loaded with `RTLD_LOCAL`, if there is one.
#[cold]
pub fn find_private() -> Option<&'static Runtime> {
    adopt(Symbols::private()?)
}

/// The world of the libpython behind a handle from `dlopen`.
///
/// # Safety
/// * HANDLE: `handle` came from `dlopen` and stays open.
pub unsafe fn find_in(handle: *mut c_void) -> Option<&'static Runtime> {
    // SAFETY: an open handle (caller: HANDLE).
    adopt(unsafe { Symbols::behind(handle) }?)
}

/// The world of these symbols; `None` if they are not served or incomplete. If a world was made before, returns that.
fn adopt(symbols: Symbols) -> Option<&'static Runtime> {
    if unserved::keep_out_of(&symbols) {
        return None;
    }
    let runtime = describe(symbols)?;
    match SLOT.state.compare_exchange(EMPTY, FILLING, Ordering::Acquire, Ordering::Acquire) {
        Ok(_) => {
            // SAFETY: this thread alone moved the state to FILLING; nobody reads until it is FULL.
            unsafe { SLOT.table.get().write(MaybeUninit::new(runtime)) };
            SLOT.state.store(FULL, Ordering::Release);
        }
        Err(_) => {
            // Another thread may be writing the same table, which takes a moment.
            while SLOT.state.load(Ordering::Acquire) != FULL {
                core::hint::spin_loop();
            }
        }
    }
    // SAFETY: the table is FULL, and is never written again.
    let table = unsafe { &*SLOT.table.get() };
    // SAFETY: as above.
    Some(unsafe { table.assume_init_ref() })
}

/// Fills the table of a libpython's world; `None` if a name is missing or the layout is not understood.
fn describe(symbols: Symbols) -> Option<Runtime> {
    let host = Host::new(symbols)?;
    // SAFETY: a type object of the host's.
    let layout =
        unsafe { ObjectLayout::measure(host.memoryview_type(), host.type_type(), c"memoryview") }?;
    // SAFETY: the host's own functions and type. It is called only if the layout is plain and references are counted
    // in one place.
    let have_plain_counts =
        || unsafe { counts::are_plain(host.incref(), host.decref(), host.memoryview_type()) };
    Some(Runtime {
        layout,
        incref: host.incref(),
        decref: host.decref(),
        counts_are_plain: layout.is_plain() && !host.debugs_references() && have_plain_counts(),
        description: host.description(),
        // SAFETY: the layout that was measured.
        memoryviews: unsafe { host.memoryviews(layout) },
        host: Some(host),
    })
}
