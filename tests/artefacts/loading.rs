//! The shared library loaded into processes that know nothing of it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{printed, pythons, run, run_any, say, shipped, stdout};

/// What loading may add to the start of a python.
const MAX_LOAD_TIME: Duration = Duration::from_millis(2);

#[test]
fn preload_leaves_programs_without_python_untouched() {
    let root = shipped().root.as_os_str();
    let so = shipped().so.canonicalize().unwrap();
    let maps = run(Command::new("cat").arg("/proc/self/maps").env("LD_PRELOAD", &so));
    assert!(stdout(&maps).contains(&*so.to_string_lossy()), "the preload did not take place");

    let programs: [(&str, &[&OsStr]); 4] = [
        ("sh", &["-c".as_ref(), "echo out; echo err >&2; (exit 3) || exit 7".as_ref()]),
        ("ls", &["-l".as_ref(), root]),
        ("ls", &[Path::new("no such file").as_ref()]),
        ("make", &["--version".as_ref()]),
    ];
    for (program, args) in programs {
        let alone = run_any(Command::new(program).args(args));
        let preloaded = run_any(Command::new(program).args(args).env("LD_PRELOAD", &so));
        assert_eq!(preloaded.status, alone.status, "{program} {args:?}");
        assert_eq!(printed(&preloaded), printed(&alone), "{program} {args:?}");
    }
}

#[test]
fn loading_adds_little_to_the_start_of_python() {
    for python in pythons() {
        start_time(&python.exe, &python.label);
    }
}

fn start_time(exe: &Path, label: &str) {
    let so = &shipped().so;
    let start = |preload: Option<&Path>| {
        let mut command = Command::new(exe);
        command.args(["-I", "-S", "-c", "pass"]).stdout(Stdio::null()).env_remove("LD_PRELOAD");
        if let Some(so) = preload {
            command.env("LD_PRELOAD", so);
        }
        let begin = Instant::now();
        let status = command.status().unwrap();
        assert!(status.success(), "{label}: {status}");
        begin.elapsed().as_secs_f64()
    };
    start(Some(so));
    // A busy machine can spoil one measurement, not five.
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        best = best.min(median_difference(|| start(Some(so)), || start(None)));
        if best < MAX_LOAD_TIME.as_secs_f64() {
            say(&format!("loading adds {:.2} ms to the start of python {label}", best * 1e3));
            return;
        }
    }
    panic!("loading adds {:.2} ms to the start of python {label}", best * 1e3);
}

/// Measured in pairs, so that a slow phase of the machine is in both; the median, so that a hiccup
/// is in none.
fn median_difference(with: impl Fn() -> f64, without: impl Fn() -> f64) -> f64 {
    let mut differences: Vec<f64> = (0..31)
        .map(|pair| match pair % 2 {
            0 => -without() + with(),
            _ => with() - without(),
        })
        .collect();
    differences.sort_by(f64::total_cmp);
    differences[differences.len() / 2]
}
