//! The programs in `examples/parallel`, which copy by several threads, built and run by the command that each begins with.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::install::has_pkg_config;
use crate::support::{printed, run_any, shipped, skip, stdout, temp_dir};

/// Runs a program's command in a folder that has it.
fn build_and_run(command: &str, folder: &Path) -> Output {
    let lib = shipped().so.parent().unwrap();
    run_any(
        Command::new("sh")
            .args(["-ec", command])
            .current_dir(folder)
            .env("PKG_CONFIG_PATH", lib.join("pkgconfig"))
            .env("LD_LIBRARY_PATH", lib),
    )
}

#[test]
fn programs_with_threads_run_by_the_commands_shown() {
    if !has_pkg_config("programs_with_threads_run_by_the_commands_shown") {
        return;
    }
    let folder = temp_dir("parallel");
    for name in ["openmp.c", "pthreads.c", "jthread.cpp"] {
        let source =
            fs::read_to_string(shipped().root.join("examples/parallel").join(name)).unwrap();
        let command = source.lines().find(|line| line.contains("$(pkg-config")).unwrap();
        let command = command.trim_start_matches([' ', '*', '/']);
        fs::write(folder.join(name), "int main() { return 0; }\n").unwrap();
        if !build_and_run(command, &folder).status.success() {
            skip(name, "the compiler does not know these threads");
            continue;
        }
        fs::write(folder.join(name), &source).unwrap();
        let output = build_and_run(command, &folder);
        let is_right =
            output.status.success() && stdout(&output).contains("3000 x 2000 transposed by ");
        assert!(is_right, "{command}\n{}", printed(&output));
    }
}
