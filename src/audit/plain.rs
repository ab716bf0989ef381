//! Facts as text for people.

use core::ffi::{CStr, c_char};

use super::call_sites::CallSite;
use super::facts::{Fact, why};
use super::filter::Kind;
use super::origins::{ExporterType, Origin};
use super::places::Place;
use super::tally::{HELD, Mistake};
use crate::check::Rule;
use crate::check::request::Request;
use crate::check::text::Writer;

impl Fact<'_> {
    /// Writes the fact as a sentence.
    pub fn spell(&self, out: &mut Writer) {
        match self {
            Self::Rule { origin, finding } => {
                finding.rule.put_name(out);
                put_exporter(out, origin.map(|origin| origin.exporter));
                out.put(" for ");
                Request(finding.flags).spell(out);
                out.put(": ").put_c(finding.field);
                if finding.axis >= 0 {
                    out.put("[").number(finding.axis as isize).put("]");
                }
                out.put(": found ");
                finding.found.show(out);
                out.put(", expected ");
                finding.expected.show(out);
                out.put("; requested by ");
                put_place(out, origin.and_then(|origin| origin.place));
            }
            Self::Release { mistake, exporter, origin, by } => {
                out.put("RELEASE of ").put(match mistake {
                    Mistake::Moved => "a view that was moved: ",
                    Mistake::Twice => "a copy of a view that was released before: ",
                    Mistake::NeverAcquired => "a view that was never acquired: ",
                });
                put_exporter(out, *exporter);
                if let Some(origin) = origin {
                    out.put(" for ");
                    put_request(out, origin);
                }
                out.put("; released by ");
                put_place(out, *by);
            }
            Self::Held { origin, n, n_lost } => {
                out.put("HELD at exit: ").number(*n);
                out.put(if *n == 1 { " view of " } else { " views of " });
                put_exporter(out, Some(origin.exporter));
                out.put(" for ");
                if *n_lost > 0 {
                    Request(origin.flags).spell(out);
                    out.put(" (").number(*n_lost).put(" lost: the Py_buffer was filled again)");
                    out.put("; requested by ");
                    put_place(out, origin.place);
                } else {
                    put_request(out, origin);
                }
            }
            Self::Again { exporter, n } => {
                out.put("AGAIN: ").number(n.cast_signed());
                out.put(" more findings like those above of ");
                put_exporter(out, Some(exporter));
            }
            Self::More { bit, n } => {
                out.put("AGAIN: ").number(n.cast_signed()).put(" more findings of ");
                match Rule::by_number(*bit) {
                    Some(rule) => {
                        out.put("rule ").number(*bit as isize).put(" ").put_c(rule.name())
                    }
                    None if *bit == usize::from(HELD) => out.put("views HELD at exit"),
                    None => out.put("a RELEASE"),
                };
                out.put(", beyond the first hundred");
            }
            Self::Unused(entry) => {
                out.put("UNUSED: '").printable(entry.text).put("' of ").put_c(entry.variable);
                match entry.kind {
                    Kind::Ignore(_) => out.put(": no such finding was met"),
                    Kind::Only => out.put(": no such type or library was met"),
                    Kind::NoRule => out.put(": there is no such rule (docs/rules.md lists them)"),
                    Kind::NoFile(errno) => out.put(": the file cannot be read: ").put_c(why(errno)),
                };
            }
            Self::NoLog { path, errno } => {
                out.put("LOG: cannot be written (").put_c(why(*errno));
                out.put("), lines go to standard error: ").put_array(path);
            }
            Self::End { n: [n_acquired, n_released, n_lines], runtime, sees_the_host } => {
                out.put("END: ").number(n_acquired.cast_signed()).put(" views acquired, ");
                out.number(n_released.cast_signed()).put(" released, ");
                out.number(n_lines.cast_signed()).put(" lines; libpybuffer ");
                out.put(env!("CARGO_PKG_VERSION")).put(", ").put_c(runtime);
                if !sees_the_host {
                    out.put("; the interpreter's own calls do not reach libpybuffer, so releases were not judged");
                }
            }
        }
    }
}

/// `PyBUF_SIMPLE; requested by _ext.so (function at +0x12ab), app.py:12 in main`
fn put_request(out: &mut Writer, origin: &Origin) {
    Request(origin.flags).spell(out);
    out.put("; requested by ");
    put_place(out, origin.place);
}

fn put_exporter(out: &mut Writer, exporter: Option<&ExporterType>) {
    match exporter {
        Some(exporter) => out.put("'").put_array(&exporter.name).put("'"),
        None => out.put("an exporter"),
    };
}

/// `_ext.so (function at +0x12ab) through libpython3.13.so.1.0 (+0x34cd), app.py:12 in main`
fn put_place(out: &mut Writer, place: Option<&Place>) {
    if let Some(site) = place.and_then(|place| place.on_behalf_of) {
        put_call_site(out, Some(site));
        out.put(" through ");
    }
    put_call_site(out, place.and_then(|place| place.call_site));
    let mut separator = ", ";
    for frame in place.map(Place::frames).unwrap_or_default() {
        // SAFETY: C strings that are never freed.
        let [file, function] =
            [frame.file, frame.function].map(|text| unsafe { CStr::from_ptr(text) });
        out.put(separator).line(file).put(":").number(frame.line).put(" in ").line(function);
        separator = ", called by ";
    }
}

/// `_ext.so (function at +0x12ab)`: the offset is that of the return address from the beginning of the file, for
/// `addr2line -e FILE`.
fn put_call_site(out: &mut Writer, site: Option<&CallSite>) {
    let Some(site) = site else {
        out.put("libpybuffer itself");
        return;
    };
    let is_named = |name: &[c_char]| name.first().is_some_and(|byte| *byte != 0);
    if !is_named(&site.file) {
        out.put("unknown code at ").hex(site.offset);
        return;
    }
    out.put_array(&site.file).put(" (");
    if is_named(&site.function) {
        out.put_array(&site.function).put(" at ");
    }
    out.put("+").hex(site.offset).put(")");
}
