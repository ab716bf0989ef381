fn main() {
    pkg_config::probe_library("pybuffer-static").unwrap();
}
