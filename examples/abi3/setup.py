import libpybuffer
from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "transpose",
            ["transpose.c"],
            include_dirs=[libpybuffer.get_include()],
            library_dirs=[libpybuffer.get_library_dir()],
            libraries=["pybuffer-static"],
            define_macros=[("Py_LIMITED_API", "0x03080000")],
            py_limited_api=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp38"}},
)
