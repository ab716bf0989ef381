//! Packages from PyPI that a test needs, in a virtual environment of their own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Python, command_without_settings, shipped};

/// A python with the packages that a file of requirements lists (a path relative to the repository). They are
/// installed once, into `build/packages`; an error says why they cannot be.
pub fn python_with(python: &Python, requirements: &str) -> Result<PathBuf, String> {
    let root = &shipped().root;
    let file = root.join(requirements);
    let wanted = fs::read_to_string(&file).map_err(|error| format!("{requirements}: {error}"))?;
    let name = requirements.replace(['/', '.'], "-");
    let folder = root.join("build/packages").join(format!("{name}-{}", python.label));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    // Test programs may run at the same time, so one at a time installs.
    let lock = File::create(folder.join("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let (stamp, exe) = (folder.join("installed"), folder.join("bin/python"));
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&wanted) {
        run(python.command().args(["-m", "venv"]).arg(&folder))?;
        let mut pip = command_without_settings(&exe);
        run(pip.args(["-m", "pip", "install", "--quiet", "-r"]).arg(Path::new(&file)))?;
        fs::write(&stamp, wanted).map_err(|error| error.to_string())?;
    }
    Ok(exe)
}

/// Runs a command. If it fails, the error is the first line of its output that mentions an error, or the last one.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let tells = |line: &&str| line.to_lowercase().contains("error");
    let line = text.lines().find(tells).or(text.lines().last()).unwrap_or("it failed");
    Err(format!("{}: {line}", command.get_program().display()))
}
