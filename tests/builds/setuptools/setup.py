"""A module built as many projects do it: with the flags that pkg-config prints, as setuptools takes them."""

import os
import shlex
import subprocess

from setuptools import Extension, setup


def pkg_config(option):
    said = subprocess.run(["pkg-config", option, "pybuffer-static"], stdout=subprocess.PIPE, check=True, text=True)
    return shlex.split(said.stdout)


setup(
    name="built",
    version="1",
    ext_modules=[
        Extension(
            "built",
            [os.environ["SOURCE"]],
            extra_compile_args=pkg_config("--cflags"),
            extra_link_args=pkg_config("--libs"),
            py_limited_api=True,
        )
    ],
)
