//! The example projects (`examples/`), each built from a build environment of its own into which only the wheel brings
//! the library, installed where libpybuffer is not, and asked whose code runs (`whose.py`, `witness.c`).
//!
//! Each is built for the oldest CPython that its `requires-python` allows and for the newest.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Instant;

use serde::Deserialize;

use crate::support::{
    Python, cc, command_without_settings, printed, pythons, run, run_any, say, shipped, skip,
    stdout, temp_dir,
};
use crate::{dist, environment, pip};

/// What the tools are pinned to.
const CONSTRAINTS: &str = "tests/package/constraints.txt";

/// Variables that tell a build of folders and flags, by how they begin.
const BUILD_VARIABLES: [&str; 14] = [
    "CFLAGS",
    "CMAKE",
    "CPATH",
    "CPLUS_",
    "CPPFLAGS",
    "CXXFLAGS",
    "C_INCLUDE_PATH",
    "LDFLAGS",
    "LD_",
    "LIBRARY_PATH",
    "MAKE",
    "PKG_CONFIG",
    "PYBUFFER",
    "libpybuffer",
];

/// A command to whom no variable says where a library or a header is.
fn isolated(program: impl AsRef<Path>) -> Command {
    let mut command = command_without_settings(program.as_ref());
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if BUILD_VARIABLES.iter().any(|start| name.starts_with(start)) {
            command.env_remove(&*name);
        }
    }
    command.current_dir("/");
    command
}

/// The compiler must not find the library by itself, or nothing is told by a project that is built.
static COMPILER_IS_UNAWARE: LazyLock<Result<(), String>> = LazyLock::new(|| {
    let folder = temp_dir("projects-unaware");
    let source = folder.join("unaware.c");
    fs::write(&source, "#if __has_include(<libpybuffer.h>)\n#error it is there\n#endif\n").unwrap();
    let compiler = cc();
    let output = run_any(
        isolated(compiler.get_program())
            .args(compiler.get_args())
            .arg("-fsyntax-only")
            .arg(&source),
    );
    match output.status.success() {
        true => Ok(()),
        false => Err("libpybuffer.h is installed here: the compiler finds it by itself".into()),
    }
});

/// A copy of an example project outside of the repository, so that no build finds a file of it on the way to the root.
struct Copy {
    folder: PathBuf,
    /// Where the project is; beside it there is room for what is made of it.
    project: PathBuf,
}

impl Copy {
    fn of(name: &str, label: &str) -> Self {
        let folder = format!("libpybuffer-{}-{name}-{label}", std::process::id());
        let folder = env::temp_dir().join(folder);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let project = folder.join(name);
        let example = shipped().root.join("examples").join(name);
        run(Command::new("cp").arg("-r").arg(example).arg(&project));
        // Somebody may have built it in place.
        for left in ["build", "target"] {
            let _ = fs::remove_dir_all(project.join(left));
        }
        Self { folder, project }
    }
}

impl Drop for Copy {
    /// After a failure it stays for a look.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The oldest CPython that a project is for.
fn oldest_for(name: &str) -> (u8, u8) {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Project {
        requires_python: String,
    }
    let file = shipped().root.join("examples").join(name).join("pyproject.toml");
    let text = fs::read_to_string(&file).unwrap();
    let mut tables: BTreeMap<String, toml::Value> = toml::from_str(&text).unwrap();
    let project: Project = tables.remove("project").unwrap().try_into().unwrap();
    let version = project.requires_python.strip_prefix(">=").expect(">=3.x");
    let (major, minor) = version.split_once('.').unwrap();
    (major.parse().unwrap(), minor.parse().unwrap())
}

/// CPythons that extensions are commonly built for: release builds with a GIL and a `Python.h`.
fn builders() -> impl DoubleEndedIterator<Item = &'static Python> {
    pythons().iter().filter(|python| {
        !python.debug
            && !python.free_threaded
            && python.include.is_some()
            && run_any(python.command().args(["-m", "pip", "--version"])).status.success()
    })
}

/// The oldest that a project is for, and the newest.
fn oldest_and_newest(name: &str) -> Vec<&'static Python> {
    let mut able = builders().filter(|python| python.minor() >= oldest_for(name));
    let (oldest, newest) = (able.next(), able.next_back());
    oldest.into_iter().chain(newest).collect()
}

/// The wheel for CPythons with a GIL.
fn library() -> PathBuf {
    let wheels = fs::read_dir(dist()).unwrap().map(|entry| entry.unwrap().path());
    let is_abi3 = |path: &PathBuf| path.display().to_string().contains("-abi3-");
    wheels.into_iter().find(is_abi3).expect("make wheel makes one for CPythons with a GIL")
}

/// A file of constraints that pins the tools, and libpybuffer to the wheel just made.
fn constraints(folder: &Path) -> PathBuf {
    let file = folder.join("constraints.txt");
    let pins = fs::read_to_string(shipped().root.join(CONSTRAINTS)).unwrap();
    let wheel = format!("libpybuffer @ file://{}\n", library().display());
    fs::write(&file, pins + &wheel).unwrap();
    file
}

/// Builds a project's wheel, as `pip wheel` does for everybody: from a build environment of its own.
fn build(copy: &Copy, python: &Python, cflags: &str) -> PathBuf {
    let constraints = constraints(&copy.folder);
    let made = copy.folder.join("made");
    let mut command = isolated(&python.exe);
    command
        .args(["-m", "pip", "wheel", "--disable-pip-version-check", "--no-deps", "--wheel-dir"])
        .arg(&made)
        .arg(&copy.project)
        // pip from 25.3 on reads the second one.
        .env("PIP_CONSTRAINT", &constraints)
        .env("PIP_BUILD_CONSTRAINT", &constraints)
        .env("MATURIN_PEP517_ARGS", "--locked");
    if !cflags.is_empty() {
        command.env("CFLAGS", cflags);
    }
    run(&mut command);
    let mut made = fs::read_dir(made).unwrap().map(|entry| entry.unwrap().path());
    made.next().expect("pip wheel says that it made one")
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

/// Builds a project, installs it where nothing else is, and looks whose code runs.
fn check_in(name: &str, python: &Python) {
    let start = Instant::now();
    let copy = Copy::of(name, &python.label);
    let wheel = build(&copy, python, "");
    let environment = environment(python, name).expect("python -m venv");
    pip(&environment, &["install", "--no-index", wheel.to_str().unwrap()]);
    check(&mut command_without_settings(environment.join("bin/python")), &python.label);

    let unpacked = temp_dir(&format!("projects-{name}-{}-unpacked", python.label));
    run(python.command().args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&unpacked));
    check_names(&unpacked);
    let mut served = vec![&*python.label];
    for other in others(&wheel, python) {
        check(other.command().env("PYTHONPATH", &unpacked), &other.label);
        served.push(&other.label);
    }
    say(&format!("{name}: {} ({} s)", served.join(" "), start.elapsed().as_secs()));
}

/// Builds an example project for two pythons, if it can be done here.
fn check_project(name: &str) {
    if let Err(why) = &*COMPILER_IS_UNAWARE {
        return skip(name, why);
    }
    let pythons = oldest_and_newest(name);
    if pythons.is_empty() {
        skip(name, "no CPython that it is for has a Python.h and pip");
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
        return skip("cmake-c", "no CPython with pip brings CMake and the wheel");
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
        let copy = Copy::of("cmake-c", way);
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
        return skip("declarations_for_cython", "no CPython has a Python.h and pip");
    };
    let root = &shipped().root;
    let declarations = root.join("python/libpybuffer/__init__.pxd");
    let module =
        run(python.command().arg(root.join("tests/package/declarations.py")).arg(declarations));
    let copy = Copy::of("cython", "declarations");
    fs::write(copy.project.join("transpose.pyx"), &module.stdout).unwrap();
    build(&copy, python, "-Werror=incompatible-pointer-types -Werror=discarded-qualifiers");
}
