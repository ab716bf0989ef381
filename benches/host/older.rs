//! An older library beside the present one, at every CPU level: `make bench-quick OLD=FILE`.
//!
//! Both run in this process, in turns of some microseconds, so that whatever else the machine does slows
//! both alike. Two equal amounts of work make a pair, whose ratio is the present library's time over the
//! older one's. A case is slower if the whole confidence interval of the median of nine pairs lies more than
//! 5 % above 1.
//!
//! Each library is loaded several times, and the pairs take turns: where the loader puts a copy is worth up
//! to 10 % of a call of 10 ns.

use std::ffi::{CStr, c_char};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::clock::{median, thread_time};
use super::{machine, symbol};
use crate::support;

const PAIRS: usize = 9;
/// How often each library is loaded.
const LOADS: usize = 3;
/// How many of the lowest and of the highest ratios are left out of the interval: those between hold the
/// median with a probability of 96 %.
const TRIMMED: usize = 1;
/// Ratios up to this one may be noise.
const SLOWER: f64 = 1.05;
/// A turn lasts at least this long,
const TURN: Duration = Duration::from_micros(40);
/// and the turns of one library in a pair together this long.
const SIDE: Duration = Duration::from_micros(1000);

/// One piece of work, done so many times.
pub type Work<'a> = Box<dyn FnMut(u32) + 'a>;

/// The older library and the present one.
pub type Both = [Library; 2];

/// Both libraries at one CPU level.
pub struct Level {
    pub name: &'static str,
    pub loads: Vec<Both>,
}

/// Both libraries at every level of this CPU. A library chooses its level once, so it is loaded while
/// `PYBUFFER_CPU` names it.
///
/// # Panics
/// If a file is not a libpybuffer.so that can be loaded.
pub fn levels(old: &Path) -> Vec<Level> {
    let new = &support::shipped().so;
    let folder = support::shipped().root.join("build/older");
    fs::create_dir_all(&folder).expect("build/ can be written");
    let levels = machine::levels().iter().map(|&name| {
        // SAFETY: no other thread runs yet.
        unsafe { std::env::set_var("PYBUFFER_CPU", name) };
        let both = |load| {
            let copy = |side| folder.join(format!("{side}-{name}-{load}.so"));
            [load_copy(old, &copy("old"), name), load_copy(new, &copy("new"), name)]
        };
        Level { name, loads: (0..LOADS).map(both).collect() }
    });
    levels.collect()
}

/// Loads a copy of a library, as the loader loads a file once only. It has to choose the level.
fn load_copy(file: &Path, copy: &Path, level: &str) -> Library {
    fs::copy(file, copy).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    // SAFETY: loading the library runs none of its code.
    let library = unsafe { Library::open(Some(copy), RTLD_NOW | RTLD_LOCAL) };
    let library = library.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let chosen: unsafe extern "C" fn() -> *const c_char = symbol(&library, c"pybuffer_cpu_level");
    // SAFETY: takes nothing.
    let chosen = unsafe { chosen() };
    // SAFETY: a C string that stays.
    let chosen = unsafe { CStr::from_ptr(chosen) };
    assert_eq!(chosen.to_str(), Ok(level), "the level of {}", file.display());
    library
}

/// The older library that `--old=FILE` names, and what the other arguments are. Ends the process if there is
/// no such file.
pub fn option(arguments: Vec<String>) -> (Option<PathBuf>, Vec<String>) {
    let (old, others): (Vec<String>, Vec<String>) =
        arguments.into_iter().partition(|argument| argument.starts_with("--old="));
    let old = old.last().and_then(|argument| argument.strip_prefix("--old=")).map(|name| {
        // Cargo runs benches in the package's folder, which is make's too.
        fs::canonicalize(name).unwrap_or_else(|error| {
            eprintln!("{name}: {error}");
            std::process::exit(2)
        })
    });
    (old, others)
}

/// The median of the pairs' ratios, and the ends of its confidence interval.
#[derive(Clone, Copy)]
pub struct Ratio {
    median: f64,
    low: f64,
    high: f64,
}

impl Ratio {
    fn is_slower(&self) -> bool {
        self.low > SLOWER
    }

    fn is_faster(&self) -> bool {
        self.high < 1.0 / SLOWER
    }
}

/// Measures the same work of both libraries, of each load.
pub fn compare(loads: &mut [[Work; 2]]) -> Ratio {
    let mut times = 1;
    let mut turn = Duration::ZERO;
    for [old, new] in loads.iter_mut() {
        new(1);
        turn = time(old, times);
        while turn < TURN && times < 1 << 20 {
            times *= 2;
            turn = time(old, times);
        }
    }
    let turns = (SIDE.as_nanos() / turn.as_nanos().max(1)).clamp(1, 100);
    let n_loads = loads.len();
    let mut ratio = |pair: usize| {
        let both = &mut loads[pair % n_loads];
        let mut sums = [Duration::ZERO; 2];
        for turn in 0..turns as usize {
            // Whoever is second finds the caches as the first one left them.
            let first = (pair + turn) % 2;
            for side in [first, 1 - first] {
                sums[side] += time(&mut both[side], times);
            }
        }
        sums[1].as_secs_f64() / sums[0].as_secs_f64()
    };
    let mut ratios: Vec<f64> = (0..PAIRS).map(&mut ratio).collect();
    ratios.sort_by(f64::total_cmp);
    let (low, high) = (ratios[TRIMMED], ratios[PAIRS - 1 - TRIMMED]);
    Ratio { median: median(ratios), low, high }
}

fn time(work: &mut Work, times: u32) -> Duration {
    let start = thread_time();
    work(times);
    thread_time() - start
}

/// What was found, printed case by case.
#[derive(Default)]
pub struct Findings {
    slower: Vec<String>,
    n_faster: usize,
    medians: Vec<f64>,
}

impl Findings {
    /// Prints a case's ratios at each level.
    pub fn case(&mut self, name: &str, ratios: &[(&str, Ratio)]) {
        let mut line = format!("{name:46}");
        for (level, ratio) in ratios {
            let Ratio { median, low, high } = ratio;
            let mark = if ratio.is_slower() { '*' } else { ' ' };
            line += &format!("{median:9.2}{mark}");
            if ratio.is_slower() {
                self.slower.push(format!("{name}, {level}: {median:.2} ({low:.2} to {high:.2})"));
            }
            self.n_faster += usize::from(ratio.is_faster());
            self.medians.push(*median);
        }
        println!("{line}");
    }

    /// The line above the cases.
    pub fn head<'a>(levels: impl Iterator<Item = &'a str>) {
        println!("the present library's time over the older one's, at each CPU level (*: slower)");
        let names: String = levels.map(|level| format!("{level:>9} ")).collect();
        println!("{:46}{names}", "");
    }

    /// Prints a summary; whether nothing is slower.
    pub fn end(self) -> bool {
        let (n, n_slower) = (self.medians.len(), self.slower.len());
        println!(
            "\n{n} comparisons: {n_slower} slower and {} faster by more than {:.0} %; median {:.3}",
            self.n_faster,
            (SLOWER - 1.0) * 100.0,
            median(self.medians)
        );
        for line in &self.slower {
            println!("  slower: {line}");
        }
        n_slower == 0
    }
}
