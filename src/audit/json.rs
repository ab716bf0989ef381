//! Facts as JSON, one object a line, for programs.

use core::ffi::{CStr, c_char};

use super::call_sites::CallSite;
use super::facts::{Fact, why};
use super::filter::Kind;
use super::origins::{ExporterType, Origin};
use super::places::Place;
use super::tally::HELD;
use crate::check::request::Request;
use crate::check::text::Writer;
use crate::check::{Finding, Rule, Severity};

/// The most bytes of a text that are shown. So no line is longer than [`super::lines::Line`] can be.
const MOST: usize = 512;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// An object that is being written.
struct Object<'a, 'b> {
    out: &'a mut Writer<'b>,
    separator: &'static str,
}

impl<'a, 'b> Object<'a, 'b> {
    /// Writes an object.
    #[inline(never)]
    fn write(out: &'a mut Writer<'b>, members: &mut dyn FnMut(&mut Object<'_, 'b>)) {
        let mut object = Object { out, separator: "{" };
        members(&mut object);
        object.out.put("}");
    }

    #[inline(never)]
    fn name(&mut self, name: &str) -> &mut Writer<'b> {
        self.out.put(self.separator).put("\"").put(name).put("\":");
        self.separator = ",";
        self.out
    }

    #[inline(never)]
    fn number(&mut self, name: &str, number: usize) {
        self.name(name).number(number.cast_signed());
    }

    /// A text of any bytes: what is not UTF-8 becomes U+FFFD.
    #[inline(never)]
    fn text(&mut self, name: &str, text: &[u8]) {
        let text = text.get(..MOST).unwrap_or(text);
        let out = self.name(name).put("\"");
        for chunk in text.utf8_chunks() {
            for byte in chunk.valid().as_bytes() {
                match byte {
                    b'"' => out.put("\\\""),
                    b'\\' => out.put("\\\\"),
                    ..b' ' => {
                        out.put(if *byte < 16 { "\\u000" } else { "\\u001" });
                        out.bytes(DIGITS.chunks(1).nth(usize::from(byte & 15)).unwrap_or_default())
                    }
                    _ => out.bytes(&[*byte]),
                };
            }
            if !chunk.invalid().is_empty() {
                out.put("\u{fffd}");
            }
        }
        out.put("\"");
    }

    /// The text that `show` writes.
    #[inline(never)]
    fn shown(&mut self, name: &str, show: &dyn Fn(&mut Writer)) {
        let mut text = [0; 256];
        show(&mut Writer::new(&mut text));
        self.array(name, &text);
    }

    /// The text in an array, up to its NUL.
    #[inline(never)]
    fn array(&mut self, name: &str, text: &[c_char]) {
        // SAFETY: all callers' arrays end with a NUL.
        self.text(name, unsafe { CStr::from_ptr(text.as_ptr()) }.to_bytes());
    }

    #[inline(never)]
    fn exporter(&mut self, exporter: Option<&ExporterType>) {
        if let Some(exporter) = exporter {
            self.array("type", &exporter.name);
        }
    }

    #[inline(never)]
    fn request(&mut self, flags: i32) {
        self.name("flags").number(flags as isize);
        self.shown("request", &|out| Request(flags).spell(out));
    }

    #[inline(never)]
    fn call_site(&mut self, name: &str, site: Option<&CallSite>) {
        let Some(site) = site else { return };
        Object::write(self.name(name), &mut |object| {
            for (name, text) in [("file", &site.file), ("function", &site.function)] {
                if text.first().is_some_and(|first| *first != 0) {
                    object.array(name, text);
                }
            }
            object.number("offset", site.offset);
        });
    }

    /// Who called, and the Python frames.
    #[inline(never)]
    fn place(&mut self, place: Option<&Place>) {
        let Some(place) = place else { return };
        self.call_site("caller", place.caller());
        self.call_site("through", place.on_behalf_of.and(place.call_site));
        let mut separator = "[";
        let out = self.name("frames");
        for frame in place.frames() {
            Object::write(out.put(separator), &mut |object| {
                for (name, text) in [("file", frame.file), ("function", frame.function)] {
                    // SAFETY: a C string that is never freed.
                    object.text(name, unsafe { CStr::from_ptr(text) }.to_bytes());
                }
                object.number("line", frame.line.cast_unsigned());
            });
            separator = ",";
        }
        out.put(if separator == "[" { "[]" } else { "]" });
    }

    #[inline(never)]
    fn origin(&mut self, origin: &Origin) {
        self.request(origin.flags);
        self.place(origin.place);
    }

    #[inline(never)]
    fn rule(&mut self, rule: Rule) {
        self.number("rule", rule as usize);
        self.text("name", rule.name().to_bytes());
    }

    #[inline(never)]
    fn finding(&mut self, finding: &Finding) {
        let is_must = finding.rule.severity() == Severity::Must;
        self.text("severity", if is_must { b"MUST" } else { b"advice" });
        self.rule(finding.rule);
        self.text("field", finding.field.to_bytes());
        if finding.axis >= 0 {
            self.name("axis").number(finding.axis as isize);
        }
        self.shown("found", &|out| finding.found.show(out));
        self.shown("expected", &|out| finding.expected.show(out));
    }
}

impl Fact<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Rule { .. } => "rule",
            Self::Release { .. } => "release",
            Self::Held { .. } => "held",
            Self::Again { .. } | Self::More { .. } => "again",
            Self::Unused(_) => "unused",
            Self::NoLog { .. } => "log",
            Self::End { .. } => "end",
        }
    }

    /// Writes the fact as an object.
    pub fn write_json(&self, pid: i32, out: &mut Writer) {
        Object::write(out, &mut |object| {
            object.text("audit", b"libpybuffer");
            object.name("pid").number(pid as isize);
            object.text("kind", self.kind().as_bytes());
            self.members(object);
        });
    }

    fn members(&self, object: &mut Object) {
        match self {
            Self::Rule { origin, finding } => {
                object.finding(finding);
                object.exporter(origin.map(|origin| origin.exporter));
                object.request(finding.flags);
                object.place(origin.and_then(|origin| origin.place));
            }
            Self::Release { mistake, exporter, origin, by } => {
                object.text("name", mistake.name().as_bytes());
                object.exporter(*exporter);
                if let Some(origin) = origin {
                    object.origin(origin);
                }
                Object::write(object.name("released"), &mut |object| object.place(*by));
            }
            Self::Held { origin, n, n_lost } => {
                object.exporter(Some(origin.exporter));
                object.number("views", n.cast_unsigned());
                object.number("lost", n_lost.cast_unsigned());
                object.origin(origin);
            }
            Self::Again { exporter, n } => {
                object.number("count", *n);
                object.exporter(Some(exporter));
            }
            Self::More { bit, n } => {
                object.number("count", *n);
                match Rule::by_number(*bit) {
                    Some(rule) => object.rule(rule),
                    None if *bit == usize::from(HELD) => object.text("name", b"held"),
                    None => object.text("name", b"release"),
                }
            }
            Self::Unused(entry) => {
                object.text("entry", entry.text);
                object.text("variable", entry.variable.to_bytes());
                if let Kind::NoFile(errno) = entry.kind {
                    object.text("error", why(errno).to_bytes());
                }
            }
            Self::NoLog { path, errno } => {
                object.array("path", path);
                object.text("error", why(*errno).to_bytes());
            }
            Self::End { n: [n_acquired, n_released, n_lines], runtime, sees_the_host } => {
                object.number("acquired", *n_acquired);
                object.number("released", *n_released);
                object.number("lines", *n_lines);
                object.text("version", env!("CARGO_PKG_VERSION").as_bytes());
                object.text("runtime", runtime.to_bytes());
                object.name("hears_interpreter").put(if *sees_the_host { "true" } else { "false" });
            }
        }
    }
}
