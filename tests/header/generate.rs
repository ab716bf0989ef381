//! Makes the text of `include/libpybuffer.h`: what cbindgen writes, its placeholders filled in, and
//! its guards and comments made easier to read.

use std::path::Path;

use crate::manifest::{Kind, Manifest};

/// The header that the sources give.
pub fn generate() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    let bindings = cbindgen::Builder::new().with_crate(root).with_config(config).generate();
    let mut text = Vec::new();
    bindings.unwrap_or_else(|error| panic!("cbindgen: {error}")).write(&mut text);
    let text = String::from_utf8(text).unwrap();
    tidy_comments(&merge_guards(&fill_in(&text)))
}

fn fill_in(text: &str) -> String {
    let redirect: Vec<String> = Manifest::read()
        .of_kind(Kind::DropIn)
        .map(|name| format!("#undef {name}\n#define {name} pybuffer_{name}"))
        .collect();
    text.replace("@VERSION@", env!("CARGO_PKG_VERSION"))
        .replace("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR"))
        .replace("@MINOR@", env!("CARGO_PKG_VERSION_MINOR"))
        .replace("@PATCH@", env!("CARGO_PKG_VERSION_PATCH"))
        .replace("@REDIRECT@", &redirect.join("\n"))
}

/// cbindgen guards each item by itself; neighbours with the same guard share one here.
fn merge_guards(text: &str) -> String {
    let mut merged = String::new();
    let mut opened = "";
    for line in text.lines() {
        if line.starts_with("#if") {
            let is_cfg = line.starts_with("#if !defined(PYBUFFER_PYTHON_H_");
            if is_cfg && line == opened && merged.ends_with("\n#endif\n\n") {
                merged.truncate(merged.len() - "#endif\n\n".len());
                merged.push('\n');
                continue;
            }
            opened = line;
        }
        merged.push_str(line);
        merged.push('\n');
    }
    merged
}

/// Comments of one line become one line, rustdoc's headings a word with a colon, blank lines one.
fn tidy_comments(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.trim_end().lines() {
        match lines.as_slice() {
            [.., start, only] if line == " */" && start == "/**" => {
                let folded = format!("/**{} */", only.trim_start_matches(" *"));
                lines.truncate(lines.len() - 2);
                lines.push(folded);
            }
            [.., last] if line.is_empty() && last.is_empty() => {}
            _ => lines.push(match line.strip_prefix(" * # ") {
                Some(heading) => format!(" * {heading}:"),
                None => line.to_owned(),
            }),
        }
    }
    lines.join("\n") + "\n"
}
