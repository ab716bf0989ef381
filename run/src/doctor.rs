//! `--doctor`: describes a program, and tests whether the library answers its calls.
//!
//! The test runs the python with the audit on and makes a known number of calls. The audit's last line has the
//! number of calls that reached the library.

use alloc::format;
use alloc::string::String;

use crate::plan::{Files, Kind, Plan};
use crate::program::Program;
use crate::sys::{self, shown};

/// The code that the python runs: calls made by an extension module, and the python's description of itself.
const PROBE: &str = r#"
import os, sys
try:
    import ctypes
    view = ctypes.create_string_buffer(512)
    for _ in range(1000):
        if ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(b"x"), view, 0) == 0:
            ctypes.pythonapi.PyBuffer_Release(view)
except ImportError:
    import hashlib
    for _ in range(1000):
        hashlib.sha256(b"x")
print(sys.executable)
print(sys.implementation.name, sys.version.split()[0])
with open("/proc/self/maps") as maps:
    names = [line.split(" ")[-1].strip() for line in maps if "/libpython3" in line]
print(names[0] if names else "")
try:
    print(os.confstr("CS_GNU_LIBC_VERSION"))
except (OSError, ValueError):
    print("not glibc")
"#;
/// The number of calls that it makes.
const N_CALLS: u64 = 1000;

/// Which calls of a process reach the library.
#[derive(Debug, Default, PartialEq, Eq)]
struct Proof {
    /// The calls of extension modules.
    extensions: bool,
    /// The interpreter's own calls.
    interpreter: bool,
}

impl Proof {
    /// Reads it from the audit's log.
    fn of(log: &str) -> Self {
        let Some((_, last)) = log.lines().last().unwrap_or("").split_once("] END: ") else {
            return Self::default();
        };
        let n_acquired =
            last.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0_u64);
        let extensions = n_acquired >= N_CALLS;
        Self {
            extensions,
            interpreter: extensions && !last.contains("own calls do not reach libpybuffer"),
        }
    }

    fn text(&self, program: &Program) -> String {
        match (self.extensions, self.interpreter) {
            (true, true) => "yes: calls by extension modules, and the interpreter's own".into(),
            (true, false) => {
                let why = if program.binary.exports_python {
                    "libpython is part of its executable"
                } else {
                    "this libpython calls its own functions directly, as optimised builds do"
                };
                format!("yes: calls by extension modules; not the interpreter's own, because {why}")
            }
            (false, _) => "NO: the calls that were made did not reach libpybuffer".into(),
        }
    }
}

/// Prints the description and returns the exit status. The environment is prepared already.
pub fn examine(program: &Program, plan: &Plan, files: &Files) -> i32 {
    let mut report = String::new();
    let mut line = |label: &str, text: &str| report += &format!("{label:<13}{text}\n");
    let (version, level) = sys::library(&files.library);
    line("libpybuffer", &format!("{}, {}", version, shown(&files.library)));
    line("CPU level", &level);
    line("program", &shown(&program.path));
    if program.path != program.binary_path {
        line("runs", &shown(&program.binary_path));
    }
    // `proof` has asked the loader.
    let loader = program.binary.loader.as_deref().unwrap_or("none");
    line("loader", &format!("{loader}, which loads libpybuffer"));
    let companion = shown(&files.companion);
    line(
        "reached by",
        &match plan.kind {
            Kind::StaticPython => format!("LD_PRELOAD and LD_AUDIT={companion}"),
            _ if plan.companion => {
                format!("LD_PRELOAD (and LD_AUDIT={companion}, for pythons that it starts)")
            }
            _ => String::from("LD_PRELOAD"),
        },
    );
    if plan.kind == Kind::Other && program.stands_for_python.is_none() {
        line(
            "live",
            "not tested, as this is no python; pythons that it starts use libpybuffer too",
        );
        sys::print(&report);
        return 0;
    }

    let (said, log) = match run(program, plan) {
        Ok(output) => output,
        Err(why) => {
            line("live", &format!("NO: {why}"));
            sys::print(&report);
            return 2;
        }
    };
    let mut said = said.lines();
    let mut next = || said.next().unwrap_or("unknown");
    line("interpreter", next());
    line("version", next());
    let libpython = next();
    line("libpython", if libpython.is_empty() { "in the executable" } else { libpython });
    line("C library", next());
    let proof = Proof::of(&log);
    line("live", &proof.text(program));
    if plan.kind == Kind::StaticPython {
        line("not reached", "extensions compiled with -fno-plt");
    }
    sys::print(&report);
    if proof.extensions { 0 } else { 2 }
}

/// Runs the probe. Returns its output, and the audit's log.
fn run(program: &Program, plan: &Plan) -> Result<(String, String), String> {
    // A script that stands for a python is run if another program interprets it, such as a shell. If a python
    // interprets it, that python is run instead.
    let script = program.stands_for_python.as_ref().filter(|_| plan.kind == Kind::Other);
    let path = script.unwrap_or(&program.binary_path);
    let log = sys::temporary_file()
        .map_err(|errno| format!("cannot make a temporary file: {}", errno.text()))?;
    sys::set_variable(c"PYBUFFER_AUDIT", b"warn");
    sys::set_variable(c"PYBUFFER_AUDIT_LOG", &log);
    let arguments: [&[u8]; 4] = [path, b"-I", b"-c", PROBE.as_bytes()];
    let ran = sys::output(path, &arguments, &|| ());
    let text = sys::Bytes::of(&log).map(|bytes| shown(&bytes)).unwrap_or_default();
    sys::remove(&log);
    match ran {
        Ok((0, said)) => Ok((shown(&said), text)),
        Ok((status, _)) => Err(format!("{} -c ... exited with status {status}", shown(path))),
        Err(errno) => Err(format!("{}: {}", shown(path), errno.text())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proof_is_read_from_the_last_line() {
        let log = |n: u32, rest: &str| {
            format!(
                "libpybuffer audit[1] MUST 1 obj: x\n\
                 libpybuffer audit[1] END: {n} views acquired, {n} released, 1 lines; libpybuffer{rest}\n"
            )
        };
        let proof = |extensions, interpreter| Proof { extensions, interpreter };
        assert_eq!(Proof::of(&log(1003, "")), proof(true, true));
        let not_heard =
            "; the interpreter's own calls do not reach libpybuffer, so releases were not judged";
        assert_eq!(Proof::of(&log(1000, not_heard)), proof(true, false));
        assert_eq!(Proof::of(&log(12, "")), proof(false, false));
        assert_eq!(Proof::of(""), proof(false, false));
    }
}
