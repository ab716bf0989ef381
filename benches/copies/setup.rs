//! Sets up the rivals that come from PyPI: a virtual environment under `build/`, made once.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::host::Host;
use crate::support;

/// Installs `requirements.txt` for this CPython, unless that was done before, and lets it import what
/// is there.
pub fn packages(host: &Host) -> Result<(), String> {
    let root = &support::shipped().root;
    let requirements = root.join("benches/copies/requirements.txt");
    let folder = root.join("build/rivals").join(format!("cpython-{}", host.python.label));
    let wanted = fs::read_to_string(&requirements).map_err(|error| error.to_string())?;
    let stamp = folder.join("installed.txt");
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&wanted) {
        println!("installing into {} ...", folder.display());
        run(host.python.command().args(["-m", "venv"]).arg(&folder))?;
        let pip = folder.join("bin/python");
        let mut install = support::command_without_settings(&pip);
        run(install.args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements))?;
        fs::write(&stamp, wanted).map_err(|error| error.to_string())?;
    }
    let (major, minor) = host.python.minor();
    add_to_path(host, &folder.join(format!("lib/python{major}.{minor}/site-packages")))
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rfind(|line| line.contains("ERROR")).unwrap_or("it failed");
    Err(format!("{command:?}: {last}"))
}

fn add_to_path(host: &Host, folder: &Path) -> Result<(), String> {
    let folder = folder.to_str().ok_or("a path that is not UTF-8")?;
    host.eval(&format!("__import__('sys').path.insert(0, {folder:?})")).map(|_| ())
}
