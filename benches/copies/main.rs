//! Strided copies beside memcpy and beside everybody else who makes them: `make bench`.
//!
//! One process on one CPU calls each implementation through its C or Rust interface: what ships of
//! ours, libpython, NumPy, PyTorch, ndarray, HPTT. How it is measured stands in `measure.rs`, where the
//! bytes lie in `memory.rs`, what is copied in `cases.rs`. Every result is checked before it is timed.
//!
//! `cargo bench --bench copies -- [--quick] [WORD ...]`: words choose the cases whose family or name
//! contains one of them. A run of all cases is written to `docs/performance`. `PYBUFFER_CPU` lowers the
//! level of the library's kernels as ever.

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
mod setup;

use cases::Case;
use host::Host;
use host::machine;
use job::Job;
use memory::Random;
use report::{Row, Run};
use rivals::Field;

fn main() {
    // Cargo adds --bench.
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let (options, words): (Vec<String>, Vec<String>) =
        arguments.into_iter().partition(|word| word.starts_with("--"));
    let quick = options.contains(&"--quick".into());
    assert!(options.len() == usize::from(quick), "the only option is --quick, not {options:?}");

    let host: Option<&'static Host> = Host::start().map(|host| &*Box::leak(Box::new(host)));
    let Field { present: rivals, left_out } = Field::gather(host, quick);
    let mut run = Run::new(&rivals, left_out);
    machine::pin();
    introduce(&run, quick);

    let is_chosen = |case: &Case| {
        let named = |word: &String| case.family.contains(word) || case.name.contains(word);
        (case.quick || !quick) && (words.is_empty() || words.iter().any(named))
    };
    let mut random = Random(1);
    for case in cases::all().into_iter().filter(is_chosen) {
        let mut job = Job::new(case);
        let seconds = measure::measure(&mut job, &rivals, &mut random);
        let row = Row { case: job.case, seconds };
        println!(
            "{}",
            if quick { report::quick_line(&run, &row) } else { report::row(&run, &row) }
        );
        run.rows.push(row);
    }
    if quick {
        return;
    }
    println!("\n{}", report::summary(&run));
    if words.is_empty() {
        let folder = support::shipped().root.join("docs/performance");
        run.write(&folder).expect("docs/performance can be written");
        println!("written to {}", folder.display());
    }
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
