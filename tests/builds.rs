//! Extension modules as build systems make them, which read the `.pc` files of an installed library each in its
//! own way: whose functions run in the end? One module for CPython's stable ABI (`tests/builds/built.c`) is built
//! by each and loaded into every python.
//!
//! The build systems come from PyPI, at the versions of `tests/builds/requirements.txt`, into `build/packages`; of
//! CMake the one that the machine has is tried besides.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use support::{
    Python, cc, command_without_settings, packages, pkg_config, printed, pythons, run, run_any,
    shipped, skip, stdout, temp_dir,
};

/// What each build is given.
struct Setting {
    /// Where modules are built.
    folder: PathBuf,
    /// The folder of the `.pc` files, under an installed prefix with a space in its name.
    pkgconfig: PathBuf,
    /// The folder of a `Python.h`.
    include: PathBuf,
    /// A python that has the build systems.
    python: PathBuf,
}

impl Setting {
    /// A setting with a folder of its own; none, and the skip reported, if the build systems cannot be had.
    fn new(test: &str) -> Option<Self> {
        let tools = match &*TOOLS {
            Ok(tools) => tools,
            Err(why) => {
                skip(test, why);
                return None;
            }
        };
        let folder = temp_dir(&format!("builds with {test}"));
        Some(Self {
            pkgconfig: install(&folder.join("a prefix")),
            folder,
            include: tools.include.clone(),
            python: tools.python.clone(),
        })
    }

    /// One of the tools of the virtual environment.
    fn tool(&self, name: &str) -> Command {
        self.with_library(self.python.with_file_name(name))
    }

    /// A command that finds the library, and the tools of the virtual environment after the machine's own.
    fn with_library(&self, program: impl AsRef<Path>) -> Command {
        let mut command = command_without_settings(program.as_ref());
        let path = std::env::var_os("PATH").unwrap_or_default();
        let tools = self.python.parent().unwrap().to_owned();
        let path = std::env::split_paths(&path).chain([tools]);
        command.env("PATH", std::env::join_paths(path).unwrap());
        command.env("PKG_CONFIG_PATH", &self.pkgconfig).current_dir(&self.folder);
        command
    }

    fn project(&self, name: &str) -> PathBuf {
        shipped().root.join("tests/builds").join(name)
    }

    fn option(&self, name: &str, value: &Path) -> String {
        format!("-D{name}={}", value.display())
    }
}

/// Installs the library and gives the folder of its `.pc` files.
fn install(prefix: &Path) -> PathBuf {
    run(Command::new("make")
        .arg("install")
        .arg(format!("PREFIX={}", prefix.display()))
        .current_dir(&shipped().root)
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL"));
    prefix.join("lib/pkgconfig")
}

struct Tools {
    python: PathBuf,
    include: PathBuf,
}

/// The build systems, in the newest python that they can be installed for.
static TOOLS: LazyLock<Result<Tools, String>> = LazyLock::new(|| {
    let mut why = "no CPython with a Python.h was found".to_owned();
    for python in pythons().iter().rev() {
        let Some(include) = python.include.clone() else { continue };
        match packages::python_with(python, "tests/builds/requirements.txt") {
            Ok(python) => return Ok(Tools { python, include }),
            Err(error) => why = format!("{}: {error}", python.label),
        }
    }
    Err(why)
});

/// Loads the modules into each python, of which some have a shared libpython and some contain theirs.
fn check(test: &str, modules: &[PathBuf]) {
    let mut wrong = String::new();
    for python in pythons() {
        let script = shipped().root.join("tests/builds/check.py");
        let output = run_any(python.command().arg(script).args(modules));
        if !output.status.success() || !output.stderr.is_empty() {
            wrong += &format!("CPython {}:\n{}", python.label, printed(&output));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let is_shared = |python: &Python| python.libpython.is_some();
    let n_shared = pythons().iter().filter(|python| is_shared(python)).count();
    if n_shared == 0 || n_shared == pythons().len() {
        skip(test, "the CPythons found are all of one kind: with a shared libpython, or without");
    }
}

#[test]
fn modules_of_cmake_run_the_library() {
    const TEST: &str = "modules_of_cmake_run_the_library";
    let Some(setting) = Setting::new("cmake") else { return };
    let no_space = install(&temp_dir("builds-no-space"));
    let mut modules = Vec::new();
    for (name, command) in
        [("PyPI's", setting.python.with_file_name("cmake")), ("own", "cmake".into())]
    {
        if name == "own" && Command::new(&command).arg("--version").output().is_err() {
            skip(TEST, "the machine has no cmake of its own (Debian: apt-get install cmake)");
            continue;
        }
        let build = setting.folder.join(name);
        let build_type = "-DCMAKE_BUILD_TYPE=Release";
        run(setting
            .with_library(&command)
            .args(["-G", "Ninja", build_type, "-S"])
            .arg(setting.project("cmake"))
            .arg("-B")
            .arg(&build)
            .arg(setting.option("SOURCE", &setting.project("built.c")))
            .arg(setting.option("PYTHON_INCLUDE", &setting.include))
            .arg(setting.option("NO_SPACE", &no_space))
            .arg(
                setting.option("libpybuffer_DIR", &setting.pkgconfig.join("../cmake/libpybuffer")),
            ));
        run(setting.with_library(&command).arg("--build").arg(&build));
        let ways = ["target", "libraries", "flags", "package", "redirected"];
        modules.extend(ways.map(|way| build.join(way).join("built.abi3.so")));
    }
    check(TEST, &modules);
}

#[test]
fn module_of_meson_runs_the_library() {
    let Some(setting) = Setting::new("meson") else { return };
    let build = setting.folder.join("build");
    run(setting
        .tool("meson")
        .arg("setup")
        .arg(setting.option("source", &setting.project("built.c")))
        .arg(setting.option("python_include", &setting.include))
        .arg(&build)
        .arg(setting.project("meson")));
    run(setting.tool("meson").args(["compile", "-C"]).arg(&build));
    check("module_of_meson_runs_the_library", &[build.join("built.abi3.so")]);
}

#[test]
fn module_of_setuptools_runs_the_library() {
    let Some(setting) = Setting::new("setuptools") else { return };
    run(setting
        .with_library(&setting.python)
        .arg(setting.project("setuptools/setup.py"))
        .args(["build_ext", "--build-lib", "build", "--build-temp", "objects"])
        .env("SOURCE", setting.project("built.c")));
    let module = setting.folder.join("build/built.abi3.so");
    check("module_of_setuptools_runs_the_library", &[module]);
}

#[test]
fn module_of_cargo_runs_the_library() {
    let Some(setting) = Setting::new("cargo") else { return };
    run(setting
        .with_library(env!("CARGO"))
        .args(["build", "--locked", "--quiet", "--manifest-path"])
        .arg(setting.project("rust/Cargo.toml"))
        .arg("--target-dir")
        .arg(setting.folder.join("target")));
    let module = setting.folder.join("built.abi3.so");
    fs::copy(setting.folder.join("target/debug/libbuilt.so"), &module).unwrap();
    check("module_of_cargo_runs_the_library", &[module]);
}

/// PyPI's pkgconf is of another line than the machine's pkg-config.
#[test]
fn pkgconf_and_pkg_config_read_a_prefix_with_a_space_alike() {
    let Some(setting) = Setting::new("pkgconf") else { return };
    let prefix = setting.folder.join("a prefix");
    for package in ["pybuffer", "pybuffer-static"] {
        for (moved, prefix) in [(None, prefix.as_path()), (Some("/moved"), Path::new("/moved"))] {
            let define = moved.map(|to| format!("--define-variable=prefix={to}"));
            let args = ["--cflags", "--libs", package];
            let expected = [
                format!("-I{}", prefix.join("include").display()),
                format!("-L{}", prefix.join("lib").display()),
                format!("-l{package}"),
            ];
            for program in [PathBuf::from("pkg-config"), setting.python.with_file_name("pkgconf")] {
                let output = run(setting.with_library(&program).args(&define).args(args));
                assert_eq!(shlex::split(&stdout(&output)).unwrap(), expected, "{program:?}");
            }
        }
    }
}

/// What a wheel with the tag `cp38-abi3` may import, as abi3audit sees it.
#[test]
fn module_for_the_stable_abi_imports_nothing_else() {
    let tools = match &*TOOLS {
        Ok(tools) => tools,
        Err(why) => return skip("module_for_the_stable_abi_imports_nothing_else", why),
    };
    let folder = temp_dir("builds-abi3");
    let archive = shipped().archive.display().to_string();
    let ways = [
        ("pybuffer-static", pkg_config(["--libs", "pybuffer-static"])),
        ("exclude-libs", vec![archive, "-Wl,--exclude-libs,libpybuffer.a".into()]),
    ];
    for (name, libs) in ways {
        let module = folder.join(format!("{name}.abi3.so"));
        run(cc()
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-I"])
            .arg(&tools.include)
            .arg("-I")
            .arg(&shipped().include)
            .arg(shipped().root.join("tests/builds/built.c"))
            .args(libs)
            .arg("-o")
            .arg(&module));
        run(command_without_settings(&tools.python)
            .args(["-m", "abi3audit", "--strict", "--assume-minimum-abi3", "3.8"])
            .arg(&module));
    }
}
