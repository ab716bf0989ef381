//! The same sources give the same wheel and sdist, and these name nothing of the machine that built them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{command_without_settings, run, shipped, stdout, temp_dir};
use crate::{builder, dist, files};

/// The wheel that the builder's own python gave, and the sources: their names and bytes.
fn made(dist: &Path) -> BTreeMap<String, Vec<u8>> {
    let tag = if builder().unwrap().free_threaded { "t-" } else { "-abi3-" };
    let own = |name: &str| match name.strip_prefix("sdist/") {
        Some(name) => name.ends_with(".tar.gz"),
        None => name.ends_with(".whl") && name.contains(tag),
    };
    [dist.to_owned(), dist.join("sdist")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.strip_prefix(dist).unwrap().display().to_string(), path))
        .filter(|(name, _)| own(name))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect()
}

/// From the sdist in another folder, later, and with a mask that denies all to others.
#[test]
#[ignore = "compiles the library anew: make test-package"]
fn wheel_and_sdist_are_the_same_when_built_from_the_sdist() {
    let (here, folder) = (made(dist()), temp_dir("package-again"));
    let sdist = here.keys().find(|name| name.ends_with(".tar.gz")).unwrap();
    let script = "umask 077; tar --no-same-permissions --strip-components=1 -xzf \"$1\" && \
        exec make wheel \"PYTHON=$2\" FREE_THREADED=";
    let mut again = command_without_settings("sh");
    again.args(["-c", script, "sh"]).arg(dist().join(sdist)).arg(&builder().unwrap().exe);
    run(again.current_dir(&folder).env_remove("MAKEFLAGS").env_remove("MAKELEVEL"));
    let there = made(&folder.join("dist"));
    assert!(here.len() == 2 && here.keys().eq(there.keys()), "{:?}", there.keys());
    for (name, bytes) in &here {
        assert!(bytes == &there[name], "{name} differs in another folder");
    }
}

#[test]
#[ignore = "minutes: make test-package"]
fn wheel_names_no_folder_of_this_machine_and_has_no_run_path() {
    let name = made(dist()).into_keys().find(|name| name.ends_with(".whl")).unwrap();
    let unpacked = temp_dir("package-unpacked");
    let mut unpack = Command::new(&builder().unwrap().exe);
    run(unpack.args(["-m", "zipfile", "-e"]).arg(dist().join(name)).arg(&unpacked));
    let root = shipped().root.as_os_str().as_encoded_bytes();
    let mut modules = 0;
    for file in files(&unpacked).iter().filter(|file| file.is_file()) {
        let bytes = fs::read(file).unwrap();
        let named = bytes.windows(root.len()).any(|window| window == root);
        assert!(!named, "{} names {}", file.display(), shipped().root.display());
        if file.file_name().unwrap().as_encoded_bytes().starts_with(b"_libpybuffer.") {
            let dynamic = stdout(&run(Command::new("readelf").arg("-dW").arg(file)));
            assert!(dynamic.contains("(NEEDED)") && !dynamic.contains("PATH)"), "{dynamic}");
            modules += 1;
        }
    }
    assert_eq!(modules, 1);
}
