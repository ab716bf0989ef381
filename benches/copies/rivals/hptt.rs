//! HPTT on as many threads as are asked for: plans by its own estimate, made before and executed in the measured time.
//!
//! It permutes dense arrays, or parts of them, of floating-point numbers: no steps within the fastest
//! dimension, nothing backwards, nothing repeated.

use std::ffi::{c_int, c_void};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::{Copy, Rival};
use crate::host::symbol;
use crate::job::Job;
use crate::setup;

type MakePlan = unsafe extern "C" fn(
    c_int,
    *const c_int,
    c_int,
    *const c_void,
    *const c_int,
    *const c_int,
    *mut c_void,
    *const c_int,
    c_int,
) -> *mut c_void;

pub struct Hptt {
    plan: MakePlan,
    execute: unsafe extern "C" fn(*mut c_void),
    free: unsafe extern "C" fn(*mut c_void),
    n_threads: c_int,
}

impl Hptt {
    pub fn build(n_threads: usize) -> Result<Self, String> {
        let path = setup::hptt()?;
        // SAFETY: a library that was just built; its initialisers make no threads.
        let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }
            .map_err(|error| error.to_string())?;
        // It stays loaded.
        let library = Box::leak(Box::new(library));
        Ok(Self {
            plan: symbol(library, c"bench_hptt_plan"),
            execute: symbol(library, c"bench_hptt_execute"),
            free: symbol(library, c"bench_hptt_free"),
            n_threads: n_threads as c_int,
        })
    }
}

struct Plan<'a> {
    plan: *mut c_void,
    hptt: &'a Hptt,
}

impl Plan<'_> {
    fn execute(&self) {
        // SAFETY: a plan that was made and not yet freed, over blocks that are there.
        unsafe { (self.hptt.execute)(self.plan) };
    }
}

impl Drop for Plan<'_> {
    fn drop(&mut self) {
        // SAFETY: as above, once.
        unsafe { (self.hptt.free)(self.plan) };
    }
}

/// A side as a part of a dense array, the slowest dimension first.
struct Dense {
    axes: Vec<usize>,
    size: Vec<c_int>,
    outer: Vec<c_int>,
}

impl Dense {
    fn new(item: usize, shape: &[isize], strides: &[isize]) -> Option<Self> {
        let mut axes: Vec<usize> = (0..shape.len()).collect();
        axes.sort_by_key(|axis| std::cmp::Reverse(strides[*axis]));
        let mut stride_of_next = item as isize;
        let mut outer = Vec::new();
        for (place, axis) in axes.iter().enumerate().rev() {
            if strides[*axis] != stride_of_next {
                return None;
            }
            let slower = place.checked_sub(1).map(|place| strides[axes[place]]);
            let extent = slower.map_or(shape[*axis], |slower| slower / stride_of_next);
            if extent < shape[*axis] {
                return None;
            }
            stride_of_next *= extent;
            outer.insert(0, c_int::try_from(extent).ok()?);
        }
        let size = axes.iter().map(|axis| shape[*axis] as c_int).collect();
        Some(Self { axes, size, outer })
    }
}

impl Rival for Hptt {
    fn name(&self) -> &'static str {
        "hptt"
    }

    fn version(&self) -> String {
        format!("of crate {}", setup::locked_version("hptt"))
    }

    fn prepare<'a>(&'a self, job: &Job) -> Option<Copy<'a>> {
        let case = &job.case;
        if case.row_pointers || !matches!(case.item, 4 | 8 | 16) {
            return None;
        }
        let src = Dense::new(case.item, &case.shape, &case.src)?;
        let dst = Dense::new(case.item, &case.shape, &case.dst)?;
        let place = |axis: &usize| src.axes.iter().position(|other| other == axis);
        let perm: Vec<c_int> =
            dst.axes.iter().filter_map(place).map(|place| place as c_int).collect();
        // SAFETY: as many entries as dimensions; the blocks stay for as long as the plan.
        let plan = unsafe {
            (self.plan)(
                case.item as c_int,
                perm.as_ptr(),
                perm.len() as c_int,
                job.src.cast(),
                src.size.as_ptr(),
                src.outer.as_ptr(),
                job.dst.cast(),
                dst.outer.as_ptr(),
                self.n_threads,
            )
        };
        let plan = Plan { plan, hptt: self };
        Some(Box::new(move |times| {
            for _ in 0..times {
                plan.execute();
            }
        }))
    }
}
