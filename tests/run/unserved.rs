//! Pythons that the library does not serve. If it is preloaded there, their own functions answer.

use super::*;
use support::{Unserved, unserved_pythons};

/// Each drop-in function calls that libpython's own, whatever the layout of its objects and views.
#[test]
fn drop_in_functions_are_those_of_a_libpython_that_is_not_served() {
    let folder = temp_dir("run-unserved");
    let source = shipped().root.join("csrc/extensions/unserved.c");
    let (host, program) = (folder.join("libpython2.7.so.1.0"), folder.join("program"));
    run(cc().args(["-O1", "-fPIC", "-shared", "-DHOST", "-o"]).arg(&host).arg(&source));
    run(cc()
        .args(["-O1", "-o"])
        .args([&program, &source, &host])
        .arg(format!("-Wl,-rpath,{}", folder.display())));
    for version in ["2.7.18 (default)", "3.7.16 (default)", "3.11.13 (main) [PyPy 7.3.20]"] {
        let mut command = Command::new(&program);
        command.env("VERSION", version).env("LD_PRELOAD", &shipped().so);
        assert_eq!(stdout(&run(&mut command)), "0\n", "{version}");
    }
}

/// These pythons' own suites, without three tests that take most of the time.
const SUITES: [&str; 3] = ["test_buffer", "test_memoryview", "test_array"];
const LONG: &str = "test_memoryview_cast_1D_ND,test_ndarray_format_strides,test_ndarray_getbuf";

/// Runs a python's own suites, and prints names and outcomes of their tests.
const RUN_SUITES: &str = r#"
import sys, unittest
long = sys.argv[1].split(",")
class Result(unittest.TestResult):
    def startTest(self, test):
        unittest.TestResult.startTest(self, test)
        print("run %s" % test.id())
    def addSkip(self, test, why):
        print("skipped %s" % test.id())
    def addError(self, test, error):
        print("error %s %s" % (test, error[0].__name__))
    def addFailure(self, test, error):
        print("failure %s" % test)
def run(test, result):
    if hasattr(test, "_tests"):
        for one in test:
            run(one, result)
    elif not any(name in test.id() for name in long):
        test.run(result)
result = Result()
for suite in sys.argv[2:]:
    run(unittest.defaultTestLoader.loadTestsFromName("test." + suite), result)
print("%d tests" % result.testsRun)
"#;

#[test]
fn suites_of_pythons_that_are_not_served_end_as_without_the_library() {
    let pythons = unserved_pythons();
    if pythons.is_empty() {
        // No package registry has one; the test above imitates them.
        return say("run: no Python 2, no CPython before 3.8 and no PyPy is on this machine");
    }
    std::thread::scope(|scope| {
        let of = |python| scope.spawn(move || compare_suites(python));
        let compared: Vec<_> = pythons.iter().map(of).collect();
        compared.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

fn compare_suites(python: &Unserved) {
    let folder = temp_dir(&format!("run-unserved-{}", python.label));
    let log = folder.join("audit");
    let suites = |preload: bool| {
        let mut command = command_without_settings(&python.exe);
        command.args(["-c", RUN_SUITES, LONG]).args(SUITES).current_dir(&folder);
        command.env_remove("LD_PRELOAD");
        if preload {
            command.env("LD_PRELOAD", &shipped().so);
            command.env("PYBUFFER_AUDIT", "abort").env("PYBUFFER_AUDIT_LOG", &log);
        }
        let output = run_any(&mut command);
        (output.status, printed(&output))
    };
    let (status, with) = suites(true);
    assert_eq!((status, &*with), (suites(false).0, &*suites(false).1), "{}", python.label);
    assert!(status.success() && !log.exists(), "{}: {with}", python.label);
    say(&format!("run: {}: {} as without", python.label, with.lines().rev().nth(1).unwrap()));
}

#[test]
fn pythons_that_are_not_served_are_refused_and_work_as_children() {
    for python in unserved_pythons() {
        let print = ["-c", "print(bytes(memoryview(b'abc')[1:]) is not None)"];
        let (status, said) = refused(pybuffer_run().arg(&python.exe).args(print));
        assert!(status == Some(2) && said.contains("does not support"), "{said}");
        let mut child = pybuffer_run();
        child.args(["sh", "-c", "\"$0\" \"$@\""]).arg(&python.exe).args(print);
        assert_eq!(printed(&run(&mut child)), "--- stdout\nTrue\n--- stderr\n", "{}", python.label);
    }
}
