//! What the parent process asks for, by environment variables.

use std::env;
use std::path::PathBuf;

/// Whose functions are compared with libpython's.
pub enum Subject {
    /// Those of the `libpybuffer.so` at this path, under libpython's names.
    Library(PathBuf),
    /// The same, under the names that begin with `pybuffer_`.
    Twins(PathBuf),
    /// The naive model's.
    Model,
    /// Each deliberately wrong implementation's, one after another.
    Faults,
}

/// One case, to be looked at.
pub struct Only {
    pub family: String,
    pub index: u64,
}

/// The settings of one run.
pub struct Settings {
    pub subject: Subject,
    /// `PYBUFFER_SEED`: where the random cases start from.
    pub seed: u64,
    /// `PYBUFFER_CASES`: how many random cases each family that has random cases runs.
    pub cases: u64,
    /// `PYBUFFER_ONLY=family:index`: the one case to run; it is printed first.
    pub only: Option<Only>,
}

pub const SEED: &str = "PYBUFFER_SEED";
pub const CASES: &str = "PYBUFFER_CASES";
pub const ONLY: &str = "PYBUFFER_ONLY";
/// Whose functions: a path of the library, or one of the following.
pub const SUBJECT: &str = "PYBUFFER_SUBJECT";
pub const MODEL: &str = "model";
pub const FAULTS: &str = "faults";
/// In front of a path.
pub const TWINS: &str = "twins:";

const DEFAULT_SEED: u64 = 0x0001_9991_0220;
const DEFAULT_CASES: u64 = 4000;

impl Settings {
    pub fn from_environment() -> Self {
        Self {
            subject: match env::var(SUBJECT).expect("what is to be compared").as_str() {
                MODEL => Subject::Model,
                FAULTS => Subject::Faults,
                path => match path.strip_prefix(TWINS) {
                    Some(path) => Subject::Twins(path.into()),
                    None => Subject::Library(path.into()),
                },
            },
            seed: number(SEED).unwrap_or(DEFAULT_SEED),
            cases: number(CASES).unwrap_or(DEFAULT_CASES),
            only: env::var(ONLY).ok().map(|only| {
                let (family, index) = only.split_once(':').expect("family:index");
                Only { family: family.into(), index: index.parse().expect("family:index") }
            }),
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    Some(parsed.unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}
