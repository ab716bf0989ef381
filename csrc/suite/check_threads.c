/* pybuffer_check_among_threads. libpython has no such function, so these tests are not run on it. */
#include "harness.h"

#include <libpybuffer.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "broken.h"
#include "counting.h"
#include "families.h"

#define WEAK(function) extern __typeof__(function) function __attribute__((weak))
WEAK(pybuffer_check_exporter);
WEAK(pybuffer_check_among_threads);

/* In one thread: what is found is the threads' fault, but for what the exporter does without them. */
static void check_among_threads_leaves_out_what_is_wrong_without_them(void)
{
    pybuffer_report alone, report;
    for (int i = 0; i < broken_n_mistakes; i++) {
        if (broken_mistakes[i].needs_references) {
            continue;
        }
        Broken *broken = broken_new(i);
        pybuffer_check_exporter((PyObject *)broken, &alone);
        pybuffer_check_among_threads((PyObject *)broken, 2, NULL, &report);
        EXPECT_INT(1, report.n_findings);
        EXPECT_INT(1, report.n_violations);
        EXPECT_STRING(COUNTING_RULE, report.findings[0].rule.name);
        EXPECT_STRING(broken_mistakes[i].field, report.findings[0].field);
        EXPECT_OK(0, pybuffer_check_among_threads((PyObject *)broken, 2, &alone, &report));
        EXPECT_INT(0, report.n_findings);
        EXPECT_INT(2 * alone.n_requests, report.n_requests);
        broken_free(broken);
    }
}

static void check_among_threads_of_nothing_is_an_error(void)
{
    pybuffer_report report;
    PyObject *counting = counting_new(1);
    EXPECT_ERROR(-1, pybuffer_check_among_threads(NULL, 1, NULL, &report), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, pybuffer_check_among_threads(counting, 1, NULL, NULL), "SystemError", NULL_ARGUMENT);
    EXPECT_OK(0, pybuffer_check_among_threads(counting, 0, NULL, &report));
    EXPECT_OK(0, pybuffer_check_among_threads(counting, -1, NULL, &report));
    Py_DECREF(counting);
}

#ifdef STANDALONE /* in a python with a GIL, no two threads are there at once */
enum { N_THREADS = 8, N_ROUNDS = 20 };

typedef struct {
    PyObject *exporter;
    pybuffer_report report;
} Job;

static void *run_job(void *argument)
{
    Job *job = argument;
    if (pybuffer_check_among_threads(job->exporter, N_ROUNDS, NULL, &job->report) < 0) {
        abort();
    }
    return NULL;
}

/* The number of threads that found something. */
static int n_found(PyObject *exporter)
{
    static Job jobs[N_THREADS];
    pthread_t threads[N_THREADS];
    int n = 0;
    for (int i = 0; i < N_THREADS; i++) {
        jobs[i].exporter = exporter;
        if (pthread_create(&threads[i], NULL, run_job, &jobs[i]) != 0) {
            abort();
        }
    }
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
        n += jobs[i].report.n_violations > 0;
        for (int k = 0; k < jobs[i].report.n_findings; k++) {
            EXPECT_STRING(COUNTING_RULE, jobs[i].report.findings[k].rule.name);
            EXPECT_STRING("exception", jobs[i].report.findings[k].field);
        }
    }
    return n;
}

static void check_among_threads_finds_a_count_that_is_not_atomic(void)
{
    PyObject *atomic = counting_new(1);
    bool is_found = false;
    /* A new exporter each time: once a subtraction is lost, the count may never get below zero again. (Valgrind runs one thread
     * at a time.) */
    for (int i = 0; i < 1000 && !is_found && !is_quick(); i++) {
        PyObject *racy = counting_new(0);
        is_found = n_found(racy) > 0;
        Py_DECREF(racy);
    }
    EXPECT(is_found || is_quick());
    for (int i = 0; i < (is_quick() ? 1 : 20); i++) {
        EXPECT_INT(0, n_found(atomic));
    }
    EXPECT_INT(0, ((Counting *)atomic)->exports);
    Py_DECREF(atomic);
}
#endif

const Test check_threads_tests[] = {
    TEST(check_among_threads_leaves_out_what_is_wrong_without_them),
    TEST(check_among_threads_of_nothing_is_an_error),
#ifdef STANDALONE
    TEST(check_among_threads_finds_a_count_that_is_not_atomic),
#endif
    END_OF_TESTS,
};
