/* Tensors of what exporters export: pybuffer_to_dlpack, pybuffer_to_dlpack_legacy, pybuffer_view_to_dlpack. */
#include "dlpack.h"

#include <pthread.h>
#include <string.h>

#include "families.h"

/* What an array's tensor is, which holds the view until it is deleted. */
static DLManagedTensorVersioned *tensor_of(PyObject *obj, int flags)
{
    DLManagedTensorVersioned *tensor = NULL;
    EXPECT_OK(0, pybuffer_to_dlpack(obj, flags, &tensor));
    if (tensor != NULL) {
        EXPECT_INT(1, tensor->version.major);
        EXPECT_INT(kDLCPU, tensor->dl_tensor.device.device_type);
        EXPECT_INT(0, tensor->dl_tensor.device.device_id);
        EXPECT_INT(0, (intmax_t)tensor->dl_tensor.byte_offset);
        EXPECT(tensor->deleter != NULL && tensor->dl_tensor.shape != NULL && tensor->dl_tensor.strides != NULL);
    }
    return tensor;
}

static void view_is_held_until_the_deleter_is_called(void)
{
    int items[6] = { 0 };
    PyObject *array = array_new((ArrayLayout){ .buf = items, .format = "i", .itemsize = 4, .ndim = 2,
                                               .shape = DIMS(2, 3) });
    DLManagedTensorVersioned *tensor = tensor_of(array, 0);
    EXPECT_INT(1, atomic_load(&((Array *)array)->exports));
    EXPECT_INT(2, references(array));
    const DLTensor *dl = &tensor->dl_tensor;
    EXPECT_POINTER(items, dl->data);
    EXPECT_INT(2, dl->ndim);
    EXPECT_INT(kDLInt, dl->dtype.code);
    EXPECT_INT(32, dl->dtype.bits);
    EXPECT_INT(1, dl->dtype.lanes);
    EXPECT_BYTES(DIMS64(2, 3), dl->shape, 16);
    EXPECT_BYTES(DIMS64(3, 1), dl->strides, 16);
    EXPECT_INT(0, (intmax_t)tensor->flags);
    EXPECT_INT(0, atomic_load(&((Array *)array)->releases));
    tensor->deleter(tensor);
    EXPECT_INT(1, atomic_load(&((Array *)array)->releases));
    EXPECT_INT(1, references(array));
    Py_DECREF(array);
}

static void tensor_outlives_the_last_other_reference(void)
{
    char items[4] = "abc";
    const long alive = array_alive();
    PyObject *array = array_new((ArrayLayout){ .buf = items, .itemsize = 1, .ndim = 1, .shape = DIMS(4) });
    DLManagedTensorVersioned *tensor = tensor_of(array, 0);
    Py_DECREF(array);
    EXPECT_INT(alive + 1, array_alive());
    EXPECT_BYTES("abc", tensor->dl_tensor.data, 4);
    tensor->deleter(tensor);
    EXPECT_INT(alive, array_alive());
}

static void strides_are_counted_in_items(void)
{
    double items[24] = { 0 };
    PyObject *array = array_new((ArrayLayout){ .buf = items + 5, .format = "d", .itemsize = 8, .ndim = 3,
                                               .shape = DIMS(2, 3, 1), .strides = DIMS(48, -16, 5) });
    DLManagedTensorVersioned *tensor = tensor_of(array, 0);
    EXPECT_POINTER(items + 5, tensor->dl_tensor.data);
    /* The last one leads nowhere, and is no whole item. */
    EXPECT_BYTES(DIMS64(6, -2, 1), tensor->dl_tensor.strides, 24);
    tensor->deleter(tensor);
    Py_DECREF(array);
}

/* A view of `itemsize` and `format`, as far as the type goes. */
static DLDataType type_of(const char *format, Py_ssize_t itemsize)
{
    char items[64];
    DLManagedTensorVersioned *tensor = NULL;
    Py_buffer view = view_of(items, itemsize, 0, NULL, NULL);
    view.format = (char *)format;
    EXPECT_OK(0, pybuffer_view_to_dlpack(&view, NULL, 0, &tensor));
    if (tensor == NULL) {
        return (DLDataType){ 255, 0, 0 };
    }
    DLDataType type = tensor->dl_tensor.dtype;
    EXPECT_INT(0, tensor->dl_tensor.ndim);
    tensor->deleter(tensor);
    return type;
}

static void formats_become_types(void)
{
    static const struct {
        const char *format, *name;
        Py_ssize_t itemsize;
    } cases[] = {
        { NULL, "uint8", 1 },   { "B", "uint8", 1 },      { "b", "int8", 1 },         { "?", "bool", 1 },
        { "h", "int16", 2 },    { "H", "uint16", 2 },     { "i", "int32", 4 },        { "I", "uint32", 4 },
        { "q", "int64", 8 },    { "Q", "uint64", 8 },     { "=l", "int32", 4 },       { "=L", "uint32", 4 },
        { "e", "float16", 2 },  { "f", "float32", 4 },    { "d", "float64", 8 },      { "Zf", "complex64", 8 },
        { "Zd", "complex128", 16 }, { "Ze", "complex32", 4 }, { "F", "complex64", 8 }, { "D", "complex128", 16 },
        { "@d", "float64", 8 }, { "1f", "float32", 4 },   { ">B", "uint8", 1 },       { "d:name:", "float64", 8 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        DLDataType type = type_of(cases[i].format, cases[i].itemsize);
        EXPECT_STRING(cases[i].name, pybuffer_dlpack_dtype_name(type));
        EXPECT_INT(8 * cases[i].itemsize, type.bits);
    }
    EXPECT_INT(8 * sizeof(long), type_of("l", sizeof(long)).bits);
    EXPECT_INT(8 * sizeof(Py_ssize_t), type_of("n", sizeof(Py_ssize_t)).bits);
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define FOREIGN "<"
#else
#define FOREIGN ">"
#endif

static void what_dlpack_has_no_type_for_is_refused(void)
{
    static const struct {
        const char *format, *why;
        Py_ssize_t itemsize;
    } cases[] = {
        { "T{i:a:f:b:}", "structs", 8 },
        { "T{i:a:}", "structs", 4 },
        { "if", "structs", 8 },
        { "O", "references to objects", sizeof(void *) },
        { "P", "no numbers that DLPack has", sizeof(void *) },
        { "4s", "text", 4 },
        { "c", "text", 1 },
        { "u", "text", sizeof(wchar_t) },
        { "3w", "text", 12 },
        { "2i", "arrays", 8 },
        { "(2,2)h", "arrays", 8 },
        { "4x", "structs", 4 },
        { "Zi", "no numbers that DLPack has", 8 },
        { FOREIGN "i", "not in native byte order", 4 },
        { FOREIGN "Zd", "not in native byte order", 16 },
        { "i", "not of Py_buffer.itemsize bytes", 8 },
        { "Bxxx", "padded", 4 },
        { "<f4x", "padded", 8 },
    };
    char items[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        DLManagedTensorVersioned *tensor = NULL;
        Py_buffer view = view_of(items, cases[i].itemsize, 1, DIMS(2), NULL);
        view.format = (char *)cases[i].format;
        for (int flags = 0; flags < 2; flags++) {
            EXPECT_INT(-1, pybuffer_view_to_dlpack(&view, NULL, flags, &tensor));
            const Exception exception = take_exception();
            EXPECT_STRING("BufferError", exception.type);
            EXPECT(strstr(exception.text, cases[i].format) != NULL && strstr(exception.text, cases[i].why) != NULL);
            EXPECT_POINTER(NULL, tensor);
        }
    }
    if (sizeof(long double) == 16) {
        Py_buffer view = view_of(items, 16, 1, DIMS(2), NULL);
        DLManagedTensorVersioned *tensor = NULL;
        view.format = "g";
        EXPECT_ERROR_NAMING(-1, pybuffer_view_to_dlpack(&view, NULL, 0, &tensor), "BufferError", "'g'");
    }
    Py_buffer view = view_of(items, 1, 1, DIMS(2), NULL);
    DLManagedTensorVersioned *tensor = NULL;
    view.format = "T{";
    EXPECT_ERROR_NAMING(-1, pybuffer_view_to_dlpack(&view, NULL, 0, &tensor), "ValueError", "position 1");
}

/* What a copy helps against, and the copy. */
static void what_cannot_be_told_is_copied_if_asked(void)
{
    char bytes[32];
    for (int i = 0; i < 32; i++) {
        bytes[i] = (char)i;
    }
    PyObject *array = array_new((ArrayLayout){ .buf = bytes, .format = "H", .itemsize = 2, .ndim = 2,
                                               .shape = DIMS(2, 2), .strides = DIMS(7, 3), .readonly = 1 });
    DLManagedTensorVersioned *tensor = NULL;
    EXPECT_ERROR_NAMING(-1, pybuffer_to_dlpack(array, 0, &tensor), "BufferError", "(7, 3)", "2 bytes",
                        "PYBUFFER_DLPACK_COPY");
    EXPECT_POINTER(NULL, tensor);
    EXPECT_INT(1, atomic_load(&((Array *)array)->releases));
    tensor = tensor_of(array, PYBUFFER_DLPACK_COPY);
    EXPECT_INT(2, atomic_load(&((Array *)array)->releases));
    EXPECT_INT(1, references(array));
    EXPECT_INT(DLPACK_FLAG_BITMASK_IS_COPIED, (intmax_t)tensor->flags);
    EXPECT_INT(0, (uintptr_t)tensor->dl_tensor.data % 256);
    EXPECT_BYTES(DIMS64(2, 1), tensor->dl_tensor.strides, 16);
    EXPECT_BYTES(((char[]){ 0, 1, 3, 4, 7, 8, 10, 11 }), tensor->dl_tensor.data, 8);
    memset(tensor->dl_tensor.data, 0, 8);
    EXPECT_INT(3, bytes[3]);
    tensor->deleter(tensor);
    Py_DECREF(array);
}

static void suboffsets_are_copied_if_asked(void)
{
    char rows[2][3] = { "ab", "cd" };
    char *pointers[2] = { rows[0], rows[1] };
    PyObject *array = array_new((ArrayLayout){ .buf = pointers, .itemsize = 1, .ndim = 2, .shape = DIMS(2, 2),
                                               .strides = DIMS(sizeof *pointers, 1), .suboffsets = DIMS(0, -1) });
    DLManagedTensorVersioned *tensor = NULL;
    EXPECT_ERROR_NAMING(-1, pybuffer_to_dlpack(array, 0, &tensor), "BufferError", "suboffsets", "copy=True");
    tensor = tensor_of(array, PYBUFFER_DLPACK_COPY);
    EXPECT_BYTES("abcd", tensor->dl_tensor.data, 4);
    tensor->deleter(tensor);
    Py_DECREF(array);
}

static void read_only_memory_is_told_or_refused(void)
{
    char items[4] = "abc";
    PyObject *array = array_new((ArrayLayout){ .buf = items, .itemsize = 1, .ndim = 1, .shape = DIMS(4), .readonly = 1 });
    DLManagedTensorVersioned *tensor = tensor_of(array, 0);
    EXPECT_INT(DLPACK_FLAG_BITMASK_READ_ONLY, (intmax_t)tensor->flags);
    tensor->deleter(tensor);
    DLManagedTensor *legacy = NULL;
    EXPECT_ERROR_NAMING(-1, pybuffer_to_dlpack_legacy(array, 0, &legacy), "BufferError", "read-only", "1.0", "copy");
    EXPECT_POINTER(NULL, legacy);
    EXPECT_OK(0, pybuffer_to_dlpack_legacy(array, PYBUFFER_DLPACK_COPY, &legacy));
    EXPECT_BYTES("abc", legacy->dl_tensor.data, 4);
    EXPECT(legacy->dl_tensor.data != items);
    legacy->deleter(legacy);
    Py_DECREF(array);
}

static void legacy_struct_has_the_same_tensor(void)
{
    float items[6] = { 0 };
    PyObject *array = array_new((ArrayLayout){ .buf = items, .format = "f", .itemsize = 4, .ndim = 2,
                                               .shape = DIMS(3, 2), .strides = DIMS(4, 12) });
    DLManagedTensor *tensor = NULL;
    EXPECT_OK(0, pybuffer_to_dlpack_legacy(array, 0, &tensor));
    EXPECT_POINTER(items, tensor->dl_tensor.data);
    EXPECT_INT(kDLFloat, tensor->dl_tensor.dtype.code);
    EXPECT_BYTES(DIMS64(3, 2), tensor->dl_tensor.shape, 16);
    EXPECT_BYTES(DIMS64(1, 3), tensor->dl_tensor.strides, 16);
    EXPECT_INT(2, references(array));
    tensor->deleter(tensor);
    EXPECT_INT(1, references(array));
    Py_DECREF(array);
}

static void tensor_without_items_has_no_data(void)
{
    char items[4];
    for (int flags = 0; flags < 2; flags++) {
        PyObject *array = array_new((ArrayLayout){ .buf = items, .format = "i", .itemsize = 4, .ndim = 2,
                                                   .shape = DIMS(0, 3), .strides = DIMS(7, 4) });
        DLManagedTensorVersioned *tensor = tensor_of(array, flags);
        EXPECT_POINTER(NULL, tensor->dl_tensor.data);
        EXPECT_BYTES(DIMS64(0, 3), tensor->dl_tensor.shape, 16);
        EXPECT_BYTES(DIMS64(3, 1), tensor->dl_tensor.strides, 16);
        tensor->deleter(tensor);
        EXPECT_INT(1, references(array));
        Py_DECREF(array);
    }
}

/* A view as ctypes fills it: neither strides nor, for one dimension, a shape. */
static void missing_arrays_are_filled_in(void)
{
    short items[6] = { 1, 2, 3, 4, 5, 6 };
    DLManagedTensorVersioned *tensor = NULL;
    Py_buffer view = view_of(items, 2, 2, DIMS(2, 3), NULL);
    view.format = "h";
    for (int flags = 0; flags < 2; flags++) {
        EXPECT_OK(0, pybuffer_view_to_dlpack(&view, NULL, flags, &tensor));
        EXPECT_BYTES(DIMS64(3, 1), tensor->dl_tensor.strides, 16);
        EXPECT_BYTES(items, tensor->dl_tensor.data, 12);
        tensor->deleter(tensor);
    }
    view = view_of_bytes(items, 12);
    for (int flags = 0; flags < 2; flags++) {
        EXPECT_OK(0, pybuffer_view_to_dlpack(&view, NULL, flags, &tensor));
        EXPECT_INT(1, tensor->dl_tensor.ndim);
        EXPECT_INT(12, tensor->dl_tensor.shape[0]);
        EXPECT_INT(1, tensor->dl_tensor.strides[0]);
        tensor->deleter(tensor);
    }
}

static void owner_is_kept_until_the_deleter_is_called(void)
{
    char items[4] = "abc";
    PyObject *owner = array_new((ArrayLayout){ .buf = items, .itemsize = 1, .ndim = 1, .shape = DIMS(4) });
    Py_ssize_t shape = 2;
    Py_buffer view = view_of(items + 1, 1, 1, &shape, NULL);
    view.readonly = 1;
    DLManagedTensorVersioned *tensor = NULL;
    EXPECT_OK(0, pybuffer_view_to_dlpack(&view, owner, 0, &tensor));
    shape = 9;
    EXPECT_INT(2, references(owner));
    /* It is asked for nothing. */
    EXPECT_INT(0, atomic_load(&((Array *)owner)->exports));
    EXPECT_POINTER(items + 1, tensor->dl_tensor.data);
    EXPECT_INT(2, tensor->dl_tensor.shape[0]);
    EXPECT_INT(DLPACK_FLAG_BITMASK_READ_ONLY, (intmax_t)tensor->flags);
    tensor->deleter(tensor);
    EXPECT_INT(1, references(owner));
    EXPECT_INT(0, atomic_load(&((Array *)owner)->releases));
    shape = 2;
    EXPECT_OK(0, pybuffer_view_to_dlpack(&view, owner, PYBUFFER_DLPACK_COPY, &tensor));
    EXPECT_INT(1, references(owner));
    EXPECT_INT(DLPACK_FLAG_BITMASK_IS_COPIED, (intmax_t)tensor->flags);
    EXPECT_BYTES("bc", tensor->dl_tensor.data, 2);
    tensor->deleter(tensor);
    Py_DECREF(owner);
}

static void views_that_contradict_themselves_are_refused(void)
{
    char items[16];
    DLManagedTensorVersioned *tensor = NULL;
    const struct {
        Py_ssize_t len, itemsize, shape, stride;
        int ndim;
        const char *type, *naming;
    } cases[] = {
        { 8, 1, -8, 1, 1, "ValueError", "shape[0]" },
        { 8, 1, 9, 1, 1, "ValueError", "len" },
        { 8, 0, 8, 1, 1, "ValueError", "itemsize" },
        { -8, 1, 8, 1, 1, "ValueError", "len" },
        { 8, 1, 8, 1, -1, "ValueError", "ndim" },
        { 8, 1, 8, PY_SSIZE_T_MAX / 2, 1, "ValueError", "strides" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Py_ssize_t shape = cases[i].shape, stride = cases[i].stride;
        Py_buffer view = { .buf = items, .len = cases[i].len, .itemsize = cases[i].itemsize, .ndim = cases[i].ndim,
                           .shape = &shape, .strides = &stride };
        for (int flags = 0; flags < 2; flags++) {
            EXPECT_ERROR_NAMING(-1, pybuffer_view_to_dlpack(&view, NULL, flags, &tensor), cases[i].type,
                                cases[i].naming);
        }
    }
    Py_buffer without_memory = view_of(NULL, 1, 1, DIMS(8), NULL);
    EXPECT_ERROR(-1, pybuffer_view_to_dlpack(&without_memory, NULL, 0, &tensor), "SystemError", NULL_ARGUMENT);
    Py_ssize_t ones[65];
    for (int i = 0; i < 65; i++) {
        ones[i] = 1;
    }
    Py_buffer deep = view_of(items, 1, 65, ones, NULL);
    EXPECT_ERROR_NAMING(-1, pybuffer_view_to_dlpack(&deep, NULL, 0, &tensor), "BufferError", "64 dimensions");
    deep.ndim = 64;
    EXPECT_OK(0, pybuffer_view_to_dlpack(&deep, NULL, 0, &tensor));
    EXPECT_INT(64, tensor->dl_tensor.ndim);
    tensor->deleter(tensor);
}

static void wrong_calls_are_refused(void)
{
    char items[4];
    DLManagedTensorVersioned *tensor = NULL;
    DLManagedTensor *legacy = NULL;
    Py_buffer view = view_of_bytes(items, 4);
    PyObject *array = array_new((ArrayLayout){ .buf = items, .itemsize = 1, .ndim = 1, .shape = DIMS(4) });
    EXPECT_ERROR(-1, pybuffer_to_dlpack(NULL, 0, &tensor), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, pybuffer_to_dlpack(array, 0, NULL), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, pybuffer_to_dlpack_legacy(NULL, 0, &legacy), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, pybuffer_to_dlpack_legacy(array, 0, NULL), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, pybuffer_view_to_dlpack(NULL, NULL, 0, &tensor), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, pybuffer_view_to_dlpack(&view, NULL, 0, NULL), "SystemError", NULL_ARGUMENT);
    for (int flags = -1; flags < 4; flags += flags == -1 ? 3 : 1) {
        EXPECT_ERROR_NAMING(-1, pybuffer_to_dlpack(array, flags, &tensor), "ValueError", "PYBUFFER_DLPACK_COPY");
    }
    EXPECT_INT(0, atomic_load(&((Array *)array)->exports));
    PyObject *plain = plain_new();
    EXPECT_ERROR_NAMING(-1, pybuffer_to_dlpack(plain, 0, &tensor), "TypeError", "exporters.plain");
    EXPECT_INT(1, references(plain));
    Py_DECREF(plain);
    Py_DECREF(array);
}

static void exporters_own_error_is_passed_on(void)
{
    Scripted *scripted = scripted_new((Py_buffer){ .buf = NULL });
    scripted->result = -1;
    scripted->exception = PyExc_KeyError;
    DLManagedTensorVersioned *tensor = NULL;
    for (int flags = 0; flags < 2; flags++) {
        EXPECT_INT(-1, pybuffer_to_dlpack((PyObject *)scripted, flags, &tensor));
        EXPECT_STRING("KeyError", take_exception().type);
    }
    EXPECT_INT(2, scripted->gets);
    EXPECT_INT(0, scripted->releases);
    Py_DECREF(scripted);
}

/* --- deleters ------------------------------------------------------------------------------------ */

static void *delete_in_a_thread(void *tensor)
{
    DLManagedTensorVersioned *given = tensor;
    given->deleter(given);
    return NULL;
}

/* By a thread without a thread state, while this one has released the GIL or still holds it. */
static void deleter_may_be_called_by_any_thread(void)
{
    char items[4];
    enum { N = 4 };
    PyObject *array = array_new((ArrayLayout){ .buf = items, .itemsize = 1, .ndim = 1, .shape = DIMS(4) });
    pthread_t threads[N];
    for (int i = 0; i < N; i++) {
        EXPECT_INT(0, pthread_create(&threads[i], NULL, delete_in_a_thread, tensor_of(array, i == 0)));
    }
#ifndef STANDALONE
    Py_BEGIN_ALLOW_THREADS
#endif
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
    }
#ifndef STANDALONE
    Py_END_ALLOW_THREADS
#endif
    EXPECT_INT(N, atomic_load(&((Array *)array)->exports));
    EXPECT_INT(N, atomic_load(&((Array *)array)->releases));
    EXPECT_INT(1, references(array));
    Py_DECREF(array);
}

/* Also where a thread that has a thread state has given up the GIL. */
static void deleter_may_be_called_without_the_gil(void)
{
    char items[4];
    PyObject *array = array_new((ArrayLayout){ .buf = items, .itemsize = 1, .ndim = 1, .shape = DIMS(4) });
    DLManagedTensorVersioned *tensor = tensor_of(array, 0);
#ifndef STANDALONE
    Py_BEGIN_ALLOW_THREADS
#endif
    tensor->deleter(tensor);
#ifndef STANDALONE
    Py_END_ALLOW_THREADS
#endif
    EXPECT_INT(1, atomic_load(&((Array *)array)->releases));
    EXPECT_INT(1, references(array));
    Py_DECREF(array);
}

static void deleter_keeps_a_pending_error(void)
{
    Scripted *scripted = scripted_new(view_of_bytes("abc", 3));
    DLManagedTensorVersioned *tensor = tensor_of((PyObject *)scripted, 0);
    PyErr_SetString(PyExc_KeyError, "pending");
    tensor->deleter(tensor);
    EXPECT_INT(1, scripted->releases);
    EXPECT_INT(0, scripted->exception_at_release);
    EXPECT_STRING("KeyError", take_exception().type);
    EXPECT_INT(1, references((PyObject *)scripted));
    Py_DECREF(scripted);
}

static void deleters_take_null(void)
{
    char items[4];
    PyObject *array = array_new((ArrayLayout){ .buf = items, .itemsize = 1, .ndim = 1, .shape = DIMS(4) });
    DLManagedTensorVersioned *tensor = tensor_of(array, 0);
    DLManagedTensor *legacy = NULL;
    EXPECT_OK(0, pybuffer_to_dlpack_legacy(array, 0, &legacy));
    tensor->deleter(NULL);
    legacy->deleter(NULL);
    EXPECT_INT(0, atomic_load(&((Array *)array)->releases));
    tensor->deleter(tensor);
    legacy->deleter(legacy);
    EXPECT_INT(2, atomic_load(&((Array *)array)->releases));
    Py_DECREF(array);
}

const Test dlpack_to_tests[] = {
    TEST(view_is_held_until_the_deleter_is_called),
    TEST(tensor_outlives_the_last_other_reference),
    TEST(strides_are_counted_in_items),
    TEST(formats_become_types),
    TEST(what_dlpack_has_no_type_for_is_refused),
    TEST(what_cannot_be_told_is_copied_if_asked),
    TEST(suboffsets_are_copied_if_asked),
    TEST(read_only_memory_is_told_or_refused),
    TEST(legacy_struct_has_the_same_tensor),
    TEST(tensor_without_items_has_no_data),
    TEST(missing_arrays_are_filled_in),
    TEST(owner_is_kept_until_the_deleter_is_called),
    TEST(views_that_contradict_themselves_are_refused),
    TEST(wrong_calls_are_refused),
    TEST(exporters_own_error_is_passed_on),
    TEST(deleter_may_be_called_by_any_thread),
    TEST(deleter_may_be_called_without_the_gil),
    TEST(deleter_keeps_a_pending_error),
    TEST(deleters_take_null),
    END_OF_TESTS
};
