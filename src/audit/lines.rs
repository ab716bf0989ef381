//! What the audit writes: one line for each finding, each by one `write`.

use core::ffi::{CStr, c_char, c_int};

use super::people::{Asked, Exporter, Mistake, Place};
use super::process::State;
use crate::check::request::Request;
use crate::check::text::Room;
use crate::check::{Finding, Rule, Severity};
use crate::error::Text;

/// A line's room.
pub struct Line {
    room: [c_char; Self::ROOM],
    len: usize,
}

impl Line {
    const ROOM: usize = 640;

    /// An empty line.
    pub fn new() -> Self {
        Self { room: [0; Self::ROOM], len: 0 }
    }

    /// Appends to it; what does not fit is left out.
    pub fn put(&mut self, write: impl FnOnce(&mut Room)) {
        let mut room = Room::new(self.room.get_mut(self.len..).unwrap_or_default());
        write(&mut room);
        self.len = self.len.saturating_add(room.len).min(Self::ROOM - 1);
    }

    /// The text so far.
    pub fn text(&self) -> Text {
        // SAFETY: the room was zero, and each text in it ends in its NUL.
        Text::from_c_str(unsafe { CStr::from_ptr(self.room.as_ptr()) })
    }

    /// A rule that is broken.
    pub fn rule(&mut self, asked: Option<&Asked>, finding: &Finding) {
        self.put(|out| {
            let is_must = finding.rule.severity() == Severity::Must;
            out.put(if is_must { "MUST " } else { "advice " });
            out.number(finding.rule as isize).put(" ").put_c(finding.rule.name()).put(": ");
            exporter(out, asked.map(|asked| asked.exporter));
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
            out.put("; asked by ");
            place(out, asked.and_then(|asked| asked.place));
        });
    }

    /// A release that is a mistake.
    pub fn release(
        &mut self,
        mistake: Mistake,
        of: Option<&Exporter>,
        asked: Option<&Asked>,
        by: Option<&Place>,
    ) {
        self.put(|out| {
            out.put(match mistake {
                Mistake::Moved => "RELEASE of a view that was moved: ",
                Mistake::Twice => "RELEASE of a copy of a view that was released before: ",
                Mistake::NeverAcquired => "RELEASE of a view that was never acquired: ",
            });
            exporter(out, of);
            if let Some(asked) = asked {
                out.put(" for ");
                Request(asked.flags).spell(out);
                out.put("; asked by ");
                place(out, asked.place);
            }
            out.put("; released by ");
            place(out, by);
        });
    }

    /// Views that are out at the exit.
    pub fn held(&mut self, asked: &Asked, n: isize, n_lost: isize) {
        self.put(|out| {
            out.put("HELD at exit: ").number(n).put(if n == 1 {
                " view of "
            } else {
                " views of "
            });
            exporter(out, Some(asked.exporter));
            out.put(" for ");
            Request(asked.flags).spell(out);
            if n_lost > 0 {
                out.put(" (").number(n_lost).put(" lost: the Py_buffer was filled again)");
            }
            out.put("; asked by ");
            place(out, asked.place);
        });
    }

    /// Findings that were not told each time.
    pub fn again(&mut self, of: &Exporter, n: usize) {
        self.put(|out| {
            out.put("AGAIN: ").number(n.cast_signed()).put(" more findings like those above of ");
            exporter(out, Some(of));
        });
    }

    /// Findings of a kind that there were enough lines of.
    pub fn more(&mut self, bit: usize, n: usize) {
        self.put(|out| {
            out.put("AGAIN: ").number(n.cast_signed()).put(" more findings of ");
            match Rule::ALL.iter().find(|rule| **rule as usize == bit) {
                Some(rule) => out.put("rule ").number(bit as isize).put(" ").put_c(rule.name()),
                None => out.put(if bit == 0 { "views HELD at exit" } else { "a RELEASE" }),
            };
            out.put(", of others than the first hundred");
        });
    }

    /// Why lines do not go where they should.
    pub fn no_log(&mut self, path: &[c_char], errno: c_int) {
        self.put(|out| {
            // SAFETY: any number has a text.
            let why = unsafe { libc::strerror(errno) };
            // SAFETY: a C string, until the next call.
            out.put("LOG: cannot be written (").put_c(unsafe { CStr::from_ptr(why) });
            out.put("), lines go to standard error: ").put_array(path);
        });
    }

    /// What was watched.
    pub fn end(&mut self, n: [usize; 3], runtime: &CStr, hears_the_host: bool) {
        let [n_asked, n_released, n_lines] = n;
        self.put(|out| {
            out.put("END: ").number(n_asked.cast_signed()).put(" views asked for, ");
            out.number(n_released.cast_signed()).put(" released, ");
            out.number(n_lines.cast_signed()).put(" lines; libpybuffer ");
            out.put(env!("CARGO_PKG_VERSION")).put(", ").put_c(runtime);
            if !hears_the_host {
                out.put("; the interpreter's own calls do not come here: releases were not judged");
            }
        });
    }
}

fn exporter(out: &mut Room, exporter: Option<&Exporter>) {
    match exporter {
        Some(exporter) => out.put("'").put_array(&exporter.name).put("'"),
        None => out.put("an exporter"),
    };
}

/// `_ext.so (function+0x12ab)`: what stands behind the plus is from the beginning of the file, for
/// `addr2line -e FILE`.
fn place(out: &mut Room, place: Option<&Place>) {
    let Some(place) = place else {
        out.put("libpybuffer itself");
        return;
    };
    let is_named = |name: &[c_char]| name.first().is_some_and(|byte| *byte != 0);
    if !is_named(&place.file) {
        out.put("unknown code at ").hex(place.offset);
        return;
    }
    out.put_array(&place.file).put(" (");
    if is_named(&place.function) {
        out.put_array(&place.function).put(" at ");
    }
    out.put("+").hex(place.offset).put(")");
}

impl State {
    /// Writes a line, with the process's number before it.
    #[cold]
    pub fn tell(&self, line: &mut Line) {
        self.count_line();
        self.write_line(line);
    }

    /// Writes a line that is no finding.
    pub fn write_line(&self, line: &Line) {
        let mut whole = Line::new();
        // SAFETY: takes nothing.
        let pid = unsafe { libc::getpid() };
        whole.put(|out| {
            out.put("libpybuffer audit[").number(pid as isize).put("] ").put_array(&line.room);
        });
        let end = whole.len.min(Line::ROOM - 2);
        if let Some(last) = whole.room.get_mut(end) {
            *last = b'\n' as c_char;
        }
        self.write(whole.room.get(..end.saturating_add(1)).unwrap_or_default());
    }
}
