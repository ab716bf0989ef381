//! The Python package: the wheel that `make wheel` builds, installed without an index into a fresh virtual environment,
//! its own tests run there (`python/tests`), and taken away again.
//!
//! `cargo test` does so in one CPython, `make test-package` in all of them.

mod support;

mod package {
    mod isolated;
    mod projects;
    mod same;
}

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use support::{
    Python, command_without_settings, packages, printed, pythons, run, run_any, say, shipped, skip,
    stdout, temp_dir,
};

/// What the tests of the package run with.
const REQUIREMENTS: &str = "python/tests/requirements.txt";

/// The oldest CPython that the tools of `make wheel` run in.
const OLDEST_FOR_TOOLS: (u8, u8) = (3, 10);

/// Those that the package can be built for: `make wheel` runs in any of them.
fn builders() -> impl DoubleEndedIterator<Item = &'static Python> {
    pythons().iter().filter(|python| {
        !python.debug && python.include.is_some() && python.minor() >= OLDEST_FOR_TOOLS
    })
}

/// The newest python with a GIL, whose wheel serves all that have one; else the newest without.
fn builder() -> Option<&'static Python> {
    builders().rfind(|python| !python.free_threaded).or_else(|| builders().next_back())
}

/// Those without a GIL besides, each of which gets a wheel of its own.
fn free_threaded() -> impl Iterator<Item = &'static Python> {
    builders().filter(|other| other.free_threaded && other.exe != builder().unwrap().exe)
}

/// The folder of the wheels, which `make wheel` has filled (once a process).
fn dist() -> &'static Path {
    static DIST: LazyLock<PathBuf> = LazyLock::new(|| {
        let root = &shipped().root;
        let python =
            builder().expect("a CPython from 3.10 on, with its Python.h, builds the wheel");
        let free_threaded: Vec<_> =
            free_threaded().map(|python| python.exe.display().to_string()).collect();
        run(command_without_settings("make")
            .arg("wheel")
            .arg(format!("PYTHON={}", python.exe.display()))
            .arg(format!("FREE_THREADED={}", free_threaded.join(" ")))
            .current_dir(root)
            .env_remove("MAKEFLAGS")
            .env_remove("MAKELEVEL"));
        root.join("dist")
    });
    &DIST
}

/// The names of all files below a folder.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(files(&path));
        }
        found.insert(path);
    }
    found
}

/// The Python sources below a folder, by their path in it.
fn sources(folder: &Path) -> BTreeSet<PathBuf> {
    let is_source = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| ["py", "pyi", "pxd"].iter().any(|one| extension == *one))
    };
    let relative = |path: PathBuf| path.strip_prefix(folder).unwrap().to_owned();
    files(folder).into_iter().filter(is_source).map(relative).collect()
}

/// A virtual environment with pip and nothing else.
fn environment(python: &Python, purpose: &str) -> Result<PathBuf, String> {
    let folder = temp_dir(&format!("{purpose}-{}", python.label));
    let output = run_any(python.command().args(["-m", "venv"]).arg(&folder));
    if output.status.success() { Ok(folder) } else { Err(printed(&output)) }
}

fn pip(environment: &Path, arguments: &[&str]) {
    let mut command = command_without_settings(environment.join("bin/python"));
    run(command.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]).args(arguments));
}

/// Where a python has its packages.
fn purelib(python: &Path) -> String {
    let code = "import sysconfig; print(sysconfig.get_path('purelib'))";
    stdout(&run(command_without_settings(python).args(["-c", code]))).trim().to_owned()
}

/// A folder with the extension `counting`: exporters that count their views, which are tested with threads. Without
/// `Python.h` the folder is empty.
fn counting(python: &Python) -> PathBuf {
    let folder = temp_dir(&format!("counting-{}", python.label));
    if let Some(include) = &python.include {
        let csrc = shipped().root.join("csrc");
        run(support::cc()
            .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-fPIC", "-shared", "-I"])
            .arg(include)
            .arg("-I")
            .arg(csrc.join("exporters"))
            .arg(csrc.join("extensions/counting.c"))
            .arg("-o")
            .arg(folder.join("counting.so")));
    }
    folder
}

/// Installs the wheel in an environment of its own, runs the package's tests, and takes it away again. An error
/// tells what is missing to do so.
fn try_in(python: &Python) -> Result<(), String> {
    let environment = environment(python, "package")?;
    let packages = packages::python_with(python, REQUIREMENTS)?;
    let before = files(&environment);
    let wheels = dist().to_str().unwrap();
    pip(&environment, &["install", "--no-index", "--find-links", wheels, "libpybuffer"]);

    // What an earlier build has left in build/ is not in the wheel.
    let mut expected = sources(&shipped().root.join("python/libpybuffer"));
    expected.extend(["lib/__init__.py", "lib/pkgconfig/__init__.py"].map(PathBuf::from));
    let installed = Path::new(&purelib(&environment.join("bin/python"))).join("libpybuffer");
    assert_eq!(sources(&installed), expected, "{}", python.label);

    let path = env::join_paths([PathBuf::from(purelib(&packages)), counting(python)]).unwrap();
    let output = run(command_without_settings(environment.join("bin/python"))
        .args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider"])
        .arg(shipped().root.join("python/tests"))
        .env("PYTHONPATH", path)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(&environment));
    let told = stdout(&output);
    say(&format!("package: {}: {}", python.label, told.lines().last().unwrap_or_default()));

    pip(&environment, &["uninstall", "--yes", "libpybuffer"]);
    let left: Vec<_> = files(&environment).difference(&before).cloned().collect();
    assert!(left.is_empty(), "{}: uninstall leaves {left:#?}", python.label);
    Ok(())
}

#[test]
fn package_serves_one_python() {
    let Some(python) = builder() else {
        skip("package", "no CPython from 3.10 on with its Python.h, which builds the wheel");
        return;
    };
    if let Err(why) = try_in(python) {
        skip("package", &format!("CPython {}: {why}", python.label));
    }
}

/// The stubs are held against the module, and a file of calls, right and wrong, against the stubs.
#[test]
#[ignore = "installs mypy: make test-package"]
fn type_stubs_are_true() {
    let Some(python) = builder() else {
        skip("type_stubs", "no CPython from 3.10 on with its Python.h, which builds the wheel");
        return;
    };
    let types = shipped().root.join("python/tests/types");
    let mypy = packages::python_with(python, "python/tests/types/requirements.txt");
    let (Ok(environment), Ok(mypy)) = (environment(python, "type-stubs"), &mypy) else {
        skip("type_stubs", &format!("CPython {}: no venv, or {mypy:?}", python.label));
        return;
    };
    let wheels = dist().to_str().unwrap();
    pip(&environment, &["install", "--no-index", "--find-links", wheels, "libpybuffer"]);
    let file = |name: &str| types.join(name).display().to_string();
    let config = file("mypy.ini");
    let stubtest = [
        "mypy.stubtest",
        "libpybuffer",
        "--mypy-config-file",
        &config,
        "--allowlist",
        &file("allowed.txt"),
    ];
    let usage = ["mypy", "--config-file", &config, &file("usage.py")];
    for arguments in [&stubtest[..], &usage] {
        run(command_without_settings(environment.join("bin/python"))
            .arg("-m")
            .args(arguments)
            .env("PYTHONPATH", purelib(mypy))
            .current_dir(&environment));
    }
}

#[test]
#[ignore = "minutes: make test-package"]
fn package_serves_every_python() {
    for python in pythons().iter().filter(|python| !python.debug) {
        if let Err(why) = try_in(python) {
            skip("package", &format!("CPython {}: {why}", python.label));
        }
    }
}

#[test]
#[ignore = "compiles the library anew: make test-package"]
fn sdist_builds_by_itself() {
    let sdists: Vec<_> = fs::read_dir(dist().join("sdist")).unwrap().collect();
    assert_eq!(sdists.len(), 1, "{sdists:?}");
    let sdist = sdists[0].as_ref().unwrap().path();
    for python in builder().into_iter().chain(free_threaded()) {
        let folder = temp_dir(&format!("package-sdist-{}", python.label));
        let environment = environment(python, "package-of-sdist").unwrap();
        let wheels = folder.to_str().unwrap();
        pip(&environment, &["wheel", "--no-deps", "--wheel-dir", wheels, sdist.to_str().unwrap()]);
        pip(&environment, &["install", "--no-index", "--find-links", wheels, "libpybuffer"]);
        let command = "import libpybuffer; print(libpybuffer.tobytes(memoryview(b'abcdef')[::2]))";
        let told = run(Command::new(environment.join("bin/python")).args(["-c", command]));
        assert_eq!(stdout(&told), "b'ace'\n", "{}", python.label);
    }
}
