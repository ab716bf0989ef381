//! How much stack the library takes: 8 KiB at the most in any exported function, whatever it is given.
//!
//! `csrc/stack` runs the families on painted stacks of 16 KiB that no page guards, at every level of the CPU,
//! with memory and without; the table of what each took goes to ARCHITECTURE.md (`PYBUFFER_BLESS=1`). What libc
//! and the exporters take there counts as well. `tests/stack/threads.py` does the same inside of CPythons.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use support::{cc, printed, pythons, run, run_any, say, shipped, skip, stdout, temp_dir};

/// The bound of docs/errors.md and of the header.
const MOST: usize = 8192;

const SOURCES: [&str; 8] = [
    "stack/painted",
    "stack/copies",
    "stack/others",
    "stack/dlpack",
    "suite/model",
    "exporters/array",
    "exporters/broken",
    "exporters/scripted",
];

/// What a family took, at each level.
type Marks = BTreeMap<String, BTreeMap<String, usize>>;

/// The levels of every CPU of this kind; those that the CPU lacks fall back to a lower one.
const LEVELS: &[&str] = if cfg!(target_arch = "aarch64") {
    &["generic", "neon"]
} else {
    &["generic", "sse", "avx2", "avx512"]
};

fn build() -> std::path::PathBuf {
    let (csrc, program) = (shipped().root.join("csrc"), temp_dir("stack").join("painted"));
    let mut command = cc();
    command.args(["-std=c11", "-D_GNU_SOURCE", "-DSTANDALONE", "-O2", "-g", "-pthread"]);
    command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"]).arg(&shipped().include);
    for folder in ["suite", "exporters", "stack"] {
        command.arg("-I").arg(csrc.join(folder));
    }
    command.args(SOURCES.map(|source| csrc.join(source).with_extension("c")));
    // Bound at load, as the loader needs some KiB to find a function at its first call.
    command.arg(&shipped().archive).args(["-Wl,-z,now", "-Wl,--wrap=malloc", "-Wl,--wrap=calloc"]);
    run(command.arg("-o").arg(&program).arg("-ldl"));
    program
}

/// Runs the families at one level, and adds what they took; the families in their order, or `None` if the CPU lacks
/// the level.
fn measure(program: &Path, level: &str, how: &str, marks: &mut Marks) -> Option<Vec<String>> {
    let output = run_any(Command::new(program).arg(how).env("PYBUFFER_CPU", level));
    assert!(output.status.success(), "{level}, {how}: {}\n{}", output.status, printed(&output));
    let text = stdout(&output);
    let mut lines = text.lines().filter_map(|line| line.split_once('\t'));
    let (_, selected) = lines.next().expect("the level that was selected");
    if selected != level {
        return None;
    }
    let mut families = Vec::new();
    for (family, bytes) in lines {
        let of_family = marks.entry(family.to_owned()).or_default();
        let column = if how == "refused" { format!("{level}, no memory") } else { level.into() };
        of_family.insert(column, bytes.parse().unwrap());
        families.push(family.to_owned());
    }
    Some(families)
}

/// The table of ARCHITECTURE.md: in each level's column what is taken with memory, and the most of all levels
/// without.
fn table(families: &[String], levels: &[&str], marks: &Marks) -> String {
    let mut table = format!("| | {} | without memory |\n|---|", levels.join(" | "));
    table += &"---:|".repeat(levels.len() + 1);
    table.push('\n');
    for family in families {
        let of_family = &marks[family];
        let refused = levels.iter().map(|level| of_family[&format!("{level}, no memory")]).max();
        write!(table, "| {family} |").unwrap();
        for level in levels {
            write!(table, " {} |", of_family[*level]).unwrap();
        }
        writeln!(table, " {} |", refused.unwrap()).unwrap();
    }
    table
}

const BEGIN: &str = "<!-- stack -->\n";
const END: &str = "<!-- /stack -->";

#[test]
fn no_function_takes_more_than_8_kib() {
    let program = build();
    let (mut marks, mut families, mut levels) = (Marks::new(), Vec::new(), Vec::new());
    for level in LEVELS {
        let Some(found) = measure(&program, level, "", &mut marks) else {
            say(&format!("stack: this CPU lacks {level}"));
            continue;
        };
        measure(&program, level, "refused", &mut marks).expect("the same level");
        (families, levels) = (found, [levels, vec![*level]].concat());
    }
    let table = table(&families, &levels, &marks);
    println!("{table}");
    for (family, of_family) in &marks {
        for (level, bytes) in of_family {
            assert!(*bytes <= MOST, "{family} at {level}: {bytes} bytes of stack\n{table}");
        }
    }

    let page = shipped().root.join("ARCHITECTURE.md");
    let text = fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("where the table begins");
    let (told, after) = rest.split_once(END).expect("where it ends");
    if std::env::var_os("PYBUFFER_BLESS").is_some() {
        fs::write(&page, [before, BEGIN, &table, END, after].concat()).unwrap();
        return;
    }
    // The bytes are those of one compiler; what was measured is not.
    let told: Vec<&str> =
        told.lines().skip(2).filter_map(|line| line.split(" | ").next()).collect();
    let measured: Vec<String> = families.iter().map(|family| format!("| {family}")).collect();
    assert_eq!(told, measured, "{}: PYBUFFER_BLESS=1 writes the table anew", page.display());
}

/// A frame larger than a page may reach over a guard page, so that each of its pages is touched: none is.
#[test]
#[cfg(target_arch = "x86_64")]
fn no_frame_is_larger_than_a_page() {
    let code =
        stdout(&run(Command::new("objdump").args(["-d", "--no-show-raw-insn"]).arg(&shipped().so)));
    let is_large = |line: &str| {
        let by =
            line.split_once("$0x").filter(|_| line.contains("sub ") && line.ends_with(",%rsp"));
        let size = by.and_then(|(_, size)| size.strip_suffix(",%rsp"));
        size.is_some_and(|size| usize::from_str_radix(size, 16).is_ok_and(|size| size >= 4096))
    };
    let mut function = "";
    let mut large = Vec::new();
    let mut n_frames = 0;
    for line in code.lines() {
        if line.ends_with(">:") {
            function = line;
        }
        n_frames += usize::from(line.ends_with(",%rsp") && line.contains("sub "));
        if is_large(line) {
            large.push(format!("{function} {line}"));
        }
    }
    assert!(n_frames > 100, "{n_frames} frames found");
    assert!(large.is_empty(), "{large:#?}");
}

#[test]
fn functions_in_cpython_run_on_threads_of_32_kib() {
    let test = "functions_in_cpython_run_on_threads_of_32_kib";
    let mut n = 0;
    for python in pythons().iter().filter(|python| python.libpython.is_some()) {
        let script = shipped().root.join("tests/stack/threads.py");
        let has_passed = |output: &std::process::Output| {
            output.status.success() && stdout(output).trim() == "as on the main thread"
        };
        if !has_passed(&run_any(python.command().arg(&script))) {
            let why = "without the library it has no ctypes, or needs more than 32 KiB itself";
            skip(&format!("{test}, {}", python.label), why);
            continue;
        }
        for mode in ["off", "warn"] {
            let mut command = python.command();
            command.arg(&script).arg(&shipped().so).env("PYBUFFER_AUDIT", mode);
            command.env("PYBUFFER_AUDIT_IGNORE", "*").env("PYBUFFER_AUDIT_FRAMES", "8");
            let output = run_any(command.env("LD_PRELOAD", &shipped().so));
            let shown = || format!("{}\n{}", output.status, printed(&output));
            assert!(has_passed(&output), "CPython {}, audit {mode}: {}", python.label, shown());
        }
        n += 1;
    }
    if n == 0 {
        skip(test, "no CPython with a shared libpython found");
    }
}
