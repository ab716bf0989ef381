//! Reads ELF files with `readelf`, which comes with every C compiler (`$READELF` names another).
//!
//! GNU `nm` is not used: its linker plugin can abort on Rust's objects.

use std::path::Path;
use std::process::Command;

use crate::support::{run, stdout};

/// An entry of a symbol table that is not local.
#[derive(Debug)]
pub struct Symbol {
    pub name: String,
    /// The version that an undefined symbol asks for: `GLIBC_2.2.5`.
    pub version: Option<String>,
    /// `FUNC`, `OBJECT`, `NOTYPE` ...
    pub kind: String,
    /// `GLOBAL` or `WEAK`.
    pub binding: String,
    /// Whether other objects may refer to it, once it is linked.
    pub is_visible: bool,
    pub is_defined: bool,
}

/// The dynamic symbols of a shared object.
pub fn dynamic_symbols(file: &Path) -> Vec<Symbol> {
    text(file, "--dyn-syms").lines().filter_map(symbol).collect()
}

/// The names of the symbols that a shared object exports.
pub fn exported(file: &Path) -> Vec<String> {
    visible_names(dynamic_symbols(file))
}

/// The names that an archive's objects export from whatever they are linked into.
pub fn exported_by_objects(archive: &Path) -> Vec<String> {
    visible_names(text(archive, "--symbols").lines().filter_map(symbol).collect())
}

fn visible_names(symbols: Vec<Symbol>) -> Vec<String> {
    let mut names: Vec<String> =
        symbols.into_iter().filter(|s| s.is_defined && s.is_visible).map(|s| s.name).collect();
    names.sort();
    names
}

/// The values of the dynamic section's entries of one kind: `dynamic(file, "NEEDED")`.
pub fn dynamic(file: &Path, tag: &str) -> Vec<String> {
    let tag = format!("({tag})");
    text(file, "--dynamic")
        .lines()
        .filter_map(|line| line.split_once(&tag))
        .map(|(_, value)| match value.split_once('[') {
            Some((_, bracketed)) => bracketed.trim_end().trim_end_matches(']').to_owned(),
            None => value.trim().to_owned(),
        })
        .collect()
}

/// The flags of the segments of one kind: `RE`, `RW`.
pub fn segments(file: &Path, kind: &str) -> Vec<String> {
    program_headers(file, kind).map(|words| words[6..words.len() - 1].concat()).collect()
}

/// `Type Offset VirtAddr PhysAddr FileSiz MemSiz Flg Align`; the flags may be several words.
fn program_headers(file: &Path, kind: &str) -> impl Iterator<Item = Vec<String>> {
    text(file, "--program-headers")
        .lines()
        .map(|line| line.split_whitespace().map(String::from).collect::<Vec<_>>())
        .filter(|words| words.first().is_some_and(|first| first == kind) && words.len() > 7)
        .collect::<Vec<_>>()
        .into_iter()
}

/// The symbol versions that a shared object needs of other libraries.
pub fn needed_versions(file: &Path) -> Vec<String> {
    text(file, "--version-info")
        .lines()
        .skip_while(|line| !line.starts_with("Version needs section"))
        .filter_map(|line| line.split_once("Name: "))
        .filter_map(|(_, rest)| rest.split_whitespace().next())
        .map(String::from)
        .collect()
}

/// `Num: Value Size Type Bind Vis Ndx Name`; the name may be followed by a version and its number.
fn symbol(line: &str) -> Option<Symbol> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [number, _, _, kind, binding, visibility, section, name, ..] = words[..] else {
        return None;
    };
    if !number.ends_with(':') || binding == "LOCAL" || section == "Ndx" {
        return None;
    }
    let (name, version) = match name.split_once('@') {
        Some((name, version)) => (name, Some(version.trim_start_matches('@').to_owned())),
        None => (name, None),
    };
    Some(Symbol {
        name: name.to_owned(),
        version,
        kind: kind.to_owned(),
        binding: binding.to_owned(),
        is_visible: visibility == "DEFAULT",
        is_defined: section != "UND",
    })
}

fn text(file: &Path, what: &str) -> String {
    let readelf = std::env::var("READELF").unwrap_or_else(|_| "readelf".to_owned());
    stdout(&run(Command::new(readelf).arg("--wide").arg(what).arg(file).env("LC_ALL", "C")))
}
