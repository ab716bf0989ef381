//! The time of each call beside libpython's, in one process: `make bench`.
//!
//! One process on one CPU. Both libraries are loaded as a user would load them and called through the
//! same kind of pointer, so what differs is what they do. The table at the end gives the medians and
//! their ratio, which also go to `docs/performance/calls.json`; criterion's own reports are in
//! `target/criterion`. With `--old=FILE` an older libpybuffer.so is measured beside instead, at every CPU
//! level (`host/older.rs`).

#[path = "../host/mod.rs"]
mod host;
#[path = "../../tests/support/mod.rs"]
mod support;

mod cases;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use cases::{Case, Functions};
use criterion::Criterion;
use host::Host;
use host::machine::{self, Machine};
use host::older::{self, Both, Findings, Level, Work};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let host = Host::start().expect("a CPython with a shared libpython, to measure beside");
    let (old, arguments) = older::option(std::env::args().skip(1).collect());
    let cases = cases::all(&host);
    match old {
        Some(old) => beside_older(&older::levels(&old), &cases),
        // Cargo adds --bench; anything else chooses among the calls.
        None => beside_libpython(&host, cases, arguments.iter().all(|word| word == "--bench")),
    }
}

/// Measures calls beside libpython's, and writes what was found if these are all.
fn beside_libpython(host: &Host, mut cases: Vec<Case>, is_whole: bool) -> ExitCode {
    // SAFETY: loading the library runs none of its code.
    let ours = unsafe { Library::open(Some(&support::shipped().so), RTLD_NOW | RTLD_LOCAL) }
        .expect("libpybuffer.so");
    let both = [Functions::of("libpython", &host.library), Functions::of("libpybuffer", &ours)];
    println!("beside CPython {}", host.python.label);
    if both[0].check_buffer.is_none() {
        cases.retain(|(name, _)| !name.starts_with("CheckBuffer") && !name.starts_with("SizeFrom"));
    }
    machine::pin();
    let samples = measure(&both, &cases);
    let calls = print_table(&cases, &samples);
    if is_whole {
        write(&host.python.label, &calls);
    }
    ExitCode::SUCCESS
}

/// Measures calls beside an older library's at every level; fails if one is slower.
fn beside_older(levels: &[Level], cases: &[Case]) -> ExitCode {
    let functions =
        |both: &Both| both.each_ref().map(|library| Functions::of("libpybuffer", library));
    let levels: Vec<(&str, Vec<_>)> = levels
        .iter()
        .map(|level| (level.name, level.loads.iter().map(functions).collect()))
        .collect();
    machine::pin();
    Findings::head(levels.iter().map(|(level, _)| *level));
    let mut findings = Findings::default();
    for (name, case) in cases {
        let work =
            |functions| -> Work { Box::new(move |times| (0..times).for_each(|_| case(functions))) };
        let ratios: Vec<_> = levels
            .iter()
            .map(|(level, loads)| {
                let mut loads: Vec<_> =
                    loads.iter().map(|both| both.each_ref().map(work)).collect();
                (*level, older::compare(&mut loads))
            })
            .collect();
        findings.case(name, &ratios);
    }
    if findings.end() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The calls that are made of one library before it is the other's turn.
const TURN: u64 = 500;

/// A sample of a case: nanoseconds a call, of libpython and of the library.
type Sample = [f64; 2];

/// The samples of each case. Every sample has both libraries in turn, some microseconds each, so that what
/// else the machine does hits both alike.
fn measure(both: &[Functions; 2], cases: &[Case]) -> Vec<Vec<Sample>> {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
        .sample_size(60)
        .without_plots()
        .configure_from_args();
    let samples = cases.iter().map(|(name, case)| {
        let mut samples = Vec::new();
        let mut group = criterion.benchmark_group(*name);
        for (k, functions) in both.iter().enumerate() {
            group.bench_function(functions.label, |bencher| {
                bencher.iter_custom(|calls| {
                    let times = in_turn(both, case, calls);
                    samples.push(times.map(|time| time.as_nanos() as f64 / calls as f64));
                    times[k]
                });
            });
        }
        group.finish();
        samples
    });
    let samples = samples.collect();
    criterion.final_summary();
    samples
}

/// The time of as many calls of each of both libraries.
fn in_turn(both: &[Functions; 2], case: &dyn Fn(&Functions), calls: u64) -> [Duration; 2] {
    let mut times = [Duration::ZERO; 2];
    let mut done = 0;
    while done < calls {
        let turn = TURN.min(calls - done);
        for (functions, time) in both.iter().zip(&mut times) {
            let start = Instant::now();
            (0..turn).for_each(|_| case(functions));
            *time += start.elapsed();
        }
        done += turn;
    }
    times
}

/// Prints the medians, and answers them.
fn print_table(cases: &[Case], samples: &[Vec<Sample>]) -> Vec<Value> {
    println!(
        "\n{:44}{:>12}{:>12}{:>10}",
        "nanoseconds, median", "libpython", "libpybuffer", "ratio"
    );
    let mut all = Vec::new();
    for ((name, _), samples) in cases.iter().zip(samples) {
        let median = |of: &dyn Fn(&Sample) -> f64| -> Option<f64> {
            let mut values: Vec<f64> = samples.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied()
        };
        match (median(&|s| s[0]), median(&|s| s[1]), median(&|s| s[1] / s[0])) {
            (Some(host), Some(ours), Some(ratio)) => {
                println!("{name:44}{host:>12.1}{ours:>12.1}{ratio:>10.2}");
                let round = |value: f64| (value * 10.0).round() / 10.0;
                all.push(json!({
                    "call": name,
                    "ns": { "libpython": round(host), "libpybuffer": round(ours) },
                    "ratio": (ratio * 100.0).round() / 100.0,
                }));
            }
            _ => println!("{name:44} was not measured in this run"),
        }
    }
    all
}

/// Writes `docs/performance/calls.json`, the level in its name if it was lowered.
fn write(python: &str, calls: &[Value]) {
    let name = machine::named_level().map_or("calls".into(), |level| format!("calls-{level}"));
    let file = support::shipped().root.join(format!("docs/performance/{name}.json"));
    let text = json!({ "machine": Machine::new(), "libpython": python, "calls": calls });
    std::fs::write(&file, format!("{text:#}\n")).expect("docs/performance can be written");
    println!("written to {}", file.display());
}
