//! The interpreters of scripts, and the variables that an `env` in between removes.

use super::*;

#[test]
fn scripts_are_run_by_what_their_first_line_names() {
    let folder = temp_dir("run-scripts");
    let at = |name: &str| folder.join(name);
    let python = &pythons()[0].exe;
    let code = "import os, sys\nprint(sys.argv[1:], 'libpybuffer' in os.environ['LD_PRELOAD'])\n";
    script(&at("direct"), &format!("#!{} -s\n{code}", python.display()));
    let by_env = at("bin");
    fs::create_dir(&by_env).unwrap();
    std::os::unix::fs::symlink(python, by_env.join("the-python")).unwrap();
    script(&at("by-env"), &format!("#!/usr/bin/env the-python\n{code}"));
    script(&at("no-line"), "echo $1\n");
    let path = format!("{}:{}", by_env.display(), std::env::var("PATH").unwrap());
    script(&at("by-options"), &format!("#!/usr/bin/env -S -u FOO A=1 the-python\n{code}"));
    for name in ["direct", "by-env", "by-options"] {
        let output = run(pybuffer_run().arg("-q").arg(at(name)).arg("a b").env("PATH", &path));
        assert_eq!(stdout(&output), "['a b'] True\n", "{name}");
    }
    let output = run(pybuffer_run().arg(at("no-line")).arg("a b"));
    assert_eq!(stdout(&output), "a b\n");
}

#[test]
fn env_that_removes_the_preload_is_refused() {
    let file = temp_dir("run-env").join("script");
    let by_line =
        ["-iS sh", "-S --ignore-environ sh", "-S A=1 env -i sh", "-viS sh", "-S LD_PRELOAD= sh"];
    for line in by_line {
        script(&file, &format!("#!/usr/bin/env {line}\necho ran\n"));
        refused_for_env(pybuffer_run().arg(&file));
    }
    for options in [
        &["-i"][..],
        &["-iu", "FOO"],
        &["-iv"],
        &["-vi"],
        &["-"],
        &["--ignore-env"],
        &["--uns", "LD_PRELOAD"],
        &["A=1", "env", "-i"],
        &["-S", "-i A='x y'"],
        &["PATH=/bin", "LD_PRELOAD="],
    ] {
        let run_sh = ["/bin/sh", "-c", "echo ran"];
        refused_for_env(pybuffer_run().arg("env").args(options).args(run_sh));
    }
    let kept = run(pybuffer_run().args(["env", "-u", "FOO", "true"]));
    assert_eq!(stderr(&kept), "");
    let kept =
        run(pybuffer_run().args(["env", "A='-i'", "--default-sig=PIPE", "sh", "-c", "echo $A"]));
    assert_eq!(stdout(&kept), "'-i'\n");
}

fn refused_for_env(command: &mut Command) {
    let (status, said) = refused(command);
    assert!(status == Some(2) && said.contains("env removes LD_PRELOAD"), "{said}");
    assert!(said.contains("env -i pybuffer-run PROGRAM"), "{said}");
}

/// LD_AUDIT is needed for a statically linked python only.
#[test]
fn env_that_removes_the_companion_is_refused_where_it_is_needed() {
    for python in reach::reached() {
        for options in [&["-u", "LD_AUDIT"][..], &["LD_AUDIT="]] {
            let mut command = pybuffer_run();
            command.arg("env").args(options).arg(&python.exe).args(["-c", "print('ran')"]);
            if python.libpython.is_some() {
                assert_eq!(printed(&run(&mut command)), "--- stdout\nran\n--- stderr\n");
            } else {
                let (status, said) = refused(&mut command);
                assert!(status == Some(2) && said.contains("env removes LD_AUDIT"), "{said}");
            }
        }
    }
}
