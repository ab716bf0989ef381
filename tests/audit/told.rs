//! What is told and how: findings that are ignored, those that are left out, and lines as JSON.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::super::support::{Python, printed, pythons, run, run_any, shipped, stdout};
use super::super::{audited, each_python, is_heard, lines, said_of};

/// Mistakes of two exporters, and one of the program.
const CODE: &str = "\
import ctypes
m.right(ctypes.c_int(3)); m.right(m.Wrong()); m.keep(bytearray(3))";

const CTYPES: &str = "MUST 16 format: 'c_int' ";
const WRONG: &str = "MUST 16 format: 'mistakes.Wrong' ";
const HELD: &str = "HELD at exit: 1 view of 'bytearray' ";

/// Runs `CODE` with options of `pybuffer-run`.
fn run_with(python: &Python, folder: &Path, mode: &str, options: &[&str]) -> (Output, Vec<String>) {
    let log = folder.join("log");
    let _ = fs::remove_file(&log);
    let code = format!("import sys; sys.path.insert(0, {folder:?})\nimport mistakes as m\n{CODE}");
    let all = audited(python, mode, Some(&log));
    let mut command = super::super::support::command_without_settings(all.get_program());
    // The options come before the program.
    let args: Vec<_> = all.get_args().collect();
    let (exe, ours) = args.split_last().unwrap();
    command.args(ours).args(options).arg(exe).args(["-c", &code]).current_dir(folder);
    command.env_remove("LD_PRELOAD").env_remove("LD_AUDIT");
    (run_any(&mut command), lines(&log))
}

/// Asserts which lines there are, by their beginnings, in any order.
fn expect(python: &Python, said: &[String], expected: &[&str]) {
    let mut said = said.to_vec();
    for start in expected {
        let at = said.iter().position(|line| line.starts_with(start));
        let at = at.unwrap_or_else(|| panic!("{}: no {start} in {said:#?}", python.label));
        said.remove(at);
    }
    assert!(said.is_empty(), "{}: {said:#?}", python.label);
}

#[test]
fn findings_are_ignored_by_type_and_rule() {
    each_python("ignored", |python, folder| {
        fs::write(
            folder.join("list"),
            "# what is known\n_ctypes.*:format # any array\n\n bytearray : held\n",
        )
        .unwrap();
        fs::write(folder.join("more"), "known\nbytearray:held").unwrap();
        for (list, expected) in [
            ("*", &[][..]),
            ("known", &[WRONG, HELD]),
            ("c_*:16, mistakes.*", &[HELD]),
            // A type's bases count, and an underscore at the beginning does not.
            ("ctypes.*:format", &[WRONG, HELD]),
            ("@list", &[WRONG]),
            ("@more", &[WRONG]),
            ("@list,known, mistakes.Wrong:format", &[]),
            ("*:held", &[CTYPES, WRONG]),
            (
                "mistakes.*:strides, mistakes.*",
                &[
                    CTYPES,
                    HELD,
                    "UNUSED: 'mistakes.*:strides' of PYBUFFER_AUDIT_IGNORE: no such finding was met",
                ],
            ),
            (
                "*:formt,*:format",
                &[HELD, "UNUSED: '*:formt' of PYBUFFER_AUDIT_IGNORE: there is no such rule"],
            ),
            (
                "@no such file",
                &[
                    CTYPES,
                    WRONG,
                    HELD,
                    "UNUSED: '@no such file' of PYBUFFER_AUDIT_IGNORE: the file cannot be read: No such file",
                ],
            ),
        ] {
            let option = format!("--audit-ignore={list}");
            let (output, said) = run_with(python, folder, "warn", &[&option]);
            assert!(output.status.success(), "{list}: {}", printed(&output));
            expect(python, &said, expected);
        }
    });
}

#[test]
fn findings_of_other_types_and_libraries_are_left_out() {
    each_python("only", |python, folder| {
        for (list, expected) in [
            ("mistakes.Wrong", &[WRONG][..]),
            ("ctypes.*,bytearray", &[CTYPES, HELD]),
            // The library that makes the requests.
            ("mistakes.so", &[CTYPES, WRONG, HELD]),
            ("mistakes.*", &[CTYPES, WRONG, HELD]),
            (
                "numpy.*",
                &["UNUSED: 'numpy.*' of PYBUFFER_AUDIT_ONLY: no such type or library was met"],
            ),
        ] {
            let option = format!("--audit-only={list}");
            let (output, said) = run_with(python, folder, "warn", &[&option]);
            assert!(output.status.success(), "{list}: {}", printed(&output));
            expect(python, &said, expected);
        }
        let options = ["--audit-only=mistakes.so", "--audit-ignore=known,*:held"];
        expect(python, &run_with(python, folder, "warn", &options).1, &[WRONG]);
    });
}

#[test]
fn ignored_findings_neither_raise_nor_abort() {
    each_python("go-on", |python, folder| {
        for mode in ["raise", "abort"] {
            let (output, _) = run_with(python, folder, mode, &[]);
            let is_stopped = !output.status.success();
            assert!(is_stopped, "{}: {mode}: {}", python.label, printed(&output));
            let (output, said) =
                run_with(python, folder, mode, &["--audit-ignore=known,mistakes.Wrong:format"]);
            assert!(output.status.success(), "{}: {mode}: {}", python.label, printed(&output));
            expect(python, &said, &[HELD]);
            // Another finding still does.
            let (output, _) = run_with(python, folder, mode, &["--audit-ignore=known"]);
            let signal = output.status.signal();
            assert!(
                if mode == "abort" { signal == Some(6) } else { output.status.code() == Some(1) },
                "{}: {mode}: {}",
                python.label,
                printed(&output)
            );
        }
    });
}

#[test]
fn wrong_releases_are_ignored_by_their_names() {
    each_python("releases", |python, folder| {
        if !is_heard(python) || python.debug {
            return;
        }
        for (call, name) in [("move", "moved"), ("twice", "twice"), ("never", "never-acquired")] {
            let code = |list: &str| {
                format!(
                    "import os\nif os.environ.get('PYBUFFER_AUDIT_IGNORE') != {list:?}:\n \
                         os.environ['PYBUFFER_AUDIT_IGNORE'] = {list:?}\n \
                         os.execv(sys.executable, [sys.executable, '-c', 'import sys; sys.path.insert(0, {:?}); import mistakes as m; m.{call}(bytearray(4))'])",
                    folder
                )
            };
            assert_eq!(said_of(python, folder, &code(&format!("bytearray:{name}"))), [""; 0]);
            assert_eq!(said_of(python, folder, &code("bytearray:held,x*")).len(), 3, "{name}");
        }
    });
}

/// The rules that docs/findings.txt says are broken, each with the type; and the bases of ctypes' types.
fn found_by_the_checker() -> BTreeSet<(String, String)> {
    let text = fs::read_to_string(shipped().root.join("docs/findings.txt")).unwrap();
    let (mut kind, mut found) = (String::new(), BTreeSet::new());
    for line in text.lines() {
        if let Some((name, _)) =
            line.trim().split_once(": ").filter(|_| line.contains(" requests met"))
        {
            kind = name.into();
        } else if let Some(rest) = line.trim().strip_prefix("MUST ") {
            let rule = rest.split_once(' ').unwrap().1.split_once(':').unwrap().0;
            found.insert((kind.clone(), rule.into()));
        }
    }
    found
}

/// What the live audit alone can see, and what only a longer test met: docs/audit.md tells of it.
const SEEN_BY_THE_AUDIT: [(&str, &str); 3] = [
    ("numpy.timedelta64", "shape"),
    ("numpy.timedelta64", "strides"),
    ("numpy.void", "obj-on-failure"),
];

#[test]
fn known_faults_are_those_that_the_checker_finds() {
    let text = fs::read_to_string(shipped().root.join("src/audit/known.txt")).unwrap();
    let known: BTreeSet<(String, String)> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(':').unwrap())
        .map(|(kind, rule)| (kind.into(), rule.into()))
        .collect();
    let base = |kind: &str, rule: &str| -> String {
        match kind {
            // NumPy's own subclass of its array.
            "memmap" => "numpy.ndarray".into(),
            kind if kind.contains('.') => kind.into(),
            kind if kind.contains("_Array_") && rule != "format" => "_ctypes.Array".into(),
            _ => "_ctypes._CData".into(),
        }
    };
    let mut expected: BTreeSet<(String, String)> =
        found_by_the_checker().into_iter().map(|(kind, rule)| (base(&kind, &rule), rule)).collect();
    expected.extend(SEEN_BY_THE_AUDIT.map(|(kind, rule)| (kind.to_owned(), rule.to_owned())));
    assert_eq!(known, expected);
}

/// A program whose names contain whatever a name can contain.
const ODD: &str = r#"
import sys, os
sys.path.insert(0, sys.argv[1])
import mistakes as m
names = ["a\"b\\c", "line\nbreak\ttab\x01\x7f", "\u00e9\u20ac\U0001f40d", "sur\udcff\ud800rogate", "x" * 5000, ""]
keep = []
for name in names:
    code = "def f(): m.keep(bytearray(1))\nf()"
    exec(compile(code, name or "-", "exec"), {"m": m})
    kind = type(name.encode("utf-8", "replace").decode() or "-", (bytearray,), {})
    for _ in range(2):
        m.lose(kind(3))
m.right(m.Wrong()); m.right(m.Wrong())
try: m.right(m.Silent())
except SystemError: pass
"#;

#[test]
fn every_line_of_json_is_an_object_with_the_facts() {
    each_python("json", |python, folder| {
        let (log, file) = (folder.join("log"), folder.join("odd.py"));
        fs::write(
            &file,
            ODD.replace(
                "try: m.right(m.Silent())",
                if python.debug { "try: pass" } else { "try: m.right(m.Silent())" },
            ),
        )
        .unwrap();
        let mut command = audited(python, "warn", Some(&log));
        command.env("PYBUFFER_AUDIT_FORMAT", "json").env("PYBUFFER_AUDIT_FRAMES", "8");
        command.env("PYBUFFER_AUDIT_IGNORE", "no\"such*,\u{fe}\u{1}:x");
        let output = run(command.arg(&file).arg(folder));
        assert_eq!(stdout(&output), "", "{}", printed(&output));
        let text = fs::read_to_string(&log).unwrap();
        let all: Vec<Value> = text
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect();
        let of =
            |kind: &str| all.iter().filter(move |line| line["kind"] == *kind).collect::<Vec<_>>();
        assert!(all.iter().all(|line| line["audit"] == "libpybuffer" && line["pid"].is_number()));
        let wrong = of("rule").into_iter().find(|line| line["type"] == "mistakes.Wrong").unwrap();
        for (name, value) in [
            ("severity", "MUST"),
            ("name", "format"),
            ("field", "format"),
            ("request", "PyBUF_SIMPLE"),
        ] {
            assert_eq!(wrong[name], value, "{wrong}");
        }
        assert_eq!((&wrong["rule"], &wrong["flags"]), (&16.into(), &0.into()), "{wrong}");
        assert_eq!(wrong["caller"]["file"], "mistakes.so", "{wrong}");
        assert_eq!(wrong["caller"]["function"], "right", "{wrong}");
        assert!(wrong["caller"]["offset"].as_u64().unwrap() > 0, "{wrong}");
        assert_eq!(wrong["frames"][0]["function"], "<module>", "{wrong}");
        let held: BTreeSet<&str> =
            of("held").iter().map(|line| line["frames"][0]["file"].as_str().unwrap()).collect();
        for name in ["a\"b\\c", "line\nbreak\ttab\x01\x7f", "\u{e9}\u{20ac}\u{1f40d}"] {
            assert!(held.contains(name), "{}: no {name:?} in {held:?}", python.label);
        }
        let surrogates = "sur\\udcff\\ud800rogate";
        assert!(held.contains(surrogates), "{}: {held:?}", python.label);
        assert!(of("held").iter().any(|line| line["lost"] == 1 && line["views"] == 2));
        assert_eq!(of("again").len(), 1);
        assert_eq!(
            (&of("again")[0]["count"], &of("again")[0]["type"]),
            (&1.into(), &"mistakes.Wrong".into())
        );
        assert_eq!(of("unused").len(), 2, "{}", python.label);
        let end = all.last().unwrap();
        assert_eq!(end["kind"], "end");
        assert_eq!(end["hears_interpreter"], is_heard(python), "{end}");
        assert!(end["runtime"].as_str().unwrap().starts_with("CPython 3."), "{end}");
        assert_eq!(end["lines"].as_u64().unwrap() as usize, all.len() - 2, "{text}");
    });
}

#[test]
fn wrong_releases_are_json_too() {
    for python in pythons().iter().filter(|python| is_heard(python) && !python.debug) {
        let Some(folder) = super::super::build_mistakes(python, "json-releases") else { continue };
        let log = folder.join("log");
        let code = format!(
            "import sys; sys.path.insert(0, {folder:?}); import mistakes as m\n\
             m.move(bytearray(4)); m.never(bytearray(4))"
        );
        let mut command = audited(python, "warn", Some(&log));
        run(command.env("PYBUFFER_AUDIT_FORMAT", "json").args(["-c", &code]));
        let text = fs::read_to_string(&log).unwrap();
        let all: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(all.len(), 3, "{text}");
        assert_eq!((&all[0]["kind"], &all[0]["name"]), (&"release".into(), &"moved".into()));
        assert_eq!(all[0]["caller"]["function"], "move");
        assert_eq!(all[0]["released"]["caller"]["function"], "move");
        assert_eq!(all[0]["released"]["frames"][0]["line"], 2);
        assert_eq!(all[1]["name"], "never-acquired");
        assert_eq!(all[1].get("caller"), None);
    }
}

/// Moves a view where 8 frames have names of which each byte becomes six.
const LONGEST: &str = r#"
import sys
sys.path.insert(0, sys.argv[1])
import mistakes as m
def move(n):
    move(n - 1) if n else m.move(bytearray(1))
names = {"co_filename": "\x01" * 600, "co_name": "\x02" * 600}
if sys.version_info >= (3, 11):
    names["co_qualname"] = names["co_name"]
move.__code__ = move.__code__.replace(**names)
move(9)
"#;

#[test]
fn longest_line_is_json() {
    for python in pythons().iter().filter(|python| is_heard(python)) {
        let Some(folder) = super::super::build_mistakes(python, "json-longest") else { continue };
        let (log, file) = (folder.join("log"), folder.join("longest.py"));
        fs::write(&file, LONGEST).unwrap();
        let mut command = audited(python, "warn", Some(&log));
        command.env("PYBUFFER_AUDIT_FORMAT", "json").env("PYBUFFER_AUDIT_FRAMES", "8");
        run(command.arg(&file).arg(&folder));
        let text = fs::read_to_string(&log).unwrap();
        let line = text.lines().next().unwrap();
        let moved: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {}", line.len()));
        for frames in [&moved["frames"], &moved["released"]["frames"]] {
            assert_eq!(frames[7]["file"], "\u{1}".repeat(512), "{}", python.label);
            assert_eq!(frames[7]["function"], "\u{2}".repeat(512), "{}", python.label);
        }
    }
}

#[test]
fn entries_that_name_nothing_are_told_at_the_beginning() {
    let code = "\
import os
m.right(m.Wrong())
os._exit(0)";
    each_python("begins", |python, folder| {
        fs::write(folder.join("large"), vec![b'#'; 1 << 20]).unwrap();
        let large = folder.join("large");
        let list = format!("*:formt,no*:held,@/no/such/file,@{}", large.display());
        let log = folder.join("log");
        let code =
            format!("import sys; sys.path.insert(0, {folder:?})\nimport mistakes as m\n{code}");
        let mut command = audited(python, "warn", Some(&log));
        run(command.env("PYBUFFER_AUDIT_IGNORE", &list).args(["-c", &code]));
        let of =
            |entry: &str, why: &str| format!("UNUSED: '{entry}' of PYBUFFER_AUDIT_IGNORE: {why}");
        let no_file = "the file cannot be read:";
        let said = lines(&log);
        let expected = [
            of(&format!("@{}", large.display()), &format!("{no_file} File too large")),
            of("@/no/such/file", &format!("{no_file} No such file or directory")),
            of("*:formt", "there is no such rule (docs/rules.md lists them)"),
        ];
        assert_eq!(said[..3], expected, "{}", python.label);
        assert!(said.len() == 4 && said[3].starts_with(WRONG), "{}: {said:#?}", python.label);
    });
}
