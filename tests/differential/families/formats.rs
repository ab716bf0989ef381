//! `PyBuffer_SizeFromFormat`: all short formats, a grid, the limits, random ones. The model's answer
//! is compared too, because standalone it is what the library is held to.

use std::ffi::CString;

use super::super::formats;
use super::super::grammar::Grammar;
use super::super::outcome::Outcome;
use super::super::session::Session;

pub fn run(session: &mut Session) {
    formats::every(|format| compare(session, format));
    for case in session.cases(100) {
        let mut prng = session.prng("random", case);
        compare(session, &formats::random(&mut prng));
    }
}

fn compare(session: &mut Session, format: &[u8]) {
    let text = CString::new(format).expect("no NUL inside");
    let describe = || format!("{text:?}");
    let mut answers = Vec::new();
    session.compare(describe, |session, api| {
        // SAFETY: a text with its NUL.
        let size = unsafe { (api.size_from_format)(text.as_ptr()) };
        let raised = session.host.take_raised();
        answers.push((size, raised.clone()));
        let mut outcome = Outcome::default();
        outcome.number("returned", size);
        outcome.raised(raised);
        outcome
    });
    let Some((size, raised)) = answers.into_iter().next() else { return };
    let expected = Grammar::of(session.host.version, session.host.limits_items).size(format);
    let agrees = match (&expected, &raised) {
        (Ok(expected), None) => *expected == size,
        (Err((class, text)), Some(raised)) => {
            size == -1 && raised.class == format!("<class '{class}'>") && raised.text == *text
        }
        _ => false,
    };
    if !agrees {
        let difference = format!("libpython {size} {raised:?}\n    the model {expected:?}");
        session.found(&describe(), &difference);
    }
}
