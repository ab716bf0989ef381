//! Where a call of the library comes from: the code that called it, whose code that worked for, and the Python frames.

use core::ffi::{CStr, c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::call_sites::{CallSite, CallSites};
use super::memory::{hash, mix};
use super::names::Texts;
use super::table::{Entry, Head, Table};
use super::unwind::Unwinder;
use crate::abi::pybuffer_frame;
use crate::environment;
use crate::runtime::Runtime;

/// The most Python frames of a place.
const MOST_FRAMES: usize = 8;

const NO_FRAME: pybuffer_frame =
    pybuffer_frame { file: c"".as_ptr(), function: c"".as_ptr(), line: 0 };

/// A place.
#[repr(C)]
pub struct Place {
    head: Head,
    /// Where the library was called; `None` if it has no caller outside, or without memory.
    pub call_site: Option<&'static CallSite>,
    /// If the interpreter called the library: the first code outside the interpreter that it worked for; `None` if Python
    /// code called, or it is unknown.
    pub on_behalf_of: Option<&'static CallSite>,
    /// Whether findings are told because of these files, whatever the exporter's type.
    pub is_wanted: bool,
    frames: [pybuffer_frame; MOST_FRAMES],
    n_frames: usize,
}

/// The code for which the interpreter calls the library from one address while one instruction of Python code runs. It
/// is taken for the same each time.
#[repr(C)]
struct Known {
    head: Head,
    call_site: Option<&'static CallSite>,
}

// SAFETY: `repr(C)`, with its head first (HEAD).
unsafe impl Entry for Place {}
// SAFETY: as above.
unsafe impl Entry for Known {}

impl Place {
    /// The code that made the call: the first outside the interpreter, if that is known.
    pub fn caller(&self) -> Option<&'static CallSite> {
        self.on_behalf_of.or(self.call_site)
    }

    /// The Python frames, the innermost first.
    pub fn frames(&self) -> &[pybuffer_frame] {
        self.frames.get(..self.n_frames).unwrap_or_default()
    }
}

/// The file of a call site; an empty name for none.
fn file_of(site: Option<&'static CallSite>) -> &'static CStr {
    // SAFETY: a name ends with a NUL.
    site.map_or(c"", |site| unsafe { CStr::from_ptr(site.file.as_ptr()) })
}

/// The frames of a thread, as they are found.
struct Found {
    frames: [pybuffer_frame; MOST_FRAMES],
    n_frames: usize,
    /// Of the frames so far.
    hash: u64,
    /// The position of the innermost frame's instruction.
    instruction: c_int,
}

/// All places that were met. It begins as zeros.
pub struct Places {
    /// Call sites.
    pub call_sites: CallSites,
    texts: Texts,
    table: Table<Place>,
    known: Table<Known>,
    unwinder: Unwinder,
    /// How many frames are wanted.
    n_wanted: usize,
    /// The threads that are looking for frames. Two that share an entry may overwrite it; then a thread that comes back
    /// here in the middle of its search is not recognised.
    searching: [AtomicUsize; Self::N_THREADS],
}

impl Places {
    const N_THREADS: usize = 256;

    /// Reads what the environment asks for, and looks up what does not change.
    pub fn begin(&mut self, runtime: &Runtime) {
        self.call_sites.begin(runtime);
        self.unwinder.begin(runtime);
        let wanted = environment::variable(c"PYBUFFER_AUDIT_FRAMES").map(|text| text.to_bytes());
        self.n_wanted = match wanted {
            Some([digit @ b'0'..=b'9']) => usize::from(digit.wrapping_sub(b'0')).min(MOST_FRAMES),
            Some([b'0'..=b'9', ..]) => MOST_FRAMES,
            _ => 1,
        };
    }

    /// The place of the call that returns to `caller`, null if the library itself makes it; `None` without memory.
    /// `wants` tells whether findings are told because of the files of a new place.
    ///
    /// # Safety
    /// * STATE: the thread may use objects of this world, if a thread state is attached.
    pub unsafe fn of(
        &self,
        runtime: &Runtime,
        caller: *const c_void,
        wants: &dyn Fn([&CStr; 2]) -> bool,
    ) -> Option<&'static Place> {
        let call_site = self.call_sites.at(caller);
        // SAFETY: the same thread (caller: STATE).
        let found = unsafe { self.frames(runtime) };
        let on_behalf_of = call_site
            .filter(|site| site.is_host && self.n_wanted > 0)
            .and_then(|_| self.on_behalf_of(caller, &found));
        let at =
            |site: Option<&'static CallSite>| site.map_or(0, |site| ptr::from_ref(site).addr());
        let hash = mix(found.hash ^ at(on_behalf_of) as u64);
        let key = [at(call_site), hash as usize, (hash >> 32) as usize];
        self.table.intern(key, |head| Place {
            head,
            call_site,
            on_behalf_of,
            is_wanted: wants([call_site, on_behalf_of].map(file_of)),
            frames: found.frames,
            n_frames: found.n_frames,
        })
    }

    /// The code for which the interpreter called the library at `caller`. The unwinder takes some microseconds, so it is
    /// asked once for each instruction of Python code; and each time if none runs.
    fn on_behalf_of(&self, caller: *const c_void, found: &Found) -> Option<&'static CallSite> {
        let ask = || self.call_sites.at(self.unwinder.caller(caller));
        if found.n_frames == 0 {
            return ask();
        }
        let hash = mix(found.hash ^ found.instruction.cast_unsigned() as u64);
        let key = [caller.addr(), hash as usize, (hash >> 32) as usize];
        let known = self.known.intern(key, |head| Known { head, call_site: ask() });
        known.and_then(|known| known.call_site)
    }

    /// # Safety
    /// * STATE: as for [`of`](Self::of).
    unsafe fn frames(&self, runtime: &Runtime) -> Found {
        let mut found =
            Found { frames: [NO_FRAME; MOST_FRAMES], n_frames: 0, hash: 0, instruction: 0 };
        if self.n_wanted == 0 || !runtime.is_hosted() {
            return found;
        }
        // SAFETY: takes nothing.
        let thread = unsafe { libc::pthread_self() } as usize;
        let Some(searching) = self.searching.get((hash(thread) >> 40) as usize % Self::N_THREADS)
        else {
            return found;
        };
        // Nothing that is called below calls the library, as far as is known; an allocator of the program's could.
        if searching.swap(thread, Ordering::Relaxed) == thread {
            return found;
        }
        // SAFETY: the same thread (caller: STATE).
        unsafe {
            runtime.frames(self.n_wanted, &mut |frame| {
                let Some(place) = found.frames.get_mut(found.n_frames) else { return };
                let [file, function] =
                    [frame.file, frame.function].map(|text| self.texts.intern(text).as_ptr());
                *place = pybuffer_frame { file, function, line: frame.line as isize };
                let number = mix(found.hash ^ file.addr() as u64);
                let number = mix(number ^ function.addr() as u64);
                found.hash = mix(number ^ frame.line.cast_unsigned() as u64);
                if found.n_frames == 0 {
                    found.instruction = frame.instruction;
                }
                found.n_frames = found.n_frames.wrapping_add(1);
            });
        }
        searching.store(0, Ordering::Relaxed);
        found
    }

    /// Releases the locks, and forgets the threads that do not exist, in a child.
    pub fn open(&self) {
        self.call_sites.open();
        self.texts.open();
        self.table.open();
        self.known.open();
        self.searching.iter().for_each(|thread| thread.store(0, Ordering::Relaxed));
    }
}
