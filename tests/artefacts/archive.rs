//! The archive, linked into somebody else's library or program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::readelf::{exported, exported_by_objects};
use super::readme;
use super::shared::MAX_STRIPPED;
use crate::support::{cc, run, shipped, stdout, temp_dir};

/// What links the archive, and keeps its symbols inside.
const HIDDEN: &str = "-Wl,--exclude-libs,libpybuffer.a";

/// A shared object as an extension is: one name of its own, and calls of buffer functions.
const COPIER: &str = r#"
#include <libpybuffer.h>

Py_ssize_t extension(PyObject *from, void *to)
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

/// Builds an extension with these arguments after its source and gives its path.
fn extension(dir: &Path, source: &str, libraries: &[&str]) -> PathBuf {
    let (file, built) = (dir.join("extension.c"), dir.join("extension.so"));
    fs::write(&file, source).unwrap();
    run(cc()
        .args(["-shared", "-fPIC", "-O2"])
        .arg("-I")
        .arg(&shipped().include)
        .arg(&file)
        .args(libraries)
        .arg("-o")
        .arg(&built));
    built
}

#[test]
fn extension_with_the_archive_exports_its_own_name_alone() {
    let dir = temp_dir("extension-names");
    let archive = shipped().archive.to_str().unwrap();
    assert_eq!(exported(&extension(&dir, COPIER, &[archive, HIDDEN])), ["extension"]);
    // Without the flag they are exported, and the interpreter's would win: this is why it is there.
    let plain = exported(&extension(&dir, COPIER, &[archive]));
    assert!(plain.iter().any(|name| name == "PyBuffer_Release"), "{plain:?}");
}

/// What docs/linking.md says that an extension grows by, which is what calls of the functions of each row cost.
#[test]
fn page_says_what_the_archive_adds() {
    let dir = temp_dir("extension-size");
    let lib_dir = format!("-L{}", shipped().lib_dir.display());
    let size = |source: &str, libraries: &[&str]| {
        let built = extension(&dir, source, libraries);
        run(Command::new("strip").arg(&built));
        fs::metadata(built).unwrap().len()
    };
    let empty = size("void *const functions[] = { 0 };\n", &[]);
    let mut wrong = String::new();
    let rows = readme::table("docs/linking.md", "sizes");
    for row in &rows {
        let [calls, said] = &row[..] else {
            panic!("not a row \"| calls | kilobytes |\": {row:?}")
        };
        let functions: Vec<&str> = calls.split('`').skip(1).step_by(2).collect();
        let all = functions.is_empty();
        let addresses: String = functions
            .iter()
            .chain(all.then_some(&"pybuffer_version"))
            .map(|name| format!("(void *){name}, "))
            .collect();
        let source =
            format!("#include <libpybuffer.h>\nvoid *const functions[] = {{ {addresses} }};\n");
        let flags = [lib_dir.as_str(), "-lpybuffer-static", "-Wl,--gc-sections"];
        let added = size(&source, &flags[..if all { 2 } else { 3 }]) - empty;
        let said = (said.parse::<f64>().unwrap() * 1000.0) as u64;
        println!("{calls}: {added} bytes");
        if added.abs_diff(said) > (said / 10).max(8_000) {
            wrong += &format!("{calls}: {added} bytes, docs/linking.md says {said}\n");
        }
        assert!(added < MAX_STRIPPED, "{calls}: {added} bytes");
        if calls.starts_with("`PyBuffer_IsContiguous`") {
            assert!(added < 2048, "{calls}: {added} bytes");
        }
    }
    assert!(rows.len() >= 6, "docs/linking.md's table of sizes has {} rows only", rows.len());
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn archive_for_extensions_exports_nothing() {
    let archive = shipped().lib_dir.join("libpybuffer-static.a");
    assert!(exported_by_objects(&archive).is_empty(), "{:?}", exported_by_objects(&archive));
    let dir = temp_dir("extension-hidden");
    let built = extension(&dir, COPIER, &[archive.to_str().unwrap()]);
    assert_eq!(exported(&built), ["extension"]);
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
