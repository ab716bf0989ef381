//! `abi/libpybuffer.abi`: the types, constants and signatures that ship, one a line. A line that goes away or changes
//! is a break for programs compiled before it, and needs another SONAME.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use super::declared::Declared;
use super::libclang;
use crate::manifest::Manifest;
use crate::readelf::{dynamic, exported};
use crate::support::{shipped, skip, temp_dir};

const HEAD: &str = "\
# What programs compiled against libpybuffer rely on, on machines of 64 bits: constants, types, the layout of each
# struct in bytes, and the exported functions, in the words of Rust's bindgen. `make abi` adds what is new.
# A line that goes away or changes is a break: it needs another number `abi` in symbols.toml. (Until a release has
# a line, it may be taken out by hand.)
";

/// Declarations, each its name and what it is.
type Lines = Vec<(String, String)>;

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("abi/libpybuffer.abi")
}

/// What the header of a folder declares; of the functions those that are exported.
fn declared(include: &Path, exported: &[String]) -> Lines {
    let header = Declared::all_by(include, &[]);
    let twins = Declared::all_by(include, &["PYBUFFER_REDIRECT"]);
    let mut lines = Lines::new();
    let mut add = |what: String, is: String| lines.push((what, is));
    for (name, value) in header.constants {
        add(format!("constant {name}"), value.to_string());
    }
    // `typedef struct X X` says nothing.
    for (name, type_) in header.aliases.into_iter().filter(|(name, type_)| name != type_) {
        add(format!("type {name}"), type_);
    }
    for (name, layout) in header.structs {
        let whole = format!("{} bytes, alignment {}", layout.size, layout.alignment);
        add(format!("struct {name}"), whole);
        for field in layout.fields {
            let place = format!("{} at {}", field.type_, field.offset);
            add(format!("struct {name}.{}", field.name), place);
        }
    }
    let functions: BTreeMap<_, _> = header.functions.into_iter().chain(twins.functions).collect();
    for (name, signature) in functions.into_iter().filter(|(name, _)| exported.contains(name)) {
        add(format!("function {name}"), signature);
    }
    lines
}

fn write(soname: &str, lines: &Lines) -> String {
    let mut text = format!("{HEAD}\nsoname: {soname}\n");
    let mut last = "";
    for (what, is) in lines {
        // A paragraph for each kind and each struct.
        let kind = what.split('.').next().filter(|_| what.starts_with("struct"));
        let kind = kind.unwrap_or(what.split(' ').next().unwrap());
        if kind != last {
            text.push('\n');
        }
        last = kind;
        writeln!(text, "{what}: {is}").unwrap();
    }
    text
}

/// The SONAME and the lines of a dump.
fn read(text: &str) -> (String, Lines) {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut lines = lines.map(|line| {
        let (what, is) =
            line.split_once(": ").unwrap_or_else(|| panic!("no line of a dump: {line}"));
        (what.to_owned(), is.to_owned())
    });
    let (first, soname) = lines.next().expect("a dump has lines");
    assert_eq!(first, "soname");
    (soname, lines.collect())
}

/// What a program compiled with `old` finds otherwise in `new`. Members named `reserved` may become others.
fn breaks(old: &Lines, new: &Lines) -> Vec<String> {
    let new: BTreeMap<_, _> = new.iter().cloned().collect();
    let told = |(what, is): &(String, String)| match new.get(what) {
        Some(now) if now == is => None,
        Some(now) => Some(format!("{what}: was {is}, is {now}")),
        None => Some(format!("{what}: was {is}, is gone")),
    };
    old.iter().filter(|(what, _)| !what.ends_with(".reserved")).filter_map(told).collect()
}

/// Whether the header can be read, and has the offsets that are in the dump.
fn is_ready(test: &str) -> bool {
    if cfg!(target_pointer_width = "32") {
        skip(test, "the dump has the offsets of 64 bits");
    }
    cfg!(target_pointer_width = "64") && libclang::is_ready(test)
}

#[test]
fn nothing_that_programs_rely_on_changes_without_another_soname() {
    if !is_ready("nothing_that_programs_rely_on_changes_without_another_soname") {
        return;
    }
    let soname = dynamic(&shipped().so, "SONAME").concat();
    let lines = declared(&shipped().include, &exported(&shipped().so));
    let old = fs::read_to_string(file()).expect("abi/libpybuffer.abi is under version control");
    let (old_soname, old_lines) = read(&old);
    let found = if old_soname == soname { breaks(&old_lines, &lines) } else { Vec::new() };
    assert!(
        found.is_empty(),
        "programs compiled against {soname} break: undo this, or raise `abi` in abi/symbols.toml\n{}",
        found.join("\n")
    );
    let new = write(&soname, &lines);
    if std::env::var_os("PYBUFFER_BLESS").is_some() {
        fs::write(file(), new).unwrap();
        return;
    }
    assert!(old == new, "abi/libpybuffer.abi lacks what is new: `make abi` adds it");
}

#[test]
fn dump_has_every_exported_function() {
    let (soname, lines) = read(&fs::read_to_string(file()).unwrap());
    let manifest = Manifest::read();
    assert_eq!(soname, format!("libpybuffer.so.{}", manifest.abi));
    let functions: Vec<&str> =
        lines.iter().filter_map(|(what, _)| what.strip_prefix("function ")).collect();
    assert_eq!(functions, manifest.names());
}

/// What the dump says against a header in which some texts are replaced.
fn breaks_after(changes: &[(&str, &str)]) -> Vec<String> {
    let mut text = fs::read_to_string(shipped().include.join("libpybuffer.h")).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let folder = temp_dir("abi-dump");
    fs::write(folder.join("libpybuffer.h"), text).unwrap();
    let (_, old) = read(&fs::read_to_string(file()).unwrap());
    breaks(&old, &declared(&folder, &exported(&shipped().so)))
}

#[test]
fn breaks_are_told_and_what_is_new_is_none() {
    if !is_ready("breaks_are_told_and_what_is_new_is_none") {
        return;
    }
    let changes = [
        ("#define PyBUF_WRITE 512", "#define PyBUF_WRITE 513"),
        ("#define PYBUFFER_ADVICE 0\n", ""),
        ("(*freefunc)(void *)", "(*freefunc)(char *)"),
        ("void PyBuffer_Release(Py_buffer *", "void PyBuffer_Release(void *"),
        ("*pybuffer_version(", "*pybuffer_number("),
        // Members change places.
        ("    Py_ssize_t *shape; ", "    Py_ssize_t *swap; "),
        ("    Py_ssize_t *strides; ", "    Py_ssize_t *shape; "),
        ("    Py_ssize_t *swap; ", "    Py_ssize_t *strides; "),
        // One grows.
        ("    char mode; ", "    int mode; "),
        // Something is added, and something reserved is used: neither is a break.
        ("#define PYBUFFER_MUST 1", "#define PYBUFFER_MUST 1\n#define PYBUFFER_HINT 2"),
        ("    Py_ssize_t reserved[4];", "    Py_ssize_t added;\n    Py_ssize_t reserved[3];"),
    ];
    let expected = [
        "constant PYBUFFER_ADVICE: was 0, is gone",
        "constant PyBUF_WRITE: was 512, is 513",
        "type freefunc: was fn(*mut c_void), is fn(*mut c_char)",
        "struct Py_buffer.shape: was *mut Py_ssize_t at 48, is *mut Py_ssize_t at 56",
        "struct Py_buffer.strides: was *mut Py_ssize_t at 56, is *mut Py_ssize_t at 48",
        "struct pybuffer_format_field: was 96 bytes, alignment 8, is 104 bytes, alignment 8",
        "struct pybuffer_format_field.mode: was c_char at 95, is c_int at 96",
        "function PyBuffer_Release: was fn(*mut Py_buffer), is fn(*mut c_void)",
        "function pybuffer_PyBuffer_Release: was fn(*mut Py_buffer), is fn(*mut c_void)",
        "function pybuffer_version: was fn() -> *const c_char, is gone",
    ];
    assert_eq!(breaks_after(&changes), expected);
}
