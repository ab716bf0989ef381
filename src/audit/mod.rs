//! The live audit: judges every answer of an exporter, and matches every release to its acquisition.
//!
//! It is off unless `PYBUFFER_AUDIT` is set (`warn`, `raise`, `abort`) when the process first uses an object. If it
//! is on, `runtime` keeps the fast paths closed, and the calls go through `runtime::watch`, which tells a ledger of
//! every view that is requested, filled by hand, or released. One copy of the library in a process keeps the ledger
//! for all.
//!
//! Nothing here calls an exporter. While a lock is held, only malloc and free are called (and `process_vm_readv` at
//! the exit). Names are copied when they are met, because objects and libraries may be gone at the exit.
//!
//! Each file uses those below it:
//!
//! * `ledger`: what the copies of the library call, and the note by which they find it.
//! * `answers`, `releases`: judge answers; match releases.
//! * `process`: begins the audit; exits and children.
//! * `state`: the state of one process's audit, and its last lines.
//! * `log`, `lines`: where lines go; how they read.
//! * `interposition`: whether the interpreter's own calls reach the library.
//! * `records`, `record`: outstanding views.
//! * `origins`: interned call sites, exporter types and requests.
//! * `tally`: what was reported already.
//! * `fork`, `memory`: the process's generation; malloc, pages, a lock, `errno`.

mod answers;
mod call_sites;
mod facts;
mod filter;
mod fork;
mod holders;
mod interposition;
mod json;
mod ledger;
mod lines;
mod log;
mod memory;
mod names;
mod origins;
mod places;
mod plain;
mod process;
mod record;
mod records;
mod releases;
mod state;
mod table;
mod tally;
mod unwind;
