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
    (strong $name:expr) => {
        concat!(".quad ", $name)
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
    (strong $name:expr) => {
        concat!(".long ", $name)
    };
}

mod anywhere;
mod calls;
mod dynamic;
mod frames;
mod host;
mod memoryviews;
mod once;
mod symbols;
pub mod unserved;
mod version;
mod world;

use core::ffi::c_void;

use super::{Runtime, counts};
pub use calls::entries;
pub use dynamic::{Image, find_in_process, locate};
pub use host::Host;
use once::Once;
use symbols::Symbols;

/// The host, and the table of its world.
static HOST: Once<Host> = Once::new();
static TABLE: Once<Runtime> = Once::new();

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
    if unserved::recognise(&symbols) {
        return None;
    }
    let host = HOST.set(Host::new(symbols)?);
    Some(TABLE.set(describe(host)))
}

/// The table of a libpython's world.
fn describe(host: &'static Host) -> Runtime {
    // SAFETY: the host's own functions and type. It is called only if the layout is plain and references are counted
    // in one place.
    let have_plain_counts =
        || unsafe { counts::are_plain(host.incref, host.decref, host.memoryview_type()) };
    let may_be_plain = host.layout.is_plain() && !host.debugs_references();
    Runtime {
        layout: host.layout,
        incref: host.incref,
        decref: host.decref,
        counts_are_plain: may_be_plain && have_plain_counts(),
        thread_state: Some(host.thread_state),
        description: host.description(),
        memoryviews: host.memoryviews(),
        host: Some(host),
    }
}
