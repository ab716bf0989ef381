//! What a run is about: copies by one thread into memory that was written before, or by several, or into fresh memory.

use std::time::{Duration, Instant};

use crate::cases::Case;
use crate::host::clock::thread_time;
use crate::host::machine;

#[derive(Clone, Copy)]
pub struct Setting {
    /// Of each implementation that can copy by several.
    pub n_threads: usize,
    /// Whether nobody has touched the destination before a copy.
    pub is_fresh: bool,
}

impl Setting {
    /// Takes `--fresh` and `--threads=N` out of the options.
    pub fn of(options: &mut Vec<String>) -> Self {
        let mut setting = Self { n_threads: 1, is_fresh: false };
        options.retain(|option| match option.strip_prefix("--threads=") {
            Some(number) => {
                setting.n_threads = number.parse().expect("--threads=N");
                false
            }
            None if option == "--fresh" => {
                setting.is_fresh = true;
                false
            }
            None => true,
        });
        assert!(setting.n_threads == 1 || !setting.is_fresh, "--fresh is for one thread");
        setting
    }

    /// Before anything is loaded.
    pub fn begin(self) {
        if self.is_fresh {
            // As in a program that uses Python's objects, which the benches do not.
            // SAFETY: there is one thread yet.
            unsafe { std::env::set_var("PYBUFFER_POPULATE", "1") };
        }
    }

    /// Whether it says something about a case.
    pub fn suits(self, case: &Case) -> bool {
        let is_large = |least: usize| case.len() >= least;
        match (self.n_threads, self.is_fresh) {
            (1, false) => true,
            (1, true) => is_large(1 << 20) && case.is_dense(),
            _ => is_large(256 << 10),
        }
    }

    /// The time that counts: the thread's own, or the clock on the wall if there are several.
    pub fn time(self, work: impl FnOnce()) -> Duration {
        if self.n_threads == 1 {
            let start = thread_time();
            work();
            return thread_time() - start;
        }
        let start = Instant::now();
        work();
        start.elapsed()
    }

    /// The name of the files of a whole run.
    pub fn file_name(self) -> String {
        let level = machine::named_level().map_or(String::new(), |level| format!("-{level}"));
        match (self.n_threads, self.is_fresh) {
            (1, false) => format!("copies{level}"),
            (1, true) => format!("fresh{level}"),
            (n, _) => format!("threads-{n}{level}"),
        }
    }

    /// What the page and the charts are called.
    pub fn title(self) -> String {
        match (self.n_threads, self.is_fresh) {
            (1, false) => "Strided copies".into(),
            (1, true) => "Strided copies into fresh memory".into(),
            (n, _) => format!("Strided copies by {n} threads"),
        }
    }

    /// What the page says of it.
    pub fn sentence(self) -> String {
        match (self.n_threads, self.is_fresh) {
            (1, false) => String::new(),
            (1, true) => "Before each copy, memcpy's too, the pages of the destination are given back to the system, so \
                          that nobody has touched them (`make bench-fresh`).\n\n"
                .into(),
            (n, _) => format!(
                "By {n} threads, which wait for the copy: ours by `pybuffer_copy_part`, PyTorch and HPTT by their own. \
                 memcpy, NumPy and \"one thread\", which is ours, are by one (`make bench-threads`). Times are of the clock on \
                 the wall, on a machine that did nothing else.\n\n"
            ),
        }
    }
}
