//! Which image's functions an extension module calls, for every way to build it that a user might try.
//!
//! On ELF the interpreter's definition of a name precedes that of a library, so several ways that look right
//! have no effect. These tests show which ones work: the extension of `csrc/extensions` looks up the image of each
//! function by `dladdr`, and then uses the functions. They run in every CPython found, with a shared libpython and
//! statically linked.

#[path = "linking/abi3t.rs"]
mod abi3t;
mod support;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use support::{
    Python, command_without_settings, pkg_config, printed, pythons, run, run_any, shipped, skip,
    stdout, temp_dir,
};

/// The image whose function is called.
#[derive(Clone, Copy)]
enum Image {
    /// The extension itself, which contains the archive's code.
    Extension,
    /// `libpybuffer.so`.
    Library,
    /// The interpreter: a shared libpython, or the executable of a static python.
    Host,
}

/// A way to build and run an extension module.
struct Way {
    name: &'static str,
    cflags: Vec<String>,
    libs: Vec<String>,
    preload: bool,
    /// The image that answers in a python with a shared libpython, and in a statically linked one.
    answers: [Image; 2],
}

impl Way {
    /// A way by which one image answers all calls.
    fn new(name: &'static str, cflags: Vec<String>, libs: Vec<String>, image: Image) -> Self {
        Self { name, cflags, libs, preload: false, answers: [image, image] }
    }
}

/// All ways, including those without effect. docs/linking.md and the pkg-config files rely on this table.
fn ways() -> Vec<Way> {
    let lib_dir = shipped().lib_dir.display().to_string();
    let archive = shipped().archive.display().to_string();
    let rpath = format!("-Wl,-rpath,{lib_dir}");
    let redirect = || vec!["-DPYBUFFER_REDIRECT".to_string()];
    let shared = || {
        let mut libs = pkg_config(["--libs", "pybuffer"]);
        libs.push(rpath.clone());
        libs
    };
    let with = |mut flags: Vec<String>, more: Vec<String>| {
        flags.extend(more);
        flags
    };
    vec![
        Way::new(
            "the archive for extensions (pybuffer-static.pc)",
            pkg_config(["--cflags", "pybuffer-static"]),
            pkg_config(["--libs", "pybuffer-static"]),
            Image::Extension,
        ),
        Way::new(
            "the archive with --exclude-libs",
            vec![],
            vec![archive.clone(), "-Wl,--exclude-libs,libpybuffer.a".into()],
            Image::Extension,
        ),
        Way::new(
            "the archive with -Bsymbolic-functions",
            vec![],
            vec![archive.clone(), "-Wl,-Bsymbolic-functions".into()],
            Image::Extension,
        ),
        Way::new(
            "PYBUFFER_REDIRECT and the shared library (pybuffer.pc)",
            with(redirect(), pkg_config(["--cflags", "pybuffer"])),
            shared(),
            Image::Library,
        ),
        Way::new(
            "PYBUFFER_REDIRECT and the archive",
            with(redirect(), pkg_config(["--cflags", "pybuffer-static"])),
            vec![archive.clone()],
            Image::Extension,
        ),
        Way {
            name: "nothing of ours, under LD_PRELOAD",
            cflags: vec![],
            libs: vec![],
            preload: true,
            answers: [Image::Library, Image::Host],
        },
        // The ways below build without a warning, and have no effect.
        Way::new("nothing of ours", vec![], vec![], Image::Host),
        Way::new("the shared library without redirect", vec![], shared(), Image::Host),
        Way::new("the archive, not hidden", vec![], vec![archive], Image::Host),
    ]
}

/// The output of `tests/linking/check.py`.
#[derive(Deserialize)]
struct Answer {
    images: BTreeMap<String, PathBuf>,
    runtime: Option<String>,
}

#[test]
fn extension_built_each_way_runs_the_functions_it_should() {
    let mut wrong = String::new();
    let ways = ways();
    let mut shared_and_static = [0, 0];
    for python in pythons() {
        let Some(include) = &python.include else {
            skip("linking", &format!("CPython {} has no Python.h", python.label));
            continue;
        };
        shared_and_static[usize::from(python.libpython.is_none())] += 1;
        for (number, way) in ways.iter().enumerate() {
            let folder = temp_dir(&format!("linking-{}-{number}", python.label));
            build_extension(include, way, &folder);
            for problem in problems(python, way, &folder) {
                writeln!(wrong, "CPython {}, {}: {problem}", python.label, way.name).unwrap();
            }
        }
    }
    for (n_found, kind) in
        shared_and_static.iter().zip(["with a shared libpython", "linked statically"])
    {
        if *n_found == 0 {
            skip("linking", &format!("no CPython {kind} was found"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Builds `extension.so` in a folder.
fn build_extension(include: &Path, way: &Way, folder: &Path) {
    run(support::cc()
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared"])
        // Not -isystem: with that, gcc follows a link from one python's folder into another's.
        .arg("-I")
        .arg(include)
        .args(&way.cflags)
        .arg(shipped().root.join("csrc/extensions/extension.c"))
        .args(&way.libs)
        .args(["-ldl", "-o"])
        .arg(folder.join("extension.so")));
}

/// Loads the extension as python does (`RTLD_LOCAL`) and compares its output with the table.
fn problems(python: &Python, way: &Way, folder: &Path) -> Vec<String> {
    let mut command = python.command();
    command.arg(shipped().root.join("tests/linking/check.py")).arg(folder);
    if way.preload {
        command.env("LD_PRELOAD", &shipped().so);
    }
    let output = run_any(&mut command);
    if !output.status.success() || !output.stderr.is_empty() {
        return vec![format!("{}\n{}", output.status, printed(&output))];
    }
    let answer: Answer = serde_json::from_slice(&output.stdout).unwrap();

    let expected = match way.answers[usize::from(python.libpython.is_none())] {
        Image::Extension => folder.join("extension.so"),
        Image::Library => shipped().so.clone(),
        Image::Host => python.libpython.as_ref().unwrap_or(&python.exe).clone(),
    }
    .canonicalize()
    .unwrap();

    let mut problems: Vec<String> = answer
        .images
        .iter()
        .filter(|(_, image)| **image != expected)
        .map(|(function, image)| {
            format!("{function} is {}'s, not {}'s", image.display(), expected.display())
        })
        .collect();
    assert!(answer.images.len() >= 9, "hardly a function was looked at: {:?}", answer.images);

    // If the library is in the process, it has found the interpreter.
    let has_library = way.preload || !way.libs.is_empty();
    let is_right = match &answer.runtime {
        Some(said) => has_library && said.starts_with(&runtime_of(python)),
        None => !has_library,
    };
    if !is_right {
        problems.push(format!("pybuffer_runtime() says {:?}", answer.runtime));
    }
    problems
}

/// `CPython 3.13.0`: the beginning of the library's description of this interpreter.
fn runtime_of(python: &Python) -> String {
    let (major, minor, micro) = python.version;
    format!("CPython {major}.{minor}.{micro}")
}

#[test]
fn ctypes_runs_the_library_it_loaded() {
    for python in pythons() {
        let output = run(python
            .command()
            .arg(shipped().root.join("tests/linking/by_ctypes.py"))
            .arg(&shipped().so));
        assert!(
            stdout(&output).starts_with(&runtime_of(python)),
            "{}: {}",
            python.label,
            stdout(&output)
        );
    }
}

/// The functions of an executable that contains libpython precede those of a preloaded library. There is no warning,
/// because the library cannot know whether it was meant for that program.
#[test]
fn preload_of_a_static_python_changes_nothing() {
    let script = "
import array, sys
print(bytes(memoryview(array.array('i', [1, 2, 3]))[::-1]), memoryview(b'abc').tobytes())
try:
    b''.join([1])
except TypeError as error:
    print(error)
";
    let mut n_found = 0;
    for python in pythons().iter().filter(|python| python.libpython.is_none()) {
        n_found += 1;
        let plain = run(python.command().args(["-c", script]));
        let preloaded = run(python.command().args(["-c", script]).env("LD_PRELOAD", &shipped().so));
        assert_eq!(plain, preloaded, "CPython {}", python.label);
        assert!(plain.stderr.is_empty());
    }
    if n_found == 0 {
        skip(
            "preload_of_a_static_python_changes_nothing",
            "no statically linked CPython was found",
        );
    }
}

/// In a program that embeds an interpreter, the first library on the linker's command line answers.
#[test]
fn embedding_program_runs_the_library_that_is_linked_first() {
    for python in pythons() {
        let (Some(libpython), Some(include)) = (&python.libpython, &python.include) else {
            continue;
        };
        let folder = temp_dir(&format!("embedding-{}", python.label));
        let ours = pkg_config(["--libs", "pybuffer"]);
        let theirs = python.link_flags();
        let orders = [
            ("ours", [&ours, &theirs], shipped().so.canonicalize().unwrap()),
            ("theirs", [&theirs, &ours], libpython.canonicalize().unwrap()),
        ];
        for (name, libs, expected) in orders {
            let program = folder.join(name);
            run(support::cc()
                .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I"])
                .arg(include)
                .arg(shipped().root.join("csrc/extensions/embed.c"))
                .args(libs.into_iter().flatten())
                .arg(rpath(&shipped().lib_dir))
                .args(["-ldl", "-o"])
                .arg(&program));
            let output = run(command_without_settings(&program).env("PYTHONHOME", home(python)));
            let text = stdout(&output);
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(Path::new(lines[0]).canonicalize().unwrap(), expected, "{program:?}");
            for line in &lines[1..] {
                assert!(line.starts_with(&runtime_of(python)), "{program:?}: {text}");
            }
            assert!(output.stderr.is_empty(), "{}", printed(&output));
        }
    }
}

/// A libpython that was loaded with `RTLD_LOCAL` cannot be found by name. The archive in an extension that is linked
/// to that libpython finds it nevertheless; the shared library gets its handle by `pybuffer_attach`.
#[test]
fn private_libpython_is_found_by_an_extension_and_by_attach() {
    let folder = temp_dir("private-host");
    for python in pythons() {
        let (Some(libpython), Some(include)) = (&python.libpython, &python.include) else {
            continue;
        };
        let folder = folder.join(&python.label);
        fs::create_dir(&folder).unwrap();
        let program = build_private_host(python, &folder);
        let mut libs = pkg_config(["--libs", "pybuffer-static"]);
        // Without this, an extension can find its interpreter only in the global scope.
        libs.push(libpython.display().to_string());
        let way = Way {
            name: "the archive in a private libpython",
            cflags: vec![],
            libs,
            preload: false,
            answers: [Image::Extension; 2],
        };
        build_extension(include, &way, &folder);
        // Not check.py: extension modules of the standard library cannot be loaded here.
        let code = format!(
            "folder = {:?}\n{PRIVATE_HOST_CODE}",
            folder.canonicalize().unwrap().display().to_string()
        );
        let output = run(command_without_settings(&program)
            .arg(libpython)
            .arg(&shipped().so)
            .arg(code)
            .env("PYTHONHOME", home(python)));
        let text = stdout(&output);
        let [before, after, checked] = text.lines().collect::<Vec<_>>()[..] else {
            panic!("{}", printed(&output));
        };
        assert_eq!(before, "standalone");
        assert!(after.starts_with(&runtime_of(python)), "{after}");
        let answer: Answer = serde_json::from_str(checked).unwrap();
        assert!(answer.runtime.unwrap().starts_with(&runtime_of(python)));
        let extension = folder.join("extension.so").canonicalize().unwrap();
        assert!(answer.images.values().all(|image| *image == extension), "{:?}", answer.images);
    }
}

/// Under a preload, a private libpython's own calls reach the library, which finds that libpython by itself.
#[test]
fn preload_of_a_program_with_a_private_libpython_finds_it() {
    let folder = temp_dir("private-host-preloaded");
    for python in pythons() {
        let Some(libpython) = &python.libpython else { continue };
        if python.answers_itself() {
            continue;
        }
        let folder = folder.join(&python.label);
        fs::create_dir(&folder).unwrap();
        let program = build_private_host(python, &folder);
        let code = "
import io
try:
    io.BytesIO().write('text')
except TypeError as error:
    print(error)
print(memoryview(b'abcdef')[::-2].tobytes())
";
        let output = run(command_without_settings(&program)
            .arg(libpython)
            .arg(&shipped().so)
            .arg(code)
            .env("LD_PRELOAD", &shipped().so)
            .env("PYTHONHOME", home(python)));
        let text = stdout(&output);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with(&runtime_of(python)), "{}: {text}", python.label);
        let said = &lines[lines.len() - 2..];
        assert_eq!(said, ["a bytes-like object is required, not 'str'", "b'fdb'"], "{text}");
    }
}

/// Builds the program that loads libpython with `RTLD_LOCAL`.
fn build_private_host(python: &Python, folder: &Path) -> PathBuf {
    let program = folder.join("private_host");
    run(support::cc()
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror"])
        .arg(shipped().root.join("csrc/extensions/private_host.c"))
        .args(python.loader_flags())
        .args(["-ldl", "-o"])
        .arg(&program));
    program
}

const PRIVATE_HOST_CODE: &str = r#"
import json, sys
sys.path.insert(0, folder)
import extension
assert extension.to_contiguous(memoryview(b"abcdef").cast("B", (2, 3)), "F") == b"adbecf"
try:
    extension.to_contiguous(1, "C")
except TypeError as error:
    assert str(error) == "a bytes-like object is required, not 'int'", error
else:
    raise AssertionError("no error")
print(json.dumps({"images": extension.images(), "runtime": extension.runtime()}))
"#;

fn rpath(folder: &Path) -> OsString {
    let mut flag = OsString::from("-Wl,-rpath,");
    flag.push(folder);
    flag
}

/// The `PYTHONHOME` of a python that another executable runs.
fn home(python: &Python) -> String {
    let output = run(python.command().args(["-c", "import sys; print(sys.base_prefix)"]));
    stdout(&output).trim_end().to_string()
}

/// The archive that is built for this machine's glibc would find no dynamic linker's functions in a program of musl's,
/// without a word. For `make test-cross`, which has a compiler for musl.
#[test]
#[ignore = "needs a compiler for musl: make test-cross"]
fn archive_for_glibc_is_refused_by_musl() {
    let compiler = std::env::var("CC").expect("CC names a compiler for musl");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut make = Command::new("make");
    for name in ["BUILD", "TARGET", "CC", "RUSTC", "CARGOFLAGS", "RUSTC_BOOTSTRAP"] {
        make.env_remove(name);
    }
    run(make.arg("lib").current_dir(root).env_remove("MAKEFLAGS").env_remove("MAKELEVEL"));
    let folder = temp_dir("linking-musl");
    let source = folder.join("version.c");
    fs::write(
        &source,
        "extern char pybuffer_version[];\nint main(void) { return !*pybuffer_version; }\n",
    )
    .unwrap();
    let link = |archive: &Path, flags: &[&str]| {
        let mut command = Command::new(&compiler);
        command.arg(&source).args(flags).arg(archive).arg("-o").arg(folder.join("out"));
        run_any(&mut command)
    };
    let expected = "this_libpybuffer_is_built_for_glibc__use_one_that_is_built_for_musl";
    for archive in ["build/lib/libpybuffer.a", "build/lib/libpybuffer-static.a"] {
        for flags in
            [&[][..], &["-static"], &["-shared", "-fPIC", "-Wl,-z,defs"], &["-shared", "-fPIC"]]
        {
            let told = link(&root.join(archive), flags);
            // A library whose names may be undefined is refused for the versions of glibc's that it asks for.
            let is_told = printed(&told).contains(expected)
                || flags.len() == 2 && printed(&told).contains("GLIBC_2");
            assert!(!told.status.success() && is_told, "{archive} {flags:?}: {}", printed(&told));
        }
    }
    let own = link(&shipped().archive, &[]);
    assert!(own.status.success(), "{}", printed(&own));
}
