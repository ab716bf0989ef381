//! `pybuffer-run`: runs a program so that libpybuffer answers its buffer calls.
//!
//! Two files are linked from this crate's archive. The command (`command`) examines the program, sets
//! `LD_PRELOAD` and, for statically linked pythons, `LD_AUDIT`, and executes the program. The companion
//! (`companion`) is the library that `LD_AUDIT` names: it redirects the calls of extension modules to the
//! preloaded library. It shares no code with the command, and uses no libc.
//!
//! The command may allocate and, on an error of its own, panic; the companion may do neither.
#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod command;
pub mod companion;
mod doctor;
mod elf;
mod env;
mod getopt;
mod options;
mod plan;
mod program;
mod proof;
#[cfg(not(any(test, feature = "std")))]
mod start;
mod sys;
