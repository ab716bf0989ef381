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
        let broken = example("ctypes:(c_int * 3)()");
        assert_eq!(broken.status.code(), Some(1), "{}", python.label);
        let expected = "MUST 14 strides: PyBUF_INDIRECT|PyBUF_FORMAT: strides: found NULL";
        assert!(stdout(&broken).contains(expected), "{}", stdout(&broken));
    }
}
