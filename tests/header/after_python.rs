//! The header after the Python.h of every CPython found.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::compile::{Language, Unit, assert_none, include};
use crate::manifest::{Kind, Manifest};
use crate::readelf::dynamic_symbols;
use crate::support::{Python, cc, printed, pythons, run, run_any, skip, stdout, temp_dir};

/// Macros that choose the limited APIs of a CPython: none; the two sides of the version from which on
/// it has `Py_buffer`; the one for free-threaded and other builds alike.
fn limited_apis(python: &Python) -> Vec<&'static [&'static str]> {
    let mut chosen: Vec<&[&str]> = vec![&[]];
    if !python.free_threaded {
        chosen.extend([&["Py_LIMITED_API=0x03080000"], &["Py_LIMITED_API=0x030b0000"] as &[_]]);
    }
    if python.minor() >= (3, 15) {
        chosen.push(&["Py_TARGET_ABI3T=0x030f0000"]);
    }
    chosen
}

fn with_headers(test: &str) -> Vec<&'static Python> {
    let found: Vec<_> = pythons().iter().filter(|python| python.include.is_some()).collect();
    if found.is_empty() {
        skip(test, "no CPython with a Python.h was found");
    }
    found
}

#[test]
fn header_after_python_h_compiles_with_every_limited_api() {
    let mut complaints = Vec::new();
    for python in with_headers("header_after_python_h_compiles_with_every_limited_api") {
        for limited in limited_apis(python) {
            for redirect in [&[] as &[&str], &["PYBUFFER_REDIRECT"]] {
                for language in Language::ALL {
                    let defines = [limited, redirect].concat();
                    let source = "after_python.c";
                    let unit = Unit { source, language, defines, python: Some(python) };
                    complaints.extend(unit.complaints());
                }
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn redirect_leaves_no_call_of_a_function_that_libpython_has() {
    let manifest = Manifest::read();
    let of_kind = |kind| manifest.of_kind(kind).map(String::from).collect::<BTreeSet<_>>();
    let (drop_ins, twins) = (of_kind(Kind::DropIn), of_kind(Kind::Twin));
    let macros = of_kind(Kind::Macro);
    for python in with_headers("redirect_leaves_no_call_of_a_function_that_libpython_has") {
        for limited in limited_apis(python) {
            let called = called(python, &[limited, &["PYBUFFER_REDIRECT"]].concat());
            assert!(called.is_disjoint(&drop_ins), "{}: {called:?}", python.label);
            assert!(called.is_superset(&twins), "{}: {called:?}", python.label);

            let called = self::called(python, limited);
            assert!(called.is_disjoint(&twins), "{}: {called:?}", python.label);
            let missing: Vec<_> = drop_ins.difference(&called).map(String::as_str).collect();
            // A macro of 3.8's own, where its limited API does not withhold it.
            let is_macro = python.minor() == (3, 8) && limited.is_empty();
            let expected: &[&str] = if is_macro { &["PyObject_CheckBuffer"] } else { &[] };
            assert_eq!(missing, expected, "{} {limited:?}", python.label);
            // Macros of Python.h's, but two that no limited API has.
            let calls_fields = ["PyMemoryView_GET_BASE", "PyMemoryView_GET_BUFFER"];
            let found: Vec<_> = macros.intersection(&called).map(String::as_str).collect();
            let expected: &[&str] = if limited.is_empty() { &[] } else { &calls_fields };
            assert_eq!(found, expected, "{} {limited:?}", python.label);
        }
    }
}

/// The functions that `after_python.c` calls once it is compiled.
fn called(python: &Python, defines: &[&str]) -> BTreeSet<String> {
    let library = temp_dir("header-called").join("after_python.so");
    let mut compiler = cc();
    let defines = defines.to_vec();
    Unit { source: "after_python.c", language: Language::C11, defines, python: Some(python) }
        .arguments(&mut compiler);
    run(compiler.args(["-shared", "-fPIC", "-o"]).arg(&library));
    dynamic_symbols(&library)
        .into_iter()
        .filter(|symbol| !symbol.is_defined)
        .map(|symbol| symbol.name)
        .collect()
}

#[test]
fn flags_are_those_of_python_h() {
    let ours = flag_names(cc().arg("-I").arg(include()), "libpybuffer.h");
    assert!(ours.contains("PyBUF_FULL_RO"), "{ours:?}");
    for python in with_headers("flags_are_those_of_python_h") {
        let theirs = flag_names(cc().arg("-I").arg(python.include.as_ref().unwrap()), "Python.h");
        assert_eq!(ours, theirs, "libpybuffer.h (left) and Python.h of {} (right)", python.label);
    }
}

/// The names of the `PyBUF_*` macros that are defined once a header is included.
fn flag_names(compiler: &mut Command, header: &str) -> BTreeSet<String> {
    let unit = temp_dir(&format!("header-flags-{header}")).join("unit.c");
    fs::write(&unit, format!("#include <{header}>\n")).unwrap();
    let macros = stdout(&run(compiler.args(["-E", "-dM"]).arg(unit)));
    macros
        .lines()
        .filter_map(|line| line.strip_prefix("#define ")?.split_whitespace().next())
        .filter(|name| name.starts_with("PyBUF_"))
        .map(String::from)
        .collect()
}

#[test]
fn python_h_after_the_header_fails_and_says_why() {
    let unit = temp_dir("header-order").join("unit.c");
    fs::write(&unit, "#include <libpybuffer.h>\n#include <Python.h>\n").unwrap();
    for python in with_headers("python_h_after_the_header_fails_and_says_why") {
        let mut compiler = cc();
        compiler.arg("-I").arg(include()).arg("-I").arg(python.include.as_ref().unwrap());
        let output = run_any(compiler.arg("-fsyntax-only").arg(&unit));
        assert!(!output.status.success(), "{}", python.label);
        let said = printed(&output);
        assert!(said.contains("Python.h comes before libpybuffer.h"), "{}: {said}", python.label);
    }
}

#[test]
fn header_refuses_pypy() {
    let unit = temp_dir("header-pypy").join("unit.c");
    // What PyPy's Python.h defines besides CPython's.
    let text = "#define Py_PYTHON_H\n#define PYPY_VERSION \"8.0.0\"\n#include <libpybuffer.h>\n";
    fs::write(&unit, text).unwrap();
    let output = run_any(cc().arg("-I").arg(include()).arg("-fsyntax-only").arg(&unit));
    assert!(!output.status.success());
    let said = printed(&output);
    assert!(said.contains("libpybuffer is for CPython"), "{said}");
}
