//! The command: what was asked, and becoming the program.

use alloc::vec::Vec;

use crate::doctor;
use crate::options::{self, Options, Request};
use crate::plan;
use crate::program::{self, Refusal};
use crate::proof;
use crate::sys;

const HELP: &str = "\
Runs a program so that libpybuffer answers its buffer calls.

usage: pybuffer-run [OPTION...] [--] PROGRAM [ARGUMENT...]
       pybuffer-run --doctor [PROGRAM]

  --audit[=MODE]    check every view: warn (the default), raise or abort; see docs/audit.md
  --audit-log=FILE  write what the audit finds to FILE instead of standard error
  --cpu=LEVEL       use no better instructions than generic, sse, avx2 or avx512
  --doctor          say what is found about PROGRAM (python3 if none is given), and whether
                    libpybuffer answers in it, proved by running it with a few lines of code
  -q, --quiet       no word about what is not reached
  -h, --help        show this text
  -V, --version     show the version

PROGRAM is run by exec, so its process, arguments, exit status and signals are its own. A python with
a shared libpython is reached by LD_PRELOAD, a statically linked one by LD_PRELOAD and LD_AUDIT: there
the calls of extension modules are answered, not the interpreter's own, nor those of modules compiled
with -fno-plt. What you have set in these variables stays, but for another libpybuffer.

Programs that PROGRAM starts inherit these variables, so pythons of both kinds are reached there as
well; Python 2, CPython before 3.8 and PyPy run there as without. LD_AUDIT takes glibc 2.35 or later:
with an older one, a statically linked python is not reached. It leaves a program less room for
thread-local memory of libraries, so GLIBC_TUNABLES makes more: 4096 bytes of each thread's stack, or
what PROGRAM needs. A program that PROGRAM starts may need still more to start (libtsan does).

Before PROGRAM is run, its file is looked at (machine, loader, rights, libpython), and then its own
loader has to list libpybuffer among what it would load (LOADER --list, which runs nothing of PROGRAM).
--doctor proves more, by running it: that calls come to libpybuffer.

Exit status: PROGRAM's own (--doctor: 0 if libpybuffer answers); 2 if libpybuffer cannot reach it (the
text says what works instead) or an option is wrong, 126 if it cannot be run, 127 if it is not found.
";

/// Runs the command with the arguments of its process; the status to end with, if it did not become
/// another program.
pub fn run(arguments: &[&[u8]]) -> i32 {
    let request = match options::parse(arguments.get(1..).unwrap_or_default()) {
        Ok(request) => request,
        Err(text) => {
            sys::complain(&text);
            return 2;
        }
    };
    let done = match request {
        Request::Help => {
            sys::say(HELP);
            Ok(0)
        }
        Request::Version => {
            sys::say(concat!("pybuffer-run ", env!("CARGO_PKG_VERSION"), "\n"));
            Ok(0)
        }
        Request::Run(options) => become_program(&options),
    };
    done.unwrap_or_else(|refusal| {
        sys::complain(&refusal.text);
        refusal.status
    })
}

fn become_program(options: &Options) -> Result<i32, Refusal> {
    let name = options.program.first().copied().unwrap_or(b"python3");
    let files = plan::files()?;
    let program = program::find(name, options.program.get(1..).unwrap_or_default())?;
    let plan = plan::make(&program)?;
    plan::prepare(&plan, &files)?;
    proof::prove(&program, &plan, &files)?;
    for (variable, value) in [
        (c"PYBUFFER_AUDIT", options.audit),
        (c"PYBUFFER_AUDIT_LOG", options.audit_log),
        (c"PYBUFFER_CPU", options.cpu),
    ] {
        if let Some(value) = value {
            sys::set_variable(variable, value);
        }
    }
    if options.doctor {
        return Ok(doctor::examine(&program, &plan, &files));
    }
    if !options.quiet {
        plan.caution(&program).iter().for_each(|caution| sys::complain(caution));
    }
    let arguments: Vec<&[u8]> = options.program.clone();
    let errno = sys::exec(&program.path, &arguments);
    Err(Refusal {
        text: alloc::format!("{}: {}", sys::shown(&program.path), errno.text()),
        status: 126,
    })
}
