//! The command line: options, then the program and its own arguments.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::sys::shown;

/// The values of `--audit`.
pub const MODES: [&str; 3] = ["warn", "raise", "abort"];
/// The values of `--audit-format`.
const FORMATS: [&str; 2] = ["text", "json"];
/// The values of `--audit-frames`.
const FRAMES: [&str; 9] = ["0", "1", "2", "3", "4", "5", "6", "7", "8"];
/// The values of `--cpu`.
pub const LEVELS: [&str; 4] = ["generic", "sse", "avx2", "avx512"];

/// The options, and the program.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options<'a> {
    /// `PYBUFFER_AUDIT`
    pub audit: Option<&'a [u8]>,
    /// `PYBUFFER_AUDIT_LOG`
    pub audit_log: Option<&'a [u8]>,
    /// `PYBUFFER_AUDIT_FORMAT`
    pub audit_format: Option<&'a [u8]>,
    /// `PYBUFFER_AUDIT_FRAMES`
    pub audit_frames: Option<&'a [u8]>,
    /// `PYBUFFER_AUDIT_IGNORE`
    pub audit_ignore: Option<&'a [u8]>,
    /// `PYBUFFER_AUDIT_ONLY`
    pub audit_only: Option<&'a [u8]>,
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
            (b"--audit", Some(mode)) => options.audit = Some(one_of("--audit", &MODES, mode)?),
            (b"--cpu", Some(level)) => options.cpu = Some(one_of("--cpu", &LEVELS, level)?),
            (b"--audit-log", Some(file)) if !file.is_empty() => options.audit_log = Some(file),
            (b"--audit-format", Some(word)) => {
                options.audit_format = Some(one_of("--audit-format", &FORMATS, word)?);
            }
            (b"--audit-frames", Some(n)) => {
                options.audit_frames = Some(one_of("--audit-frames", &FRAMES, n)?);
            }
            (b"--audit-ignore", Some(list)) if !list.is_empty() => {
                options.audit_ignore = Some(list)
            }
            (b"--audit-only", Some(list)) if !list.is_empty() => options.audit_only = Some(list),
            (b"--audit-format", None) => return Err("--audit-format needs text or json".into()),
            (b"--audit-frames", None) => {
                return Err("--audit-frames=N needs a number, 0 to 8".into());
            }
            (b"--audit-ignore", _) => {
                return Err(
                    "--audit-ignore=LIST needs a list, such as known or numpy.*:scalar".into()
                );
            }
            (b"--audit-only", _) => {
                return Err("--audit-only=LIST needs a list, such as mymodule.*".into());
            }
            (b"--cpu", None) => {
                return Err(format!("--cpu=LEVEL needs a level: {}", list(&LEVELS)));
            }
            (b"--audit-log", _) => return Err("--audit-log=FILE needs the name of a file".into()),
            (b"--", None) => {
                options.program.extend(rest);
                break;
            }
            (name, _) if name.starts_with(b"-") && name.len() > 1 => {
                return Err(format!("there is no option {}; see pybuffer-run --help", shown(name)));
            }
            _ => {
                options.program.push(argument);
                options.program.extend(rest);
                break;
            }
        }
    }
    let details = [
        options.audit_log,
        options.audit_format,
        options.audit_frames,
        options.audit_ignore,
        options.audit_only,
    ];
    if details.iter().any(Option::is_some) && options.audit.is_none() {
        options.audit = Some(b"warn");
    }
    if options.program.is_empty() && !options.doctor {
        return Err("no program was given; see pybuffer-run --help".into());
    }
    Ok(Action::Run(options))
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
        assert!(said(&["--audit-ignore=", "p"]).contains("needs a list"));
        assert!(said(&["--audit-only", "p"]).contains("needs a list"));
        assert_eq!(said(&["-q"]), "no program was given; see pybuffer-run --help");
    }

    #[test]
    fn log_alone_turns_the_audit_on() {
        let Ok(Action::Run(options)) = parsed(&["--audit-log=a=b", "p"]) else { panic!() };
        assert_eq!((options.audit, options.audit_log), (Some(&b"warn"[..]), Some(&b"a=b"[..])));
    }

    #[test]
    fn what_is_told_and_how_turns_the_audit_on() {
        let words = ["--audit-format=json", "--audit-frames=3", "--audit-ignore=known,*:held"];
        for word in words.into_iter().chain(["--audit-only=my.*"]) {
            let arguments = [word, "p"];
            let Ok(Action::Run(options)) = parsed(&arguments) else { panic!() };
            assert_eq!(options.audit, Some(&b"warn"[..]), "{word}");
        }
        let Ok(Action::Run(options)) = parsed(&["--audit-ignore=a:1,@f", "--audit=abort", "p"])
        else {
            panic!()
        };
        assert_eq!(options.audit_ignore, Some(&b"a:1,@f"[..]));
        assert_eq!(options.audit, Some(&b"abort"[..]));
    }
}
