//! How a program is reached: by `LD_PRELOAD` alone, with the companion, or not at all.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::elf::{self, Binary};
use crate::program::{LINK_IT, Program, Refusal};
use crate::sys::{self, Bytes, shown};

/// The kinds of programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A python with a shared libpython.
    SharedPython,
    /// A python that contains libpython in its executable.
    StaticPython,
    /// Any other program, which may load a libpython later or start a python.
    Other,
}

/// How a program is reached.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// The kind of the program.
    pub kind: Kind,
    /// Whether `LD_AUDIT` names the companion.
    pub companion: bool,
}

impl Plan {
    /// A warning to be printed before the program runs.
    pub fn caution(&self, program: &Program) -> Option<String> {
        let path = shown(&program.binary_path);
        (self.kind == Kind::StaticPython).then(|| {
            format!(
                "{path} contains libpython: its extension modules call libpybuffer, unless they were compiled with \
                 -fno-plt; the interpreter itself does not (--quiet hides this line)"
            )
        })
    }
}

/// Decides how to reach a program.
pub fn make(program: &Program) -> Result<Plan, Refusal> {
    let path = shown(&program.binary_path);
    if program.dropped.preload {
        return Err(Refusal::out_of_reach(
            "env removes LD_PRELOAD (by -i, -u or LD_PRELOAD=), so the program would run without libpybuffer. What \
             works: let env start pybuffer-run (env -i pybuffer-run PROGRAM)"
                .into(),
        ));
    }
    let Some(loader) = &program.binary.loader else {
        return Err(Refusal::out_of_reach(format!(
            "{path} is a static executable, into which nothing can be preloaded. What works: {LINK_IT}"
        )));
    };
    refuse_loader(&path, loader)?;
    let kind = kind(&program.binary).map_err(|why| {
        Refusal::out_of_reach(format!("{path} is {why}, which libpybuffer does not support"))
    })?;
    let file = Bytes::of(loader.as_bytes()).map_err(|errno| Refusal {
        text: format!("{path} needs {loader}: {}", errno.text()),
        status: 126,
    })?;
    let loader_is = elf::loader(&file);
    if cfg!(not(target_env = "musl")) && !loader_is.is_glibc {
        return Err(other_libc(&path, loader, "another C library, despite its name"));
    }
    // Where the program does not need the companion, statically linked pythons that it starts do.
    let companion = loader_is.binds_all_by_audit;
    if kind == Kind::StaticPython && !companion {
        return Err(Refusal::out_of_reach(format!(
            "{path} contains libpython, and its loader cannot redirect the calls of extension modules to \
             libpybuffer (glibc can from 2.35 on, by LD_AUDIT). What works: a python with a shared libpython (built \
             with --enable-shared), a newer system, or {LINK_IT}"
        )));
    }
    if kind == Kind::StaticPython && program.dropped.audit {
        return Err(Refusal::out_of_reach(format!(
            "env removes LD_AUDIT (by -u or LD_AUDIT=), which {path} needs to use libpybuffer, as it contains \
             libpython. What works: let env start pybuffer-run (env -u LD_AUDIT pybuffer-run PROGRAM)"
        )));
    }
    Ok(Plan { kind, companion })
}

/// Refuses a program whose dynamic linker is another C library's, by its name.
fn refuse_loader(path: &str, loader: &str) -> Result<(), Refusal> {
    let name = loader.rsplit('/').next().unwrap_or(loader);
    let is_musl = name.starts_with("ld-musl");
    let is_glibc = ["ld-linux", "ld64.so", "ld.so", "ld-2."].iter().any(|n| name.starts_with(n));
    if if cfg!(target_env = "musl") { is_musl } else { is_glibc } {
        return Ok(());
    }
    Err(other_libc(path, loader, if is_musl { "musl" } else { "another C library" }))
}

fn other_libc(path: &str, loader: &str, libc: &str) -> Refusal {
    Refusal::out_of_reach(format!(
        "{path} uses {libc} ({loader}), but this libpybuffer uses {}. What works: build libpybuffer on a system \
         with that C library, and there {LINK_IT}",
        if cfg!(target_env = "musl") { "musl" } else { "glibc" }
    ))
}

/// The kind of a program, or the reason why the library does not serve it.
fn kind(binary: &Binary) -> Result<Kind, String> {
    for library in &binary.needed {
        if library.starts_with("libpypy") {
            return Err("PyPy, whose buffer functions have other names".into());
        }
        if let Some(version) = library.strip_prefix("libpython") {
            return match minor(version) {
                Some((3, minor)) if minor < 8 => Err(format!("CPython 3.{minor}")),
                Some((major, _)) if major < 3 => Err(format!("Python {major}")),
                _ => Ok(Kind::SharedPython),
            };
        }
    }
    match (binary.exports_python, binary.exports_supported_python) {
        (false, _) => Ok(Kind::Other),
        (true, true) => Ok(Kind::StaticPython),
        (true, false) => Err("a Python before 3.8".into()),
    }
}

/// The major and minor version in `3.13t.so.1.0`; `None` for `3.so`, the stable ABI's library.
fn minor(version: &str) -> Option<(u32, u32)> {
    let (major, rest) = version.split_once('.')?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((major.parse().ok()?, rest.get(..end)?.parse().ok()?))
}

/// The library and its companion, beside this command.
pub struct Files {
    /// `libpybuffer.so.0.1.0`
    pub library: Vec<u8>,
    /// `libpybuffer-audit.so`
    pub companion: Vec<u8>,
}

/// The folders where they may be, relative to the command's own after links are resolved. When installed, and in
/// `build/`, the command is a link to `LIBDIR/pybuffer/pybuffer-run`, for which the first folder is right; the
/// others are for trees without links.
const FOLDERS: [&str; 4] = ["..", "../lib", "../lib64", "."];
const LIBRARY: &str = concat!("libpybuffer.so.", env!("PYBUFFER_ABI"));
const COMPANION: &str = "libpybuffer-audit.so";

/// Finds the library beside the command.
pub fn files() -> Result<Files, Refusal> {
    let failed = |text| Refusal { text, status: 2 };
    let own = sys::real_path(b"/proc/self/exe")
        .ok_or_else(|| failed("/proc is missing, so the command cannot find its library".into()))?;
    let end = own.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    let folder = own.get(..end).unwrap_or_default();
    let at = |parts: [&str; 2]| {
        sys::real_path(&[folder, b"/", parts[0].as_bytes(), b"/", parts[1].as_bytes()].concat())
    };
    let library = FOLDERS.iter().find_map(|place| at([place, LIBRARY])).ok_or_else(|| {
        failed(format!(
            "{LIBRARY} was not found in the folder above {}, where `make install` puts it",
            shown(folder)
        ))
    })?;
    let beside = FOLDERS.iter().find_map(|place| at([place, &format!("pybuffer/{COMPANION}")]));
    let companion = at([".", COMPANION]).or(beside).unwrap_or_default();
    for path in [&library, &companion] {
        if path.iter().any(|byte| matches!(byte, b' ' | b':')) {
            return Err(failed(format!(
                "{} has a space or a colon in its path, which LD_PRELOAD cannot contain: move it elsewhere",
                shown(path)
            )));
        }
    }
    Ok(Files { library, companion })
}

/// Sets the dynamic linker's variables. The user's entries are kept and come first, except that another libpybuffer
/// is replaced.
pub fn prepare(plan: &Plan, files: &Files) -> Result<(), Refusal> {
    add(c"LD_PRELOAD", b" :", &files.library, b"libpybuffer.so");
    if plan.companion {
        if files.companion.is_empty() {
            return Err(Refusal {
                text: format!(
                    "{COMPANION} is missing: it must be in the same folder as this command"
                ),
                status: 2,
            });
        }
        add(c"LD_AUDIT", b":", &files.companion, COMPANION.as_bytes());
    }
    Ok(())
}

/// Adds a file to a list in the environment. It replaces a file whose name begins with `name` (of another
/// installation, or one that no longer exists); otherwise it becomes the last one.
fn add(variable: &core::ffi::CStr, separators: &[u8], file: &[u8], name: &[u8]) {
    let before = sys::variable(variable).unwrap_or_default();
    let is_separator = |byte: &u8| separators.contains(byte);
    let is_named = |part: &[u8]| {
        part.rsplit(|byte| *byte == b'/').next().is_some_and(|last| last.starts_with(name))
    };
    let mut list = Vec::new();
    let mut is_there = false;
    for part in before.split_inclusive(is_separator) {
        let end = part.iter().position(is_separator).unwrap_or(part.len());
        let (path, separator) = part.split_at(end);
        if !is_named(path) {
            list.extend_from_slice(part);
        } else if !is_there {
            is_there = true;
            list.extend_from_slice(file);
            list.extend_from_slice(separator);
        }
    }
    if !is_there {
        if list.last().is_some_and(|last| !is_separator(last)) {
            list.push(b':');
        }
        list.extend_from_slice(file);
    }
    sys::set_variable(variable, &list);
}

/// glibc's default for the reserve: the bytes in each thread's static TLS block for libraries that are loaded while the
/// program runs and use initial-exec TLS.
const RESERVE: usize = 512;
/// The smallest reserve with the companion. It is enough for child programs whose libraries need 3,500 bytes, as many as
/// jemalloc does. It is taken from the stack of each thread.
const RESERVE_WITH_COMPANION: usize = 4096;
/// The tunable that sets the reserve.
const TUNABLE: &str = "glibc.rtld.optional_static_tls=";

/// Enlarges the reserve by `size`, what the program's own libraries need. Under `LD_AUDIT` the dynamic linker lays out
/// the first thread before it knows these libraries, so they are served from the reserve too. If the reserve were too
/// small, the program would not start, or could not load further libraries.
pub fn enlarge_tls_reserve(size: usize) {
    let needed = RESERVE_WITH_COMPANION.max(RESERVE + size);
    let before = sys::variable(c"GLIBC_TUNABLES").unwrap_or_default();
    sys::set_variable(c"GLIBC_TUNABLES", &with_reserve(&shown(&before), needed).into_bytes());
}

/// The list of tunables with a reserve of at least `needed` bytes. Other tunables are kept.
fn with_reserve(list: &str, needed: usize) -> String {
    let others = list.split(':').filter(|tunable| !tunable.starts_with(TUNABLE));
    let before = list.split(':').filter_map(|tunable| tunable.strip_prefix(TUNABLE)?.parse().ok());
    let reserve = before.fold(needed, usize::max);
    let own = format!("{TUNABLE}{reserve}");
    let all: Vec<&str> = others.filter(|other| !other.is_empty()).chain([&*own]).collect();
    all.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn binary(needed: &[&str], exports_python: bool, supported: bool) -> Binary {
        Binary {
            loader: Some("/lib64/ld-linux-x86-64.so.2".into()),
            needed: needed.iter().map(ToString::to_string).collect(),
            exports_python,
            exports_supported_python: supported,
        }
    }

    #[test]
    fn kind_is_told_by_libraries_and_exports() {
        let kind = |needed: &[&str], exports, supported| kind(&binary(needed, exports, supported));
        assert_eq!(kind(&["libc.so.6"], false, false), Ok(Kind::Other));
        assert_eq!(kind(&["libpython3.13t.so.1.0"], false, false), Ok(Kind::SharedPython));
        assert_eq!(kind(&["libpython3.so"], false, false), Ok(Kind::SharedPython));
        assert_eq!(kind(&["libc.so.6"], true, true), Ok(Kind::StaticPython));
        assert_eq!(kind(&["libc.so.6"], true, false), Err("a Python before 3.8".into()));
        assert_eq!(kind(&["libpython3.7m.so.1.0"], false, false), Err("CPython 3.7".into()));
        assert_eq!(kind(&["libpython2.7.so.1.0"], false, false), Err("Python 2".into()));
        assert!(kind(&["libpypy3.11-c.so"], false, false).is_err());
    }

    #[test]
    fn tunables_of_the_user_stay_and_the_reserve_does_not_shrink() {
        let tunable = |n: usize| format!("glibc.rtld.optional_static_tls={n}");
        assert_eq!(with_reserve("", 4096), tunable(4096));
        assert_eq!(
            with_reserve("glibc.malloc.check=1", 5000),
            "glibc.malloc.check=1:".to_string() + &tunable(5000)
        );
        assert_eq!(
            with_reserve(&(tunable(9000) + ":a=b"), 4096),
            "a=b:".to_string() + &tunable(9000)
        );
        assert_eq!(with_reserve(&tunable(16), 4096), tunable(4096));
    }

    #[test]
    fn preloads_of_the_user_stay_and_come_first() {
        let variable = c"PYBUFFER_TEST_LIST";
        let listed = || sys::variable(variable).unwrap();
        add(variable, b" :", b"/x/libpybuffer.so.0", b"libpybuffer.so");
        assert_eq!(listed(), b"/x/libpybuffer.so.0");
        add(variable, b" :", b"/y/libpybuffer.so.0", b"libpybuffer.so");
        assert_eq!(listed(), b"/y/libpybuffer.so.0");
        sys::set_variable(variable, b"/a.so:/old/libpybuffer.so.0 b.so:libpybuffer.so");
        add(variable, b" :", b"/x/libpybuffer.so.0", b"libpybuffer.so");
        assert_eq!(listed(), b"/a.so:/x/libpybuffer.so.0 b.so:");
        sys::set_variable(variable, b"/a/libasan.so libother.so");
        add(variable, b" :", b"/x/libpybuffer.so.0", b"libpybuffer.so");
        assert_eq!(listed(), b"/a/libasan.so libother.so:/x/libpybuffer.so.0");
    }
}
