//! The tables of rooms and of files in ARCHITECTURE.md: what may use what, held against the sources.

mod support;

#[path = "rooms/sources.rs"]
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use sources::{Folder, Module, used};
use support::shipped;

/// Every room may use these two.
const EVERYBODYS: [&str; 2] = ["abi", "error"];

/// The cells of a table's rows, each with the names in it.
fn rows(table: &str) -> Vec<Vec<String>> {
    let page = fs::read_to_string(shipped().root.join("ARCHITECTURE.md")).unwrap();
    let end = format!("<!-- /{table} -->");
    let table = page.split(&format!("<!-- {table} -->")).nth(1).unwrap();
    let lines = table.split(&end).next().unwrap().lines().filter(|line| line.starts_with("| `"));
    lines.map(|line| line.split('|').skip(1).map(str::to_owned).collect()).collect()
}

/// The names in a cell: the words between backticks.
fn names<T: FromIterator<String>>(cell: &str) -> T {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The rows of the table of rooms, in their order: a room, and those that it uses.
fn rooms() -> Vec<(String, BTreeSet<String>)> {
    let rows = rows("rooms").into_iter();
    rows.map(|cells| (names::<Vec<_>>(&cells[0]).remove(0), names(&cells[1]))).collect()
}

#[test]
fn architecture_tells_every_arrow() {
    let mut used = used().remove(&Module::new()).unwrap();
    used.retain(|room, _| !EVERYBODYS.contains(&room.as_str()));
    for rooms in used.values_mut() {
        rooms.retain(|room| !EVERYBODYS.contains(&room.as_str()));
    }
    let told: Folder = rooms().into_iter().collect();
    assert_eq!(told, used, "ARCHITECTURE.md's table of rooms (left), and the sources (right)");
}

#[test]
fn arrows_run_one_way() {
    let mut below: BTreeSet<String> = BTreeSet::new();
    for (room, uses) in rooms().into_iter().rev() {
        assert!(uses.is_subset(&below), "{room} uses {uses:?}, of which some stand above it");
        below.insert(room);
    }
}

/// The rows of the table of files: a folder, and the layers of its files from top to bottom.
fn layers() -> BTreeMap<Module, Vec<BTreeSet<String>>> {
    let rows = rows("files").into_iter().map(|cells| {
        let folder: Vec<String> = names(&cells[0]);
        let folder = folder[0].split('/').map(str::to_owned).collect();
        (folder, cells[1].split('→').map(names).collect())
    });
    rows.collect()
}

#[test]
fn files_use_only_files_in_layers_below() {
    let (used, mut told, mut wrong) = (used(), layers(), String::new());
    // Those of `src` itself are the rooms.
    let folders = used.iter().filter(|(folder, files)| !folder.is_empty() && files.len() > 1);
    for (folder, files) in folders {
        let layers = told.remove(folder).unwrap_or_default();
        let folder = folder.join("/");
        let (there, listed): (Vec<&String>, _) = (files.keys().collect(), layers.iter().flatten());
        let mut listed: Vec<&String> = listed.collect();
        listed.sort();
        if listed != there {
            wrong += &format!("{folder}: listed {listed:?}, there {there:?}\n");
        }
        let layer = |file: &String| layers.iter().position(|layer| layer.contains(file));
        for (user, uses) in files {
            for used in uses.iter().filter(|used| layer(used) <= layer(user)) {
                wrong += &format!("{folder}: {user} uses {used}, which is not below it\n");
            }
        }
    }
    assert!(wrong.is_empty(), "ARCHITECTURE.md's table of files:\n{wrong}");
    assert!(told.is_empty(), "no such folders of several files in src/: {:?}", told.keys());
}
