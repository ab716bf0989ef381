//! Thread-local memory at a fixed offset (initial-exec TLS): `LD_AUDIT` leaves less room for that of libraries, so the
//! command enlarges it.

use super::*;

/// A library with `size` bytes of it.
fn build_library(folder: &Path, size: usize) -> PathBuf {
    let source = folder.join("library.c");
    let text = "__thread __attribute__((tls_model(\"initial-exec\"))) char its[SIZE];\n\
                char *address_of_its(void) { return its; }\n";
    fs::write(&source, text).unwrap();
    let library = folder.join(format!("lib{size}.so"));
    let size = format!("-DSIZE={size}");
    run(cc().args(["-O1", "-fPIC", "-shared", &size, "-o"]).arg(&library).arg(&source));
    library
}

/// A program that loads the libraries given as arguments. Its exit status is the number of failures.
fn build_loader(folder: &Path) -> PathBuf {
    let source = folder.join("loader.c");
    let text = "#include <dlfcn.h>\n#include <stdio.h>\n\
                int main(int n, char **names)\n\
                {\n\
                    int n_failed = 0;\n\
                    while (*++names != NULL) {\n\
                        if (dlopen(*names, RTLD_NOW) == NULL) { n_failed++; puts(dlerror()); }\n\
                    }\n\
                    return n_failed;\n\
                }\n";
    fs::write(&source, text).unwrap();
    let program = folder.join("loader");
    run(cc().arg(&source).args(["-ldl", "-o"]).arg(&program));
    program
}

#[test]
fn libraries_that_a_program_can_load_it_can_load_with_the_command() {
    let folder = temp_dir("run-tls-load");
    let loader = build_loader(&folder);
    let libraries = (1..=24).map(|n| build_library(&folder, n * 96));
    let can_load = |library: &PathBuf| run_any(Command::new(&loader).arg(library)).status.success();
    let largest = libraries.take_while(can_load).last().expect("one of 96 bytes");
    run(pybuffer_run().arg(&loader).arg(&largest));
    // The same in a python that the command runs, and in one that a program run by the command starts.
    let code = "import ctypes, sys; ctypes.CDLL(sys.argv[1])";
    for python in pythons() {
        let command = |mut command: Command| run(command.args(["-c", code]).arg(&largest));
        if !run_any(python.command().args(["-c", code]).arg(&largest)).status.success() {
            continue; // this python needs some of the room itself
        }
        let mut by_shell = pybuffer_run();
        by_shell.args(["sh", "-c", "\"$0\" \"$@\""]).arg(&python.exe);
        command(by_shell);
        if reach::is_reached(python) {
            let mut directly = pybuffer_run();
            directly.arg("-q").arg(&python.exe);
            command(directly);
        }
    }
}

#[test]
fn programs_that_start_with_large_libraries_start_with_the_command() {
    let folder = temp_dir("run-tls-start");
    let source = folder.join("program.c");
    fs::write(&source, "#include <stdio.h>\nint main(void) { return puts(\"ran\") < 0; }\n")
        .unwrap();
    for size in [1500, 3500, 100_000] {
        let library = build_library(&folder, size);
        let program = folder.join("program");
        let rpath = format!("-Wl,-rpath,{}", folder.display());
        let link = ["-Wl,--no-as-needed", &rpath, "-o"];
        run(cc().arg(&source).args(link).arg(&program).arg(&library));
        assert_eq!(stdout(&run(pybuffer_run().arg(&program))), "ran\n");
        // If the user preloads it, every program that is started loads it.
        let mut preloaded = pybuffer_run();
        preloaded.env("LD_PRELOAD", &library).args(["sh", "-c", "echo ran"]);
        assert_eq!(stdout(&run(&mut preloaded)), "ran\n");
        if size < 4000 {
            let by_shell = ["sh", "-c", &format!("exec '{}'", program.display())];
            assert_eq!(stdout(&run(pybuffer_run().args(by_shell))), "ran\n");
        }
    }
}

/// OpenMP's runtime, which NumPy's and PyTorch's wheels contain.
#[test]
fn openmp_works_with_the_command() {
    let folder = temp_dir("run-tls-openmp");
    let source = folder.join("program.c");
    let text = "#include <omp.h>\n#include <stdio.h>\n\
                int main(void)\n\
                {\n\
                    int sum = 0;\n\
                    #pragma omp parallel for reduction(+ : sum)\n\
                    for (int i = 0; i < 1000; i++) sum += i;\n\
                    return printf(\"%d\\n\", sum) < 0;\n\
                }\n";
    fs::write(&source, text).unwrap();
    let program = folder.join("program");
    if !run_any(cc().arg("-fopenmp").arg(&source).arg("-o").arg(&program)).status.success() {
        return skip("openmp_works_with_the_command", "this C compiler comes without OpenMP");
    }
    assert_eq!(stdout(&run(pybuffer_run().arg(&program))), "499500\n");
}

/// The room is taken from each thread's stack; the smallest stack that Python allows is still large enough.
#[test]
fn threads_with_the_smallest_stack_work_with_the_command() {
    let code = "import threading; threading.stack_size(32768)\n\
                said = []\n\
                def work(): said.append(memoryview(b'abcdef')[::-2].tobytes())\n\
                thread = threading.Thread(target=work); thread.start(); thread.join(); print(said)";
    for python in reach::reached() {
        let alone = run_any(python.command().args(["-c", code]));
        let with = run_any(pybuffer_run().arg("-q").arg(&python.exe).args(["-c", code]));
        assert_eq!(
            (with.status, printed(&with)),
            (alone.status, printed(&alone)),
            "{}",
            python.label
        );
    }
}
