//! `abi/symbols.toml`, read.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// The manifest: the ABI number and every exported name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub abi: u32,
    pub symbols: BTreeMap<String, Symbol>,
}

/// An exported name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Symbol {
    pub kind: Kind,
    pub since: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    DropIn,
    Macro,
    Twin,
    Ours,
}

impl Kind {
    /// The word for it in the manifest and in docs/functions.md.
    pub fn word(self) -> &'static str {
        match self {
            Self::DropIn => "drop-in",
            Self::Macro => "macro",
            Self::Twin => "twin",
            Self::Ours => "ours",
        }
    }
}

impl Manifest {
    pub fn read() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("abi/symbols.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// The names, sorted.
    pub fn names(&self) -> Vec<String> {
        self.symbols.keys().cloned().collect()
    }

    /// The names of one kind, sorted.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.symbols.iter().filter(move |(_, s)| s.kind == kind).map(|(name, _)| name.as_str())
    }
}
