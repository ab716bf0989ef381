//! Finds the binary that runs for a program's name: on `PATH`, and through `#!` lines and `env`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::elf::{self, Binary};
use crate::env::{self, Dropped};
use crate::sys::{self, Bytes, shown};

/// The longest chain of scripts that interpret one another.
const MAX_SCRIPTS: usize = 8;

/// The advice where nothing can be preloaded.
pub const LINK_IT: &str = "build the extension module with libpybuffer: link the archive \
    (pkg-config --libs pybuffer-static), or define PYBUFFER_REDIRECT before including libpybuffer.h";

/// Why a program is not run, and the command's exit status.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The message for the user.
    pub text: String,
    /// 127 if it was not found and 126 if it is not executable, as in a shell; 2 if the library cannot reach it.
    pub status: i32,
}

impl Refusal {
    /// The program could run, but the library would not answer its calls.
    pub fn out_of_reach(text: String) -> Self {
        Self { text, status: 2 }
    }
}

/// A program, and the binary that runs for it.
pub struct Program {
    /// The path that is executed.
    pub path: Vec<u8>,
    /// The path of the binary that runs: the same, a script's interpreter, or the program that an `env` runs.
    pub binary_path: Vec<u8>,
    /// The properties of that binary.
    pub binary: Binary,
    /// The first script in the chain that is named as a python, as those of version managers are.
    pub stands_for_python: Option<Vec<u8>>,
    /// The dynamic linker's variables that an `env` in the chain removes.
    pub dropped: Dropped,
}

/// Finds a program with these arguments, and the binary that runs for it.
pub fn find(name: &[u8], arguments: &[&[u8]]) -> Result<Program, Refusal> {
    let path = on_path(name)?;
    let mut dropped = Dropped::default();
    let mut stands_for_python = None;
    let words = arguments.iter().map(|word| word.to_vec()).collect();
    let mut at = program_of_env(path.clone(), words, &mut dropped)?;
    for _ in 0..MAX_SCRIPTS {
        let file = Bytes::of(&at).map_err(|errno| unreadable(&at, &errno.text()))?;
        if elf::machine(&file).is_some() {
            let binary = binary_of(&at, &file)?;
            return Ok(Program { path, binary_path: at, binary, stands_for_python, dropped });
        }
        if at.rsplit(|byte| *byte == b'/').next().is_some_and(|name| name.starts_with(b"python")) {
            stands_for_python.get_or_insert_with(|| at.clone());
        }
        at = interpreter(&at, &file, &mut dropped)?;
        let about = sys::about(&at).map_err(|errno| {
            let text = format!("{}, which runs {}: {}", shown(&at), shown(&path), errno.text());
            Refusal { text, status: 126 }
        })?;
        refuse_rights(&at, about.gives_rights)?;
    }
    Err(Refusal {
        text: format!("{}: too many scripts interpret each other", shown(&path)),
        status: 126,
    })
}

/// Reads a binary's properties; refuses one for another machine than the library's.
fn binary_of(path: &[u8], file: &[u8]) -> Result<Binary, Refusal> {
    let own = Bytes::of(b"/proc/self/exe").ok().and_then(|own| elf::machine(&own));
    if own.is_some() && elf::machine(file) != own {
        return Err(Refusal::out_of_reach(format!(
            "{} is for another kind of machine than this libpybuffer (32 and 64 bits are two kinds); build \
             libpybuffer for that kind (make TARGET=...)",
            shown(path)
        )));
    }
    Binary::parse(file).ok_or_else(|| unreadable(path, "a damaged ELF file"))
}

fn unreadable(path: &[u8], why: &str) -> Refusal {
    Refusal::out_of_reach(format!("{} cannot be examined: {why}", shown(path)))
}

fn refuse_rights(path: &[u8], gives_rights: bool) -> Result<(), Refusal> {
    if !gives_rights {
        return Ok(());
    }
    Err(Refusal::out_of_reach(format!(
        "{} runs with more rights than yours (setuid, setgid or capabilities), so the loader ignores \
         LD_PRELOAD. What works: run it as the user whose rights it takes, or {}",
        shown(path),
        LINK_IT
    )))
}

/// The file of a name, looked up as a shell does.
fn on_path(name: &[u8]) -> Result<Vec<u8>, Refusal> {
    if name.is_empty() {
        let text = "the program's name is empty".into();
        return Err(Refusal { text, status: 127 });
    }
    let candidates: Vec<Vec<u8>> = if name.contains(&b'/') {
        [name.to_vec()].into()
    } else {
        let path = sys::variable(c"PATH").unwrap_or_else(|| b"/bin:/usr/bin".to_vec());
        path.split(|byte| *byte == b':').map(|folder| join(folder, name)).collect()
    };
    let mut not_executable = None;
    for candidate in candidates {
        match sys::about(&candidate) {
            Ok(about) if about.is_executable => {
                refuse_rights(&candidate, about.gives_rights)?;
                return Ok(candidate);
            }
            Ok(about) => {
                let why = if about.is_folder { "a folder" } else { "not executable" };
                let text = format!("{} is {why}", shown(&candidate));
                not_executable.get_or_insert(Refusal { text, status: 126 });
            }
            Err(_) => {}
        }
    }
    let place = if name.contains(&b'/') { "" } else { " on PATH" };
    Err(not_executable.unwrap_or_else(|| Refusal {
        text: format!("{} was not found{place}", shown(name)),
        status: 127,
    }))
}

/// An empty folder on `PATH` is the current one.
fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let folder = if folder.is_empty() { b"." } else { folder };
    [folder, b"/", name].concat()
}

/// The interpreter of a script: the one that its first line names, or that an `env` there runs; otherwise the shell.
fn interpreter(script: &[u8], text: &[u8], dropped: &mut Dropped) -> Result<Vec<u8>, Refusal> {
    let Some(line) = text.strip_prefix(b"#!") else {
        return Ok(b"/bin/sh".to_vec());
    };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (named, rest) = line.split_at(end);
    if named.is_empty() {
        let text = format!("{}: its #! line names no interpreter", shown(script));
        return Err(Refusal { text, status: 126 });
    }
    // The kernel passes the rest of the line as one word.
    let rest = rest.trim_ascii();
    let words = if rest.is_empty() { Vec::new() } else { [rest.to_vec()].into() };
    program_of_env(named.to_vec(), words, dropped)
}

/// If a program is `env`, the program that this runs, through any number of them. An `env` whose program is not
/// certain or not found is returned itself, to be examined as any other program.
fn program_of_env(
    mut at: Vec<u8>,
    mut words: Vec<Vec<u8>>,
    dropped: &mut Dropped,
) -> Result<Vec<u8>, Refusal> {
    while is_env(&at) {
        let env = env::read(words);
        dropped.add(env.dropped);
        match env.program.as_deref().map(on_path) {
            Some(Err(refusal)) if refusal.status == 2 => return Err(refusal),
            Some(Ok(path)) => at = path,
            _ => break,
        }
        words = env.arguments;
    }
    Ok(at)
}

fn is_env(path: &[u8]) -> bool {
    path.ends_with(b"/env")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<u8> {
        interpreter(b"script", text.as_bytes(), &mut Dropped::default()).unwrap()
    }

    #[test]
    fn first_line_names_the_interpreter() {
        assert_eq!(of("#! /opt/python -s\nmore"), b"/opt/python");
        assert_eq!(of("#!/opt/python"), b"/opt/python");
        assert_eq!(of("echo"), b"/bin/sh");
        assert_eq!(interpreter(b"s", b"#! \n", &mut Dropped::default()).unwrap_err().status, 126);
    }

    #[test]
    fn env_is_looked_behind() {
        let sh = on_path(b"sh").unwrap();
        assert_eq!(of("#!/usr/bin/env sh\n"), sh);
        assert_eq!(of("#!/usr/bin/env -S A=1 sh -e\n"), sh);
        for alone in ["", "no-such-program", "-S -P /bin sh"] {
            assert_eq!(of(&format!("#!/usr/bin/env {alone}\n")), b"/usr/bin/env");
        }
    }

    #[test]
    fn env_as_the_program_is_looked_behind() {
        let found = find(b"env", &[b"-u", b"FOO", b"sh", b"-c"]).ok().unwrap();
        assert!(found.path.ends_with(b"/env") && found.binary_path.ends_with(b"/sh"));
        let found = find(b"env", &[b"no-such-program"]).ok().unwrap();
        assert!(found.binary_path.ends_with(b"/env"));
    }

    #[test]
    fn missing_and_unfit_files_have_a_shells_status() {
        let status = |name: &[u8]| find(name, &[]).err().map(|refusal| refusal.status);
        assert_eq!(status(b"no-such-program"), Some(127));
        assert_eq!(status(b"./no-such-program"), Some(127));
        assert_eq!(status(b"/"), Some(126));
        assert_eq!(status(b"/proc/self/status"), Some(126));
        assert!(find(b"sh", &[]).is_ok());
    }
}
