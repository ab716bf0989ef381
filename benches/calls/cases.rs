//! What is measured: the functions of a library, and the calls that are made of them.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::hint::black_box;

use libloading::os::unix::Library;
use pybuffer::abi::{Py_buffer, PyBUF_FULL_RO, PyBUF_SIMPLE};

use crate::host::{Host, Object, symbol};

/// The functions of one of the two libraries.
pub struct Functions {
    pub label: &'static str,
    is_contiguous: unsafe extern "C" fn(*const Py_buffer, c_char) -> c_int,
    get_pointer: unsafe extern "C" fn(*const Py_buffer, *const isize) -> *mut c_void,
    fill_info:
        unsafe extern "C" fn(*mut Py_buffer, Object, *mut c_void, isize, c_int, c_int) -> c_int,
    release: unsafe extern "C" fn(*mut Py_buffer),
    get_buffer: unsafe extern "C" fn(Object, *mut Py_buffer, c_int) -> c_int,
    /// Null in libpython 3.8, which has neither of the two.
    pub check_buffer: Option<unsafe extern "C" fn(Object) -> c_int>,
    size_from_format: Option<unsafe extern "C" fn(*const c_char) -> isize>,
    fill_strides: unsafe extern "C" fn(c_int, *const isize, *mut isize, c_int, c_char),
    to_contiguous: unsafe extern "C" fn(*mut c_void, *const Py_buffer, isize, c_char) -> c_int,
    from_contiguous: unsafe extern "C" fn(*const Py_buffer, *const c_void, isize, c_char) -> c_int,
    copy_data: unsafe extern "C" fn(Object, Object) -> c_int,
    from_object: unsafe extern "C" fn(Object) -> Object,
    from_memory: unsafe extern "C" fn(*mut c_char, isize, c_int) -> Object,
    from_buffer: unsafe extern "C" fn(*const Py_buffer) -> Object,
    get_contiguous: unsafe extern "C" fn(Object, c_int, c_char) -> Object,
}

impl Functions {
    /// Those of a libpython or a libpybuffer.
    pub fn of(label: &'static str, library: &Library) -> Self {
        Self {
            label,
            is_contiguous: symbol(library, c"PyBuffer_IsContiguous"),
            get_pointer: symbol(library, c"PyBuffer_GetPointer"),
            fill_info: symbol(library, c"PyBuffer_FillInfo"),
            release: symbol(library, c"PyBuffer_Release"),
            get_buffer: symbol(library, c"PyObject_GetBuffer"),
            check_buffer: since_3_9(library, c"PyObject_CheckBuffer"),
            size_from_format: since_3_9(library, c"PyBuffer_SizeFromFormat"),
            fill_strides: symbol(library, c"PyBuffer_FillContiguousStrides"),
            to_contiguous: symbol(library, c"PyBuffer_ToContiguous"),
            from_contiguous: symbol(library, c"PyBuffer_FromContiguous"),
            copy_data: symbol(library, c"PyObject_CopyData"),
            from_object: symbol(library, c"PyMemoryView_FromObject"),
            from_memory: symbol(library, c"PyMemoryView_FromMemory"),
            from_buffer: symbol(library, c"PyMemoryView_FromBuffer"),
            get_contiguous: symbol(library, c"PyMemoryView_GetContiguous"),
        }
    }
}

/// A function that libpython 3.8 lacks. `symbol`'s caller vouches for its signature.
fn since_3_9<T: Copy>(library: &Library, name: &CStr) -> Option<T> {
    // SAFETY: as there.
    unsafe { library.get::<T>(name.to_bytes_with_nul()) }.ok().map(|function| *function)
}

/// A view of items of four bytes, 2 x 3 x 4 of them, at given strides.
struct Block {
    items: [i32; 24],
    shape: [isize; 3],
    strides: [isize; 3],
}

impl Block {
    /// A view of a block that stays.
    fn view(strides: [isize; 3]) -> Py_buffer {
        let items = std::array::from_fn(|i| i as i32);
        let block = Box::leak(Box::new(Self { items, shape: [2, 3, 4], strides }));
        Py_buffer {
            buf: block.items.as_mut_ptr().cast(),
            obj: std::ptr::null_mut(),
            len: 96,
            itemsize: 4,
            readonly: 0,
            ndim: 3,
            format: std::ptr::null_mut(),
            shape: block.shape.as_mut_ptr(),
            strides: block.strides.as_mut_ptr(),
            suboffsets: std::ptr::null_mut(),
            internal: std::ptr::null_mut(),
        }
    }
}

fn empty_view() -> Py_buffer {
    // SAFETY: all fields are integers and pointers.
    unsafe { std::mem::zeroed() }
}

/// One measured call: its name, and what is done for each of the two libraries.
pub type Case<'a> = (&'a str, Box<dyn Fn(&Functions) + 'a>);

/// One exporter of each kind.
struct Objects {
    bytes: Object,
    bytearray: Object,
    memoryview: Object,
    array: Object,
    /// 1000 x 1000 items of four bytes.
    picture: Object,
    decref: unsafe extern "C" fn(Object),
}

impl Objects {
    fn new(host: &Host) -> Self {
        let eval = |source| host.eval(source).expect("an expression of builtins");
        Self {
            bytes: eval("bytes(100)"),
            bytearray: eval("bytearray(100)"),
            memoryview: eval("memoryview(bytes(100))"),
            array: eval("__import__('array').array('i', range(25))"),
            picture: eval("memoryview(bytearray(4000000)).cast('f', (1000, 1000))"),
            decref: symbol(&host.library, c"Py_DecRef"),
        }
    }
}

/// All calls, of objects of this CPython.
pub fn all(host: &Host) -> Vec<Case<'static>> {
    let objects: &Objects = Box::leak(Objects::new(host).into());
    let dense: &Py_buffer = Box::leak(Block::view([48, 16, 4]).into());
    let mut transposed = Block::view([4, 8, 24]);
    transposed.format = c"f".as_ptr().cast_mut();
    let transposed: &Py_buffer = Box::leak(transposed.into());
    let mut cases = Vec::new();
    questions(&mut cases, dense);
    views(&mut cases, objects);
    formats_and_strides(&mut cases);
    copies(&mut cases, objects, dense, transposed);
    cases.extend(memoryviews(objects, transposed));
    cases
}

/// What only answers.
fn questions<'a>(cases: &mut Vec<Case<'a>>, dense: &'a Py_buffer) {
    for order in ['C', 'F', 'A'] {
        let name = format!("IsContiguous 3-D '{order}'").leak();
        cases.push((
            name,
            Box::new(move |f| {
                // SAFETY: a whole view.
                black_box(unsafe { (f.is_contiguous)(black_box(dense), order as c_char) });
            }),
        ));
    }
    cases.push((
        "GetPointer 3-D",
        Box::new(move |f| {
            // SAFETY: indices within the shape.
            black_box(unsafe { (f.get_pointer)(black_box(dense), black_box([1, 2, 3]).as_ptr()) });
        }),
    ));
}

/// Views asked for and given back.
fn views<'a>(cases: &mut Vec<Case<'a>>, objects: &'a Objects) {
    cases.push((
        "FillInfo + Release",
        Box::new(|f| {
            let mut view = empty_view();
            let buf = std::ptr::dangling_mut();
            // SAFETY: an object, and a view that is given back where it was filled.
            unsafe { (f.fill_info)(&raw mut view, objects.bytes, buf, 100, 1, PyBUF_FULL_RO) };
            // SAFETY: as above.
            unsafe { (f.release)(black_box(&raw mut view)) };
        }),
    ));
    for (name, object) in [
        ("GetBuffer + Release bytes", objects.bytes),
        ("GetBuffer + Release bytearray", objects.bytearray),
        ("GetBuffer + Release memoryview", objects.memoryview),
        ("GetBuffer + Release array", objects.array),
    ] {
        cases.push((
            name,
            Box::new(move |f| {
                let mut view = empty_view();
                // SAFETY: an exporter, and a view that is given back where it was filled.
                unsafe { (f.get_buffer)(object, &raw mut view, PyBUF_SIMPLE) };
                // SAFETY: as above.
                unsafe { (f.release)(black_box(&raw mut view)) };
            }),
        ));
    }
    cases.push((
        "CheckBuffer",
        Box::new(|f| {
            // SAFETY: an object.
            black_box(f.check_buffer.map(|check| unsafe { check(black_box(objects.bytes)) }));
        }),
    ));
}

fn formats_and_strides(cases: &mut Vec<Case>) {
    for (name, format) in [
        ("SizeFromFormat \"i\"", c"i"),
        ("SizeFromFormat \"3d2h\"", c"3d2h"),
        ("SizeFromFormat \"<i\"", c"<i"),
    ] {
        cases.push((
            name,
            Box::new(move |f| {
                // SAFETY: a C string.
                let size =
                    f.size_from_format.map(|size| unsafe { size(black_box(format.as_ptr())) });
                black_box(size);
            }),
        ));
    }
    cases.push((
        "FillContiguousStrides 3-D",
        Box::new(|f| {
            let mut strides = [0; 3];
            // SAFETY: three entries each.
            unsafe {
                (f.fill_strides)(
                    3,
                    black_box([2, 3, 4]).as_ptr(),
                    strides.as_mut_ptr(),
                    4,
                    b'C' as _,
                )
            };
            black_box(strides);
        }),
    ));
}

fn copies<'a>(
    cases: &mut Vec<Case<'a>>,
    objects: &'a Objects,
    dense: &'a Py_buffer,
    transposed: &'a Py_buffer,
) {
    for (name, view) in [("2x3x4 contiguous", dense), ("2x3x4 transposed", transposed)] {
        cases.push((
            format!("ToContiguous {name}").leak(),
            Box::new(move |f| {
                let mut buf = [0_u8; 96];
                // SAFETY: as many bytes as the view has.
                unsafe {
                    (f.to_contiguous)(buf.as_mut_ptr().cast(), black_box(view), 96, b'C' as _)
                };
                black_box(buf);
            }),
        ));
        cases.push((
            format!("FromContiguous {name}").leak(),
            Box::new(move |f| {
                let buf = black_box([0_u8; 96]);
                // SAFETY: as above; the view's memory is this program's.
                unsafe { (f.from_contiguous)(black_box(view), buf.as_ptr().cast(), 96, b'C' as _) };
            }),
        ));
    }
    cases.push((
        "CopyData bytearray <- bytes",
        Box::new(|f| {
            // SAFETY: two exporters.
            black_box(unsafe { (f.copy_data)(objects.bytearray, objects.bytes) });
        }),
    ));
}

/// Memoryviews made, and dropped by the host's `Py_DecRef`.
fn memoryviews<'a>(objects: &'a Objects, transposed: &'a Py_buffer) -> Vec<Case<'a>> {
    // SAFETY: a new reference.
    let drop = |memoryview| unsafe { (objects.decref)(black_box(memoryview)) };
    vec![
        (
            "MemoryView_FromObject + drop, bytes",
            // SAFETY: an exporter.
            Box::new(move |f| drop(unsafe { (f.from_object)(black_box(objects.bytes)) })),
        ),
        (
            "MemoryView_FromMemory + drop",
            Box::new(move |f| {
                let mut bytes = [0; 8];
                // SAFETY: as many bytes, for as long as the memoryview.
                drop(unsafe { (f.from_memory)(bytes.as_mut_ptr(), 8, 0) });
            }),
        ),
        (
            "MemoryView_FromBuffer + drop",
            // SAFETY: a whole view.
            Box::new(move |f| drop(unsafe { (f.from_buffer)(black_box(transposed)) })),
        ),
        (
            "MemoryView_GetContiguous, as it is",
            Box::new(move |f| {
                // SAFETY: an exporter.
                drop(unsafe { (f.get_contiguous)(objects.picture, 0, b'C' as _) });
            }),
        ),
        (
            "MemoryView_GetContiguous, 1000x1000 f32 'F'",
            Box::new(move |f| {
                // SAFETY: an exporter.
                drop(unsafe { (f.get_contiguous)(objects.picture, 0, b'F' as _) });
            }),
        ),
    ]
}
