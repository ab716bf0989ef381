//! An unmodified python under `LD_PRELOAD` of the library as it ships.
//!
//! CPython's own test suites are run in every CPython that has them and a shared libpython, with
//! the library and without it: each single test must end in the same way. That the library's
//! functions were the ones that ran is counted by `csrc/extensions/count.c`, preloaded before it.
//! (A statically linked python answers its own calls whatever is preloaded: `tests/linking.rs`.)

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{LazyLock, Mutex};
use std::thread;

use support::{Python, printed, pythons, run, run_any, say, shipped, skip, stdout, temp_dir};

/// CPython's suites that work on buffers. `test_io` comes first: it sleeps for most of its time,
/// and runs as a process of its own beside the others.
const SUITES: [&[&str]; 2] = [
    &["test_io"],
    &[
        "test_buffer",
        "test_memoryview",
        "test_struct",
        "test_array",
        "test_bytes",
        "test_ctypes",
        "test_picklebuffer",
        "test_capi",
    ],
];

/// As many runs of suites at a time: twice the cores that they keep busy.
const N_WORKERS: usize = 4;

/// What the suites call, and how often at the least in one CPython; about a tenth of what was
/// counted in 3.8 to 3.13.
const OFTEN_CALLED: [(&str, u64); 8] = [
    ("PyObject_CheckBuffer", 100_000),
    ("PyObject_GetBuffer", 1_000_000),
    ("PyBuffer_Release", 1_000_000),
    ("PyBuffer_SizeFromFormat", 1),
    ("PyBuffer_IsContiguous", 200_000),
    ("PyBuffer_GetPointer", 5_000),
    ("PyBuffer_ToContiguous", 50_000),
    ("PyBuffer_FillInfo", 500_000),
];

/// What the suites call hardly or never, and why. `every_function.py` calls these.
const HARDLY_CALLED: [(&str, &str); 7] = [
    ("PyBuffer_FromContiguous", "two calls in test_capi, none in 3.10 whose test_capi is missing"),
    ("PyObject_CopyData", "no code of CPython's calls it"),
    ("PyBuffer_FillContiguousStrides", "no code of CPython's calls it"),
    ("PyObject_AsCharBuffer", "kept for old extensions of the stable ABI alone"),
    ("PyObject_AsReadBuffer", "kept for old extensions of the stable ABI alone"),
    ("PyObject_AsWriteBuffer", "kept for old extensions of the stable ABI alone"),
    ("PyObject_CheckReadBuffer", "kept for old extensions of the stable ABI alone"),
];

/// Not in the libpython of 3.8, so that nothing in it calls them: there `PyObject_CheckBuffer` is
/// a macro, and `PyBuffer_SizeFromFormat` is declared and missing.
const SINCE_3_9: [&str; 2] = ["PyObject_CheckBuffer", "PyBuffer_SizeFromFormat"];

/// One run of a group of suites.
struct Job<'a> {
    python: &'a Python,
    suites: Vec<&'static str>,
    preload: bool,
    folder: PathBuf,
}

/// How it ended.
struct Outcome {
    status: ExitStatus,
    /// Name of a test and what became of it; a name may come more than once.
    tests: Vec<(String, String)>,
    /// What regrtest printed.
    log: String,
}

#[test]
fn suites_of_cpython_end_as_without_the_library() {
    let test = "suites_of_cpython_end_as_without_the_library";
    let pythons: Vec<&Python> = pythons().iter().filter(|p| p.libpython.is_some()).collect();
    let (with_tests, without): (Vec<_>, Vec<_>) = pythons.into_iter().partition(|p| p.has_tests);
    for python in without {
        say(&format!("{test}: CPython {} comes without its tests", python.label));
    }
    if with_tests.is_empty() {
        return skip(test, "no CPython with its tests and a shared libpython was found");
    }

    let mut jobs = Vec::new();
    for python in &with_tests {
        for (group, suites) in SUITES.iter().enumerate() {
            let suites = installed_suites(python, suites);
            for preload in [false, true] {
                let kind = if preload { "preload" } else { "plain" };
                let folder = temp_dir(&format!("suites-{}-{group}-{kind}", python.label));
                jobs.push((group, Job { python, suites: suites.clone(), preload, folder }));
            }
        }
    }
    // The sleepers first.
    jobs.sort_by_key(|(group, _)| *group);
    let jobs: Vec<Job> = jobs.into_iter().map(|(_, job)| job).collect();
    let outcomes = run_all(&jobs);

    let mut wrong = Vec::new();
    for python in with_tests {
        let of = |preload: bool| {
            jobs.iter()
                .zip(&outcomes)
                .filter(move |(job, _)| job.preload == preload && job.python.label == python.label)
        };
        for ((job, preloaded), (_, plain)) in of(true).zip(of(false)) {
            wrong.extend(differences(job, preloaded, plain));
        }
        let n_passed = of(true)
            .flat_map(|(_, outcome)| &outcome.tests)
            .filter(|(_, outcome)| outcome == "passed")
            .count();
        if n_passed < 1000 {
            wrong.push(format!("CPython {}: only {n_passed} tests passed", python.label));
        }
        let counts = sum_counts(of(true).map(|(job, _)| job.folder.join("counts")));
        wrong.extend(counts_missing(python, &counts));
        say(&format!("CPython {}: {n_passed} tests passed, {counts:?}", python.label));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `LD_PRELOAD` of the library that counts, and ours behind it.
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

/// Runs the jobs in their order, a few at a time.
fn run_all(jobs: &[Job]) -> Vec<Outcome> {
    let next = Mutex::new(jobs.iter().enumerate());
    let outcomes = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..N_WORKERS {
            scope.spawn(|| {
                loop {
                    let Some((number, job)) = next.lock().unwrap().next() else { break };
                    let outcome = run_suites(job);
                    outcomes.lock().unwrap().insert(number, outcome);
                }
            });
        }
    });
    outcomes.into_inner().unwrap().into_values().collect()
}

fn run_suites(job: &Job) -> Outcome {
    let results = job.folder.join("results.xml");
    let mut command = job.python.command();
    // `cpu` adds the long tests of test_buffer; the timeout is for a test that hangs.
    command
        .args(["-m", "test", "-u", "cpu", "--timeout", "300", "--junit-xml"])
        .arg(&results)
        .args(&job.suites)
        .current_dir(&job.folder);
    if job.preload {
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

/// What ended in another way under the library.
fn differences(job: &Job, preloaded: &Outcome, plain: &Outcome) -> Vec<String> {
    let lists = [(preloaded, plain, "with"), (plain, preloaded, "without")];
    let mut wrong: Vec<String> = Vec::new();
    for (these, others, which) in lists {
        let others: BTreeSet<_> = others.tests.iter().collect();
        let only_here = these.tests.iter().filter(|test| !others.contains(test));
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

/// Calls of each function, all processes together.
///
/// # Panics
/// If any was answered by another library than ours.
fn sum_counts(files: impl Iterator<Item = PathBuf>) -> BTreeMap<String, u64> {
    let ours = shipped().so.canonicalize().unwrap();
    let mut counts = BTreeMap::new();
    for file in files {
        let lines = fs::read_to_string(&file).unwrap_or_else(|error| {
            panic!("nothing was counted: {}: {error}", file.display());
        });
        for line in lines.lines() {
            let [_pid, function, calls, image] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{}: {line}", file.display());
            };
            let image = Path::new(image).canonicalize().unwrap();
            assert_eq!(image, ours, "{function} was answered by another");
            *counts.entry(function.to_string()).or_default() += calls.parse::<u64>().unwrap();
        }
    }
    counts
}

fn counts_missing(python: &Python, counts: &BTreeMap<String, u64>) -> Vec<String> {
    let is_there = |function: &str| python.minor() >= (3, 9) || !SINCE_3_9.contains(&function);
    // Only the calls of its extension modules can be preloaded then.
    let least_of = |least: u64| if python.answers_itself { 0 } else { least };
    if python.answers_itself {
        say(&format!("CPython {}: libpython answers its own calls", python.label));
        assert!(counts.contains_key("PyObject_GetBuffer"), "CPython {}", python.label);
    }
    OFTEN_CALLED
        .iter()
        .map(|(function, least)| (*function, least_of(*least)))
        .filter(|(function, _)| is_there(function))
        .map(|(function, least)| (function, least, counts.get(function).copied().unwrap_or(0)))
        .filter(|(_, least, calls)| calls < least)
        .map(|(function, least, calls)| {
            format!("CPython {}: {function} was called {calls} times, not {least}", python.label)
        })
        .collect()
}

#[test]
fn every_function_is_called_in_every_cpython() {
    for python in pythons().iter().filter(|python| python.libpython.is_some()) {
        let counts = temp_dir(&format!("every-function-{}", python.label)).join("counts");
        run(python
            .command()
            .arg(shipped().root.join("tests/preload/every_function.py"))
            .env("LD_PRELOAD", counted())
            .env("PYBUFFER_COUNTS", &counts));
        let counts = sum_counts([counts].into_iter());
        let functions = OFTEN_CALLED.iter().map(|(function, _)| function);
        for function in functions.chain(HARDLY_CALLED.iter().map(|(function, _)| function)) {
            assert!(counts.contains_key(*function), "CPython {}: {function}", python.label);
        }
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
