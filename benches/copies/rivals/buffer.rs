//! The two that implement the same C API: the shared library as it ships, and libpython.

use std::ffi::{c_char, c_int, c_void};
use std::hint::black_box;
use std::ptr::null_mut;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use pybuffer::abi::Py_buffer;

use super::reference::Reference;
use super::{Copy, Rival};
use crate::cases::Call;
use crate::host::{Host, Object, symbol};
use crate::job::Job;
use crate::support;

pub struct Buffers {
    name: &'static str,
    version: String,
    host: Option<&'static Host>,
    to_contiguous: unsafe extern "C" fn(*mut c_void, *const Py_buffer, isize, c_char) -> c_int,
    from_contiguous: unsafe extern "C" fn(*const Py_buffer, *const c_void, isize, c_char) -> c_int,
    copy_data: unsafe extern "C" fn(Object, Object) -> c_int,
}

/// `build/lib/libpybuffer.so`, which stays loaded.
pub fn library() -> &'static Library {
    // SAFETY: loading the library runs none of its code.
    let library = unsafe { Library::open(Some(&support::shipped().so), RTLD_NOW | RTLD_LOCAL) };
    Box::leak(Box::new(library.expect("libpybuffer.so")))
}

impl Buffers {
    /// Ours, by the name that the tables give it.
    pub fn ours(name: &'static str, host: Option<&'static Host>) -> Self {
        Self::of(name, env!("CARGO_PKG_VERSION").into(), host, library())
    }

    /// Another libpybuffer.
    pub fn other(host: Option<&'static Host>, library: &Library) -> Self {
        Self::of("libpybuffer", String::new(), host, library)
    }

    pub fn libpython(host: &'static Host) -> Self {
        Self::of("libpython", host.python.label.clone(), Some(host), &host.library)
    }

    fn of(
        name: &'static str,
        version: String,
        host: Option<&'static Host>,
        library: &Library,
    ) -> Self {
        Self {
            name,
            version,
            host,
            to_contiguous: symbol(library, c"PyBuffer_ToContiguous"),
            from_contiguous: symbol(library, c"PyBuffer_FromContiguous"),
            copy_data: symbol(library, c"PyObject_CopyData"),
        }
    }
}

/// A view with the arrays that it points to.
pub struct View {
    pub view: Py_buffer,
    _arrays: [Vec<isize>; 3],
}

impl View {
    pub fn new(job: &Job, buf: *mut u8, strides: &[isize], row_pointers: bool) -> Box<Self> {
        let case = &job.case;
        let mut shape = case.shape.clone();
        let mut strides = strides.to_vec();
        let mut suboffsets = if row_pointers { vec![0, -1] } else { Vec::new() };
        let view = Py_buffer {
            buf: buf.cast(),
            obj: null_mut(),
            len: case.len() as isize,
            itemsize: case.item as isize,
            readonly: 0,
            ndim: shape.len() as c_int,
            format: null_mut(),
            shape: shape.as_mut_ptr(),
            strides: strides.as_mut_ptr(),
            suboffsets: if row_pointers { suboffsets.as_mut_ptr() } else { null_mut() },
            internal: null_mut(),
        };
        Box::new(Self { view, _arrays: [shape, strides, suboffsets] })
    }
}

fn memoryview(host: &Host, view: &View) -> Option<Reference> {
    let from_buffer: unsafe extern "C" fn(*const Py_buffer) -> Object =
        symbol(&host.library, c"PyMemoryView_FromBuffer");
    // SAFETY: a whole view, whose arrays are copied; this thread holds the GIL.
    let object = unsafe { from_buffer(&raw const view.view) };
    Reference::new(host, object)
}

impl Rival for Buffers {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn prepare<'a>(&'a self, job: &Job) -> Option<Copy<'a>> {
        let case = &job.case;
        let len = case.len() as isize;
        let (src, dst) = (job.src, job.dst);
        let src_view = || View::new(job, job.src_buf(), &case.src, case.row_pointers);
        let dst_view = || View::new(job, dst, &case.dst, false);
        Some(match case.call {
            Call::To(order) => {
                let (view, f, order) = (src_view(), self.to_contiguous, order as c_char);
                Box::new(move |times| {
                    for _ in 0..times {
                        // SAFETY: a view of the source block, and room for all of its items.
                        let result = unsafe { f(dst.cast(), black_box(&view.view), len, order) };
                        assert_eq!(result, 0);
                    }
                })
            }
            Call::From(order) => {
                let (view, f, order) = (dst_view(), self.from_contiguous, order as c_char);
                Box::new(move |times| {
                    for _ in 0..times {
                        // SAFETY: a view of the destination block, and bytes for all of its items.
                        let result = unsafe { f(black_box(&view.view), src.cast(), len, order) };
                        assert_eq!(result, 0);
                    }
                })
            }
            Call::CopyData => {
                let host = self.host?;
                let f = self.copy_data;
                let from = memoryview(host, &src_view())?;
                let to = memoryview(host, &dst_view())?;
                Box::new(move |times| {
                    for _ in 0..times {
                        // SAFETY: two exporters; this thread holds the GIL.
                        let result = unsafe { f(black_box(to.get()), from.get()) };
                        assert_eq!(result, 0);
                    }
                })
            }
        })
    }
}
