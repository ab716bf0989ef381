//! Work on the main interpreter's objects in whichever thread, whether it has a thread state or not, and whether the
//! interpreter still runs or not.
//!
//! Objects of a subinterpreter cannot be worked on so: it may end at any time, and nobody outside can tell.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::dynamic::Image;
use super::host::Host;

/// A pointer to an interpreter or a thread state.
type State = *mut c_void;

/// How often this process's interpreter was finalised, as far as [`Host::life_of_main`] was called before.
static LIFE: AtomicUsize = AtomicUsize::new(0);
/// Whether the end of this life will be counted.
static IS_COUNTED: AtomicBool = AtomicBool::new(false);

/// Called by the interpreter when it is finalised.
unsafe extern "C" fn end_life() {
    LIFE.fetch_add(1, Ordering::AcqRel);
    IS_COUNTED.store(false, Ordering::Release);
}

/// What a thread needs before it may work on the main interpreter's objects.
enum Access {
    /// Nothing: a thread state of that interpreter is attached.
    Attached,
    /// `PyGILState_Ensure`
    Ensure,
    /// A new thread state, as this thread has one of another interpreter, attached or not.
    New { is_attached: bool },
    /// It cannot work on them.
    Closed,
}

impl Host {
    /// The number of the main interpreter's present life; `None` in a subinterpreter. A thread state is attached.
    pub fn life_of_main(&self) -> Option<usize> {
        if !self.is_of_main(self.attached()) {
            return None;
        }
        if !IS_COUNTED.swap(true, Ordering::AcqRel)
            && let Some(at_exit) = self.symbols.Py_AtExit
        {
            // The image that is to be called stays, as nobody closes this handle.
            let _kept = Image::around(end_life as *const c_void);
            // Without room in its list, a second life is taken for the first.
            // SAFETY: a function that may be called at any time.
            unsafe { at_exit(end_life) };
        }
        Some(LIFE.load(Ordering::Acquire))
    }

    /// Calls `run` with a thread state of the main interpreter attached and no error pending. Does nothing, and
    /// returns false, if that interpreter is not in this life any more or is being finalised by another thread.
    pub fn in_main(&self, life: usize, run: &mut dyn FnMut()) -> bool {
        if LIFE.load(Ordering::Acquire) != life {
            return false;
        }
        match self.access() {
            Access::Attached => self.with_error_aside(run),
            Access::Ensure => return self.ensured(run),
            Access::New { is_attached } => return self.with_new_state(is_attached, run),
            Access::Closed => return false,
        }
        true
    }

    fn access(&self) -> Access {
        let symbols = self.symbols;
        let attached = self.attached();
        // SAFETY: it has no arguments and may be called at any time, by any thread.
        let own =
            symbols.PyGILState_GetThisThreadState.map_or(ptr::null_mut(), |get| unsafe { get() });
        // Before 3.12, that of whichever thread holds the GIL.
        let is_attached = !attached.is_null() && (self.version >= (3, 12) || attached == own);
        if is_attached && self.is_of_main(attached) {
            return Access::Attached;
        }
        // SAFETY: as above.
        if symbols.Py_IsInitialized.is_none_or(|is| unsafe { is() } == 0) {
            return Access::Closed;
        }
        if is_attached {
            return Access::New { is_attached };
        }
        let could_hold_the_gil = self.version < (3, 12) && !attached.is_null() && !own.is_null();
        if could_hold_the_gil && self.has_subinterpreters() {
            // Taking the GIL a second time would hang.
            return Access::Closed;
        }
        if own.is_null() || self.is_of_main(own) {
            Access::Ensure
        } else {
            Access::New { is_attached }
        }
    }

    /// The attached thread state, with the reservation of [`is_attached`](Self::is_attached); null without one.
    fn attached(&self) -> State {
        let symbols = self.symbols;
        let get = symbols.PyThreadState_GetUnchecked.or(symbols._PyThreadState_UncheckedGet);
        // SAFETY: it has no arguments and may be called at any time, by any thread.
        get.map_or(ptr::null_mut(), |get| unsafe { get() })
    }

    /// Whether a thread state of this thread is one of the main interpreter.
    fn is_of_main(&self, state: State) -> bool {
        match self.symbols.PyThreadState_GetInterpreter {
            _ if state.is_null() => false,
            // SAFETY: a thread state that is this thread's own, so nobody frees it meanwhile.
            Some(interpreter_of) => (unsafe { interpreter_of(state) }) == self.main(),
            // Before 3.9 that cannot be told apart.
            None => !self.has_subinterpreters(),
        }
    }

    /// The main interpreter.
    fn main(&self) -> State {
        // SAFETY: it has no arguments and reads a pointer.
        self.symbols.PyInterpreterState_Main.map_or(ptr::null_mut(), |get| unsafe { get() })
    }

    /// Whether there are more interpreters. New ones come first in their list.
    fn has_subinterpreters(&self) -> bool {
        // SAFETY: it has no arguments and reads a pointer.
        self.symbols.PyInterpreterState_Head.is_some_and(|get| unsafe { get() } != self.main())
    }

    fn ensured(&self, run: &mut dyn FnMut()) -> bool {
        let (Some(ensure), Some(release)) =
            (self.symbols.PyGILState_Ensure, self.symbols.PyGILState_Release)
        else {
            return false;
        };
        // SAFETY: the interpreter is initialised, and this thread has no thread state attached (`access`).
        let before = unsafe { ensure() };
        self.with_error_aside(run);
        // SAFETY: what `ensure` returned to this thread.
        unsafe { release(before) };
        true
    }

    #[cold]
    fn with_new_state(&self, is_attached: bool, run: &mut dyn FnMut()) -> bool {
        let symbols = self.symbols;
        let (Some(new), Some(clear), Some(delete), Some(save), Some(restore)) = (
            symbols.PyThreadState_New,
            symbols.PyThreadState_Clear,
            symbols.PyThreadState_DeleteCurrent,
            symbols.PyEval_SaveThread,
            symbols.PyEval_RestoreThread,
        ) else {
            return false;
        };
        // SAFETY: the main interpreter, which is initialised (`access`).
        let state = unsafe { new(self.main()) };
        if state.is_null() {
            return false;
        }
        // SAFETY: this thread's own thread state is attached (`access`).
        let before = if is_attached { unsafe { save() } } else { ptr::null_mut() };
        // SAFETY: a new thread state, made by this thread, which has none attached now.
        unsafe { restore(state) };
        self.with_error_aside(run);
        // SAFETY: the attached one, which nothing uses any more.
        unsafe { clear(state) };
        // SAFETY: as above.
        unsafe { delete() };
        if !before.is_null() {
            // SAFETY: what `save` returned to this thread.
            unsafe { restore(before) };
        }
        true
    }
}
