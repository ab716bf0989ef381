/* A stand-in for a libpython that libpybuffer does not serve, and a program that calls it.
 *
 * With -DHOST this is the stand-in: its version is the environment's VERSION, and each buffer function returns a number
 * of its own. Otherwise it is the program: it calls each function through the PLT, as any code does, and prints the names
 * of those that were answered by somebody else. */
#include <stdio.h>
#include <stdlib.h>

/* CPython's functions that return a number, those that return a pointer, and an answer for each. */
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

/* They are not laid out as types: nobody may read them. */
int PyType_Type, PyMemoryView_Type;
int released, filled;

#define NUMBER(name, answer) int name(void) { return answer; }
#define POINTER(name, answer) void *name(void) { return (void *)answer; }
NUMBERS(NUMBER)
POINTERS(POINTER)

int PyBuffer_FillInfo(void *view, void *object, void *buf, long len, int readonly, int flags)
{
    filled += view == NULL ? 1 : 10;
    return object == NULL && buf == (void *)3 && len == 4 && readonly == 1 && flags == 1 ? -1 : 7;
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
extern int released, filled;

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
    /* A pointer that nobody may follow. */
    void *const object = (void *)16;
    void *view[12] = { NULL, object };
#define CALL_NUMBER(name, answer) expect(name(object, object, 0, 0) == answer, #name);
#define CALL_POINTER(name, answer) expect(name(object, 0, 0) == (void *)answer, #name);
    NUMBERS(CALL_NUMBER)
    POINTERS(CALL_POINTER)
    /* With an object; without a view; and refused. */
    expect(PyBuffer_FillInfo(view, object, NULL, 0, 0, 0) == 0, "PyBuffer_FillInfo");
    expect(PyBuffer_FillInfo(NULL, NULL, NULL, 0, 0, 0) == 0, "PyBuffer_FillInfo without a view");
    expect(PyBuffer_FillInfo(view, NULL, (void *)3, 4, 1, 1) == -1 && filled == 21, "PyBuffer_FillInfo refused");
    PyBuffer_Release(view);
    expect(released == 1, "PyBuffer_Release");
    printf("%d\n", n_wrong);
    return n_wrong != 0;
}

#endif
