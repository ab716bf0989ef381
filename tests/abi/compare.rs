//! Our header and every Python.h, compared as clang sees them.

use std::fs;
use std::path::{Path, PathBuf};

use super::declared::{Declared, Field};
use super::libclang;
use crate::manifest::{Kind, Manifest};
use crate::support::{Python, pythons, skip, temp_dir};

/// Before 3.11 these lacked `const` before what they only read.
const CONST_FROM_3_11: [&str; 4] = [
    "PyBuffer_GetPointer",
    "PyBuffer_FromContiguous",
    "PyBuffer_ToContiguous",
    "PyMemoryView_FromBuffer",
];

/// From 3.13 on no header declares these, though libpython still has them.
const DECLARED_BEFORE_3_13: [&str; 4] = [
    "PyObject_AsCharBuffer",
    "PyObject_AsReadBuffer",
    "PyObject_AsWriteBuffer",
    "PyObject_CheckReadBuffer",
];

/// The folder of our header.
pub fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include")
}

/// The CPythons that have a Python.h.
pub fn with_headers(test: &str) -> Vec<&'static Python> {
    let found: Vec<_> = pythons().iter().filter(|python| python.include.is_some()).collect();
    if found.is_empty() {
        skip(test, "no CPython with a Python.h was found");
    }
    found
}

/// Where another header may differ from ours.
#[derive(Default)]
pub struct Exceptions {
    /// Functions whose pointers may differ in `const`.
    pub constness: Vec<String>,
    /// Functions that the other one must not declare.
    pub undeclared: Vec<String>,
    /// Functions that are not compared.
    pub ignored: Vec<String>,
    /// The head of an object may be another one; what follows it is compared relative to it.
    pub head: bool,
}

impl Exceptions {
    pub fn of(python: &Python) -> Self {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let manifest = Manifest::read();
        let is_later = |name: &&str| !manifest.symbols[*name].is_in(python);
        Self {
            constness: if python.minor() < (3, 11) { owned(&CONST_FROM_3_11) } else { vec![] },
            undeclared: if python.minor() < (3, 13) {
                vec![]
            } else {
                owned(&DECLARED_BEFORE_3_13)
            },
            // 3.8 has a macro PyObject_CheckBuffer, and declares a PyBuffer_SizeFromFormat that returns
            // int and is not there. What is a macro in Python.h has no type there.
            ignored: manifest
                .of_kind(Kind::DropIn)
                .filter(is_later)
                .chain(manifest.of_kind(Kind::Macro))
                .map(String::from)
                .collect(),
            head: python.free_threaded,
        }
    }
}

/// All that `theirs` has otherwise than `ours`.
pub fn differences(ours: &Declared, theirs: &Declared, except: &Exceptions) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: &str, ours: &str, theirs: &str| {
        if ours != theirs {
            found.push(format!("{what}: ours {ours}, theirs {theirs}"));
        }
    };

    for name in ours.constants.keys().chain(theirs.constants.keys()) {
        let text = |side: &Declared| format!("{:?}", side.constants.get(name));
        differ(name, &text(ours), &text(theirs));
    }
    for name in ["Py_ssize_t", "getbufferproc", "releasebufferproc", "destructor", "freefunc"] {
        let text = |side: &Declared| side.aliases.get(name).cloned().unwrap_or_default();
        differ(name, &text(ours), &text(theirs));
    }
    for (name, signature) in ours.functions.iter().filter(|(name, _)| name.starts_with("Py")) {
        let theirs = theirs.functions.get(name).map_or("not declared", String::as_str);
        if except.ignored.contains(name) {
            continue;
        } else if except.undeclared.contains(name) {
            differ(name, "not declared", theirs);
        } else if except.constness.contains(name) {
            differ(name, &signature.replace("*const", "*mut"), &theirs.replace("*const", "*mut"));
        } else {
            differ(name, signature, theirs);
        }
    }
    for name in ["Py_buffer", "PyBufferProcs", "PyObject", "PyVarObject", "PyTypeObject"] {
        if except.head && name == "PyObject" {
            continue;
        }
        // libpybuffer ends PyTypeObject early, and a union holds ob_refcnt from 3.12 on.
        let is_prefix = ["PyTypeObject", "PyObject"].contains(&name);
        let texts = |side: &Declared| layout(side, name, if is_prefix { ours } else { side });
        for (ours, theirs) in texts(ours).iter().zip(texts(theirs)) {
            differ(name, ours, &theirs);
        }
    }
    found.sort();
    found.dedup();
    found
}

/// A struct's members as far as `model` has them, one a text, and its size last if it is whole.
fn layout(side: &Declared, name: &str, model: &Declared) -> Vec<String> {
    let head = side.structs.get("PyObject").map_or(0, |head| head.size);
    let follows_head = !["Py_buffer", "PyBufferProcs", "PyObject"].contains(&name);
    let relative = |offset: u64| if follows_head { offset.saturating_sub(head) } else { offset };
    let Some(found) = side.structs.get(name) else { return vec!["not declared".to_owned()] };
    let mut texts = Vec::new();
    for wanted in &model.structs[name].fields {
        let is_wanted = |field: &&Field| field.name == wanted.name;
        let text = match found.fields.iter().find(is_wanted) {
            // Our void * stands for a slot that libpybuffer never looks at.
            Some(field) if wanted.type_ == "*mut c_void" && name == "PyTypeObject" => {
                format!("{} at {}", field.name, relative(field.offset))
            }
            Some(field) => {
                format!("{}: {} at {}", field.name, field.type_, relative(field.offset))
            }
            None if name == "PyObject" && wanted.name == "ob_refcnt" => {
                format!("{}: {} at {}", wanted.name, wanted.type_, wanted.offset)
            }
            None => format!("no {}", wanted.name),
        };
        texts.push(text);
    }
    if name != "PyTypeObject" {
        texts.push(format!("size {}", relative(found.size)));
    }
    texts
}

#[test]
fn declarations_agree_with_every_python_h() {
    let test = "declarations_agree_with_every_python_h";
    let pythons = with_headers(test);
    if !libclang::is_ready(test) {
        return;
    }
    let ours = Declared::by("libpybuffer.h", &include(), &[]);
    let mut all = Vec::new();
    for python in pythons {
        let theirs = Declared::by("Python.h", python.include.as_ref().unwrap(), &[]);
        let found = differences(&ours, &theirs, &Exceptions::of(python));
        all.extend(found.into_iter().map(|text| format!("{}: {text}", python.label)));
    }
    assert!(all.is_empty(), "libpybuffer.h differs from Python.h:\n{}", all.join("\n"));
}

#[test]
fn header_declares_the_manifest_and_nothing_else() {
    if !libclang::is_ready("header_declares_the_manifest_and_nothing_else") {
        return;
    }
    let manifest = Manifest::read();
    for (defines, kind) in [(&[] as &[&str], Kind::DropIn), (&["PYBUFFER_REDIRECT"], Kind::Twin)] {
        let declared = Declared::by("libpybuffer.h", &include(), defines);
        let names: Vec<&str> = declared.functions.keys().map(String::as_str).collect();
        let kinds = [kind, Kind::Macro, Kind::Ours];
        let mut expected: Vec<&str> =
            kinds.into_iter().flat_map(|kind| manifest.of_kind(kind)).collect();
        expected.sort_unstable();
        assert_eq!(names, expected, "declared (left), in abi/symbols.toml (right), {defines:?}");
    }
}

#[test]
fn comparison_reports_every_difference_at_once() {
    if !libclang::is_ready("comparison_reports_every_difference_at_once") {
        return;
    }
    let mut text = fs::read_to_string(include().join("libpybuffer.h")).unwrap();
    let mut change = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    };
    change("#define PyBUF_WRITE 512", "#define PyBUF_WRITE 513");
    change("#define PyBUF_READ 256", "");
    change("    int readonly; ", "    long readonly; ");
    change("    destructor tp_dealloc; ", "    freefunc tp_dealloc; ");
    change("    void *tp_init;", "    int tp_init[1];");
    change("typedef void (*freefunc)(void *);", "typedef int (*freefunc)(void *);");
    change("PyObject_CheckBuffer(PyObject *obj)", "PyObject_CheckBuffer(const PyObject *obj)");
    change("void PyBuffer_Release(", "int PyBuffer_Release(");
    let folder = temp_dir("abi-changed");
    fs::write(folder.join("libpybuffer.h"), text).unwrap();

    let ours = Declared::by("libpybuffer.h", &include(), &[]);
    let changed = Declared::by("libpybuffer.h", &folder, &[]);
    assert_eq!(differences(&ours, &ours, &Exceptions::default()), [""; 0]);
    let found = differences(&ours, &changed, &Exceptions::default());
    let expected = [
        "PyBUF_READ: ours Some(256), theirs None",
        "PyBUF_WRITE: ours Some(512), theirs Some(513)",
        "PyBuffer_Release: ours fn(*mut Py_buffer), theirs fn(*mut Py_buffer) -> c_int",
        "PyObject_CheckBuffer: ours fn(*mut PyObject) -> c_int, theirs fn(*const PyObject) -> c_int",
        "PyTypeObject: ours tp_dealloc: destructor at 32, theirs tp_dealloc: freefunc at 32",
        "Py_buffer: ours readonly: c_int at 32, theirs readonly: c_long at 32",
        "freefunc: ours fn(*mut c_void), theirs fn(*mut c_void) -> c_int",
    ];
    for line in expected {
        // Offsets are those of a 64-bit machine.
        let is_found = found.iter().any(|text| text == line);
        assert!(is_found || cfg!(target_pointer_width = "32"), "{line}\nnot in {found:#?}");
    }
    let moved = found.iter().filter(|text| text.starts_with("Py_buffer: ")).count();
    assert!(moved > 1, "members moved by the wider one are not reported: {found:#?}");
}
