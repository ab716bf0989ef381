//! The audit and its process: what the environment asks for, the log, exits and forks.

use core::ffi::{c_char, c_int};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use super::hearing::Hearing;
use super::lines::Line;
use super::memory::{Errno, Pages};
use super::people::{People, Tally};
use super::records::Records;
use crate::check::text::Room;
use crate::environment;
use crate::runtime::{self, Runtime, copies};

/// What becomes of an answer that the protocol forbids.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A line.
    Warn,
    /// A line, and `SystemError` in place of the view.
    Raise,
    /// A line, and the process ends by `SIGABRT`.
    Abort,
}

/// One more than the system takes: it refuses a longer path that was cut to this as well.
const PATH: usize = 4096 + 1;

/// The audit of this process. It begins as zeros.
pub struct State {
    /// What becomes of wrong answers.
    pub mode: Mode,
    /// The views that are out.
    pub records: Records,
    /// Who asked whom.
    pub people: People,
    /// Whether the interpreter's own calls come here.
    pub hearing: Hearing,
    /// Where there is memory.
    pub pages: Pages,
    /// The log's path; empty for standard error.
    path: [c_char; PATH],
    /// By the bits of rules and mistakes; the first one is of views held at the exit.
    tallies: [Tally; u64::BITS as usize],
    /// Whether there was one at the beginning: what gets its number later is a file of the program's.
    has_standard_error: bool,
    /// Whether it was said that the log cannot be written.
    misses_the_log: AtomicBool,
    n_asked: AtomicUsize,
    n_released: AtomicUsize,
    n_lines: AtomicUsize,
}

static STATE: AtomicPtr<State> = AtomicPtr::new(ptr::null_mut());
/// How many forks this process is away from the first.
static GENERATION: AtomicU32 = AtomicU32::new(0);

fn mode() -> Mode {
    match environment::audit() {
        Some(b"raise") => Mode::Raise,
        Some(b"abort") => Mode::Abort,
        _ => Mode::Warn,
    }
}

/// The audit of this process, begun when it is first asked for; none without memory.
pub fn begun(runtime: &Runtime) -> Option<&'static State> {
    // SAFETY: null, or a state that is never freed.
    unsafe { STATE.load(Ordering::Acquire).as_ref() }.or_else(|| begin(runtime))
}

#[cold]
fn begin(runtime: &Runtime) -> Option<&'static State> {
    // SAFETY: any number and size.
    let new = unsafe { libc::calloc(1, size_of::<State>()) }.cast::<State>();
    let mut new = NonNull::new(new)?;
    // SAFETY: zeros are empty lists, open locks, counts of nothing, no path and `Mode::Warn`.
    let state = unsafe { new.as_mut() };
    state.mode = mode();
    // SAFETY: a question about a number.
    state.has_standard_error = unsafe { libc::fcntl(libc::STDERR_FILENO, libc::F_GETFD) } >= 0;
    note_path(&mut state.path);
    state.people.meet(runtime);
    state.hearing.meet(runtime);
    let none = ptr::null_mut();
    if STATE.compare_exchange(none, new.as_ptr(), Ordering::AcqRel, Ordering::Acquire).is_err() {
        // Another thread was first.
        // SAFETY: from calloc, and nobody knows of it.
        unsafe { libc::free(new.as_ptr().cast()) };
    } else {
        // SAFETY: functions of this library, which takes them back when it is unloaded.
        unsafe { libc::atexit(at_exit) };
        // SAFETY: as above.
        unsafe { at_quick_exit(at_exit) };
        // SAFETY: as above.
        unsafe { at_fork(in_child) };
    }
    // SAFETY: as in `begun`.
    unsafe { STATE.load(Ordering::Acquire).as_ref() }
}

/// The log's path, as seen from the folder that is current now.
fn note_path(path: &mut [c_char; PATH]) {
    let Some(log) = environment::variable(c"PYBUFFER_AUDIT_LOG") else { return };
    let mut len = 0;
    if !matches!(log.to_bytes(), [] | [b'/', ..]) {
        // SAFETY: so many bytes are writable.
        unsafe { libc::getcwd(path.as_mut_ptr(), PATH) };
        // SAFETY: a C string: zeros, or what `getcwd` wrote.
        len = unsafe { libc::strlen(path.as_ptr()) };
    }
    let mut out = Room::new(path.get_mut(len..).unwrap_or_default());
    out.put(if len > 0 { "/" } else { "" }).put_c(log);
}

#[cfg(target_env = "gnu")]
unsafe fn at_fork(child: unsafe extern "C" fn()) {
    unsafe extern "C" {
        /// What `pthread_atfork` calls, which in older versions is in another library.
        fn __register_atfork(
            prepare: Option<unsafe extern "C" fn()>,
            parent: Option<unsafe extern "C" fn()>,
            child: Option<unsafe extern "C" fn()>,
            library: *const u8,
        ) -> c_int;
        /// The C compiler's: whose functions these are.
        static __dso_handle: u8;
    }
    // SAFETY: the caller's promise. Without memory a child of many threads may find a lock closed.
    unsafe { __register_atfork(None, None, Some(child), &raw const __dso_handle) };
}

#[cfg(target_env = "gnu")]
unsafe fn at_quick_exit(work: extern "C" fn()) {
    unsafe extern "C" {
        /// What `at_quick_exit` calls, which each program has a copy of.
        fn __cxa_at_quick_exit(work: extern "C" fn(), library: *const u8) -> c_int;
        /// The C compiler's: whose functions these are.
        static __dso_handle: u8;
    }
    // SAFETY: the caller's promise. It calls with an argument that is not looked at.
    unsafe { __cxa_at_quick_exit(work, &raw const __dso_handle) };
}

#[cfg(not(target_env = "gnu"))]
unsafe fn at_quick_exit(work: extern "C" fn()) {
    unsafe extern "C" {
        fn at_quick_exit(work: extern "C" fn()) -> c_int;
    }
    // SAFETY: the caller's promise.
    unsafe { at_quick_exit(work) };
}

#[cfg(not(target_env = "gnu"))]
unsafe fn at_fork(child: unsafe extern "C" fn()) {
    // SAFETY: the caller's promise.
    unsafe { libc::pthread_atfork(None, None, Some(child)) };
}

/// Which process of those that forked from one another this is.
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// A child begins with what its parent held, which is the parent's to give back, and with one thread.
unsafe extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    // SAFETY: as in `begun`.
    let Some(state) = (unsafe { STATE.load(Ordering::Acquire).as_ref() }) else { return };
    state.records.open();
    state.people.begin_anew();
    for tally in &state.tallies {
        tally.n_more.store(0, Ordering::Relaxed);
    }
    for count in [&state.n_asked, &state.n_released, &state.n_lines] {
        count.store(0, Ordering::Relaxed);
    }
}

extern "C" fn at_exit() {
    // SAFETY: as in `begun`.
    if let Some(state) = unsafe { STATE.load(Ordering::Acquire).as_ref() } {
        state.end();
    }
}

/// Ends the process by `SIGABRT`. (`abort` itself is kept for panics, of which there are none.)
#[cold]
pub fn abort() {
    // SAFETY: a handler of the program's may run, as in `abort`.
    unsafe { libc::raise(libc::SIGABRT) };
    // SAFETY: the signal's own way, if the handler came back.
    unsafe { libc::signal(libc::SIGABRT, libc::SIG_DFL) };
    // SAFETY: as above.
    unsafe { libc::raise(libc::SIGABRT) };
}

impl State {
    /// The lines about a rule or mistake.
    pub fn tally(&self, bit: u8) -> &Tally {
        let [first, ..] = &self.tallies;
        self.tallies.get(usize::from(bit)).unwrap_or(first)
    }

    /// Counts a view that is asked for.
    pub fn count_request(&self) {
        self.n_asked.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one out of the count that became another.
    pub fn uncount_request(&self) {
        self.n_asked.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts a view that is given back.
    pub fn count_release(&self) {
        self.n_released.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a line.
    pub fn count_line(&self) {
        self.n_lines.fetch_add(1, Ordering::Relaxed);
    }

    /// What is known only at the end.
    #[cold]
    fn end(&self) {
        let runtime = runtime::current();
        let hears_releases = self.hearing.hears_releases(runtime) && copies::all_watch();
        if !hears_releases {
            self.records.close_doubtful();
        }
        for asked in self.people.all_asked() {
            let (n, n_lost) = asked.held();
            if n > 0 && self.tally(0).has_room() {
                let mut line = Line::new();
                line.held(asked, n, n_lost);
                self.tell(&mut line);
            }
        }
        for exporter in self.people.all_exporters() {
            let n = exporter.n_again.load(Ordering::Relaxed);
            if n > 0 {
                let mut line = Line::new();
                line.again(exporter, n);
                self.write_line(&line);
            }
        }
        for (bit, tally) in self.tallies.iter().enumerate() {
            let n = tally.n_more.load(Ordering::Relaxed);
            if n > 0 {
                let mut line = Line::new();
                line.more(bit, n);
                self.write_line(&line);
            }
        }
        let counts = [&self.n_asked, &self.n_released, &self.n_lines];
        let counts = counts.map(|count| count.load(Ordering::Relaxed));
        // Of a program that is as it should be, standard error is left alone; a log tells that it was
        // watched.
        if counts[2] > 0 || self.path[0] != 0 && counts[0] > 0 {
            let hears = hears_releases && self.hearing.hears_acquisitions(runtime);
            let mut line = Line::new();
            line.end(counts, runtime.description(), hears);
            self.write_line(&line);
        }
    }

    /// Writes to the log; without one, and where it cannot be written, to standard error.
    pub fn write(&self, text: &[c_char]) {
        if self.path[0] != 0 {
            let Err(errno) = self.log(text) else { return };
            if !self.misses_the_log.swap(true, Ordering::Relaxed) {
                let mut line = Line::new();
                line.no_log(&self.path, errno);
                self.write_line(&line);
            }
        }
        if !self.has_standard_error {
            return;
        }
        // What cannot be written is lost.
        // SAFETY: readable.
        let _ = unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
    }

    /// Appends to the log, opened for each line: a program may close files that it does not know. The
    /// error is the system's number.
    fn log(&self, text: &[c_char]) -> Result<(), c_int> {
        let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_CLOEXEC;
        // SAFETY: a C string, and the rights of a new file.
        let log = unsafe { libc::open(self.path.as_ptr(), flags, 0o666) };
        if log < 0 {
            return Err(Errno::keep().value());
        }
        // SAFETY: readable.
        let n = unsafe { libc::write(log, text.as_ptr().cast(), text.len()) };
        let result = if n < 0 { Err(Errno::keep().value()) } else { Ok(()) };
        // SAFETY: opened above.
        unsafe { libc::close(log) };
        result
    }
}
