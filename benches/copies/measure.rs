//! How a case is measured: every rival once in each repetition, in an order that changes, each after its
//! result was checked. What counts is the median.

use std::time::{Duration, Instant};

use crate::job::Job;
use crate::memory::Random;
use crate::rivals::{Copy, Rival};

/// How much is spent on a case.
#[derive(Clone, Copy)]
pub struct Effort {
    pub repetitions: usize,
    /// Repetitions of copies beyond 64 MiB.
    pub repetitions_large: usize,
    /// One measurement lasts at least this long.
    pub at_least: Duration,
    /// A rival that has used so much time is measured no more, after two repetitions.
    pub enough: Duration,
}

impl Effort {
    pub const FULL: Self = Self {
        repetitions: 15,
        repetitions_large: 7,
        at_least: Duration::from_micros(400),
        enough: Duration::from_millis(1500),
    };
    pub const QUICK: Self = Self {
        repetitions: 9,
        repetitions_large: 5,
        at_least: Duration::from_micros(400),
        enough: Duration::from_millis(300),
    };
}

/// A rival at work on a case.
struct Runner<'a> {
    /// Its place among the rivals.
    index: usize,
    copy: Copy<'a>,
    times: u32,
    warm_up: bool,
    used: Duration,
    seconds: Vec<f64>,
}

impl Runner<'_> {
    /// Finds out how many calls fill a measurement.
    fn calibrate(&mut self, at_least: Duration) {
        self.times = 1;
        loop {
            let took = self.run();
            if took >= at_least || self.times > 1 << 24 {
                break;
            }
            let factor = at_least.as_secs_f64() / took.as_secs_f64().max(1e-9);
            self.times = (f64::from(self.times) * factor.clamp(1.1, 100.0)).ceil() as u32;
        }
        // A call that takes so long finds no cache as it was left anyway.
        self.warm_up = self.run() < Duration::from_millis(20);
    }

    fn run(&mut self) -> Duration {
        let start = Instant::now();
        (self.copy)(self.times);
        let took = start.elapsed();
        self.used += took;
        took
    }

    fn repeat(&mut self) {
        if self.warm_up {
            (self.copy)(1);
        }
        let took = self.run();
        self.seconds.push(took.as_secs_f64() / f64::from(self.times));
    }
}

/// The median time of a copy in seconds for each rival; `None` for one that cannot express the case.
///
/// # Panics
/// If a rival's result is wrong.
pub fn measure(
    job: &mut Job,
    rivals: &[Box<dyn Rival>],
    effort: Effort,
    random: &mut Random,
) -> Vec<Option<f64>> {
    let mut runners = Vec::new();
    for (index, rival) in rivals.iter().enumerate() {
        let Some(mut copy) = rival.prepare(job) else { continue };
        let is_right = rival.name() == "memcpy" || job.is_right_after(|| copy(1));
        let case = &job.case;
        assert!(is_right, "{}: a wrong result for {} {}", rival.name(), case.family, case.name);
        let (used, seconds) = (Duration::ZERO, Vec::new());
        let mut runner = Runner { index, copy, times: 1, warm_up: true, used, seconds };
        runner.calibrate(effort.at_least);
        runner.used = Duration::ZERO;
        runners.push(runner);
    }
    let large = job.case.len() > 64 << 20;
    for _ in 0..if large { effort.repetitions_large } else { effort.repetitions } {
        random.shuffle(&mut runners);
        for runner in &mut runners {
            if runner.used < effort.enough || runner.seconds.len() < 2 {
                runner.repeat();
            }
        }
    }
    let mut medians = vec![None; rivals.len()];
    for runner in runners {
        medians[runner.index] = Some(median(runner.seconds));
    }
    medians
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}
