//! What is said about a run: lines and a table on the terminal; JSON, a table and charts in files.

mod chart;
mod json;
mod markdown;
mod terminal;

use std::fs;
use std::io;
use std::path::Path;

use crate::cases::Case;
use crate::host::machine::Machine;
use crate::rivals::Rival;
use crate::setting::Setting;

pub use terminal::{quick_line, row, summary, table_head};

/// Differences below this mean nothing.
pub const NOISE: f64 = 1.15;

/// A case and the seconds that each implementation takes for it.
pub struct Row {
    pub case: Case,
    /// One for each of [`Run::names`]; `None` for a case that one cannot express.
    pub seconds: Vec<Option<f64>>,
}

/// A whole run.
pub struct Run {
    pub machine: Machine,
    /// Of memcpy, ours, and the rivals.
    pub names: Vec<&'static str>,
    pub versions: Vec<String>,
    /// Whether each copies, rather than being something to compare a copy with.
    copies: Vec<bool>,
    pub left_out: Vec<String>,
    pub rows: Vec<Row>,
    setting: Setting,
}

/// The places of the two that are always there.
const MEMCPY: usize = 0;
const OURS: usize = 1;

impl Run {
    pub fn new(rivals: &[Box<dyn Rival>], left_out: Vec<String>, setting: Setting) -> Self {
        Self {
            machine: Machine::new(),
            names: rivals.iter().map(|rival| rival.name()).collect(),
            versions: rivals.iter().map(|rival| rival.version()).collect(),
            copies: rivals.iter().map(|rival| rival.copies()).collect(),
            left_out,
            rows: Vec::new(),
            setting,
        }
    }

    /// Where the rivals' figures are, and those of what bounds them: all but memcpy's and ours.
    fn rivals(&self) -> impl Iterator<Item = (usize, &'static str)> {
        self.names.iter().copied().enumerate().skip(OURS + 1)
    }

    /// Each implementation and its version, in one line.
    pub fn versions(&self) -> String {
        let each = self.names.iter().zip(&self.versions);
        each.map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>().join(", ")
    }

    /// Writes the files of a run. One at a lowered level has its level in their names.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let name = self.setting.file_name();
        fs::create_dir_all(folder)?;
        fs::write(folder.join(format!("{name}.json")), json::text(self))?;
        fs::write(folder.join(format!("{name}.md")), markdown::text(self, &name))?;
        fs::write(folder.join(format!("{name}.svg")), chart::text(self, chart::Which::OneAFamily))?;
        fs::write(folder.join(format!("{name}-all.svg")), chart::text(self, chart::Which::All))
    }
}

impl Row {
    /// The time of memcpy over that of an implementation: 1 is as fast as a copy of dense bytes.
    fn to_memcpy(&self, of: usize) -> Option<f64> {
        Some(self.seconds[MEMCPY]? / self.seconds[of]?)
    }

    /// How many times as long a rival takes as ours.
    fn ours_over(&self, rival: usize) -> Option<f64> {
        Some(self.seconds[rival]? / self.seconds[OURS]?)
    }

    /// Billions of bytes in a second that memcpy writes.
    fn memcpy_rate(&self) -> Option<f64> {
        Some(self.case.len() as f64 / self.seconds[MEMCPY]? / 1e9)
    }
}

/// The rivals that are faster than ours by more than noise: case, name, and how many times.
fn losses(run: &Run) -> Vec<(&Row, &'static str, f64)> {
    let mut losses = Vec::new();
    for row in &run.rows {
        for (rival, name) in run.rivals().filter(|(rival, _)| run.copies[*rival]) {
            if let Some(times) = row.ours_over(rival)
                && times * NOISE < 1.0
            {
                losses.push((row, name, 1.0 / times));
            }
        }
    }
    losses
}

/// A number with as many digits as it deserves, "-" for none.
fn number(value: Option<f64>) -> String {
    match value {
        None => "-".into(),
        Some(value) if value >= 99.5 => format!("{value:.0}"),
        Some(value) if value >= 9.95 => format!("{value:.1}"),
        Some(value) if value >= 0.0995 => format!("{value:.2}"),
        Some(value) => format!("{value:.3}"),
    }
}
