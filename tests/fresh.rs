//! Copies into memory that nobody has touched yet, for which the library makes system calls: in a sandbox that refuses
//! them, or that ends the process for them. (What the calls do is tested in `src/fresh.rs`.)

mod support;

use std::ffi::c_long;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use support::{
    Python, cc, command_without_settings, printed, pythons, run, run_any, shipped, stdout, temp_dir,
};

const CALLS: [c_long; 2] = [libc::SYS_mincore, libc::SYS_madvise];

/// The script in a python with the library, where the system refuses `calls`; an error of 0 ends the process.
fn copies(python: &Python, error: i32, calls: &[c_long], populate: Option<&str>) -> Output {
    let mut command = python.command();
    command.env("LD_PRELOAD", &shipped().so).arg(shipped().root.join("tests/fresh/copies.py"));
    command.arg(error.to_string()).args(calls.iter().map(c_long::to_string));
    if let Some(word) = populate {
        command.env("PYBUFFER_POPULATE", word);
    }
    run_any(&mut command)
}

fn is_done(output: &Output) -> bool {
    output.status.success() && stdout(output) == "done\n"
}

/// Whether the process was ended for a system call.
fn is_killed(output: &Output) -> bool {
    output.status.signal() == Some(libc::SIGSYS)
}

#[test]
fn pythons_copy_where_the_calls_are_refused() {
    for python in pythons().iter().filter(|python| python.libpython.is_some()) {
        for error in [libc::EPERM, libc::ENOSYS, libc::EINVAL] {
            for calls in [&CALLS[..1], &CALLS[1..], &CALLS] {
                let output = copies(python, error, calls, None);
                assert!(
                    is_done(&output),
                    "{} {error} {calls:?}: {}",
                    python.label,
                    printed(&output)
                );
            }
        }
    }
}

#[test]
fn pythons_do_without_the_calls_if_they_are_told_to() {
    let reached = |python: &&Python| python.libpython.is_some() && !python.answers_itself();
    for python in pythons().iter().filter(reached) {
        let output = copies(python, 0, &CALLS[..1], Some("0"));
        assert!(is_done(&output), "{}: {}", python.label, printed(&output));
        for populate in [None, Some("1"), Some("nonsense")] {
            let output = copies(python, 0, &CALLS[..1], populate);
            assert!(is_killed(&output), "{} {populate:?}: {}", python.label, printed(&output));
        }
    }
}

#[test]
fn programs_without_python_make_the_calls_only_if_they_are_told_to() {
    let program = temp_dir("fresh").join("standalone");
    run(cc()
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2"])
        .arg(shipped().root.join("tests/fresh/standalone.c"))
        .args(support::pkg_config(["--cflags", "--libs", "pybuffer"]))
        .arg("-o")
        .arg(&program));
    let copies = |populate: Option<&str>| {
        let mut command: Command = command_without_settings(&program);
        command.env("LD_LIBRARY_PATH", shipped().so.parent().unwrap());
        if let Some(word) = populate {
            command.env("PYBUFFER_POPULATE", word);
        }
        run_any(&mut command)
    };
    for populate in [None, Some("0"), Some("nonsense")] {
        let output = copies(populate);
        assert!(is_done(&output), "{populate:?}: {}", printed(&output));
    }
    assert!(is_killed(&copies(Some("1"))));
}
