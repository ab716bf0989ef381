fn main() {
    println!("cargo::rerun-if-env-changed=PKG_CONFIG_PATH");
    pkg_config::probe_library("pybuffer-static").unwrap();
}
