/* What every test of the C suite uses: expectations, guarded memory, views and errors.
 *
 * One source is tested against three sets of functions: libpybuffer's without any Python
 * (STANDALONE), libpybuffer's inside a CPython, and libpython's own. A failed expectation is
 * printed and counted, and the test goes on; a test must leave no exception and no object behind.
 *
 * To add a test, write it in its family's file and list it at the end of that file; where libpython
 * itself crashes, name it in exempt.c too. A new family is a line in families.h. */
#ifndef SUITE_HARNESS_H
#define SUITE_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "array.h"
#include "python_or_pybuffer.h"
#include "scripted.h"

#include "functions.h"

#ifndef PY_SSIZE_T_MAX
#define PY_SSIZE_T_MAX PTRDIFF_MAX
#endif

/* --- tests ------------------------------------------------------------------------------------ */

typedef struct {
    const char *name; /* subject_condition_outcome */
    void (*run)(void);
} Test;

#define TEST(function) { #function, function }

/* Ends a family's array of tests. */
#define END_OF_TESTS { NULL, NULL }

/* CPython's version as 0x030d for 3.13. Standalone, that of the newest one. */
int python_version(void);

/* Whether the exhaustive tests shall look at a part of the cases only: once main has asked for that. */
bool is_quick(void);
void harness_be_quick(void);

/* Whether no more than some hundred threads shall be begun. */
bool has_few_threads(void);
void harness_begin_few_threads(void);

/* Whether libpython's own functions are the ones under test. */
bool functions_are_libpythons(void);

/* --- expectations ----------------------------------------------------------------------------- */

void expect_true(bool is_true, const char *file, int line, const char *expression);
void expect_int(intmax_t expected, intmax_t found, const char *file, int line, const char *what);
void expect_pointer(const void *expected, const void *found, const char *file, int line,
                    const char *what);
void expect_string(const char *expected, const char *found, const char *file, int line,
                   const char *what);
void expect_bytes(const void *expected, const void *found, size_t size, const char *file, int line,
                  const char *what);

#define EXPECT(condition) expect_true((condition), __FILE__, __LINE__, #condition)
#define EXPECT_INT(expected, call) expect_int((expected), (call), __FILE__, __LINE__, #call)
#define EXPECT_POINTER(expected, call)                                                             \
    expect_pointer((expected), (call), __FILE__, __LINE__, #call)
#define EXPECT_STRING(expected, call)                                                              \
    expect_string((expected), (call), __FILE__, __LINE__, #call)
#define EXPECT_BYTES(expected, found, size)                                                        \
    expect_bytes((expected), (found), (size), __FILE__, __LINE__, #found)

/* --- exceptions ------------------------------------------------------------------------------- */

typedef struct {
    char type[64];  /* "ValueError", "struct.error"; "" if there is none */
    char text[512];
} Exception;

/* Takes this thread's pending exception. Of a SystemError without libpython's "file:line: ". */
Exception take_exception(void);

/* No exception is pending. */
void expect_no_exception(const char *file, int line, const char *what);

/* The pending exception, taken, is this type with exactly this text. */
void expect_exception(const char *type, const char *text, const char *file, int line,
                      const char *what);

/* The pending exception is this type; its text is a sentence that holds each of the needles. */
void expect_exception_naming(const char *type, const char *const *needles, const char *file,
                             int line, const char *what);

/* `call` returns `expected` and leaves no exception. */
#define EXPECT_OK(expected, call)                                                                  \
    (expect_int((expected), (call), __FILE__, __LINE__, #call),                                    \
     expect_no_exception(__FILE__, __LINE__, #call))

/* `call` returns `expected` with this exception and exactly this text. */
#define EXPECT_ERROR(expected, call, type, text)                                                   \
    (expect_int((expected), (call), __FILE__, __LINE__, #call),                                    \
     expect_exception((type), (text), __FILE__, __LINE__, #call))

/* `call` returns `expected` with this exception, whose text holds each of the further strings. */
#define EXPECT_ERROR_NAMING(expected, call, type, ...)                                             \
    (expect_int((expected), (call), __FILE__, __LINE__, #call),                                    \
     expect_exception_naming((type), (const char *const[]){ __VA_ARGS__, NULL }, __FILE__,         \
                             __LINE__, #call))

#define NULL_ARGUMENT "null argument to internal routine"
#define BAD_ARGUMENT "bad argument to internal function"

/* --- memory ----------------------------------------------------------------------------------- */

/* Bytes between two guards. They begin as a pattern, another one for every seed. */
typedef struct {
    unsigned char *bytes;
    size_t size;
    unsigned seed;
} Memory;

Memory memory_new(size_t size, unsigned seed);

/* Whether every byte, guards included, is as it was made. */
bool memory_is_untouched(const Memory *memory);

/* Expects the guards to be intact, and frees. */
void memory_free(Memory *memory, const char *file, int line);
#define FREE(memory) memory_free(&(memory), __FILE__, __LINE__)

/* Expects all of the memory to be as it was made, and frees. */
#define FREE_UNTOUCHED(memory)                                                                     \
    (expect_true(memory_is_untouched(&(memory)), __FILE__, __LINE__, #memory " is untouched"),     \
     memory_free(&(memory), __FILE__, __LINE__))

/* --- views ------------------------------------------------------------------------------------ */

/* A shape, strides, suboffsets or indices in place; it lives to the end of the block. */
#define DIMS(...) ((Py_ssize_t[]){ __VA_ARGS__ })

/* A view of `ndim` dimensions without an exporter, len = product(shape) * itemsize. */
Py_buffer view_of(void *buf, Py_ssize_t itemsize, int ndim, Py_ssize_t *shape,
                  Py_ssize_t *strides);

/* The same of one dimension without shape and strides: `len` bytes. */
Py_buffer view_of_bytes(void *buf, Py_ssize_t len);

/* A view whose every byte is `filler`, to see which fields a function sets. */
Py_buffer view_filled_with(unsigned char filler);

/* The number of references to an object. */
Py_ssize_t references(PyObject *object);

#endif
