//! Who is measured. Each rival turns a case into a closure that copies it any number of times; what it
//! needs for that (views, arrays, plans) is made before, outside the measured time.

mod buffer;
mod numpy;

use crate::host::Host;
use crate::job::Job;
use crate::setup;

pub use buffer::Buffers;

/// Copies the case so many times.
pub type Copy<'a> = Box<dyn FnMut(u32) + 'a>;

/// One implementation of copies.
pub trait Rival {
    /// A word.
    fn name(&self) -> &'static str;
    fn version(&self) -> String;
    /// What copies this case; `None` if it cannot be expressed.
    fn prepare<'a>(&'a self, job: &Job) -> Option<Copy<'a>>;
}

/// The yardstick: as many bytes, from one contiguous place to another.
pub struct Memcpy;

impl Rival for Memcpy {
    fn name(&self) -> &'static str {
        "memcpy"
    }

    fn version(&self) -> String {
        // SAFETY: takes nothing.
        let version = unsafe { libc::gnu_get_libc_version() };
        // SAFETY: a C string that stays.
        let version = unsafe { std::ffi::CStr::from_ptr(version) };
        format!("glibc {}", version.to_string_lossy())
    }

    fn prepare<'a>(&'a self, job: &Job) -> Option<Copy<'a>> {
        let ((dst, src), len) = (job.starts(), job.case.len());
        Some(Box::new(move |times| {
            for _ in 0..times {
                // SAFETY: both blocks have at least as many bytes as the case copies.
                unsafe { libc::memcpy(dst.cast(), src.cast(), len) };
            }
        }))
    }
}

/// Everybody who is there: memcpy, ours, then the rivals; and who is left out, and why.
pub fn gather(host: Option<&'static Host>) -> (Vec<Box<dyn Rival>>, Vec<String>) {
    let mut rivals: Vec<Box<dyn Rival>> = vec![Box::new(Memcpy), Box::new(Buffers::ours(host))];
    let mut left_out = Vec::new();
    let Some(host) = host else {
        left_out.push("libpython, numpy: no CPython with a shared libpython was found".into());
        return (rivals, left_out);
    };
    rivals.push(Box::new(Buffers::libpython(host)));
    match setup::packages(host).and_then(|()| numpy::NumPy::import(host)) {
        Ok(numpy) => rivals.push(Box::new(numpy)),
        Err(why) => left_out.push(format!("numpy: {why}")),
    }
    (rivals, left_out)
}
