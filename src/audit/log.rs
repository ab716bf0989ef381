//! Where the lines go: to the file that `PYBUFFER_AUDIT_LOG` names, or to standard error.

use core::ffi::{c_char, c_int};
use core::sync::atomic::{AtomicBool, Ordering};

use super::facts::Fact;
use super::lines::Line;
use super::memory::Errno;
use crate::check::text::Writer;
use crate::environment;

/// One more than the system's limit. A longer path is cut to this size, so the system refuses it as well.
const PATH: usize = 4096 + 1;

/// The log. It begins as zeros.
pub struct Log {
    /// The file's path; empty for standard error.
    path: [c_char; PATH],
    /// Whether the lines are JSON.
    is_json: bool,
    /// Whether the process had a standard error at the beginning. If not, its file descriptor may later belong to
    /// another file of the program.
    has_standard_error: bool,
    /// Whether a line has said that the file cannot be written.
    is_failure_told: AtomicBool,
}

impl Log {
    /// Reads the environment. A relative path counts from the folder that is current now.
    pub fn begin(&mut self) {
        // SAFETY: takes any number.
        self.has_standard_error = unsafe { libc::fcntl(libc::STDERR_FILENO, libc::F_GETFD) } >= 0;
        let format = environment::variable(c"PYBUFFER_AUDIT_FORMAT");
        self.is_json = format.is_some_and(|format| format == c"json");
        let Some(log) = environment::variable(c"PYBUFFER_AUDIT_LOG") else { return };
        let mut len = 0;
        if !matches!(log.to_bytes(), [] | [b'/', ..]) {
            // SAFETY: `PATH` bytes are writable.
            unsafe { libc::getcwd(self.path.as_mut_ptr(), PATH) };
            // SAFETY: a C string: zeros, or what `getcwd` wrote.
            len = unsafe { libc::strlen(self.path.as_ptr()) };
        }
        let mut out = Writer::new(self.path.get_mut(len..).unwrap_or_default());
        out.put(if len > 0 { "/" } else { "" }).put_c(log);
    }

    /// Whether the lines go to a file.
    pub fn is_file(&self) -> bool {
        self.path[0] != 0
    }

    /// Writes the line of a fact, by one `write`, to the file; without one, or if it cannot be written, to standard
    /// error.
    #[cold]
    pub fn write(&self, fact: &Fact) {
        let Some(line) = Line::of(fact, self.is_json) else { return };
        let text = line.characters();
        if self.is_file() {
            let Err(errno) = self.append(text) else { return };
            if !self.is_failure_told.swap(true, Ordering::Relaxed) {
                self.write(&Fact::NoLog { path: &self.path, errno });
            }
        }
        if !self.has_standard_error {
            return;
        }
        // What cannot be written is lost.
        // SAFETY: the text is readable.
        let _ = unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
    }

    /// Appends to the file; `Err` with the error's number if that fails. The file is opened for each line, because
    /// programs close file descriptors that they do not know.
    fn append(&self, text: &[c_char]) -> Result<(), c_int> {
        let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_CLOEXEC;
        // SAFETY: a C string, and the mode of a new file.
        let file = unsafe { libc::open(self.path.as_ptr(), flags, 0o666) };
        if file < 0 {
            return Err(Errno::keep().value());
        }
        // SAFETY: the text is readable.
        let n = unsafe { libc::write(file, text.as_ptr().cast(), text.len()) };
        let result = if n < 0 { Err(Errno::keep().value()) } else { Ok(()) };
        // SAFETY: opened above.
        unsafe { libc::close(file) };
        result
    }
}
