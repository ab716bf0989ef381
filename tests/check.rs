//! The exporters that every CPython of the machine brings along, checked in that CPython through
//! `examples/check_exporter.py`, as their authors would; statically linked ones too.

mod support;

use support::{pythons, run, run_any, say, shipped, stdout};

#[test]
fn exporters_of_every_python_keep_the_contract() {
    let root = &shipped().root;
    for python in pythons() {
        let mut command = python.command();
        command.arg(root.join("tests/check/exporters.py"));
        command.arg(root.join("examples/check_exporter.py"));
        command.env("PYBUFFER_LIBRARY", &shipped().so);
        say(&format!("check: {}: {}", python.label, stdout(&run(&mut command)).trim()));
    }
}

/// Exporters that refuse everything, or some requests with an exception of their own, in C and in Python.
#[test]
fn what_an_exporter_raises_is_told() {
    let root = &shipped().root;
    for python in pythons() {
        let mut command = python.command();
        command.arg(root.join("tests/check/raising.py"));
        command.arg(root.join("examples/check_exporter.py"));
        run(command.env("PYBUFFER_LIBRARY", &shipped().so));
    }
}

#[test]
fn example_reports_and_exits_as_it_says() {
    let root = &shipped().root;
    for python in pythons() {
        let example = |argument: &str| {
            let mut command = python.command();
            command.arg(root.join("examples/check_exporter.py")).arg(argument);
            run_any(command.env("PYBUFFER_LIBRARY", &shipped().so))
        };
        let sound = example("array:array('i', [1, 2])");
        assert_eq!(sound.status.code(), Some(0), "{}", python.label);
        assert!(stdout(&sound).contains("rules broken: 0 MUST"), "{}", stdout(&sound));
        let released = "builtins:[view := memoryview(b''), view.release()][0]";
        let useless = example(released);
        assert_eq!(useless.status.code(), Some(1), "{}", python.label);
        let expected = "memoryview: no request is met: ValueError: operation forbidden on released";
        assert!(stdout(&useless).contains(expected), "{}", stdout(&useless));
        let broken = example("ctypes:(c_int * 3)()");
        assert_eq!(broken.status.code(), Some(1), "{}", python.label);
        let expected = "MUST 14 strides: PyBUF_FULL_RO: strides: found NULL";
        assert!(stdout(&broken).contains(expected), "{}", stdout(&broken));
    }
}
