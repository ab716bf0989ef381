//! Refuses targets on which libpybuffer would build, but would silently have no effect.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if os != "linux" {
        println!(
            "cargo::error=libpybuffer builds for Linux only, and the target is {os}: on macOS and \
             Windows Python's own buffer functions win over a library that is linked beside them"
        );
    }
}
