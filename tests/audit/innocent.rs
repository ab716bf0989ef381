//! What is correct, however unusual: the audit says nothing about it, whichever of the interpreter's calls it sees.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::support::{
    Python, cc, printed, pythons, run, run_any, say, shipped, stdout, temp_dir,
};
use super::super::{audited, build_extension, each_python, is_heard, lines, plain};

fn script(name: &str) -> PathBuf {
    shipped().root.join("tests/audit").join(name)
}

/// The numbers of a log's `END` line: views acquired, views released, lines.
fn counts(log: &Path) -> [u64; 3] {
    let text = fs::read_to_string(log).unwrap();
    let last = plain(text.lines().last().unwrap());
    let mut numbers = last.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok());
    [(); 3].map(|()| numbers.next().unwrap())
}

/// Runs a script that does nothing wrong, and asserts that the audit says nothing. Its arguments are the folder of the
/// extensions and `more`.
fn says_nothing(python: &Python, folder: &Path, name: &str, more: &[&Path]) -> PathBuf {
    let log = folder.join("log");
    let _ = fs::remove_file(&log);
    // Any finding that is not mere advice would end the process.
    let mut command = audited(python, "abort", Some(&log));
    let output = run(command.args(["-W", "ignore"]).arg(script(name)).arg(folder).args(more));
    assert_eq!(stdout(&output), "done\n", "{}: {}", python.label, printed(&output));
    assert_eq!(lines(&log), [""; 0], "{}: {name}", python.label);
    log
}

#[test]
fn exporters_that_pass_on_anothers_view_are_not_accused() {
    each_python("forwarding", |python, folder| {
        build_extension(python, "forwarding", folder, &[]);
        let [asked, released, _] = counts(&says_nothing(python, folder, "forwarding.py", &[]));
        // A view that is passed on counts once; one that was never acquired does not count.
        assert!(asked == released || !is_heard(python), "{}: {asked} {released}", python.label);
    });
}

#[test]
fn checker_of_exporters_that_pass_on_anothers_view_holds_nothing() {
    each_python("checked", |python, folder| {
        build_extension(python, "forwarding", folder, &[]);
        says_nothing(python, folder, "checked.py", &[&shipped().so]);
    });
}

#[test]
fn releases_of_views_without_an_acquisition_are_not_counted() {
    each_python("filled", |python, folder| {
        let log = folder.join("log");
        let count = |n: usize| {
            let _ = fs::remove_file(&log);
            let code = format!(
                "import sys; sys.path.insert(0, {folder:?}); import mistakes as m\nm.right(b'')\n\
                 for _ in range({n}): m.right_by_hand(m); m.right_by_parsing('text')"
            );
            run(audited(python, "warn", Some(&log)).args(["-c", &code]));
            counts(&log)
        };
        assert_eq!(count(1000), count(0), "{}", python.label);
    });
}

#[test]
fn memoryview_in_another_interpreter_is_held_by_nobody() {
    let test = "memoryview_in_another_interpreter_is_held_by_nobody";
    let mut n_run = 0;
    for python in pythons().iter().filter(|python| python.minor() >= (3, 14)) {
        let log = temp_dir(&format!("audit-interpreters-{}", python.label)).join("log");
        let output = run(audited(python, "abort", Some(&log)).arg(script("interpreters.py")));
        assert_eq!(stdout(&output), "29\n", "{}: {}", python.label, printed(&output));
        assert_eq!(lines(&log), [""; 0], "{}", python.label);
        n_run += 1;
    }
    if n_run == 0 {
        // Not by `skip`, which can be a failure: `lend` in forwarding.py does the same from 3.13 on.
        say(&format!("SKIPPED {test}: no CPython from 3.14 on"));
    }
}

/// Preloads another library in front, which passes calls of the functions `names`, by the interpreter and by extensions,
/// to libpython's own ones: the audit does not see these calls.
fn some_not_heard(python: &Python, folder: &Path, names: &[&str]) {
    let source: String = names
        .iter()
        .map(|name| {
            let (result, parameters, arguments) = match *name {
                "PyObject_GetBuffer" => ("int", "void *a, void *b, int c", "(a, b, c)"),
                "PyBuffer_Release" => ("void", "void *a", "(a)"),
                _ => {
                    ("int", "void *a, void *b, void *c, long d, int e, int f", "(a, b, c, d, e, f)")
                }
            };
            format!(
                "{result} {name}({parameters}) {{ {result} (*own)({parameters}); \
                 *(void **)&own = dlsym(libpython(), \"{name}\"); {} own{arguments}; }}\n",
                if result == "void" { "" } else { "return" }
            )
        })
        .collect();
    let libpython = python.libpython.as_ref().unwrap();
    let head = format!(
        "#include <dlfcn.h>\nstatic void *libpython(void) \
         {{ return dlopen({libpython:?}, RTLD_NOW | RTLD_NOLOAD); }}\n"
    );
    let (file, library) = (folder.join("other.c"), folder.join("other.so"));
    fs::write(&file, head + &source).unwrap();
    run(cc().args(["-O1", "-fPIC", "-shared", "-o"]).arg(&library).arg(&file).arg("-ldl"));
    let log = folder.join("log");
    let _ = fs::remove_file(&log);
    let mut command = python.command();
    command.args(["-W", "ignore"]).arg(script("forwarding.py")).arg(folder);
    command.env("LD_PRELOAD", format!("{}:{}", library.display(), shipped().so.display()));
    command.env("PYBUFFER_AUDIT", "abort").env("PYBUFFER_AUDIT_LOG", &log);
    let output = run_any(&mut command);
    assert_eq!(stdout(&output), "done\n", "{}: {names:?} {}", python.label, printed(&output));
    assert_eq!(lines(&log), [""; 0], "{}: {names:?}", python.label);
}

#[test]
fn half_of_the_calls_is_not_enough_to_accuse() {
    each_python("half", |python, folder| {
        if python.libpython.is_none() {
            return;
        }
        build_extension(python, "forwarding", folder, &[]);
        some_not_heard(python, folder, &["PyBuffer_Release"]);
        some_not_heard(python, folder, &["PyObject_GetBuffer"]);
        some_not_heard(python, folder, &["PyBuffer_FillInfo"]);
        some_not_heard(python, folder, &["PyObject_GetBuffer", "PyBuffer_Release"]);
    });
}
