//! Compiles a file of `csrc/header/`, every warning an error.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Python, cc, cxx, printed, run_any};

/// What both languages' compilers are asked to find fault with.
const WARNINGS: &[&str] = &[
    "-Werror",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wsign-conversion",
    "-Wshadow",
    "-Wcast-qual",
    "-Wcast-align",
    "-Wformat=2",
    "-Wredundant-decls",
    "-Wundef",
    "-Wwrite-strings",
];

/// A language in which the header is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    C99,
    C11,
    Cxx17,
}

impl Language {
    pub const ALL: [Self; 3] = [Self::C99, Self::C11, Self::Cxx17];

    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::C99 => &["-xc", "-std=c99", "-Wstrict-prototypes", "-Wmissing-prototypes"],
            Self::C11 => &["-xc", "-std=c11", "-Wstrict-prototypes", "-Wmissing-prototypes"],
            Self::Cxx17 => &[
                "-xc++",
                "-std=c++17",
                "-Wold-style-cast",
                "-Wzero-as-null-pointer-constant",
                "-Wextra-semi",
            ],
        }
    }

    /// The compilers for it: the machine's own, and clang if there is one.
    pub fn compilers(self) -> Vec<Command> {
        let (own, clang) = match self {
            Self::Cxx17 => (cxx(), "clang++"),
            _ => (cc(), "clang"),
        };
        let has_clang = Command::new(clang).arg("--version").output().is_ok();
        let second = has_clang && own.get_program() != clang;
        [own].into_iter().chain(second.then(|| Command::new(clang))).collect()
    }
}

/// The folder of the header under test: the committed one.
pub fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include")
}

/// A file of `csrc/header/`.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("csrc/header").join(name)
}

/// One compilation.
#[derive(Clone, Debug)]
pub struct Unit<'a> {
    pub source: &'a str,
    pub language: Language,
    /// Macros to be defined, as for `-D`.
    pub defines: Vec<&'a str>,
    /// The CPython whose Python.h is used, if any.
    pub python: Option<&'a Python>,
}

impl Unit<'_> {
    /// Compiles with each compiler; what one of them says against the source comes back as text.
    pub fn complaints(&self) -> Vec<String> {
        let compile = |mut compiler: Command| {
            self.arguments(&mut compiler);
            let output = run_any(compiler.args(["-c", "-o", "/dev/null"]));
            (!output.status.success())
                .then(|| format!("{}: {compiler:?}\n{}", self.label(), printed(&output)))
        };
        self.language.compilers().into_iter().filter_map(compile).collect()
    }

    /// Everything on the command line but what to make.
    pub fn arguments(&self, compiler: &mut Command) {
        compiler.args(self.language.flags()).args(WARNINGS).arg("-I").arg(include());
        compiler.args(self.defines.iter().map(|define| format!("-D{define}")));
        if let Some(python) = self.python {
            // A system folder, so that what Python.h does by itself is not reported.
            compiler.arg("-isystem").arg(python.include.as_ref().unwrap());
            // The four old functions are marked so in the headers of 3.9 to 3.12.
            compiler.arg("-Wno-deprecated-declarations");
        }
        compiler.arg(source(self.source));
    }

    fn label(&self) -> String {
        let python = self.python.map_or("no Python.h", |python| &python.label);
        format!("{} as {:?} with {python} {:?}", self.source, self.language, self.defines)
    }
}

/// Fails once, with everything that was said.
pub fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} failures:\n{}", complaints.len(), complaints.join("\n"));
}
