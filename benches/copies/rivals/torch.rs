//! PyTorch on as many threads as are asked for: a `partial(dst.copy_, src)` is called, which costs most of a microsecond
//! before anything is copied.

use std::ffi::c_int;
use std::ptr::null_mut;

use super::numpy::NumPy;
use super::reference::{Reference, text};
use super::{Copy, Rival};
use crate::host::{Host, Object, symbol};
use crate::job::Job;

type Call = unsafe extern "C" fn(Object, Object) -> Object;

pub struct Torch {
    host: &'static Host,
    version: String,
    /// Makes arrays over memory of ours.
    numpy: NumPy,
    /// Takes a tuple of two arrays.
    prepare: Object,
    call: Call,
}

impl Torch {
    pub fn import(host: &'static Host, n_threads: usize) -> Result<Self, String> {
        host.eval("__import__('warnings').simplefilter('ignore')")?;
        host.eval(&format!("__import__('torch').set_num_threads({n_threads})"))?;
        let version = text(host, "str(__import__('torch').__version__)")?;
        let prepare = host.eval(
            "(lambda functools, torch: lambda dst, src: functools.partial(\
             torch.from_numpy(dst).copy_, torch.from_numpy(src)))\
             (__import__('functools'), __import__('torch'))",
        )?;
        let call = symbol(&host.library, c"PyObject_CallObject");
        Ok(Self { host, version, numpy: NumPy::import(host)?, prepare, call })
    }
}

impl Rival for Torch {
    fn name(&self) -> &'static str {
        "torch"
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn prepare<'a>(&'a self, job: &Job) -> Option<Copy<'a>> {
        type Pack = unsafe extern "C" fn(c_int, ...) -> Object;
        let case = &job.case;
        if case.row_pointers {
            return None;
        }
        let src = self.numpy.array(case.item, &case.shape, &case.src, job.src)?;
        let dst = self.numpy.array(case.item, &case.shape, &case.dst, job.dst)?;
        let pack: Pack = symbol(&self.host.library, c"PyTuple_Pack");
        // SAFETY: two objects are announced and given; the thread holds the GIL.
        let arguments = unsafe { pack(2, dst.get(), src.get()) };
        let arguments = Reference::new(self.host, arguments)?;
        let call = self.call;
        // SAFETY: a callable and a tuple. It raises where torch knows no such type or stride.
        let copy = Reference::new(self.host, unsafe { call(self.prepare, arguments.get()) })?;
        let decref: unsafe extern "C" fn(Object) = symbol(&self.host.library, c"Py_DecRef");
        Some(Box::new(move |times| {
            for _ in 0..times {
                // SAFETY: a callable, without arguments.
                let result = unsafe { call(copy.get(), null_mut()) };
                assert!(!result.is_null(), "torch raised an exception");
                // SAFETY: the reference just returned.
                unsafe { decref(result) };
            }
        }))
    }
}
