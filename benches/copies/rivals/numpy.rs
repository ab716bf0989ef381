//! NumPy, by its own C copy: `PyArray_CopyInto`, through the table of its C API.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use super::reference::{Reference, text};
use super::{Copy, Rival};
use crate::host::{Host, Object, symbol};
use crate::job::Job;

/// Places in the table of functions, the same in every NumPy since 1.7.
const ARRAY_TYPE: usize = 2;
const COPY_INTO: usize = 50;
const NEW: usize = 93;
const TABLE_LENGTH: usize = 200;

const WRITEABLE: c_int = 0x400;

type New = unsafe extern "C" fn(
    Object,
    c_int,
    *const isize,
    c_int,
    *const isize,
    *mut c_void,
    c_int,
    c_int,
    Object,
) -> Object;
type CopyInto = unsafe extern "C" fn(Object, Object) -> c_int;

pub struct NumPy {
    host: &'static Host,
    version: String,
    array_type: Object,
    new: New,
    copy_into: CopyInto,
}

impl NumPy {
    pub fn import(host: &'static Host) -> Result<Self, String> {
        let version = text(host, "__import__('numpy').__version__")?;
        let core = if version.starts_with("1.") { "core" } else { "_core" };
        let module = format!("__import__('numpy.{core}._multiarray_umath', fromlist=['_'])");
        let capsule = host.eval(&format!("{module}._ARRAY_API"))?;
        let get_pointer: unsafe extern "C" fn(Object, *const c_char) -> *const *mut c_void =
            symbol(&host.library, c"PyCapsule_GetPointer");
        // SAFETY: NumPy's capsule, which has no name.
        let table = unsafe { get_pointer(capsule, std::ptr::null()) };
        assert!(!table.is_null(), "NumPy's capsule has another name");
        // SAFETY: it has at least so many entries, and stays.
        let table = unsafe { std::slice::from_raw_parts(table, TABLE_LENGTH) };
        Ok(Self {
            host,
            version,
            array_type: table[ARRAY_TYPE].cast(),
            // SAFETY: the function of this place.
            new: unsafe { std::mem::transmute::<*mut c_void, New>(table[NEW]) },
            // SAFETY: as above.
            copy_into: unsafe { std::mem::transmute::<*mut c_void, CopyInto>(table[COPY_INTO]) },
        })
    }

    /// An array over memory of ours.
    pub fn array(
        &self,
        item: usize,
        shape: &[isize],
        strides: &[isize],
        at: *mut u8,
    ) -> Option<Reference> {
        const UBYTE: c_int = 2;
        const USHORT: c_int = 4;
        const FLOAT: c_int = 11;
        const DOUBLE: c_int = 12;
        const CDOUBLE: c_int = 15;
        const VOID: c_int = 20;
        let number = match item {
            1 => UBYTE,
            2 => USHORT,
            4 => FLOAT,
            8 => DOUBLE,
            16 => CDOUBLE,
            _ => VOID,
        };
        // SAFETY: as many extents and strides as dimensions, of items within a block; the GIL is held.
        let object = unsafe {
            (self.new)(
                self.array_type,
                shape.len() as c_int,
                shape.as_ptr(),
                number,
                strides.as_ptr(),
                at.cast(),
                item as c_int,
                WRITEABLE,
                null_mut(),
            )
        };
        Reference::new(self.host, object)
    }
}

impl Rival for NumPy {
    fn name(&self) -> &'static str {
        "numpy"
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn prepare<'a>(&'a self, job: &Job) -> Option<Copy<'a>> {
        let case = &job.case;
        if case.row_pointers {
            return None;
        }
        let src = self.array(case.item, &case.shape, &case.src, job.src)?;
        let dst = self.array(case.item, &case.shape, &case.dst, job.dst)?;
        let copy_into = self.copy_into;
        Some(Box::new(move |times| {
            for _ in 0..times {
                // SAFETY: two arrays of one shape and type; the GIL is held.
                let result = unsafe { copy_into(dst.get(), src.get()) };
                assert_eq!(result, 0);
            }
        }))
    }
}
