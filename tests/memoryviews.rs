//! Memoryviews where something that they are made by fails: the host's are laid out as none is known.
//!
//! (What they do where nothing fails is in `tests/c_suite.rs`, in both worlds, and in `tests/preload.rs`;
//! what they do without memory, in `tests/c_suite.rs`.)

mod support;

use support::{printed, pythons, run, shipped, skip};

/// The library's two checks of the layout, each made to fail in every CPython: what it can do without the
/// fields is done, by libpython's own functions at last; the rest is refused; nothing crashes.
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
