//! Checks CPython's own exporters in every CPython of the machine, statically linked ones and debug builds included.
//! `tests/check/check_exporter.py` calls the C functions by ctypes, so no python needs the package, which has tests of
//! its own (`python/tests`).

mod support;

use support::{pythons, run, say, shipped, stdout};

#[test]
fn exporters_of_every_python_keep_the_contract() {
    let root = &shipped().root;
    for python in pythons() {
        let mut command = python.command();
        command.arg(root.join("tests/check/exporters.py"));
        command.arg(root.join("tests/check/check_exporter.py"));
        command.env("PYBUFFER_LIBRARY", &shipped().so);
        say(&format!("check: {}: {}", python.label, stdout(&run(&mut command)).trim()));
    }
}

/// Exporters in C and in Python that refuse all requests, or some of them with an unusual exception.
#[test]
fn what_an_exporter_raises_is_told() {
    let root = &shipped().root;
    for python in pythons() {
        let mut command = python.command();
        command.arg(root.join("tests/check/raising.py"));
        command.arg(root.join("tests/check/check_exporter.py"));
        run(command.env("PYBUFFER_LIBRARY", &shipped().so));
    }
}
