//! The shared library: what it needs of others, and how it lies in memory.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::manifest::Manifest;
use super::readelf::{self, Symbol, dynamic, dynamic_symbols, segments};
use crate::support::{run, shipped, stdout, temp_dir};

/// The most that the library may weigh once stripped, with the kernels of every level.
pub const MAX_STRIPPED: u64 = 320 * 1024;
/// The most code that it may have without its leaf loops.
const MAX_WITHOUT_KERNELS: u64 = 160 * 1024;

fn undefined() -> impl Iterator<Item = Symbol> {
    dynamic_symbols(&shipped().so).into_iter().filter(|symbol| !symbol.is_defined)
}

#[test]
fn nothing_of_rusts_runtime_is_left_undefined() {
    // With LTO dropped, rust_eh_personality is the first sign.
    let rust: Vec<_> = undefined()
        .filter(|s| {
            ["rust_", "__rust", "_Unwind_", "_R", "_ZN"].iter().any(|p| s.name.starts_with(p))
        })
        .collect();
    assert!(rust.is_empty(), "{rust:?}");
}

#[test]
fn python_is_referenced_weakly_only() {
    // A strong reference makes `LD_PRELOAD=libpybuffer.so sh` die and `cc program.c -lpybuffer` fail.
    let strong: Vec<_> = undefined()
        .filter(|s| s.binding != "WEAK" && (s.name.starts_with("Py") || s.name.starts_with("_Py")))
        .collect();
    assert!(strong.is_empty(), "{strong:?}");
}

#[test]
fn no_panic_can_be_reached() {
    // The panic handler's abort is the only one, and the linker drops what nothing reaches.
    if undefined().any(|symbol| symbol.name == "abort") {
        panic!("a panic is reachable: {:#?}", callers_of_panics());
    }
}

/// Who calls a function whose name tells of a panic, for a failure's text.
fn callers_of_panics() -> BTreeSet<String> {
    let code = run(Command::new("objdump").args(["-d", "-C"]).arg(&shipped().so));
    let mut function = String::new();
    let mut callers = BTreeSet::new();
    for line in stdout(&code).lines() {
        if let Some((_, name)) = line.strip_suffix(">:").and_then(|line| line.split_once(" <")) {
            name.clone_into(&mut function);
        } else if let Some((_, callee)) = line.split_once(" <")
            && ["panic", "_fail>"].iter().any(|word| callee.contains(word))
        {
            callers.insert(format!("{function} -> {}", callee.trim_end_matches('>')));
        }
    }
    callers
}

#[test]
#[cfg(target_env = "gnu")]
fn libc_alone_is_needed() {
    assert_eq!(dynamic(&shipped().so, "NEEDED"), ["libc.so.6"]);
    let elsewhere: Vec<_> = undefined()
        .filter(|s| {
            s.binding != "WEAK" && !s.version.as_deref().is_some_and(|v| v.starts_with("GLIBC_"))
        })
        .collect();
    assert!(elsewhere.is_empty(), "strong references to other libraries than glibc: {elsewhere:?}");
}

#[test]
#[cfg(all(
    target_env = "gnu",
    any(
        target_arch = "x86_64",
        target_arch = "x86",
        target_arch = "aarch64",
        target_arch = "s390x"
    )
))]
fn glibc_of_2012_suffices() {
    let floor = |version: &str| {
        let numbers = version.strip_prefix("GLIBC_")?;
        let mut numbers = numbers.split('.').map(|number| number.parse::<u32>());
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    let versions = readelf::needed_versions(&shipped().so);
    assert!(!versions.is_empty(), "readelf told of no version at all");
    for version in versions {
        let needed = floor(&version).unwrap_or_else(|| panic!("{version} is not a glibc version"));
        assert!(needed <= (2, 17), "{version} is newer than 2.17: {:?}", users_of(&version));
    }
}

#[cfg(target_env = "gnu")]
fn users_of(version: &str) -> Vec<String> {
    undefined().filter(|s| s.version.as_deref() == Some(version)).map(|s| s.name).collect()
}

#[test]
fn soname_is_the_abi_number_and_the_links_lead_to_the_version() {
    let abi = Manifest::read().abi;
    let soname = format!("libpybuffer.so.{abi}");
    assert_eq!(dynamic(&shipped().so, "SONAME"), [soname.as_str()]);
    let target = |name: &str| fs::read_link(shipped().lib_dir.join(name)).unwrap();
    assert_eq!(target("libpybuffer.so"), Path::new(&soname));
    assert_eq!(target(&soname), Path::new(concat!("libpybuffer.so.", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn stripped_library_is_small() {
    let stripped = temp_dir("stripped").join("libpybuffer.so");
    run(Command::new("strip").arg("-o").arg(&stripped).arg(&shipped().so));
    let size = fs::metadata(stripped).unwrap().len();
    assert!(size < MAX_STRIPPED, "{size} bytes stripped, {MAX_STRIPPED} are allowed");
    // The leaf loops: the kernels, those of few items, and those by way of a stage.
    let rest = text_size() - code_of("kernels") - code_of("4copy3few") - code_of("4copy5weave");
    assert!(
        rest < MAX_WITHOUT_KERNELS,
        "{rest} bytes of code without the leaf loops, {MAX_WITHOUT_KERNELS} are allowed"
    );
}

/// The size of the library's code.
fn text_size() -> u64 {
    let sections = run(Command::new("size").args(["-A", "-d"]).arg(&shipped().so));
    let text = stdout(&sections);
    let text = text.lines().find_map(|line| line.strip_prefix(".text")).expect("a .text section");
    text.split_whitespace().next().and_then(|size| size.parse().ok()).expect("its size")
}

/// The size of the functions whose mangled names have `part` in them.
fn code_of(part: &str) -> u64 {
    let symbols = run(Command::new("readelf").args(["--symbols", "--wide"]).arg(&shipped().so));
    let size = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        (fields.get(3) == Some(&"FUNC") && fields.last()?.contains(part))
            .then(|| fields[2].parse::<u64>().ok())
            .flatten()
    };
    stdout(&symbols).lines().filter_map(size).sum()
}

#[test]
fn nothing_is_writable_and_executable_nor_patched_in_place() {
    let so = &shipped().so;
    assert!(dynamic(so, "TEXTREL").is_empty(), "the code has relocations");
    assert_eq!(segments(so, "GNU_STACK"), ["RW"], "the stack has to be non-executable");
    assert_eq!(segments(so, "GNU_RELRO").len(), 1, "relocated data has to become read-only");
    assert!(
        dynamic(so, "FLAGS_1").iter().any(|flags| flags.contains("NOW")),
        "all has to be bound at load, so that the relocated tables become read-only"
    );
    for flags in segments(so, "LOAD") {
        assert!(!(flags.contains('W') && flags.contains('E')), "a segment is {flags}");
    }
}
