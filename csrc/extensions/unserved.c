/* A libpython that libpybuffer does not serve, as far as the library looks at one, and a program that calls it.
 *
 * With -DHOST this is that libpython: VERSION of the environment is what it says of itself, and each buffer
 * function answers with a number of its own. Otherwise it is the program, which calls each of them as any code
 * does, through the PLT, and prints the names of those that others answered. */
#include <stdio.h>
#include <stdlib.h>

/* CPython's names that return a number, those that return a pointer, and an answer for each. */
#define NUMBERS(F) \
    F(PyObject_GetBuffer, 101) \
    F(PyObject_CopyData, 102) \
    F(PyObject_AsCharBuffer, 103) \
    F(PyObject_AsReadBuffer, 104) \
    F(PyObject_AsWriteBuffer, 105) \
    F(PyObject_CheckReadBuffer, 106) \
    F(PyBuffer_IsContiguous, 107) \
    F(PyBuffer_FromContiguous, 108) \
    F(PyBuffer_ToContiguous, 109)
#define POINTERS(F) \
    F(PyMemoryView_FromObject, 201) \
    F(PyMemoryView_FromMemory, 202) \
    F(PyMemoryView_FromBuffer, 203) \
    F(PyMemoryView_GetContiguous, 204)

#ifdef HOST

const char *Py_GetVersion(void)
{
    return getenv("VERSION");
}

void Py_IncRef(void *object)
{
    (void)object;
}

void Py_DecRef(void *object)
{
    (void)object;
}

/* Not laid out as any type: nobody may look. */
int PyType_Type, PyMemoryView_Type;
int released;

#define NUMBER(name, answer) int name(void) { return answer; }
#define POINTER(name, answer) void *name(void) { return (void *)answer; }
NUMBERS(NUMBER)
POINTERS(POINTER)

int PyBuffer_FillInfo(void *view, void *object, void *buf, long len, int readonly, int flags)
{
    const int is_it = view == (void *)1 && object == NULL && buf == (void *)3 && len == 4;
    return is_it && readonly == 5 && flags == 6 ? -1 : 0;
}

void PyBuffer_Release(void *view)
{
    (void)view;
    released++;
}

#else

#define DECLARE_NUMBER(name, answer) extern int name(void *, void *, long, int);
#define DECLARE_POINTER(name, answer) extern void *name(void *, long, int);
NUMBERS(DECLARE_NUMBER)
POINTERS(DECLARE_POINTER)
extern int PyBuffer_FillInfo(void *, void *, void *, long, int, int);
extern void PyBuffer_Release(void *);
extern int released;

static int n_wrong;

static void expect(int is_theirs, const char *name)
{
    if (!is_theirs) {
        n_wrong++;
        puts(name);
    }
}

int main(void)
{
    /* A pointer that no one may follow. */
    void *const object = (void *)16;
    void *view[12] = { NULL, object };
#define CALL_NUMBER(name, answer) expect(name(object, object, 0, 0) == answer, #name);
#define CALL_POINTER(name, answer) expect(name(object, 0, 0) == (void *)answer, #name);
    NUMBERS(CALL_NUMBER)
    POINTERS(CALL_POINTER)
    expect(PyBuffer_FillInfo((void *)1, NULL, (void *)3, 4, 5, 6) == -1, "PyBuffer_FillInfo");
    PyBuffer_Release(view);
    expect(released == 1, "PyBuffer_Release");
    printf("%d\n", n_wrong);
    return n_wrong != 0;
}

#endif
