//! `--doctor`: its description of a program, and its test of a python.

use super::reach::reached;
use super::*;

/// The exit status and the lines of the output, by their labels.
fn doctor(command: &mut Command) -> (Option<i32>, BTreeMap<String, String>) {
    let output = run_any(command);
    assert_eq!(stderr(&output), "");
    let text = stdout(&output);
    let lines = text.lines().map(|line| line.split_at(13));
    (output.status.code(), lines.map(|(l, r)| (l.trim().to_string(), r.to_string())).collect())
}

#[test]
fn doctor_proves_in_every_python_what_is_live() {
    for python in reached() {
        let (status, said) =
            doctor(pybuffer_run().args(["--doctor", "--cpu=sse"]).arg(&python.exe));
        assert_eq!(status, Some(0), "{said:#?}");
        let version = stdout(&run(python.command().args(["-c", "import sys; print(sys.version)"])));
        let version = version.split_whitespace().next().unwrap();
        assert_eq!(said["version"], format!("cpython {version}"));
        assert!(said["libpybuffer"].starts_with(env!("CARGO_PKG_VERSION")), "{said:#?}");
        let lowered = if support::arch() == "aarch64" { "neon" } else { "sse" };
        assert!([lowered, "generic"].contains(&&*said["CPU level"]), "{said:#?}");
        let is_musl = crate::support::target().is_some_and(|target| target.ends_with("musl"));
        let libc = if is_musl { "not glibc" } else { "glibc 2." };
        assert!(said["C library"].starts_with(libc), "{said:#?}");
        let heard = match &python.libpython {
            Some(libpython) => {
                assert_eq!(Path::new(&said["libpython"]), libpython);
                assert!(said["reached by"].starts_with("LD_PRELOAD"), "{said:#?}");
                !python.answers_itself()
            }
            None => {
                assert_eq!(said["libpython"], "in the executable");
                assert!(said["reached by"].contains("LD_PRELOAD and LD_AUDIT="), "{said:#?}");
                assert!(said["not reached"].contains("-fno-plt"), "{said:#?}");
                false
            }
        };
        let live = &said["live"];
        assert!(live.starts_with("yes: calls by extension modules"), "{live}");
        assert_eq!(live.ends_with("and the interpreter's own"), heard, "{live}");
    }
}

#[test]
fn doctor_says_where_nothing_is_live() {
    // A wrapper of a python that unsets the variables.
    let wrapper = temp_dir("run-doctor").join("python-alone");
    let python = pythons()[0].exe.display();
    script(&wrapper, &format!("#!/bin/sh\nunset LD_PRELOAD LD_AUDIT\nexec {python} \"$@\"\n"));
    let (status, said) = doctor(pybuffer_run().arg("--doctor").arg(&wrapper));
    assert_eq!(status, Some(2), "{said:#?}");
    assert!(said["live"].starts_with("NO: "), "{said:#?}");
    // The same if a script names the wrapper, as with a version manager.
    let by_env = wrapper.with_file_name("script");
    script(&by_env, "#!/usr/bin/env python-alone\nraise SystemExit('ran')\n");
    let folder = wrapper.parent().unwrap().display();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    let (status, said) = doctor(pybuffer_run().arg("--doctor").arg(&by_env).env("PATH", &path));
    assert!(status == Some(2) && said["live"].starts_with("NO: "), "{said:#?}");
    // A script that a python interprets is not run, even if its name begins with `python`.
    let named = wrapper.with_file_name("python-script");
    script(&named, &format!("#!{python}\nraise SystemExit('ran')\n"));
    let (status, said) = doctor(pybuffer_run().arg("--doctor").arg(&named));
    assert!(status == Some(0) && said["live"].starts_with("yes"), "{said:#?}");
    // A program that is not a python is described, and not run.
    let (status, said) = doctor(pybuffer_run().args(["--doctor", "rm"]));
    assert!(status == Some(0) && said["live"].starts_with("not tested"), "{said:#?}");
}

/// With `-X dev`, an unclosed file would print a warning. The version is printed completely.
#[test]
fn doctor_leaves_no_file_open_and_says_the_whole_version() {
    let python = pythons()[0].exe.display();
    let wrapper = temp_dir("run-doctor-version").join("python-of-tomorrow");
    let code = "import sys; sys.version = '3.15.0rc1 (main)'; exec(sys.argv[1])";
    script(&wrapper, &format!("#!/bin/sh\nexec {python} -X dev -I -c \"{code}\" \"$3\"\n"));
    let (status, said) = doctor(pybuffer_run().arg("--doctor").arg(&wrapper));
    assert_eq!((status, &*said["version"]), (Some(0), "cpython 3.15.0rc1"), "{said:#?}");
}
