//! Reference counts that can be lowered in place.
//!
//! In most builds of CPython, `Py_IncRef` and `Py_DecRef` only add or subtract one in a word of the object, unless
//! the reference is the last one. The call into libpython takes longer than that: 0.4 ns of the 7 of
//! `PyObject_GetBuffer` and `PyBuffer_Release` (Xeon, `calls`). Whether a build works that way is measured on an
//! object of our own, not assumed from a version; builds with free threading or reference debugging are excluded
//! before. Special cases are left to `Py_DecRef`: the last reference, which frees the object, and counts with bit
//! 31 set, which are immortal since 3.12. So no object is ever freed by this code. If the measurement were wrong
//! (in another implementation, which counts the references of some objects elsewhere), the worst result would be an
//! object that is never freed.

use core::ffi::c_int;

use crate::abi::{PyObject, PyTypeObject};

/// `Py_IncRef` or `Py_DecRef`.
type Change = unsafe extern "C" fn(*mut PyObject);

/// The half of a count that changes; the other may hold flags.
type Low = c_int;

/// The counts with which the functions are tried: the smallest ones, and the largest ones.
const TRIED: [isize; 2] = [5, Low::MAX as isize - 1];

/// Only where a count has two halves, the low one first. Elsewhere counts are left to the host.
const HAS_LOW_HALF: bool = cfg!(all(target_pointer_width = "64", target_endian = "little"));

/// Whether a host's functions add and subtract one in the low half of `ob_refcnt`, and do nothing else.
///
/// # Safety
/// The functions are those of a libpython whose objects have the plain layout and are not counted
/// elsewhere as well; `r#type` is a type of it.
pub unsafe fn are_plain(incref: Change, decref: Change, r#type: *mut PyTypeObject) -> bool {
    if !HAS_LOW_HALF {
        return false;
    }
    TRIED.into_iter().all(|count| {
        let mut object = PyObject { ob_refcnt: count, ob_type: r#type };
        // SAFETY: an object that stays in use: nothing of its type is called.
        unsafe { incref(&raw mut object) };
        let more = object.ob_refcnt;
        // SAFETY: as above.
        unsafe { decref(&raw mut object) };
        more == count.wrapping_add(1) && object.ob_refcnt == count
    })
}

/// Drops a reference, unless only `Py_DecRef` may do that. Returns whether it did.
///
/// # Safety
/// `obj` is an object of a host whose counts are plain, and the thread holds its GIL.
#[inline]
pub unsafe fn lower(obj: *mut PyObject) -> bool {
    let count: *mut Low = obj.cast();
    // SAFETY: the count stands first in a plain object, its low half first in it (`are_plain`).
    let now = unsafe { count.read() };
    if now <= 1 {
        return false;
    }
    // SAFETY: as above.
    unsafe { count.write(now.wrapping_sub(1)) };
    true
}

#[cfg(test)]
mod tests {
    use core::ptr;

    use super::*;

    unsafe extern "C" fn plus_one(obj: *mut PyObject) {
        // SAFETY: the object that is tried.
        unsafe { (*obj).ob_refcnt += 1 };
    }
    unsafe extern "C" fn minus_one(obj: *mut PyObject) {
        // SAFETY: as above.
        unsafe { (*obj).ob_refcnt -= 1 };
    }
    unsafe extern "C" fn plus_two(obj: *mut PyObject) {
        // SAFETY: as above.
        unsafe { (*obj).ob_refcnt += 2 };
    }
    unsafe extern "C" fn nothing(_: *mut PyObject) {}

    fn plain(incref: Change, decref: Change) -> bool {
        // SAFETY: these functions look at the count alone.
        unsafe { are_plain(incref, decref, ptr::null_mut()) }
    }

    #[test]
    fn counts_are_plain_only_if_one_is_added_and_subtracted() {
        assert_eq!(plain(plus_one, minus_one), HAS_LOW_HALF);
        assert!(!plain(plus_two, minus_one));
        assert!(!plain(nothing, nothing));
        assert!(!plain(plus_one, nothing));
    }

    #[cfg(all(target_pointer_width = "64", target_endian = "little"))]
    #[test]
    fn lower_leaves_last_references_and_immortals_alone() {
        let after = |count: isize| {
            let mut object = PyObject { ob_refcnt: count, ob_type: ptr::null_mut() };
            // SAFETY: an object of this test's own.
            let done = unsafe { lower(&raw mut object) };
            (done, object.ob_refcnt)
        };
        assert_eq!(after(2), (true, 1));
        assert_eq!(after(0x5_0000_0002), (true, 0x5_0000_0001), "flags above stay");
        for special in [1, 0, 0xC000_0000, 0xFFFF_FFFF, 0x1_8000_0000] {
            assert_eq!(after(special), (false, special));
        }
    }
}
