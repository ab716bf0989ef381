//! Memoryviews if the layout of the host's is unknown to the library.
//!
//! (The ordinary case is tested in `tests/c_suite.rs`, in both worlds, and in `tests/preload.rs`; the lack of
//! memory, in `tests/c_suite.rs`.)

mod support;

use support::{printed, pythons, run, shipped, skip};

/// Each of the library's two layout checks is made to fail in every CPython. Functions that do not need the fields
/// still work, by libpython's own; the others raise an error; nothing crashes.
#[test]
fn memoryviews_of_an_unknown_layout_are_left_to_libpython() {
    let test = "memoryviews_of_an_unknown_layout_are_left_to_libpython";
    if pythons().is_empty() {
        return skip(test, "no CPython found");
    }
    for python in pythons() {
        let ctypes = support::run_any(python.command().args(["-c", "import ctypes"]));
        if !ctypes.status.success() {
            skip(&format!("{test}, {}", python.label), "this python has no ctypes");
            continue;
        }
        for check in ["type", "object"] {
            let output = run(python
                .command()
                .arg(shipped().root.join("tests/memoryviews/fallback.py"))
                .arg(&shipped().so)
                .arg(check));
            let label = &python.label;
            assert!(output.stderr.is_empty(), "CPython {label}, {check}\n{}", printed(&output));
        }
    }
}
