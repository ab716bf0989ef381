//! What the live audit costs, off and on: `cargo bench --bench audit` (ten seconds).
//!
//! Instructions are counted by stepping a child through the calls, so they are the same in each run; times
//! are the best of many short ones, as the machine may do other work. Each row is a process of its own, as the audit
//! is chosen once a process.

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Python, cc, command_without_settings, pythons, run, shipped, stdout, temp_dir};

fn main() {
    let folder = temp_dir("bench-audit");
    threads(&build(&folder, None));
    let fits = |python: &&Python| python.libpython.is_some() && python.include.is_some();
    let Some(python) = pythons().iter().rfind(fits) else {
        return println!("no CPython with a shared libpython and Python.h to measure in");
    };
    build(&folder, Some(python));
    exporters(python, &folder);
    types(python);
}

/// Builds `csrc/extensions/cost.c`: a module for a python, or a program.
fn build(folder: &Path, python: Option<&Python>) -> PathBuf {
    let mut command = cc();
    command.args(["-std=gnu11", "-O2"]).arg(shipped().root.join("csrc/extensions/cost.c"));
    let built = folder.join(if python.is_some() { "cost.so" } else { "cost" });
    match python.and_then(|python| python.include.as_ref()) {
        Some(include) => command.args(["-fPIC", "-shared", "-I"]).arg(include),
        None => command
            .args(["-DSTANDALONE", "-I"])
            .arg(&shipped().include)
            .arg("-L")
            .arg(&shipped().lib_dir)
            .args(["-lpybuffer", "-lpthread"]),
    };
    run(command.arg("-o").arg(&built));
    built
}

/// The numbers that a process prints: instructions by the slots alone, by the calls, nanoseconds by the calls.
fn numbers(command: &mut Command) -> Vec<f64> {
    let said = stdout(&run(command));
    let lists = said.lines().map(serde_json::from_str::<Vec<f64>>);
    lists.flat_map(|list| list.expect("a list of numbers")).collect()
}

/// One exporter without Python, asked by several threads at once.
fn threads(program: &Path) {
    println!("GetBuffer + Release, no Python, all of one exporter: ns, the slowest thread's");
    println!("{:28}{:>12}{:>12}", "threads", "audit off", "warn");
    for n in ["1", "2", "4"] {
        let time = |mode: &str| {
            let times = (0..5).map(|_| {
                let mut command = command_without_settings(program);
                command.env("LD_LIBRARY_PATH", &shipped().lib_dir).env("PYBUFFER_AUDIT", mode);
                numbers(command.arg(n))[2]
            });
            let mut times: Vec<f64> = times.collect();
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        };
        println!("{n:28}{:>12.0}{:>12.0}", time("off"), time("warn"));
    }
}

const EXPORTERS: &str = "
import array, cost, json, time
for exporter in bytes(9), bytearray(9), array.array('i', [1]), memoryview(b'abc'):
    print(json.dumps(cost.measure(exporter)))
def one(exporter):
    memoryview(exporter)
def per_call(n, exporter):
    begin = time.perf_counter()
    for _ in range(n):
        one(exporter)
    return (time.perf_counter() - begin) / n * 1e9
print(json.dumps([0, 0, min(per_call(100, bytearray(9)) for _ in range(5000))]))
";

/// CPython's own exporters: of the library, and of libpython.
fn exporters(python: &Python, folder: &Path) {
    let measured = |preload: bool, mode: &str, frames: &str| {
        let mut command = python.command();
        command
            .env("PYBUFFER_AUDIT_FRAMES", frames)
            .env("PYBUFFER_AUDIT", mode)
            .env("PYTHONPATH", folder)
            .args(["-c", EXPORTERS]);
        if preload {
            command.env("LD_PRELOAD", &shipped().so);
        }
        numbers(&mut command)
    };
    let columns = [
        ("libpython", measured(false, "off", "1")),
        ("audit off", measured(true, "off", "1")),
        ("warn, no frames", measured(true, "warn", "0")),
        ("warn", measured(true, "warn", "1")),
        ("warn, 4 frames", measured(true, "warn", "4")),
    ];
    println!(
        "\nGetBuffer + Release in CPython {}: instructions besides the exporter's, and ns",
        python.label
    );
    println!(
        "{:28}{}",
        "exporter",
        columns.each_ref().map(|(name, _)| format!("{name:>16}")).concat()
    );
    let rows = ["bytes", "bytearray", "array", "memoryview", "def f(x): memoryview(x)"];
    for (row, name) in rows.iter().enumerate() {
        let shown = |all: &[f64]| match all.get(3 * row..3 * row + 3) {
            Some([slots, calls, time]) => format!("{:.0} / {time:.1}", calls - slots),
            _ => String::from("?"),
        };
        println!(
            "{name:28}{}",
            columns.each_ref().map(|(_, all)| format!("{:>16}", shown(all))).concat()
        );
    }
}

const TYPES: &str = "
import time
objects = [type('T', (bytearray,), {})(4) for _ in range(30000)]
best = 1
for round in range(4):
    for at in range(0, len(objects), 500):
        part = objects[at:at + 500]
        begin = time.perf_counter()
        for object in part:
            memoryview(object).release()
        if round > 0:
            best = min(best, (time.perf_counter() - begin) / len(part))
print([best * 1e9])
";

/// As many types of exporters as a program may make.
fn types(python: &Python) {
    let time = |mode: &str| {
        let mut command = python.command();
        command.env("LD_PRELOAD", &shipped().so).env("PYBUFFER_AUDIT", mode);
        numbers(command.args(["-c", TYPES]))[0]
    };
    println!("\nmemoryview(x).release() for x of 30,000 types: ns");
    println!("{:28}{:>12.0}{:>12.0}", "audit off, warn", time("off"), time("warn"));
}
