//! `make`, `make install` and `make uninstall`, and a C program that finds the library by pkg-config.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::support::{cc, pkg_config_in, printed, run, run_any, shipped, skip, stdout, temp_dir};

/// A consumer without any Python.
const PROGRAM: &str = r#"
#include <libpybuffer.h>
#include <stdio.h>

int main(void)
{
    char text[] = "copied", copy[sizeof text];
    Py_buffer view;
    if (PyBuffer_FillInfo(&view, NULL, text, sizeof text, 1, PyBUF_FULL_RO) != 0)
        return 1;
    if (PyBuffer_ToContiguous(copy, &view, view.len, 'C') != 0)
        return 2;
    PyBuffer_Release(&view);
    printf("%s %s %s\n", pybuffer_version(), pybuffer_runtime(), copy);
    return 0;
}
"#;

/// What it prints.
const PRINTED: &str = concat!(env!("CARGO_PKG_VERSION"), " standalone copied\n");

/// Builds the program as a user would and runs it; the shared library is found in `lib_dir`.
fn build_and_run(name: &str, package: &str, pkgconfig: &Path, lib_dir: &Path) {
    let dir = temp_dir(name);
    let source = dir.join("program.c");
    fs::write(&source, PROGRAM).unwrap();
    let flags = pkg_config_in(pkgconfig, ["--cflags", "--libs", package]);
    let program = dir.join("program");
    run(cc().arg(&source).args(flags).arg("-o").arg(&program));
    let output = run(Command::new(&program).env("LD_LIBRARY_PATH", lib_dir));
    assert_eq!(stdout(&output), PRINTED);
    // The static one must need no library of ours at run time, the shared one must.
    let needed = super::readelf::dynamic(&program, "NEEDED");
    let is_shared = needed.iter().any(|library| library.starts_with("libpybuffer.so."));
    assert_eq!(is_shared, package == "pybuffer", "{needed:?}");
}

pub fn has_pkg_config(test: &str) -> bool {
    let found = Command::new("pkg-config").arg("--version").output().is_ok();
    if !found {
        skip(test, "pkg-config is not installed");
    }
    found
}

#[test]
fn program_links_in_place() {
    if has_pkg_config("program_links_in_place") {
        let shipped = shipped();
        for package in ["pybuffer", "pybuffer-static"] {
            build_and_run("in-place", package, &shipped.pkgconfig, &shipped.lib_dir);
        }
    }
}

#[test]
fn program_links_after_install() {
    if has_pkg_config("program_links_after_install") {
        let prefix = temp_dir("prefix");
        let lib_dir = prefix.join("lib/odd-triplet");
        make_install("install", None, &prefix, &lib_dir);
        for package in ["pybuffer", "pybuffer-static"] {
            build_and_run("installed", package, &lib_dir.join("pkgconfig"), &lib_dir);
        }
    }
}

#[test]
fn install_under_destdir_is_the_same_tree() {
    let (prefix, dest) = (Path::new("/opt/pybuffer"), temp_dir("dest"));
    let lib_dir = prefix.join("lib64");
    make_install("install", Some(&dest), prefix, &lib_dir);
    let names: Vec<String> =
        tree(&dest).into_keys().map(|path| path.display().to_string()).collect();
    // Man pages are there if they were built.
    let names: Vec<_> = names.iter().filter(|name| !name.contains("/share/man/")).collect();
    let shared = concat!("libpybuffer.so.", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        names,
        [
            "opt/pybuffer/bin/pybuffer-run",
            "opt/pybuffer/include/libpybuffer.h",
            "opt/pybuffer/lib64/cmake/libpybuffer/libpybuffer-config-version.cmake",
            "opt/pybuffer/lib64/cmake/libpybuffer/libpybuffer-config.cmake",
            "opt/pybuffer/lib64/libpybuffer-static.a",
            "opt/pybuffer/lib64/libpybuffer.a",
            "opt/pybuffer/lib64/libpybuffer.so",
            "opt/pybuffer/lib64/libpybuffer.so.0",
            &format!("opt/pybuffer/lib64/{shared}"),
            "opt/pybuffer/lib64/pkgconfig/pybuffer-static.pc",
            "opt/pybuffer/lib64/pkgconfig/pybuffer.pc",
            "opt/pybuffer/lib64/pybuffer/libpybuffer-audit.so",
            "opt/pybuffer/lib64/pybuffer/pybuffer-run",
            "opt/pybuffer/share/doc/libpybuffer/CHANGELOG.md",
            "opt/pybuffer/share/doc/libpybuffer/LICENSE",
            "opt/pybuffer/share/doc/libpybuffer/LICENSE-APACHE",
            "opt/pybuffer/share/doc/libpybuffer/LICENSE-CRATES",
            "opt/pybuffer/share/doc/libpybuffer/LICENSE-MIT",
            "opt/pybuffer/share/doc/libpybuffer/README.md",
            "opt/pybuffer/share/doc/libpybuffer/examples/cmake-c/CMakeLists.txt",
            "opt/pybuffer/share/doc/libpybuffer/examples/cmake-c/transpose.c",
            "opt/pybuffer/share/doc/libpybuffer/examples/image.c",
            "opt/pybuffer/share/doc/libpybuffer/examples/parallel/jthread.cpp",
            "opt/pybuffer/share/doc/libpybuffer/examples/parallel/openmp.c",
            "opt/pybuffer/share/doc/libpybuffer/examples/parallel/pthreads.c",
        ]
    );
    for package in ["pybuffer", "pybuffer-static"] {
        let file = dest.join(format!("opt/pybuffer/lib64/pkgconfig/{package}.pc"));
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains("prefix=/opt/pybuffer\n"), "{text}");
        assert!(text.contains("libdir=${prefix}/lib64\n"), "{text}");
        assert!(!text.contains(&*dest.to_string_lossy()) && !text.contains('@'), "{text}");
    }
}

#[test]
fn install_of_what_was_built_needs_no_rust_nor_the_same_flags() {
    shipped();
    // As root would call it: another environment, and often no toolchain.
    let dest = temp_dir("as-root");
    let mut install = make(&["install", "CARGO=not-on-this-machine", "LDFLAGS=-Wl,--none"]);
    run(install.arg(format!("DESTDIR={}", dest.display())));
    assert!(dest.join("usr/local/lib/libpybuffer.so").is_file());
}

#[test]
fn uninstall_leaves_what_others_installed_and_nothing_else() {
    let prefix = temp_dir("shared-prefix");
    let lib_dir = prefix.join("lib");
    fs::create_dir_all(lib_dir.join("pkgconfig")).unwrap();
    for other in ["libother.so", "libpybuffer-other.a", "pkgconfig/other.pc"] {
        fs::write(lib_dir.join(other), "of another package").unwrap();
    }
    fs::create_dir_all(prefix.join("share/doc/libpybuffer/examples")).unwrap();
    fs::write(prefix.join("share/doc/libpybuffer/examples/mine.c"), "of the user").unwrap();
    let before = tree(&prefix);
    make_install("install", None, &prefix, &lib_dir);
    assert!(tree(&prefix).len() > before.len(), "nothing was installed");
    make_install("uninstall", None, &prefix, &lib_dir);
    assert_eq!(tree(&prefix), before);
}

#[test]
fn parallel_make_builds_all_and_again_nothing() {
    let build = temp_dir("fresh-build");
    let make = || run(make(&["-j4", "lib"]).arg(format!("BUILD={}", build.display())));
    make();
    let made = tree(&build.join("lib"));
    assert_eq!(made.len(), 11, "{:?}", made.keys());
    make();
    assert_eq!(tree(&build.join("lib")), made, "a second make built again");
    fs::remove_file(build.join("lib/libpybuffer.so.0")).unwrap();
    make();
    let links_lead_to_it = fs::canonicalize(build.join("lib/libpybuffer.so"));
    assert!(links_lead_to_it.is_ok(), "a removed link was not made again");
}

#[test]
fn help_lists_every_target() {
    let makefile = fs::read_to_string(shipped().root.join("Makefile")).unwrap();
    let listed = stdout(&run(&mut make(&["help"])));
    let targets: Vec<&str> =
        makefile.lines().filter_map(|line| line.strip_prefix(".PHONY: ")).collect();
    assert!(targets.contains(&"lib"), "{targets:?}");
    for target in targets {
        assert!(listed.contains(&format!("  make {target} ")), "no {target} in\n{listed}");
    }
}

#[test]
fn missing_tool_is_named() {
    for (variable, tool) in [("CARGO", "Rust"), ("CC", "a C compiler")] {
        let build = temp_dir(&format!("without-{variable}"));
        let output = run_any(make(&["lib"]).args([
            format!("BUILD={}", build.display()),
            format!("{variable}=not-on-this-machine"),
        ]));
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains(&format!("libpybuffer: not-on-this-machine is missing: {tool}")),
            "{}",
            printed(&output)
        );
    }
}

#[test]
fn relative_prefix_is_refused() {
    for setting in ["PREFIX=not/from/root", "PREFIX=~/home", "LIBDIR=lib"] {
        let output = run_any(make(&["install"]).arg(setting).arg("DESTDIR=/nowhere"));
        assert!(!output.status.success(), "{setting}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("is relative, and pybuffer.pc would name it so"), "{said}");
    }
}

/// The whole of it in folders whose names a shell and make take apart.
#[test]
fn sources_and_prefix_with_spaces_build_install_and_link() {
    let test = "sources_and_prefix_with_spaces_build_install_and_link";
    let root = temp_dir("sources with spaces");
    copy_what_is_built_from(&root);
    let make = |args: &[&str]| {
        let mut command = make(args);
        run(command.current_dir(&root))
    };
    // Both archives are there, as copied; the rest is linked anew, in this folder.
    make(&["lib"]);
    let demo = stdout(&make(&["demo"]));
    assert!(demo.contains("PyBuffer_ToContiguous(buf, view, 384, 'C'): row after row"), "{demo}");
    assert!(demo.contains("times as fast") || demo.contains("its own copy of libpython"), "{demo}");

    // As in a tarball.
    fs::create_dir_all(root.join("man/man3")).unwrap();
    fs::write(root.join("man/man3/libpybuffer.3"), ".TH libpybuffer 3\n").unwrap();
    let prefix = temp_dir("prefix & #1 (spaces)");
    let setting = format!("PREFIX={}", prefix.display());
    make(&["install", &setting]);
    assert!(prefix.join("share/man/man3/libpybuffer.3").is_file());
    if has_pkg_config(test) {
        let pkgconfig = prefix.join("lib/pkgconfig");
        for package in ["pybuffer", "pybuffer-static"] {
            build_and_run("installed with spaces", package, &pkgconfig, &prefix.join("lib"));
            let in_place = root.join("build/lib");
            build_and_run("in place with spaces", package, &in_place.join("pkgconfig"), &in_place);
            let moved = ["--define-variable=prefix=/moved", "--cflags", "--libs", package];
            let flags = pkg_config_in(&pkgconfig, moved);
            assert_eq!(flags[..2], ["-I/moved/include", "-L/moved/lib"], "{flags:?}");
        }
    }
    make(&["uninstall", &setting]);
    assert!(tree(&prefix).is_empty(), "{:?}", tree(&prefix));
}

/// Copies sources and archives, with their times, so that cargo has nothing to do.
fn copy_what_is_built_from(folder: &Path) {
    let copy = |from: &[&str], to: &Path| {
        fs::create_dir_all(to).unwrap();
        let from = from.iter().map(|name| shipped().root.join(name));
        run(Command::new("cp").arg("-a").args(from).arg(to));
    };
    copy(&["Makefile", "Cargo.toml", "Cargo.lock", "build.rs", "abi", "src", "run"], folder);
    copy(&["include", "packaging", "examples", "tools"], folder);
    copy(&["LICENSE", "LICENSE-APACHE", "LICENSE-CRATES", "LICENSE-MIT", "CHANGELOG.md"], folder);
    copy(&["build/flags"], &folder.join("build"));
    copy(&["build/lib/libpybuffer.a"], &folder.join("build/lib"));
    copy(&["build/cargo/libpybuffer_run.a"], &folder.join("build/cargo"));
}

/// Runs `make install` or `make uninstall`.
pub fn make_install(target: &str, dest: Option<&Path>, prefix: &Path, lib_dir: &Path) {
    shipped();
    let mut command = make(&[target]);
    command.arg(format!("PREFIX={}", prefix.display()));
    command.arg(format!("LIBDIR={}", lib_dir.display()));
    if let Some(dest) = dest {
        command.arg(format!("DESTDIR={}", dest.display()));
    }
    run(&mut command);
}

fn make(args: &[&str]) -> Command {
    let mut command = Command::new("make");
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    for of_the_make_that_runs_this_test in [
        "MAKEFLAGS",
        "MAKELEVEL",
        "PREFIX",
        "LIBDIR",
        "BINDIR",
        "INCLUDEDIR",
        "MANDIR",
        "DOCDIR",
        "DESTDIR",
    ] {
        command.env_remove(of_the_make_that_runs_this_test);
    }
    command
}

/// The files and links below a folder, each with what tells whether it was touched.
fn tree(root: &Path) -> BTreeMap<PathBuf, (SystemTime, u64)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let about = fs::symlink_metadata(&path).unwrap();
            if about.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_owned();
                found.insert(name, (about.modified().unwrap(), about.len()));
            }
        }
    }
    found
}
