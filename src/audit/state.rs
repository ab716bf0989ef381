//! The state of one process's audit, and its last lines.

use core::sync::atomic::{AtomicUsize, Ordering};

use super::facts::Fact;
use super::fork;
use super::interposition::Interposition;
use super::log::Log;
use super::memory::Pages;
use super::origins::Origins;
use super::records::Records;
use super::tally::{HELD, Tally};
use crate::environment;
use crate::runtime::{self, Runtime, copies};

/// What happens besides a line when something is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Warn,
    /// `SystemError` is raised in place of a view that breaks a MUST.
    Raise,
    /// The process ends by `SIGABRT`.
    Abort,
}

impl Mode {
    fn wanted() -> Self {
        match environment::audit() {
            Some(b"raise") => Self::Raise,
            Some(b"abort") => Self::Abort,
            _ => Self::Warn,
        }
    }
}

/// The audit of this process. It begins as zeros: empty lists, open locks, counts of 0, no path, `Mode::Warn`.
pub struct State {
    /// What happens besides a line.
    pub mode: Mode,
    /// Outstanding views.
    pub records: Records,
    /// Call sites, exporter types, and requests.
    pub origins: Origins,
    /// Whether the interpreter's own calls reach the library.
    pub interposition: Interposition,
    /// The pages that were found to be mapped.
    pub pages: Pages,
    log: Log,
    /// Indexed by the bits of rules and mistakes; the first is for views held at the exit.
    tallies: [Tally; u64::BITS as usize],
    n_acquired: AtomicUsize,
    n_released: AtomicUsize,
    n_lines: AtomicUsize,
}

impl State {
    /// Reads what the environment asks for, and looks up what does not change.
    pub fn begin(&mut self, runtime: &Runtime) {
        self.mode = Mode::wanted();
        self.log.begin();
        self.origins.begin(runtime);
        self.interposition.begin(runtime);
    }

    /// Begins anew in a child: the parent releases its own views, and the threads that may have held a lock do not
    /// exist here.
    pub fn begin_in_child(&self) {
        self.records.open();
        self.origins.begin_in_child();
        self.tallies.iter().for_each(Tally::forget_more);
        for count in [&self.n_acquired, &self.n_released, &self.n_lines] {
            count.store(0, Ordering::Relaxed);
        }
    }

    /// The tally of a rule or a mistake.
    pub fn tally(&self, bit: u8) -> &Tally {
        let [first, ..] = &self.tallies;
        self.tallies.get(usize::from(bit)).unwrap_or(first)
    }

    /// Counts an acquisition.
    pub fn count_acquisition(&self) {
        self.n_acquired.fetch_add(1, Ordering::Relaxed);
    }

    /// Subtracts an acquisition that turned out to be a part of another.
    pub fn uncount_acquisition(&self) {
        self.n_acquired.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts a release.
    pub fn count_release(&self) {
        self.n_released.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes the line of a finding, and counts it.
    #[cold]
    pub fn tell(&self, fact: &Fact) {
        self.n_lines.fetch_add(1, Ordering::Relaxed);
        self.log.write(fact);
    }

    /// Tells which entries of the lists are of no use: those that name nothing, or the others.
    #[cold]
    #[inline(never)]
    pub fn tell_unused(&self, is_wrong: bool) {
        for entry in self.origins.filter.unused(is_wrong) {
            self.tell(&Fact::Unused(entry));
        }
    }

    /// Has findings told that were told before.
    #[cold]
    pub fn retell(&self) {
        self.tallies.iter().for_each(Tally::retell);
        self.origins.all_exporters().for_each(|exporter| exporter.reported.retell());
    }

    /// Whether all acquisitions and releases are heard, the interpreter's included.
    #[cold]
    pub fn hears_interpreter(&self, runtime: &Runtime) -> bool {
        self.sees_all_releases(runtime) && self.interposition.sees_acquisitions(runtime)
    }

    /// Whether all releases are seen, so that a view without a release is held.
    #[cold]
    #[inline(never)]
    pub fn sees_all_releases(&self, runtime: &Runtime) -> bool {
        self.interposition.sees_releases(runtime) && copies::all_watch()
    }

    /// Writes what is known only at the exit.
    #[cold]
    pub fn end(&self) {
        let runtime = runtime::current();
        if !self.sees_all_releases(runtime) {
            self.records.close_doubtful();
        }
        for origin in self.origins.all() {
            let (n, n_lost) = origin.held();
            if n > 0
                && !origin.exporter.leaves_out(HELD, origin.place)
                && self.tally(HELD).has_room()
            {
                self.tell(&Fact::Held { origin, n, n_lost });
            }
        }
        for exporter in self.origins.all_exporters() {
            let n = exporter.reported.n_again.load(Ordering::Relaxed);
            if n > 0 {
                self.log.write(&Fact::Again { exporter, n });
            }
        }
        for (bit, tally) in self.tallies.iter().enumerate() {
            let n = tally.n_more.load(Ordering::Relaxed);
            if n > 0 {
                self.log.write(&Fact::More { bit, n });
            }
        }
        // A child met only a part of what its parent met.
        let is_whole = fork::generation() == 0 && self.n_acquired.load(Ordering::Relaxed) > 0;
        if is_whole {
            self.tell_unused(false);
        }
        let counts = [&self.n_acquired, &self.n_released, &self.n_lines];
        let counts = counts.map(|count| count.load(Ordering::Relaxed));
        // A log gets this line in any case, to show that the process was audited; standard error only after a
        // finding.
        if counts[2] > 0 || self.log.is_file() && counts[0] > 0 {
            let sees_the_host = self.hears_interpreter(runtime);
            let runtime = runtime.description();
            self.log.write(&Fact::End { n: counts, runtime, sees_the_host });
        }
    }
}
