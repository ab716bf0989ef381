//! Shared by the integration tests: the CPythons of this machine, the library as it ships, the C compiler, and
//! the report of a skipped test.
//!
//! Nothing here depends on the paths of a particular machine. Included by `mod support;`.

#![allow(dead_code, unused_imports, reason = "each test crate uses a part of it")]

pub mod packages;
mod pythons;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{LazyLock, Once};

pub use pythons::{Python, Unserved, command_without_settings, pythons, unserved_pythons};

/// The files that `make` builds for users.
pub struct Shipped {
    /// The root of the repository.
    pub root: PathBuf,
    /// The folder of the libraries, for `-L` and for an rpath.
    pub lib_dir: PathBuf,
    /// `libpybuffer.so`.
    pub so: PathBuf,
    /// `libpybuffer.a`.
    pub archive: PathBuf,
    /// The folder of `libpybuffer.h`, for `-I`.
    pub include: PathBuf,
    /// The folder of the `.pc` files, for `PKG_CONFIG_PATH`.
    pub pkgconfig: PathBuf,
    /// The command `pybuffer-run`.
    pub command: PathBuf,
}

/// Builds the library by `make lib`, once in each process, and returns the paths of its files: in the folder that
/// `BUILD` names, as for make, else in `build/`.
pub fn shipped() -> &'static Shipped {
    static SHIPPED: LazyLock<Shipped> = LazyLock::new(|| {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        make_lib(&root);
        let build = root.join(std::env::var_os("BUILD").unwrap_or("build".into()));
        let lib_dir = build.join("lib");
        let shipped = Shipped {
            so: lib_dir.join("libpybuffer.so"),
            archive: lib_dir.join("libpybuffer.a"),
            include: build.join("include"),
            pkgconfig: lib_dir.join("pkgconfig"),
            command: build.join("bin/pybuffer-run"),
            lib_dir,
            root,
        };
        for made in [&shipped.so, &shipped.archive, &shipped.include.join("libpybuffer.h")] {
            assert!(made.is_file(), "`make lib` succeeded but made no {}", made.display());
        }
        shipped
    });
    &SHIPPED
}

/// Runs `make lib`. Test programs may run at the same time (nextest), so a lock lets one at a time run it.
fn make_lib(root: &Path) {
    let lock = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("make-lib.lock")).unwrap();
    lock.lock().unwrap();
    // If make runs this test, its job server and flags are not for this make.
    let output = Command::new("make")
        .args(["lib"])
        .current_dir(root)
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .output()
        .unwrap_or_else(|error| panic!("make cannot be started, is it installed? {error}"));
    assert!(
        output.status.success(),
        "`make lib` failed, so what ships cannot be tested ({}):\n{}",
        output.status,
        printed(&output)
    );
}

/// The C compiler: `$CC` (which may carry arguments), else `cc`.
pub fn cc() -> Command {
    command_from("CC", "cc")
}

/// The C++ compiler: `$CXX` (which may carry arguments), else `c++`.
pub fn cxx() -> Command {
    command_from("CXX", "c++")
}

/// The command that a variable holds, with its arguments; `default` if it is not set.
fn command_from(variable: &str, default: &str) -> Command {
    let line = std::env::var(variable).unwrap_or_default();
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(default));
    command.args(words);
    command
}

/// The target that is tested, where it is another one than this machine: make's own variable. Its programs can be
/// run then (`tools/cross/emulate.py`).
pub fn target() -> Option<String> {
    std::env::var("TARGET").ok().filter(|target| !target.is_empty())
}

/// The architecture that is tested, as Rust calls it.
pub fn arch() -> String {
    let target = target().unwrap_or_else(|| std::env::consts::ARCH.into());
    target.split('-').next().unwrap_or_default().into()
}

/// The Rust compiler: `$RUSTC`, else `rustc`; for the target that is tested, with the linker that cargo would take.
pub fn rustc() -> Command {
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
    if let Some(target) = target() {
        let upper = target.to_uppercase().replace('-', "_");
        command.args(["--target", &target]);
        if let Ok(linker) = std::env::var(format!("CARGO_TARGET_{upper}_LINKER")) {
            command.arg(format!("-Clinker={linker}"));
        }
    }
    command
}

/// Runs a command that must succeed.
///
/// # Panics
/// If the command cannot be started or does not exit with 0. The message has the command line and its output.
pub fn run(command: &mut Command) -> Output {
    let output = run_any(command);
    assert!(output.status.success(), "{}\n{command:?}\n{}", output.status, printed(&output));
    output
}

/// Whether `pybuffer-run` reaches statically linked pythons here: its companion needs glibc 2.35.
pub fn has_companion() -> bool {
    let said = stdout(&run(Command::new("getconf").arg("GNU_LIBC_VERSION")));
    let minor = said.trim().rsplit('.').next().and_then(|minor| minor.parse::<u32>().ok());
    minor.expect("glibc 2.x") >= 35
}

/// Runs a command that may fail.
pub fn run_any(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"))
}

/// The output of a command, for the message of a failure.
pub fn printed(output: &Output) -> String {
    format!(
        "--- stdout\n{}--- stderr\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The standard output of a command, as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("the output is not UTF-8")
}

/// A new empty folder of this name in cargo's target folder. It is kept after the test, for inspection.
pub fn temp_dir(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            panic!("{}: {error}", dir.display())
        }
        _ => fs::create_dir_all(&dir).unwrap(),
    }
    dir
}

/// The flags that pkg-config prints for the library's `.pc` files in `build/`.
pub fn pkg_config<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Vec<String> {
    pkg_config_in(&shipped().pkgconfig, args)
}

/// The flags that pkg-config prints for the `.pc` files of a folder. It quotes them for a shell.
pub fn pkg_config_in<I: AsRef<OsStr>>(
    folder: &Path,
    args: impl IntoIterator<Item = I>,
) -> Vec<String> {
    let output = run(Command::new("pkg-config").args(args).env("PKG_CONFIG_PATH", folder));
    shlex::split(&stdout(&output)).expect("pkg-config closes what it quotes")
}

/// Reports that a test cannot run here, and why. Fails if `CI` is set, because everything must run there.
pub fn skip(test: &str, why: &str) {
    say(&format!("SKIPPED {test}: {why}"));
    assert!(
        std::env::var_os("CI").is_none(),
        "SKIPPED {test}: {why} (CI is set: a skip is a failure)"
    );
}

/// Prints a line that the test runner shows even if the test passes.
pub fn say(line: &str) {
    static NEW_LINE: Once = Once::new();
    let mut stderr = std::io::stderr().lock();
    // The runner has printed "test name ... " without a line break.
    NEW_LINE.call_once(|| {
        let _ = stderr.write_all(b"\n");
    });
    let _ = writeln!(stderr, "{line}");
}
