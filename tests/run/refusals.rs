//! The programs that are refused, with the exit status and the advice in the message.

use super::*;

#[test]
fn what_cannot_be_run_ends_with_a_shells_status() {
    let (status, said) = refused(pybuffer_run().arg("no-such-program"));
    assert_eq!(
        (status, &*said),
        (Some(127), "pybuffer-run: no-such-program was not found on PATH\n")
    );
    let (status, said) = refused(pybuffer_run().arg("./no-such-program"));
    assert_eq!((status, &*said), (Some(127), "pybuffer-run: ./no-such-program was not found\n"));
    let (status, said) = refused(pybuffer_run().arg(""));
    assert_eq!((status, &*said), (Some(127), "pybuffer-run: the program's name is empty\n"));
    let folder = temp_dir("run-unfit");
    let (status, said) = refused(pybuffer_run().arg(&folder));
    assert!(status == Some(126) && said.ends_with("is a folder\n"), "{said}");
    fs::write(folder.join("plain"), "text").unwrap();
    let (status, said) = refused(pybuffer_run().arg(folder.join("plain")));
    assert!(status == Some(126) && said.ends_with("is not executable\n"), "{said}");
    script(&folder.join("lost"), "#!/no/such/interpreter\n");
    let (status, said) = refused(pybuffer_run().arg(folder.join("lost")));
    assert!(status == Some(126) && said.contains("/no/such/interpreter"), "{said}");
}

#[test]
fn wrong_options_end_with_2_and_the_right_ones() {
    let (status, said) = refused(pybuffer_run().args(["--audit=loud", "sh"]));
    assert!(status == Some(2) && said.contains("warn, raise or abort"), "{said}");
    let (status, said) = refused(&mut pybuffer_run());
    assert!(status == Some(2) && said.contains("--help"), "{said}");
    let help = stdout(&run(pybuffer_run().arg("--help")));
    for option in [
        "--audit",
        "--audit-log",
        "--audit-format",
        "--audit-frames",
        "--audit-ignore",
        "--audit-only",
        "--cpu",
        "--doctor",
        "--quiet",
        "--version",
    ] {
        assert!(help.contains(option), "{option} is not in the help");
    }
    let version = stdout(&run(pybuffer_run().arg("--version")));
    assert_eq!(version, concat!("pybuffer-run ", env!("CARGO_PKG_VERSION"), "\n"));
}

/// The proof before each run: the loader's own message is reported if it does not load the library or the companion.
#[test]
fn what_the_loader_does_not_take_is_refused_in_its_words() {
    for (file, words) in [
        ("libpybuffer.so.0", "from LD_PRELOAD cannot be preloaded (file too short)"),
        ("libpybuffer-audit.so", "cannot be loaded as audit interface: file too short"),
    ] {
        if file == "libpybuffer-audit.so" && !has_companion() {
            continue;
        }
        let folder = side_by_side("run-refused");
        let sound = run(pybuffer_run_at(&folder.join("pybuffer-run")).args(["echo", "ran"]));
        assert_eq!(printed(&sound), "--- stdout\nran\n--- stderr\n");
        fs::write(folder.join(file), "text").unwrap();
        let (status, said) =
            refused(pybuffer_run_at(&folder.join("pybuffer-run")).args(["echo", "ran"]));
        assert!(status == Some(2) && said.contains(words), "{said}");
        assert!(said.contains("--list") && said.contains("PYBUFFER_REDIRECT"), "{said}");
    }
}

fn build_program(name: &str, flags: &[&str]) -> Option<PathBuf> {
    let folder = temp_dir(&format!("run-program-{name}"));
    let source = folder.join("program.c");
    fs::write(&source, "#include <stdio.h>\nint main(void) { return puts(\"ran\") < 0; }\n")
        .unwrap();
    let program = folder.join("program");
    let output = run_any(cc().args(flags).arg(&source).arg("-o").arg(&program));
    if !output.status.success() {
        say(&format!("cannot build a program with {flags:?}: {}", printed(&output)));
        return None;
    }
    Some(program)
}

#[test]
fn statically_linked_program_is_refused_with_what_works() {
    let mut n_built = 0;
    for (name, flags) in [("static", "-static"), ("static-pie", "-static-pie")] {
        let Some(program) = build_program(name, &[flags]) else { continue };
        n_built += 1;
        let (status, said) = refused(pybuffer_run().arg(&program));
        assert_eq!(status, Some(2));
        assert!(said.contains("is a static executable"), "{said}");
        assert!(said.contains("pybuffer-static") && said.contains("PYBUFFER_REDIRECT"), "{said}");
    }
    if n_built == 0 {
        skip("statically_linked_program_is_refused_with_what_works", "no static libc is installed");
    }
}

#[test]
fn program_of_another_libc_is_refused_with_what_works() {
    let loader = "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1";
    let program = build_program("musl", &[loader]).expect("any loader can be named");
    let (status, said) = refused(pybuffer_run().arg(&program));
    assert!(
        status == Some(2) && said.contains("musl") && said.contains("PYBUFFER_REDIRECT"),
        "{said}"
    );
}

#[test]
fn loader_that_is_glibcs_by_name_only_is_refused() {
    let folder = temp_dir("run-loader");
    let loader = folder.join("ld-linux-x86-64.so.2");
    fs::copy(shipped().so.canonicalize().unwrap(), &loader).unwrap();
    let flag = format!("-Wl,--dynamic-linker={}", loader.display());
    let program = build_program("loader", &[&flag]).expect("any loader can be named");
    let (status, said) = refused(pybuffer_run().arg(&program));
    assert!(status == Some(2) && said.contains("despite its name"), "{said}");
}

#[test]
fn program_that_takes_rights_is_refused_with_what_works() {
    let test = "program_that_takes_rights_is_refused_with_what_works";
    let program = build_program("setgid", &[]).unwrap();
    // The program's group must differ from ours. Root can set any; another user needs a second group.
    let ours = stdout(&run(Command::new("id").arg("-g")));
    let all = stdout(&run(Command::new("id").arg("-G")));
    let is_root = stdout(&run(Command::new("id").arg("-u"))).trim() == "0";
    let other = all.split_whitespace().find(|group| *group != ours.trim());
    let Some(group) = other.or(is_root.then_some("1")) else {
        return skip(test, "this user has one group only");
    };
    run(Command::new("chgrp").arg(group).arg(&program));
    run(Command::new("chmod").arg("g+s").arg(&program));
    let (status, said) = refused(pybuffer_run().arg(&program));
    assert!(status == Some(2) && said.contains("setgid"), "{said}");
    // A script whose interpreter is setgid is refused too.
    let by_it = temp_dir("run-setgid").join("script");
    script(&by_it, &format!("#!{}\n", program.display()));
    assert_eq!(refused(pybuffer_run().arg(&by_it)).0, Some(2));
}
