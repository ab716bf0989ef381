//! Proves that the preload works before the program runs: the program's own loader lists what it would load.
//!
//! `LOADER --list PROGRAM` maps the program and the libraries that it needs in the current environment, prints
//! the list and exits; none of the program's code runs. Thus the loader itself shows whether it loads the library,
//! before which other libraries, and whether it loads the companion. It does not see what only the kernel decides
//! (setuid, setgid, capabilities); `program` checks these.

use alloc::format;
use alloc::string::{String, ToString};

use crate::elf;
use crate::plan::{self, Files, Plan};
use crate::program::{LINK_IT, Program, Refusal};
use crate::sys::{self, Bytes, shown};

/// Runs the program's loader, and refuses the program if the preload would not work. The environment is prepared
/// already.
pub fn prove(program: &Program, plan: &Plan, files: &Files) -> Result<(), Refusal> {
    let path = shown(&program.binary_path);
    let loader = program.binary.loader.as_deref().unwrap_or_default();
    // `$ORIGIN` must be the folder of the file itself, not that of a link to it.
    let file = sys::real_path(&program.binary_path);
    let file = file.as_deref().unwrap_or(&program.binary_path);
    let arguments: [&[u8]; 3] = [loader.as_bytes(), b"--list", file];
    let companion = if plan.companion { &*files.companion } else { b"" };
    let prepare = || {
        sys::unset_variable(c"LD_DEBUG_OUTPUT");
        // With this, the loader prints the files that it loads, companions included.
        sys::set_variable(c"LD_DEBUG", b"files");
        sys::errors_to_output();
    };
    let said = sys::output(loader.as_bytes(), &arguments, &prepare);
    let (status, said) = said.map_err(|errno| Refusal {
        text: format!("{path}: cannot run its loader, {loader}: {}", errno.text()),
        status: 126,
    })?;
    let said = String::from_utf8_lossy(&said);
    if plan.companion {
        plan::enlarge_tls_reserve(listed(&said).map(thread_local_size).sum());
    }
    judge(&said, &shown(&files.library), &shown(companion)).map_err(|why| {
        // If the loader failed, its status belongs to the reason.
        let why = if status == 0 { why } else { format!("{why}; the loader exited with status {status}") };
        Refusal::out_of_reach(format!(
            "{path} was not run, as it would not use libpybuffer: {why} (this is what {loader} --list says). What \
             works: correct that, or {LINK_IT}"
        ))
    })
}

/// Judges the loader's output; an error says what is wrong.
fn judge(said: &str, library: &str, companion: &str) -> Result<(), String> {
    let refusal = |file: &str| {
        let line = said.lines().find(|line| line.contains(file) && line.contains("ignored"));
        line.map(|line| {
            line.trim_start_matches("ERROR: ").trim_start_matches("ld.so: ").to_string()
        })
    };
    let refused = refusal(library).or_else(|| refusal(companion).filter(|_| !companion.is_empty()));
    if let Some(refused) = refused {
        return Err(refused);
    }
    let mut earlier = None;
    let is_there = listed(said).any(|path| {
        let is_libpython =
            path.rsplit('/').next().is_some_and(|name| name.starts_with("libpython"));
        if is_libpython && earlier.is_none() {
            earlier = Some(path);
        }
        path == library
    });
    match earlier {
        _ if !is_there => Err(format!("{library} would not be loaded")),
        Some(libpython) => Err(format!("LD_PRELOAD loads {libpython} before {library}")),
        _ if !companion.is_empty() && !is_mapped(said, companion) => {
            Err(format!("{companion} would not be loaded, although LD_AUDIT names it"))
        }
        _ => Ok(()),
    }
}

/// The files that are loaded. A line of the list is a tab and "name => path (address)" or "path (address)".
fn listed(said: &str) -> impl Iterator<Item = &str> {
    let lines = said.lines().filter(|line| line.starts_with('\t') && line.ends_with(')'));
    lines.map(|line| {
        let path = line.rsplit_once(" (").map_or(line, |(path, _)| path).trim_start();
        path.rsplit_once(" => ").map_or(path, |(_, path)| path)
    })
}

fn thread_local_size(path: &str) -> usize {
    Bytes::of(path.as_bytes()).map_or(0, |file| elf::thread_local_size(&file))
}

/// Whether the loader's output says that it maps a file.
fn is_mapped(said: &str, file: &str) -> bool {
    let file = format!("file={file} [");
    said.lines().any(|line| line.contains(&file) && line.ends_with("generating link map"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "       77:\tfile=/x/libpybuffer-audit.so [1];  generating link map\n\
        \tlinux-vdso.so.1 (0x00007f6f8f643000)\n\
        \t/x/libpybuffer.so.0 (0x00007f6f8f5f4000)\n\
        \tlibpython3.13.so.1.0 => /y/libpython3.13.so.1.0 (0x00007f6f8f50b000)\n";

    fn judged(said: &str) -> Result<(), String> {
        judge(said, "/x/libpybuffer.so.0", "/x/libpybuffer-audit.so")
    }

    #[test]
    fn list_with_library_and_companion_is_a_proof() {
        assert_eq!(judged(LIST), Ok(()));
    }

    #[test]
    fn what_is_missing_late_or_refused_is_none() {
        let without = |part: &str| judged(&LIST.replace(part, "")).unwrap_err();
        assert!(without("\t/x/libpybuffer.so.0").contains("libpybuffer.so.0 would not be loaded"));
        assert!(without("generating").contains("although LD_AUDIT names it"));
        assert!(judged("").is_err());
        let first = format!("\t/z/libpython3.13.so.1.0 (0x1)\n{LIST}");
        assert!(judged(&first).unwrap_err().contains("LD_PRELOAD loads /z/libpython"));
        let refused = "object '/x/libpybuffer.so.0' from LD_PRELOAD cannot be preloaded (file too \
                       short): ignored.";
        assert_eq!(judged(&format!("ERROR: ld.so: {refused}\n{LIST}")).unwrap_err(), refused);
        let zero = "77:\tfile=/x/libpybuffer-audit.so [1]; audit interface function la_version returned \
                    zero; ignored.";
        assert_eq!(judged(&format!("{zero}\n{LIST}")).unwrap_err(), zero);
    }
}
