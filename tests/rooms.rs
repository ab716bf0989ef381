//! The table of rooms in ARCHITECTURE.md: which room of `src/` uses which, held against the sources.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use support::shipped;

/// Rooms, each with those that it uses.
type Uses = BTreeMap<String, BTreeSet<String>>;

/// Everybody uses these two.
const EVERYBODYS: [&str; 2] = ["abi", "error"];

/// What the sources use of other rooms, their tests left out.
fn used() -> Uses {
    let mut uses = Uses::new();
    visit(&shipped().root.join("src"), None, &mut uses);
    uses
}

fn visit(folder: &Path, room: Option<&str>, uses: &mut Uses) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let room = room.unwrap_or(stem);
        if path.is_dir() {
            if stem != "tests" {
                visit(&path, Some(room), uses);
            }
        } else if stem != "tests" && room != "lib" {
            let of_room = uses.entry(room.to_owned()).or_default();
            of_room.extend(rooms_in(&fs::read_to_string(&path).unwrap()));
            of_room.remove(room);
        }
    }
}

/// The rooms that a file names: `crate::room`, or several of them between braces.
fn rooms_in(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let without_comments = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    let code: String = code.lines().map(without_comments).collect::<Vec<_>>().join("\n");
    let mut rooms = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let (list, is_list) = match after.strip_prefix('{') {
            Some(list) => (list.split("};").next().unwrap_or_default(), true),
            None => (after, false),
        };
        assert!(!list.contains('{') || !is_list, "nested braces behind `use crate::` are not read");
        for name in list.split(',').take(if is_list { usize::MAX } else { 1 }) {
            let is_part = |c: char| c.is_alphanumeric() || c == '_';
            let name: String = name.trim().chars().take_while(|c| is_part(*c)).collect();
            rooms.insert(name);
        }
    }
    rooms.retain(|room| !EVERYBODYS.contains(&room.as_str()) && !room.is_empty());
    rooms
}

/// The rows of the table, in their order.
fn told() -> Vec<(String, BTreeSet<String>)> {
    let page = fs::read_to_string(shipped().root.join("ARCHITECTURE.md")).unwrap();
    let table = page.split("<!-- rooms -->").nth(1).unwrap().split("<!-- /rooms -->").next();
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let rows = table.unwrap().lines().filter(|line| line.starts_with("| `")).map(|line| {
        let cells: Vec<&str> = line.split('|').collect();
        let room: Vec<String> = names(cells[1]);
        (room[0].clone(), names(cells[2]).into_iter().collect())
    });
    rows.collect()
}

#[test]
fn architecture_tells_every_arrow() {
    let mut used = used();
    used.retain(|room, _| !EVERYBODYS.contains(&room.as_str()));
    let told: Uses = told().into_iter().collect();
    assert_eq!(told, used, "ARCHITECTURE.md's table of rooms (left), and the sources (right)");
}

#[test]
fn arrows_run_one_way() {
    let mut below: BTreeSet<String> = BTreeSet::new();
    for (room, uses) in told().into_iter().rev() {
        assert!(uses.is_subset(&below), "{room} uses {uses:?}, of which some stand above it");
        below.insert(room);
    }
}
