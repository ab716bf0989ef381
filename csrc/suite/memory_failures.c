/* Memoryviews without memory: each allocation in turn fails, that one alone or with all after it.
 *
 * Inside a CPython by its own hooks (PyMem_SetAllocator, all three domains), without one by the linker
 * (-Wl,--wrap for malloc, calloc, realloc and free of the archive). Whatever fails, the answer is NULL and a
 * MemoryError; the exporter has all its views back and nobody has a reference more; the destructor is
 * called once if there was a memoryview, not at all if there was none; and no block stays allocated.
 *
 * Exits with 0 if all is as expected; prints what is not. */
#include "array.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef STANDALONE
#include <libpybuffer.h>
#endif

static int n_failures;
static const char *running = "";
static long failing;

static void expect(int line, const char *what, bool holds)
{
    if (!holds && ++n_failures < 20) {
        printf("%s:%d: %s, allocation %ld: %s\n", __FILE__, line, running, failing, what);
    }
}
#define EXPECT(condition) expect(__LINE__, #condition, (condition))

/* --- allocations ------------------------------------------------------------------------------------ */

static bool counts, fails_after;
static long n_asked, n_failed, n_blocks;

/* Whether the next allocation may be had. */
static bool may_allocate(void)
{
    if (!counts) {
        return true;
    }
    n_asked++;
    if (n_asked == failing || (fails_after && n_asked > failing)) {
        n_failed++;
        return false;
    }
    return true;
}

static void *noted(void *block)
{
    n_blocks += block != NULL;
    return block;
}

#ifdef STANDALONE

extern void *__real_malloc(size_t), *__real_calloc(size_t, size_t), *__real_realloc(void *, size_t);
extern void __real_free(void *);
void *__wrap_malloc(size_t), *__wrap_calloc(size_t, size_t), *__wrap_realloc(void *, size_t);
void __wrap_free(void *);

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? noted(__real_malloc(size)) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
    return may_allocate() ? noted(__real_calloc(n, size)) : NULL;
}

void *__wrap_realloc(void *block, size_t size)
{
    if (!may_allocate()) {
        return NULL;
    }
    void *moved = __real_realloc(block, size);
    n_blocks += block == NULL && moved != NULL;
    return moved;
}

void __wrap_free(void *block)
{
    n_blocks -= block != NULL;
    __real_free(block);
}

static void watch_allocations(void)
{
}

#else

static PyMemAllocatorEx before[3];

static void *hooked_malloc(void *context, size_t size)
{
    const PyMemAllocatorEx *real = context;
    return may_allocate() ? noted(real->malloc(real->ctx, size)) : NULL;
}

static void *hooked_calloc(void *context, size_t n, size_t size)
{
    const PyMemAllocatorEx *real = context;
    return may_allocate() ? noted(real->calloc(real->ctx, n, size)) : NULL;
}

static void *hooked_realloc(void *context, void *block, size_t size)
{
    const PyMemAllocatorEx *real = context;
    if (!may_allocate()) {
        return NULL;
    }
    void *moved = real->realloc(real->ctx, block, size);
    n_blocks += block == NULL && moved != NULL;
    return moved;
}

static void hooked_free(void *context, void *block)
{
    const PyMemAllocatorEx *real = context;
    n_blocks -= block != NULL;
    real->free(real->ctx, block);
}

static void watch_allocations(void)
{
    const PyMemAllocatorDomain domains[3] = { PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ };
    for (int i = 0; i < 3; i++) {
        PyMem_GetAllocator(domains[i], &before[i]);
        PyMemAllocatorEx hooked
            = { &before[i], hooked_malloc, hooked_calloc, hooked_realloc, hooked_free };
        PyMem_SetAllocator(domains[i], &hooked);
    }
}

#endif

/* --- what is made ------------------------------------------------------------------------------------- */

static Array *array;
static PyObject *memoryview;
static short items[12];
static int n_destroyed;

static Py_ssize_t references(PyObject *object)
{
#ifdef STANDALONE
    return object->ob_refcnt;
#else
    return Py_REFCNT(object);
#endif
}

static void count_call(void *context)
{
    ++*(int *)context;
}

/* Every second item of two rows. */
static Py_buffer picture(void)
{
    static Py_ssize_t shape[] = { 2, 3 }, strides[] = { 12, 4 };
    return (Py_buffer){ .buf = items, .len = 12, .itemsize = 2, .ndim = 2, .format = "h", .shape = shape,
                        .strides = strides };
}

static PyObject *from_object(void)
{
    return PyMemoryView_FromObject((PyObject *)array);
}

static PyObject *from_memoryview(void)
{
    return PyMemoryView_FromObject(memoryview);
}

static PyObject *from_memory(void)
{
    return PyMemoryView_FromMemory((char *)items, 4, PyBUF_WRITE);
}

static PyObject *from_no_memory(void)
{
    return PyMemoryView_FromMemory(NULL, 0, PyBUF_READ);
}

static PyObject *from_buffer(void)
{
    Py_buffer info = picture();
    return PyMemoryView_FromBuffer(&info);
}

/* One that does not fit where short ones lie. */
static PyObject *from_buffer_with_long_format(void)
{
    Py_buffer info = picture();
    info.format = "T{<h:a name:}                                     ";
    return PyMemoryView_FromBuffer(&info);
}

static PyObject *contiguous_as_it_is(void)
{
    return PyMemoryView_GetContiguous(memoryview, PyBUF_READ, 'C');
}

static PyObject *contiguous_copy(void)
{
    return PyMemoryView_GetContiguous((PyObject *)array, PyBUF_READ, 'F');
}

static PyObject *with_owner(void)
{
    Py_buffer info = picture();
    return pybuffer_memoryview_from_buffer_with_owner(&info, (PyObject *)array);
}

static PyObject *with_destructor(void)
{
    return pybuffer_memoryview_from_memory_with_destructor((char *)items, 4, PyBUF_WRITE, count_call,
                                                           &n_destroyed);
}

static PyObject *with_destructor_of_no_memory(void)
{
    return pybuffer_memoryview_from_memory_with_destructor(NULL, 0, PyBUF_READ, count_call, &n_destroyed);
}

/* A tensor of the array, as a memoryview. */
static PyObject *there_and_back(int flags)
{
    DLManagedTensorVersioned *tensor;
    if (pybuffer_to_dlpack((PyObject *)array, flags, &tensor) < 0) {
        return NULL;
    }
    PyObject *made = pybuffer_from_dlpack(tensor);
    if (made == NULL) {
        tensor->deleter(tensor);
    }
    return made;
}

static PyObject *tensor_of_view(void)
{
    return there_and_back(0);
}

static PyObject *tensor_of_copy(void)
{
    return there_and_back(PYBUFFER_DLPACK_COPY);
}

static const struct {
    const char *name;
    PyObject *(*make)(void);
    int destroys;
} cases[] = {
    { "FromObject", from_object, 0 },
    { "FromObject of a memoryview", from_memoryview, 0 },
    { "FromMemory", from_memory, 0 },
    { "FromMemory of NULL", from_no_memory, 0 },
    { "FromBuffer", from_buffer, 0 },
    { "FromBuffer, a long format", from_buffer_with_long_format, 0 },
    { "GetContiguous", contiguous_as_it_is, 0 },
    { "GetContiguous, a copy", contiguous_copy, 0 },
    { "with an owner", with_owner, 0 },
    { "with a destructor", with_destructor, 1 },
    { "with a destructor, of NULL", with_destructor_of_no_memory, 1 },
    { "a tensor", tensor_of_view, 0 },
    { "a tensor, a copy", tensor_of_copy, 0 },
};

/* --- one allocation fails ------------------------------------------------------------------------------- */

/* Whether there was an allocation to fail. */
static bool try_case(size_t number)
{
    running = cases[number].name;
    n_asked = n_failed = n_destroyed = 0;
    const Py_ssize_t of_array = references((PyObject *)array), of_view = references(memoryview);
    const long views_out = atomic_load(&array->exports) - atomic_load(&array->releases);
    counts = true;
    PyObject *made = cases[number].make();
    counts = false;
    EXPECT(n_destroyed == 0);
    if (made == NULL) {
        EXPECT(n_failed > 0);
        EXPECT(PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_MemoryError));
        PyErr_Clear();
    } else {
        EXPECT(!PyErr_Occurred());
        Py_DECREF(made);
        EXPECT(n_destroyed == cases[number].destroys);
    }
    EXPECT(references((PyObject *)array) == of_array && references(memoryview) == of_view);
    EXPECT(atomic_load(&array->exports) - atomic_load(&array->releases) == views_out);
    return n_failed > 0;
}

/* Lets each allocation of each case fail, and says how many there were. */
static long fail_each(void)
{
    long n = 0;
    for (size_t number = 0; number < sizeof cases / sizeof *cases; number++) {
        for (int after = 0; after < 2; after++) {
            fails_after = after;
            for (failing = 1; try_case(number); failing++, n++) {
            }
            EXPECT(failing > 1 || cases[number].make == contiguous_as_it_is);
        }
    }
    return n;
}

int main(void)
{
#ifndef STANDALONE
    Py_InitializeEx(0);
#endif
    if (array_ready() < 0) {
        printf("the exporter's type cannot be made ready\n");
        return 1;
    }
    array = (Array *)array_new((ArrayLayout){ .buf = items, .format = "h", .itemsize = 2, .ndim = 2,
                                              .shape = picture().shape, .strides = picture().strides });
    memoryview = PyMemoryView_FromMemory((char *)items, 4, PyBUF_READ);
    watch_allocations();
    /* The host keeps some freed objects for later: the first rounds fill what it keeps. */
    long n = 0, blocks[6];
    for (int round = 0; round < 6; round++) {
        n = fail_each();
        blocks[round] = n_blocks;
    }
    running = "blocks that are still allocated";
    EXPECT(blocks[5] == blocks[3]);
    Py_DECREF(memoryview);
    Py_DECREF(array);
    EXPECT(array_alive() == 0);
    printf("%ld allocations failed, %d expectations\n", n, n_failures);
    return n_failures > 0 || n == 0;
}
