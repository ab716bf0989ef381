//! The C suite of `csrc/suite`: one source, run against three sets of functions.
//!
//! Against libpython's own functions it shows that its expectations are right (but for the tests
//! that `csrc/suite/exempt.c` names, where libpython crashes); against libpybuffer's, inside each of
//! those CPythons and without any, that the results are the same. Every run first proves by
//! `dladdr` whose functions it is about.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, OnceLock};
use std::thread;

use support::{
    Python, command_without_settings, printed, pythons, run, run_any, say, shipped, skip, stdout,
    temp_dir,
};

/// What the families of tests stand on.
const HARNESS: &[&str] = &[
    "suite/main",
    "suite/harness",
    "suite/model",
    "suite/exempt",
    "exporters/array",
    "exporters/scripted",
    "exporters/broken",
    "exporters/counting",
];

/// All that is compiled for both worlds: the harness, and the families that `families.h` lists.
static SOURCES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let header = shipped().root.join("csrc/suite/families.h");
    let header = std::fs::read_to_string(header).unwrap();
    let list = header.split("#define FAMILIES_OF_BOTH_WORLDS(X)").nth(1).unwrap();
    let list = list.split("\n\n").next().unwrap();
    let families = list.split("X(").skip(1).map(|after| {
        let name = after.split(')').next().unwrap();
        format!("suite/{name}")
    });
    HARNESS.iter().map(ToString::to_string).chain(families).collect()
});

const SANITIZE: [&str; 3] =
    ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];

/// The C compiler as the crate `cc` finds it, with the flags that all of `csrc` must bear.
fn compiler() -> Command {
    // Looked for once: the crate runs it to find out which it is.
    static FOUND: LazyLock<cc::Tool> = LazyLock::new(|| {
        let target = support::target().unwrap_or_else(|| {
            let libc = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
            format!("{}-unknown-linux-{libc}", std::env::consts::ARCH)
        });
        cc::Build::new()
            .target(&target)
            .host(&target)
            .opt_level(1)
            .debug(true)
            .pic(true)
            .cargo_metadata(false)
            .get_compiler()
    });
    let mut command = Command::new(FOUND.path());
    command.args(FOUND.args());
    let csrc = shipped().root.join("csrc");
    command.args(["-std=c11", "-D_GNU_SOURCE", "-pthread"]);
    command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
    // The four old functions are marked so in Python.h up to 3.12.
    command.arg("-Wno-deprecated-declarations");
    if FOUND.is_like_gnu() {
        // Headers of Debian's debug builds are links into the folder of the release; the pyconfig.h beside
        // the link is meant.
        command.arg("-fno-canonical-system-headers");
    }
    command.arg("-I").arg(csrc.join("suite")).arg("-I").arg(csrc.join("exporters"));
    command
}

/// Compiles sources of `csrc` to objects in `folder`, as many at a time as there are CPUs.
fn compile(folder: &Path, sources: &[impl AsRef<str> + Sync], flags: &[String]) -> Vec<PathBuf> {
    let compile = |source: &str| {
        let object = folder.join(source.replace('/', "-")).with_extension("o");
        let source = shipped().root.join("csrc").join(source).with_extension("c");
        run(compiler().args(flags).arg("-c").arg(source).arg("-o").arg(&object));
        object
    };
    let n_cpus = thread::available_parallelism().map_or(1, usize::from);
    let shares = sources.chunks(sources.len().div_ceil(n_cpus));
    thread::scope(|scope| {
        let compile = &compile;
        let threads: Vec<_> = shares
            .map(|share| {
                scope.spawn(move || share.iter().map(|s| compile(s.as_ref())).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// Links objects to a program.
fn link(program: &Path, objects: &[PathBuf], flags: &[String]) {
    run(compiler().args(objects).arg("-o").arg(program).args(flags).arg("-ldl"));
}

fn strings(flags: &[&str]) -> Vec<String> {
    flags.iter().map(|flag| flag.to_string()).collect()
}

/// Flags that link the shared library and find it again at run time.
fn link_shared() -> Vec<String> {
    let folder = shipped().lib_dir.display();
    vec![format!("-L{folder}"), "-lpybuffer".into(), format!("-Wl,-rpath,{folder}")]
}

fn libpython(python: &Python) -> &Path {
    python.libpython.as_deref().unwrap()
}

/// A part of the enumerated cases, where the others were run with the same code linked otherwise.
const QUICK: &[&str] = &["--quick"];

/// All cases; of threads, where they are emulated, not all that a kernel has numbers for (qemu keeps 250 KB for each
/// that ever was).
fn all() -> &'static [&'static str] {
    if support::target().is_some() { &["--few-threads"] } else { &[] }
}

/// Where it is emulated, a part of the cases of a second run.
fn emulated_quick() -> &'static [&'static str] {
    if support::target().is_some() { QUICK } else { &[] }
}

/// Runs a program of the suite to its end, and shows its closing line.
fn run_suite(target: &str, program: &mut Command) {
    let output = run_any(program);
    assert!(output.status.success(), "{target}: {}\n{}", output.status, printed(&output));
    say(&format!("c_suite: {target}: {}", stdout(&output).lines().last().unwrap_or_default()));
}

// --- standalone ------------------------------------------------------------------------------------

fn standalone_flags() -> Vec<String> {
    vec!["-DSTANDALONE".into(), format!("-I{}", shipped().include.display())]
}

/// The suite without Python, linked in the two ways that there are.
struct Standalone {
    shared: PathBuf,
    archive: PathBuf,
}

fn build_standalone(name: &str, sanitize: &[&str]) -> Standalone {
    let folder = temp_dir(name);
    let mut flags = standalone_flags();
    flags.extend(strings(sanitize));
    let mut objects = compile(&folder, &SOURCES, &flags);
    objects.extend(compile(&folder, &["suite/objects"], &flags));
    let programs =
        Standalone { shared: folder.join("suite-shared"), archive: folder.join("suite-archive") };

    let mut shared = strings(sanitize);
    shared.extend(link_shared());
    link(&programs.shared, &objects, &shared);
    let mut archive = strings(sanitize);
    archive.push(shipped().archive.display().to_string());
    link(&programs.archive, &objects, &archive);
    programs
}

fn standalone() -> &'static Standalone {
    static STANDALONE: LazyLock<Standalone> =
        LazyLock::new(|| build_standalone("c_suite-standalone", &[]));
    &STANDALONE
}

fn run_standalone(target: &str, program: &Path, functions: &Path, how: &[&str]) {
    run_suite(target, Command::new(program).args(how).arg("--functions-from").arg(functions));
}

#[test]
fn suite_without_python_passes_with_the_shared_library() {
    run_standalone("standalone, .so", &standalone().shared, &shipped().so, all());
}

/// The copies at each level of instructions up to this machine's; a word that is no level changes
/// nothing. (Where they are emulated, of each a part: minutes.)
#[test]
fn suite_without_python_passes_at_every_level() {
    for level in ["generic", "sse", "avx2", "nonsense"] {
        let mut suite = Command::new(&standalone().shared);
        suite.arg("--functions-from").arg(&shipped().so).env("PYBUFFER_CPU", level);
        suite.args(emulated_quick());
        run_suite(&format!("standalone, .so, PYBUFFER_CPU={level}"), &mut suite);
    }
}

#[test]
fn suite_without_python_passes_with_the_archive() {
    let program = &standalone().archive;
    run_standalone("standalone, .a", program, program, emulated_quick());
}

/// There is no dynamic linker to ask in such a program, and none of its functions.
#[test]
fn suite_without_python_passes_with_the_archive_in_static_programs() {
    let folder = temp_dir("c_suite-static");
    let flags = standalone_flags();
    let mut objects = compile(&folder, &SOURCES, &flags);
    objects.extend(compile(&folder, &["suite/objects"], &flags));
    for kind in ["-static", "-static-pie"] {
        let program = folder.join(format!("suite{kind}"));
        let mut command = compiler();
        command.args(&objects).arg(&shipped().archive).arg(kind).arg("-o").arg(&program);
        let linked = run_any(&mut command);
        if !linked.status.success() {
            skip("suite in static programs", &format!("no {kind} program can be linked"));
            continue;
        }
        run_suite(&format!("standalone, {kind}"), Command::new(&program).args(QUICK));
    }
}

/// The sanitizers watch the C side: the tests, the exporters, and what is handed to them.
#[test]
fn suite_without_python_passes_under_sanitizers() {
    let probe = temp_dir("c_suite-probe").join("probe.c");
    std::fs::write(&probe, "int main(void) { return 0; }\n").unwrap();
    let linked =
        run_any(compiler().args(SANITIZE).arg(&probe).arg("-o").arg(probe.with_extension("")));
    if !linked.status.success() {
        return skip("suite under sanitizers", "the C compiler has no AddressSanitizer or UBSan");
    }
    let programs = build_standalone("c_suite-sanitized", &SANITIZE);
    run_standalone("standalone, .so, sanitized", &programs.shared, &shipped().so, &[]);
    run_standalone("standalone, .a, sanitized", &programs.archive, &programs.archive, QUICK);
}

/// For `make valgrind`: with a part of the enumerated cases, as valgrind is slow. Memory that is
/// still reachable at the end (of threads that ended with an exception pending) is no leak.
#[test]
#[ignore = "needs valgrind"]
fn suite_without_python_is_valgrind_clean() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return skip("suite under valgrind", "valgrind is not installed");
    }
    for program in [&standalone().shared, &standalone().archive] {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--quiet", "--error-exitcode=9", "--leak-check=full"]);
        valgrind.arg("--errors-for-leak-kinds=definite,indirect,possible");
        run_suite("standalone, valgrind", valgrind.arg(program).args(QUICK));
    }
}

/// For `make tsan`: the suite's threads, with both sides watched. The archive is built for it by a nightly
/// Rust, whose standard library is not, but none of it is in the archive.
#[test]
#[ignore = "needs a nightly Rust"]
fn threads_without_python_are_clean_under_thread_sanitizer() {
    const RUST: &str = "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer";
    const C: [&str; 2] = ["-fsanitize=thread", "-fno-omit-frame-pointer"];
    let folder = temp_dir("c_suite-thread-sanitizer");
    let version = stdout(&run(Command::new("rustc").args(["+nightly", "-vV"])));
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    run(Command::new("cargo")
        .args(["+nightly", "rustc", "--lib", "--release", "--no-default-features"])
        .args(["--crate-type", "staticlib", "--target", host, "--target-dir"])
        .arg(folder.join("cargo"))
        .current_dir(&shipped().root)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env("RUSTFLAGS", RUST));
    let archive = folder.join("cargo").join(host).join("release/libpybuffer.a");

    let mut flags = standalone_flags();
    flags.extend(strings(&C));
    let mut objects = compile(&folder, &SOURCES, &flags);
    objects.extend(compile(&folder, &["suite/objects", "suite/thread_sanitizer"], &flags));
    let program = folder.join("suite");
    let mut flags = strings(&C);
    flags.push(archive.display().to_string());
    link(&program, &objects, &flags);
    // Addresses that are the same every time: the run-time library knows no others.
    for tests in ["thread", "copy_parts", "dlpack"] {
        let mut watched = Command::new("setarch");
        run_suite("standalone, ThreadSanitizer", watched.arg("-R").arg(&program).arg(tests));
    }
}

// --- inside a CPython ------------------------------------------------------------------------------

/// A CPython that a program can be linked with, and the suite's objects compiled for it.
struct Host {
    python: &'static Python,
    objects: OnceLock<Vec<PathBuf>>,
}

impl Host {
    fn flags(&self) -> Vec<String> {
        // What is libpybuffer's own comes after Python.h, in its own header.
        [self.python.include.as_ref().unwrap(), &shipped().include]
            .iter()
            .flat_map(|folder| ["-isystem".into(), folder.display().to_string()])
            .collect()
    }

    fn folder(&self) -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("c_suite-{}", self.python.label))
    }

    fn objects(&self) -> &[PathBuf] {
        self.objects.get_or_init(|| {
            let folder = temp_dir(&format!("c_suite-{}", self.python.label));
            let mut objects = compile(&folder, &SOURCES, &self.flags());
            objects.extend(compile(&folder, &["suite/host"], &self.flags()));
            objects
        })
    }

    /// Links the suite with this CPython, after what `first` says.
    fn suite(&self, name: &str, first: Vec<String>) -> PathBuf {
        let objects = self.objects();
        let program = self.folder().join(name);
        link(&program, objects, &[first, self.python.link_flags()].concat());
        program
    }

    /// A command that finds this CPython's standard library.
    fn command(&self, program: &Path) -> Command {
        let mut command = command_without_settings(program);
        command.env("PYTHONHOME", self.python.exe.parent().and_then(Path::parent).unwrap());
        command
    }

    fn run_suite(&self, target: &str, program: &Path, functions: &Path, how: &[&str]) {
        let target = format!("{} {target}", self.python.label);
        run_suite(&target, self.command(program).args(how).arg("--functions-from").arg(functions));
    }
}

/// Every CPython with a shared libpython and a Python.h.
fn hosts() -> &'static [Host] {
    static HOSTS: LazyLock<Vec<Host>> = LazyLock::new(|| {
        let shared = pythons().iter().filter(|python| python.libpython.is_some());
        let (usable, headless): (Vec<_>, Vec<_>) =
            shared.partition(|python| python.include.is_some());
        for python in headless {
            skip("C suite", &format!("CPython {} has no Python.h", python.label));
        }
        if usable.is_empty() {
            skip("C suite", "no CPython with a shared libpython was found");
        }
        usable.into_iter().map(|python| Host { python, objects: OnceLock::new() }).collect()
    });
    &HOSTS
}

/// The expectations are right: libpython meets them.
#[test]
fn suite_passes_with_libpython_itself() {
    for host in hosts() {
        let program = host.suite("suite-libpython", vec![]);
        host.run_suite("libpython", &program, libpython(host.python), &[]);
    }
}

#[test]
fn suite_in_a_cpython_passes_with_the_shared_library() {
    for host in hosts() {
        let program = host.suite("suite-shared", link_shared());
        host.run_suite(".so", &program, &shipped().so, &[]);
    }
}

#[test]
fn suite_in_a_cpython_passes_with_the_archive() {
    for host in hosts() {
        let program = host.suite("suite-archive", link_archive());
        host.run_suite(".a", &program, &program, QUICK);
    }
}

/// Flags that link the archive, and keep its names from being answered by libpython.
fn link_archive() -> Vec<String> {
    let archive = shipped().archive.display().to_string();
    vec![archive, "-Wl,--exclude-libs,libpybuffer.a".into()]
}

/// Without the GIL, before Py_Initialize and after Py_Finalize.
#[test]
fn functions_without_a_thread_state_tell_by_their_results_alone() {
    for host in hosts() {
        let folder = temp_dir(&format!("c_suite-{}-no-thread-state", host.python.label));
        let objects = compile(&folder, &["suite/no_thread_state"], &host.flags());
        for (name, first) in [("shared", link_shared()), ("archive", link_archive())] {
            let program = folder.join(name);
            link(&program, &objects, &[first, host.python.link_flags()].concat());
            run(&mut host.command(&program));
        }
    }
}

/// Whoever holds the GIL may use objects and gets errors, with whatever thread state.
#[test]
fn functions_of_objects_take_any_thread_state_that_holds_the_gil() {
    for host in hosts() {
        let folder = temp_dir(&format!("c_suite-{}-thread-states", host.python.label));
        let objects = compile(&folder, &["suite/thread_states"], &host.flags());
        for (name, first) in [("shared", link_shared()), ("archive", link_archive())] {
            let program = folder.join(name);
            link(&program, &objects, &[first, host.python.link_flags()].concat());
            run(&mut host.command(&program));
        }
    }
}

/// Tensors that outlive a subinterpreter, or the interpreter; and those that are deleted while it ends.
#[test]
fn deleters_of_tensors_may_be_called_late() {
    for host in hosts() {
        let folder = temp_dir(&format!("c_suite-{}-dlpack-ends", host.python.label));
        let objects = compile(&folder, &["suite/dlpack_ends", "exporters/array"], &host.flags());
        for (name, first) in [("shared", link_shared()), ("archive", link_archive())] {
            let program = folder.join(name);
            link(&program, &objects, &[first, host.python.link_flags()].concat());
            run(&mut host.command(&program));
        }
    }
}

/// Each allocation of every memoryview function fails once, in both worlds.
#[test]
fn memoryviews_without_memory_leave_nothing_behind() {
    const SOURCES: [&str; 2] = ["suite/memory_failures", "exporters/array"];
    let folder = temp_dir("c_suite-memory-failures");
    let program = folder.join("standalone");
    let archive = shipped().archive.display().to_string();
    let mut flags = vec![archive];
    flags.extend(["malloc", "calloc", "realloc", "free"].map(|name| format!("-Wl,--wrap={name}")));
    link(&program, &compile(&folder, &SOURCES, &standalone_flags()), &flags);
    run_suite("standalone, without memory", &mut Command::new(&program));
    for host in hosts() {
        let folder = temp_dir(&format!("c_suite-{}-memory-failures", host.python.label));
        let objects = compile(&folder, &SOURCES, &host.flags());
        let program = folder.join("shared");
        link(&program, &objects, &[link_shared(), host.python.link_flags()].concat());
        let target = format!("{} .so, without memory", host.python.label);
        run_suite(&target, &mut host.command(&program));
    }
}

/// Loaded by `dlopen`, before a libpython or after it, whether it can be seen or not.
#[test]
fn library_and_libpython_meet_in_any_order() {
    let folder = temp_dir("c_suite-load-order");
    let objects = compile(&folder, &["suite/load_order"], &standalone_flags());
    for host in hosts() {
        let program = folder.join(format!("load_order-{}", host.python.label));
        link(&program, &objects, &host.python.loader_flags());
        for how in ["library-first", "python-first", "attach", "stay", "close"] {
            let mut command = host.command(&program);
            run(command.arg(&shipped().so).arg(libpython(host.python)).arg(how));
        }
    }
}
