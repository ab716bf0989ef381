//! An unmodified python with the library, as it ships, in `LD_PRELOAD`.
//!
//! CPython's own test suites run in every CPython that has them and a shared libpython, with the library and
//! without it. Each test must have the same outcome. `csrc/extensions/count.c`, preloaded before the library,
//! counts the calls of each function and checks that the library answers them.
//! (A statically linked python answers its own calls whatever is preloaded: see `tests/linking.rs`. The suites run
//! in it under `pybuffer-run`, which reaches its extension modules, but only in `make test-pythons`.)

#[path = "preload/counts.rs"]
mod counts;
#[path = "preload/free_threaded.rs"]
mod free_threaded;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::{LazyLock, Mutex};
use std::thread;

use counts::{HARDLY_CALLED, OFTEN_CALLED, counts_missing, drop_ins, sum_counts};
use support::{
    Python, command_without_settings, has_companion, printed, pythons, run, run_any, say, shipped,
    skip, stdout, temp_dir,
};

/// Suites that one process runs, and how.
struct Group {
    suites: &'static [&'static str],
    /// The resources that regrtest may use (`-u`).
    resources: &'static str,
    /// The number of these processes that may run at the same time.
    n_workers: usize,
}

/// CPython's suites that use buffers, in groups that take about the same time and together keep two cores busy:
/// `test_io` sleeps most of the time, and `test_capi` some of it. The resource `cpu` adds long tests: in
/// `test_buffer` they concern buffers, elsewhere they do not.
const GROUPS: [Group; 3] = [
    Group { suites: &["test_io"], resources: "none", n_workers: 4 },
    Group { suites: &["test_buffer"], resources: "cpu", n_workers: 1 },
    Group {
        suites: &[
            "test_memoryview",
            "test_struct",
            "test_array",
            "test_bytes",
            "test_ctypes",
            "test_picklebuffer",
            "test_capi",
        ],
        resources: "none",
        n_workers: 1,
    },
];

/// One run of a group's suites.
struct Job<'a> {
    python: &'a Python,
    suites: Vec<&'static str>,
    resources: &'static str,
    preload: bool,
    folder: PathBuf,
}

/// The result of a job.
struct Outcome {
    status: ExitStatus,
    /// Name and outcome of each test; a name may occur more than once.
    tests: Vec<(String, String)>,
    /// The output of regrtest.
    log: String,
}

#[test]
fn suites_of_cpython_end_as_without_the_library() {
    let test = "suites_of_cpython_end_as_without_the_library";
    let shared = with_tests(test, |python| python.libpython.is_some());
    if shared.is_empty() {
        return skip(test, "no CPython with its tests and a shared libpython was found");
    }
    compare_suites(&shared, &GROUPS, 1000);
}

#[test]
#[ignore = "minutes for each python; make test-pythons"]
fn suites_of_static_pythons_end_as_without_pybuffer_run() {
    let test = "suites_of_static_pythons_end_as_without_pybuffer_run";
    if !has_companion() {
        return skip(test, "glibc before 2.35 reaches no statically linked python");
    }
    let linked = with_tests(test, |python| python.libpython.is_none());
    if linked.is_empty() {
        return skip(test, "no statically linked CPython with its tests was found");
    }
    compare_suites(&linked, &GROUPS, 1000);
}

/// What of it can be run in a minute where pythons are emulated.
#[test]
#[ignore = "a part of suites_of_cpython; make test-cross"]
fn test_buffer_and_test_memoryview_end_as_without_the_library() {
    const GROUP: Group =
        Group { suites: &["test_buffer", "test_memoryview"], resources: "none", n_workers: 2 };
    let test = "test_buffer_and_test_memoryview_end_as_without_the_library";
    let shared = with_tests(test, |python| python.libpython.is_some());
    if shared.is_empty() {
        return skip(test, "no CPython with its tests and a shared libpython was found");
    }
    compare_suites(&shared, &[GROUP], 150);
}

/// The pythons of a kind that are installed with their tests.
fn with_tests(test: &str, is_meant: fn(&Python) -> bool) -> Vec<&'static Python> {
    let meant = pythons().iter().filter(|python| is_meant(python));
    let (with, without): (Vec<_>, Vec<_>) = meant.partition(|python| python.has_tests);
    for python in without {
        say(&format!("{test}: CPython {} comes without its tests", python.label));
    }
    with
}

/// Runs the suites of each python with the library and without it.
fn compare_suites(with_tests: &[&Python], groups: &[Group], least: usize) {
    let outcomes = thread::scope(|scope| {
        let groups: Vec<_> =
            groups.iter().map(|group| scope.spawn(|| run_group(group, with_tests))).collect();
        groups.into_iter().flat_map(|group| group.join().unwrap()).collect::<Vec<_>>()
    });

    let mut wrong = Vec::new();
    for python in with_tests {
        let of = |preload: bool| {
            outcomes
                .iter()
                .filter(move |(job, _)| job.preload == preload && job.python.label == python.label)
        };
        for ((job, preloaded), (plain_job, plain)) in of(true).zip(of(false)) {
            let mut found = differences(job, preloaded, plain);
            if !found.is_empty() {
                // Suites that use clocks and signals may fail on a busy machine.
                say(&format!("Once more because of a difference: {}", found[..2].join(" ")));
                found = differences(job, &run_suites(job), &run_suites(plain_job));
            }
            wrong.extend(found);
        }
        let n_passed = of(true)
            .flat_map(|(_, outcome)| &outcome.tests)
            .filter(|(_, outcome)| outcome == "passed")
            .count();
        if n_passed < least {
            wrong.push(format!("CPython {}: only {n_passed} tests passed", python.label));
        }
        if python.libpython.is_none() {
            say(&format!("CPython {}: {n_passed} tests passed under pybuffer-run", python.label));
            continue;
        }
        let counts = sum_counts(of(true).map(|(job, _)| job.folder.join("counts")));
        wrong.extend(counts_missing(python, &counts));
        let n_calls: u64 = counts.values().sum();
        say(&format!(
            "CPython {}: {n_passed} tests passed, {n_calls} calls answered by libpybuffer",
            python.label
        ));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The value of `LD_PRELOAD`: the library that counts, and then ours.
fn counted() -> &'static str {
    static COUNTED: LazyLock<String> = LazyLock::new(|| {
        let counter = temp_dir("count").join("libcount.so");
        run(support::cc()
            .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC"])
            .arg(shipped().root.join("csrc/extensions/count.c"))
            .args(["-ldl", "-pthread", "-o"])
            .arg(&counter));
        format!("{}:{}", counter.display(), shipped().so.display())
    });
    &COUNTED
}

/// Those of the suites that a python has.
fn installed_suites(python: &Python, suites: &[&'static str]) -> Vec<&'static str> {
    let code = "import importlib.util, sys
print(*(name for name in sys.argv[1:] if importlib.util.find_spec('test.' + name)))";
    let installed = stdout(&run(python.command().args(["-c", code]).args(suites)));
    let (installed, missing): (Vec<_>, Vec<_>) =
        suites.iter().partition(|suite| installed.split_whitespace().any(|name| name == **suite));
    for suite in missing {
        say(&format!("CPython {} comes without {suite}", python.label));
    }
    installed
}

/// Runs the suites of a group in each python, with the library and without it.
fn run_group<'a>(group: &Group, pythons: &[&'a Python]) -> Vec<(Job<'a>, Outcome)> {
    let mut jobs = Vec::new();
    for python in pythons {
        let suites = installed_suites(python, group.suites);
        for preload in [false, true] {
            let kind = if preload { "preload" } else { "plain" };
            let folder = temp_dir(&format!("{}-{}-{kind}", group.suites[0], python.label));
            let (suites, resources) = (suites.clone(), group.resources);
            jobs.push(Job { python, suites, resources, preload, folder });
        }
    }
    let next = Mutex::new(jobs.iter().enumerate());
    let outcomes = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..group.n_workers {
            scope.spawn(|| {
                loop {
                    let Some((number, job)) = next.lock().unwrap().next() else { break };
                    let outcome = run_suites(job);
                    outcomes.lock().unwrap().insert(number, outcome);
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap().into_values();
    jobs.into_iter().zip(outcomes).collect()
}

fn run_suites(job: &Job) -> Outcome {
    let results = job.folder.join("results.xml");
    let _ = fs::remove_file(&results);
    let mut command = match job.python.libpython {
        None if job.preload => under_pybuffer_run(job.python),
        _ => job.python.command(),
    };
    // The timeout ends a test that hangs. A free-threaded or debug build may take minutes when all CPUs are busy.
    command
        .args(["-m", "test", "-u", job.resources, "--timeout", "1800", "--junit-xml"])
        .arg(&results)
        .args(&job.suites)
        .current_dir(&job.folder);
    if job.preload && job.python.libpython.is_some() {
        command.env("LD_PRELOAD", counted()).env("PYBUFFER_COUNTS", job.folder.join("counts"));
    }
    let output = run_any(&mut command);
    let log = printed(&output);
    assert!(results.is_file(), "regrtest ended without results: {command:?}\n{log}");
    let script = shipped().root.join("tests/preload/outcomes.py");
    let lines = stdout(&run(job.python.command().arg(script).arg(&results)));
    let pair = |line: &str| {
        let (name, outcome) = line.split_once('\t').unwrap();
        (name.to_string(), outcome.to_string())
    };
    Outcome { status: output.status, tests: lines.lines().map(pair).collect(), log }
}

fn under_pybuffer_run(python: &Python) -> Command {
    let mut command = command_without_settings(&shipped().command);
    command.arg("-q").arg(&python.exe);
    command
}

/// The tests whose outcome differs with the library. Tests that are skipped under any `LD_PRELOAD`, and say so (3.15
/// has two, of system calls), are left out.
fn differences(job: &Job, preloaded: &Outcome, plain: &Outcome) -> Vec<String> {
    let refused: BTreeSet<&String> = preloaded
        .tests
        .iter()
        .filter(|(_, outcome)| outcome.starts_with("skipped") && outcome.contains("LD_PRELOAD"))
        .map(|(name, _)| name)
        .collect();
    let lists = [(preloaded, plain, "with"), (plain, preloaded, "without")];
    let mut wrong: Vec<String> = Vec::new();
    for (these, others, which) in lists {
        let others: BTreeSet<_> = others.tests.iter().collect();
        let only_here =
            these.tests.iter().filter(|test| !others.contains(test) && !refused.contains(&test.0));
        wrong.extend(only_here.map(|(name, outcome)| format!("  {which} it: {name} {outcome}")));
    }
    if preloaded.tests.len() != plain.tests.len() || preloaded.status != plain.status {
        wrong.push(format!(
            "  {} tests, {} with it; {} tests, {} without it",
            preloaded.tests.len(),
            preloaded.status,
            plain.tests.len(),
            plain.status
        ));
    }
    if !wrong.is_empty() {
        let title =
            format!("CPython {} {:?}, the library preloaded:", job.python.label, job.suites);
        wrong.insert(0, title);
        wrong.push(preloaded.log.clone());
    }
    wrong
}

#[test]
fn every_function_is_counted_in_every_cpython() {
    let drop_ins: BTreeSet<String> = drop_ins().into_keys().collect();
    let listed: BTreeSet<String> = OFTEN_CALLED
        .iter()
        .map(|(function, _)| function)
        .chain(HARDLY_CALLED.iter().map(|(function, _)| function))
        .map(|function| function.to_string())
        .collect();
    assert_eq!(listed, drop_ins, "the lists in preload/counts.rs, and abi/symbols.toml");

    for python in pythons().iter().filter(|python| python.libpython.is_some()) {
        let counts = temp_dir(&format!("every-function-{}", python.label)).join("counts");
        run(python
            .command()
            .arg(shipped().root.join("tests/preload/every_function.py"))
            .env("LD_PRELOAD", counted())
            .env("PYBUFFER_COUNTS", &counts));
        let called: BTreeSet<String> = sum_counts([counts].into_iter()).into_keys().collect();
        assert_eq!(called, drop_ins, "CPython {}", python.label);
    }
}

/// `examples/demo.sh`, which `make demo` runs, in both kinds of python.
#[test]
fn demo_shows_the_library_in_a_c_program_and_in_a_python() {
    let test = "demo_shows_the_library_in_a_c_program_and_in_a_python";
    let demo = |python: &Python| {
        stdout(&run(command_without_settings("sh")
            .args(["examples/demo.sh", "build"])
            .current_dir(&shipped().root)
            .env("PYTHON", &python.exe)
            .env("PYENV_ROOT", "/nonexistent")))
    };
    match pythons().iter().rfind(|python| python.libpython.is_some() && !python.answers_itself()) {
        Some(python) => {
            let shown = demo(python);
            let of_ours = "with:    PyBuffer_ToContiguous of build/lib/libpybuffer.so\n";
            let faster = shown.lines().filter(|line| line.ends_with(" times as fast")).count();
            assert!(shown.contains(of_ours) && faster >= 4, "{}: {shown}", python.label);
        }
        None => skip(test, "no CPython with a shared libpython was found"),
    }
    match pythons().iter().rfind(|python| python.libpython.is_none()) {
        Some(python) => {
            let shown = demo(python);
            assert!(shown.contains("holds its own copy of libpython"), "{}: {shown}", python.label);
        }
        None => say(&format!("{test}: no statically linked CPython was found")),
    }
}

#[test]
fn processes_threads_and_interpreters_work() {
    let mut interpreters = BTreeSet::new();
    for python in pythons() {
        let output = run(python
            .command()
            .arg(shipped().root.join("tests/preload/processes.py"))
            .arg(&shipped().so)
            .env("LD_PRELOAD", &shipped().so));
        assert!(output.stderr.is_empty(), "CPython {}\n{}", python.label, printed(&output));
        interpreters.insert(stdout(&output));
    }
    let name = "processes_threads_and_interpreters_work";
    if !interpreters.iter().any(|kinds| kinds.contains("interpreters")) {
        skip(name, "no CPython found can make a subinterpreter from Python");
    }
}

/// Copies, owners and destructors from Python: slices, cycles, 10^5 rounds, eight threads, other interpreters. In
/// free-threaded pythons no GIL protects them.
#[test]
fn memoryviews_are_python_s_own() {
    let mut interpreters = BTreeSet::new();
    for python in pythons() {
        let output = run(python
            .command()
            .arg(shipped().root.join("tests/preload/memoryviews.py"))
            .arg(&shipped().so)
            .env("LD_PRELOAD", &shipped().so));
        assert!(output.stderr.is_empty(), "CPython {}\n{}", python.label, printed(&output));
        interpreters.insert(stdout(&output));
    }
    if !interpreters.iter().any(|kinds| kinds.contains("interpreters")) {
        skip("memoryviews_are_python_s_own", "no CPython found can make a subinterpreter");
    }
}

/// All of `test_buffer` in the newest CPython, under valgrind (four minutes). There are no suppressions: with
/// `PYTHONMALLOC=malloc`, 3.8 to 3.10, 3.12 and 3.13 have no errors of their own (3.11 does: it reads the missing
/// digit of a zero). Memory that CPython leaves allocated at exit is ignored, unless the library is among the
/// callers.
#[test]
#[ignore = "four minutes; make valgrind"]
fn test_buffer_is_clean_under_valgrind() {
    let test = "test_buffer_is_clean_under_valgrind";
    let Some(python) =
        pythons().iter().rfind(|p| p.libpython.is_some() && p.has_tests && !p.free_threaded)
    else {
        return skip(test, "no CPython with its tests and a shared libpython was found");
    };
    let folder = temp_dir("valgrind");
    let (log, counts) = (folder.join("valgrind.log"), folder.join("counts"));
    let output = run_any(
        command_without_settings("valgrind")
            .args([
                "--leak-check=full",
                "--errors-for-leak-kinds=none",
                "--error-exitcode=99",
                "--num-callers=30",
            ])
            .arg(format!("--log-file={}", log.display()))
            .arg(&python.exe)
            .args(["-m", "test", "-u", "cpu", "test_buffer"])
            .current_dir(&folder)
            .env("PYTHONMALLOC", "malloc")
            .env("LD_PRELOAD", counted())
            .env("PYBUFFER_COUNTS", &counts),
    );
    let report = fs::read_to_string(&log).unwrap_or_default();
    assert!(output.status.success(), "{}\n{}\n{report}", output.status, printed(&output));
    // Every line begins with ==PID==, and an empty line ends a finding.
    let of_ours: Vec<&str> = report.split("== \n").filter(|e| e.contains("libpybuffer")).collect();
    assert!(of_ours.is_empty(), "{}", of_ours.join("\n"));
    assert!(sum_counts([counts].into_iter())["PyObject_GetBuffer"] > 1_000_000);
}
