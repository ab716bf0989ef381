//! The library against libpython, in one process: the same inputs to both, and everything that a
//! program could see afterwards compared.
//!
//! For each CPython found, the harness of `tests/differential` runs inside that python: all nineteen
//! functions, small inputs enumerated and larger ones random, nothing exempt but what
//! `tests/differential/exemptions.rs` lists by name. The naive model goes through the same, so that
//! the rules where libpython cannot be asked stand on a model that libpython confirms everywhere
//! else; and so do deliberately wrong implementations, each of which has to be caught.
//!
//! Every run makes the same cases. `PYBUFFER_SEED=0x... PYBUFFER_CASES=100000 cargo test --test
//! differential library` makes others and more; with `PYBUFFER_ONLY=family:index`, as a difference
//! names it, the one case is shown and run alone.

#[path = "differential/harness.rs"]
mod harness;
mod support;

use std::env;
use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_void};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

use harness::grammar::Grammar;
use harness::prng::Prng;
use harness::{formats, settings};
use libloading::Library;
use support::{Python, pythons, run, rustc, say, shipped, skip};

/// How many pythons run at the same time.
const AT_ONCE: usize = 2;

#[test]
fn library_in_every_python_does_as_libpython_does() {
    let _turn = turn();
    each(pythons(), shipped().so.as_os_str());
}

#[test]
fn naive_model_in_every_python_does_as_libpython_does() {
    let _turn = turn();
    each(pythons(), settings::MODEL.as_ref());
}

#[test]
fn twins_in_oldest_and_newest_python_do_as_libpython_does() {
    let _turn = turn();
    let mut subject = OsString::from(settings::TWINS);
    subject.push(&shipped().so);
    each(&oldest_and_newest(), &subject);
}

#[test]
fn wrong_implementations_in_oldest_and_newest_python_are_all_caught() {
    let _turn = turn();
    each(&oldest_and_newest(), settings::FAULTS.as_ref());
}

fn oldest_and_newest() -> Vec<Python> {
    match pythons() {
        [oldest, .., newest] => vec![oldest.clone(), newest.clone()],
        one_or_none => one_or_none.to_vec(),
    }
}

/// Without Python the library follows the newest CPython. What that does is known from the model,
/// which the tests above compare with every libpython, each with the grammar of its version.
#[test]
fn size_from_format_without_python_does_as_newest_cpython_does() {
    let standalone = Standalone::load();
    let mut compared = 0;
    let mut different = Vec::new();
    let mut compare = |format: &[u8]| {
        let got = standalone.size_from_format(format);
        let expected = Grammar::NEWEST.size(format);
        compared += 1;
        if got != expected {
            let format = String::from_utf8_lossy(format);
            different.push(format!("{format:?}: expected {expected:?}, got {got:?}"));
        }
    };
    formats::every(&mut compare);
    for case in 0..4000 {
        compare(&formats::random(&mut Prng::new(1, "standalone", case)));
    }
    assert!(compared > 100_000, "only {compared} formats");
    let first: Vec<_> = different.iter().take(5).collect();
    assert!(different.is_empty(), "{} of {compared} differ: {first:#?}", different.len());
}

/// Tests that start processes do so one after another.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the harness in each of these pythons, some at a time, and fails with all that differs.
fn each(pythons: &[Python], subject: &OsStr) {
    if pythons.is_empty() {
        return skip("differential", "no CPython found");
    }
    LazyLock::force(&HARNESS);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failures = Vec::new();
        while let Some(python) = pythons.get(next.fetch_add(1, Ordering::Relaxed)) {
            failures.extend(inside(python, subject).err());
        }
        failures
    };
    let failures: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// Runs the harness in one python. Says in a line what was compared, or returns all that was printed.
fn inside(python: &Python, subject: &OsStr) -> Result<(), String> {
    let twins = if subject.as_encoded_bytes().starts_with(settings::TWINS.as_bytes()) {
        "twins of "
    } else {
        ""
    };
    let name = Path::new(subject).file_name().unwrap_or(subject);
    let name = format!("{twins}{}", name.display());
    let output = child(python, subject).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let last = printed.lines().last().unwrap_or_default();
    if output.status.success() {
        if env::var_os(settings::ONLY).is_some() {
            say(&printed);
        }
        say(&format!("{:16} {name}: {last}", python.label));
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("No module named '_ctypes'") {
        skip(&format!("differential, {}", python.label), "this python has no ctypes");
        return Ok(());
    }
    let crash = crashed_case(python, subject, &output);
    let status = output.status;
    Err(format!("{name} in {} ({status}):\n{printed}{errors}{crash}", python.label))
}

/// After a crash, runs the case in which it happened alone, so that it is shown.
fn crashed_case(python: &Python, subject: &OsStr, output: &Output) -> String {
    let printed = String::from_utf8_lossy(&output.stdout);
    let case = printed
        .lines()
        .rev()
        .find_map(|line| line.starts_with("CRASHED").then(|| line.rsplit_once(" at ")).flatten());
    match (output.status.signal(), case) {
        (Some(_), Some((_, case))) => {
            let alone = child(python, subject).env(settings::ONLY, case).output().unwrap();
            format!("alone: {}", String::from_utf8_lossy(&alone.stdout))
        }
        _ => String::new(),
    }
}

fn child(python: &Python, subject: &OsStr) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/child.py");
    let mut command = python.command();
    command.arg("-I").arg(script).arg(&*HARNESS).env(settings::SUBJECT, subject);
    // Neither side may be replaced.
    command.env_remove("LD_PRELOAD");
    command
}

/// The harness as a shared library. Compiled by rustc alone: whatever flags this test crate is
/// compiled with (a sanitizer's, say) cannot be loaded into a python.
static HARNESS: LazyLock<PathBuf> = LazyLock::new(|| {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/harness.rs");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential");
    fs::create_dir_all(&folder).unwrap();
    let unfinished = folder.join(format!("harness-{}.so", process::id()));
    run(rustc()
        .args(["--edition=2024", "--crate-type=cdylib", "--crate-name=harness"])
        .args(["-Copt-level=1", "--cap-lints=allow", "-o"])
        .args([&unfinished, &source]));
    // Another test program may be using the one of before.
    let library = folder.join("harness.so");
    fs::rename(&unfinished, &library).unwrap();
    library
});

/// The library in a process without Python: this one.
struct Standalone {
    library: Library,
}

impl Standalone {
    fn load() -> Self {
        // SAFETY: loading the library runs no code of its own.
        let standalone = Self { library: unsafe { Library::new(&shipped().so) }.unwrap() };
        let runtime = standalone.text(c"pybuffer_runtime");
        assert_eq!(runtime.as_deref(), Some("standalone"));
        standalone
    }

    fn function<T: Copy>(&self, name: &CStr) -> T {
        // SAFETY: callers name functions of the header with their types.
        *unsafe { self.library.get::<T>(name.to_bytes_with_nul()) }.unwrap()
    }

    /// What a function without arguments says.
    fn text(&self, name: &CStr) -> Option<String> {
        let function: unsafe extern "C" fn() -> *const c_char = self.function(name);
        // SAFETY: it takes nothing.
        let text = unsafe { function() };
        // SAFETY: null, or a text with its NUL.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned())
    }

    /// The size, or the exception's name and text.
    fn size_from_format(&self, format: &[u8]) -> Result<isize, (&'static str, String)> {
        let function: unsafe extern "C" fn(*const c_char) -> isize =
            self.function(c"PyBuffer_SizeFromFormat");
        let occurred: unsafe extern "C" fn() -> *mut c_void =
            self.function(c"pybuffer_err_occurred");
        let clear: unsafe extern "C" fn() = self.function(c"pybuffer_err_clear");
        let format = CString::new(format).unwrap();
        // SAFETY: a text with its NUL.
        let size = unsafe { function(format.as_ptr()) };
        // SAFETY: it takes nothing.
        let exception = unsafe { occurred() };
        if exception.is_null() {
            return Ok(size);
        }
        assert_eq!(size, -1, "{format:?}");
        let text = self.text(c"pybuffer_err_text").unwrap();
        // SAFETY: it takes nothing.
        unsafe { clear() };
        Err((self.name_of(exception), text))
    }

    fn name_of(&self, exception: *mut c_void) -> &'static str {
        let by_name: unsafe extern "C" fn(*const c_char) -> *mut c_void =
            self.function(c"pybuffer_exception");
        let names = [c"struct.error", c"UnicodeDecodeError", c"ValueError"];
        // SAFETY: a name with its NUL.
        let name = names.into_iter().find(|name| unsafe { by_name(name.as_ptr()) } == exception);
        name.map_or("another exception", |name| name.to_str().unwrap())
    }
}
