//! Formats as exporters write them: what the library reads, beside what the exporter has.
//!
//! ctypes' structs and NumPy's dtypes are generated inside real pythons by `tests/formats/*.py`; what
//! these lose on the way into a format is listed there by name. NumPy comes from PyPI. Formats that no
//! exporter writes are in `tests/formats/fuzz.rs`.

#[path = "formats/fuzz.rs"]
mod fuzz;
mod support;

use std::process::Command;

use support::{
    Python, command_without_settings, packages, printed, pythons, run_any, say, shipped, skip,
    stdout,
};

/// Runs a script of `tests/formats` on what ships, and shows what it says.
fn run_script(mut python: Command, label: &str, script: &str, n_cases: usize) {
    let script = shipped().root.join("tests/formats").join(script);
    let output = run_any(
        python
            .args(["-B", "-W", "ignore"])
            .arg(&script)
            .arg(&shipped().so)
            .arg(n_cases.to_string()),
    );
    assert!(output.status.success(), "{label}: {}\n{}", output.status, printed(&output));
    say(&format!("formats: {label}: {}", stdout(&output).trim()));
}

#[test]
fn structs_of_ctypes_lie_as_their_formats_say() {
    for python in pythons() {
        run_script(python.command(), &python.label, "ctypes_structs.py", 1000);
    }
}

/// The oldest python, the newest, and one between, each with its own NumPy.
#[test]
fn dtypes_of_numpy_lie_as_their_formats_say() {
    let test = "dtypes_of_numpy_lie_as_their_formats_say";
    let has_pip = |python: &Python| {
        run_any(python.command().args(["-c", "import ensurepip"])).status.success()
    };
    let plain: Vec<&Python> = pythons()
        .iter()
        .filter(|python| !python.debug && !python.free_threaded && has_pip(python))
        .collect();
    let chosen = [plain.first(), plain.get(plain.len() / 2), plain.last()];
    let mut chosen: Vec<&Python> = chosen.into_iter().flatten().copied().collect();
    chosen.dedup_by_key(|python| &python.exe);
    if chosen.is_empty() {
        skip(test, "no CPython was found that can make a virtual environment");
    }
    for python in chosen {
        match packages::python_with(python, "tests/formats/requirements.txt") {
            Ok(exe) => {
                let python_with_numpy = command_without_settings(exe);
                run_script(python_with_numpy, &python.label, "numpy_dtypes.py", 300);
            }
            Err(why) => skip(test, &format!("no NumPy for CPython {}: {why}", python.label)),
        }
    }
}
