/* Memoryviews of tensors: pybuffer_from_dlpack, pybuffer_from_dlpack_legacy; names of types; and both ways. */
#include "dlpack.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "families.h"
#include "memoryview.h"

static void count_versioned(DLManagedTensorVersioned *tensor)
{
    OwnTensor *own = tensor->manager_ctx;
    EXPECT_POINTER(&own->versioned, tensor);
    EXPECT_INT(1, ++own->n_deletions);
}

static void count_legacy(DLManagedTensor *tensor)
{
    OwnTensor *own = tensor->manager_ctx;
    EXPECT_POINTER(&own->legacy, tensor);
    EXPECT_INT(1, ++own->n_deletions);
}

void own_tensor(OwnTensor *own, void *data, DLDataType dtype, int ndim, int64_t *shape, int64_t *strides)
{
    memset(own, 0, sizeof *own);
    DLTensor tensor = { .data = data, .device = { .device_type = 1 }, .ndim = ndim, .dtype = dtype, .shape = shape,
                        .strides = strides };
    own->versioned = (DLManagedTensorVersioned){ .version = { 1, 3 }, .manager_ctx = own, .deleter = count_versioned,
                                                 .dl_tensor = tensor };
    own->legacy = (DLManagedTensor){ .dl_tensor = tensor, .manager_ctx = own, .deleter = count_legacy };
}

static void deleter_is_called_after_the_last_memoryview(void)
{
    int32_t items[6] = { 1, 2, 3, 4, 5, 6 };
    OwnTensor own;
    own_tensor(&own, items, DTYPE(kDLInt, 32), 2, DIMS64(2, 3), NULL);
    PyObject *memoryview = pybuffer_from_dlpack(&own.versioned);
    if (!EXPECT_MEMORYVIEW(memoryview)) {
        return;
    }
    const Py_buffer *view = buffer_of(memoryview);
    EXPECT_POINTER(items, view->buf);
    EXPECT_STRING("i", view->format);
    EXPECT_INT(24, view->len);
    EXPECT_INT(4, view->itemsize);
    EXPECT_INT(0, view->readonly);
    EXPECT_INT(2, view->ndim);
    EXPECT_BYTES(DIMS(2, 3), view->shape, 2 * sizeof(Py_ssize_t));
    EXPECT_BYTES(DIMS(12, 4), view->strides, 2 * sizeof(Py_ssize_t));
    PyObject *second = PyMemoryView_FromObject(memoryview);
    Py_DECREF(memoryview);
    EXPECT_INT(0, own.n_deletions);
    Py_DECREF(second);
    EXPECT_INT(1, own.n_deletions);
}

static void deleter_is_called_at_release(void)
{
    char items[4];
    OwnTensor own;
    own_tensor(&own, items, DTYPE(kDLUInt, 8), 1, DIMS64(4), NULL);
    PyObject *memoryview = pybuffer_from_dlpack(&own.versioned);
    EXPECT_OK(0, release_memoryview(memoryview));
    EXPECT_INT(1, own.n_deletions);
    EXPECT_OK(0, release_memoryview(memoryview));
    Py_DECREF(memoryview);
    EXPECT_INT(1, own.n_deletions);
}

static void deleter_may_be_missing(void)
{
    char items[4];
    OwnTensor own;
    own_tensor(&own, items, DTYPE(kDLUInt, 8), 1, DIMS64(4), NULL);
    own.versioned.deleter = NULL;
    own.legacy.deleter = NULL;
    PyObject *one = pybuffer_from_dlpack(&own.versioned), *other = pybuffer_from_dlpack_legacy(&own.legacy);
    EXPECT(EXPECT_MEMORYVIEW(one));
    EXPECT(EXPECT_MEMORYVIEW(other));
    Py_DECREF(one);
    Py_DECREF(other);
}

static void legacy_tensor_is_a_writable_memoryview(void)
{
    double items[8] = { 0 };
    OwnTensor own;
    own_tensor(&own, items, DTYPE(kDLFloat, 64), 2, DIMS64(2, 2), DIMS64(-2, 1));
    own.legacy.dl_tensor.byte_offset = 4 * sizeof(double);
    PyObject *memoryview = pybuffer_from_dlpack_legacy(&own.legacy);
    if (!EXPECT_MEMORYVIEW(memoryview)) {
        return;
    }
    const Py_buffer *view = buffer_of(memoryview);
    EXPECT_POINTER(items + 4, view->buf);
    EXPECT_STRING("d", view->format);
    EXPECT_INT(0, view->readonly);
    EXPECT_BYTES(DIMS(-16, 8), view->strides, 2 * sizeof(Py_ssize_t));
    EXPECT_INT(0, own.n_deletions);
    Py_DECREF(memoryview);
    EXPECT_INT(1, own.n_deletions);
}

static void read_only_tensor_is_a_read_only_memoryview(void)
{
    char items[4];
    OwnTensor own;
    own_tensor(&own, items, DTYPE(kDLUInt, 8), 1, DIMS64(4), NULL);
    own.versioned.flags = DLPACK_FLAG_BITMASK_READ_ONLY | DLPACK_FLAG_BITMASK_IS_COPIED;
    PyObject *memoryview = pybuffer_from_dlpack(&own.versioned);
    EXPECT_INT(1, buffer_of(memoryview)->readonly);
    Py_DECREF(memoryview);
}

static void tensor_without_dimensions_or_items_is_a_memoryview(void)
{
    int64_t item = 7;
    OwnTensor own;
    own_tensor(&own, &item, DTYPE(kDLInt, 64), 0, NULL, NULL);
    PyObject *memoryview = pybuffer_from_dlpack(&own.versioned);
    if (EXPECT_MEMORYVIEW(memoryview)) {
        EXPECT_INT(0, buffer_of(memoryview)->ndim);
        EXPECT_INT(8, buffer_of(memoryview)->len);
        Py_DECREF(memoryview);
    }
    /* Where there are no items, neither do the other numbers matter. */
    own_tensor(&own, NULL, DTYPE(kDLInt, 64), 3, DIMS64(INT32_MAX, INT32_MAX, 0), DIMS64(INT64_MAX, 1, 1));
    memoryview = pybuffer_from_dlpack(&own.versioned);
    if (EXPECT_MEMORYVIEW(memoryview)) {
        EXPECT_INT(0, buffer_of(memoryview)->len);
        EXPECT_INT(INT32_MAX, buffer_of(memoryview)->shape[0]);
        EXPECT(buffer_of(memoryview)->buf != NULL);
        Py_DECREF(memoryview);
    }
    EXPECT_INT(1, own.n_deletions);
}

static void types_become_formats(void)
{
    static const struct {
        int code, bits;
        const char *format, *name;
    } cases[] = {
        { kDLInt, 8, "b", "int8" },          { kDLInt, 16, "h", "int16" },       { kDLInt, 32, "i", "int32" },
        { kDLInt, 64, "q", "int64" },        { kDLUInt, 8, "B", "uint8" },       { kDLUInt, 16, "H", "uint16" },
        { kDLUInt, 32, "I", "uint32" },      { kDLUInt, 64, "Q", "uint64" },     { kDLFloat, 16, "e", "float16" },
        { kDLFloat, 32, "f", "float32" },    { kDLFloat, 64, "d", "float64" },   { kDLComplex, 64, "Zf", "complex64" },
        { kDLComplex, 32, "Ze", "complex32" }, { kDLBool, 8, "?", "bool" },
        { kDLComplex, 128, "Zd", "complex128" },
        /* What has no letter must not look like another type. */
        { kDLBfloat, 16, "2x", "bfloat16" }, { kDLFloat, 128, "16x", "float128" },
        { kDLFloat8_e3m4, 8, "x", "float8_e3m4" }, { kDLFloat8_e4m3, 8, "x", "float8_e4m3" },
        { kDLFloat8_e4m3b11fnuz, 8, "x", "float8_e4m3b11fnuz" }, { kDLFloat8_e4m3fn, 8, "x", "float8_e4m3fn" },
        { kDLFloat8_e4m3fnuz, 8, "x", "float8_e4m3fnuz" }, { kDLFloat8_e5m2, 8, "x", "float8_e5m2" },
        { kDLFloat8_e5m2fnuz, 8, "x", "float8_e5m2fnuz" }, { kDLFloat8_e8m0fnu, 8, "x", "float8_e8m0fnu" },
    };
    char items[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        OwnTensor own;
        DLDataType type = DTYPE((uint8_t)cases[i].code, (uint8_t)cases[i].bits);
        own_tensor(&own, items, type, 1, DIMS64(2), NULL);
        EXPECT_STRING(cases[i].name, pybuffer_dlpack_dtype_name(type));
        PyObject *memoryview = pybuffer_from_dlpack(&own.versioned);
        if (EXPECT_MEMORYVIEW(memoryview)) {
            EXPECT_STRING(cases[i].format, buffer_of(memoryview)->format);
            EXPECT_INT(cases[i].bits / 8, buffer_of(memoryview)->itemsize);
            Py_DECREF(memoryview);
        }
    }
    EXPECT_STRING("float4_e2m1fn", pybuffer_dlpack_dtype_name(DTYPE(kDLFloat4_e2m1fn, 4)));
    EXPECT_STRING("float6_e2m3fn", pybuffer_dlpack_dtype_name(DTYPE(kDLFloat6_e2m3fn, 6)));
    EXPECT_STRING("float6_e3m2fn", pybuffer_dlpack_dtype_name(DTYPE(kDLFloat6_e3m2fn, 6)));
    EXPECT_POINTER(NULL, pybuffer_dlpack_dtype_name(DTYPE(99, 8)));
    EXPECT_POINTER(NULL, pybuffer_dlpack_dtype_name((DLDataType){ kDLFloat, 32, 4 }));
}

/* --- refusals ------------------------------------------------------------------------------------- */

/* No memoryview is made of either struct, and the tensor stays the caller's. */
static void expect_refused(OwnTensor *own, const char *type, const char *const *needles, int line)
{
    own->legacy.dl_tensor = own->versioned.dl_tensor;
    expect_pointer(NULL, pybuffer_from_dlpack(&own->versioned), __FILE__, line, "pybuffer_from_dlpack");
    expect_exception_naming(type, needles, __FILE__, line, "pybuffer_from_dlpack");
    if (own->versioned.version.major == 1) {
        expect_pointer(NULL, pybuffer_from_dlpack_legacy(&own->legacy), __FILE__, line, "pybuffer_from_dlpack_legacy");
        expect_exception_naming(type, needles, __FILE__, line, "pybuffer_from_dlpack_legacy");
    }
    expect_int(0, own->n_deletions, __FILE__, line, "calls of the deleter");
}

#define EXPECT_REFUSED(own, type, ...) expect_refused(own, type, (const char *const[]){ __VA_ARGS__, NULL }, __LINE__)

static void what_a_memoryview_cannot_show_is_refused(void)
{
    char items[64];
    OwnTensor own;
    own_tensor(&own, items, DTYPE(kDLFloat, 32), 1, DIMS64(2), NULL);
    own.versioned.version = (DLPackVersion){ 2, 7 };
    EXPECT_REFUSED(&own, "BufferError", "2.7", "1.x");
    own.versioned.version = (DLPackVersion){ 0, 8 };
    EXPECT_REFUSED(&own, "BufferError", "0.8");

    own_tensor(&own, items, DTYPE(kDLFloat, 32), 1, DIMS64(2), NULL);
    own.versioned.dl_tensor.device = (DLDevice){ .device_type = kDLCUDA, .device_id = 3 };
    EXPECT_REFUSED(&own, "BufferError", "(2, 3)", "CPU");
    own.versioned.dl_tensor.device.device_type = 0;
    EXPECT_REFUSED(&own, "BufferError", "(0, 3)");

    static const DLDataType types[] = {
        { kDLFloat, 32, 4 }, { kDLFloat, 32, 0 }, { kDLInt, 4, 1 },      { kDLInt, 24, 1 },  { kDLBool, 1, 1 },
        { kDLUInt, 1, 8 },   { 99, 8, 1 },        { kDLFloat4_e2m1fn, 4, 1 }, { kDLFloat6_e2m3fn, 6, 1 },
        { kDLInt, 0, 1 },    { kDLBfloat, 32, 1 }, { kDLOpaqueHandle, 64, 1 },
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char code[16], bits[16], lanes[16];
        snprintf(code, sizeof code, "code %d,", types[i].code);
        snprintf(bits, sizeof bits, "%d bits", types[i].bits);
        snprintf(lanes, sizeof lanes, "%d lanes", types[i].lanes);
        own_tensor(&own, items, types[i], 1, DIMS64(2), NULL);
        EXPECT_REFUSED(&own, "BufferError", code, bits, lanes);
    }
}

static void tensors_that_make_no_sense_are_refused(void)
{
    char items[64];
    OwnTensor own;
    const DLDataType type = DTYPE(kDLInt, 32);
    int64_t ones[65];
    for (int i = 0; i < 65; i++) {
        ones[i] = 1;
    }
    own_tensor(&own, items, type, 65, ones, NULL);
    EXPECT_REFUSED(&own, "ValueError", "ndim is 65");
    own.versioned.dl_tensor.ndim = -1;
    EXPECT_REFUSED(&own, "ValueError", "ndim is -1");
    own.versioned.dl_tensor.ndim = INT32_MIN;
    EXPECT_REFUSED(&own, "ValueError", "ndim is -2147483648");
    own.versioned.dl_tensor.ndim = INT32_MAX;
    EXPECT_REFUSED(&own, "ValueError", "ndim is 2147483647");

    own_tensor(&own, items, type, 1, NULL, NULL);
    EXPECT_REFUSED(&own, "ValueError", "shape is NULL");
    own_tensor(&own, items, type, 2, DIMS64(2, -3), NULL);
    EXPECT_REFUSED(&own, "ValueError", "shape[1] is -3");
    own_tensor(&own, items, type, 2, DIMS64(INT64_MIN, 0), NULL);
    EXPECT_REFUSED(&own, "ValueError", "shape[0] is -9223372036854775808");
    own_tensor(&own, items, type, 2, DIMS64(PTRDIFF_MAX, 2), DIMS64(0, 0));
    EXPECT_REFUSED(&own, "ValueError", "more items");
    own_tensor(&own, items, type, 1, DIMS64(PTRDIFF_MAX / 4 + 1), NULL);
    EXPECT_REFUSED(&own, "ValueError", "more items");

    own_tensor(&own, items, type, 2, DIMS64(2, 2), DIMS64(1, INT64_MAX));
    EXPECT_REFUSED(&own, "ValueError", "strides[1] is 9223372036854775807");
    own_tensor(&own, items, type, 2, DIMS64(2, 2), DIMS64(INT64_MIN, 1));
    EXPECT_REFUSED(&own, "ValueError", "strides[0] is -9223372036854775808");
    own_tensor(&own, items, type, 2, DIMS64(3, 3), DIMS64(PTRDIFF_MAX / 12, PTRDIFF_MAX / 12));
    EXPECT_REFUSED(&own, "ValueError", "address space");
    own_tensor(&own, (void *)(uintptr_t)16, type, 1, DIMS64(8), DIMS64(-1));
    EXPECT_REFUSED(&own, "ValueError", "address space");
    own_tensor(&own, (void *)(UINTPTR_MAX - 16), type, 1, DIMS64(8), DIMS64(1));
    EXPECT_REFUSED(&own, "ValueError", "address space");

    own_tensor(&own, items, type, 1, DIMS64(2), NULL);
    own.versioned.dl_tensor.byte_offset = UINT64_MAX;
    EXPECT_REFUSED(&own, "ValueError", "byte_offset");
    own_tensor(&own, NULL, type, 1, DIMS64(2), NULL);
    EXPECT_REFUSED(&own, "ValueError", "data is NULL");
    own_tensor(&own, NULL, type, 0, NULL, NULL);
    EXPECT_REFUSED(&own, "ValueError", "data is NULL");

    EXPECT_NO_OBJECT(pybuffer_from_dlpack(NULL), "SystemError", NULL_ARGUMENT);
    EXPECT_NO_OBJECT(pybuffer_from_dlpack_legacy(NULL), "SystemError", NULL_ARGUMENT);
}

/* A stride that leads nowhere may be any. */
static void strides_of_one_item_do_not_matter(void)
{
    int32_t item = 1;
    OwnTensor own;
    own_tensor(&own, &item, DTYPE(kDLInt, 32), 2, DIMS64(1, 1), DIMS64(INT64_MAX, INT64_MIN));
    PyObject *memoryview = pybuffer_from_dlpack(&own.versioned);
    if (EXPECT_MEMORYVIEW(memoryview)) {
        EXPECT_BYTES(DIMS(4, 4), buffer_of(memoryview)->strides, 2 * sizeof(Py_ssize_t));
        Py_DECREF(memoryview);
    }
}

/* --- both ways ------------------------------------------------------------------------------------ */

static void there_and_back_is_the_same_view(void)
{
    float items[24] = { 0 };
    PyObject *array = array_new((ArrayLayout){ .buf = items + 4, .format = "f", .itemsize = 4, .ndim = 2,
                                               .shape = DIMS(3, 2), .strides = DIMS(-8, 40), .readonly = 1 });
    DLManagedTensorVersioned *tensor = NULL;
    EXPECT_OK(0, pybuffer_to_dlpack(array, 0, &tensor));
    PyObject *memoryview = pybuffer_from_dlpack(tensor);
    if (EXPECT_MEMORYVIEW(memoryview)) {
        const Py_buffer *there = &((Array *)array)->whole, *back = buffer_of(memoryview);
        EXPECT_POINTER(there->buf, back->buf);
        EXPECT_STRING(there->format, back->format);
        EXPECT_INT(1, back->readonly);
        EXPECT_BYTES(there->shape, back->shape, 2 * sizeof(Py_ssize_t));
        EXPECT_BYTES(there->strides, back->strides, 2 * sizeof(Py_ssize_t));
        EXPECT_INT(0, atomic_load(&((Array *)array)->releases));
        Py_DECREF(memoryview);
    }
    EXPECT_INT(1, atomic_load(&((Array *)array)->releases));
    EXPECT_INT(1, references(array));
    Py_DECREF(array);
}

#ifdef STANDALONE

/* --- threads --------------------------------------------------------------------------------------- */

static void *drop(void *memoryview)
{
    Py_DECREF((PyObject *)memoryview);
    return NULL;
}

/* Threads drop the memoryviews of one tensor, and one of them calls the deleter. */
static void last_thread_calls_the_deleter(void)
{
    enum { N_THREADS = 4, N_ROUNDS = 50 };
    for (int round = 0; round < N_ROUNDS; round++) {
        char items[4];
        OwnTensor own;
        pthread_t threads[N_THREADS];
        own_tensor(&own, items, DTYPE(kDLUInt, 8), 1, DIMS64(4), NULL);
        PyObject *first = pybuffer_from_dlpack(&own.versioned);
        PyObject *views[N_THREADS] = { first };
        for (int i = 1; i < N_THREADS; i++) {
            views[i] = PyMemoryView_FromObject(first);
        }
        for (int i = 0; i < N_THREADS; i++) {
            EXPECT_INT(0, pthread_create(&threads[i], NULL, drop, views[i]));
        }
        for (int i = 0; i < N_THREADS; i++) {
            pthread_join(threads[i], NULL);
        }
        EXPECT_INT(1, own.n_deletions);
    }
}

static void *there_and_back(void *array)
{
    for (int round = 0; round < 50; round++) {
        DLManagedTensorVersioned *tensor = NULL;
        if (pybuffer_to_dlpack(array, round % 4 == 0 ? PYBUFFER_DLPACK_COPY : 0, &tensor) < 0) {
            return NULL;
        }
        PyObject *memoryview = pybuffer_from_dlpack(tensor);
        if (memoryview == NULL || buffer_of(memoryview)->len != 4) {
            return NULL;
        }
        Py_DECREF(memoryview);
    }
    return array;
}

/* Threads ask one exporter for tensors, and drop them, at the same time. */
static void threads_go_there_and_back(void)
{
    enum { N_THREADS = 4 };
    char items[4] = "abc";
    pthread_t threads[N_THREADS];
    PyObject *array = array_new((ArrayLayout){ .buf = items, .itemsize = 1, .ndim = 1, .shape = DIMS(4) });
    for (int i = 0; i < N_THREADS; i++) {
        EXPECT_INT(0, pthread_create(&threads[i], NULL, there_and_back, array));
    }
    for (int i = 0; i < N_THREADS; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        EXPECT_POINTER(array, result);
    }
    EXPECT_INT(N_THREADS * 50, atomic_load(&((Array *)array)->releases));
    EXPECT_INT(1, references(array));
    Py_DECREF(array);
}

#endif

const Test dlpack_from_tests[] = {
    TEST(deleter_is_called_after_the_last_memoryview),
    TEST(deleter_is_called_at_release),
    TEST(deleter_may_be_missing),
    TEST(legacy_tensor_is_a_writable_memoryview),
    TEST(read_only_tensor_is_a_read_only_memoryview),
    TEST(tensor_without_dimensions_or_items_is_a_memoryview),
    TEST(types_become_formats),
    TEST(what_a_memoryview_cannot_show_is_refused),
    TEST(tensors_that_make_no_sense_are_refused),
    TEST(strides_of_one_item_do_not_matter),
    TEST(there_and_back_is_the_same_view),
#ifdef STANDALONE
    TEST(last_thread_calls_the_deleter),
    TEST(threads_go_there_and_back),
#endif
    END_OF_TESTS
};
