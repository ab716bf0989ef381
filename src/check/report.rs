//! A report: findings in a C struct of the caller's, and as text.
//!
//! Findings of the same rule, field and dimension are one finding with a count: otherwise an exporter that ignores
//! the flags would have dozens.

use core::ffi::{CStr, c_char, c_int};

use super::finding::Finding;
use super::request::Request;
use super::rules::{Rule, Severity};
use super::text::{Writer, end_with_a_character};
use super::view;
use crate::abi::{Py_buffer, PyObject, pybuffer_finding, pybuffer_report, pybuffer_rule};
use crate::runtime;

/// A report without findings: all zeros.
///
/// # Safety
/// * REPORT: `report` is writable, and nobody else uses it during `'a`.
pub unsafe fn clear<'a>(report: *mut pybuffer_report) -> &'a mut pybuffer_report {
    // SAFETY: writable (caller: REPORT).
    unsafe { report.write_bytes(0, 1) };
    // SAFETY: nobody else uses it (caller: REPORT); zeros are numbers, null pointers and empty texts.
    unsafe { &mut *report }
}

/// Judges one view as the answer to `flags`, for a report that has no findings yet.
///
/// # Safety
/// * VIEW: ARRAYS, FORMAT and STABLE of [`view::check`] hold of `view`.
/// * OBJECT: `view.obj` is null or an object.
pub unsafe fn one_view(view: &Py_buffer, flags: c_int, report: &mut pybuffer_report) {
    // SAFETY: null or an object (caller: OBJECT).
    unsafe { report.name_exporter(view.obj) };
    report.n_requests = 1;
    report.n_granted = 1;
    // SAFETY: the same view (caller: VIEW).
    unsafe { view::check(view, flags, &mut |finding| report.add(finding)) };
}

/// A rule as a C struct.
#[inline(never)]
pub fn describe(rule: Rule) -> pybuffer_rule {
    pybuffer_rule {
        id: rule as c_int,
        severity: rule.severity() as c_int,
        name: rule.name().as_ptr(),
        sentence: rule.sentence().as_ptr(),
        source: rule.source().as_ptr(),
        fix: rule.fix().as_ptr(),
    }
}

impl pybuffer_report {
    /// Sets the exporter's name: that of its type.
    ///
    /// # Safety
    /// * OBJECT: `obj` is null or an object.
    pub unsafe fn name_exporter(&mut self, obj: *mut PyObject) {
        let mut out = Writer::new(&mut self.exporter);
        if obj.is_null() {
            out.put("a view without an exporter");
            return;
        }
        // SAFETY: an object (caller: OBJECT).
        let name = unsafe { runtime::for_objects().type_name_of(obj) };
        // SAFETY: a type's name is a C string, and `obj` keeps its type.
        out.line(unsafe { CStr::from_ptr(name) });
        end_with_a_character(&mut self.exporter);
    }

    /// Adds a finding, or counts it if there is one of the same rule, field and dimension.
    pub fn add(&mut self, finding: &Finding) {
        let id = finding.rule as c_int;
        let n_known = usize::try_from(self.n_findings).unwrap_or(0);
        let known = self.findings.iter_mut().take(n_known).find(|known| {
            known.rule.id == id && known.axis == finding.axis && known.field() == finding.field
        });
        if let Some(known) = known {
            // A request is judged several times, but always before the next one.
            if known.last_flags != finding.flags {
                known.last_flags = finding.flags;
                known.n_requests = known.n_requests.saturating_add(1);
            }
            return;
        }
        let rule = self.describe(finding.rule);
        let Some(new) = self.findings.get_mut(n_known) else {
            self.n_dropped = self.n_dropped.saturating_add(1);
            return;
        };
        new.rule = rule;
        new.flags = finding.flags;
        new.last_flags = finding.flags;
        new.n_requests = 1;
        new.field = finding.field.as_ptr();
        new.axis = finding.axis;
        finding.found.show(&mut Writer::new(&mut new.found));
        finding.expected.show(&mut Writer::new(&mut new.expected));
        end_with_a_character(&mut new.found);
        self.n_findings = self.n_findings.saturating_add(1);
        if finding.rule.severity() == Severity::Must {
            self.n_violations = self.n_violations.saturating_add(1);
        }
    }

    /// Makes each finding one of the rule `threads`, except for those of rules that `alone` has findings of, too: they
    /// are dropped.
    pub fn blame_threads(&mut self, alone: Option<&Self>) {
        let n_alone = alone.map_or(0, |alone| alone.n_findings);
        let known = alone.map_or(&[][..], |alone| &alone.findings);
        let known = known.get(..usize::try_from(n_alone).unwrap_or(0)).unwrap_or(known);
        let mut n_kept = 0_usize;
        for i in 0..usize::try_from(self.n_findings).unwrap_or(0) {
            let Some(mut finding) = self.findings.get(i).copied() else { break };
            if known.iter().any(|known| known.rule.id == finding.rule.id) {
                continue;
            }
            finding.rule = self.describe(Rule::Threads);
            if let Some(place) = self.findings.get_mut(n_kept) {
                *place = finding;
                n_kept = n_kept.wrapping_add(1);
            }
        }
        self.n_findings = n_kept as c_int;
        self.n_violations = self.n_findings;
    }

    /// A rule as a C struct, with the advice for the exporter's author.
    fn describe(&self, rule: Rule) -> pybuffer_rule {
        let mut described = describe(rule);
        if self.is_python != 0 {
            described.fix = rule.fix_in_python().as_ptr();
        }
        described
    }

    /// The findings of one severity.
    fn of(&self, severity: Severity) -> impl Iterator<Item = &pybuffer_finding> {
        let n = usize::try_from(self.n_findings).unwrap_or(0);
        let is_it = move |finding: &&pybuffer_finding| finding.rule.severity == severity as c_int;
        self.findings.iter().take(n).filter(is_it)
    }

    /// Writes the report: a summary line, then three lines for each finding, violations first. If no request was
    /// granted, what was raised comes before the summary.
    pub fn write(&self, out: &mut Writer) {
        if self.n_granted == 0 && self.n_requests > 1 {
            out.put_array(&self.exporter).put(": no request is met: ");
            match self.raised {
                [0, ..] => out.put("nothing is raised"),
                _ => out.put_array(&self.raised),
            };
            out.put("\n");
        }
        let n_advice = self.n_findings.saturating_sub(self.n_violations);
        out.put_array(&self.exporter).put(": ").number(self.n_granted as isize);
        out.put(" of ").number(self.n_requests as isize).put(" requests met; rules broken: ");
        out.number(self.n_violations as isize).put(" MUST, ").number(n_advice as isize);
        out.put(" advice");
        if self.n_dropped > 0 {
            out.put("; no room for ").number(self.n_dropped as isize).put(" more");
        }
        if self.has_references == 0 && self.n_requests > 1 {
            out.put("; references could not be counted");
        }
        out.put("\n");
        for severity in [Severity::Must, Severity::Advice] {
            self.of(severity).for_each(|finding| finding.write(out));
        }
    }
}

impl pybuffer_finding {
    fn field(&self) -> &CStr {
        // SAFETY: null, or the name that `add` put there: callers may read a report, not change it.
        unsafe { c_string(self.field) }
    }

    #[inline(never)]
    fn write(&self, out: &mut Writer) {
        let Some(rule) = usize::try_from(self.rule.id).ok().and_then(Rule::by_number) else {
            return;
        };
        rule.put_name(out);
        Request(self.flags).spell(out);
        out.put(": ").put_c(self.field());
        if self.axis >= 0 {
            out.put("[").number(self.axis as isize).put("]");
        }
        out.put(": found ").put_array(&self.found).put(", expected ").put_array(&self.expected);
        if self.n_requests > 1 {
            let n_others = self.n_requests.saturating_sub(1);
            out.put(" (and in ").number(n_others as isize);
            out.put(if n_others == 1 { " other request)" } else { " other requests)" });
        }
        out.put("\n  Rule: ").put_c(rule.sentence()).put(" [").put_c(rule.source());
        // SAFETY: null, or the text that `add` put there: callers may read a report, not change it.
        out.put("]\n  Fix: ").put_c(unsafe { c_string(self.rule.fix) }).put("\n");
    }
}

/// A C string; an empty one for null.
///
/// # Safety
/// * TEXT: `text` is null or a C string, which does not change during `'a`.
unsafe fn c_string<'a>(text: *const c_char) -> &'a CStr {
    // SAFETY: a C string, as it is not null (caller: TEXT).
    if text.is_null() { c"" } else { unsafe { CStr::from_ptr(text) } }
}
