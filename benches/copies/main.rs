//! Strided copies beside memcpy and beside everybody else who makes them: `make bench`.
//!
//! One process on one CPU calls each implementation through its C or Rust interface: what ships of
//! ours, libpython, NumPy, PyTorch, ndarray, HPTT. How it is measured stands in `measure.rs`, where the
//! bytes lie in `memory.rs`, what is copied in `cases.rs`. Every result is checked before it is timed.
//!
//! `cargo bench --bench copies -- [--quick] [WORD ...]`: words choose the cases whose family or name
//! contains one of them. A run of all cases is written to `docs/performance`. `PYBUFFER_CPU` lowers the
//! level of the library's kernels as ever. With `--old=FILE` an older libpybuffer.so is the only rival, at
//! every level (`host/older.rs`).

#[path = "../host/mod.rs"]
mod host;
#[path = "../../tests/support/mod.rs"]
mod support;

mod cases;
mod job;
mod measure;
mod memory;
mod report;
mod rivals;
mod setting;
mod setup;

use std::process::ExitCode;

use cases::Case;
use host::Host;
use host::machine;
use host::older::{self, Findings, Level};
use job::Job;
use memory::Random;
use report::{Row, Run};
use rivals::{Buffers, Field, Rival};
use setting::Setting;

fn main() -> ExitCode {
    // Cargo adds --bench.
    let arguments = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let (old, arguments) = older::option(arguments);
    let (mut options, words): (Vec<String>, Vec<String>) =
        arguments.into_iter().partition(|word| word.starts_with("--"));
    let setting = Setting::of(&mut options);
    let quick = options.contains(&"--quick".into());
    assert!(options.len() == usize::from(quick), "unknown option among {options:?}");

    setting.begin();
    let host: Option<&'static Host> = Host::start().map(|host| &*Box::leak(Box::new(host)));
    let is_chosen = |case: &Case| {
        let named = |word: &String| case.family.contains(word) || case.name.contains(word);
        (case.quick || !quick)
            && setting.suits(case)
            && (words.is_empty() || words.iter().any(named))
    };
    let cases = cases::all().into_iter().filter(is_chosen);
    match old {
        Some(old) => beside_older(host, &older::levels(&old), cases),
        None => beside_rivals(host, quick, words.is_empty(), setting, cases),
    }
}

/// Measures cases beside everybody else, and writes what was found if these are all.
fn beside_rivals(
    host: Option<&'static Host>,
    quick: bool,
    is_whole: bool,
    setting: Setting,
    cases: impl Iterator<Item = Case>,
) -> ExitCode {
    let Field { present: rivals, left_out } = Field::gather(host, quick, setting);
    let mut run = Run::new(&rivals, left_out, setting);
    if setting.n_threads == 1 {
        machine::pin();
    }
    introduce(&run, quick);
    let mut random = Random(1);
    for case in cases {
        let mut job = Job::new(case, setting.is_fresh);
        let seconds = measure::measure(&mut job, &rivals, &mut random, setting);
        let row = Row { case: job.case, seconds };
        println!(
            "{}",
            if quick { report::quick_line(&run, &row) } else { report::row(&run, &row) }
        );
        run.rows.push(row);
    }
    if quick {
        return ExitCode::SUCCESS;
    }
    println!("\n{}", report::summary(&run));
    if is_whole {
        let folder = support::shipped().root.join("docs/performance");
        run.write(&folder).expect("docs/performance can be written");
        println!("written to {}", folder.display());
    }
    ExitCode::SUCCESS
}

/// Measures cases beside an older library at every level; fails if one is slower.
fn beside_older(
    host: Option<&'static Host>,
    levels: &[Level],
    cases: impl Iterator<Item = Case>,
) -> ExitCode {
    machine::pin();
    Findings::head(levels.iter().map(|level| level.name));
    let mut findings = Findings::default();
    for case in cases {
        let mut job = Job::new(case, false);
        let name = format!("{} {}", job.case.family, job.case.name);
        let mut ratios = Vec::new();
        for level in levels {
            let both: Vec<_> = level
                .loads
                .iter()
                .map(|both| both.each_ref().map(|library| Buffers::other(host, library)))
                .collect();
            let mut loads = Vec::new();
            for both in &both {
                let copies = both.each_ref().map(|library| library.prepare(&job));
                // Without a CPython there is nothing to make memoryviews for CopyData.
                let [Some(old), Some(new)] = copies else { continue };
                loads.push([old, new]);
            }
            for copy in loads.iter_mut().flatten() {
                assert!(job.is_right_after(|| copy(1)), "{}: a wrong result: {name}", level.name);
            }
            if !loads.is_empty() {
                ratios.push((level.name, older::compare(&mut loads)));
            }
        }
        findings.case(&name, &ratios);
    }
    if findings.end() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is compared: before the table, beside the lines of a quick run.
fn introduce(run: &Run, quick: bool) {
    for line in &run.left_out {
        eprintln!("left out: {line}");
    }
    eprintln!("{}; kernels: {}", run.versions(), run.machine.level);
    if quick {
        eprintln!("family, case, ours/memcpy, times libpython, times NumPy");
    } else {
        println!("{}", report::table_head(run));
    }
}
