//! The table of rules, as `pybuffer_rule_describe` gives it, and `docs/rules.md`, which is written from it.

use std::ffi::{CStr, c_char, c_int};
use std::fmt::Write;
use std::path::Path;
use std::{fs, mem};

use pybuffer::abi::pybuffer_rule;
use pybuffer::capi::check::pybuffer_rule_describe;

fn text(text: *const c_char) -> &'static str {
    // SAFETY: a text of the library's, which lives for ever.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap()
}

fn rule(id: c_int) -> Option<pybuffer_rule> {
    let mut rule = mem::MaybeUninit::uninit();
    // SAFETY: writable.
    let found = unsafe { pybuffer_rule_describe(id, rule.as_mut_ptr()) };
    // SAFETY: written, as the function says.
    (found == 0).then(|| unsafe { rule.assume_init() })
}

fn page() -> String {
    let mut page = String::from(
        "# The rules of the buffer protocol\n\n\
         `pybuffer_check_view`, `pybuffer_check_exporter` and the live audit judge views and exporters by\n\
         these rules. `make rules` writes this page from `src/check/rules.rs`: edit that.\n\n\
         Sources are headings and functions of <https://docs.python.org/3/c-api/buffer.html>, slots of\n\
         <https://docs.python.org/3/c-api/typeobj.html#buffer-object-structures>, and\n\
         [PEP 3118](https://peps.python.org/pep-3118/). They forbid breaking a MUST. Advice is what they leave\n\
         open, or what most exporters do otherwise, but consumers trip over.\n\n\
         | no. | name | | rule | what to do | source |\n|---|---|---|---|---|---|\n",
    );
    for rule in (1..).map_while(rule) {
        let severity = if rule.severity == 1 { "MUST" } else { "advice" };
        let [name, sentence, source, fix] =
            [rule.name, rule.sentence, rule.source, rule.fix].map(text);
        let code = |text: &str| text.replace('|', "\\|");
        let (id, sentence, fix) = (rule.id, code(sentence), code(fix));
        writeln!(page, "| {id} | `{name}` | {severity} | {sentence} | {fix} | {source} |").unwrap();
    }
    page
}

#[test]
fn rules_are_numbered_without_a_gap_and_end() {
    let ids: Vec<c_int> = (1..).map_while(rule).map(|rule| rule.id).collect();
    assert!(ids.len() >= 30, "{ids:?}");
    assert_eq!(ids, (1..=ids.len() as c_int).collect::<Vec<_>>());
    for id in [0, -1, ids.len() as c_int + 1, c_int::MAX, c_int::MIN] {
        assert!(rule(id).is_none(), "{id}");
    }
    // SAFETY: null is allowed.
    assert_eq!(unsafe { pybuffer_rule_describe(1, std::ptr::null_mut()) }, -1);
}

#[test]
fn page_of_rules_is_what_the_table_gives() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    if std::env::var_os("PYBUFFER_BLESS").is_some() {
        fs::write(&file, page()).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page(), "docs/rules.md is not what src/check/rules.rs says: `make rules`");
}
