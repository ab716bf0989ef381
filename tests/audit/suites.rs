//! The audit's lines while CPython's and NumPy's own tests run.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::super::support::{
    Python, command_without_settings, printed, pythons, run_any, say, shipped, skip, stdout,
    temp_dir,
};
use super::super::{audited, is_heard, is_reached, lines};

/// The mistakes that CPython's own tests have exporters make on purpose: `_testbuffer.ndarray` makes them on demand.
/// docs/audit.md explains each.
const TEST_BUFFER: [&str; 4] = [
    // Suboffsets that are all negative.
    "MUST 11 no-suboffsets: 'ndarray' ",
    // 128 dimensions, which consumers must refuse.
    "MUST 7 ndim: 'ndarray' ",
    // ND_GETBUF_FAIL: the request fails, and leaves 0x1 in obj.
    "MUST 23 obj-on-failure: 'ndarray' ",
    // The legacy mode of staticarray, which holds no reference.
    "MUST 1 obj: 'staticarray' ",
];

#[test]
fn tests_of_cpython_pass_and_every_line_is_explained() {
    let test = "tests_of_cpython_pass_and_every_line_is_explained";
    let mut n_run = 0;
    for python in pythons().iter().filter(|python| python.has_tests && is_reached(python)) {
        let log = temp_dir(&format!("audit-suite-{}", python.label)).join("log");
        let suites =
            ["test_buffer", "test_memoryview", "test_picklebuffer", "test_array", "test_struct"];
        let output = run_any(
            audited(python, "warn", Some(&log)).args(["-m", "test", "-u", "none"]).args(suites),
        );
        assert!(output.status.success(), "{}: {}", python.label, printed(&output));
        let said: BTreeSet<String> = lines(&log).into_iter().collect();
        let explained = |line: &&String| {
            line.starts_with("AGAIN: ") || TEST_BUFFER.iter().any(|known| line.starts_with(known))
        };
        let (known, unknown): (Vec<_>, Vec<_>) = said.iter().partition(explained);
        assert!(unknown.is_empty(), "{}: {unknown:#?}", python.label);
        assert!(!known.is_empty(), "{}: nothing was found at all", python.label);
        n_run += 1;
    }
    say(&format!("CPython's tests of buffers ran under the audit in {n_run} versions"));
    if n_run == 0 {
        skip(test, "no CPython with its tests");
    }
}

/// The lines about NumPy's own tests of buffers. docs/audit.md explains each.
const NUMPY: [&str; 5] = [
    // Without PyBUF_ND, an array of several items has ndim 0.
    "MUST 8 scalar: 'numpy.ndarray' ",
    // Scalars of two types have a shape and no strides.
    "MUST 14 strides: 'numpy.datetime64' ",
    "MUST 14 strides: 'numpy.timedelta64' ",
    // A record with a field that has no format refuses, but leaves itself in obj.
    "MUST 23 obj-on-failure: 'numpy.void' ",
    // Not NumPy's: ctypes never gives strides.
    "MUST 14 strides: 'c_wchar_Array_4' ",
];

#[test]
fn tests_of_numpy_pass_and_every_line_is_explained() {
    let test = "tests_of_numpy_pass_and_every_line_is_explained";
    let fits = |python: &&Python| is_heard(python) && python.minor() >= (3, 12) && !python.debug;
    let Some(python) = pythons().iter().rfind(fits) else {
        return skip(test, "no CPython from 3.12 on with a libpython whose calls can be heard");
    };
    let environment = match numpy(python) {
        Ok(environment) => environment,
        Err(why) => return skip(test, &why),
    };
    let log = temp_dir("audit-numpy").join("log");
    let mut inside = python.clone();
    inside.exe = environment.join("bin/python");
    let pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs"];
    for (suites, only) in [
        (&["test_multiarray"][..], "NewBufferProtocol or buffer or memoryview"),
        (&["test_scalarbuffer", "test_mem_overlap", "test_records", "test_dlpack"], "test"),
    ] {
        let suites = suites.iter().map(|suite| format!("numpy._core.tests.{suite}"));
        let mut command = audited(&inside, "warn", Some(&log));
        command.args(pytest).args(suites).args(["-k", only]);
        let output = run_any(command.current_dir(log.parent().unwrap()));
        assert!(output.status.success(), "{}", printed(&output));
        say(&format!("NumPy under the audit: {}", stdout(&output).lines().last().unwrap_or("")));
    }
    let said = lines(&log);
    let explained = |line: &&String| {
        line.starts_with("AGAIN: ") || NUMPY.iter().any(|known| line.starts_with(known))
    };
    let (known, unknown): (Vec<_>, Vec<_>) = said.iter().partition(explained);
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(!known.is_empty(), "nothing was found at all");
}

/// A virtual environment with what `requirements.txt` lists, kept from run to run.
fn numpy(python: &Python) -> Result<PathBuf, String> {
    let root = &shipped().root;
    let requirements = root.join("tests/audit/requirements.txt");
    let wanted = fs::read_to_string(&requirements).unwrap();
    let folder = root.join(format!("build/audit/cpython-{}", python.label));
    let stamp = folder.join("installed.txt");
    if fs::read_to_string(&stamp).ok().as_ref() == Some(&wanted) {
        return Ok(folder);
    }
    let done = |command: &mut Command| match run_any(command) {
        output if output.status.success() => Ok(()),
        output => Err(format!("NumPy cannot be installed: {}", printed(&output))),
    };
    done(python.command().args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = command_without_settings(folder.join("bin/python"));
    done(pip.args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements))?;
    fs::write(&stamp, wanted).unwrap();
    Ok(folder)
}
