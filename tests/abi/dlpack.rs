//! The structs of DLPack in `libpybuffer.h` and in Rust, held against the published `dlpack.h`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::c::{failed, layout_asserts_of};
use super::compare::include;
use super::rust::layouts;
use crate::support::{
    cc, command_without_settings, cxx, packages, printed, pythons, run, run_any, skip, stdout,
    temp_dir,
};

/// The folder with `dlpack/dlpack.h` from PyPI; `None`, with the skip reported, if it cannot be had.
fn published(test: &str) -> Option<PathBuf> {
    // Every release since 2025 has a wheel for this CPython.
    let python = pythons().iter().rfind(|python| {
        !python.debug && !python.free_threaded && ((3, 9)..=(3, 13)).contains(&python.minor())
    });
    let Some(python) = python else {
        skip(test, "no CPython from 3.9 to 3.13, for which PyPI has a package with dlpack.h");
        return None;
    };
    let exe = match packages::python_with(python, "tests/abi/requirements.txt") {
        Ok(exe) => exe,
        Err(why) => {
            skip(test, &format!("no dlpack.h for CPython {}: {why}", python.label));
            return None;
        }
    };
    let code = "import sysconfig; print(sysconfig.get_path('purelib'), sysconfig.get_path('platlib'), sep='\\n')";
    let folders = stdout(&run(command_without_settings(exe).args(["-c", code])));
    let mut folders = folders.lines().map(|folder| PathBuf::from(folder).join("tvm_ffi/include"));
    let found = folders.find(|folder| folder.join("dlpack/dlpack.h").is_file());
    Some(found.expect("apache-tvm-ffi has dlpack/dlpack.h"))
}

/// The enumerators of DLPack that a header has.
fn enumerators(header: &str) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    for part in header.split("kDL").skip(1) {
        let Some((name, rest)) = part.split_once(" = ") else { continue };
        if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            found.insert(format!("kDL{name}"), digits.parse().unwrap());
        }
    }
    found
}

#[test]
fn structs_and_numbers_of_dlpack_are_the_published_ones() {
    let test = "structs_and_numbers_of_dlpack_are_the_published_ones";
    let Some(folder) = published(test) else { return };
    let of_dlpack: Vec<_> =
        layouts().into_iter().filter(|layout| layout.name.starts_with("DL")).collect();
    assert_eq!(of_dlpack.len(), 6);
    let unit = format!(
        "#include <dlpack/dlpack.h>\n#include <stddef.h>\n{}",
        layout_asserts_of(&of_dlpack)
    );
    let found = failed(&unit, &folder, "dlpack.h");
    assert!(found.is_empty(), "the C compiler finds:\n{}", found.join("\n"));

    let theirs = enumerators(&fs::read_to_string(folder.join("dlpack/dlpack.h")).unwrap());
    let ours = enumerators(&fs::read_to_string(include().join("libpybuffer.h")).unwrap());
    assert!(theirs.len() > 30, "{theirs:?}");
    assert_eq!(ours, theirs);
}

/// What dlpack.h before 1.0 declared, whose comments are left out.
const OLD: &str = "\
#ifndef DLPACK_DLPACK_H_
#define DLPACK_DLPACK_H_
#define DLPACK_VERSION 80
#include <stdint.h>
typedef enum { kDLCPU = 1 } DLDeviceType;
typedef struct { DLDeviceType device_type; int32_t device_id; } DLDevice;
typedef struct { uint8_t code; uint8_t bits; uint16_t lanes; } DLDataType;
typedef struct {
  void *data; DLDevice device; int32_t ndim; DLDataType dtype; int64_t *shape; int64_t *strides; uint64_t byte_offset;
} DLTensor;
typedef struct DLManagedTensor {
  DLTensor dl_tensor; void *manager_ctx; void (*deleter)(struct DLManagedTensor *self);
} DLManagedTensor;
#endif
";

/// Uses of either struct, with the types of the header that came first.
const USES: &str = "
int take(PyObject *obj, DLManagedTensorVersioned **tensor, DLManagedTensor **legacy);
int take(PyObject *obj, DLManagedTensorVersioned **tensor, DLManagedTensor **legacy)
{
    return pybuffer_to_dlpack(obj, PYBUFFER_DLPACK_COPY, tensor) + pybuffer_to_dlpack_legacy(obj, 0, legacy)
           + ((*tensor)->dl_tensor.device.device_type == kDLCPU)
           + (((*tensor)->flags & DLPACK_FLAG_BITMASK_IS_COPIED) != 0);
}
";

#[test]
fn header_comes_after_any_dlpack_h_or_without_one() {
    let test = "header_comes_after_any_dlpack_h_or_without_one";
    let folder = temp_dir("abi-dlpack");
    fs::write(folder.join("old.h"), OLD).unwrap();
    let mut firsts = vec!["".to_owned(), "#include \"old.h\"\n".to_owned()];
    if let Some(published) = published(test) {
        firsts.push(format!("#include \"{}\"\n", published.join("dlpack/dlpack.h").display()));
    }
    for (i, first) in firsts.iter().enumerate() {
        let file = folder.join(format!("unit{i}.c"));
        fs::write(&file, format!("{first}#include <libpybuffer.h>\n{USES}")).unwrap();
        for (mut compiler, language) in [(cc(), "c"), (cxx(), "c++")] {
            compiler.args(["-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", language]);
            let output = run_any(compiler.arg("-I").arg(include()).arg(&file));
            assert!(output.status.success(), "{first}{language}:\n{}", printed(&output));
        }
    }
}
