//! Which calls reach the library in each kind of python, and the warning about those that do not.

use super::*;

/// Builds an extension module without libpybuffer.
fn build_extension(python: &Python, flags: &[&str]) -> Option<PathBuf> {
    let name: String = flags.concat().chars().filter(|c| c.is_alphanumeric()).collect();
    let folder = temp_dir(&format!("run-{}-{name}", python.label));
    run(cc()
        .args(["-std=gnu11", "-O1", "-fPIC", "-shared", "-I"])
        .arg(python.include.as_ref()?)
        .args(flags)
        .arg(shipped().root.join("csrc/extensions/extension.c"))
        .args(["-ldl", "-o"])
        .arg(folder.join("extension.so")));
    Some(folder)
}

/// The output of `calls.py` for an extension.
fn answers(python: &Python, extension: &Path) -> Value {
    let output = run(pybuffer_run()
        .arg("-q")
        .arg(&python.exe)
        .arg(shipped().root.join("tests/run/calls.py"))
        .arg(extension));
    assert_eq!(stderr(&output), "", "{}", python.label);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn calls_of_extensions_are_answered_in_every_python() {
    let mut n_static = 0;
    for python in reached() {
        let lazy = ["-Wl,-z,lazy"];
        let Some(extension) = build_extension(python, &lazy) else {
            skip("run", &format!("CPython {} has no Python.h", python.label));
            continue;
        };
        n_static += usize::from(python.libpython.is_none());
        let answers = answers(python, &extension);
        let runtime = answers["runtime"].as_str().expect("the library is in the process");
        assert!(runtime.starts_with("CPython 3."), "{runtime}");
        if python.minor() >= (3, 9) {
            assert_eq!(answers["is_ours"], true, "{}", python.label);
        }
    }
    if n_static == 0 {
        skip("run", "no statically linked CPython was found");
    }
}

/// The pythons that the command reaches on this machine.
pub fn reached() -> impl Iterator<Item = &'static Python> {
    pythons().iter().filter(|python| is_reached(python))
}

/// Whether the command reaches a python here.
pub fn is_reached(python: &Python) -> bool {
    python.libpython.is_some() || has_companion()
}

#[test]
fn statically_linked_python_on_an_old_glibc_is_refused_with_what_works() {
    let python = pythons().iter().find(|python| python.libpython.is_none());
    let Some(python) = python.filter(|_| !has_companion()) else { return };
    let (status, said) = refused(pybuffer_run().arg(&python.exe).args(["-c", "print('ran')"]));
    assert!(status == Some(2) && said.contains("--enable-shared"), "{said}");
}

/// The limits of the companion that the documentation states.
#[test]
fn companion_reaches_what_is_bound_at_load_but_not_what_goes_round_the_plt() {
    for python in reached().filter(|p| p.libpython.is_none() && p.minor() >= (3, 9)) {
        for (flags, is_reached) in [(["-Wl,-z,now"], true), (["-fno-plt"], false)] {
            let Some(extension) = build_extension(python, &flags) else { continue };
            assert_eq!(answers(python, &extension)["is_ours"], is_reached, "{flags:?}");
        }
    }
}

#[test]
fn statically_linked_python_is_told_what_is_not_reached() {
    for python in reached() {
        let output = run(pybuffer_run().arg(&python.exe).args(["-c", "pass"]));
        let said = stderr(&output);
        let expected = python.libpython.is_none();
        assert_eq!(said.contains("contains libpython"), expected, "{}: {said}", python.label);
        assert_eq!(said.is_empty(), !expected, "{said}");
    }
}

#[test]
fn pythons_that_a_python_starts_are_reached_too() {
    if !has_companion() {
        return skip("run", "glibc before 2.35 reaches no statically linked python");
    }
    let all = pythons();
    let shared = all.iter().find(|python| python.libpython.is_some());
    let linked = all.iter().find(|python| python.libpython.is_none() && python.minor() >= (3, 9));
    let (Some(shared), Some(linked)) = (shared, linked) else {
        return skip("run", "it takes a shared and a statically linked CPython");
    };
    let calls = shipped().root.join("tests/run/calls.py");
    for (parent, child) in [(shared, linked), (linked, shared)] {
        let Some(extension) = build_extension(child, &["-Wl,-z,lazy", "-O0"]) else {
            continue;
        };
        let code = "import subprocess, sys; subprocess.run(sys.argv[1:], check=True)";
        let mut command = pybuffer_run();
        command.arg("-q").arg(&parent.exe).args(["-c", code]).arg(&child.exe);
        let output = run(command.arg(&calls).arg(&extension));
        let answers: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(answers["runtime"].as_str().is_some_and(|r| r.starts_with("CPython")), "{answers}");
        if child.minor() >= (3, 9) {
            assert_eq!(answers["is_ours"], true, "{} by {}", child.label, parent.label);
        }
    }
}

#[test]
fn libpython_that_comes_first_is_refused() {
    // It must be one that this machine's loader can load.
    let python = pythons().iter().find(|p| p.libpython.is_some() && p.loader.is_none());
    let Some((python, libpython)) = python.and_then(|p| Some((p, p.libpython.as_ref()?))) else {
        let why = "no CPython with a shared libpython for this machine's libc";
        return skip("libpython_that_comes_first_is_refused", why);
    };
    let mut command = pybuffer_run();
    command.env("LD_PRELOAD", libpython).arg(&python.exe).args(["-c", "print('ran')"]);
    let (status, said) = refused(&mut command);
    assert!(status == Some(2) && said.contains("LD_PRELOAD loads "), "{said}");
}

/// The example prints the image whose function `tobytes()` calls, not the one that a look-up by name finds.
#[test]
fn example_names_the_function_that_the_interpreter_calls() {
    let folder = shipped().root.join("examples");
    let code =
        "import sys; sys.path.insert(0, sys.argv[1]); import tobytes; print(tobytes.owner())";
    let ours = shipped().so.canonicalize().unwrap().display().to_string();
    for python in pythons() {
        let said = |mut command: Command| {
            let output = run(command.args(["-B", "-c", code]).arg(&folder));
            stdout(&output).trim_end().to_string()
        };
        let alone = said(python.command());
        let mut preloaded = python.command();
        preloaded.env("LD_PRELOAD", &ours);
        let preloaded = said(preloaded);
        if python.libpython.as_ref().is_some_and(|_| !python.answers_itself()) {
            assert!(alone.contains("libpython"), "{}: {alone}", python.label);
            assert_eq!(preloaded, ours, "{}", python.label);
        } else {
            assert!(alone.ends_with(", which calls its own"), "{}: {alone}", python.label);
            assert_eq!(preloaded, alone, "{}", python.label);
        }
        if is_reached(python) {
            let mut command = pybuffer_run();
            command.arg("-q").arg(&python.exe);
            assert_eq!(said(command), preloaded, "{}", python.label);
        }
    }
}
