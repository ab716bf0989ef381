//! The ledger of measurements, `docs/performance/decisions.md`: what the sources name is there, and what is there is
//! named by the sources.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use support::shipped;

/// Adds the numbers behind each `D-` of a text, where `is_one` holds of what comes before it.
fn numbers(text: &str, is_one: impl Fn(&str) -> bool, found: &mut impl Extend<u32>) {
    for (at, mark) in text.match_indices("D-") {
        let digits: String =
            text[at + mark.len()..].chars().take_while(char::is_ascii_digit).collect();
        if !digits.is_empty() && is_one(&text[..at]) {
            found.extend([digits.parse::<u32>().unwrap()]);
        }
    }
}

fn visit(folder: &Path, found: &mut BTreeSet<u32>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, found);
        } else {
            let source = fs::read_to_string(&path).unwrap();
            numbers(&source, |before| before.ends_with(['(', ' ', '`']), found);
        }
    }
}

#[test]
fn each_decision_is_named_and_each_name_is_there() {
    let root = &shipped().root;
    let (mut named, mut told) = (BTreeSet::new(), Vec::new());
    visit(&root.join("src"), &mut named);
    let page = fs::read_to_string(root.join("docs/performance/decisions.md")).unwrap();
    numbers(&page, |before| before.ends_with("\n* **"), &mut told);
    assert!(told.len() > 30, "{told:?}");
    let n_told = told.len();
    let told: BTreeSet<u32> = told.into_iter().collect();
    assert_eq!(told.len(), n_told, "a number is used twice in docs/performance/decisions.md");
    assert_eq!(named, told, "named in src/ (left), told in docs/performance/decisions.md (right)");
}
