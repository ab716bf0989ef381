//! The pages: their tables, for the tests that measure what they say, and the commands of README's first program.

use std::fs;
use std::process::Command;

use super::install::{has_pkg_config, make_install};
use crate::support::{run, shipped, stdout, temp_dir};

fn text(page: &str) -> String {
    fs::read_to_string(shipped().root.join(page)).unwrap()
}

/// The rows of a page's table between `<!-- name -->` and `<!-- /name -->`, without its head.
pub fn table(page: &str, name: &str) -> Vec<Vec<String>> {
    let text = text(page);
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let table = text
        .split_once(&begin)
        .and_then(|(_, rest)| rest.split_once(&end))
        .unwrap_or_else(|| panic!("{page} has no table between {begin} and {end}"))
        .0;
    let cells =
        |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().into()).collect();
    table.trim().lines().skip(2).map(cells).collect()
}

/// The commands are run as they stand there. (The first of them needs a library that is installed for all.)
#[test]
fn first_program_links_by_the_commands_shown() {
    if !has_pkg_config("first_program_links_by_the_commands_shown") {
        return;
    }
    let readme = text("README.md");
    let program = readme.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let commands: Vec<String> = readme
        .split("\n\n")
        .filter(|block| block.starts_with("    export PKG_CONFIG_PATH="))
        .map(|block| block.replace("$PWD", &shipped().root.display().to_string()))
        .collect();
    assert_eq!(commands.len(), 2, "{commands:#?}");
    let home = temp_dir("first-program");
    let prefix = home.join("pybuffer");
    make_install("install", None, &prefix, &prefix.join("lib"));
    fs::write(home.join("first.c"), program).unwrap();
    for command in commands {
        let output = run(Command::new("sh")
            .args(["-ec", &command])
            .current_dir(&home)
            .env("HOME", &home)
            .env_remove("LD_LIBRARY_PATH"));
        assert_eq!(stdout(&output).trim_end(), "1 4 2 5 3 6", "{command}");
    }
}
