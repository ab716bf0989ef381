//! What was raised in a CPython, as text; and whether an exporter is a Python class.

use core::ffi::{CStr, c_void};
use core::ptr;

use super::dynamic;
use super::host::Host;
use crate::abi::PyObject;
use crate::runtime::layout::ObjectLayout;

impl Host {
    /// Hands out the text of this thread's error, `str()` of it; an empty one if there is none or it cannot be
    /// had. The error stays as it was, but that it may have become an object only now. The exception's class
    /// may run Python code; what that raises is forgotten.
    pub fn with_error_text(&self, tell: impl FnOnce(&CStr)) {
        let symbols = self.symbols();
        let (Some(fetch), Some(normalize), Some(restore)) =
            (symbols.PyErr_Fetch, symbols.PyErr_NormalizeException, symbols.PyErr_Restore)
        else {
            return tell(c"");
        };
        if !self.is_attached() {
            return tell(c"");
        }
        let [mut kind, mut value, mut traceback] = [ptr::null_mut(); 3];
        // SAFETY: a thread state is attached; three variables.
        unsafe { fetch(&raw mut kind, &raw mut value, &raw mut traceback) };
        // SAFETY: as above; what `fetch` gave.
        unsafe { normalize(&raw mut kind, &raw mut value, &raw mut traceback) };
        // SAFETY: a thread state is attached; null or an object that is held.
        unsafe { self.with_text_of(value, tell) };
        // Whatever that left.
        self.clear_error();
        // SAFETY: what `fetch` gave, given back.
        unsafe { restore(kind, value, traceback) };
    }

    /// # Safety
    /// `object` is null or an object that is held; a thread state is attached.
    unsafe fn with_text_of(&self, object: *mut PyObject, tell: impl FnOnce(&CStr)) {
        let symbols = self.symbols();
        let (Some(to_string), Some(encode), Some(bytes_of)) =
            (symbols.PyObject_Str, symbols.PyUnicode_AsEncodedString, symbols.PyBytes_AsString)
        else {
            return tell(c"");
        };
        let if_object = |object: *mut PyObject| (!object.is_null()).then_some(object);
        // SAFETY: an object (caller).
        let string = if_object(object).and_then(|object| if_object(unsafe { to_string(object) }));
        let encoded = string.and_then(|string| {
            // What is no character becomes a question mark.
            // SAFETY: a string, and two C strings.
            if_object(unsafe { encode(string, c"utf-8".as_ptr(), c"replace".as_ptr()) })
        });
        // SAFETY: bytes.
        let text = encoded.map(|encoded| unsafe { bytes_of(encoded) });
        match text.filter(|text| !text.is_null()) {
            // SAFETY: the bytes of an object that is held, which end in a NUL.
            Some(text) => tell(unsafe { CStr::from_ptr(text) }),
            None => tell(c""),
        }
        for made in [encoded, string].into_iter().flatten() {
            // SAFETY: made here.
            unsafe { (self.decref())(made) };
        }
    }

    /// Whether an object's buffer slot calls `__buffer__` of its class: CPython's own slot for it (3.12 and later),
    /// and the method is not that of another slot.
    ///
    /// # Safety
    /// An object of the host's whose type has the slot `getbuffer`, laid out so; no error is pending.
    pub unsafe fn is_python_exporter(
        &self,
        layout: ObjectLayout,
        obj: *mut PyObject,
        getbuffer: *const c_void,
    ) -> bool {
        let base = |address| dynamic::locate(address).map(|info| info.dli_fbase);
        let is_hosts = || base(getbuffer).is_some_and(|of| Some(of) == base(self.incref() as _));
        let Some(getattr) = self.symbols().PyObject_GetAttrString else { return false };
        if self.version() < (3, 12) || !self.is_attached() || !is_hosts() {
            return false;
        }
        // SAFETY: an object has a type (caller).
        let r#type = unsafe { layout.type_of(obj) }.cast_mut();
        // SAFETY: an object, and a C string; a thread state is attached.
        let method = unsafe { getattr(r#type.cast(), c"__buffer__".as_ptr()) };
        if method.is_null() {
            self.clear_error();
            return false;
        }
        // SAFETY: an object.
        let its_type = unsafe { layout.type_of(method) };
        // SAFETY: its type.
        let name = unsafe { layout.name_of(its_type) };
        // SAFETY: a type's name.
        let is_of_slot = unsafe { CStr::from_ptr(name) } == c"wrapper_descriptor";
        // SAFETY: the reference that `getattr` gave.
        unsafe { (self.decref())(method) };
        !is_of_slot
    }
}
