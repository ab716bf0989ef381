//! The report of the checks of views and exporters.

use core::ffi::{c_char, c_int};

use super::Py_ssize_t;

/// A rule of the buffer protocol. The texts are never freed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct pybuffer_rule {
    /// The rule's number, the same in every version of the library.
    pub id: c_int,
    /// `PYBUFFER_MUST` or `PYBUFFER_ADVICE`.
    pub severity: c_int,
    /// A short name.
    pub name: *const c_char,
    /// What it asks.
    pub sentence: *const c_char,
    /// Where the documentation says so.
    pub source: *const c_char,
    /// What to do.
    pub fix: *const c_char,
}

/// A rule that a view or an exporter breaks.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct pybuffer_finding {
    /// The rule.
    pub rule: pybuffer_rule,
    /// The first request that showed it.
    pub flags: c_int,
    /// The number of requests that showed it.
    pub n_requests: c_int,
    /// The member of `Py_buffer` that is wrong, or what else is.
    pub field: *const c_char,
    /// The dimension, or the byte of the format; -1 for neither.
    pub axis: c_int,
    /// The last request that showed it.
    pub last_flags: c_int,
    /// What is there, as text.
    pub found: [c_char; 60],
    /// What should be there, as text.
    pub expected: [c_char; 64],
}

/// The number of findings that a report has room for.
pub const PYBUFFER_REPORT_FINDINGS: usize = 32;

/// What a check has found.
#[repr(C)]
pub struct pybuffer_report {
    /// The name of the exporter's type.
    pub exporter: [c_char; 96],
    /// The number of requests that were checked.
    pub n_requests: c_int,
    /// The number of them that were met.
    pub n_granted: c_int,
    /// The number of entries in `findings`.
    pub n_findings: c_int,
    /// The number of them that break a MUST.
    pub n_violations: c_int,
    /// The number of findings for which there was no room.
    pub n_dropped: c_int,
    /// 1 if references could be counted.
    pub has_references: c_int,
    /// 1 if the exporter is an object of a Python class with `__buffer__`. The advice is then worded for its author.
    pub is_python: c_int,
    /// If no request was met: what the first one raised, its class and text.
    pub raised: [c_char; 252],
    /// Reserved; 0.
    pub reserved: [Py_ssize_t; 4],
    /// The findings, in the order in which they were found.
    pub findings: [pybuffer_finding; PYBUFFER_REPORT_FINDINGS],
}
