//! The tarballs of `make dist` and `make dist-vendored`, and that what is built names no folder: `make test-dist`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{printed, run, run_any, shipped, skip, stdout, temp_dir};

const NAME: &str = concat!("libpybuffer-", env!("CARGO_PKG_VERSION"));

/// What is compiled or linked, below the build folder.
const BUILT: &[&str] = &[
    "lib/libpybuffer.a",
    "lib/libpybuffer-static.a",
    "lib/libpybuffer.so",
    "lib/pybuffer/pybuffer-run",
    "lib/pybuffer/libpybuffer-audit.so",
    "include/libpybuffer.h",
];

fn build() -> PathBuf {
    shipped().lib_dir.parent().unwrap().to_owned()
}

/// Packs the sources of a clone.
fn pack(clone: &Path, vendored: bool) -> PathBuf {
    run(Command::new("sh")
        .args(["tools/dist/pack.sh", NAME, "build"])
        .args(vendored.then_some("vendored"))
        .env_remove("SOURCE_DATE_EPOCH")
        .current_dir(clone));
    clone.join("dist").join(format!("{NAME}{}.tar.gz", if vendored { "-vendored" } else { "" }))
}

/// The folder may be a tarball's own.
fn is_clone(test: &str) -> bool {
    let found = shipped().root.join(".git").exists();
    if !found {
        skip(test, "these sources are no clone");
    }
    found
}

#[test]
fn built_files_name_no_folder_of_this_machine() {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.unwrap_or_else(|| std::env::home_dir().unwrap_or_default().join(".cargo"));
    for file in BUILT {
        let bytes = fs::read(build().join(file)).unwrap();
        for folder in [&shipped().root, &home] {
            let name = folder.as_os_str().as_encoded_bytes();
            let named = bytes.windows(name.len()).any(|window| window == name);
            assert!(!named, "{file} names {} (an old build/? make clean)", folder.display());
        }
    }
}

#[test]
#[ignore = "packs the sources four times: make test-dist"]
fn dist_of_two_clones_is_the_same() {
    if !is_clone("dist_of_two_clones_is_the_same") {
        return;
    }
    let clones = ["dist-clone", "dist-another-clone"].map(|name| {
        let clone = temp_dir(name);
        run(Command::new("git").args(["clone", "-q"]).arg(&shipped().root).arg(&clone));
        // Another mask, and none of this moment's times.
        run(Command::new("chmod").args(["-R", "go-rwx"]).arg(&clone));
        clone
    });
    run(Command::new("chmod").args(["-R", "go+rX"]).arg(&clones[0]));
    for vendored in [false, true] {
        let [one, other] = clones.each_ref().map(|clone| fs::read(pack(clone, vendored)).unwrap());
        assert!(one == other, "two clones give different tarballs (vendored: {vendored})");
    }
}

/// With an empty CARGO_HOME, in another folder, in a network namespace without a network.
#[test]
#[ignore = "compiles the library anew: make test-dist"]
fn dist_builds_the_same_bytes_without_network() {
    let test = "dist_builds_the_same_bytes_without_network";
    let unshared = Command::new("unshare").args(["-rn", "true"]).status();
    if !unshared.is_ok_and(|status| status.success()) {
        return skip(test, "no network namespace can be made");
    }
    if !is_clone(test) {
        return;
    }
    let folder = temp_dir("dist-vendored");
    run(Command::new("tar").arg("-xzf").arg(pack(&shipped().root, true)).arg("-C").arg(&folder));
    let root = folder.join(NAME);
    let make = |target: &str| {
        let mut command = Command::new("unshare");
        command.args(["-rn", "make", target]).current_dir(&root);
        command
            .env("CARGOFLAGS", "--offline --locked")
            .env("CARGO_HOME", folder.join("cargo-home"));
        // Of the cargo and the make that run this test.
        for name in ["MAKEFLAGS", "MAKELEVEL", "CARGO", "CARGO_MANIFEST_DIR", "BUILD"] {
            command.env_remove(name);
        }
        command
    };
    let checked = run_any(&mut make("check"));
    assert!(checked.status.success(), "{}", printed(&checked));
    let suites = String::from_utf8_lossy(&checked.stdout).matches(" passed, 0 failed").count();
    assert_eq!(suites, 2, "{}", printed(&checked));
    for file in BUILT {
        let (one, other) = (fs::read(build().join(file)), fs::read(root.join("build").join(file)));
        assert!(one.unwrap() == other.unwrap(), "{file} differs in another folder");
    }

    // As a distribution installs it: nothing is built, and no file is elsewhere.
    let dest = folder.join("dest");
    let place = |target: &str| {
        let mut command = make(target);
        command.env_remove("CARGOFLAGS").args(["CARGO=none", "CC=none", "PYTHON=none"]);
        command.args(["PREFIX=/usr", "LIBDIR=/usr/lib/a-b-c", "MANDIR=/m", "DOCDIR=/d"]);
        run(command.arg(format!("DESTDIR={}", dest.display())));
    };
    place("install");
    let pages =
        if root.join("man").exists() { &["m/man3/PyBuffer_ToContiguous.3"][..] } else { &[] };
    let files = ["usr/lib/a-b-c/libpybuffer.so", "usr/bin/pybuffer-run", "d/README.md"];
    for file in files.iter().chain(pages) {
        assert!(dest.join(file).exists(), "no {file}");
    }
    assert!(!dest.join("usr/share").exists() && !dest.join("usr/lib/libpybuffer.so").exists());
    place("uninstall");
    let left = run(Command::new("find").arg(&dest).args(["!", "-type", "d"]));
    assert_eq!(stdout(&left), "");
}
