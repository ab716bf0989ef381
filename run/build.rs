//! Passes the ABI's number, which the name of the command's libpybuffer.so contains, from the manifest to the compiler.

fn main() {
    let manifest = "../abi/symbols.toml";
    println!("cargo::rerun-if-changed={manifest}");
    let text = std::fs::read_to_string(manifest).expect("abi/symbols.toml");
    let abi = text
        .lines()
        .find_map(|line| line.strip_prefix("abi").map(|rest| rest.trim_start_matches([' ', '='])))
        .expect("a line \"abi = N\"");
    println!("cargo::rustc-env=PYBUFFER_ABI={}", abi.trim());
}
