//! What a call left behind, as far as a program could tell.

use std::fmt;

use super::host::Raised;

/// A list of named observations, in the order they were made.
#[derive(Default, PartialEq)]
pub struct Outcome(Vec<(&'static str, Observation)>);

#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    Number(isize),
    Address(usize),
    Text(String),
    Raised(Option<Raised>),
    Memory(Vec<u8>),
}

impl Outcome {
    pub fn number(&mut self, what: &'static str, number: impl TryInto<isize>) {
        let number = number.try_into().unwrap_or_else(|_| panic!("{what}: a large number"));
        self.0.push((what, Observation::Number(number)));
    }

    pub fn address(&mut self, what: &'static str, address: usize) {
        self.0.push((what, Observation::Address(address)));
    }

    pub fn text(&mut self, what: &'static str, text: String) {
        self.0.push((what, Observation::Text(text)));
    }

    pub fn raised(&mut self, raised: Option<Raised>) {
        self.0.push(("exception", Observation::Raised(raised)));
    }

    pub fn memory(&mut self, what: &'static str, bytes: &[u8]) {
        self.0.push((what, Observation::Memory(bytes.to_vec())));
    }
}

/// Something that two libraries are asked for.
pub trait Compared: PartialEq {
    /// Tells how libpython's outcome and the other one differ.
    fn difference(&self, ours: &Self) -> String;

    /// The same but for the texts of exceptions, which are the library's own where libpython has
    /// none.
    fn without_texts(self) -> Self;
}

impl Compared for Outcome {
    fn difference(&self, ours: &Self) -> String {
        let mut lines = Vec::new();
        for i in 0..self.0.len().max(ours.0.len()) {
            match (self.0.get(i), ours.0.get(i)) {
                (Some(a), Some(b)) if a == b => {}
                (Some((name, Observation::Memory(a))), Some((other, Observation::Memory(b))))
                    if name == other =>
                {
                    lines.push(format!("{name}: {}", memory_difference(a, b)));
                }
                (theirs, ours) => {
                    lines.push(format!("expected {}\n    got      {}", Shown(theirs), Shown(ours)));
                }
            }
        }
        lines.join("\n    ")
    }

    fn without_texts(mut self) -> Self {
        for (_, observation) in &mut self.0 {
            if let Observation::Raised(Some(raised)) = observation {
                raised.text.clear();
                raised.arguments.clear();
            }
        }
        self
    }
}

/// A quick outcome, for the cases that are enumerated by the hundred thousand.
impl<T: PartialEq + fmt::Debug> Compared for (T,) {
    fn difference(&self, ours: &Self) -> String {
        format!("expected {:?}\n    got      {:?}", self.0, ours.0)
    }

    fn without_texts(self) -> Self {
        self
    }
}

struct Shown<'a>(Option<&'a (&'static str, Observation)>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((name, observation)) = self.0 else { return f.write_str("(nothing more)") };
        match observation {
            Observation::Number(n) => write!(f, "{name}: {n}"),
            Observation::Address(a) => write!(f, "{name}: {a:#x}"),
            Observation::Text(text) => write!(f, "{name}: {text}"),
            Observation::Raised(Some(r)) => {
                write!(f, "{name}: {} {:?}, {}", r.class, r.text, r.arguments)
            }
            Observation::Raised(None) => write!(f, "{name}: none"),
            Observation::Memory(bytes) => write!(f, "{name}: {bytes:02x?}"),
        }
    }
}

fn memory_difference(theirs: &[u8], ours: &[u8]) -> String {
    if theirs.len() != ours.len() {
        return format!("expected {} bytes, ours {}", theirs.len(), ours.len());
    }
    let different: Vec<usize> = (0..theirs.len()).filter(|&i| theirs[i] != ours[i]).collect();
    let first = different[0];
    let near = first.saturating_sub(8)..(first + 24).min(theirs.len());
    format!(
        "{} bytes differ, the first at {first}, the last at {}; bytes {near:?}\n    \
         expected {:02x?}\n    got      {:02x?}",
        different.len(),
        different[different.len() - 1],
        &theirs[near.clone()],
        &ours[near.clone()],
    )
}
