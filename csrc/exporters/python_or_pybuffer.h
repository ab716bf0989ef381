/* The declarations of the buffer protocol, from either of the two headers that give them.
 *
 * An exporter's source is the same for both worlds: with STANDALONE defined it sees libpybuffer.h
 * alone and needs no Python, otherwise it sees Python.h and nothing of libpybuffer. */
#ifndef PYTHON_OR_PYBUFFER_H
#define PYTHON_OR_PYBUFFER_H

#ifdef STANDALONE
#include <libpybuffer.h>
#else
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#endif

#endif
