//! Who is measured. Each rival turns a case into a closure that copies it any number of times; what it
//! needs for that (views, arrays, plans) is made before, outside the measured time.

mod buffer;
mod hptt;
mod lines;
mod ndarray;
mod numpy;
mod parts;
mod reference;
mod torch;

pub use buffer::Buffers;

use crate::host::Host;
use crate::job::Job;
use crate::setting::Setting;
use crate::setup;

/// Copies the case so many times.
pub type Copy<'a> = Box<dyn FnMut(u32) + 'a>;

/// One implementation of copies.
pub trait Rival {
    /// A word.
    fn name(&self) -> &'static str;
    fn version(&self) -> String;
    /// Whether it copies the case, rather than something to compare a copy with.
    fn copies(&self) -> bool {
        true
    }
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

    fn copies(&self) -> bool {
        false
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

/// Who is there, and who is left out and why.
#[derive(Default)]
pub struct Field {
    /// memcpy, ours, the rivals, and what bounds them all.
    pub present: Vec<Box<dyn Rival>>,
    pub left_out: Vec<String>,
}

impl Field {
    /// Sets up memcpy, ours, libpython and NumPy, and unless it is to be `quick`, everybody else.
    pub fn gather(host: Option<&'static Host>, quick: bool, setting: Setting) -> Self {
        let n_threads = setting.n_threads;
        let mut field = Self::default();
        field.present.push(Box::new(Memcpy));
        if n_threads > 1 {
            field.present.push(Box::new(parts::Parts::new(buffer::library(), n_threads)));
            field.present.push(Box::new(Buffers::ours("one thread", host)));
        } else {
            field.present.push(Box::new(Buffers::ours("libpybuffer", host)));
            field.take("libpython", host.map(Buffers::libpython).ok_or_else(no_host));
        }
        let packages =
            host.ok_or_else(no_host).and_then(|host| setup::packages(host).map(|()| host));
        field.take("numpy", packages.clone().and_then(numpy::NumPy::import));
        if !quick {
            let has_torch = packages.and_then(|host| setup::torch(host).map(|()| host));
            field.take("torch", has_torch.and_then(|host| torch::Torch::import(host, n_threads)));
            field.take("hptt", hptt::Hptt::build(n_threads));
            if n_threads == 1 {
                field.take("ndarray", Ok(ndarray::NdArray));
                field.present.push(Box::new(lines::Lines));
            }
        }
        field
    }

    fn take<T: Rival + 'static>(&mut self, name: &str, rival: Result<T, String>) {
        match rival {
            Ok(rival) => self.present.push(Box::new(rival)),
            Err(why) => self.left_out.push(format!("{name}: {why}")),
        }
    }
}

fn no_host() -> String {
    "no CPython with a shared libpython was found".into()
}
