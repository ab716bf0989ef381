//! Strided copies beside memcpy and beside everybody else who makes them: `make bench`.
//!
//! One process on one CPU calls each implementation through its C or Rust interface: what ships of
//! ours, libpython, NumPy. How it is measured stands in `measure.rs`, where the bytes lie in
//! `memory.rs`, what is copied in `cases.rs`. Every result is checked before it is timed.
//!
//! `cargo bench --bench copies -- [--quick] [WORD ...]`; words choose the cases whose family or name
//! contains one of them. `PYBUFFER_CPU` lowers the level of the library's kernels as ever.

#[path = "../host/mod.rs"]
mod host;
#[path = "../../tests/support/mod.rs"]
mod support;

mod cases;
mod job;
mod measure;
mod memory;
mod rivals;
mod setup;

use host::Host;
use job::Job;
use measure::Effort;
use memory::Random;
use rivals::Field;

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let (options, words): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|word| word.starts_with("--"));
    let quick = options.iter().any(|option| *option == "--quick");

    let host: Option<&'static Host> = Host::start().map(|host| &*Box::leak(Box::new(host)));
    let field = Field::gather(host, quick);
    let rivals = field.present;
    memory::pin();
    for line in &field.left_out {
        println!("left out: {line}");
    }
    let versions: Vec<String> =
        rivals.iter().map(|rival| format!("{} {}", rival.name(), rival.version())).collect();
    println!("{}", versions.join(", "));

    let mut random = Random(1);
    for case in cases::all() {
        let named = |word: &&String| case.family.contains(*word) || case.name.contains(*word);
        if (quick && !case.quick) || !(words.is_empty() || words.iter().any(named)) {
            continue;
        }
        let effort = if quick { Effort::QUICK } else { Effort::FULL };
        let mut job = Job::new(case);
        let medians = measure::measure(&mut job, &rivals, effort, &mut random);
        let ours = medians[1].expect("ours expresses every case");
        let over = |name| {
            let index = rivals.iter().position(|rival| rival.name() == name)?;
            Some(medians[index]? / ours)
        };
        let ratio = |value: Option<f64>, digits| {
            value.map_or("-".into(), |value| format!("{value:.digits$}"))
        };
        println!(
            "{:16} {:28} {:>8} {:>8} {:>8}",
            job.case.family,
            job.case.name,
            ratio(over("memcpy"), 3),
            ratio(over("libpython"), 2),
            ratio(over("numpy"), 2)
        );
    }
}
