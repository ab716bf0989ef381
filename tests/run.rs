//! `pybuffer-run`, as it ships: the calls that it reaches in every python of the machine, the programs that it
//! refuses, and that it executes the given program.

mod support;

mod run {
    use super::*;

    mod doctor;
    mod reach;
    mod refusals;
    mod scripts;
    mod ships;
    mod thread_local;
    mod unserved;
}

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
    shipped().command.clone()
}

fn pybuffer_run() -> Command {
    let mut command = command_without_settings(command());
    for variable in ["LD_PRELOAD", "LD_AUDIT", "GLIBC_TUNABLES", "PYBUFFER_AUDIT", "PYBUFFER_CPU"] {
        command.env_remove(variable);
    }
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Copies a file that will be executed. Another process does it: if this one wrote the file, a child that another
/// test forks meanwhile would have it open for writing, and it could not be executed then.
fn copy_program(from: &Path, to: &Path) {
    run(Command::new("install").args(["-m", "755"]).arg(from).arg(to));
}

/// Writes an executable script.
fn script(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    fs::write(&draft, text).unwrap();
    copy_program(&draft, path);
    fs::remove_file(draft).unwrap();
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
    // The command calls exec: the process that was started becomes the program.
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
    // A libpybuffer that is listed already is replaced: that of another installation, and the command's own.
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

/// The exit status and the message of a refused program.
fn refused(command: &mut Command) -> (Option<i32>, String) {
    let output = run_any(command);
    assert_eq!(stdout(&output), "", "the program ran");
    let said = stderr(&output);
    assert!(said.starts_with("pybuffer-run: ") && said.ends_with('\n'), "{said}");
    (output.status.code(), said)
}

/// A folder that contains the command, the library and the companion.
fn side_by_side(name: &str) -> PathBuf {
    let folder = temp_dir(name);
    let lib = &shipped().lib_dir;
    for file in ["pybuffer/pybuffer-run", "pybuffer/libpybuffer-audit.so", "libpybuffer.so.0"] {
        let to = folder.join(Path::new(file).file_name().unwrap());
        copy_program(&lib.join(file), &to);
    }
    folder
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
    // The user's LD_DEBUG_OUTPUT is not used for the proof, which leaves no file.
    let output = run(pybuffer_run().arg(&program).env("LD_DEBUG_OUTPUT", folder.join("debug")));
    assert_eq!(printed(&output), "--- stdout\nbegun\nran\n--- stderr\n");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
}

fn pybuffer_run_at(path: &Path) -> Command {
    let mut command = command_without_settings(path);
    command.env_remove("LD_PRELOAD").env_remove("LD_AUDIT");
    command
}

#[test]
fn closed_standard_streams_stay_closed_and_the_program_runs() {
    let file = temp_dir("run-closed").join("file");
    let run_sh = format!("'{}' sh -c 'echo ran >\"$0\"; ls /proc/$$/fd'", command().display());
    for closed in ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"] {
        let line = format!("{run_sh} {closed}").replace("$0", &file.display().to_string());
        let output =
            run_any(command_without_settings("sh").args(["-c", &line]).env_remove("LD_PRELOAD"));
        assert_eq!(fs::read_to_string(&file).unwrap_or_default(), "ran\n", "{closed}: {output:?}");
        fs::remove_file(&file).unwrap();
        assert!(!stderr(&output).contains("loading"), "{closed}: {}", printed(&output));
    }
}
