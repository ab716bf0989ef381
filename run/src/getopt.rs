//! Reads the options of GNU programs as these read them: by `getopt_long`, which accepts clusters (`-iv`) and
//! unambiguous prefixes of long options (`--ignore-env`).

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_int};
use core::ptr;

use crate::sys::c_string;

/// A long option (`struct option` of `<getopt.h>`).
#[repr(C)]
struct LongOption {
    name: *const c_char,
    has_value: c_int,
    flag: *mut c_int,
    letter: c_int,
}

unsafe extern "C" {
    fn getopt_long(
        argc: c_int,
        argv: *const *mut c_char,
        letters: *const c_char,
        long: *const LongOption,
        index: *mut c_int,
    ) -> c_int;
    static mut optind: c_int;
    static mut opterr: c_int;
    static mut optarg: *mut c_char;
}

/// Whether a long option has a value.
#[derive(Clone, Copy)]
pub enum Value {
    /// No.
    None = 0,
    /// Yes.
    Needed = 1,
    /// Possibly, after `=`.
    Possible = 2,
}

/// The words of a command line while they are read. `getopt_long` has a global state, so only one may be in use.
pub struct Words {
    /// The strings that `argv` points to.
    _words: Vec<CString>,
    argv: Vec<*mut c_char>,
    letters: &'static CStr,
    long: Vec<LongOption>,
}

impl Words {
    /// `words` are those that follow a program's name; `letters` and `long` are as for `getopt_long`.
    pub fn new(
        words: &[Vec<u8>],
        letters: &'static CStr,
        long: &[(&'static CStr, Value, u8)],
    ) -> Self {
        let words: Vec<CString> = words.iter().map(|word| c_string(word)).collect();
        let own = [c"".as_ptr()].into_iter().chain(words.iter().map(|word| word.as_ptr()));
        let mut argv: Vec<_> = own.map(<*const c_char>::cast_mut).collect();
        argv.push(ptr::null_mut());
        let option = |&(name, value, letter): &(&'static CStr, Value, u8)| LongOption {
            name: name.as_ptr(),
            has_value: value as c_int,
            flag: ptr::null_mut(),
            letter: letter.into(),
        };
        let end = LongOption { name: ptr::null(), has_value: 0, flag: ptr::null_mut(), letter: 0 };
        // SAFETY: the C library's variable; there is one thread. 0 resets the state.
        unsafe { optind = 0 };
        // SAFETY: as above. With 0, no error messages are printed.
        unsafe { opterr = 0 };
        Self { _words: words, argv, letters, long: long.iter().map(option).chain([end]).collect() }
    }

    /// The next option's letter and value; the letter is `?` if the option is unknown or its value is missing.
    pub fn next_option(&mut self) -> Option<(u8, Vec<u8>)> {
        let argc = c_int::try_from(self.argv.len()).unwrap_or(1) - 1;
        let (argv, long) = (self.argv.as_ptr(), self.long.as_ptr());
        // SAFETY: C strings followed by a null pointer, and options followed by one that is all zeros.
        let letter =
            unsafe { getopt_long(argc, argv, self.letters.as_ptr(), long, ptr::null_mut()) };
        let letter = u8::try_from(letter).ok()?;
        // SAFETY: the C library's variable; there is one thread.
        let value = unsafe { optarg };
        if value.is_null() {
            return Some((letter, Vec::new()));
        }
        // SAFETY: it points into one of the words.
        Some((letter, unsafe { CStr::from_ptr(value) }.to_bytes().to_vec()))
    }

    /// The number of words that have been read.
    pub fn n_read(&self) -> usize {
        // SAFETY: the C library's variable; there is one thread. It counts the program's name.
        usize::try_from(unsafe { optind } - 1).unwrap_or(0)
    }
}
