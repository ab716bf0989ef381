//! A project's build as everybody has it: pip makes a build environment from `pyproject.toml`, and the library comes
//! into it by the wheel alone.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::dist;
use crate::support::{Python, cc, command_without_settings, run, run_any, shipped, temp_dir};

/// What the tools are pinned to.
const CONSTRAINTS: &str = "tests/package/constraints.txt";

/// Variables that tell a build of folders and flags, by how they begin.
const BUILD_VARIABLES: [&str; 14] = [
    "CFLAGS",
    "CMAKE",
    "CPATH",
    "CPLUS_",
    "CPPFLAGS",
    "CXXFLAGS",
    "C_INCLUDE_PATH",
    "LDFLAGS",
    "LD_",
    "LIBRARY_PATH",
    "MAKE",
    "PKG_CONFIG",
    "PYBUFFER",
    "libpybuffer",
];

/// A command to whom no variable says where a library or a header is.
pub fn isolated(program: impl AsRef<Path>) -> Command {
    let mut command = command_without_settings(program.as_ref());
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if BUILD_VARIABLES.iter().any(|start| name.starts_with(start)) {
            command.env_remove(&*name);
        }
    }
    command.current_dir("/");
    command
}

/// The compiler must not find the library by itself, or nothing is told by a project that is built.
pub static COMPILER_IS_UNAWARE: LazyLock<Result<(), String>> = LazyLock::new(|| {
    let folder = temp_dir("projects-unaware");
    let source = folder.join("unaware.c");
    fs::write(&source, "#if __has_include(<libpybuffer.h>)\n#error it is there\n#endif\n").unwrap();
    let compiler = cc();
    let output = run_any(
        isolated(compiler.get_program())
            .args(compiler.get_args())
            .arg("-fsyntax-only")
            .arg(&source),
    );
    match output.status.success() {
        true => Ok(()),
        false => Err("libpybuffer.h is installed here: the compiler finds it by itself".into()),
    }
});

/// A copy of an example project outside of the repository, so that no build finds a file of it on the way to the root.
pub struct Example {
    folder: PathBuf,
    /// Where the project is; beside it there is room for what is made of it.
    pub project: PathBuf,
}

impl Example {
    pub fn copy(name: &str, label: &str) -> Self {
        let folder = format!("libpybuffer-{}-{name}-{label}", std::process::id());
        let folder = env::temp_dir().join(folder);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let project = folder.join(name);
        let example = shipped().root.join("examples").join(name);
        run(Command::new("cp").arg("-r").arg(example).arg(&project));
        // Somebody may have built it in place.
        for left in ["build", "target"] {
            let _ = fs::remove_dir_all(project.join(left));
        }
        Self { folder, project }
    }
}

impl Drop for Example {
    /// After a failure it stays for a look.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The wheel for CPythons with a GIL.
fn library() -> PathBuf {
    let wheels = fs::read_dir(dist()).unwrap().map(|entry| entry.unwrap().path());
    let is_abi3 = |path: &PathBuf| path.display().to_string().contains("-abi3-");
    wheels.into_iter().find(is_abi3).expect("make wheel makes one for CPythons with a GIL")
}

/// A file of constraints that pins the tools, and libpybuffer to the wheel just made.
pub fn constraints(folder: &Path) -> PathBuf {
    let file = folder.join("constraints.txt");
    let pins = fs::read_to_string(shipped().root.join(CONSTRAINTS)).unwrap();
    let wheel = library().display().to_string().replace(' ', "%20");
    fs::write(&file, format!("{pins}libpybuffer @ file://{wheel}\n")).unwrap();
    file
}

/// Builds a project's wheel, as `pip wheel` does for everybody: from a build environment of its own.
pub fn build(example: &Example, python: &Python, variables: &[(&str, &str)]) -> PathBuf {
    let constraints = constraints(&example.folder);
    let made = example.folder.join("made");
    let mut command = isolated(&python.exe);
    command
        .args(["-m", "pip", "wheel", "--disable-pip-version-check", "--no-deps", "--wheel-dir"])
        .arg(&made)
        .arg(&example.project)
        // pip from 25.3 on reads the second one.
        .env("PIP_CONSTRAINT", &constraints)
        .env("PIP_BUILD_CONSTRAINT", &constraints)
        .env("MATURIN_PEP517_ARGS", "--locked")
        .envs(variables.iter().copied());
    run(&mut command);
    let mut made = fs::read_dir(made).unwrap().map(|entry| entry.unwrap().path());
    made.next().expect("pip wheel says that it made one")
}
