//! The standalone world's exceptions: static types, each with its base.

use core::ffi::CStr;
use core::ptr;

use super::objects::static_type;
use super::{METATYPE, Shared};
use crate::abi::{PyObject, PyTypeObject};
use crate::error::Kind;

static EXCEPTIONS: [Shared<PyTypeObject>; Kind::COUNT] = {
    let mut types = [const { Shared::new(static_type(c"", ptr::null_mut(), ptr::null_mut())) };
        Kind::COUNT];
    let mut i = 0;
    while i < Kind::COUNT {
        #[expect(clippy::indexing_slicing, reason = "the index is below the length of both")]
        {
            let kind = Kind::ALL[i];
            let base = match kind.base() {
                Some(base) => EXCEPTIONS[base as usize].0.get(),
                None => ptr::null_mut(),
            };
            types[i] = Shared::new(static_type(kind.name(), METATYPE.0.get(), base));
        }
        #[expect(clippy::arithmetic_side_effects, reason = "counts to COUNT")]
        {
            i += 1;
        }
    }
    types
};

/// The exception of a kind.
pub fn of(kind: Kind) -> *mut PyObject {
    EXCEPTIONS.get(kind as usize).map_or(ptr::null_mut(), |r#type| r#type.0.get().cast())
}

/// The exception of a name; null if there is none.
pub fn by_name(name: &CStr) -> *mut PyObject {
    Kind::by_name(name).map_or(ptr::null_mut(), of)
}

/// Whether `exception` is `other` or derived from it.
///
/// # Safety
/// Both are null or standalone types.
pub unsafe fn is_a(exception: *mut PyObject, other: *mut PyObject) -> bool {
    let mut r#type: *mut PyTypeObject = exception.cast();
    while !r#type.is_null() {
        if ptr::eq(r#type.cast(), other) {
            return true;
        }
        // SAFETY: a type object (caller), and so are its bases.
        r#type = unsafe { (*r#type).tp_base };
    }
    false
}

#[cfg(test)]
mod tests {
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
    fn names_find_their_exceptions() {
        assert_eq!(by_name(c"ValueError"), of(Kind::Value));
        assert_eq!(by_name(c"struct.error"), of(Kind::Struct));
        assert!(by_name(c"NoSuchError").is_null());
    }
}
