//! `packaging/debian/`: what it repeats of the rest is the same there. (`make test-deb` builds and tries the packages.)

use std::collections::BTreeMap;
use std::process::Command;

use super::manifest::{Kind, Manifest};
use crate::support::{run, shipped, stdout};

fn text(file: &str) -> String {
    let file = shipped().root.join("packaging/debian").join(file);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The symbols file has each name with the version of the library that had it first. For a drop-in function the manifest
/// says since when CPython has it, and that of its twin counts.
#[test]
fn symbols_are_those_of_the_manifest() {
    let manifest = Manifest::read();
    let since = |name: &str| {
        let symbol = &manifest.symbols[name];
        match symbol.kind {
            Kind::DropIn => &manifest.symbols[&format!("pybuffer_{name}")].since,
            _ => &symbol.since,
        }
    };
    let expected: BTreeMap<String, String> =
        manifest.names().iter().map(|name| (format!("{name}@Base"), since(name).clone())).collect();
    let package = format!("libpybuffer{}", manifest.abi);
    let text = text(&format!("{package}.symbols"));
    let head = format!(
        "libpybuffer.so.{} {package} #MINVER#\n* Build-Depends-Package: libpybuffer-dev\n",
        manifest.abi
    );
    let names = text.strip_prefix(&head).unwrap_or_else(|| panic!("not {head}: {text}"));
    let listed: BTreeMap<String, String> = names
        .lines()
        .map(|line| line.trim().split_once(' ').unwrap_or_else(|| panic!("{line}")))
        .map(|(name, version)| (name.into(), version.into()))
        .collect();
    assert_eq!(listed, expected);
}

#[test]
fn changelog_begins_with_this_version() {
    let first = text("changelog").lines().next().unwrap().to_owned();
    let start = concat!("libpybuffer (", env!("CARGO_PKG_VERSION"), "-");
    assert!(first.starts_with(start), "{first}");
}

/// MIT's licence wants its owners named where the code is.
#[test]
fn licences_name_every_crate_that_is_built() {
    let mut tree = Command::new("cargo");
    tree.args(["tree", "--locked", "--workspace", "--edges", "normal,build", "--prefix", "none"]);
    tree.args(["--format", "{p}"]).current_dir(&shipped().root);
    let tree = stdout(&run(&mut tree));
    let crates: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains(&"goblin"), "{crates:?}");
    let copyright = text("copyright");
    let licence = std::fs::read_to_string(shipped().root.join("LICENSE-CRATES")).unwrap();
    for name in crates.iter().filter(|name| !name.is_empty() && !name.starts_with("pybuffer")) {
        assert!(copyright.contains(&format!("vendor/{name}-*")), "no {name} in copyright");
        let mut words = licence.split(|c: char| c.is_whitespace() || c == ',');
        assert!(words.any(|word| word == *name), "no {name} in LICENSE-CRATES");
    }
}

/// Who made it, and where it lives: what Cargo.toml says. Debian wants an address as well, which the project does not have:
/// a reserved domain (RFC 2606), which is nobody's, until DEBEMAIL is set.
#[test]
fn maintainer_and_homepage_are_those_of_cargo_toml() {
    let manifest = std::fs::read_to_string(shipped().root.join("Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    let about = &manifest["package"];
    let author = about["authors"][0].as_str().unwrap();
    let control = text("control");
    let field = |name: &str| {
        let value = control.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.map(str::to_owned)
    };
    let maintainer = format!("{author} <no-address@libpybuffer.invalid>");
    assert_eq!(field("Maintainer").as_ref(), Some(&maintainer));
    let signed = format!("\n -- {maintainer}  ");
    assert!(text("changelog").contains(&signed), "no {signed:?} in changelog");
    let homepage = about.get("homepage").map(|page| page.as_str().unwrap().to_owned());
    assert_eq!(field("Homepage"), homepage);
    assert!(text("copyright").contains(&format!("\nFiles: *\nCopyright: 2026 {author}\n")));
    let licence = std::fs::read_to_string(shipped().root.join("LICENSE-MIT")).unwrap();
    assert!(licence.contains(&format!("Copyright (c) 2026 {author}\n")), "{licence}");
}
