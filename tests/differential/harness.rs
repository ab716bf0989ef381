//! What runs inside each CPython: libpython's buffer functions and the library's, called with the
//! same inputs in one process and compared.
//!
//! `tests/differential.rs` compiles this file into a shared library of its own, because a python
//! that has libpython built in can be reached only from inside; `child.py` loads it there. It links
//! neither the library nor Python: every function is looked up and `dladdr` must say that it is
//! whose it claims to be. Only std is used, so that `rustc` alone compiles it. It is also a module
//! of the test crate, which takes the formats, the model and the lints from that.
//!
//! `api` has the functions, `host` the interpreter, `session` the comparing; `scene`, `layout`,
//! `memory` and `exporter` make inputs; `exemptions` lists by name what is not compared; the folder
//! `families` has one file for each family of functions; `faults` are the deliberately wrong
//! implementations that must be caught.

#![allow(
    clippy::multiple_unsafe_ops_per_block,
    non_camel_case_types,
    reason = "calls of C functions in a row share one obligation; names are CPython's"
)]

pub mod api;
pub mod exemptions;
pub mod exporter;
pub mod families;
pub mod faults;
pub mod formats;
pub mod grammar;
pub mod host;
pub mod layout;
pub mod memory;
pub mod model;
pub mod outcome;
pub mod prng;
pub mod scene;
pub mod session;
pub mod settings;

use std::ffi::c_int;
use std::panic;

use api::Api;
use host::{Host, PyObject};
use session::Session;
use settings::{Settings, Subject};

/// Compares, and prints what was compared: 0, or 1 if anything differed. Called by `child.py`, with
/// the dictionary of its objects.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_differential(objects: *mut PyObject) -> c_int {
    let agreed = panic::catch_unwind(|| {
        let settings = Settings::from_environment();
        Host::start(objects);
        session::report_crashes();
        let theirs = Api::libpython();
        match &settings.subject {
            Subject::Library(so) => compare(&settings, theirs, Api::library(so, "")),
            Subject::Twins(so) => compare(&settings, theirs, Api::library(so, "pybuffer_")),
            Subject::Model => compare(&settings, theirs, model::api(&theirs)),
            Subject::Faults => faults::are_all_caught(&settings, theirs),
        }
    });
    c_int::from(!agreed.unwrap_or(false))
}

fn compare(settings: &Settings, theirs: Api, ours: Api) -> bool {
    let mut session = Session::new(settings, theirs, ours);
    for family in families::ALL {
        session.run(family);
    }
    session.print();
    session.agreed()
}
