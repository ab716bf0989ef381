//! The stable ABI for free-threaded builds too (`abi3t`): since CPython 3.15, one binary, for which objects are opaque,
//! loads in every build.

use std::path::{Path, PathBuf};

use crate::support::{Python, cc, pkg_config, pythons, run, say, shipped, skip, stdout, temp_dir};

/// Uses the module. Prints the image of its functions and the result of `pybuffer_runtime`, a line each.
const CODE: &str = "
import sys
sys.path.insert(0, sys.argv[1])
import abi3t
picture = memoryview(b'abcdef').cast('B', (2, 3))
assert abi3t.to_fortran(picture) == b'adbecf'
assert abi3t.contiguous(picture).tobytes('F') == b'adbecf'
assert bytes(abi3t.Letters()) == abi3t.to_fortran(abi3t.Letters()) == b'abcdef'
try:
    abi3t.to_fortran(1)
except TypeError as error:
    assert str(error) == \"a bytes-like object is required, not 'int'\", error
else:
    raise AssertionError('no error')
print(abi3t.image())
print(abi3t.runtime())
";

#[test]
fn abi3t_extension_runs_the_archive_in_every_build() {
    let test = "abi3t_extension_runs_the_archive_in_every_build";
    let pythons: Vec<&Python> =
        pythons().iter().filter(|python| python.minor() >= (3, 15)).collect();
    if !pythons.iter().any(|python| python.include.is_some()) {
        // `make test-pythons` fetches one; CPython 3.15 is not in distributions yet.
        return say(&format!("SKIPPED {test}: no CPython 3.15 or newer with a Python.h was found"));
    }
    for builder in &pythons {
        let Some(include) = &builder.include else {
            skip(test, &format!("CPython {} has no Python.h", builder.label));
            continue;
        };
        let module = build(include, &temp_dir(&format!("abi3t-{}", builder.label)));
        for python in &pythons {
            let output =
                run(python.command().args(["-I", "-c", CODE]).arg(module.parent().unwrap()));
            let said = stdout(&output);
            let [image, runtime] = said.lines().collect::<Vec<_>>()[..] else {
                panic!("{}: {said}", python.label);
            };
            let by = format!("{} with the headers of {}", python.label, builder.label);
            assert_eq!(Path::new(image).canonicalize().unwrap(), module, "{by}");
            assert!(runtime.starts_with(&super::runtime_of(python)), "{by}: {runtime}");
        }
    }
}

/// Builds `csrc/extensions/abi3t.c` with the file name that every version and build accepts.
fn build(include: &Path, folder: &Path) -> PathBuf {
    let module = folder.join("abi3t.abi3t.so");
    run(cc()
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared", "-I"])
        .arg(include)
        .args(pkg_config(["--cflags", "pybuffer-static"]))
        .arg(shipped().root.join("csrc/extensions/abi3t.c"))
        .args(pkg_config(["--libs", "pybuffer-static"]))
        .args(["-ldl", "-o"])
        .arg(&module));
    module.canonicalize().unwrap()
}
