/* The functions under test, where a Python.h does not declare them.
 *
 * Python.h of 3.8 has PyObject_CheckBuffer as a macro alone, and declares a PyBuffer_SizeFromFormat
 * of another type that its libpython lacks: libpybuffer's twins stand in where they are linked.
 * From 3.13 on Python.h no longer declares the four old functions, which libpython still has. */
#ifndef SUITE_FUNCTIONS_H
#define SUITE_FUNCTIONS_H

/* NULL where libpybuffer is not linked. */
#ifndef STANDALONE
extern const char *pybuffer_version(void) __attribute__((weak));
extern const char *pybuffer_runtime(void) __attribute__((weak));
extern int pybuffer_copy(const Py_buffer *, const Py_buffer *) __attribute__((weak));
extern int pybuffer_copy_part(const Py_buffer *, const Py_buffer *, Py_ssize_t, Py_ssize_t) __attribute__((weak));
extern Py_ssize_t pybuffer_copy_n_parts(const Py_buffer *, const Py_buffer *, Py_ssize_t) __attribute__((weak));
#endif

#if defined(PY_VERSION_HEX) && PY_VERSION_HEX < 0x03090000
extern int pybuffer_PyObject_CheckBuffer(PyObject *) __attribute__((weak));
extern Py_ssize_t pybuffer_PyBuffer_SizeFromFormat(const char *) __attribute__((weak));

static inline int check_buffer(PyObject *obj)
{
    return pybuffer_PyObject_CheckBuffer ? pybuffer_PyObject_CheckBuffer(obj)
                                         : PyObject_CheckBuffer(obj);
}
#undef PyObject_CheckBuffer
#define PyObject_CheckBuffer check_buffer
#define PyBuffer_SizeFromFormat pybuffer_PyBuffer_SizeFromFormat
#endif

#if defined(PY_VERSION_HEX) && PY_VERSION_HEX >= 0x030d0000
extern int PyObject_AsCharBuffer(PyObject *, const char **, Py_ssize_t *);
extern int PyObject_AsReadBuffer(PyObject *, const void **, Py_ssize_t *);
extern int PyObject_AsWriteBuffer(PyObject *, void **, Py_ssize_t *);
extern int PyObject_CheckReadBuffer(PyObject *);
#endif

#endif
