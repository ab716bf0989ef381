//! The command: reads its options, prepares the environment and executes the program.

use alloc::vec::Vec;

use crate::doctor;
use crate::options::{self, Action, DETAILS, Options};
use crate::plan;
use crate::program::{self, Refusal};
use crate::proof;
use crate::sys;

const HELP: &str = "\
Runs a program with libpybuffer's functions in place of libpython's own.

usage: pybuffer-run [OPTION...] [--] PROGRAM [ARGUMENT...]
       pybuffer-run --doctor [PROGRAM]

  --audit[=MODE]    check every view; MODE is warn (the default), raise or abort; see docs/audit.md
  --audit-log=FILE  write the audit's findings to FILE instead of standard error
  --audit-format=json  write the findings as JSON, an object a line (text is the default)
  --audit-frames=N  name the N innermost Python lines (0 to 8; 1 is the default)
  --audit-ignore=LIST  leave out findings: TYPE:RULE,... with * in TYPE; known (faults of ctypes, NumPy
                    and PyArrow); @FILE (an entry a line)
  --audit-only=LIST only tell findings about these types, or requested by these libraries: NAME,... or @FILE
  --cpu=LEVEL       use at most the instructions of LEVEL: generic, sse, avx2 or avx512
  --doctor          describe PROGRAM (python3 if none is given), and test whether its calls reach
                    libpybuffer by running it with a few lines of code
  -q, --quiet       do not warn about calls that do not reach libpybuffer
  -h, --help        show this text
  -V, --version     show the version

PROGRAM is run by exec: its process, arguments, exit status and signals are its own. LD_PRELOAD makes a
python with a shared libpython use libpybuffer. A python that contains libpython needs LD_AUDIT too; its
extension modules then use libpybuffer, unless they were compiled with -fno-plt, and the interpreter
itself does not. Both variables keep their other entries; another libpybuffer is replaced.

Programs that PROGRAM starts inherit these variables, so pythons of both kinds use libpybuffer there too;
Python 2, CPython before 3.8 and PyPy run there as usual. LD_AUDIT needs glibc 2.35 or later. It leaves
less memory for the thread-local data of libraries, so GLIBC_TUNABLES adds some: 4096 bytes of each
thread's stack, or what PROGRAM needs. A program that PROGRAM starts may need more (libtsan does).

Before PROGRAM is run, its file is examined (machine, loader, rights, libpython), and its own loader must
list libpybuffer among the libraries to load (LOADER --list, which runs no code of PROGRAM). --doctor also
runs PROGRAM, to test that its calls reach libpybuffer.

Exit status: PROGRAM's own (--doctor: 0 if its calls reach libpybuffer); 2 if they cannot (the message
says what works instead) or an option is wrong; 126 if PROGRAM cannot be run; 127 if it is not found.
";

/// Runs the command with the arguments of its process. Returns the exit status if the program was not executed.
pub fn run(arguments: &[&[u8]]) -> i32 {
    let action = match options::parse(arguments.get(1..).unwrap_or_default()) {
        Ok(action) => action,
        Err(text) => {
            sys::print_error(&text);
            return 2;
        }
    };
    let done = match action {
        Action::Help => {
            sys::print(HELP);
            Ok(0)
        }
        Action::Version => {
            sys::print(concat!("pybuffer-run ", env!("CARGO_PKG_VERSION"), "\n"));
            Ok(0)
        }
        Action::Run(options) => execute(&options),
    };
    done.unwrap_or_else(|refusal| {
        sys::print_error(&refusal.text);
        refusal.status
    })
}

/// Executes the program, or examines it for `--doctor`. Returns only in the latter case, or with an error.
fn execute(options: &Options) -> Result<i32, Refusal> {
    let name = options.program.first().copied().unwrap_or(b"python3");
    let files = plan::files()?;
    let program = program::find(name, options.program.get(1..).unwrap_or_default())?;
    let plan = plan::make(&program)?;
    plan::prepare(&plan, &files)?;
    proof::prove(&program, &plan, &files)?;
    let details = DETAILS.iter().map(|detail| detail.variable).zip(options.details);
    let others = [(c"PYBUFFER_AUDIT", options.audit), (c"PYBUFFER_CPU", options.cpu)];
    for (variable, value) in details.chain(others) {
        if let Some(value) = value {
            sys::set_variable(variable, value);
        }
    }
    if options.doctor {
        return Ok(doctor::examine(&program, &plan, &files));
    }
    if !options.quiet {
        plan.caution(&program).iter().for_each(|caution| sys::print_error(caution));
    }
    let arguments: Vec<&[u8]> = options.program.clone();
    let errno = sys::exec(&program.path, &arguments);
    Err(Refusal {
        text: alloc::format!("{}: {}", sys::shown(&program.path), errno.text()),
        status: 126,
    })
}
