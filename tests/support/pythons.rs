//! Finds the CPythons of this machine.
//!
//! The search covers `PATH` and the versions of pyenv and uv. Each executable found runs a probe that describes
//! it. Scripts are left out, because pyenv's shims are scripts that run whichever version is selected. One python
//! is kept for each minor version and flavour. If `PYBUFFER_PYTHONS` names executables, separated by colons,
//! these are used and there is no search.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde::Deserialize;

/// The oldest CPython that the library supports.
const OLDEST: (u8, u8) = (3, 8);

/// A CPython to test with.
#[derive(Clone, Debug)]
pub struct Python {
    /// The executable, symbolic links resolved.
    pub exe: PathBuf,
    /// Major, minor, micro.
    pub version: (u8, u8, u8),
    /// A name for messages and folders: `3.13.0`, `3.13.15t`, `3.14.2d`, `3.11.2-static`.
    pub label: String,
    /// Built with `--with-pydebug`.
    pub debug: bool,
    /// Built with `--disable-gil`.
    pub free_threaded: bool,
    /// The shared libpython that the executable is linked to; `None` if it contains libpython.
    pub libpython: Option<PathBuf>,
    /// Its dynamic linker, if that is not this machine's. Such a python came with its own libc, which is in the
    /// same folder and may be newer.
    pub loader: Option<PathBuf>,
    /// The folder of its `Python.h`, or of that of a CPython of the same minor version and flavour.
    pub include: Option<PathBuf>,
    /// Whether CPython's own tests are installed with it.
    pub has_tests: bool,
}

impl Python {
    /// The minor version, for comparing with `(3, 12)`.
    pub fn minor(&self) -> (u8, u8) {
        (self.version.0, self.version.1)
    }

    /// Whether a shared libpython calls its own functions directly, as many optimised builds do. It then has no
    /// relocations for these calls, so a preloaded library cannot interpose them.
    pub fn answers_itself(&self) -> bool {
        let libpython = self.libpython.as_ref().unwrap();
        let relocations = super::run(Command::new("readelf").arg("-rW").arg(libpython));
        !super::stdout(&relocations).contains("PyBuffer_FillInfo")
    }

    /// Flags that link a program with the shared libpython and let it find that at run time.
    pub fn link_flags(&self) -> Vec<String> {
        let libpython = self.libpython.as_ref().unwrap();
        let folder = libpython.parent().unwrap().display();
        let mut flags = vec![libpython.display().to_string(), format!("-Wl,-rpath,{folder}")];
        flags.extend(self.loader_flags());
        flags
    }

    /// Flags that link a program that can load this python's libraries: with the loader and libc that came with the
    /// python, if any.
    pub fn loader_flags(&self) -> Vec<String> {
        let Some(loader) = &self.loader else { return Vec::new() };
        let folder = loader.parent().unwrap().display();
        vec![
            format!("-Wl,--dynamic-linker={}", loader.display()),
            // An rpath, not a runpath: that would not apply to the libraries that those libraries need.
            format!("-Wl,--disable-new-dtags,-rpath,{folder}"),
            // The newer libc that libpython needs is found at run time.
            "-Wl,--allow-shlib-undefined".into(),
        ]
    }

    /// A command that runs this python without the user's settings.
    pub fn command(&self) -> Command {
        command_without_settings(&self.exe)
    }
}

/// A command without the `PYTHON...` variables of the environment.
pub fn command_without_settings(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PYTHON") {
            command.env_remove(name);
        }
    }
    command
}

/// The CPythons that `PYBUFFER_PYTHONS` names; otherwise those found, one for each minor version and flavour (debug,
/// free-threaded, static), oldest first.
///
/// # Panics
/// If an executable that `PYBUFFER_PYTHONS` names does not work; or if it names none, `CI` is set and fewer than
/// three minor versions are found.
pub fn pythons() -> &'static [Python] {
    static PYTHONS: LazyLock<Vec<Python>> = LazyLock::new(|| {
        let named = named_executables();
        if !named.is_empty() {
            return named.iter().map(|exe| named_python(exe)).collect();
        }
        let pythons = find();
        let minors: BTreeSet<_> = pythons.iter().map(Python::minor).collect();
        assert!(
            env::var_os("CI").is_none() || minors.len() >= 3,
            "CI is set, and fewer than three minor versions of CPython were found: {pythons:#?}"
        );
        pythons
    });
    &PYTHONS
}

fn find() -> Vec<Python> {
    let installed: BTreeSet<PathBuf> =
        folders().iter().flat_map(|folder| executables_in(folder, "python")).collect();
    let mut found: Vec<Python> = installed.iter().filter_map(|exe| probe(exe).ok()).collect();

    // The last of a flavour is kept: preferably with tests, then with headers, then the newest.
    found.sort_by_key(|python| (python.has_tests, python.include.is_some(), python.version));
    let mut kept = BTreeMap::new();
    for python in found {
        let linked = python.libpython.is_some();
        kept.insert((python.minor(), python.free_threaded, python.debug, linked), python);
    }
    let mut pythons: Vec<Python> = kept.into_values().collect();
    lend_headers(&mut pythons);
    pythons
}

/// A Python that the library does not serve.
pub struct Unserved {
    /// The executable, symbolic links resolved.
    pub exe: PathBuf,
    /// A name for messages and folders: `CPython-2.7.18`, `PyPy-3.11.13`.
    pub label: String,
}

/// The unserved pythons of this machine: Python 2, CPython before 3.8, PyPy.
pub fn unserved_pythons() -> &'static [Unserved] {
    static FOUND: LazyLock<Vec<Unserved>> = LazyLock::new(|| {
        let folders = folders();
        let all = folders.iter().flat_map(|folder| {
            executables_in(folder, "python").into_iter().chain(executables_in(folder, "pypy"))
        });
        let all: BTreeSet<PathBuf> = all.collect();
        let found = all.into_iter().filter_map(|exe| {
            let code = "import platform, sys; print('%s-%d.%d.%d' % \
                        ((platform.python_implementation(),) + tuple(sys.version_info[:3])))";
            let mut command = command_without_settings(&exe);
            let output = command.args(["-c", code]).env_remove("LD_PRELOAD").output().ok()?;
            let label = String::from_utf8(output.stdout).ok()?.trim().to_string();
            let (implementation, version) = label.split_once('-')?;
            let mut numbers = version.split('.').map(|number| number.parse::<u8>().unwrap_or(0));
            let minor = (numbers.next()?, numbers.next()?);
            (implementation != "CPython" || minor < OLDEST).then_some(Unserved { exe, label })
        });
        let by_label: BTreeMap<_, _> = found.map(|one| (one.label.clone(), one)).collect();
        by_label.into_values().collect()
    });
    &FOUND
}

fn named_python(exe: &Path) -> Python {
    probe(exe).unwrap_or_else(|why| panic!("PYBUFFER_PYTHONS names {}: {why}", exe.display()))
}

fn named_executables() -> Vec<PathBuf> {
    let names = env::var_os("PYBUFFER_PYTHONS").unwrap_or_default();
    env::split_paths(&names)
        .filter(|path| !path.as_os_str().is_empty())
        .map(|path| path.canonicalize().unwrap_or(path))
        .collect()
}

/// The folders to be searched.
fn folders() -> Vec<PathBuf> {
    let home = |tail: &str| env::var_os("HOME").map(|home| Path::new(&home).join(tail));
    let from = |variable: &str| env::var_os(variable).map(PathBuf::from);
    let pyenv = from("PYENV_ROOT").or_else(|| home(".pyenv")).map(|root| root.join("versions"));
    let uv = from("UV_PYTHON_INSTALL_DIR")
        .or_else(|| from("XDG_DATA_HOME").map(|data| data.join("uv/python")))
        .or_else(|| home(".local/share/uv/python"));

    let mut folders: Vec<PathBuf> =
        env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    for versions in [pyenv, uv].into_iter().flatten() {
        folders.extend(entries(&versions).into_iter().map(|version| version.join("bin")));
    }
    folders
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// The binaries in a folder that are named as a python (`python`, `python3`, `python3.13t`, …), symbolic links
/// resolved.
fn executables_in(folder: &Path, name: &str) -> Vec<PathBuf> {
    let is_named_so = |path: &Path| {
        let found = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let version = found.strip_prefix(name).map(|rest| rest.trim_end_matches(['t', 'd']));
        version.is_some_and(|v| v.chars().all(|c| c.is_ascii_digit() || c == '.'))
    };
    entries(folder)
        .into_iter()
        .filter(|path| is_named_so(path))
        .filter_map(|path| path.canonicalize().ok())
        .filter(|path| is_binary(path))
        .collect()
}

fn is_binary(path: &Path) -> bool {
    let mut magic = [0; 4];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok()
        && magic == *b"\x7fELF"
}

/// The output of `PROBE`.
#[derive(Deserialize)]
struct Answer {
    implementation: String,
    version: (u8, u8, u8),
    debug: bool,
    free_threaded: bool,
    libpython: Option<PathBuf>,
    loader: Option<PathBuf>,
    include: PathBuf,
    has_tests: bool,
}

const PROBE: &str = r#"
import importlib.util, json, sys, sysconfig
libpython = loader = None
with open("/proc/self/maps") as maps:
    for line in maps:
        _, slash, path = line.rstrip("\n").partition("/")
        name = path.rpartition("/")[2]
        if name.startswith("libpython3."):
            libpython = slash + path
        elif name.startswith(("ld-", "ld64.")):
            loader = slash + path
try:
    has_tests = importlib.util.find_spec("test.test_buffer") is not None
except ImportError:
    has_tests = False
print(json.dumps({
    "implementation": sys.implementation.name,
    "version": sys.version_info[:3],
    "debug": hasattr(sys, "gettotalrefcount"),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "libpython": libpython,
    "loader": loader,
    "include": sysconfig.get_paths()["include"],
    "has_tests": has_tests,
}))
"#;

/// Describes the python of an executable; an error says why it is not a supported CPython.
fn probe(exe: &Path) -> Result<Python, String> {
    // -I: without the user's settings and the current folder.
    let output = Command::new(exe)
        .args(["-I", "-c", PROBE])
        .env_remove("LD_PRELOAD")
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(super::printed(&output));
    }
    let answer: Answer =
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let (major, minor, micro) = answer.version;
    if answer.implementation != "cpython" || (major, minor) < OLDEST {
        return Err(format!("it is {} {major}.{minor}.{micro}", answer.implementation));
    }
    Ok(Python {
        exe: exe.to_path_buf(),
        version: answer.version,
        label: format!(
            "{major}.{minor}.{micro}{}{}{}",
            if answer.free_threaded { "t" } else { "" },
            if answer.debug { "d" } else { "" },
            if answer.libpython.is_none() { "-static" } else { "" },
        ),
        debug: answer.debug,
        free_threaded: answer.free_threaded,
        libpython: answer.libpython,
        loader: answer.loader.filter(|loader| {
            !fs::read_to_string("/proc/self/maps").unwrap().contains(&*loader.to_string_lossy())
        }),
        include: Some(answer.include).filter(|folder| folder.join("Python.h").is_file()),
        has_tests: answer.has_tests,
    })
}

/// Gives pythons without headers those of another one. Headers are often packaged separately, and all pythons of one
/// minor version and flavour have the same ABI.
fn lend_headers(pythons: &mut [Python]) {
    let lenders = pythons.to_vec();
    for python in pythons.iter_mut().filter(|python| python.include.is_none()) {
        python.include = lenders
            .iter()
            .filter(|other| other.minor() == python.minor())
            .filter(|other| {
                (other.debug, other.free_threaded) == (python.debug, python.free_threaded)
            })
            .find_map(|other| other.include.clone());
    }
}
