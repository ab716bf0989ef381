//! The live audit of the library as it ships: its lines about mistakes that are made on purpose, its silence about what
//! is correct, and its lines while CPython's own tests run.

mod support;

mod audit {
    mod copies;
    mod innocent;
    mod places;
    mod standalone;
    mod suites;
    mod told;
}

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{
    Python, cc, command_without_settings, has_companion, printed, pythons, run, run_any, shipped,
    skip, stdout, temp_dir,
};

/// Builds an extension of `csrc/extensions` for a python with headers.
fn build_extension(python: &Python, name: &str, folder: &Path, more: &[&OsStr]) {
    run(cc()
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-fPIC", "-shared", "-I"])
        .arg(python.include.as_ref().unwrap())
        .arg(shipped().root.join(format!("csrc/extensions/{name}.c")))
        .args(more)
        .arg("-o")
        .arg(folder.join(format!("{name}.so"))));
}

/// Builds `csrc/extensions/mistakes.c` for a python.
fn build_mistakes(python: &Python, name: &str) -> Option<PathBuf> {
    python.include.as_ref()?;
    let folder = temp_dir(&format!("audit-{name}-{}", python.label));
    build_extension(python, "mistakes", &folder, &[]);
    Some(folder)
}

/// A python under the audit, started by `pybuffer-run`, which knows how to reach every kind of python.
fn audited(python: &Python, mode: &str, log: Option<&Path>) -> Command {
    let mut command = command_without_settings(&shipped().command);
    command.arg("-q").arg(format!("--audit={mode}"));
    if let Some(log) = log {
        command.arg(format!("--audit-log={}", log.display()));
    }
    command.arg(&python.exe).env_remove("LD_PRELOAD").env_remove("LD_AUDIT");
    command
}

/// A line without what differs from run to run: the process's number, and addresses.
fn plain(line: &str) -> String {
    let (_, rest) =
        line.strip_prefix("libpybuffer audit[").and_then(|l| l.split_once("] ")).unwrap();
    let mut plain = String::new();
    for (number, part) in rest.split("0x").enumerate() {
        plain += if number > 0 { "0x" } else { "" };
        let hex = if number > 0 { part.find(|c: char| !c.is_ascii_hexdigit()) } else { Some(0) };
        plain += &part[hex.unwrap_or(part.len())..];
    }
    plain
}

/// The lines of a log, without the `END` line.
fn lines(log: &Path) -> Vec<String> {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().map(plain).filter(|line| !line.starts_with("END: ")).collect()
}

/// What the audit writes of `code`, which uses the extension `mistakes`.
fn said_of(python: &Python, folder: &Path, code: &str) -> Vec<String> {
    let log = folder.join("log");
    let _ = fs::remove_file(&log);
    let code = format!("import sys; sys.path.insert(0, {folder:?})\nimport mistakes as m\n{code}");
    let output = run(audited(python, "warn", Some(&log)).args(["-c", &code]));
    assert_eq!(stdout(&output), "", "{}", printed(&output));
    lines(&log)
}

/// Code, and the audit's line about it.
const MISTAKES: [(&str, &str); 8] = [
    (
        "m.keep(bytearray(4))",
        "HELD at exit: 1 view of 'bytearray' for PyBUF_FULL_RO; \
      requested by mistakes.so (keep at +0x), <string>:3 in <module>",
    ),
    (
        "b = bytearray(4); m.lose(b); m.lose(b); m.lose(b)",
        "HELD at exit: 3 views of 'bytearray' for \
      PyBUF_SIMPLE (2 lost: the Py_buffer was filled again); requested by mistakes.so (lose at +0x), <string>:3 in <module>",
    ),
    (
        "m.right(m.Wrong())",
        "MUST 16 format: 'mistakes.Wrong' for PyBUF_SIMPLE: format: found an address, expected \
      NULL; requested by mistakes.so (right at +0x), <string>:3 in <module>",
    ),
    (
        "m.right(m.Lost())",
        "MUST 13 shape: 'mistakes.Lost' for PyBUF_SIMPLE: shape: found an address, expected \
      an address that can be read; requested by mistakes.so (right at +0x), <string>:3 in <module>",
    ),
    (
        "try: m.right(m.Silent())\nexcept SystemError: pass",
        "MUST 20 exception-missing: 'mistakes.Silent' \
      for PyBUF_SIMPLE: exception: found none is set, expected one, as the answer is -1; requested by \
      mistakes.so (right at +0x), <string>:3 in <module>",
    ),
    (
        "m.move(bytearray(4))",
        "RELEASE of a view that was moved: 'bytearray' for PyBUF_SIMPLE; requested by \
      mistakes.so (move at +0x), <string>:3 in <module>; released by mistakes.so (move at +0x), <string>:3 in <module>",
    ),
    (
        "m.twice(bytearray(4))",
        "RELEASE of a copy of a view that was released before: 'bytearray' for \
      PyBUF_SIMPLE; requested by mistakes.so (twice at +0x), <string>:3 in <module>; released by mistakes.so (twice at +0x), <string>:3 in <module>",
    ),
    (
        "m.never(bytearray(4))",
        "RELEASE of a view that was never acquired: 'bytearray'; released by \
      mistakes.so (never at +0x), <string>:3 in <module>",
    ),
];

/// Calls that end the process in a debug build, by libpython's own assertions: a function fails without an exception, or
/// a bytearray is released more often than it was acquired.
const ASSERTED: [&str; 3] = ["m.Silent()", "m.twice(", "m.never("];

const RIGHT: &str = "
import array
for exporter in b'abc', bytearray(3), array.array('i', [1]), memoryview(b'abc'), memoryview(b'abc')[::-1]:
    for _ in range(3):
        m.right(exporter) if memoryview(exporter).c_contiguous else bytes(exporter)
m.right_by_hand(1); m.right_by_hand('text')
m.right_by_parsing('text'); m.right_by_parsing(b'bytes'); m.right_by_parsing(bytearray(3))
b''.join([b'a', bytearray(b'b'), memoryview(b'c')]); b'abc'.find(bytearray(1))
kept = memoryview(bytearray(8))[2:].cast('B')
for other in bytearray(3), memoryview(b'abc'):
    passed_on = m.delegate(other)
    for _ in range(3):
        m.right(passed_on); bytes(passed_on)
        with memoryview(passed_on) as one, memoryview(passed_on) as another: bytes(one)
try: m.right(3)
except TypeError: pass
";

/// Calls `work` with every python that has the headers to build an extension.
fn each_python(test: &str, mut work: impl FnMut(&Python, &Path)) {
    for python in pythons().iter().filter(|python| is_reached(python)) {
        match build_mistakes(python, test) {
            Some(folder) => work(python, &folder),
            None => skip(test, &format!("CPython {} has no Python.h", python.label)),
        }
    }
}

/// Whether `pybuffer-run` can reach a python on this machine.
fn is_reached(python: &Python) -> bool {
    python.libpython.is_some() || has_companion()
}

/// Whether libpython's own calls reach the library: only then can releases be judged.
fn is_heard(python: &Python) -> bool {
    python.libpython.is_some() && !python.answers_itself()
}

#[test]
fn each_mistake_is_told_in_a_line() {
    each_python("mistakes", |python, folder| {
        for (code, expected) in MISTAKES {
            if python.debug && ASSERTED.iter().any(|call| code.contains(call)) {
                continue;
            }
            let said = said_of(python, folder, code);
            if expected.starts_with("RELEASE") && !is_heard(python) {
                assert_eq!(said, [""; 0], "{}: {code}", python.label);
            } else {
                assert_eq!(said, [expected], "{}: {code}", python.label);
            }
        }
    });
}

#[test]
fn what_is_right_is_not_told() {
    each_python("right", |python, folder| {
        assert_eq!(said_of(python, folder, RIGHT), [""; 0], "{}", python.label);
        // Without a log, nothing is written to standard error.
        let code =
            format!("import sys; sys.path.insert(0, {folder:?}); import mistakes as m\n{RIGHT}");
        let output = run(audited(python, "warn", None).args(["-c", &code]));
        assert_eq!(printed(&output), "--- stdout\n--- stderr\n", "{}", python.label);
    });
}

#[test]
fn repeated_findings_are_counted() {
    each_python("repeated", |python, folder| {
        let said = said_of(python, folder, "w = m.Wrong()\nfor _ in range(1000): m.right(w)");
        assert_eq!(said.len(), 2, "{said:#?}");
        assert_eq!(said[1], "AGAIN: 999 more findings like those above of 'mistakes.Wrong'");
    });
}

#[test]
fn many_types_do_not_flood() {
    each_python("flood", |python, folder| {
        let code = "import ctypes\nfor n in range(1, 131):\n\
                    \x20for _ in range(2): m.right((ctypes.c_char * n)())";
        let said = said_of(python, folder, code);
        let n =
            said.iter().filter(|line| line.starts_with("MUST 16 format: 'c_char_Array_")).count();
        assert_eq!(n, 100, "{}: {said:#?}", python.label);
        let more = "AGAIN: 60 more findings of rule 16 format, beyond the first hundred";
        assert!(said.iter().any(|line| line == more), "{}: {said:#?}", python.label);
    });
}

#[test]
fn last_line_counts_and_names_the_interpreter() {
    each_python("counts", |python, folder| {
        let log = folder.join("log");
        let code = format!(
            "import sys; sys.path.insert(0, {folder:?}); import mistakes as m\nb = bytearray(3)\n\
             for _ in range(1000): m.right(b)"
        );
        run(audited(python, "warn", Some(&log)).args(["-c", &code]));
        let text = fs::read_to_string(&log).unwrap();
        let last = plain(text.lines().last().unwrap());
        let numbers: Vec<u32> =
            last.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
        assert!(numbers[0] >= 1000 && numbers[1] >= 1000 && numbers[2] == 0, "{last}");
        assert!(
            last.contains(&format!("CPython {}.{}", python.version.0, python.version.1)),
            "{last}"
        );
        assert_eq!(
            last.contains("own calls do not reach libpybuffer"),
            !is_heard(python),
            "{last}"
        );
    });
}

#[test]
fn raise_puts_an_error_in_place_of_a_wrong_answer() {
    each_python("raise", |python, folder| {
        let code = format!(
            "import sys; sys.path.insert(0, {folder:?}); import mistakes as m\nw = m.Wrong()\n\
             before = sys.getrefcount(w)\n\
             for _ in range(3):\n\
             \x20try: m.right(w)\n\
             \x20except SystemError as error: print(error)\n\
             \x20else: print('no error')\n\
             assert sys.getrefcount(w) == before\nm.right(bytearray(3))"
        );
        let output = run(audited(python, "raise", None).args(["-c", &code]));
        let text = stdout(&output);
        let expected =
            "MUST 16 format: 'mistakes.Wrong' for PyBUF_SIMPLE: format: found an address";
        assert_eq!(text.matches(expected).count(), 3, "{}: {}", python.label, printed(&output));
    });
}

#[test]
fn raise_keeps_the_exporters_own_exception_as_the_cause() {
    each_python("cause", |python, folder| {
        let code = format!(
            "import sys; sys.path.insert(0, {folder:?}); import mistakes as m\n\
             try: m.right(m.Leaves())\n\
             except SystemError as error:\n\
             \x20assert error.__context__ is error.__cause__\n\
             \x20print(str(error)[:27], repr(error.__context__))"
        );
        let output = run(audited(python, "raise", None).args(["-c", &code]));
        let expected = "MUST 23 obj-on-failure: 'mi BufferError('there is nothing to see')\n";
        assert_eq!(stdout(&output), expected, "{}: {}", python.label, printed(&output));
    });
}

#[test]
fn abort_ends_the_process_after_the_line() {
    each_python("abort", |python, folder| {
        let code = format!(
            "import sys; sys.path.insert(0, {folder:?}); import mistakes as m\nm.right(bytearray(1))\n\
             print('right', flush=True)\nm.right(m.Wrong())\nprint('never')"
        );
        let output = run_any(audited(python, "abort", None).args(["-c", &code]));
        assert_eq!(output.status.signal(), Some(6), "{}", printed(&output));
        assert_eq!(stdout(&output), "right\n");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.lines().any(|line| line.contains("MUST 16 format: 'mistakes.Wrong'")),
            "{said}"
        );
    });
}

#[test]
fn log_that_cannot_be_written_is_told_once_and_errno_is_kept() {
    each_python("no-log", |python, folder| {
        let code = format!(
            "import sys; sys.path.insert(0, {folder:?}); import mistakes as m\n\
             assert m.error_after(bytearray(3)); m.keep(bytearray(3))"
        );
        let long = "a/".repeat(2500);
        for (log, why) in [
            (&*folder.join("no such folder/log"), "No such file or directory"),
            (folder, "Is a directory"),
            (Path::new("/proc/self/status"), ""),
            (Path::new(&long), "File name too long"),
            (&folder.join("x".repeat(300)), "File name too long"),
        ] {
            let output = run(audited(python, "warn", Some(log)).args(["-c", &code]));
            let said = String::from_utf8_lossy(&output.stderr);
            let refused = format!("LOG: cannot be written ({why}");
            assert_eq!(said.matches(&refused).count(), 1, "{said}");
            assert_eq!(said.matches("HELD at exit: 1 view of 'bytearray'").count(), 1, "{said}");
        }
        // Also if there is no other line.
        let nothing = run(audited(python, "warn", Some(folder)).args(["-c", "memoryview(b'')"]));
        let said = String::from_utf8_lossy(&nothing.stderr);
        assert_eq!(said.matches("LOG: ").count(), usize::from(is_heard(python)), "{said}");
    });
}

#[test]
fn file_that_gets_the_number_of_standard_error_is_left_alone() {
    each_python("closed", |python, folder| {
        let data = folder.join("data");
        let code = format!(
            "import os, sys; sys.path.insert(0, {folder:?}); import mistakes as m\n\
             with memoryview(b'abc') as view: bytes(view)\nm.right(b'abc')\n\
             fd = os.open({data:?}, os.O_CREAT | os.O_TRUNC | os.O_WRONLY); print(fd)\n\
             m.keep(bytearray(3))"
        );
        let audited = audited(python, "warn", None);
        let mut shell = command_without_settings("sh");
        shell.args(["-c", "exec \"$@\" 2>&-", "sh"]).arg(audited.get_program());
        let output = run(shell.args(audited.get_args()).args(["-c", &code]));
        assert_eq!(stdout(&output), "2\n", "{}", printed(&output));
        assert_eq!(fs::read_to_string(&data).unwrap(), "", "{}", python.label);
    });
}

#[test]
fn off_is_silent_and_any_other_word_is_not() {
    each_python("off", |python, folder| {
        let log = folder.join("log");
        let code = format!(
            "import sys; sys.path.insert(0, {folder:?}); import mistakes as m; m.keep(b'')"
        );
        for (word, is_on) in [("", false), ("0", false), ("off", false), ("1", true), ("on", true)]
        {
            let mut command = audited(python, "warn", Some(&log));
            // pybuffer-run sets the variable, and `env` sets it again.
            let args: Vec<_> = command.get_args().map(OsStr::to_os_string).collect();
            let mut again = command_without_settings(command.get_program());
            again.args(&args[..args.len() - 1]).arg("env").arg(format!("PYBUFFER_AUDIT={word}"));
            command = again;
            run(command.arg(&python.exe).args(["-c", &code]));
            assert_eq!(log.exists(), is_on, "{}: {word:?}", python.label);
            let _ = fs::remove_file(&log);
        }
    });
}

#[test]
fn threads_and_forks_go_on_and_hold_nothing() {
    each_python("processes", |python, folder| {
        let log = folder.join("log");
        let script = shipped().root.join("tests/audit/processes.py");
        let output = run(audited(python, "warn", Some(&log))
            .args(["-W", "ignore"])
            .arg(&script)
            .arg(folder));
        assert_eq!(stdout(&output), "done\n", "{}", printed(&output));
        let expected = "HELD at exit: 1 view of 'bytearray' for PyBUF_FULL_RO; requested by \
                        mistakes.so (keep at +0x), processes.py:35 in <module>";
        let said: Vec<_> = lines(&log)
            .iter()
            .map(|line| line.replace(&format!("{}/", script.parent().unwrap().display()), ""))
            .collect();
        assert_eq!(said, [expected], "{}", python.label);
    });
}

#[test]
fn calls_that_the_system_refuses_are_done_without() {
    each_python("denied", |python, folder| {
        for error in [libc::EPERM, libc::ENOSYS] {
            let log = folder.join("log");
            let _ = fs::remove_file(&log);
            let script = shipped().root.join("tests/audit/denied.py");
            let mut command = audited(python, "warn", Some(&log));
            command.arg(script).arg(folder).arg(error.to_string());
            command.args([libc::SYS_mincore, libc::SYS_process_vm_readv].map(|n| n.to_string()));
            let output = run(&mut command);
            assert_eq!(stdout(&output), "done\n", "{}: {}", python.label, printed(&output));
            let said = lines(&log);
            let expected = "MUST 16 format: 'mistakes.Wrong' for PyBUF_SIMPLE";
            let is_told = said.len() == 1 && said[0].starts_with(expected);
            assert!(is_told, "{}: {said:#?}", python.label);
        }
    });
}

#[test]
fn views_that_there_is_no_memory_to_note_are_not_accused() {
    each_python("no-memory", |python, folder| {
        build_extension(python, "no_memory", folder, &[OsStr::new("-ldl")]);
        let log = folder.join("log");
        let code = format!(
            "import sys; sys.path.insert(0, {folder:?}); import mistakes as m\n\
             for _ in range(50):\n    m.right(bytearray(4)); m.right(b''); bytes(memoryview(b'abc'))\nprint('done')"
        );
        let mut command = audited(python, "abort", Some(&log));
        let output =
            run(command.args(["-c", &code]).env("LD_PRELOAD", folder.join("no_memory.so")));
        assert_eq!(stdout(&output), "done\n", "{}: {}", python.label, printed(&output));
        assert_eq!(lines(&log), [""; 0], "{}", python.label);
    });
}

#[test]
fn exits_of_every_kind_have_their_own_status_and_say_what_they_can() {
    each_python("exits", |python, folder| {
        let log = folder.join("log");
        for (exit, status, is_told) in [
            ("sys.exit(3)", 3, true),
            ("raise KeyError", 1, true),
            ("libc.exit(4)", 4, true),
            ("libc.quick_exit(5)", 5, true),
            ("t = threading.Thread(target=libc.exit, args=[6]); t.start(); t.join()", 6, true),
            ("os._exit(7)", 7, false),
            ("os.execlp('sh', 'sh', '-c', 'exit 8')", 8, false),
        ] {
            let _ = fs::remove_file(&log);
            let code = format!(
                "import ctypes, os, sys, threading; sys.path.insert(0, {folder:?})\n\
                 import mistakes as m; m.keep(bytearray(3)); libc = ctypes.CDLL(None)\n{exit}"
            );
            let output = run_any(audited(python, "warn", Some(&log)).args(["-c", &code]));
            let shown = || format!("{}: {exit}: {}", python.label, printed(&output));
            assert_eq!(output.status.code(), Some(status), "{}", shown());
            let held =
                lines(&log).iter().filter(|line| line.starts_with("HELD at exit: 1 ")).count();
            assert_eq!(held, usize::from(is_told), "{}", shown());
        }
    });
}

/// Instructions are counted; `cargo bench --bench audit` measures nanoseconds.
#[test]
fn off_takes_few_instructions_and_on_more() {
    let test = "off_takes_few_instructions_and_on_more";
    for python in pythons().iter().filter(|p| p.libpython.is_some() && !p.debug && !p.free_threaded)
    {
        let Some(include) = &python.include else { continue };
        let folder = temp_dir(&format!("audit-cost-{}", python.label));
        run(cc()
            .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-fPIC", "-shared", "-I"])
            .arg(include)
            .arg(shipped().root.join("csrc/extensions/cost.c"))
            .arg("-o")
            .arg(folder.join("cost.so")));
        let instructions = |mode: Option<&str>| {
            let mut command = python.command();
            command.env("LD_PRELOAD", &shipped().so).env("PYTHONPATH", &folder);
            command.env_remove("PYBUFFER_AUDIT").envs(mode.map(|mode| ("PYBUFFER_AUDIT", mode)));
            let code = "import cost; print(*cost.measure(memoryview(b'abc'))[:2])";
            let said = stdout(&run(command.args(["-c", code])));
            let numbers: Vec<i64> = said.split_whitespace().map(|n| n.parse().unwrap()).collect();
            (numbers[0], numbers[1] - numbers[0])
        };
        let (slots, unset) = instructions(None);
        if slots == 0 {
            return skip(test, "no process may be stepped here");
        }
        // libpython itself takes 24 to 30; the audit takes more than a thousand.
        assert!((1..=60).contains(&unset), "{}: {unset} instructions", python.label);
        assert_eq!(instructions(Some("off")).1, unset, "{}", python.label);
        assert!(instructions(Some("warn")).1 > 10 * unset, "{}", python.label);
    }
}
