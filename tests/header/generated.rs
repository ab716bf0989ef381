//! The text of the header.

use std::fs;

use super::compile::include;
use super::generate::generate;
use crate::manifest::{Kind, Manifest};

#[test]
fn header_is_what_the_sources_give() {
    let file = include().join("libpybuffer.h");
    let expected = generate();
    if std::env::var_os("PYBUFFER_BLESS").is_some() {
        fs::write(&file, expected).unwrap();
        return;
    }
    let committed = fs::read_to_string(&file).unwrap();
    let differs = committed.lines().zip(expected.lines()).position(|(old, new)| old != new);
    let line = differs.unwrap_or_else(|| committed.lines().count().min(expected.lines().count()));
    assert!(
        committed == expected,
        "include/libpybuffer.h is stale from line {} on: `make header` renews it\n\
         committed: {}\nexpected:  {}",
        line + 1,
        committed.lines().nth(line).unwrap_or("(end)"),
        expected.lines().nth(line).unwrap_or("(end)"),
    );
}

#[test]
fn header_documents_every_function() {
    let text = fs::read_to_string(include().join("libpybuffer.h")).unwrap();
    let manifest = Manifest::read();
    let kinds = [Kind::DropIn, Kind::Macro, Kind::Ours];
    let declared: Vec<&str> = kinds.into_iter().flat_map(|kind| manifest.of_kind(kind)).collect();
    let bare: Vec<&&str> = declared
        .iter()
        .filter(|name| documentation(&text, name).is_none_or(|words| words < 5))
        .collect();
    assert!(bare.is_empty(), "declared without documentation, or not at all: {bare:?}");
}

/// How many words of documentation stand directly before the declaration of a function.
fn documentation(header: &str, name: &str) -> Option<usize> {
    let (before, _) = header.split_once(&format!("{name}("))?;
    let (before, _result) = before.rsplit_once('\n')?;
    let comment = before.strip_suffix("*/")?;
    let start = comment.rfind("/**")?;
    Some(comment[start..].split_whitespace().count())
}
