//! The text of the audit's lines, one for each finding.

use core::ffi::{CStr, c_char, c_int};

use super::call_sites::CallSite;
use super::filter::{Entry, Kind};
use super::origins::{ExporterType, Origin};
use super::places::Place;
use super::tally::Mistake;
use crate::check::request::Request;
use crate::check::text::Writer;
use crate::check::{Finding, Rule};
use crate::error::Text;

/// A line.
pub struct Line {
    text: [c_char; Self::SIZE],
    len: usize,
}

impl Line {
    const SIZE: usize = 640;

    /// An empty line.
    pub fn new() -> Self {
        Self { text: [0; Self::SIZE], len: 0 }
    }

    /// Appends what `write` writes; what does not fit is left out.
    fn put(&mut self, write: impl FnOnce(&mut Writer)) {
        let mut out = self.writer();
        write(&mut out);
        let len = out.len;
        self.grow(len);
    }

    #[inline(never)]
    fn writer(&mut self) -> Writer<'_> {
        Writer::new(self.text.get_mut(self.len..).unwrap_or_default())
    }

    #[inline(never)]
    fn grow(&mut self, by: usize) {
        self.len = self.len.saturating_add(by).min(Self::SIZE - 1);
    }

    /// The line as an error's text.
    pub fn text(&self) -> Text {
        // SAFETY: `put` leaves at least the last of the zeros that the line was made of.
        Text::from_c_str(unsafe { CStr::from_ptr(self.text.as_ptr()) })
    }

    /// The line as it is written: with the library's name and the process ID in front, and a newline at the end.
    pub fn framed(&self) -> Self {
        let mut whole = Self::new();
        // SAFETY: takes nothing.
        let pid = unsafe { libc::getpid() };
        whole.put(|out| {
            out.put("libpybuffer audit[").number(pid as isize).put("] ").put_array(&self.text);
        });
        let end = whole.len.min(Self::SIZE - 2);
        if let Some(last) = whole.text.get_mut(end) {
            *last = b'\n' as c_char;
        }
        whole.len = end.saturating_add(1);
        whole
    }

    /// Its characters, without a NUL.
    pub fn characters(&self) -> &[c_char] {
        self.text.get(..self.len).unwrap_or_default()
    }

    /// A broken rule.
    pub fn rule(&mut self, origin: Option<&Origin>, finding: &Finding) {
        self.put(|out| {
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
        });
    }

    /// A wrong release.
    pub fn release(
        &mut self,
        mistake: Mistake,
        exporter: Option<&ExporterType>,
        origin: Option<&Origin>,
        by: Option<&Place>,
    ) {
        self.put(|out| {
            out.put(match mistake {
                Mistake::Moved => "RELEASE of a view that was moved: ",
                Mistake::Twice => "RELEASE of a copy of a view that was released before: ",
                Mistake::NeverAcquired => "RELEASE of a view that was never acquired: ",
            });
            put_exporter(out, exporter);
            if let Some(origin) = origin {
                out.put(" for ");
                Request(origin.flags).spell(out);
                out.put("; requested by ");
                put_place(out, origin.place);
            }
            out.put("; released by ");
            put_place(out, by);
        });
    }

    /// `n` views that are held at the exit, `n_lost` of them lost.
    pub fn held(&mut self, origin: &Origin, n: isize, n_lost: isize) {
        self.put(|out| {
            out.put("HELD at exit: ").number(n).put(if n == 1 {
                " view of "
            } else {
                " views of "
            });
            put_exporter(out, Some(origin.exporter));
            out.put(" for ");
            Request(origin.flags).spell(out);
            if n_lost > 0 {
                out.put(" (").number(n_lost).put(" lost: the Py_buffer was filled again)");
            }
            out.put("; requested by ");
            put_place(out, origin.place);
        });
    }

    /// `n` findings that repeat earlier ones of the same exporter type.
    pub fn again(&mut self, exporter: &ExporterType, n: usize) {
        self.put(|out| {
            out.put("AGAIN: ").number(n.cast_signed()).put(" more findings like those above of ");
            put_exporter(out, Some(exporter));
        });
    }

    /// `n` findings of the kind `bit` beyond the lines that a kind may have.
    pub fn more(&mut self, bit: usize, n: usize) {
        self.put(|out| {
            out.put("AGAIN: ").number(n.cast_signed()).put(" more findings of ");
            match Rule::by_number(bit) {
                Some(rule) => out.put("rule ").number(bit as isize).put(" ").put_c(rule.name()),
                None => out.put(if bit == 0 { "views HELD at exit" } else { "a RELEASE" }),
            };
            out.put(", beyond the first hundred");
        });
    }

    /// An entry of a list that was of no use.
    pub fn unused(&mut self, entry: &Entry) {
        self.put(|out| {
            out.put("UNUSED: '").printable(entry.text).put("' of ").put_c(entry.variable);
            match entry.kind {
                Kind::Ignore(_) => out.put(": no such finding was met"),
                Kind::Only => out.put(": no such type or library was met"),
                Kind::NoRule => out.put(": there is no such rule (docs/rules.md lists them)"),
                Kind::NoFile(errno) => out.put(": the file cannot be read: ").put_c(why(errno)),
            };
        });
    }

    /// The log at `path` cannot be written.
    pub fn no_log(&mut self, path: &[c_char], errno: c_int) {
        self.put(|out| {
            out.put("LOG: cannot be written (").put_c(why(errno));
            out.put("), lines go to standard error: ").put_array(path);
        });
    }

    /// The process's last line: how many views were acquired and released, and how many lines were written.
    pub fn end(&mut self, n: [usize; 3], runtime: &CStr, sees_the_host: bool) {
        let [n_acquired, n_released, n_lines] = n;
        self.put(|out| {
            out.put("END: ").number(n_acquired.cast_signed()).put(" views acquired, ");
            out.number(n_released.cast_signed()).put(" released, ");
            out.number(n_lines.cast_signed()).put(" lines; libpybuffer ");
            out.put(env!("CARGO_PKG_VERSION")).put(", ").put_c(runtime);
            if !sees_the_host {
                out.put("; the interpreter's own calls do not reach libpybuffer, so releases were not judged");
            }
        });
    }
}

/// The text of an error of the system's, valid until the next call.
fn why(errno: c_int) -> &'static CStr {
    // SAFETY: any number has a text.
    let why = unsafe { libc::strerror(errno) };
    // SAFETY: a C string.
    unsafe { CStr::from_ptr(why) }
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
