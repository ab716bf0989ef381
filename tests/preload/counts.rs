//! The calls that `csrc/extensions/count.c` counted: by which library they were answered, and how many there should be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Python, say, shipped};

/// The functions that the suites call, with the smallest number of calls expected in one CPython: about a tenth of
/// the number counted in 3.8 to 3.13.
pub const OFTEN_CALLED: [(&str, u64); 11] = [
    ("PyObject_CheckBuffer", 100_000),
    ("PyObject_GetBuffer", 1_000_000),
    ("PyBuffer_Release", 1_000_000),
    ("PyBuffer_SizeFromFormat", 1),
    ("PyBuffer_IsContiguous", 200_000),
    ("PyBuffer_GetPointer", 5_000),
    ("PyBuffer_ToContiguous", 50_000),
    ("PyBuffer_FillInfo", 500_000),
    ("PyMemoryView_FromObject", 50_000),
    ("PyMemoryView_FromMemory", 50_000),
    ("PyMemoryView_GetContiguous", 5_000),
];

/// The functions that the suites call rarely or never, with the reason. `every_function.py` calls them.
pub const HARDLY_CALLED: [(&str, &str); 8] = [
    ("PyBuffer_FromContiguous", "two calls in test_capi, none in 3.10 whose test_capi is missing"),
    ("PyObject_CopyData", "no code of CPython's calls it"),
    ("PyBuffer_FillContiguousStrides", "no code of CPython's calls it"),
    ("PyMemoryView_FromBuffer", "ctypes and _testbuffer call it a few times, no other code"),
    ("PyObject_AsCharBuffer", "kept for old extensions of the stable ABI alone"),
    ("PyObject_AsReadBuffer", "kept for old extensions of the stable ABI alone"),
    ("PyObject_AsWriteBuffer", "kept for old extensions of the stable ABI alone"),
    ("PyObject_CheckReadBuffer", "kept for old extensions of the stable ABI alone"),
];

/// The number of calls of each function, in all processes together.
///
/// # Panics
/// If another library answered a call.
pub fn sum_counts(files: impl Iterator<Item = PathBuf>) -> BTreeMap<String, u64> {
    let ours = shipped().so.canonicalize().unwrap();
    let mut counts = BTreeMap::new();
    for file in files {
        let lines = fs::read_to_string(&file).unwrap_or_else(|error| {
            panic!("nothing was counted: {}: {error}", file.display());
        });
        for line in lines.lines() {
            let [_pid, function, calls, image] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{}: {line}", file.display());
            };
            let image = Path::new(image).canonicalize().unwrap();
            assert_eq!(image, ours, "{function} was answered by another");
            *counts.entry(function.to_string()).or_default() += calls.parse::<u64>().unwrap();
        }
    }
    counts
}

/// The functions that the suites called less often than expected.
pub fn counts_missing(python: &Python, counts: &BTreeMap<String, u64>) -> Vec<String> {
    if python.answers_itself() {
        say(&format!(
            "CPython {}: only the calls of extension modules can be preloaded",
            python.label
        ));
        assert!(counts.contains_key("PyObject_GetBuffer"), "CPython {}", python.label);
        return Vec::new();
    }
    let drop_ins = drop_ins();
    OFTEN_CALLED
        .iter()
        .filter(|(function, _)| drop_ins[*function] <= python.minor())
        .map(|(function, least)| (function, least, counts.get(*function).unwrap_or(&0)))
        .filter(|(_, least, calls)| calls < least)
        .map(|(function, least, calls)| {
            format!("CPython {}: {function} was called {calls} times, not {least}", python.label)
        })
        .collect()
}

/// The names that the library shares with libpython, with the minor version that introduced each.
pub fn drop_ins() -> BTreeMap<String, (u8, u8)> {
    let text = fs::read_to_string(shipped().root.join("abi/symbols.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let since = |symbol: &toml::Value| {
        let (major, minor) = symbol["since"].as_str().unwrap().split_once('.').unwrap();
        (major.parse().unwrap(), minor.parse().unwrap())
    };
    manifest["symbols"]
        .as_table()
        .unwrap()
        .iter()
        .filter(|(_, symbol)| symbol["kind"].as_str() == Some("drop-in"))
        .map(|(name, symbol)| (name.clone(), since(symbol)))
        .collect()
}
