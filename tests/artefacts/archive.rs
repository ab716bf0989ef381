//! The archive, linked into somebody else's library or program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::readelf::exported;
use crate::support::{cc, run, shipped, stdout, temp_dir};

/// What links the archive, and keeps its symbols inside.
const HIDDEN: &str = "-Wl,--exclude-libs,libpybuffer.a";

/// A shared object as an extension is: one name of its own, and calls of buffer functions.
const EXTENSION: &str = r#"
#include <libpybuffer.h>

Py_ssize_t extension_copy(PyObject *from, void *to)
{
    Py_buffer view;
    if (PyObject_GetBuffer(from, &view, PyBUF_FULL_RO) != 0)
        return -1;
    Py_ssize_t len = view.len;
    if (PyBuffer_ToContiguous(to, &view, len, 'C') != 0)
        len = -1;
    PyBuffer_Release(&view);
    return len;
}
"#;

/// Builds the extension with these arguments after the source, strips it, and gives its path.
fn extension(dir: &Path, name: &str, libraries: &[&str]) -> PathBuf {
    let (source, built) = (dir.join("extension.c"), dir.join(name));
    fs::write(&source, EXTENSION).unwrap();
    run(cc()
        .args(["-shared", "-fPIC", "-O2", "-s"])
        .arg("-I")
        .arg(&shipped().include)
        .arg(&source)
        .args(libraries)
        .arg("-o")
        .arg(&built));
    built
}

#[test]
fn extension_with_the_archive_exports_its_own_name_alone() {
    let dir = temp_dir("extension-names");
    let archive = shipped().archive.to_str().unwrap();
    let with = extension(&dir, "with.so", &[archive, HIDDEN]);
    assert_eq!(exported(&with), ["extension_copy"]);
    // Without the flag they are exported, and the interpreter's would win: this is why it is there.
    let plain = extension(&dir, "plain.so", &[archive]);
    assert!(exported(&plain).iter().any(|name| name == "PyBuffer_Release"));
}

#[test]
fn extension_grows_by_what_it_uses() {
    let dir = temp_dir("extension-size");
    let archive = shipped().archive.to_str().unwrap();
    let size = |name: &str, libraries: &[&str]| {
        fs::metadata(extension(&dir, name, libraries)).unwrap().len()
    };
    let without = size("without.so", &[]);
    let with = size("with.so", &[archive, HIDDEN]);
    let collected = size("collected.so", &[archive, HIDDEN, "-Wl,--gc-sections"]);
    println!(
        "an extension of {without} bytes has {with} with the archive, {collected} with --gc-sections"
    );
}

#[test]
fn archive_links_beside_one_with_std_in_either_order() {
    let dir = temp_dir("beside-std");
    let archive = shipped().archive.to_str().unwrap().to_owned();
    fs::write(
        dir.join("other.rs"),
        "#[unsafe(no_mangle)] pub extern \"C\" fn other_sum(n: u32) -> u32 {\n    \
         let all: Vec<u32> = (0..n).collect();\n    \
         std::panic::catch_unwind(|| all[n as usize]).map_or(all.iter().sum(), |_| 0)\n}\n",
    )
    .unwrap();
    fs::write(
        dir.join("main.c"),
        "#include <libpybuffer.h>\n#include <stdio.h>\n\
         unsigned other_sum(unsigned);\n\
         int main(void) { printf(\"%u %s\\n\", other_sum(5), pybuffer_version()); return 0; }\n",
    )
    .unwrap();
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let native = run(Command::new(rustc).current_dir(&dir).args([
        "--edition=2024",
        "--crate-type=staticlib",
        "--print=native-static-libs",
        "other.rs",
    ]));
    // What std itself needs: "note: native-static-libs: -lgcc_s -lutil ...".
    let said = String::from_utf8(native.stderr).unwrap();
    let needed: Vec<String> = said
        .lines()
        .find_map(|line| line.split_once("native-static-libs: "))
        .unwrap_or_else(|| panic!("rustc did not say what std needs: {said}"))
        .1
        .split_whitespace()
        .map(String::from)
        .collect();
    for order in [[archive.as_str(), "libother.a"], ["libother.a", archive.as_str()]] {
        run(cc()
            .current_dir(&dir)
            .arg("-I")
            .arg(&shipped().include)
            .args(["main.c", "-o", "main"])
            .args(order)
            .args(&needed));
        let output = run(&mut Command::new(dir.join("main")));
        assert_eq!(stdout(&output), concat!("10 ", env!("CARGO_PKG_VERSION"), "\n"));
    }
}
