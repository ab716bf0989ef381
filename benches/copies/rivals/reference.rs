//! References to objects of the host, and text from it.

use std::ffi::{CStr, c_char};

use crate::host::{Host, Object, symbol};

/// A reference to an object, given back when dropped.
pub struct Reference {
    object: Object,
    decref: unsafe extern "C" fn(Object),
}

impl Reference {
    /// Takes over a reference that a function returned; `None` for NULL, whose exception is dropped.
    pub fn new(host: &Host, object: Object) -> Option<Self> {
        if object.is_null() {
            let clear: unsafe extern "C" fn() = symbol(&host.library, c"PyErr_Clear");
            // SAFETY: the thread that started CPython holds the GIL for good.
            unsafe { clear() };
            return None;
        }
        Some(Self { object, decref: symbol(&host.library, c"Py_DecRef") })
    }

    /// The object, there for as long as the reference. (A closure that named the field would copy the
    /// pointer and drop the rest.)
    pub fn get(&self) -> Object {
        self.object
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // SAFETY: this reference's own; the thread holds the GIL.
        unsafe { (self.decref)(self.object) };
    }
}

/// The text of a string expression.
pub fn text(host: &Host, source: &str) -> Result<String, String> {
    let as_utf8: unsafe extern "C" fn(Object) -> *const c_char =
        symbol(&host.library, c"PyUnicode_AsUTF8");
    let value = host.eval(source)?;
    // SAFETY: an object; anything but a string gives NULL.
    let text = unsafe { as_utf8(value) };
    if text.is_null() {
        return Err(format!("{source} is no string"));
    }
    // SAFETY: a C string that lives as long as its object, which is never given back.
    Ok(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
