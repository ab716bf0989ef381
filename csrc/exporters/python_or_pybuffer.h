/* The declarations of the buffer protocol, from one of the two headers that have them.
 *
 * An exporter's source is the same with and without Python: if STANDALONE is defined, it includes only
 * libpybuffer.h, otherwise only Python.h. */
#ifndef PYTHON_OR_PYBUFFER_H
#define PYTHON_OR_PYBUFFER_H

#ifdef STANDALONE
#include <libpybuffer.h>
#else
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#endif

#endif
