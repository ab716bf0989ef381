//! Systems on which the library would build and have no effect: the build refuses them.

use std::process::Command;

use crate::support::{run, stdout, temp_dir};

#[test]
fn builds_for_other_systems_than_linux_are_refused() {
    let script = temp_dir("artefacts-platforms").join("build");
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/build.rs");
    run(Command::new(rustc).args(["--edition", "2024", source, "-o"]).arg(&script));
    let said =
        |system: &str| stdout(&run(Command::new(&script).env("CARGO_CFG_TARGET_OS", system)));
    for system in ["macos", "windows", "freebsd", "android"] {
        let expected = format!(
            "cargo::error=libpybuffer builds for Linux only, and the target is {system}: on macOS and"
        );
        assert!(said(system).lines().any(|line| line.starts_with(&expected)), "{system}");
    }
    assert!(!said("linux").contains("error"));
}
