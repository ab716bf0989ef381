//! Eight threads without a GIL, for a minute each: with the library preloaded, and then with the live audit on too.

use std::fs;

use crate::support::{Python, pythons, run, say, shipped, skip, stdout, temp_dir};

#[test]
#[ignore = "two minutes for each python; make test-pythons"]
fn threads_without_a_gil_work_for_a_minute_audit_off_and_on() {
    let test = "threads_without_a_gil_work_for_a_minute_audit_off_and_on";
    let found: Vec<&Python> = pythons().iter().filter(|python| python.free_threaded).collect();
    if found.is_empty() {
        return skip(test, "no free-threaded CPython was found");
    }
    for python in found {
        for audit in ["off", "warn"] {
            let log = temp_dir(&format!("threads-{}-{audit}", python.label)).join("log");
            let output = run(python
                .command()
                .arg(shipped().root.join("tests/preload/threads.py"))
                .arg("60")
                .env("LD_PRELOAD", &shipped().so)
                .env("PYBUFFER_AUDIT", audit)
                .env("PYBUFFER_AUDIT_LOG", &log));
            let said = stdout(&output);
            assert!(output.stderr.is_empty(), "{}", crate::support::printed(&output));
            say(&format!("CPython {}, audit {audit}: {}", python.label, said.trim()));
            let lines = fs::read_to_string(&log).unwrap_or_default();
            let counted: Vec<&str> = lines.lines().collect();
            match counted[..] {
                [] => assert_eq!(audit, "off"),
                [end] => assert!(audit == "warn" && end.contains("END: "), "{end}"),
                _ => panic!("{lines}"),
            }
        }
    }
}
