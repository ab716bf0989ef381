//! The names that each libpython exports.

use crate::manifest::{Kind, Manifest, Symbol};
use crate::readelf::exported;
use crate::support::{Python, pythons, skip};

impl Symbol {
    /// Whether that CPython's libpython has this drop-in.
    pub fn is_in(&self, python: &Python) -> bool {
        let (major, minor) = self.since.split_once('.').unwrap();
        python.minor() >= (major.parse().unwrap(), minor.parse().unwrap())
    }
}

#[test]
fn drop_ins_are_in_every_libpython_and_nothing_else_of_ours_is() {
    if pythons().is_empty() {
        skip("drop_ins_are_in_every_libpython_and_nothing_else_of_ours_is", "no CPython found");
    }
    let manifest = Manifest::read();
    let mut wrong = Vec::new();
    for python in pythons() {
        let names = exported(python.libpython.as_ref().unwrap_or(&python.exe));
        for (name, symbol) in &manifest.symbols {
            let expected = symbol.kind == Kind::DropIn && symbol.is_in(python);
            if names.contains(name) != expected {
                let verb = if expected { "lacks" } else { "has" };
                wrong.push(format!(
                    "{} {verb} {name}, in the manifest {} since {}",
                    python.label,
                    symbol.kind.word(),
                    symbol.since
                ));
            }
        }
        let ours = names.iter().filter(|name| name.starts_with("pybuffer_"));
        wrong.extend(ours.map(|name| format!("{} has {name}", python.label)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
