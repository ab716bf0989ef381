"""The unit tests, compiled for a target and run by qemu."""

import json
import os
import re
import shutil

import fetch

import tests

FOLDER = fetch.FOLDER / "units"


def run(target, qemu, env, logs):
    """Runs those of the library and of the command: a cell of the table, and what there is to say."""
    # The command's tests look at programs of the target: a shell, and what is with it.
    root = env["QEMU_LD_PREFIX"]
    path = os.pathsep.join([f"{root}/bin", f"{root}/usr/bin", os.environ["PATH"]])
    env = {**os.environ, **env}
    # A list, as folders may have spaces in their names.
    runner = f"target.{target.rust}.runner = {json.dumps(['env', 'PATH=' + path, str(qemu)])}"
    common = ["--config", runner, "--lib", "--target", target.rust, "--target-dir", str(FOLDER / "target"), "--manifest-path"]
    library = tests.run(target.name, "units", [*common, str(manifest())], env, logs)
    if not target.has_python:
        return library[0], [*library[1], f"{target.name}, units: of the command none: there are no programs of the target to look at"]
    command = tests.run(target.name, "units_of_run", [*common, str(tests.ROOT / "run/Cargo.toml")], env, logs)
    worse = next((cell for cell, _ in (library, command) if cell == "FAILED"), library[0])
    return worse, library[1] + command[1]


def manifest():
    """A manifest of the same sources, without the packages that other tests and the benches take: most of the time."""
    text = (tests.ROOT / "Cargo.toml").read_text()
    kept = []
    for section in re.split(r"^(?=\[)", text, flags=re.MULTILINE):
        name = section.partition("]")[0].strip("[")
        if name == "dev-dependencies":
            lines = section.splitlines()
            section = "\n".join(line for line in lines if line.startswith(("[", "proptest"))) + "\n"
        if name == "workspace":
            section = "[workspace]\n"
        if name != "bench" and not name.startswith("target."):
            kept.append(section)
    text = "".join(kept)
    text = text.replace('build = "build.rs"', f'build = "{tests.ROOT}/build.rs"')
    text = text.replace("[lib]\n", f'[lib]\npath = "{tests.ROOT}/src/lib.rs"\n')
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not (FOLDER / "Cargo.toml").exists() or (FOLDER / "Cargo.toml").read_text() != text:
        (FOLDER / "Cargo.toml").write_text(text)
        shutil.copyfile(tests.ROOT / "Cargo.lock", FOLDER / "Cargo.lock")
    return FOLDER / "Cargo.toml"
