//! The standalone world's exceptions: static types, reduced to the fields that are read.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char};
use core::ptr;

use super::{IMMORTAL, METATYPE};
use crate::abi::{PyObject, PyTypeObject, PyVarObject};
use crate::error::Kind;

/// The fields of a type up to its name. Exceptions have no instances here, so the slots that would follow are left
/// out.
#[repr(C)]
struct Exception {
    head: UnsafeCell<PyVarObject>,
    tp_name: *const c_char,
}

// SAFETY: the library only takes the address, and changes the reference count atomically.
unsafe impl Sync for Exception {}

const fn exception(kind: Kind) -> Exception {
    let head = PyObject { ob_refcnt: IMMORTAL, ob_type: METATYPE.0.get() };
    Exception {
        head: UnsafeCell::new(PyVarObject { ob_base: head, ob_size: 0 }),
        tp_name: kind.name().as_ptr(),
    }
}

static EXCEPTIONS: [Exception; Kind::COUNT] = {
    let mut all = [const { exception(Kind::Exception) }; Kind::COUNT];
    let mut i = 0;
    while i < Kind::COUNT {
        #[expect(clippy::indexing_slicing, reason = "the index is below both lengths")]
        {
            all[i] = exception(Kind::ALL[i]);
        }
        i += 1;
    }
    all
};

/// The exception of a kind.
pub fn of(kind: Kind) -> *mut PyObject {
    EXCEPTIONS.get(kind as usize).map_or(ptr::null_mut(), |exception| exception.head.get().cast())
}

/// The exception of this Python name; null if there is none.
pub fn by_name(name: &CStr) -> *mut PyObject {
    Kind::by_name(name).map_or(ptr::null_mut(), of)
}

/// The kind of an exception, if it is one of the library's own.
#[inline(never)]
pub fn kind_of(exception: *const PyObject) -> Option<Kind> {
    let offset = exception.addr().wrapping_sub((&raw const EXCEPTIONS).addr());
    let n = offset.checked_div(size_of::<Exception>())?;
    Kind::ALL.get(n).copied().filter(|kind| ptr::eq(of(*kind), exception))
}

/// Whether an object can be set as an error: one of the library's own exceptions, or a type that
/// `PyType_Ready` made ready.
///
/// # Safety
/// * OBJECT: `obj` is a standalone object.
pub unsafe fn is_exception(obj: *mut PyObject) -> bool {
    // SAFETY: an object has a type (caller: OBJECT).
    kind_of(obj).is_some() || unsafe { (*obj).ob_type } == METATYPE.0.get()
}

/// Whether `exception` is `other` or derived from it.
///
/// # Safety
/// * EXCEPTIONS: each is null, an exception of the library's own, or a type object derived from one.
pub unsafe fn is_a(exception: *mut PyObject, other: *mut PyObject) -> bool {
    let mut exception = exception;
    while !exception.is_null() {
        if exception == other {
            return true;
        }
        exception = match kind_of(exception) {
            Some(kind) => kind.base().map_or(ptr::null_mut(), of),
            // SAFETY: not one of the library's own, so a complete type object (caller: EXCEPTIONS).
            None => unsafe { (*exception.cast::<PyTypeObject>()).tp_base }.cast(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::objects::static_type;
    use super::*;

    #[test]
    fn exceptions_match_their_bases() {
        let is_a = |one, other| unsafe { is_a(of(one), of(other)) };
        assert!(is_a(Kind::UnicodeDecode, Kind::Value));
        assert!(is_a(Kind::Index, Kind::Lookup));
        assert!(is_a(Kind::Struct, Kind::Exception));
        assert!(!is_a(Kind::Value, Kind::UnicodeDecode));
        assert!(!unsafe { super::is_a(ptr::null_mut(), of(Kind::Value)) });
    }

    #[test]
    fn exceptions_of_a_program_match_the_library_s_that_they_derive_from() {
        let mut own = static_type(c"demo.Error");
        own.tp_base = of(Kind::Index).cast();
        let own = (&raw mut own).cast();
        assert!(unsafe { is_a(own, own) });
        assert!(unsafe { is_a(own, of(Kind::Lookup)) });
        assert!(!unsafe { is_a(own, of(Kind::Value)) });
    }

    #[test]
    fn names_find_their_exceptions() {
        assert_eq!(by_name(c"ValueError"), of(Kind::Value));
        assert_eq!(by_name(c"struct.error"), of(Kind::Struct));
        assert!(by_name(c"NoSuchError").is_null());
    }
}
