//! The names: the manifest, the shared library, the header and docs/functions.md list the same ones.

use std::fs;

use super::manifest::{Kind, Manifest};
use super::readelf::{dynamic_symbols, exported, exported_by_objects};
use super::readme;
use crate::support::shipped;

#[test]
fn manifest_pairs_every_drop_in_with_its_twin() {
    let manifest = Manifest::read();
    let expected: Vec<String> =
        manifest.of_kind(Kind::DropIn).map(|name| format!("pybuffer_{name}")).collect();
    assert_eq!(manifest.of_kind(Kind::Twin).collect::<Vec<_>>(), expected);
    for name in manifest.of_kind(Kind::Ours) {
        assert!(name.starts_with("pybuffer_"), "{name} could clash with a name of libpython");
    }
    assert!(manifest.of_kind(Kind::DropIn).next().is_some(), "the manifest holds no drop-in");
}

#[test]
fn library_exports_the_manifest_and_nothing_else() {
    assert_eq!(exported(&shipped().so), Manifest::read().names());
}

#[test]
fn archive_exports_the_manifest_and_nothing_else() {
    assert_eq!(exported_by_objects(&shipped().archive), Manifest::read().names());
}

#[test]
fn library_exports_functions_only() {
    // A data symbol under a name of libpython's, preloaded, breaks the interpreter at its start.
    let data: Vec<_> = dynamic_symbols(&shipped().so)
        .into_iter()
        .filter(|symbol| symbol.is_defined && symbol.kind != "FUNC")
        .collect();
    assert!(data.is_empty(), "exported, but no function: {data:?}");
}

#[test]
fn header_declares_every_name() {
    let header =
        without_comments(&fs::read_to_string(shipped().include.join("libpybuffer.h")).unwrap());
    let words: Vec<&str> = header.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let manifest = Manifest::read();
    let missing: Vec<&str> =
        manifest.symbols.keys().map(String::as_str).filter(|name| !words.contains(name)).collect();
    assert!(missing.is_empty(), "in the manifest, but not in libpybuffer.h: {missing:?}");
}

#[test]
fn page_lists_the_manifest() {
    let mut listed: Vec<[String; 3]> = readme::table("docs/functions.md", "symbols")
        .into_iter()
        .map(|row| {
            let [name, kind, since, what] = <[String; 4]>::try_from(row).unwrap_or_else(|row| {
                panic!("not a row \"| `name` | kind | since | what it does |\": {row:?}")
            });
            assert!(what.len() > 5, "{name}: what does it do? {what:?}");
            [name.trim_matches('`').into(), kind, since]
        })
        .collect();
    listed.sort();
    let expected: Vec<[String; 3]> = Manifest::read()
        .symbols
        .into_iter()
        .map(|(name, symbol)| [name, symbol.kind.word().into(), symbol.since])
        .collect();
    assert_eq!(
        listed, expected,
        "the table in docs/functions.md (left) differs from abi/symbols.toml"
    );
}

/// C text without its comments; string literals that hold comment signs do not occur in a header.
fn without_comments(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("/*").into_iter().chain(rest.find("//")).min() {
        let (before, comment) = rest.split_at(start);
        code.push_str(before);
        let end = if comment.starts_with("/*") { "*/" } else { "\n" };
        // A comment stands for a space; a line's end stays.
        code.push('\n');
        rest = comment[2..].split_once(end).map_or("", |(_, after)| after);
    }
    code + rest
}
