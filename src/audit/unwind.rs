//! Finds the code that an interpreter's call of the library works for, by the unwinder of the compilers' run-time library.

use core::ffi::{c_int, c_void};
use core::mem;
use core::ptr;

use crate::runtime::{self, Runtime, cpython};

/// What an unwinder knows of a stack frame.
type Context = *mut c_void;
/// What it calls with each frame; it goes on if this returns 0.
type Visit = unsafe extern "C" fn(Context, *mut c_void) -> c_int;

/// Addresses of an image: the first one, and how many there are.
#[derive(Clone, Copy)]
struct Extent([usize; 2]);

impl Extent {
    fn of(address: *const c_void) -> Self {
        Self(runtime::extent(address.addr()))
    }

    fn has(self, address: usize) -> bool {
        let Self([start, size]) = self;
        address.wrapping_sub(start) < size
    }
}

/// The functions of an unwinder.
#[derive(Clone, Copy)]
#[repr(C)]
struct Functions {
    backtrace: unsafe extern "C" fn(Visit, *mut c_void) -> c_int,
    ip_of: unsafe extern "C" fn(Context) -> usize,
    start_of: unsafe extern "C" fn(Context) -> usize,
}

/// The functions of the interpreter at which a search ends: if Python code or the interpreter as a whole is what called,
/// there is nobody to name.
const ENDS: [&core::ffi::CStr; 3] = [c"_PyEval_EvalFrameDefault", c"Py_RunMain", c"Py_FinalizeEx"];

/// The unwinder of this process. It begins as zeros: there is none.
pub struct Unwinder {
    functions: Option<Functions>,
    host: Extent,
    /// Images that are not named: this one, and libc.
    others: [Extent; 2],
    ends: [usize; ENDS.len()],
}

/// A search.
struct Search<'a> {
    unwinder: &'a Unwinder,
    functions: Functions,
    /// The return address into the interpreter.
    from: usize,
    /// Whether the frame with that address was met.
    is_there: bool,
    n_left: usize,
    /// The return address that was found; 0 before.
    found: usize,
}

impl Unwinder {
    /// How many frames are looked at.
    const MOST: usize = 96;

    /// Looks for an unwinder, if there is an interpreter.
    pub fn begin(&mut self, runtime: &Runtime) {
        let Some(function) = runtime.host_function() else { return };
        self.functions = Functions::find();
        self.host = Extent::of(function);
        self.others = [Extent::of(visit as _), Extent::of(libc::qsort as _)];
        if let Some(image) = cpython::Image::around(function) {
            self.ends = ENDS.map(|name| image.find(name).addr());
        }
    }

    /// The return address of the first call by code outside the interpreter, on whose behalf the interpreter has called
    /// the library with the return address `from`; null if Python code itself did that, or it is unknown.
    #[cold]
    #[inline(never)]
    pub fn caller(&self, from: *const c_void) -> *const c_void {
        let Some(functions) = self.functions else { return ptr::null() };
        let mut search = Search {
            unwinder: self,
            functions,
            from: from.addr(),
            is_there: false,
            n_left: Self::MOST,
            found: 0,
        };
        // SAFETY: the callback gets the type that it expects, and only during the call.
        unsafe { (functions.backtrace)(visit, (&raw mut search).cast()) };
        ptr::without_provenance(search.found)
    }
}

impl Functions {
    fn find() -> Option<Self> {
        let found = [c"_Unwind_Backtrace", c"_Unwind_GetIP", c"_Unwind_GetRegionStart"]
            .map(|name| cpython::find_in_process(name, c"libgcc_s.so.1"));
        if found.iter().any(|function| function.is_null()) {
            return None;
        }
        // SAFETY: not null, so the functions of these names, whose types the C++ ABI fixes.
        Some(unsafe { mem::transmute::<[*mut c_void; 3], Self>(found) })
    }
}

impl Search<'_> {
    /// Looks at a frame by the address at which it goes on. Returns whether the search is over.
    fn is_over(&mut self, ip: usize, start: &dyn Fn() -> usize) -> bool {
        self.n_left = self.n_left.wrapping_sub(1);
        self.is_there |= ip == self.from;
        if self.n_left == 0 {
            return true;
        }
        if !self.is_there || self.unwinder.others.iter().any(|image| image.has(ip)) {
            return false;
        }
        if self.unwinder.host.has(ip) {
            let start = start();
            return start != 0 && self.unwinder.ends.contains(&start);
        }
        self.found = ip;
        true
    }
}

/// The unwinder calls this with each frame.
///
/// # Safety
/// * CONTEXT: `context` is the unwinder's, and `search` what [`Unwinder::caller`] passes.
unsafe extern "C" fn visit(context: Context, search: *mut c_void) -> c_int {
    // SAFETY: a search that is not used elsewhere meanwhile (caller: CONTEXT).
    let search = unsafe { &mut *search.cast::<Search>() };
    let Functions { ip_of, start_of, .. } = search.functions;
    // SAFETY: the unwinder's own (caller: CONTEXT).
    let ip = unsafe { ip_of(context) };
    // SAFETY: as above.
    search.is_over(ip, &|| unsafe { start_of(context) }).into()
}
