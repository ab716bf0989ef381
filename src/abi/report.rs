//! What the checks of views and exporters report: structs of the library's own.

use core::ffi::{c_char, c_int};

use super::Py_ssize_t;

/// A rule of the buffer protocol. The texts live for ever.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct pybuffer_rule {
    /// The rule's number, the same in every version of the library.
    pub id: c_int,
    /// `PYBUFFER_MUST` or `PYBUFFER_ADVICE`.
    pub severity: c_int,
    /// A word for it.
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
    /// The request, the first of those in which it was seen.
    pub flags: c_int,
    /// In how many requests it was seen.
    pub n_requests: c_int,
    /// The member of `Py_buffer` that is wrong, or what else is.
    pub field: *const c_char,
    /// The dimension, or the byte of the format; -1 for neither.
    pub axis: c_int,
    /// The last of those requests.
    pub last_flags: c_int,
    /// What is there, as text.
    pub found: [c_char; 60],
    /// What should be.
    pub expected: [c_char; 64],
}

/// How many findings a report has room for.
pub const PYBUFFER_REPORT_FINDINGS: usize = 32;

/// What a check has found.
#[repr(C)]
pub struct pybuffer_report {
    /// The name of the exporter's type.
    pub exporter: [c_char; 96],
    /// How many requests were judged.
    pub n_requests: c_int,
    /// How many of them were met.
    pub n_granted: c_int,
    /// Findings that follow.
    pub n_findings: c_int,
    /// Those among them that break a MUST.
    pub n_violations: c_int,
    /// Findings for which there was no room.
    pub n_dropped: c_int,
    /// 1 if references could be counted.
    pub has_references: c_int,
    /// 1 if the exporter is an object of a Python class with `__buffer__`: advice is for its author then.
    pub is_python: c_int,
    /// If no request was met: what the first one raised, its class and text.
    pub raised: [c_char; 252],
    /// For later; 0.
    pub reserved: [Py_ssize_t; 4],
    /// The findings, in the order in which they were made.
    pub findings: [pybuffer_finding; PYBUFFER_REPORT_FINDINGS],
}
