//! The command line: options, then the program and its own arguments.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;

use crate::sys::shown;

/// The values of `--audit`.
pub const MODES: [&str; 3] = ["warn", "raise", "abort"];
/// The values of `--cpu`.
pub const LEVELS: [&str; 4] = ["generic", "sse", "avx2", "avx512"];

/// An option of the audit, `NAME=VALUE`, which turns the audit on as well.
pub struct Detail {
    name: &'static str,
    /// The variable that tells the library.
    pub variable: &'static CStr,
    /// The values that it takes; none if it takes any.
    words: &'static [&'static str],
    /// What it needs, for a message.
    needs: &'static str,
}

/// The details of the audit.
pub const DETAILS: [Detail; 5] = [
    Detail {
        name: "--audit-log",
        variable: c"PYBUFFER_AUDIT_LOG",
        words: &[],
        needs: "--audit-log=FILE needs the name of a file",
    },
    Detail {
        name: "--audit-format",
        variable: c"PYBUFFER_AUDIT_FORMAT",
        words: &["text", "json"],
        needs: "--audit-format=FORMAT needs text or json",
    },
    Detail {
        name: "--audit-frames",
        variable: c"PYBUFFER_AUDIT_FRAMES",
        words: &["0", "1", "2", "3", "4", "5", "6", "7", "8"],
        needs: "--audit-frames=N needs a number from 0 to 8",
    },
    Detail {
        name: "--audit-ignore",
        variable: c"PYBUFFER_AUDIT_IGNORE",
        words: &[],
        needs: "--audit-ignore=LIST needs a list, such as known or numpy.*:scalar",
    },
    Detail {
        name: "--audit-only",
        variable: c"PYBUFFER_AUDIT_ONLY",
        words: &[],
        needs: "--audit-only=LIST needs a list, such as mymodule.*",
    },
];

/// The options, and the program.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options<'a> {
    /// `PYBUFFER_AUDIT`
    pub audit: Option<&'a [u8]>,
    /// The details of the audit, in the order of [`DETAILS`].
    pub details: [Option<&'a [u8]>; DETAILS.len()],
    /// `PYBUFFER_CPU`
    pub cpu: Option<&'a [u8]>,
    /// `--doctor`: describe the program instead of running it.
    pub doctor: bool,
    /// `--quiet`: do not warn about calls that do not reach libpybuffer.
    pub quiet: bool,
    /// The program and its arguments.
    pub program: Vec<&'a [u8]>,
}

/// What the command line tells the command to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Run a program, or describe it.
    Run(Options<'a>),
    /// `--help`
    Help,
    /// `--version`
    Version,
}

/// Reads the arguments that follow the command's own name.
pub fn parse<'a>(arguments: &[&'a [u8]]) -> Result<Action<'a>, String> {
    let mut options = Options::default();
    let mut rest = arguments.iter().copied();
    while let Some(argument) = rest.next() {
        let (name, value) = match argument.iter().position(|byte| *byte == b'=') {
            Some(at) if argument.starts_with(b"--") => {
                let (name, value) = argument.split_at(at);
                (name, value.get(1..))
            }
            _ => (argument, None),
        };
        match (name, value) {
            (b"--help" | b"-h", None) => return Ok(Action::Help),
            (b"--version" | b"-V", None) => return Ok(Action::Version),
            (b"--doctor", None) => options.doctor = true,
            (b"--quiet" | b"-q", None) => options.quiet = true,
            (b"--audit", None) => options.audit = Some(b"warn"),
            (b"--audit", Some(b"holders")) => {
                return Err("--audit=holders belongs to the Python package: \
                     python -m libpybuffer run --audit=holders python PROGRAM"
                    .into());
            }
            (b"--audit", Some(mode)) => options.audit = Some(one_of("--audit", &MODES, mode)?),
            (b"--cpu", Some(level)) => options.cpu = Some(one_of("--cpu", &LEVELS, level)?),
            (b"--cpu", None) => {
                return Err(format!("--cpu=LEVEL needs a level: {}", list(&LEVELS)));
            }
            (b"--", None) => {
                options.program.extend(rest);
                break;
            }
            (name, _) if name.starts_with(b"-") && name.len() > 1 => {
                let mut details = options.details.iter_mut().zip(&DETAILS);
                if let Some((given, detail)) = details.find(|(_, d)| d.name.as_bytes() == name) {
                    *given = Some(detail.value(value)?);
                    options.audit = options.audit.or(Some(b"warn"));
                    continue;
                }
                return Err(format!("there is no option {}; see pybuffer-run --help", shown(name)));
            }
            _ => {
                options.program.push(argument);
                options.program.extend(rest);
                break;
            }
        }
    }
    if options.program.is_empty() && !options.doctor {
        return Err("no program was given; see pybuffer-run --help".into());
    }
    Ok(Action::Run(options))
}

impl Detail {
    fn value<'a>(&self, given: Option<&'a [u8]>) -> Result<&'a [u8], String> {
        match given {
            None | Some([]) => Err(self.needs.into()),
            Some(given) if self.words.is_empty() => Ok(given),
            Some(given) => one_of(self.name, self.words, given),
        }
    }
}

/// `given`, if it is one of the words that an option takes.
fn one_of<'a>(option: &str, words: &[&str], given: &'a [u8]) -> Result<&'a [u8], String> {
    if words.iter().any(|word| word.as_bytes() == given) {
        return Ok(given);
    }
    Err(format!("{option}={} is unknown; it takes {}", shown(given), list(words)))
}

/// "a, b or c"
fn list(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed<'a>(arguments: &[&'a str]) -> Result<Action<'a>, String> {
        parse(&arguments.iter().map(|argument| argument.as_bytes()).collect::<Vec<_>>())
    }

    #[test]
    fn what_follows_the_program_is_its_own() {
        let Ok(Action::Run(options)) = parsed(&["--cpu=sse", "prog", "--audit", "--", "-q"]) else {
            panic!("not a run")
        };
        assert_eq!(options.program, [&b"prog"[..], b"--audit", b"--", b"-q"]);
        assert_eq!((options.cpu, options.audit, options.quiet), (Some(&b"sse"[..]), None, false));
    }

    #[test]
    fn two_dashes_end_the_options() {
        let Ok(Action::Run(options)) = parsed(&["--audit", "--", "-odd", "--help"]) else {
            panic!("not a run")
        };
        assert_eq!(options.program, [&b"-odd"[..], b"--help"]);
        assert_eq!(options.audit, Some(&b"warn"[..]));
    }

    #[test]
    fn wrong_words_are_named_with_the_right_ones() {
        let said = |arguments: &[&str]| parsed(arguments).unwrap_err();
        assert_eq!(
            said(&["--audit=loud", "p"]),
            "--audit=loud is unknown; it takes warn, raise or abort"
        );
        assert_eq!(
            said(&["--audit=holders", "p"]),
            "--audit=holders belongs to the Python package: python -m libpybuffer run --audit=holders python PROGRAM"
        );
        assert_eq!(
            said(&["--cpu", "p"]),
            "--cpu=LEVEL needs a level: generic, sse, avx2 or avx512"
        );
        assert_eq!(said(&["--cqu=x", "p"]), "there is no option --cqu; see pybuffer-run --help");
        assert_eq!(
            said(&["--audit-format=xml", "p"]),
            "--audit-format=xml is unknown; it takes text or json"
        );
        let frames = "--audit-frames=9 is unknown; it takes 0, 1, 2, 3, 4, 5, 6, 7 or 8";
        assert_eq!(said(&["--audit-frames=9", "p"]), frames);
        assert_eq!(said(&["--audit-frames", "p"]), "--audit-frames=N needs a number from 0 to 8");
        assert!(said(&["--audit-ignore=", "p"]).contains("needs a list"));
        assert!(said(&["--audit-only", "p"]).contains("needs a list"));
        assert_eq!(said(&["-q"]), "no program was given; see pybuffer-run --help");
    }

    #[test]
    fn each_detail_turns_the_audit_on() {
        let words = ["--audit-log=a=b", "--audit-format=json", "--audit-frames=3"];
        let lists = ["--audit-ignore=known,*:held", "--audit-only=my.*"];
        for (i, word) in words.into_iter().chain(lists).enumerate() {
            let value = word.split_once('=').map(|(_, value)| value.as_bytes());
            let arguments = [word, "p"];
            let Ok(Action::Run(options)) = parsed(&arguments) else { panic!() };
            assert_eq!((options.audit, options.details[i]), (Some(&b"warn"[..]), value), "{word}");
            let n_given = options.details.iter().flatten().count();
            assert_eq!(n_given, 1, "{word}");
        }
        for arguments in
            [["--audit-log=f", "--audit=abort", "p"], ["--audit=abort", "--audit-log=f", "p"]]
        {
            let Ok(Action::Run(options)) = parsed(&arguments) else { panic!() };
            assert_eq!(options.audit, Some(&b"abort"[..]));
        }
    }
}
