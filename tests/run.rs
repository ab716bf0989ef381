//! `pybuffer-run`, as it ships: what it reaches in every python of the machine, what it refuses, and
//! that the program it becomes is the one that was asked for.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use support::{
    Python, cc, command_without_settings, has_companion, printed, pythons, run, run_any, say,
    shipped, skip, stdout, temp_dir,
};

fn command() -> PathBuf {
    shipped().root.join("build/bin/pybuffer-run")
}

fn pybuffer_run() -> Command {
    let mut command = command_without_settings(command());
    for variable in ["LD_PRELOAD", "LD_AUDIT", "PYBUFFER_AUDIT", "PYBUFFER_CPU"] {
        command.env_remove(variable);
    }
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Copies a file that will be executed. Not in this process: a child that another test is about to start
/// would have the copy open for writing, and nobody may execute it then.
fn copy_program(from: &Path, to: &Path) {
    run(Command::new("install").args(["-m", "755"]).arg(from).arg(to));
}

/// A script that the user may execute.
fn script(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    fs::write(&draft, text).unwrap();
    copy_program(&draft, path);
    fs::remove_file(draft).unwrap();
}

/// Builds an extension module that knows nothing of libpybuffer.
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

/// What `calls.py` says of an extension's calls.
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
fn reached() -> impl Iterator<Item = &'static Python> {
    pythons().iter().filter(|python| python.libpython.is_some() || has_companion())
}

#[test]
fn statically_linked_python_on_an_old_glibc_is_refused_with_what_works() {
    let python = pythons().iter().find(|python| python.libpython.is_none());
    let Some(python) = python.filter(|_| !has_companion()) else { return };
    let (status, said) = refused(pybuffer_run().arg(&python.exe).args(["-c", "print('ran')"]));
    assert!(status == Some(2) && said.contains("--enable-shared"), "{said}");
}

/// What README and docs say of the companion's reach.
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
        assert_eq!(said.contains("is linked statically"), expected, "{}: {said}", python.label);
        assert_eq!(said.is_empty(), !expected, "{said}");
    }
}

/// The lines of the doctor, by their labels.
fn doctor(command: &mut Command) -> (Option<i32>, BTreeMap<String, String>) {
    let output = run_any(command);
    assert_eq!(stderr(&output), "");
    let text = stdout(&output);
    let lines = text.lines().map(|line| line.split_at(13));
    (output.status.code(), lines.map(|(l, r)| (l.trim().to_string(), r.to_string())).collect())
}

#[test]
fn doctor_proves_in_every_python_what_is_live() {
    for python in reached() {
        let (status, said) =
            doctor(pybuffer_run().args(["--doctor", "--cpu=sse"]).arg(&python.exe));
        assert_eq!(status, Some(0), "{said:#?}");
        let (major, minor, micro) = python.version;
        assert_eq!(said["version"], format!("cpython {major}.{minor}.{micro}"));
        assert!(said["libpybuffer"].starts_with(env!("CARGO_PKG_VERSION")), "{said:#?}");
        assert!(["sse", "generic"].contains(&&*said["CPU level"]), "{said:#?}");
        assert!(said["C library"].starts_with("glibc 2."), "{said:#?}");
        let heard = match &python.libpython {
            Some(libpython) => {
                assert_eq!(Path::new(&said["libpython"]), libpython);
                assert!(said["reached by"].starts_with("LD_PRELOAD"), "{said:#?}");
                !python.answers_itself()
            }
            None => {
                assert_eq!(said["libpython"], "in the executable");
                assert!(said["reached by"].contains("LD_PRELOAD and LD_AUDIT="), "{said:#?}");
                assert!(said["not reached"].contains("-fno-plt"), "{said:#?}");
                false
            }
        };
        let live = &said["live"];
        assert!(live.starts_with("yes: calls of extensions"), "{live}");
        assert_eq!(live.ends_with("and the interpreter's own"), heard, "{live}");
    }
}

#[test]
fn doctor_says_where_nothing_is_live() {
    // A wrapper of a python that takes away what was set.
    let wrapper = temp_dir("run-doctor").join("python-alone");
    let python = pythons()[0].exe.display();
    script(&wrapper, &format!("#!/bin/sh\nunset LD_PRELOAD LD_AUDIT\nexec {python} \"$@\"\n"));
    let (status, said) = doctor(pybuffer_run().arg("--doctor").arg(&wrapper));
    assert_eq!(status, Some(2), "{said:#?}");
    assert!(said["live"].starts_with("NO: "), "{said:#?}");
    // Also where a script names the wrapper, as those behind a version manager do.
    let by_env = wrapper.with_file_name("script");
    script(&by_env, "#!/usr/bin/env python-alone\nraise SystemExit('ran')\n");
    let folder = wrapper.parent().unwrap().display();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    let (status, said) = doctor(pybuffer_run().arg("--doctor").arg(&by_env).env("PATH", &path));
    assert!(status == Some(2) && said["live"].starts_with("NO: "), "{said:#?}");
    // A python's script is not run, whatever it is called.
    let named = wrapper.with_file_name("python-script");
    script(&named, &format!("#!{python}\nraise SystemExit('ran')\n"));
    let (status, said) = doctor(pybuffer_run().arg("--doctor").arg(&named));
    assert!(status == Some(0) && said["live"].starts_with("yes"), "{said:#?}");
    // What is no python is looked at, and not run.
    let (status, said) = doctor(pybuffer_run().args(["--doctor", "rm"]));
    assert!(status == Some(0) && said["live"].starts_with("not tried"), "{said:#?}");
}

#[test]
fn program_gets_its_arguments_as_they_were_typed() {
    let arguments = ["", " ", "a b", "--audit", "-q", "--", "$HOME", "*", "\"'", "\u{e9}\n"];
    let output = run(pybuffer_run().args(["--cpu=sse", "printf", "%s|"]).args(arguments));
    assert_eq!(stdout(&output), arguments.map(|argument| format!("{argument}|")).concat());
    let name = run(pybuffer_run().args(["sh", "-c", "echo $0"]));
    assert_eq!(stdout(&name), "sh\n");
}

#[test]
fn exit_status_signals_and_process_are_the_programs_own() {
    let status = |code: &str| run_any(pybuffer_run().args(["sh", "-c", code])).status;
    assert_eq!(status("exit 7").code(), Some(7));
    assert_eq!(status("exit 2").code(), Some(2));
    assert_eq!(status("kill -TERM $$").signal(), Some(15));
    // It is exec'ed: the process that was started is the program.
    let child = pybuffer_run().args(["sleep", "600"]).spawn().unwrap();
    let name = format!("/proc/{}/comm", child.id());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while fs::read_to_string(&name).unwrap() != "sleep\n" {
        assert!(std::time::Instant::now() < deadline, "the program never ran");
    }
    let mut child = child;
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn environment_has_what_was_asked_for_and_what_was_there() {
    let library = shipped().so.canonicalize().unwrap();
    let shown = |variable: &str| format!("echo \"${variable}\"");
    let said = |command: &mut Command| stdout(&run(command)).trim_end().to_string();

    let other = temp_dir("other-preload").join("libother.so");
    run(cc().args(["-shared", "-xc", "/dev/null", "-o"]).arg(&other));
    let preload = shown("LD_PRELOAD");
    let both = said(pybuffer_run().args(["sh", "-c", &preload]).env("LD_PRELOAD", &other));
    assert_eq!(both, format!("{}:{}", other.display(), library.display()));
    // Nested: not twice; and one of another installation, or that is gone, gives way.
    let stale = "/no/such/libpybuffer.so.0";
    let replaced = said(pybuffer_run().args(["sh", "-c", &preload]).env("LD_PRELOAD", stale));
    assert_eq!(replaced, library.display().to_string());
    let nested = said(pybuffer_run().arg(command()).args(["sh", "-c", &preload]));
    assert_eq!(nested, library.display().to_string());

    let cpu = said(pybuffer_run().args(["--cpu=avx2", "sh", "-c", &shown("PYBUFFER_CPU")]));
    assert_eq!(cpu, "avx2");
    let audit = said(pybuffer_run().args(["--audit", "sh", "-c", &shown("PYBUFFER_AUDIT")]));
    assert_eq!(audit, "warn");
    let log = shown("PYBUFFER_AUDIT$PYBUFFER_AUDIT_LOG");
    let log = said(pybuffer_run().args(["--audit=abort", "--audit-log=a b", "sh", "-c", &log]));
    assert_eq!(log, "aborta b");
    let kept = said(
        pybuffer_run().args(["sh", "-c", &shown("PYBUFFER_CPU")]).env("PYBUFFER_CPU", "generic"),
    );
    assert_eq!(kept, "generic");
}

#[test]
fn programs_without_python_run_as_they_do_alone() {
    let alone = run_any(Command::new("ls").arg("no such file"));
    let ours = run_any(pybuffer_run().args(["ls", "no such file"]));
    assert_eq!((ours.status, printed(&ours)), (alone.status, printed(&alone)));
}

#[test]
fn scripts_are_run_by_what_their_first_line_names() {
    let folder = temp_dir("run-scripts");
    let at = |name: &str| folder.join(name);
    let python = &pythons()[0].exe;
    let code = "import os, sys\nprint(sys.argv[1:], 'libpybuffer' in os.environ['LD_PRELOAD'])\n";
    script(&at("direct"), &format!("#!{} -s\n{code}", python.display()));
    let by_env = at("bin");
    fs::create_dir(&by_env).unwrap();
    std::os::unix::fs::symlink(python, by_env.join("the-python")).unwrap();
    script(&at("by-env"), &format!("#!/usr/bin/env the-python\n{code}"));
    script(&at("no-line"), "echo $1\n");
    let path = format!("{}:{}", by_env.display(), std::env::var("PATH").unwrap());
    script(&at("by-options"), &format!("#!/usr/bin/env -S -u FOO A=1 the-python\n{code}"));
    for name in ["direct", "by-env", "by-options"] {
        let output = run(pybuffer_run().arg("-q").arg(at(name)).arg("a b").env("PATH", &path));
        assert_eq!(stdout(&output), "['a b'] True\n", "{name}");
    }
    let output = run(pybuffer_run().arg(at("no-line")).arg("a b"));
    assert_eq!(stdout(&output), "a b\n");
}

#[test]
fn env_that_takes_the_preload_away_is_refused() {
    let file = temp_dir("run-env").join("script");
    script(&file, "#!/usr/bin/env -iS sh\necho ran\n");
    let arguments = ["env", "-i", "/bin/sh", "-c", "echo ran"];
    for (status, said) in
        [refused(pybuffer_run().arg(&file)), refused(pybuffer_run().args(arguments))]
    {
        assert!(status == Some(2) && said.contains("env takes LD_PRELOAD away"), "{said}");
        assert!(said.contains("env -i pybuffer-run PROGRAM"), "{said}");
    }
    let kept = run(pybuffer_run().args(["env", "-u", "FOO", "true"]));
    assert_eq!(stderr(&kept), "");
}

/// The exit status and what was said, of a run that does not take place.
fn refused(command: &mut Command) -> (Option<i32>, String) {
    let output = run_any(command);
    assert_eq!(stdout(&output), "", "the program ran");
    let said = stderr(&output);
    assert!(said.starts_with("pybuffer-run: ") && said.ends_with('\n'), "{said}");
    (output.status.code(), said)
}

#[test]
fn what_cannot_be_run_ends_with_a_shells_status() {
    let (status, said) = refused(pybuffer_run().arg("no-such-program"));
    assert_eq!(
        (status, &*said),
        (Some(127), "pybuffer-run: no-such-program was not found on PATH\n")
    );
    let (status, said) = refused(pybuffer_run().arg("./no-such-program"));
    assert_eq!((status, &*said), (Some(127), "pybuffer-run: ./no-such-program was not found\n"));
    let folder = temp_dir("run-unfit");
    let (status, said) = refused(pybuffer_run().arg(&folder));
    assert!(status == Some(126) && said.ends_with("is a folder\n"), "{said}");
    fs::write(folder.join("plain"), "text").unwrap();
    let (status, said) = refused(pybuffer_run().arg(folder.join("plain")));
    assert!(status == Some(126) && said.ends_with("is not executable\n"), "{said}");
    script(&folder.join("lost"), "#!/no/such/interpreter\n");
    let (status, said) = refused(pybuffer_run().arg(folder.join("lost")));
    assert!(status == Some(126) && said.contains("/no/such/interpreter"), "{said}");
}

#[test]
fn wrong_options_end_with_2_and_the_right_ones() {
    let (status, said) = refused(pybuffer_run().args(["--audit=loud", "sh"]));
    assert!(status == Some(2) && said.contains("warn, raise or abort"), "{said}");
    let (status, said) = refused(&mut pybuffer_run());
    assert!(status == Some(2) && said.contains("--help"), "{said}");
    let help = stdout(&run(pybuffer_run().arg("--help")));
    for option in ["--audit", "--audit-log", "--cpu", "--doctor", "--quiet", "--version"] {
        assert!(help.contains(option), "{option} is not in the help");
    }
    let version = stdout(&run(pybuffer_run().arg("--version")));
    assert_eq!(version, concat!("pybuffer-run ", env!("CARGO_PKG_VERSION"), "\n"));
}

/// The command with library and companion beside it, in a folder of their own.
fn side_by_side(name: &str) -> PathBuf {
    let folder = temp_dir(name);
    let lib = &shipped().lib_dir;
    for file in ["pybuffer/pybuffer-run", "pybuffer/libpybuffer-audit.so", "libpybuffer.so.0"] {
        let to = folder.join(Path::new(file).file_name().unwrap());
        copy_program(&lib.join(file), &to);
    }
    folder
}

/// The proof before each run: the loader itself says whether it takes the library and the companion.
#[test]
fn what_the_loader_does_not_take_is_refused_in_its_words() {
    for (file, words) in [
        ("libpybuffer.so.0", "from LD_PRELOAD cannot be preloaded (file too short)"),
        ("libpybuffer-audit.so", "cannot be loaded as audit interface: file too short"),
    ] {
        if file == "libpybuffer-audit.so" && !has_companion() {
            continue;
        }
        let folder = side_by_side("run-refused");
        let sound = run(pybuffer_run_at(&folder.join("pybuffer-run")).args(["echo", "ran"]));
        assert_eq!(printed(&sound), "--- stdout\nran\n--- stderr\n");
        fs::write(folder.join(file), "text").unwrap();
        let (status, said) =
            refused(pybuffer_run_at(&folder.join("pybuffer-run")).args(["echo", "ran"]));
        assert!(status == Some(2) && said.contains(words), "{said}");
        assert!(said.contains("--list") && said.contains("PYBUFFER_REDIRECT"), "{said}");
    }
}

#[test]
fn libpython_that_comes_first_is_refused() {
    let python = pythons().iter().find(|python| python.libpython.is_some());
    let Some((python, libpython)) = python.and_then(|p| Some((p, p.libpython.as_ref()?))) else {
        return skip("run", "no CPython with a shared libpython");
    };
    let mut command = pybuffer_run();
    command.env("LD_PRELOAD", libpython).arg(&python.exe).args(["-c", "print('ran')"]);
    let (status, said) = refused(&mut command);
    assert!(status == Some(2) && said.contains("comes before"), "{said}");
}

#[test]
fn proof_runs_nothing_of_the_program() {
    let folder = temp_dir("run-once");
    let source = folder.join("program.c");
    fs::write(
        &source,
        "#include <stdio.h>\n__attribute__((constructor)) static void begin(void) { puts(\"begun\"); }\n\
         int main(void) { return puts(\"ran\") < 0; }\n",
    )
    .unwrap();
    let program = folder.join("program");
    run(cc().arg(&source).arg("-o").arg(&program));
    // What is set for the loader stays as it is, and the proof leaves nothing behind.
    let output = run(pybuffer_run().arg(&program).env("LD_DEBUG_OUTPUT", folder.join("debug")));
    assert_eq!(printed(&output), "--- stdout\nbegun\nran\n--- stderr\n");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
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

fn build_program(name: &str, flags: &[&str]) -> Option<PathBuf> {
    let folder = temp_dir(&format!("run-program-{name}"));
    let source = folder.join("program.c");
    fs::write(&source, "#include <stdio.h>\nint main(void) { return puts(\"ran\") < 0; }\n")
        .unwrap();
    let program = folder.join("program");
    let output = run_any(cc().args(flags).arg(&source).arg("-o").arg(&program));
    if !output.status.success() {
        say(&format!("cannot build a program with {flags:?}: {}", printed(&output)));
        return None;
    }
    Some(program)
}

#[test]
fn statically_linked_program_is_refused_with_what_works() {
    let mut n_built = 0;
    for (name, flags) in [("static", "-static"), ("static-pie", "-static-pie")] {
        let Some(program) = build_program(name, &[flags]) else { continue };
        n_built += 1;
        let (status, said) = refused(pybuffer_run().arg(&program));
        assert_eq!(status, Some(2));
        assert!(said.contains("linked statically as a whole"), "{said}");
        assert!(said.contains("pybuffer-static") && said.contains("PYBUFFER_REDIRECT"), "{said}");
    }
    if n_built == 0 {
        skip("statically_linked_program_is_refused_with_what_works", "no static libc is installed");
    }
}

#[test]
fn program_of_another_libc_is_refused_with_what_works() {
    let loader = "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1";
    let program = build_program("musl", &[loader]).expect("any loader can be named");
    let (status, said) = refused(pybuffer_run().arg(&program));
    assert!(
        status == Some(2) && said.contains("musl") && said.contains("PYBUFFER_REDIRECT"),
        "{said}"
    );
}

#[test]
fn loader_that_is_glibcs_by_name_only_is_refused() {
    let folder = temp_dir("run-loader");
    let loader = folder.join("ld-linux-x86-64.so.2");
    fs::copy(shipped().so.canonicalize().unwrap(), &loader).unwrap();
    let flag = format!("-Wl,--dynamic-linker={}", loader.display());
    let program = build_program("loader", &[&flag]).expect("any loader can be named");
    let (status, said) = refused(pybuffer_run().arg(&program));
    assert!(status == Some(2) && said.contains("whatever its name says"), "{said}");
}

#[test]
fn program_that_takes_rights_is_refused_with_what_works() {
    let test = "program_that_takes_rights_is_refused_with_what_works";
    let program = build_program("setgid", &[]).unwrap();
    // Its group has to be another than ours: root may give it one, others have one more at best.
    let ours = stdout(&run(Command::new("id").arg("-g")));
    let all = stdout(&run(Command::new("id").arg("-G")));
    let is_root = stdout(&run(Command::new("id").arg("-u"))).trim() == "0";
    let other = all.split_whitespace().find(|group| *group != ours.trim());
    let Some(group) = other.or(is_root.then_some("1")) else {
        return skip(test, "this user has one group only");
    };
    run(Command::new("chgrp").arg(group).arg(&program));
    run(Command::new("chmod").arg("g+s").arg(&program));
    let (status, said) = refused(pybuffer_run().arg(&program));
    assert!(status == Some(2) && said.contains("setgid"), "{said}");
    // A script's interpreter counts, not the script.
    let by_it = temp_dir("run-setgid").join("script");
    script(&by_it, &format!("#!{}\n", program.display()));
    assert_eq!(refused(pybuffer_run().arg(&by_it)).0, Some(2));
}

#[test]
fn installed_command_finds_its_library_wherever_the_tree_lies() {
    shipped();
    let destination = temp_dir("run-installed");
    let mut make = Command::new("make");
    make.args(["install", "PREFIX=/opt/x", "LIBDIR=/opt/x/lib/odd-triplet"]);
    for variable in ["MAKEFLAGS", "MAKELEVEL", "BINDIR", "INCLUDEDIR"] {
        make.env_remove(variable);
    }
    run(make.arg(format!("DESTDIR={}", destination.display())).current_dir(&shipped().root));
    let moved = destination.join("moved");
    fs::rename(destination.join("opt/x"), &moved).unwrap();
    let said = run(pybuffer_run_at(&moved.join("bin/pybuffer-run")).args([
        "sh",
        "-c",
        "echo $LD_PRELOAD",
    ]));
    let library = moved.join("lib/odd-triplet/libpybuffer.so").canonicalize().unwrap();
    assert_eq!(stdout(&said).trim_end(), library.display().to_string());
    // Without the links, side by side.
    let flat = side_by_side("flat");
    let mut by_link = pybuffer_run_at(&flat.join("pybuffer-run"));
    let said = run(by_link.args(["sh", "-c", "echo $LD_PRELOAD"]));
    assert!(stdout(&said).contains("flat/libpybuffer.so.0"), "{}", printed(&said));
    // Alone it says what is missing.
    fs::remove_file(flat.join("libpybuffer.so.0")).unwrap();
    let (status, said) = refused(pybuffer_run_at(&flat.join("pybuffer-run")).arg("sh"));
    assert!(
        status == Some(2) && said.contains("libpybuffer.so.0 is not where it belongs"),
        "{said}"
    );
}

fn pybuffer_run_at(path: &Path) -> Command {
    let mut command = command_without_settings(path);
    command.env_remove("LD_PRELOAD").env_remove("LD_AUDIT");
    command
}

/// The command, and its companion of which the dynamic linker would load a second libc for.
#[test]
#[cfg(all(target_env = "gnu", target_arch = "x86_64"))]
fn what_ships_needs_libc_of_2012_alone_and_is_small() {
    let folder = shipped().lib_dir.join("pybuffer");
    for (file, needed, max) in
        [("pybuffer-run", "libc.so.6", 128 * 1024), ("libpybuffer-audit.so", "", 16 * 1024)]
    {
        let stripped = temp_dir("run-stripped").join(file);
        run(Command::new("strip").arg("-o").arg(&stripped).arg(folder.join(file)));
        let size = fs::metadata(&stripped).unwrap().len();
        assert!(size < max, "{file}: {size} bytes stripped, {max} are allowed");
        let said = stdout(&run(Command::new("readelf").args(["-dVW"]).arg(&stripped)));
        let libraries: Vec<_> = said
            .lines()
            .filter(|line| line.contains("(NEEDED)"))
            .filter_map(|line| line.split(['[', ']']).nth(1))
            .collect();
        assert_eq!(libraries.concat(), needed, "{file}");
        let versions = said.split("GLIBC_2.").skip(1);
        for version in versions {
            let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
            assert!(digits.parse::<u32>().unwrap() <= 17, "{file} needs GLIBC_2.{digits}");
        }
    }
}
