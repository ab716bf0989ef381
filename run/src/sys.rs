//! Safe wrappers of the system's functions that the command uses.
//!
//! Paths and arguments are bytes, as in the system. No symbol newer than glibc 2.17 is used. `stat` and the like
//! are newer as symbols, so their system calls are made directly.

use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use core::ops::Deref;
use core::{ptr, slice};

/// The error number of a failed call (`errno`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub c_int);

impl Errno {
    fn last() -> Self {
        // SAFETY: it has no arguments.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: the thread's own variable.
        Self(unsafe { *errno })
    }

    /// The system's text for the error.
    pub fn text(self) -> String {
        // SAFETY: the result is a C string for any number, valid until the next call; there is one thread.
        let text = unsafe { libc::strerror(self.0) };
        // SAFETY: as above.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }
}

/// Bytes as text, for messages.
pub fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The bytes as a C string, cut at the first NUL. (No path or argument of a process has one.)
pub fn c_string(bytes: &[u8]) -> CString {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    CString::new(bytes.get(..end).unwrap_or_default()).unwrap_or_default()
}

/// The arguments of this process.
#[cfg_attr(any(test, feature = "std"), expect(dead_code, reason = "for the start without std"))]
///
/// # Safety
/// * ARGUMENTS: `argv` has `argc` C strings that live as long as the process.
pub unsafe fn arguments(argc: usize, argv: *const *const c_char) -> Vec<&'static [u8]> {
    if argc == 0 {
        return Vec::new();
    }
    // SAFETY: an array of `argc` pointers (caller: ARGUMENTS).
    let pointers = unsafe { slice::from_raw_parts(argv, argc) };
    // SAFETY: each is a C string (caller: ARGUMENTS).
    pointers.iter().map(|argument| unsafe { CStr::from_ptr(*argument) }.to_bytes()).collect()
}

/// Writes to a file descriptor. Errors are ignored.
fn write(fd: c_int, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the bytes are readable.
        let written = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(written) {
            Ok(written) if written > 0 => bytes = bytes.get(written..).unwrap_or_default(),
            _ if Errno::last().0 == libc::EINTR => {}
            _ => return,
        }
    }
}

/// Prints to standard output.
pub fn print(text: &str) {
    write(libc::STDOUT_FILENO, text.as_bytes());
}

/// Prints a line to standard error, with the command's name.
pub fn print_error(text: &str) {
    write(libc::STDERR_FILENO, format!("pybuffer-run: {text}\n").as_bytes());
}

/// A variable of the environment.
pub fn variable(name: &CStr) -> Option<Vec<u8>> {
    // SAFETY: the name is a C string.
    let value = unsafe { libc::getenv(name.as_ptr()) };
    // SAFETY: null or a C string, copied at once.
    (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) }.to_bytes().to_vec())
}

/// Sets a variable of the environment.
pub fn set_variable(name: &CStr, value: &[u8]) {
    let value = c_string(value);
    // SAFETY: two C strings; there is one thread.
    unsafe { libc::setenv(name.as_ptr(), value.as_ptr(), 1) };
}

/// Removes a variable from the environment.
pub fn unset_variable(name: &CStr) {
    // SAFETY: a C string; there is one thread.
    unsafe { libc::unsetenv(name.as_ptr()) };
}

/// Replaces this process by the program at `path`; returns only if that fails.
pub fn exec(path: &[u8], arguments: &[&[u8]]) -> Errno {
    let path = c_string(path);
    let arguments: Vec<CString> = arguments.iter().map(|argument| c_string(argument)).collect();
    let mut pointers: Vec<_> = arguments.iter().map(|argument| argument.as_ptr()).collect();
    pointers.push(ptr::null());
    // SAFETY: C strings, and the null pointer that ends them. `execvp` does not search `PATH` for a path with a slash,
    // and lets the shell run a script without a `#!` line.
    unsafe { libc::execvp(path.as_ptr(), pointers.as_ptr()) };
    Errno::last()
}

/// An open file, closed when dropped.
struct File(c_int);

impl File {
    fn open(path: &[u8], flags: c_int) -> Result<Self, Errno> {
        let path = c_string(path);
        // SAFETY: a C string.
        let fd = unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC) };
        if fd < 0 { Err(Errno::last()) } else { Ok(Self(fd)) }
    }

    fn about(&self) -> Result<libc::stat, Errno> {
        let mut about = core::mem::MaybeUninit::<libc::stat>::zeroed();
        // The symbol `fstat` is new in glibc 2.33. On 64-bit systems the kernel's struct is libc's.
        #[cfg(target_pointer_width = "64")]
        // SAFETY: the file is open, and the struct is writable.
        let failed = unsafe { libc::syscall(libc::SYS_fstat, self.0, about.as_mut_ptr()) } != 0;
        #[cfg(not(target_pointer_width = "64"))]
        // SAFETY: as above.
        let failed = unsafe { libc::fstat(self.0, about.as_mut_ptr()) } != 0;
        if failed {
            return Err(Errno::last());
        }
        // SAFETY: a struct of integers, zeroed above and filled by the kernel.
        Ok(unsafe { about.assume_init() })
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: an open file, which is closed only here.
        unsafe { libc::close(self.0) };
    }
}

/// The properties of a file.
pub struct About {
    /// Whether it is a regular file that this user may execute.
    pub is_executable: bool,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Whether it would run with rights that this process lacks, so that the loader ignores `LD_PRELOAD`.
    pub gives_rights: bool,
}

/// The properties of the file at a path.
pub fn about(path: &[u8]) -> Result<About, Errno> {
    let about = File::open(path, libc::O_PATH)?.about()?;
    let path = c_string(path);
    let is = |kind| about.st_mode & libc::S_IFMT == kind;
    // SAFETY: a C string.
    let may_execute = unsafe { libc::access(path.as_ptr(), libc::X_OK) } == 0;
    // SAFETY: it has no arguments and cannot fail.
    let user = unsafe { libc::getuid() };
    // SAFETY: as above.
    let group = unsafe { libc::getgid() };
    let is_of_another = |bit: c_uint, owner, own| about.st_mode & bit != 0 && owner != own;
    // SAFETY: two C strings; with a size of 0 only the attribute's size is returned, and nothing is written.
    let capabilities = unsafe {
        libc::getxattr(path.as_ptr(), c"security.capability".as_ptr(), ptr::null_mut(), 0)
    };
    Ok(About {
        is_executable: is(libc::S_IFREG) && may_execute,
        is_folder: is(libc::S_IFDIR),
        gives_rights: is_of_another(libc::S_ISUID, about.st_uid, user)
            || is_of_another(libc::S_ISGID, about.st_gid, group)
            || capabilities > 0 && user != 0,
    })
}

/// The bytes of a file, mapped into memory until this is dropped.
pub struct Bytes {
    start: *mut u8,
    len: usize,
}

impl Bytes {
    /// The bytes of the file at a path.
    pub fn of(path: &[u8]) -> Result<Self, Errno> {
        let file = File::open(path, libc::O_RDONLY)?;
        let len = usize::try_from(file.about()?.st_size).unwrap_or(0);
        if len == 0 {
            return Ok(Self { start: ptr::dangling_mut(), len });
        }
        // SAFETY: a new mapping, of an open file.
        let start = unsafe {
            libc::mmap(ptr::null_mut(), len, libc::PROT_READ, libc::MAP_PRIVATE, file.0, 0)
        };
        if start == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        Ok(Self { start: start.cast(), len })
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `len` bytes are mapped, or there are none.
        unsafe { slice::from_raw_parts(self.start, self.len) }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: mapped by `of`, and nothing refers to it any more.
            unsafe { libc::munmap(self.start.cast(), self.len) };
        }
    }
}

/// Creates an empty file that only this user can read, in `TMPDIR` or `/tmp`.
pub fn temporary_file() -> Result<Vec<u8>, Errno> {
    let folder = variable(c"TMPDIR").filter(|folder| !folder.is_empty());
    let path = [folder.as_deref().unwrap_or(b"/tmp"), b"/pybuffer-run.XXXXXX"].concat();
    let path = c_string(&path).into_raw();
    // SAFETY: a writable C string.
    let fd = unsafe { libc::mkstemp(path) };
    // SAFETY: it came from `into_raw`, and has the same length.
    let path = unsafe { CString::from_raw(path) };
    if fd < 0 {
        return Err(Errno::last());
    }
    drop(File(fd));
    Ok(path.into_bytes())
}

/// Removes a file.
pub fn remove(path: &[u8]) {
    let path = c_string(path);
    // SAFETY: a C string.
    unsafe { libc::unlink(path.as_ptr()) };
}

/// Redirects this process's standard error to its standard output.
pub fn errors_to_output() {
    // SAFETY: two file descriptors.
    unsafe { libc::dup2(libc::STDOUT_FILENO, libc::STDERR_FILENO) };
}

/// Runs a program in a child process, which calls `prepare` first. Returns its exit status, or 128 plus the number of
/// the signal that ended it, and its standard output. A signal ends it after a minute.
pub fn output(
    path: &[u8],
    arguments: &[&[u8]],
    prepare: &dyn Fn(),
) -> Result<(c_int, Vec<u8>), Errno> {
    const LIMIT: c_uint = 60;
    let mut ends = [0; 2];
    // SAFETY: room for two file descriptors.
    if unsafe { libc::pipe(ends.as_mut_ptr()) } != 0 {
        return Err(Errno::last());
    }
    let (reader, writer) = (File(ends[0]).above_standard()?, File(ends[1]).above_standard()?);
    // SAFETY: there is one thread.
    let child = unsafe { libc::fork() };
    if child < 0 {
        return Err(Errno::last());
    }
    if child == 0 {
        // SAFETY: two open files.
        unsafe { libc::dup2(writer.0, libc::STDOUT_FILENO) };
        drop((reader, writer));
        prepare();
        // SAFETY: a number of seconds. The alarm survives `exec`.
        unsafe { libc::alarm(LIMIT) };
        let errno = exec(path, arguments);
        print_error(&format!("{}: {}", shown(path), errno.text()));
        // SAFETY: ends the child.
        unsafe { libc::_exit(126) };
    }
    drop(writer);
    let said = reader.read();
    let mut status = 0;
    // SAFETY: a child of this process, and room for its status.
    while unsafe { libc::waitpid(child, &raw mut status, 0) } < 0 && Errno::last().0 == libc::EINTR
    {
    }
    let signal = status & 0x7f;
    Ok((if signal == 0 { status >> 8 & 0xff } else { 128 + signal }, said))
}

impl File {
    /// The same file with a descriptor above those of the standard streams. If one of these is closed, the system gives
    /// its number to the next file opened.
    fn above_standard(self) -> Result<Self, Errno> {
        // SAFETY: a file descriptor and a number.
        let fd = unsafe { libc::fcntl(self.0, libc::F_DUPFD_CLOEXEC, libc::STDERR_FILENO + 1) };
        if fd < 0 { Err(Errno::last()) } else { Ok(Self(fd)) }
    }

    /// Reads to the end of the file, or to an error.
    fn read(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut part = [0_u8; 512];
        loop {
            // SAFETY: `part.len()` bytes are writable.
            let n = unsafe { libc::read(self.0, part.as_mut_ptr().cast(), part.len()) };
            match usize::try_from(n) {
                Ok(0) => return all,
                Ok(n) => all.extend_from_slice(part.get(..n).unwrap_or_default()),
                Err(_) if Errno::last().0 == libc::EINTR => {}
                Err(_) => return all,
            }
        }
    }
}

/// The version of the library at a path, and the CPU level that it uses, by its own functions.
pub fn library(path: &[u8]) -> (String, String) {
    let unknown = || (String::from("unknown version"), String::from("unknown"));
    let (Some(dlopen), Some(dlsym)) = loader() else { return unknown() };
    let path = c_string(path);
    // SAFETY: a C string; the library's code is this project's own.
    let handle = unsafe { dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if handle.is_null() {
        return unknown();
    }
    let ask = |name: &CStr| {
        // SAFETY: an open library, and a C string.
        let function = unsafe { dlsym(handle, name.as_ptr()) };
        if function.is_null() {
            return String::from("unknown");
        }
        // SAFETY: both functions have no arguments and return a C string.
        let function = unsafe {
            core::mem::transmute::<*mut c_void, unsafe extern "C" fn() -> *const c_char>(function)
        };
        // SAFETY: as above.
        let text = unsafe { function() };
        // SAFETY: as above; the text lives as long as the library.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    };
    (ask(c"pybuffer_version"), ask(c"pybuffer_cpu_level"))
}

type Dlopen = unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void;
type Dlsym = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;

#[cfg(any(test, feature = "std"))]
fn loader() -> (Option<Dlopen>, Option<Dlsym>) {
    (Some(libc::dlopen), Some(libc::dlsym))
}

/// Weak references: before glibc 2.34 both are in libdl, which the command is not linked to.
#[cfg(not(any(test, feature = "std")))]
fn loader() -> (Option<Dlopen>, Option<Dlsym>) {
    #[derive(Clone, Copy)]
    #[repr(C)]
    struct Loader(Option<Dlopen>, Option<Dlsym>);
    unsafe extern "C" {
        static pybuffer_run_loader: Loader;
    }
    // SAFETY: filled by the dynamic linker before this code can run, and never changed.
    let Loader(dlopen, dlsym) = unsafe { pybuffer_run_loader };
    (dlopen, dlsym)
}

/// The absolute path of a file, links resolved; `None` if there is no such file.
pub fn real_path(path: &[u8]) -> Option<Vec<u8>> {
    let path = c_string(path);
    // SAFETY: a C string; with null, the result comes from malloc.
    let real = unsafe { libc::realpath(path.as_ptr(), ptr::null_mut()) };
    if real.is_null() {
        return None;
    }
    // SAFETY: a C string from malloc.
    let copy = unsafe { CStr::from_ptr(real) }.to_bytes().to_vec();
    // SAFETY: as above, and no longer used.
    unsafe { libc::free(real.cast()) };
    Some(copy)
}
