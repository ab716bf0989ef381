//! The C compiler's own word: `_Static_assert` on every offset, size, flag and signature.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::compare::{Exceptions, include, with_headers};
use super::rust::{Layout, flags, layouts};
use crate::manifest::{Kind, Manifest};
use crate::support::{cc, printed, run_any, temp_dir};

/// Asserts the Rust types' layouts and flags; after a struct's head all is relative to that head, which
/// is another one in a free-threaded CPython.
fn layout_asserts(except: &Exceptions) -> String {
    let layouts = layouts();
    let mut text = String::new();
    let head = layouts.iter().find(|layout| layout.name == "PyObject").unwrap().size;
    for layout in layouts.iter().filter(|layout| layout.name != "PyObject" || !except.head) {
        let follows_head = ["PyVarObject", "PyTypeObject"].contains(&layout.name);
        text += &struct_asserts(layout, if follows_head { head } else { 0 });
    }
    for (name, value) in flags() {
        text += &assertion(name, &format!("{name} == {value}"));
    }
    text
}

/// Asserts the layouts of structs without a head.
pub fn layout_asserts_of(layouts: &[Layout]) -> String {
    layouts.iter().map(|layout| struct_asserts(layout, 0)).collect()
}

fn assertion(what: &str, claim: &str) -> String {
    format!("_Static_assert({claim}, \"{what}: {claim}\");\n")
}

/// Asserts the layout of a struct, behind a head of so many bytes in Rust.
fn struct_asserts(layout: &Layout, head: usize) -> String {
    let name = layout.name;
    let from = if head > 0 { " - sizeof(PyObject)" } else { "" };
    let mut text = String::new();
    for &(field, offset) in layout.fields.iter().filter(|(field, _)| *field != "ob_base") {
        text += &assertion(field, &format!("offsetof({name}, {field}){from} == {}", offset - head));
    }
    // libpybuffer ends PyTypeObject early.
    let relation = if name == "PyTypeObject" { ">=" } else { "==" };
    text + &assertion(name, &format!("sizeof({name}){from} {relation} {}", layout.size - head))
}

/// Asserts that Python.h declares each drop-in as our header declares its twin.
fn signature_asserts(except: &Exceptions) -> String {
    let manifest = Manifest::read();
    let names: Vec<&str> = manifest
        .of_kind(Kind::DropIn)
        .filter(|&name| !except.ignored.iter().any(|ignored| ignored == name))
        .filter(|&name| !except.undeclared.iter().any(|undeclared| undeclared == name))
        .collect();
    let mut text = String::new();
    for name in &names {
        writeln!(text, "typedef __typeof__({name}) python_{name};").unwrap();
    }
    text.push_str("#define PYBUFFER_REDIRECT\n#include <libpybuffer.h>\n");
    for name in &names {
        // Where they may differ in `const` they do; what else they are, bindgen has compared.
        let not = if except.constness.iter().any(|other| other == name) { "!" } else { "" };
        writeln!(
            text,
            "_Static_assert({not}__builtin_types_compatible_p(python_{name}, \
             __typeof__(pybuffer_{name})), \"{name}: the signature\");"
        )
        .unwrap();
    }
    text
}

/// The assertions that do not hold.
pub fn failed(unit: &str, folder: &Path, name: &str) -> Vec<String> {
    let file = temp_dir(&format!("abi-c-{name}")).join("unit.c");
    fs::write(&file, unit).unwrap();
    let mut compiler = cc();
    compiler.args(["-std=gnu11", "-fsyntax-only", "-w", "-I"]).arg(folder).arg("-I");
    let output = run_any(compiler.arg(include()).arg(&file));
    if output.status.success() {
        return vec![];
    }
    let said = printed(&output);
    let failed: Vec<String> = said
        .lines()
        .filter_map(|line| line.split_once("error: "))
        .filter(|(_, error)| error.contains("static_assert") || error.contains("static assertion"))
        .map(|(_, error)| format!("{name}: {error}"))
        .collect();
    assert!(!failed.is_empty(), "{} does not compile:\n{said}", file.display());
    failed
}

#[test]
fn layouts_and_signatures_agree_with_every_python_h() {
    let mut all = Vec::new();
    for python in with_headers("layouts_and_signatures_agree_with_every_python_h") {
        let except = Exceptions::of(python);
        let unit = format!(
            "#include <Python.h>\n#include <stddef.h>\n{}{}",
            signature_asserts(&except),
            // Behind our header, which has structs of its own.
            layout_asserts(&except)
        );
        all.extend(failed(&unit, python.include.as_ref().unwrap(), &python.label));
    }
    assert!(all.is_empty(), "the C compiler finds:\n{}", all.join("\n"));
}

#[test]
fn layouts_agree_with_the_header() {
    let asserts = layout_asserts(&Exceptions::default());
    let unit = format!("#include <libpybuffer.h>\n#include <stddef.h>\n{asserts}");
    let found = failed(&unit, &include(), "libpybuffer.h");
    assert!(found.is_empty(), "the C compiler finds:\n{}", found.join("\n"));
}

#[test]
fn every_wrong_assertion_is_reported_at_once() {
    let asserts = layout_asserts(&Exceptions::default());
    let wrong = asserts
        .replace("PyBUF_WRITE ==", "1 +")
        .replace("offsetof(Py_buffer", "1 + offsetof(Py_buffer");
    let found = failed(
        &format!("#include <libpybuffer.h>\n#include <stddef.h>\n{wrong}"),
        &include(),
        "wrong",
    );
    assert_eq!(found.len(), 11, "the 11 members of Py_buffer: {found:#?}");
}
