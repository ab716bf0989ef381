//! Tells the command which libpybuffer.so it belongs to: the ABI's number of the manifest.

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
