//! The header without a Python.

use std::process::Command;

use super::compile::{Language, Unit, assert_none, source};
use crate::support::{printed, pythons, run, run_any, shipped, stdout, temp_dir};

const REDIRECT: [&[&str]; 2] = [&[], &["PYBUFFER_REDIRECT"]];

#[test]
fn header_alone_compiles_in_every_language() {
    let mut complaints = Vec::new();
    for defines in REDIRECT {
        for language in Language::ALL {
            let source = if language == Language::Cxx17 { "exporter.cpp" } else { "standalone.c" };
            let defines = [defines, &["STANDALONE"]].concat();
            let unit = Unit { source, language, defines, python: None };
            complaints.extend(unit.complaints());
        }
    }
    assert_none(&complaints);
}

#[test]
fn redirect_that_comes_too_late_is_an_error() {
    let file = temp_dir("header-late-redirect").join("late.c");
    let text = "#include <libpybuffer.h>\n#define PYBUFFER_REDIRECT\n#include <libpybuffer.h>\n";
    std::fs::write(&file, text).unwrap();
    let mut compiler = Language::C11.compilers().swap_remove(0);
    compiler.arg("-fsyntax-only").arg("-I").arg(&shipped().include).arg(&file);
    let output = run_any(&mut compiler);
    assert!(!output.status.success());
    assert!(printed(&output).contains("define PYBUFFER_REDIRECT before"), "{}", printed(&output));
}

#[test]
fn macros_without_python_do_what_python_h_says() {
    assert_eq!(run_program("standalone.c", Language::C99, &[]), "");
    assert_eq!(run_program("standalone.c", Language::C11, &["PYBUFFER_REDIRECT"]), "");
}

#[test]
fn exporter_in_cxx_works_without_python() {
    assert_eq!(run_program("exporter.cpp", Language::Cxx17, &[]), "");
}

#[test]
fn exporter_in_cxx_compiles_against_python_h_alike() {
    let mut complaints = Vec::new();
    for python in pythons().iter().filter(|python| python.include.is_some()) {
        let unit = Unit {
            source: "exporter.cpp",
            language: Language::Cxx17,
            defines: vec![],
            python: Some(python),
        };
        complaints.extend(unit.complaints());
    }
    assert_none(&complaints);
}

/// Builds a program, links it to the shared library, and runs it; what it prints are its complaints.
fn run_program(name: &str, language: Language, defines: &[&str]) -> String {
    let dir = temp_dir(&format!("header-{name}-{language:?}-{}", defines.len()));
    let program = dir.join("program");
    let defines = [defines, &["STANDALONE"]].concat();
    let mut compiler = language.compilers().swap_remove(0);
    Unit { source: name, language, defines, python: None }.arguments(&mut compiler);
    compiler.args(["-g", "-o"]).arg(&program).args(["-xnone"]).arg(&shipped().so);
    compiler.arg(format!("-Wl,-rpath,{}", shipped().lib_dir.display()));
    run(&mut compiler);
    let output = run_any(&mut Command::new(&program));
    assert!(
        output.status.success(),
        "{}: {}\n{}",
        source(name).display(),
        output.status,
        printed(&output)
    );
    stdout(&output)
}
