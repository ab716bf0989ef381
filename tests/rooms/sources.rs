//! The modules of `src/`, and which of them use which: read from their `use` lines and from all other paths.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};

use super::support::shipped;

/// A module's path from the crate's root.
pub type Module = Vec<String>;
/// A folder's files and folders, each with those that it uses.
pub type Folder = BTreeMap<String, BTreeSet<String>>;

/// All modules that have a file, each with the paths that its code names. Tests are left out.
fn modules() -> BTreeMap<Module, Vec<Module>> {
    let mut modules = BTreeMap::new();
    read(&shipped().root.join("src"), &[], &mut modules);
    modules
}

fn read(folder: &Path, inside: &[String], modules: &mut BTreeMap<Module, Vec<Module>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let module = [inside, &[stem.to_owned()]].concat();
        match stem {
            "tests" => {}
            _ if path.is_dir() => read(&path, &module, modules),
            _ if path.extension().is_none_or(|extension| extension != "rs") => {}
            "mod" | "lib" => drop(modules.insert(inside.to_vec(), named(&path))),
            _ => drop(modules.insert(module, named(&path))),
        }
    }
}

/// The paths that a file names.
fn named(path: &Path) -> Vec<Module> {
    let mut paths = Paths::default();
    paths.visit_file(&syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap());
    paths.0
}

#[derive(Default)]
struct Paths(Vec<Module>);

impl Paths {
    /// Adds the paths of a `use`, of which `before` is the beginning.
    fn add(&mut self, mut before: Module, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.add(before, &path.tree);
            }
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add(before.clone(), tree));
            }
            syn::UseTree::Name(name) => {
                self.0.push([before, vec![name.ident.to_string()]].concat())
            }
            syn::UseTree::Rename(name) => {
                self.0.push([before, vec![name.ident.to_string()]].concat());
            }
            syn::UseTree::Glob(_) => self.0.push(before),
        }
    }
}

impl Visit<'_> for Paths {
    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.add(Module::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        self.0.push(path.segments.iter().map(|part| part.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    /// What a macro is given, or expands to, is no code yet: its words are read.
    fn visit_macro(&mut self, item: &syn::Macro) {
        self.visit_path(&item.path);
        let text = item.tokens.to_string().replace(" :: ", "::");
        let words = text.split(|c: char| !c.is_alphanumeric() && !"_:".contains(c));
        let paths = words.filter(|word| word.contains("::"));
        self.0.extend(paths.map(|path| path.split("::").map(str::to_owned).collect()));
    }

    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        if item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }
}

/// The module that a path leads to from the module `from`: the innermost that has a file. `None` for other crates and
/// names that are not modules.
fn target(path: &Module, from: &Module, modules: &BTreeMap<Module, Vec<Module>>) -> Option<Module> {
    let mut at = from.clone();
    match path.first()?.as_str() {
        "crate" => at.clear(),
        "super" | "self" => {}
        first if modules.contains_key(&[&from[..], &[first.to_owned()]].concat()) => {}
        _ => return None,
    }
    for part in path {
        match part.as_str() {
            "crate" | "self" => {}
            "super" => drop(at.pop()),
            part => {
                at.push(part.to_owned());
                if !modules.contains_key(&at) {
                    at.pop();
                    break;
                }
            }
        }
    }
    Some(at)
}

/// For each folder of `src/`, which is the first: what its files and folders use of each other. A module and the modules
/// inside it may use each other, which is not told.
pub fn used() -> BTreeMap<Module, Folder> {
    let modules = modules();
    let mut folders: BTreeMap<Module, Folder> = BTreeMap::new();
    for (from, paths) in &modules {
        for (depth, name) in from.iter().enumerate() {
            let folder = folders.entry(from[..depth].to_vec()).or_default();
            folder.entry(name.clone()).or_default();
        }
        for to in paths.iter().filter_map(|path| target(path, from, &modules)) {
            let depth = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
            if let (Some(user), Some(used)) = (from.get(depth), to.get(depth)) {
                let folder = folders.get_mut(&from[..depth]).unwrap();
                folder.get_mut(user).unwrap().insert(used.clone());
            }
        }
    }
    folders
}

#[test]
fn paths_are_found_and_lead_to_modules() {
    let code = "use super::{a, b::{self, C}};
        use crate::d::E as F;
        fn f() { super::g::h(1); m!(crate::i::J) }
        mod tests { use super::k; }";
    let mut paths = Paths::default();
    paths.visit_file(&syn::parse_file(code).unwrap());
    let found: Vec<String> = paths.0.iter().map(|path| path.join("::")).collect();
    let own = ["super::a", "super::b::self", "super::b::C", "crate::d::E", "super::g::h", "m"];
    assert_eq!(found, [&own[..], &["crate::i::J"]].concat());

    let module = |path: &str| path.split("::").map(str::to_owned).collect::<Module>();
    let modules: BTreeMap<Module, Vec<Module>> =
        ["x", "x::y", "x::z", "d"].map(|path| (module(path), Vec::new())).into();
    let target = |path| target(&module(path), &module("x::y"), &modules);
    assert_eq!(target("super::z::h"), Some(module("x::z")));
    assert_eq!(target("crate::d::E"), Some(module("d")));
    assert_eq!(target("super::T"), Some(module("x")));
    assert_eq!(target("core::ptr"), None);
}
