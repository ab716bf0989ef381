//! The audit of programs without Python.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::lines;
use super::super::support::{cc, run, run_any, shipped, temp_dir};

/// A consumer without Python, which releases a copy of one view and forgets another.
const PROGRAM: &str = r#"
#include <libpybuffer.h>
#include <stdlib.h>
static int get(PyObject *self, Py_buffer *view, int flags)
{
    return PyBuffer_FillInfo(view, self, "abc", 3, 1, flags);
}
static PyBufferProcs procs = { get, NULL };
static PyTypeObject letters = { PyVarObject_HEAD_INIT(NULL, 0) .tp_name = "letters",
    .tp_basicsize = sizeof(PyObject), .tp_flags = Py_TPFLAGS_DEFAULT, .tp_as_buffer = &procs };
int main(void)
{
    static Py_buffer kept, released, copy;
    if (PyType_Ready(&letters) < 0)
        return 1;
    PyObject *object = PyObject_New(PyObject, &letters);
    if (PyObject_GetBuffer(object, &kept, PyBUF_ND) || PyObject_GetBuffer(object, &released, PyBUF_ND))
        return 2;
    copy = released;
    PyBuffer_Release(&copy);
    exit(0);
}
"#;

/// A consumer without Python that asks who holds views of its object. Its exit status says what is wrong.
const ASKING: &str = r#"
int main(void)
{
    static Py_buffer one, two, three;
    pybuffer_holder holders[2];
    if (PyType_Ready(&letters) < 0)
        return 1;
    PyObject *object = PyObject_New(PyObject, &letters);
    if (pybuffer_holders(object, holders, 2) != 0)
        return 2;
    if (PyObject_GetBuffer(object, &one, PyBUF_ND) || PyObject_GetBuffer(object, &two, PyBUF_FULL_RO)
        || PyObject_GetBuffer(object, &three, PyBUF_FULL_RO))
        return 3;
    if (pybuffer_holders(object, holders, 2) != 3 || holders[0].flags != PyBUF_ND || holders[0].n_views != 1
        || holders[1].flags != PyBUF_FULL_RO || strcmp(holders[0].function, "main") != 0
        || strcmp(holders[0].file, "program") != 0 || holders[0].offset >= holders[1].offset
        || holders[0].n_frames != 0 || holders[0].len != 3 || strcmp(holders[0].type_name, "letters") != 0
        || holders[0].age < holders[1].age)
        return 4;
    PyBuffer_Release(&one);
    PyBuffer_Release(&three);
    if (pybuffer_holders(object, holders, 1) != 1 || holders[0].flags != PyBUF_FULL_RO)
        return 5;
    PyBuffer_Release(&two);
    return pybuffer_holders(object, NULL, 0) == 0 ? 0 : 6;
}
"#;

/// Links a program with a library, so that its functions' names are known at run time.
fn compile(source: &Path, library: &str, program: &Path) {
    run(cc()
        .arg("-I")
        .arg(&shipped().include)
        .arg(source)
        .arg("-L")
        .arg(&shipped().lib_dir)
        .args([library, "-rdynamic", "-o"])
        .arg(program));
}

#[test]
fn program_without_python_can_ask_who_holds_its_objects() {
    let folder = temp_dir("audit-asking");
    let (source, program) = (folder.join("program.c"), folder.join("program"));
    let exporter = PROGRAM.split("int main").next().unwrap();
    fs::write(&source, format!("#include <string.h>{exporter}{ASKING}")).unwrap();
    compile(&source, "-lpybuffer", &program);
    let mut command = Command::new(&program);
    command.env("LD_LIBRARY_PATH", &shipped().lib_dir).env("PYBUFFER_AUDIT", "warn");
    let output = run_any(&mut command);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn program_without_python_is_audited_too() {
    let folder = temp_dir("audit-program");
    let source = folder.join("program.c");
    fs::write(&source, PROGRAM).unwrap();
    let (log, program) = (folder.join("log"), folder.join("program"));
    for library in ["-lpybuffer", "-l:libpybuffer.a"] {
        compile(&source, library, &program);
        let _ = fs::remove_file(&log);
        let mut command = Command::new(&program);
        command.env("LD_LIBRARY_PATH", &shipped().lib_dir).env("PYBUFFER_AUDIT", "warn");
        // A relative name starts from the folder in which the program was started.
        run(command.env("PYBUFFER_AUDIT_LOG", "log").current_dir(&folder));
        let expected = [
            "RELEASE of a view that was moved: 'letters' for PyBUF_CONTIG_RO; requested by program (main at +0x); \
             released by program (main at +0x)",
            "HELD at exit: 1 view of 'letters' for PyBUF_CONTIG_RO; requested by program (main at +0x)",
        ];
        assert_eq!(lines(&log), expected, "{library}");
    }
}

/// Builds `tests/audit/memoryviews.c` and runs it under the audit; its argument `what` says what it does.
fn memoryviews(what: &str, mode: &str) -> (Option<i32>, Vec<String>) {
    let folder = temp_dir(&format!("audit-memoryviews-{what}-{mode}"));
    let (log, program) = (folder.join("log"), folder.join("program"));
    run(cc()
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-I"])
        .arg(&shipped().include)
        .arg(shipped().root.join("tests/audit/memoryviews.c"))
        .arg("-L")
        .arg(&shipped().lib_dir)
        .args(["-lpybuffer", "-o"])
        .arg(&program));
    let mut command = Command::new(&program);
    command.arg(what).env("LD_LIBRARY_PATH", &shipped().lib_dir);
    let output = run_any(command.env("PYBUFFER_AUDIT", mode).env("PYBUFFER_AUDIT_LOG", &log));
    (output.status.code(), lines(&log))
}

#[test]
fn memoryview_of_a_forwarding_exporter_is_released() {
    assert_eq!(memoryviews("forward", "warn"), (Some(0), vec![]));
    assert_eq!(memoryviews("forward", "abort"), (Some(0), vec![]));
}

#[test]
fn memoryview_of_a_wrong_answer_is_told_of_and_refused() {
    let line = "MUST 3 len: 'exporter' for PyBUF_FULL_RO: len: found 7, expected 3; \
                requested by libpybuffer itself";
    let again = "AGAIN: 9 more findings like those above of 'exporter'";
    let expected = vec![line.to_string(), again.to_string()];
    assert_eq!(memoryviews("wrong", "warn"), (Some(0), expected));
    // Status 3: a SystemError was raised in place of the memoryview.
    assert_eq!(memoryviews("wrong", "raise"), (Some(3), vec![line.to_string()]));
}

#[test]
fn memoryview_that_is_kept_holds_its_view() {
    let line = "HELD at exit: 1 view of 'exporter' for PyBUF_FULL_RO; requested by libpybuffer \
                itself";
    assert_eq!(memoryviews("keep", "warn"), (Some(0), vec![line.to_string()]));
}
