//! The example projects (`examples/`), each built from a build environment of its own into which only the wheel brings
//! the library, installed where libpybuffer is not, and asked whose code runs (`whose.py`, `witness.c`).
//!
//! Each is built for the oldest CPython that its `requires-python` allows and for the newest.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Instant;

use super::isolated::{COMPILER_IS_UNAWARE, Example, build, constraints, isolated};
use crate::support::{
    Python, cc, command_without_settings, printed, pythons, run, run_any, say, shipped, skip,
    stdout, temp_dir,
};
use crate::{environment, files, pip};

/// The oldest CPython that a project is for, as its `requires-python` says: `>=3.8`.
fn oldest_for(name: &str) -> (u8, u8) {
    let file = shipped().root.join("examples").join(name).join("pyproject.toml");
    let settings: toml::Table = toml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let version = settings["project"]["requires-python"].as_str().unwrap();
    let (major, minor) = version.strip_prefix(">=").unwrap().split_once('.').unwrap();
    (major.parse().unwrap(), minor.parse().unwrap())
}

/// CPythons that extensions are commonly built for: release builds with a GIL, and with what a build needs.
fn builders() -> impl DoubleEndedIterator<Item = &'static Python> {
    const ABLE: &str = "import ensurepip, os, pip, sysconfig, venv; \
        os.stat(os.path.join(sysconfig.get_paths()['include'], 'Python.h'))";
    pythons().iter().filter(|python| {
        let is_common = !python.debug && !python.free_threaded;
        is_common && run_any(python.command().args(["-c", ABLE])).status.success()
    })
}

/// The oldest that a project is for, and the newest.
fn oldest_and_newest(name: &str) -> Vec<&'static Python> {
    let mut able = builders().filter(|python| python.minor() >= oldest_for(name));
    let (oldest, newest) = (able.next(), able.next_back());
    oldest.into_iter().chain(newest).collect()
}

/// The compiled `witness.c`.
static WITNESS: LazyLock<PathBuf> = LazyLock::new(|| {
    let library = temp_dir("projects-witness").join("witness.so");
    let source = shipped().root.join("tests/package/witness.c");
    run(cc()
        .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"])
        .arg(source)
        .args(["-ldl", "-o"])
        .arg(&library));
    library
});

/// Runs `whose.py` on the module `transpose` that a python finds.
fn check(python: &mut Command, label: &str) {
    let script = shipped().root.join("tests/package/whose.py");
    let output = run_any(python.arg(script).arg(&*WITNESS));
    assert!(output.status.success(), "CPython {label}:\n{}", printed(&output));
}

/// None of the drop-in functions is the interpreter's, and none is offered to others.
fn check_names(unpacked: &Path) {
    let modules = run(Command::new("find").arg(unpacked).args(["-name", "*.so"]));
    let modules = stdout(&modules);
    assert_eq!(modules.lines().count(), 1, "{modules}");
    let symbols = run(Command::new("readelf").args(["-W", "--dyn-syms"]).arg(modules.trim()));
    let manifest = fs::read_to_string(shipped().root.join("abi/symbols.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    for line in stdout(&symbols).lines() {
        let name = line.split_whitespace().nth(7).unwrap_or_default();
        assert!(!manifest["symbols"].as_table().unwrap().contains_key(name), "{modules}{line}");
    }
}

/// Other CPythons that can load the module of a wheel: all if it is for the stable ABI, else those of one version.
fn others(wheel: &Path, builder: &Python) -> impl Iterator<Item = &'static Python> {
    let is_abi3 = wheel.display().to_string().contains("-abi3-");
    let (exe, minor) = (builder.exe.clone(), builder.minor());
    pythons().iter().filter(move |python| {
        let fits = is_abi3 || (python.minor() == minor && !python.debug);
        fits && !python.free_threaded && python.exe != exe
    })
}

/// Builds a project for a python and looks whose code runs.
fn check_in(name: &str, python: &'static Python) {
    let start = Instant::now();
    let copy = Example::copy(name, &python.label);
    let wheel = build(&copy, python, &[]);
    let served = check_wheel(name, python, &wheel);
    say(&format!("{name}: {} ({} s)", served.join(" "), start.elapsed().as_secs()));
}

/// Installs a wheel where nothing else is and looks whose code runs; the pythons in which it did.
fn check_wheel(name: &str, python: &'static Python, wheel: &Path) -> Vec<&'static str> {
    let environment = environment(python, name).expect("python -m venv");
    pip(&environment, &["install", "--no-index", wheel.to_str().unwrap()]);
    check(&mut command_without_settings(environment.join("bin/python")), &python.label);

    let unpacked = temp_dir(&format!("projects-{name}-{}-unpacked", python.label));
    run(python.command().args(["-m", "zipfile", "-e"]).arg(wheel).arg(&unpacked));
    check_names(&unpacked);
    let mut served = vec![&*python.label];
    for other in others(wheel, python) {
        check(other.command().env("PYTHONPATH", &unpacked), &other.label);
        served.push(&other.label);
    }
    served
}

/// Builds an example project for two pythons, if it can be done here.
fn check_project(name: &str) {
    if let Err(why) = &*COMPILER_IS_UNAWARE {
        return skip(name, why);
    }
    let pythons = oldest_and_newest(name);
    if pythons.is_empty() {
        skip(name, "no CPython that it is for has a Python.h, pip and venv");
    }
    for python in pythons {
        check_in(name, python);
    }
}

#[test]
#[ignore = "minutes: make test-package"]
fn project_of_setuptools_runs_the_library() {
    check_project("setuptools");
}

#[test]
#[ignore = "minutes: make test-package"]
fn project_of_cython_runs_the_library() {
    check_project("cython");
}

#[test]
#[ignore = "minutes: make test-package"]
fn project_of_nanobind_runs_the_library() {
    check_project("nanobind");
}

#[test]
#[ignore = "minutes: make test-package"]
fn project_of_pybind11_runs_the_library() {
    check_project("pybind11");
}

#[test]
#[ignore = "minutes: make test-package"]
fn project_of_meson_python_runs_the_library() {
    check_project("meson-python");
}

/// By PyPI's pkgconf, which looks for `.pc` files in Python packages.
#[test]
#[ignore = "minutes: make test-package"]
fn meson_finds_the_pc_file_of_the_wheel() {
    const BUILD: &str = "project('transpose', 'c')\n\
        import('python').find_installation(pure: false).extension_module('transpose', 'transpose.c',\n\
        dependencies: dependency('pybuffer-static'), install: true)\n";
    let Some(python) = builders().next_back() else {
        return skip("meson_finds_the_pc_file", "no CPython has a Python.h, pip and venv");
    };
    let copy = Example::copy("meson-python", "pkgconf");
    fs::write(copy.project.join("meson.build"), BUILD).unwrap();
    let settings = copy.project.join("pyproject.toml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text.replace("\"libpybuffer\"", "\"libpybuffer\", \"pkgconf\"")).unwrap();
    let wheel = build(&copy, python, &[("FORCE_PKGCONF_PYPI", "1")]);
    check_wheel("meson-python-pkgconf", python, &wheel);
}

#[test]
#[ignore = "minutes: make test-package"]
fn project_of_maturin_runs_the_library() {
    check_project("maturin");
}

#[test]
#[ignore = "minutes: make test-package"]
fn project_for_the_stable_abi_runs_the_library() {
    check_project("abi3");
}

/// A C program without Python, linked with the archive as the project says, or with the shared library.
#[test]
#[ignore = "minutes: make test-package"]
fn project_of_cmake_runs_without_python() {
    let Some(python) = builders().next_back() else {
        return skip("cmake-c", "no CPython has a Python.h, pip and venv");
    };
    let environment = environment(python, "cmake-c").expect("python -m venv");
    let pins = constraints(&environment);
    pip(&environment, &["install", "-c", pins.to_str().unwrap(), "cmake", "ninja", "libpybuffer"]);
    let tool = |name: &str| {
        let mut command = isolated(environment.join("bin").join(name));
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = [environment.join("bin")].into_iter().chain(env::split_paths(&path));
        command.env("PATH", env::join_paths(folders).unwrap());
        command
    };
    let package = stdout(&run(tool("python").args(["-m", "libpybuffer", "--cmakedir"])));
    for way in ["static", "shared"] {
        let copy = Example::copy("cmake-c", way);
        let lists = copy.project.join("CMakeLists.txt");
        let text = fs::read_to_string(&lists).unwrap();
        assert!(text.contains("libpybuffer::static"), "{text}");
        fs::write(&lists, text.replace("::static", &format!("::{way}"))).unwrap();
        let built = copy.project.join("build");
        run(tool("cmake")
            .args(["-G", "Ninja", "-S"])
            .arg(&copy.project)
            .arg("-B")
            .arg(&built)
            .arg(format!("-Dlibpybuffer_DIR={}", package.trim())));
        run(tool("cmake").arg("--build").arg(&built));
        assert_eq!(stdout(&run(&mut isolated(built.join("transpose")))), "1 4\n2 5\n3 6\n");
        let needed = stdout(&run(Command::new("readelf").arg("-d").arg(built.join("transpose"))));
        assert_eq!(needed.contains("[libpybuffer.so.0]"), way == "shared", "{needed}");
    }
}

/// `libpybuffer/__init__.pxd`: the C compiler compares each declaration with the header's.
#[test]
#[ignore = "minutes: make test-package"]
fn declarations_for_cython_are_the_header_s() {
    let Some(python) = builders().next_back() else {
        return skip("declarations_for_cython", "no CPython has a Python.h, pip and venv");
    };
    let root = &shipped().root;
    let declarations = root.join("python/libpybuffer/__init__.pxd");
    let module =
        run(python.command().arg(root.join("tests/package/declarations.py")).arg(declarations));
    let copy = Example::copy("cython", "declarations");
    fs::write(copy.project.join("transpose.pyx"), &module.stdout).unwrap();
    let flags = "-Werror=incompatible-pointer-types -Werror=discarded-qualifiers";
    build(&copy, python, &[("CFLAGS", flags)]);
}

/// Every line that docs/building.md shows of a project is in it.
#[test]
fn page_shows_lines_of_the_projects() {
    let root = &shipped().root;
    let page = fs::read_to_string(root.join("docs/building.md")).unwrap();
    let mut shown_of = BTreeSet::new();
    for section in page.split("\n## ").skip(1) {
        let Some((_, rest)) = section.split_once("(../examples/") else { continue };
        let name = rest.split_once(')').unwrap().0;
        let project = root.join("examples").join(name);
        let texts = files(&project).into_iter().filter(|file| file.is_file()).map(fs::read);
        let text = texts.flat_map(Result::unwrap).collect::<Vec<u8>>();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        let shown = section.split("```").skip(1).step_by(2).flat_map(|block| block.lines().skip(1));
        for line in shown {
            assert!(lines.contains(&line), "docs/building.md shows {line:?}, which {name} has not");
            shown_of.insert(name);
        }
    }
    let projects = fs::read_dir(root.join("examples")).unwrap().map(|entry| entry.unwrap().path());
    // (The programs of examples/parallel have no build system.)
    let is_built = |path: &PathBuf| {
        ["pyproject.toml", "CMakeLists.txt"].iter().any(|file| path.join(file).is_file())
    };
    for project in projects.filter(is_built) {
        let name = project.file_name().unwrap().to_str().unwrap();
        assert!(shown_of.contains(name), "docs/building.md shows nothing of examples/{name}");
        if project.join("pyproject.toml").is_file() {
            let (major, minor) = oldest_for(name);
            let row = format!("(../examples/{name}) | {major}.{minor} |");
            assert!(page.contains(&row), "docs/building.md: since which CPython? {row}");
        }
    }
}
