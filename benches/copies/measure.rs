//! How a case is measured: every rival once in each repetition, in an order that changes, each after its
//! result was checked. What counts is the median.

use std::time::Duration;

use crate::host::clock::median;
use crate::job::Job;
use crate::memory::Random;
use crate::rivals::{Copy, Rival};
use crate::setting::Setting;

const REPETITIONS: usize = 15;
/// Of copies beyond 64 MiB.
const REPETITIONS_LARGE: usize = 7;
/// A measurement lasts at least this long.
const AT_LEAST: Duration = Duration::from_micros(400);
/// A rival that has used so much time on a case is measured no more, after two repetitions.
const ENOUGH: Duration = Duration::from_millis(1500);
/// A call that takes so long finds no cache as the one before left it, so it is not made twice.
const LONG: Duration = Duration::from_millis(20);

/// A rival at work on a case.
struct Runner<'a> {
    /// Its place among the rivals.
    index: usize,
    setting: Setting,
    copy: Copy<'a>,
    times: u32,
    warm_up: bool,
    used: Duration,
    seconds: Vec<f64>,
}

impl Runner<'_> {
    /// Finds out how many calls fill a measurement.
    fn calibrate(&mut self, job: &mut Job) {
        let mut took = self.run(job);
        if self.setting.is_fresh {
            // Memory is fresh once.
            self.warm_up = false;
            return;
        }
        self.warm_up = took < LONG;
        while took < AT_LEAST && self.times < 1 << 24 {
            let factor = AT_LEAST.as_secs_f64() / took.as_secs_f64().max(1e-9);
            self.times = (f64::from(self.times) * factor.clamp(1.1, 100.0)).ceil() as u32;
            took = self.run(job);
        }
    }

    fn run(&mut self, job: &mut Job) -> Duration {
        if self.setting.is_fresh {
            job.forget();
        }
        let took = self.setting.time(|| (self.copy)(self.times));
        self.used += took;
        took
    }

    fn repeat(&mut self, job: &mut Job) {
        if self.warm_up {
            (self.copy)(1);
        }
        let took = self.run(job);
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
    random: &mut Random,
    setting: Setting,
) -> Vec<Option<f64>> {
    let mut runners = Vec::new();
    for (index, rival) in rivals.iter().enumerate() {
        let Some(mut copy) = rival.prepare(job) else { continue };
        let is_right = !rival.copies() || job.is_right_after(|| copy(1));
        let case = &job.case;
        assert!(is_right, "{}: a wrong result for {} {}", rival.name(), case.family, case.name);
        let (used, seconds) = (Duration::ZERO, Vec::new());
        let mut runner = Runner { index, setting, copy, times: 1, warm_up: true, used, seconds };
        runner.calibrate(job);
        runner.used = Duration::ZERO;
        runners.push(runner);
    }
    let large = job.case.len() > 64 << 20;
    for _ in 0..if large { REPETITIONS_LARGE } else { REPETITIONS } {
        random.shuffle(&mut runners);
        for runner in &mut runners {
            if runner.used < ENOUGH || runner.seconds.len() < 2 {
                runner.repeat(job);
            }
        }
    }
    let mut medians = vec![None; rivals.len()];
    for runner in runners {
        medians[runner.index] = Some(median(runner.seconds));
    }
    medians
}
