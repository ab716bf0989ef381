//! The Python frames of a thread, by CPython's public functions.
//!
//! No Python code runs. From 3.11 on a frame object is made here, at the first question about a frame, and in 3.11 each
//! new object may start the garbage collector, which is held off meanwhile. (Before 3.11 frames exist already; from 3.12
//! on the collector runs between instructions only.) A pending error is put aside.

use core::ffi::{CStr, c_char, c_int};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::{ptr, slice};

use super::host::Host;
use crate::abi::{Py_ssize_t, PyObject, PyTypeObject};
use crate::runtime::world::{Frame, World};

/// The two names of a code object.
const FILE: usize = 0;
const FUNCTION: usize = 1;

/// `PyMemberDef`
#[repr(C)]
struct Member {
    name: *const c_char,
    kind: c_int,
    offset: Py_ssize_t,
    flags: c_int,
    doc: *const c_char,
}

/// Kinds of members that are objects.
const T_OBJECT: c_int = 6;
const T_OBJECT_EX: c_int = 16;

/// A reference that is dropped at the end.
struct Owned<'a> {
    host: &'a Host,
    object: *mut PyObject,
}

impl Drop for Owned<'_> {
    fn drop(&mut self) {
        // SAFETY: a reference of ours, which something else holds as well: nothing is freed but a string that was encoded
        // here, or the frame object that was made here.
        unsafe { (self.host.decref)(self.object) };
    }
}

impl Host {
    /// See [`World::frames`].
    ///
    /// # Safety
    /// * STATE: the thread may use objects, if a thread state is attached.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn frames_of_thread(&self, most: usize, tell: &mut dyn FnMut(&Frame)) {
        if !self.is_attached() {
            return;
        }
        // SAFETY: a thread state is attached (caller: STATE).
        let mut show = || unsafe { self.show_frames(most, tell) };
        if self.error().is_null() {
            self.with_no_collection(&mut show);
        } else {
            self.with_error_aside(&mut || self.with_no_collection(&mut show));
        }
    }

    /// Calls `run` while the garbage collector is off, in the version where it may run whenever an object is made.
    fn with_no_collection(&self, run: &mut dyn FnMut()) {
        let (3, 11) = self.version else { return run() };
        let (Some(disable), Some(enable)) = (self.symbols.PyGC_Disable, self.symbols.PyGC_Enable)
        else {
            return;
        };
        // SAFETY: a thread state is attached, and the GIL is not given up before the collector is on again.
        let was_on = unsafe { disable() } != 0;
        run();
        if was_on {
            // SAFETY: as above.
            unsafe { enable() };
        }
    }

    /// # Safety
    /// * STATE: a thread state is attached.
    unsafe fn show_frames(&self, most: usize, tell: &mut dyn FnMut(&Frame)) {
        let Some(get_line) = self.symbols.PyFrame_GetLineNumber else { return };
        // SAFETY: a thread state is attached (caller: STATE).
        let mut frame = unsafe { self.innermost_frame() };
        for _ in 0..most {
            let Some(at) = frame else { break };
            let code = self.part(&at, self.symbols.PyFrame_GetCode, c"f_code");
            let Some(code) = code else { break };
            // SAFETY: a frame, to which we have a reference.
            let line = unsafe { get_line(at.object) };
            // SAFETY: as above.
            let get = |get: unsafe extern "C" fn(_) -> _| unsafe { get(at.object) };
            let instruction = self.symbols.PyFrame_GetLasti.map_or(0, get);
            self.with_text_of_code(&code, FILE, &mut |file| {
                self.with_text_of_code(&code, FUNCTION, &mut |function| {
                    tell(&Frame { file, function, line: line.max(0), instruction });
                });
            });
            frame = self.part(&at, self.symbols.PyFrame_GetBack, c"f_back");
        }
    }

    /// # Safety
    /// * STATE: a thread state is attached.
    unsafe fn innermost_frame(&self) -> Option<Owned<'_>> {
        if let Some(get) = self.symbols.PyThreadState_GetFrame {
            // SAFETY: the attached thread state (caller: STATE).
            let state = unsafe { (self.thread_state)() };
            // SAFETY: as above.
            return self.owned(unsafe { get(state) });
        }
        // SAFETY: a thread state is attached (caller: STATE).
        let frame = self.symbols.PyEval_GetFrame.map(|get| unsafe { get() })?;
        if !frame.is_null() {
            // SAFETY: a frame that runs.
            unsafe { (self.incref)(frame) };
        }
        self.owned(frame)
    }

    /// A new reference; `None` for null, after which no error is pending.
    fn owned(&self, object: *mut PyObject) -> Option<Owned<'_>> {
        if object.is_null() {
            self.clear_error();
            return None;
        }
        Some(Owned { host: self, object })
    }

    /// The object that `get` returns for a frame; without such a function (3.8), the frame's attribute.
    fn part(
        &self,
        frame: &Owned,
        get: Option<unsafe extern "C" fn(*mut PyObject) -> *mut PyObject>,
        name: &CStr,
    ) -> Option<Owned<'_>> {
        match get {
            // SAFETY: a frame; a thread state is attached.
            Some(get) => self.owned(unsafe { get(frame.object) }),
            None => self.attribute_of(frame, name),
        }
        .filter(|part| !self.is_none(part))
    }

    /// Whether this is `None`, by its type's name: 3.8 has no function for a frame's caller.
    fn is_none(&self, object: &Owned) -> bool {
        // SAFETY: an object of the host's, whose layout this is.
        let r#type = unsafe { self.layout.type_of(object.object) };
        // SAFETY: its type.
        let name = unsafe { self.layout.name_of(r#type) };
        // SAFETY: a type's name is a C string.
        let name = unsafe { CStr::from_ptr(name) };
        name == c"NoneType"
    }

    /// An attribute of a frame or of a code object: these are read without calls of Python code.
    fn attribute_of(&self, object: &Owned, name: &CStr) -> Option<Owned<'_>> {
        let get = self.symbols.PyObject_GetAttrString?;
        // SAFETY: an object, and a C string; a thread state is attached.
        self.owned(unsafe { get(object.object, name.as_ptr()) })
    }

    /// Calls `tell` with the text of one of a code object's two names. Their places are noted at the first time: the
    /// search for an attribute takes ten times as long as all else that is done here.
    fn with_text_of_code(&self, code: &Owned, which: usize, tell: &mut dyn FnMut(&[u8])) {
        static PLACES: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
        let Some(noted) = PLACES.get(which) else { return };
        let mut place = noted.load(Ordering::Relaxed);
        if place == 0 {
            let function = if self.version >= (3, 11) { c"co_qualname" } else { c"co_name" };
            let name = if which == FILE { c"co_filename" } else { function };
            // SAFETY: an object of the host's, whose layout this is.
            let r#type = unsafe { self.layout.type_of(code.object) };
            // SAFETY: its type.
            let Some(found) = (unsafe { self.place_of_member(r#type, name) }) else {
                let Some(attribute) = self.attribute_of(code, name) else { return tell(b"") };
                return self.with_text(attribute.object, tell);
            };
            noted.store(found, Ordering::Relaxed);
            place = found;
        }
        let field = code.object.wrapping_byte_add(place).cast::<*mut PyObject>();
        // SAFETY: the type's own table of members says that an object is there.
        self.with_text(unsafe { *field }, tell);
    }

    /// The place in an object of a member that is an object, by its type's own table.
    ///
    /// # Safety
    /// * TYPE: a type of the host's.
    #[cold]
    unsafe fn place_of_member(&self, r#type: *const PyTypeObject, name: &CStr) -> Option<usize> {
        // SAFETY: a type of this layout (caller: TYPE).
        let mut at = unsafe { self.layout.members_of::<Member>(r#type) };
        loop {
            // SAFETY: null, or an entry of the table, which ends with one that has no name.
            let member = unsafe { at.as_ref() }.filter(|member| !member.name.is_null())?;
            // SAFETY: a C string.
            let is_it = unsafe { CStr::from_ptr(member.name) } == name;
            if is_it && matches!(member.kind, T_OBJECT | T_OBJECT_EX) {
                return usize::try_from(member.offset).ok();
            }
            at = at.wrapping_add(1);
        }
    }

    /// Calls `tell` with a string's text; with an empty one for null. Surrogates become escapes.
    fn with_text(&self, string: *mut PyObject, tell: &mut dyn FnMut(&[u8])) {
        let Some(get) = self.symbols.PyUnicode_AsUTF8AndSize.filter(|_| !string.is_null()) else {
            return tell(b"");
        };
        let mut size = 0;
        // SAFETY: an object, and a variable of ours.
        let text = unsafe { get(string, &raw mut size) };
        if text.is_null() {
            self.clear_error();
            return self.with_escaped(string, tell);
        }
        // SAFETY: so many bytes, which live as long as the string.
        tell(unsafe { slice::from_raw_parts(text.cast(), size.cast_unsigned()) });
    }

    #[cold]
    fn with_escaped(&self, string: *mut PyObject, tell: &mut dyn FnMut(&[u8])) {
        let symbols = &self.symbols;
        let bytes = symbols.PyUnicode_AsEncodedString.and_then(|encode| {
            // SAFETY: a string or another object, which is refused, and two C strings. The codec knows this way to treat
            // errors by itself.
            let encoded =
                unsafe { encode(string, c"utf-8".as_ptr(), c"backslashreplace".as_ptr()) };
            self.owned(encoded)
        });
        let text = match (&bytes, symbols.PyBytes_AsString) {
            // SAFETY: a bytes object.
            (Some(bytes), Some(text_of)) => unsafe { text_of(bytes.object) }.cast_const(),
            _ => ptr::null::<c_char>(),
        };
        if text.is_null() {
            return tell(b"");
        }
        // SAFETY: the contents of a bytes object that we own, which end with a NUL.
        tell(unsafe { CStr::from_ptr(text) }.to_bytes());
    }
}
