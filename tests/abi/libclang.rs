//! The libclang that bindgen needs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{cc, run, run_any, skip, stdout};

/// Gets a libclang ready; false, with the skip reported, if none can be had.
pub fn is_ready(test: &str) -> bool {
    static FOLDER: OnceLock<Result<(), String>> = OnceLock::new();
    let ready = FOLDER.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/libclang.sh");
        let output = run_any(Command::new("sh").arg(script));
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        // SAFETY: std locks the environment for its own accesses, and the only C code here that reads
        // it is in libclang, which is loaded after this.
        unsafe { std::env::set_var("LIBCLANG_PATH", stdout(&output).trim()) };
        Ok(())
    });
    if let Err(why) = ready {
        skip(test, why);
    }
    ready.is_ok()
}

/// The folder of the compiler's own headers (`stddef.h`), which a bare libclang lacks.
pub fn builtin_headers() -> PathBuf {
    let folder = stdout(&run(cc().arg("-print-file-name=include")));
    PathBuf::from(folder.trim())
}
