//! What is wrong with a view, or with an exporter: the contract of the buffer protocol as numbered rules.
//!
//! The judges hand each finding to a sink: a report, or the live audit. They change nothing that they look at,
//! allocate no memory, and write to no file.
//!
//! * `rules`: the table of rules; `words`: the other fixed texts.
//! * `view`: judges one view as the answer to one request.
//! * `exporter`: sends an object every possible request (`all_requests`); `answers` judges each answer,
//!   `consistency` compares it with earlier ones; both read views as `seen`. What they share is an `inquiry`.
//! * `report`: keeps findings for a C program, and writes them.
//! * `finding`, `request`, `text`: a finding; a request's flags; writing text.
//! * `address`, `numbers`: which addresses can be read; questions about shapes and strides.

mod address;
mod all_requests;
mod answers;
mod consistency;
pub mod exporter;
mod finding;
mod inquiry;
mod numbers;
pub mod report;
pub mod request;
pub mod rules;
mod seen;
pub mod text;
pub mod view;
mod words;

#[cfg(test)]
mod tests;

pub use address::mapped;
pub use finding::{Finding, Value};
pub use rules::{Rule, Severity};
