import libpybuffer
from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "transpose",
            ["transpose.pyx"],
            include_dirs=[libpybuffer.get_include()],
            library_dirs=[libpybuffer.get_library_dir()],
            libraries=["pybuffer-static"],
        )
    ]
)
