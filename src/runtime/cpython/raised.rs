//! The text of a CPython's pending error; and whether an exporter's class is written in Python.

use core::ffi::{CStr, c_void};
use core::ptr;

use super::dynamic;
use super::host::Host;
use crate::abi::PyObject;
use crate::runtime::layout::ObjectLayout;

impl Host {
    /// Calls `tell` with the text of this thread's error, its `str()`; with an empty text if there is none or it
    /// cannot be determined. The error stays set, but is normalised: its exception object may be made only now. The
    /// exception's class may run Python code; an error that this raises is cleared.
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
        // SAFETY: a thread state is attached; three variables of ours.
        unsafe { fetch(&raw mut kind, &raw mut value, &raw mut traceback) };
        // SAFETY: as above; they hold what `fetch` returned.
        unsafe { normalize(&raw mut kind, &raw mut value, &raw mut traceback) };
        // SAFETY: a thread state is attached; null, or an object to which we have a reference.
        unsafe { self.with_text_of(value, tell) };
        // An error that these calls left.
        self.clear_error();
        // SAFETY: the three references that `fetch` returned.
        unsafe { restore(kind, value, traceback) };
    }

    /// Calls `tell` with `str(object)`, or with an empty text if it cannot be determined.
    ///
    /// # Safety
    /// * OBJECT: `object` is null or an object to which the caller has a reference.
    /// * STATE: a thread state is attached.
    unsafe fn with_text_of(&self, object: *mut PyObject, tell: impl FnOnce(&CStr)) {
        let symbols = self.symbols();
        let (Some(to_string), Some(encode), Some(bytes_of)) =
            (symbols.PyObject_Str, symbols.PyUnicode_AsEncodedString, symbols.PyBytes_AsString)
        else {
            return tell(c"");
        };
        let if_object = |object: *mut PyObject| (!object.is_null()).then_some(object);
        // SAFETY: an object (caller: OBJECT, STATE).
        let string = if_object(object).and_then(|object| if_object(unsafe { to_string(object) }));
        let encoded = string.and_then(|string| {
            // Surrogates become question marks.
            // SAFETY: a string, and two C strings (caller: STATE).
            if_object(unsafe { encode(string, c"utf-8".as_ptr(), c"replace".as_ptr()) })
        });
        // SAFETY: a bytes object.
        let text = encoded.map(|encoded| unsafe { bytes_of(encoded) });
        match text.filter(|text| !text.is_null()) {
            // SAFETY: the contents of a bytes object that we own, which end with a NUL.
            Some(text) => tell(unsafe { CStr::from_ptr(text) }),
            None => tell(c""),
        }
        for made in [encoded, string].into_iter().flatten() {
            // SAFETY: a new reference made above.
            unsafe { (self.decref())(made) };
        }
    }

    /// Whether an object's buffer slot calls a method `__buffer__` written in Python. That is so if the slot is
    /// CPython's own function (3.12 and later), and the class's `__buffer__` does not just wrap a slot function
    /// (`wrapper_descriptor`).
    ///
    /// # Safety
    /// * OBJECT: `obj` is an object of the host's, of this layout, and `getbuffer` is its type's slot.
    /// * CLEAR: no error is pending: one would be cleared.
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
        // SAFETY: an object of this layout (caller: OBJECT).
        let r#type = unsafe { layout.type_of(obj) }.cast_mut();
        // SAFETY: an object, and a C string; a thread state is attached.
        let method = unsafe { getattr(r#type.cast(), c"__buffer__".as_ptr()) };
        if method.is_null() {
            self.clear_error();
            return false;
        }
        // SAFETY: the object that `getattr` returned.
        let its_type = unsafe { layout.type_of(method) };
        // SAFETY: its type.
        let name = unsafe { layout.name_of(its_type) };
        // SAFETY: a type's name is a C string.
        let is_of_slot = unsafe { CStr::from_ptr(name) } == c"wrapper_descriptor";
        // SAFETY: the new reference that `getattr` returned.
        unsafe { (self.decref())(method) };
        !is_of_slot
    }
}
