//! Ours by several threads, each of which copies a share. A thread waits for the next copy without sleeping, for as long
//! as OpenMP's do by default, and then sleeps.

use std::ffi::c_int;
use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use libloading::os::unix::Library;
use pybuffer::abi::Py_buffer;

use super::buffer::View;
use super::{Copy, Rival};
use crate::host::symbol;
use crate::job::Job;

type CopyPart = unsafe extern "C" fn(*const Py_buffer, *const Py_buffer, isize, isize) -> c_int;
const SPIN: Duration = Duration::from_millis(3);
/// The round in which the threads end.
const END: usize = usize::MAX;

pub struct Parts {
    copy_part: CopyPart,
    n_threads: usize,
}

impl Parts {
    pub fn new(library: &Library, n_threads: usize) -> Self {
        Self { copy_part: symbol(library, c"pybuffer_copy_part"), n_threads }
    }
}

/// What the threads share.
struct Work {
    dst: Box<View>,
    src: Box<View>,
    copy_part: CopyPart,
    n_threads: usize,
    /// Counts the copies.
    round: AtomicUsize,
    /// How many shares of all rounds are done, but for the caller's own.
    n_done: AtomicUsize,
}

// SAFETY: the views are read only, of blocks that outlive the threads.
unsafe impl Send for Work {}
// SAFETY: as above.
unsafe impl Sync for Work {}

impl Work {
    fn copy_share(&self, part: usize) {
        let (part, n_parts) = (part as isize, self.n_threads as isize);
        // SAFETY: views of two blocks, whose items are written by these threads alone.
        let result = unsafe { (self.copy_part)(&self.dst.view, &self.src.view, part, n_parts) };
        assert_eq!(result, 0);
    }

    /// Copies a share in each round but the first, 0.
    fn serve(&self, part: usize) {
        let mut seen = 0;
        loop {
            let began = Instant::now();
            let mut round = self.round.load(Ordering::Acquire);
            while round == seen {
                if began.elapsed() < SPIN {
                    spin_loop()
                } else {
                    thread::park()
                }
                round = self.round.load(Ordering::Acquire);
            }
            if round == END {
                return;
            }
            seen = round;
            self.copy_share(part);
            self.n_done.fetch_add(1, Ordering::Release);
        }
    }
}

/// The threads, which end when it is dropped.
struct Threads {
    work: Arc<Work>,
    others: Vec<JoinHandle<()>>,
}

impl Threads {
    fn new(work: Work) -> Self {
        let work = Arc::new(work);
        let others = (1..work.n_threads).map(|part| {
            let work = Arc::clone(&work);
            thread::spawn(move || work.serve(part))
        });
        Self { others: others.collect(), work: Arc::clone(&work) }
    }

    fn begin(&self, round: usize) {
        self.work.round.store(round, Ordering::Release);
        self.others.iter().for_each(|other| other.thread().unpark());
    }

    fn copy(&self) {
        let round = self.work.round.load(Ordering::Relaxed) + 1;
        self.begin(round);
        self.work.copy_share(0);
        while self.work.n_done.load(Ordering::Acquire) < round * self.others.len() {
            spin_loop();
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.begin(END);
        for other in self.others.drain(..) {
            other.join().expect("a thread that copies");
        }
    }
}

impl Rival for Parts {
    fn name(&self) -> &'static str {
        "libpybuffer"
    }

    fn version(&self) -> String {
        format!("{} by {} threads", env!("CARGO_PKG_VERSION"), self.n_threads)
    }

    fn prepare<'a>(&'a self, job: &Job) -> Option<Copy<'a>> {
        let case = &job.case;
        let threads = Threads::new(Work {
            dst: View::new(job, job.dst, &case.dst, false),
            src: View::new(job, job.src_buf(), &case.src, case.row_pointers),
            copy_part: self.copy_part,
            n_threads: self.n_threads,
            round: AtomicUsize::new(0),
            n_done: AtomicUsize::new(0),
        });
        Some(Box::new(move |times| {
            for _ in 0..times {
                threads.copy();
            }
        }))
    }
}
