/* pybuffer_copy_part and pybuffer_copy_n_parts: copies by several threads. libpython has no such functions, so these
 * tests are not run on it. */
#include "harness.h"

#include <pthread.h>
#include <stdlib.h>

#include "families.h"
#include "model.h"

enum { MOST_PARTS = 64 };

typedef struct {
    const Py_buffer *dest, *src;
    Py_ssize_t part, n_parts;
    int result;
} Job;

static void *run_job(void *argument)
{
    Job *job = argument;
    job->result = pybuffer_copy_part(job->dest, job->src, job->part, job->n_parts);
    return NULL;
}

/* Copies in parts, each by a thread of its own (which has no thread state). */
static void copy_by_threads(const Py_buffer *dest, const Py_buffer *src, int n_parts, int line)
{
    Job jobs[MOST_PARTS];
    pthread_t threads[MOST_PARTS];
    for (int i = 0; i < n_parts; i++) {
        jobs[i] = (Job){ dest, src, i, n_parts, 1 };
        if (pthread_create(&threads[i], NULL, run_job, &jobs[i]) != 0) {
            abort();
        }
    }
    for (int i = 0; i < n_parts; i++) {
        pthread_join(threads[i], NULL);
        expect_int(0, jobs[i].result, __FILE__, line, "pybuffer_copy_part in a thread");
    }
}

/* Copies between two layouts of `size` bytes, gaps included, in 2, 3, 7 and 64 parts, and compares with pybuffer_copy. */
static void expect_parts(Py_ssize_t itemsize, int ndim, Py_ssize_t *shape, Py_ssize_t *to, Py_ssize_t *from, size_t size,
                         int line)
{
    static const int all_parts[] = { 2, 3, 7, MOST_PARTS };
    Memory in = memory_new(size, 2), expected = memory_new(size, 1);
    Py_buffer src = view_of(in.bytes, itemsize, ndim, shape, from);
    Py_buffer dest = view_of(expected.bytes, itemsize, ndim, shape, to);
    expect_int(0, pybuffer_copy(&dest, &src), __FILE__, line, "pybuffer_copy");
    for (int i = 0; i < (is_quick() ? 1 : 4); i++) {
        Memory found = memory_new(size, 1);
        dest = view_of(found.bytes, itemsize, ndim, shape, to);
        copy_by_threads(&dest, &src, all_parts[i], line);
        expect_bytes(expected.bytes, found.bytes, size, __FILE__, line, "the block, copied in parts");
        FREE(found);
    }
    FREE_UNTOUCHED(in);
    FREE(expected);
}

static void copy_parts_by_threads_are_the_whole(void)
{
    /* A transpose, one of odd items, and one whose columns do not begin at cache lines. */
    expect_parts(4, 2, DIMS(600, 500), DIMS(2000, 4), DIMS(4, 2400), 1200000, __LINE__);
    expect_parts(3, 2, DIMS(600, 500), DIMS(1500, 3), DIMS(3, 1800), 900000, __LINE__);
    expect_parts(1, 2, DIMS(1001, 997), DIMS(1003, 1), DIMS(1, 1001), 1004003, __LINE__);
    /* Pixels to planes and back, every second item, one block, a broadcast. */
    expect_parts(1, 3, DIMS(3, 400, 700), DIMS(280000, 700, 1), DIMS(1, 2100, 3), 840000, __LINE__);
    expect_parts(1, 3, DIMS(400, 700, 3), DIMS(2100, 3, 1), DIMS(700, 1, 280000), 840000, __LINE__);
    expect_parts(2, 1, DIMS(400000), DIMS(2), DIMS(4), 1600000, __LINE__);
    expect_parts(2, 1, DIMS(400000), DIMS(4), DIMS(2), 1600000, __LINE__);
    expect_parts(1, 1, DIMS(1000001), DIMS(1), DIMS(1), 1000001, __LINE__);
    expect_parts(4, 2, DIMS(500, 500), DIMS(2000, 4), DIMS(4, 0), 1000000, __LINE__);
    /* Many short loops, a few long ones, long rows with gaps. */
    expect_parts(4, 6, DIMS(8, 8, 8, 8, 8, 8), DIMS(131072, 16384, 2048, 256, 32, 4),
                 DIMS(4, 32, 256, 2048, 16384, 131072), 1048576, __LINE__);
    expect_parts(8, 3, DIMS(2, 3, 50000), DIMS(1200000, 400000, 8), DIMS(400000, 800000, 8), 2400000, __LINE__);
    expect_parts(1, 2, DIMS(5, 200000), DIMS(200010, 1), DIMS(200005, 1), 1000050, __LINE__);
}

static void copy_parts_of_rows_behind_pointers_are_the_whole(void)
{
    enum { ROWS = 300, COLUMNS = 1000 };
    Memory in = memory_new(ROWS * COLUMNS, 2);
    Memory expected = memory_new(ROWS * COLUMNS, 1), found = memory_new(ROWS * COLUMNS, 1);
    unsigned char *rows[ROWS];
    for (int i = 0; i < ROWS; i++) {
        rows[i] = in.bytes + (i * 7 % ROWS) * COLUMNS;
    }
    Py_buffer src = view_of(rows, 1, 2, DIMS(ROWS, COLUMNS), DIMS(sizeof *rows, 1));
    src.suboffsets = DIMS(0, -1);
    Py_buffer dest = view_of(expected.bytes, 1, 2, DIMS(ROWS, COLUMNS), DIMS(1, ROWS));
    EXPECT_OK(0, pybuffer_copy(&dest, &src));
    dest.buf = found.bytes;
    copy_by_threads(&dest, &src, 7, __LINE__);
    EXPECT_BYTES(expected.bytes, found.bytes, ROWS * COLUMNS);
    FREE_UNTOUCHED(in);
    FREE(expected);
    FREE(found);
}

static void copy_parts_of_items_in_the_same_place_are_done_by_the_first(void)
{
    enum { N = 300000 };
    Memory in = memory_new(N, 2), out = memory_new(16, 1);
    Py_buffer src = view_of(in.bytes, 1, 1, DIMS(N), DIMS(1)), dest = view_of(out.bytes, 1, 1, DIMS(N), DIMS(0));
    EXPECT_INT(1, pybuffer_copy_n_parts(&dest, &src, 8));
    EXPECT_OK(0, pybuffer_copy_part(&dest, &src, 1, 2));
    EXPECT(memory_is_untouched(&out));
    EXPECT_OK(0, pybuffer_copy_part(&dest, &src, 0, 2));
    EXPECT_INT(in.bytes[N - 1], out.bytes[0]);
    FREE_UNTOUCHED(in);
    FREE(out);
}

static void copy_parts_that_pay_are_told(void)
{
    Memory in = memory_new(1 << 20, 2), out = memory_new(1 << 20, 1);
    Py_buffer src = view_of(in.bytes, 4, 2, DIMS(512, 512), DIMS(4, 2048));
    Py_buffer dest = view_of(out.bytes, 4, 2, DIMS(512, 512), DIMS(2048, 4));
    const Py_ssize_t most = pybuffer_copy_n_parts(&dest, &src, PY_SSIZE_T_MAX);
    EXPECT(most >= 2 && most <= 16);
    EXPECT_INT(2, pybuffer_copy_n_parts(&dest, &src, 2));
    EXPECT_INT(1, pybuffer_copy_n_parts(&dest, &src, 1));
    EXPECT_INT(1, pybuffer_copy_n_parts(&dest, &src, 0));
    EXPECT_INT(1, pybuffer_copy_n_parts(&dest, &src, -5));
    EXPECT_INT(1, pybuffer_copy_n_parts(NULL, &src, 8));
    EXPECT_INT(1, pybuffer_copy_n_parts(&dest, NULL, 8));
    EXPECT_INT(1, pybuffer_copy_n_parts(&dest, &dest, 8));
    Py_buffer small_src = view_of(in.bytes, 4, 2, DIMS(10, 10), DIMS(4, 40));
    Py_buffer small_dest = view_of(out.bytes, 4, 2, DIMS(10, 10), DIMS(40, 4));
    EXPECT_INT(1, pybuffer_copy_n_parts(&small_dest, &small_src, 8));
    /* Small copies are done by the first part. */
    EXPECT_OK(0, pybuffer_copy_part(&small_dest, &small_src, 7, 8));
    EXPECT(memory_is_untouched(&out));
    FREE_UNTOUCHED(in);
    FREE(out);
}

/* What a copy costs depends on the lines that it touches, not on the bytes of its items. */
static void copy_parts_that_pay_are_more_where_items_are_far_apart(void)
{
    enum { N = 100000 };
    Memory in = memory_new(N * 28, 2), out = memory_new(N * 4, 1);
    Py_buffer src = view_of(in.bytes, 4, 1, DIMS(N), DIMS(4)), dest = view_of(out.bytes, 4, 1, DIMS(N), DIMS(4));
    EXPECT_INT(1, pybuffer_copy_n_parts(&dest, &src, 4));
    src.strides = DIMS(28);
    EXPECT_INT(4, pybuffer_copy_n_parts(&dest, &src, 4));
    src.strides = DIMS(0);
    EXPECT_INT(1, pybuffer_copy_n_parts(&dest, &src, 4));
    FREE_UNTOUCHED(in);
    FREE(out);
}

static void copy_parts_of_wrong_numbers_are_a_value_error(void)
{
    Memory in = memory_new(24, 2), out = memory_new(24, 1);
    Py_buffer src = view_of(in.bytes, 4, 1, DIMS(6), DIMS(4)), dest = view_of(out.bytes, 4, 1, DIMS(6), DIMS(4));
    static const Py_ssize_t wrong[][2] = { { 0, 0 }, { 0, -1 }, { -1, 2 }, { 2, 2 }, { 5, 2 }, { PY_SSIZE_T_MAX, 2 } };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        EXPECT_ERROR_NAMING(-1, pybuffer_copy_part(&dest, &src, wrong[i][0], wrong[i][1]), "ValueError", "part is",
                            "n_parts - 1");
    }
    FREE_UNTOUCHED(in);
    FREE_UNTOUCHED(out);
}

static void copy_parts_refuse_what_copies_refuse(void)
{
    Memory in = memory_new(24, 2), out = memory_new(24, 1);
    Py_buffer src = view_of(in.bytes, 4, 2, DIMS(2, 3), DIMS(12, 4));
    Py_buffer dest = view_of(out.bytes, 4, 2, DIMS(3, 2), DIMS(8, 4));
    for (int part = 0; part < 2; part++) {
        EXPECT_ERROR_NAMING(-1, pybuffer_copy_part(&dest, &src, part, 2), "BufferError", "(2, 3)", "(3, 2)");
        EXPECT_ERROR(-1, pybuffer_copy_part(NULL, &src, part, 2), "SystemError", NULL_ARGUMENT);
        EXPECT_ERROR(-1, pybuffer_copy_part(&dest, NULL, part, 2), "SystemError", NULL_ARGUMENT);
    }
    dest = view_of(out.bytes, 4, 2, DIMS(2, 3), DIMS(12, 4));
    dest.readonly = 1;
    EXPECT_ERROR_NAMING(-1, pybuffer_copy_part(&dest, &src, 0, 2), "BufferError", "read-only");
    FREE_UNTOUCHED(in);
    FREE_UNTOUCHED(out);
}

static void copy_parts_of_arrays_that_overlap_are_a_buffer_error(void)
{
    Memory both = memory_new(1 << 19, 1);
    Py_buffer src = view_of(both.bytes, 1, 2, DIMS(500, 1000), DIMS(1, 500));
    Py_buffer dest = view_of(both.bytes + 10, 1, 2, DIMS(500, 1000), DIMS(1000, 1));
    for (int part = 0; part < 2; part++) {
        EXPECT_ERROR_NAMING(-1, pybuffer_copy_part(&dest, &src, part, 2), "BufferError", "share memory");
    }
    EXPECT(memory_is_untouched(&both));
    EXPECT_OK(0, pybuffer_copy_part(&dest, &src, 0, 1));
    FREE(both);
}

const Test copy_parts_tests[] = {
    TEST(copy_parts_by_threads_are_the_whole),
    TEST(copy_parts_of_rows_behind_pointers_are_the_whole),
    TEST(copy_parts_of_items_in_the_same_place_are_done_by_the_first),
    TEST(copy_parts_that_pay_are_told),
    TEST(copy_parts_that_pay_are_more_where_items_are_far_apart),
    TEST(copy_parts_of_wrong_numbers_are_a_value_error),
    TEST(copy_parts_refuse_what_copies_refuse),
    TEST(copy_parts_of_arrays_that_overlap_are_a_buffer_error),
    END_OF_TESTS,
};
