//! Several copies of the library in one process, which keep one ledger: the preloaded one, and the archive in extensions,
//! where its names are hidden.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::super::support::{Python, printed, run, shipped, stdout};
use super::super::{audited, build_extension, each_python, is_heard, lines};

/// Builds both extensions with the archive, linked as users link it.
fn build_with_archives(python: &Python, folder: &Path) {
    let archive = shipped().lib_dir.join("libpybuffer.a");
    let more = [archive.as_os_str(), OsStr::new("-Wl,--exclude-libs,libpybuffer.a")];
    build_extension(python, "mistakes", folder, &more);
    build_extension(python, "forwarding", folder, &more);
}

/// As [`build_with_archives`], with a note of another alignment in front of each copy's own.
fn build_with_aligned_notes(python: &Python, folder: &Path) {
    let note = shipped().root.join("csrc/extensions/aligned_note.c");
    let archive = shipped().lib_dir.join("libpybuffer.a");
    let exclude = OsStr::new("-Wl,--exclude-libs,libpybuffer.a");
    for name in ["mistakes", "forwarding"] {
        build_extension(python, name, folder, &[note.as_os_str(), archive.as_os_str(), exclude]);
        let headers = run(std::process::Command::new("readelf")
            .arg("-lW")
            .arg(folder.join(format!("{name}.so"))));
        let headers = stdout(&headers);
        let mut notes = headers.lines().filter(|line| line.trim().starts_with("NOTE"));
        assert!(notes.any(|line| line.ends_with("0x8")), "{headers}");
    }
}

/// The number of `END` lines in a log: one for each process, or for each copy with a ledger of its own.
fn n_ends(log: &Path) -> usize {
    fs::read_to_string(log).unwrap_or_default().matches("] END: ").count()
}

#[test]
fn preloaded_copy_and_those_in_extensions_keep_one_ledger() {
    each_python("copies", |python, folder| {
        build_with_archives(python, folder);
        let log = folder.join("log");
        let script = shipped().root.join("tests/audit/forwarding.py");
        let output = run(audited(python, "abort", Some(&log)).arg(&script).arg(folder));
        assert_eq!(stdout(&output), "done\n", "{}: {}", python.label, printed(&output));
        assert_eq!((lines(&log), n_ends(&log)), (vec![], 1), "{}", python.label);
        // Mistakes are reported as with one copy.
        let _ = fs::remove_file(&log);
        let code = format!(
            "import sys; sys.path.insert(0, {folder:?}); import forwarding, mistakes as m\n\
             b = bytearray(4); m.keep(forwarding.forward(b)); m.lose(b); m.lose(b); m.right(m.Wrong())\n\
             m.move(bytearray(1))"
        );
        run(audited(python, "warn", Some(&log)).args(["-c", &code]));
        let starts = [
            "MUST 16 format: 'mistakes.Wrong' ",
            "RELEASE of a view that was moved: ",
            "HELD at exit: 2 views of 'bytearray' for PyBUF_SIMPLE (1 lost",
            "HELD at exit: 1 view of 'forwarding.forward' ",
        ];
        let expected: Vec<_> =
            starts.iter().filter(|s| !s.starts_with("RELEASE") || is_heard(python)).collect();
        let said = lines(&log);
        let is_as_expected = said.len() == expected.len()
            && said.iter().zip(expected).all(|(line, start)| line.starts_with(start));
        assert!(is_as_expected, "{}: {said:#?}", python.label);
        assert_eq!(n_ends(&log), 1, "{}", python.label);
    });
}

/// Runs a python without a preload: there are only the copies in its extensions.
fn alone(python: &Python, log: &Path, args: &[&OsStr]) {
    let _ = fs::remove_file(log);
    let mut command = python.command();
    command.args(["-W", "ignore"]).args(args);
    run(command.env("PYBUFFER_AUDIT", "warn").env("PYBUFFER_AUDIT_LOG", log));
}

#[test]
fn copies_in_two_extensions_keep_one_ledger() {
    each_python("two-copies", |python, folder| {
        build_with_archives(python, folder);
        keep_one_ledger(python, folder);
        build_with_aligned_notes(python, folder);
        keep_one_ledger(python, folder);
    });
}

fn keep_one_ledger(python: &Python, folder: &Path) {
    let log = folder.join("log");
    let script = shipped().root.join("tests/audit/forwarding.py");
    alone(python, &log, &[script.as_os_str(), folder.as_os_str()]);
    assert_eq!((lines(&log), n_ends(&log)), (vec![], 1), "{}", python.label);
    // One copy asks an exporter, which asks another by way of the other copy: this is one view.
    let code = format!(
        "import sys; sys.path.insert(0, {folder:?}); import forwarding, mistakes as m\n\
             m.keep(forwarding.forward(bytearray(4)))"
    );
    alone(python, &log, &[OsStr::new("-c"), OsStr::new(&code)]);
    let expected = "HELD at exit: 1 view of 'forwarding.forward' for PyBUF_FULL_RO; \
                        requested by mistakes.so (keep at +0x), <string>:2 in <module>";
    assert_eq!((lines(&log), n_ends(&log)), (vec![expected.into()], 1), "{}", python.label);
}

/// Changes the version in the note of the copy in a file.
fn make_newer(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let note = b"\x09\0\0\0\x04\0\0\0\x02\0\0\0pybuffer\0";
    let mut places = bytes.windows(note.len()).enumerate().filter(|(_, part)| part == note);
    let (place, _) = places.next().expect("no note");
    assert_eq!(places.next(), None);
    bytes[place + 8] = 3;
    fs::write(file, bytes).unwrap();
}

#[test]
fn copy_of_another_version_keeps_silent_and_makes_nobody_accused() {
    each_python("versions", |python, folder| {
        build_with_archives(python, folder);
        make_newer(&folder.join("mistakes.so"));
        let log = folder.join("log");
        let script = shipped().root.join("tests/audit/forwarding.py");
        let output = run(audited(python, "abort", Some(&log)).arg(&script).arg(folder));
        assert_eq!(stdout(&output), "done\n", "{}: {}", python.label, printed(&output));
        assert_eq!(lines(&log), [""; 0], "{}", python.label);
        // A view that is acquired by one copy and released by another may have passed through the copy of that version.
        let code = format!(
            "import sys; sys.path.insert(0, {folder:?}); import mistakes as m\n\
             m.move(bytearray(4)); m.never(b'abc'); m.twice(b'abc')"
        );
        run(audited(python, "abort", Some(&log)).args(["-c", &code]));
        assert_eq!(lines(&log), [""; 0], "{}", python.label);
        // If the first copy's version is not known, all others are silent.
        if python.libpython.is_some() {
            let first = folder.join("libpybuffer.so");
            fs::copy(&shipped().so, &first).unwrap();
            make_newer(&first);
            build_with_archives(python, folder);
            let _ = fs::remove_file(&log);
            let mut command = python.command();
            command.args(["-c", &code]).env("LD_PRELOAD", &first);
            run(command.env("PYBUFFER_AUDIT", "warn").env("PYBUFFER_AUDIT_LOG", &log));
            assert_eq!(n_ends(&log), 0, "{}", python.label);
        }
    });
}
