//! The two files that ship: how they find the library, which libraries they need, and their size.

use super::*;

#[test]
fn installed_command_finds_its_library_wherever_the_tree_lies() {
    shipped();
    let destination = temp_dir("run-installed");
    let mut make = Command::new("make");
    make.args(["install", "PREFIX=/opt/x", "LIBDIR=/opt/x/lib/odd-triplet"]);
    for variable in ["MAKEFLAGS", "MAKELEVEL", "BINDIR", "INCLUDEDIR"] {
        make.env_remove(variable);
    }
    run(make.arg(format!("DESTDIR={}", destination.display())).current_dir(&shipped().root));
    let moved = destination.join("moved");
    fs::rename(destination.join("opt/x"), &moved).unwrap();
    let said = run(pybuffer_run_at(&moved.join("bin/pybuffer-run")).args([
        "sh",
        "-c",
        "echo $LD_PRELOAD",
    ]));
    let library = moved.join("lib/odd-triplet/libpybuffer.so").canonicalize().unwrap();
    assert_eq!(stdout(&said).trim_end(), library.display().to_string());
    // All files in one folder, without links.
    let flat = side_by_side("flat");
    let mut by_link = pybuffer_run_at(&flat.join("pybuffer-run"));
    let said = run(by_link.args(["sh", "-c", "echo $LD_PRELOAD"]));
    assert!(stdout(&said).contains("flat/libpybuffer.so.0"), "{}", printed(&said));
    // Without the library, the message names what is missing.
    fs::remove_file(flat.join("libpybuffer.so.0")).unwrap();
    let (status, said) = refused(pybuffer_run_at(&flat.join("pybuffer-run")).arg("sh"));
    assert!(
        status == Some(2) && said.contains("libpybuffer.so.0 was not found in the folder above"),
        "{said}"
    );
}

/// The companion must need no libc: the dynamic linker would load a second one for it.
#[test]
#[cfg(all(target_env = "gnu", target_arch = "x86_64"))]
fn what_ships_needs_libc_of_2012_alone_and_is_small() {
    let folder = shipped().lib_dir.join("pybuffer");
    for (file, needed, max) in
        [("pybuffer-run", "libc.so.6", 128 * 1024), ("libpybuffer-audit.so", "", 16 * 1024)]
    {
        let stripped = temp_dir("run-stripped").join(file);
        run(Command::new("strip").arg("-o").arg(&stripped).arg(folder.join(file)));
        let size = fs::metadata(&stripped).unwrap().len();
        assert!(size < max, "{file}: {size} bytes stripped, {max} are allowed");
        let said = stdout(&run(Command::new("readelf").args(["-dVW"]).arg(&stripped)));
        let libraries: Vec<_> = said
            .lines()
            .filter(|line| line.contains("(NEEDED)"))
            .filter_map(|line| line.split(['[', ']']).nth(1))
            .collect();
        assert_eq!(libraries.concat(), needed, "{file}");
        let versions = said.split("GLIBC_2.").skip(1);
        for version in versions {
            let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
            assert!(digits.parse::<u32>().unwrap() <= 17, "{file} needs GLIBC_2.{digits}");
        }
    }
}
