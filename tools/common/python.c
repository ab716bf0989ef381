/* The python command of a shared libpython, which Debian ships without one. */
#include <Python.h>

int main(int argc, char **argv) { return Py_BytesMain(argc, argv); }
