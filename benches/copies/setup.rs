//! Sets up the rivals that have to be installed or built, once, under `build/rivals`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::host::Host;
use crate::support;

/// Names the variable that lets PyTorch be installed.
const TORCH: &str = "PYBUFFER_BENCH_TORCH";

/// Installs NumPy for this CPython from PyPI, and lets it import what is there.
pub fn packages(host: &Host) -> Result<(), String> {
    install(host, "requirements.txt")?;
    let (major, minor) = host.python.minor();
    let folder = environment(host).join(format!("lib/python{major}.{minor}/site-packages"));
    let folder = folder.to_str().ok_or("a path that is not UTF-8")?;
    host.eval(&format!("__import__('sys').path.insert(0, {folder:?})")).map(|_| ())
}

/// Installs PyTorch, if asked to: with the CUDA libraries that it cannot be loaded without, it takes
/// 5 GiB.
pub fn torch(host: &Host) -> Result<(), String> {
    if std::env::var_os(TORCH).is_some() {
        return install(host, "requirements-torch.txt");
    }
    let installed = environment(host).join("requirements-torch.txt").is_file();
    let why = || format!("it takes 5 GiB; {TORCH}=1 installs it");
    installed.then_some(()).ok_or_else(why)
}

/// The virtual environment.
fn environment(host: &Host) -> PathBuf {
    support::shipped().root.join("build/rivals").join(format!("cpython-{}", host.python.label))
}

/// Installs what a file of requirements lists, unless that was done before.
fn install(host: &Host, name: &str) -> Result<(), String> {
    let requirements = support::shipped().root.join("benches/copies").join(name);
    let wanted = fs::read_to_string(&requirements).map_err(|error| error.to_string())?;
    let folder = environment(host);
    let stamp = folder.join(name);
    if fs::read_to_string(&stamp).ok().as_ref() == Some(&wanted) {
        return Ok(());
    }
    eprintln!("installing {name} into {} ...", folder.display());
    run(host.python.command().args(["-m", "venv"]).arg(&folder))?;
    let mut pip = support::command_without_settings(folder.join("bin/python"));
    run(pip.args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements))?;
    fs::write(&stamp, wanted).map_err(|error| error.to_string())
}

/// The version of a crate in `Cargo.lock`.
pub fn locked_version(name: &str) -> String {
    let lock: toml::Table = include_str!("../../Cargo.lock").parse().expect("TOML");
    let packages = lock["package"].as_array().expect("packages");
    let package = packages.iter().find(|package| package["name"].as_str() == Some(name));
    package.and_then(|package| package["version"].as_str()).expect("its version").into()
}

/// Builds HPTT from the sources that cargo downloads, with C functions around it.
pub fn hptt() -> Result<PathBuf, String> {
    let root = &support::shipped().root;
    let library = root.join(format!("build/rivals/libhptt-{}.so", locked_version("hptt")));
    let shim = root.join("benches/copies/rivals/hptt.cpp");
    let modified = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    if library.is_file() && modified(&library) >= modified(&shim) {
        return Ok(library);
    }
    let sources = hptt_sources(root)?;
    eprintln!("building HPTT ...");
    fs::create_dir_all(root.join("build/rivals")).map_err(|error| error.to_string())?;
    let mut compile = support::cxx();
    compile.args([
        "-std=c++11",
        "-O3",
        "-DNDEBUG",
        "-march=native",
        "-fopenmp",
        "-shared",
        "-fPIC",
        "-w",
    ]);
    if std::arch::is_x86_feature_detected!("avx") {
        compile.arg("-DHPTT_ARCH_AVX");
    }
    compile.arg("-I").arg(sources.join("include")).arg("-o").arg(&library).arg(shim);
    compile.args(
        ["hptt", "plan", "transpose", "utils"].map(|name| sources.join(format!("src/{name}.cpp"))),
    );
    run(&mut compile)?;
    Ok(library)
}

fn hptt_sources(root: &Path) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    let output =
        run(command.args(["metadata", "--format-version=1", "--locked"]).current_dir(root))?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&output).map_err(|error| error.to_string())?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let package = packages.iter().find(|package| package["name"] == "hptt");
    let manifest = package.and_then(|package| package["manifest_path"].as_str());
    let manifest = Path::new(manifest.ok_or("Cargo.lock does not have it")?);
    Ok(manifest.with_file_name("vendor").join("hptt"))
}

/// Runs a command and returns what it printed; of its errors the most telling line.
fn run(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let tells = |line: &&str| line.to_lowercase().contains("error");
    let line = text.lines().find(tells).or(text.lines().last()).unwrap_or("it failed");
    Err(format!("{}: {line}", command.get_program().display()))
}
