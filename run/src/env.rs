//! Reads the arguments of `env` to find the program that it would run.
//!
//! If this is not certain, no program is returned; the caller then examines `env` itself, as any other program.

use alloc::vec::Vec;
use core::ffi::CStr;

use crate::getopt::{Value, Words};

/// Which of the dynamic linker's variables an `env` removes or replaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// `LD_PRELOAD`
    pub preload: bool,
    /// `LD_AUDIT`
    pub audit: bool,
}

impl Dropped {
    /// Notes that this variable is removed or replaced.
    fn variable(&mut self, name: &[u8]) {
        self.preload |= name == b"LD_PRELOAD";
        self.audit |= name == b"LD_AUDIT";
    }

    /// Adds the variables of another `env`.
    pub fn add(&mut self, other: Self) {
        self.preload |= other.preload;
        self.audit |= other.audit;
    }
}

/// What the arguments of `env` say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Env {
    /// The name of the program that it runs, to be looked up on the current `PATH`; `None` if this is not certain.
    pub program: Option<Vec<u8>>,
    /// The program's arguments.
    pub arguments: Vec<Vec<u8>>,
    /// The variables that the program does not get as they are now.
    pub dropped: Dropped,
}

/// The options of GNU `env`. Words after its first operand are not options (`+`).
const LETTERS: &CStr = c"+a:C:iS:u:v0";
const LONG: &[(&CStr, Value, u8)] = &[
    (c"argv0", Value::Needed, b'a'),
    (c"block-signal", Value::Possible, b'v'),
    (c"chdir", Value::Needed, b'C'),
    (c"debug", Value::None, b'v'),
    (c"default-signal", Value::Possible, b'v'),
    (c"help", Value::None, b'?'),
    (c"ignore-environment", Value::None, b'i'),
    (c"ignore-signal", Value::Possible, b'v'),
    (c"list-signal-handling", Value::None, b'v'),
    (c"null", Value::None, b'0'),
    (c"split-string", Value::Needed, b'S'),
    (c"unset", Value::Needed, b'u'),
    (c"version", Value::None, b'?'),
];

/// Reads the words that follow the name of `env` on its command line or in a `#!` line. In the latter they are a
/// single word.
pub fn read(mut words: Vec<Vec<u8>>) -> Env {
    // `getopt_long` has one state for all threads. The command has one thread; the tests have several.
    #[cfg(test)]
    let _held = tests::ONE_AT_A_TIME.lock();
    let mut env = Env::default();
    let (mut is_path_known, mut is_folder_known) = (true, true);
    let mut options = Words::new(&words, LETTERS, LONG);
    while let Some((letter, value)) = options.next_option() {
        match letter {
            b'i' => env.dropped = Dropped { preload: true, audit: true },
            b'u' => {
                env.dropped.variable(&value);
                is_path_known &= value != b"PATH";
            }
            b'C' => is_folder_known = false,
            b'S' => {
                let Some(mut split) = split(&value) else { return env };
                split.extend(words.drain(options.n_read()..));
                words = split;
                options = Words::new(&words, LETTERS, LONG);
            }
            b'a' | b'v' => {}
            // `env` prints something, or reports an error, and runs nothing.
            _ => return env,
        }
    }
    let mut words = words.into_iter().skip(options.n_read()).peekable();
    if words.next_if(|word| word == b"-").is_some() {
        env.dropped = Dropped { preload: true, audit: true };
    }
    while let Some(word) = words.next_if(|word| word.contains(&b'=')) {
        let name = word.split(|byte| *byte == b'=').next().unwrap_or_default();
        env.dropped.variable(name);
        is_path_known &= name != b"PATH";
    }
    let program = words.next().filter(|name| match name.iter().position(|byte| *byte == b'/') {
        None => is_path_known,
        Some(0) => true,
        Some(_) => is_folder_known,
    });
    env.program = program;
    env.arguments = words.collect();
    env
}

/// Splits the value of `-S` into words; `None` if it has escapes or variables, which only `env` can expand.
fn split(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    for &byte in text {
        match byte {
            b'\\' | b'$' => return None,
            b'"' | b'\'' if quote.is_none_or(|open| open == byte) => {
                quote = if quote.is_none() { Some(byte) } else { None };
                word.get_or_insert_default();
            }
            b'#' if word.is_none() => break,
            _ if quote.is_none() && byte.is_ascii_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString};
    use std::sync::Mutex;

    pub static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    fn read_words(words: &[&str]) -> Env {
        read(words.iter().map(|word| word.as_bytes().to_vec()).collect())
    }

    fn of(text: &str) -> (Option<String>, bool) {
        let env = read_words(&text.split_ascii_whitespace().collect::<Vec<_>>());
        (env.program.map(|name| String::from_utf8(name).unwrap()), env.dropped.preload)
    }

    #[test]
    fn program_is_behind_options_and_variables() {
        for text in [
            "python3",
            "python3 -i",
            "-S python3 -i -u LD_PRELOAD",
            "-Spython3",
            "-S -u FOO python3",
            "-S -uFOO --unset=BAR --unset BAZ --uns=X python3",
            "-S -C / --chdir / --chdir=/ A=1 python3",
            "-vS -- python3",
            "--default-signal=PIPE --ignore-sig --bl=INT python3",
        ] {
            assert_eq!(of(text), (Some("python3".to_string()), false), "{text}");
        }
        let env = read_words(&["-S A=1 'py thon' -x", "a b"]);
        assert_eq!(env.program.as_deref(), Some(&b"py thon"[..]));
        assert_eq!(env.arguments, [&b"-x"[..], b"a b"]);
    }

    #[test]
    fn doubt_leaves_the_program_open() {
        for text in ["", "-S", "-S -u", "-P /bin python3", "PATH=/x python3", "-u PATH python3"] {
            assert_eq!(of(text), (None, false), "{text}");
        }
        for word in ["-S 'a", "-S a\\_b", "-S ${X}", "-C/ ./python3", "--help python3", "-0 x"] {
            let words: Vec<_> = word.splitn(2, ' ').collect();
            assert_eq!(read_words(&words).program, None, "{word}");
        }
        assert_eq!(of("-C / ./python3").0, None);
        assert_eq!(of("PATH=/x LD_PRELOAD= python3"), (None, true));
    }

    #[test]
    fn preload_that_is_taken_away_is_seen() {
        for text in [
            "-i python3",
            "- python3",
            "-iS python3",
            "-iu FOO python3",
            "-vi python3",
            "-iv python3",
            "--ignore-env python3",
            "--i python3",
            "-S --ignore-environment python3",
            "-S -u LD_PRELOAD python3",
            "--unset=LD_PRELOAD python3",
            "LD_PRELOAD= python3",
        ] {
            let (program, is_dropped) = of(text);
            // "--i" is ambiguous (--ignore-signal): env reports an error.
            let expected =
                if text == "--i python3" { (None, false) } else { (Some("python3"), true) };
            assert_eq!((program.as_deref(), is_dropped), expected, "{text}");
        }
        // The kernel passes the rest of a #! line as one word.
        let env = read_words(&["-S --ignore-environ python3"]);
        assert!(env.program.is_some() && env.dropped.preload && env.dropped.audit);
        let env = read_words(&["-u", "LD_AUDIT", "python3"]);
        assert_eq!(env.dropped, Dropped { preload: false, audit: true });
    }
}
