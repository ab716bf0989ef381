//! Comparing: every case is run with libpython's functions and then with the other ones. Where
//! libpython cannot be asked, the model answers in its place.

use std::ffi::c_int;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::api::Api;
use super::exporter::Exporters;
use super::families::Family;
use super::host::Host;
use super::memory::Arena;
use super::model;
use super::outcome::Compared;
use super::prng::Prng;
use super::settings::{Settings, Subject};

/// How many differences of one family are shown in full; the others are counted.
const SHOWN: usize = 3;

/// What one family has found.
#[derive(Default)]
pub struct Tally {
    pub family: &'static str,
    pub compared: u64,
    pub exempt: Vec<(&'static str, u64)>,
    pub different: u64,
    pub shown: Vec<String>,
}

/// Where the memory of a case lies. Kept for all cases, so that both libraries see one address.
pub struct Memory {
    pub source: Arena,
    pub destination: Arena,
}

pub struct Session<'s> {
    settings: &'s Settings,
    pub host: &'static Host,
    pub theirs: Api,
    ours: Api,
    model: Api,
    pub memory: Memory,
    pub exporters: Exporters,
    tallies: Vec<Tally>,
    stops_at_first: bool,
}

impl<'s> Session<'s> {
    pub fn new(settings: &'s Settings, theirs: Api, ours: Api) -> Self {
        let host = Host::get();
        Self {
            settings,
            host,
            theirs,
            ours,
            model: model::api(&theirs),
            memory: Memory { source: Arena::new(), destination: Arena::new() },
            exporters: Exporters::new(host),
            tallies: Vec::new(),
            stops_at_first: false,
        }
    }

    /// A session that calls nothing any more once a difference is found.
    pub fn until_first_difference(settings: &'s Settings, theirs: Api, ours: Api) -> Self {
        Self { stops_at_first: true, ..Self::new(settings, theirs, ours) }
    }

    /// Runs all cases of a family.
    pub fn run(&mut self, family: &Family) {
        if self.settings.only.as_ref().is_some_and(|only| only.family != family.name) {
            return;
        }
        self.tallies.push(Tally { family: family.name, ..Tally::default() });
        *FAMILY.lock().unwrap() = family.name;
        (family.run)(self);
    }

    fn tally(&mut self) -> &mut Tally {
        self.tallies.last_mut().expect("inside a family")
    }

    /// The numbers of a family's random cases, made of `share` hundredths of what was asked for.
    pub fn cases(&self, share: u64) -> std::ops::Range<u64> {
        0..(self.settings.cases * share).div_ceil(100)
    }

    /// The generator of one random case.
    pub fn prng(&mut self, kind: &str, case: u64) -> Prng {
        let family = self.tally().family;
        Prng::new(self.settings.seed, &format!("{family}/{kind}"), case)
    }

    /// Runs one case with both libraries. `run` must set up everything anew each time.
    pub fn compare<O: Compared>(
        &mut self,
        describe: impl Fn() -> String,
        mut run: impl FnMut(&mut Self, Api) -> O,
    ) {
        self.tally().compared += 1;
        if !self.is_wanted(&describe) {
            return;
        }
        self.note_for_crashes("libpython");
        let theirs = run(self, self.theirs);
        self.note_for_crashes("ours");
        let ours = run(self, self.ours);
        if theirs != ours {
            self.found(&describe(), &theirs.difference(&ours));
        }
    }

    /// Runs one case that libpython cannot be asked for, by the name of its exemption, with the
    /// model and the library. The texts of exceptions are left open.
    pub fn exempt<O: Compared>(
        &mut self,
        name: &'static str,
        describe: impl Fn() -> String,
        mut run: impl FnMut(&mut Self, Api) -> O,
    ) {
        self.leave_out(name);
        if !self.is_wanted(&describe) {
            return;
        }
        self.note_for_crashes("the model");
        let expected = run(self, self.model).without_texts();
        self.note_for_crashes("ours");
        let ours = run(self, self.ours).without_texts();
        if expected != ours {
            let case = format!("({name}) {}", describe());
            self.found(&case, &expected.difference(&ours));
        }
    }

    /// Runs one case that libpython cannot be asked for, by the name of its exemption, with the library
    /// alone, which is held to what is `expected`. The texts of exceptions are left open.
    pub fn expect<O: Compared>(
        &mut self,
        name: &'static str,
        describe: impl Fn() -> String,
        expected: O,
        run: impl FnOnce(&mut Self, Api) -> O,
    ) {
        self.leave_out(name);
        // The others end with libpython's own functions.
        let is_ours = matches!(self.settings.subject, Subject::Library(_) | Subject::Twins(_));
        if !is_ours || !self.is_wanted(&describe) {
            return;
        }
        self.note_for_crashes("ours");
        let ours = run(self, self.ours).without_texts();
        if expected != ours {
            let case = format!("({name}) {}", describe());
            self.found(&case, &expected.difference(&ours));
        }
    }

    /// Compares, or runs an exempt case.
    pub fn compare_unless<O: Compared>(
        &mut self,
        exemption: Option<&'static str>,
        describe: impl Fn() -> String,
        run: impl FnMut(&mut Self, Api) -> O,
    ) {
        match exemption {
            None => self.compare(describe, run),
            Some(name) => self.exempt(name, describe, run),
        }
    }

    /// Counts a case that is not run at all, by the name of its exemption.
    pub fn leave_out(&mut self, name: &'static str) {
        let exempt = &mut self.tally().exempt;
        match exempt.iter_mut().find(|(other, _)| *other == name) {
            Some((_, count)) => *count += 1,
            None => exempt.push((name, 1)),
        }
    }

    /// Whether the case that was just counted is to be run; if it is the only one, it is printed.
    fn is_wanted(&mut self, describe: impl Fn() -> String) -> bool {
        if self.stops_at_first && !self.agreed() {
            return false;
        }
        let Some(only) = &self.settings.only else { return true };
        let (family, index) = self.here();
        if (only.family.as_str(), only.index) != (family, index) {
            return false;
        }
        println!("{family}:{index}: {}", describe());
        true
    }

    /// The case that was just counted.
    fn here(&self) -> (&'static str, u64) {
        let tally = self.tallies.last().expect("inside a family");
        let exempt: u64 = tally.exempt.iter().map(|(_, count)| count).sum();
        (tally.family, tally.compared + exempt)
    }

    fn note_for_crashes(&self, whose: &'static str) {
        INDEX.store(self.here().1, Relaxed);
        *WHOSE.lock().unwrap() = whose;
    }

    /// Notes that the case just run did not end as it should.
    pub fn found(&mut self, case: &str, difference: &str) {
        let (seed, (family, index)) = (self.settings.seed, self.here());
        let tally = self.tally();
        tally.different += 1;
        if tally.shown.len() < SHOWN {
            tally.shown.push(format!(
                "{family}: {case}\n    {difference}\n    \
                 (alone: PYBUFFER_SEED={seed:#x} PYBUFFER_ONLY={family}:{index})"
            ));
        }
    }

    pub fn agreed(&self) -> bool {
        self.tallies.iter().all(|tally| tally.different == 0)
    }

    /// Prints what was compared, and what differed.
    pub fn print(&self) {
        let mut out = std::io::stdout().lock();
        for tally in &self.tallies {
            write!(out, "{:32} {:8} compared", tally.family, tally.compared).unwrap();
            for (name, count) in &tally.exempt {
                write!(out, ", {count} exempt: {name}").unwrap();
            }
            writeln!(out).unwrap();
            if tally.different > 0 {
                writeln!(out, "  {} DIFFER, among them:", tally.different).unwrap();
            }
            for difference in &tally.shown {
                writeln!(out, "  {difference}").unwrap();
            }
        }
        let compared: u64 = self.tallies.iter().map(|tally| tally.compared).sum();
        let different: u64 = self.tallies.iter().map(|tally| tally.different).sum();
        writeln!(out, "{compared} cases compared, {different} differ").unwrap();
        out.flush().unwrap();
    }
}

static FAMILY: Mutex<&str> = Mutex::new("");
static INDEX: AtomicU64 = AtomicU64::new(0);
static WHOSE: Mutex<&str> = Mutex::new("");

/// From now on a crash says in which case it happened, in a form that the parent process reads.
pub fn report_crashes() {
    // SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV: the same numbers wherever the library builds.
    for signal_number in [4, 6, 7, 8, 11] {
        // SAFETY: a handler with C's signature.
        unsafe { signal(signal_number, crashed as *const () as usize) };
    }
}

extern "C" fn crashed(number: c_int) {
    const DEFAULT: usize = 0;
    let family = FAMILY.try_lock().map_or("", |family| *family);
    let whose = WHOSE.try_lock().map_or("", |whose| *whose);
    let index = INDEX.load(Relaxed);
    // Allocating here may hang or crash again; the second time nothing stands in the way of it.
    // SAFETY: numbers only.
    unsafe { signal(number, DEFAULT) };
    let line = format!("CRASHED by signal {number} in {whose} at {family}:{index}\n");
    let _ = std::io::stdout().write_all(line.as_bytes());
    let _ = std::io::stdout().flush();
    // SAFETY: numbers only.
    unsafe { raise(number) };
}

unsafe extern "C" {
    fn signal(number: c_int, handler: usize) -> usize;
    fn raise(number: c_int) -> c_int;
}
