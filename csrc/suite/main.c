/* Runs the suite: suite [--quick] [--few-threads] [--functions-from FILE] [PATTERN]
 *
 * --functions-from  proves before the first test that the functions under test lie in FILE
 * --quick           looks at a part of the cases where every one is enumerated (for valgrind)
 * --few-threads     begins no more threads than an emulator bears, which keeps memory for each that ever was
 * PATTERN           runs only the tests with this text in their names
 *
 * Exits with 0 if every test passed, with 1 otherwise. */
#include "harness.h"

#include <dlfcn.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broken.h"
#include "counting.h"
#include "exempt.h"
#include "families.h"
#include "report.h"

static const char *running = "(no test)";

/* --- whose functions -------------------------------------------------------------------------- */

#define FUNCTION(name) { #name, (void (*)(void))name }

static const struct {
    const char *name;
    void (*function)(void);
} functions[] = {
#if defined(STANDALONE) || PY_VERSION_HEX >= 0x03090000
    FUNCTION(PyObject_CheckBuffer),
    FUNCTION(PyBuffer_SizeFromFormat),
#endif
    FUNCTION(PyObject_GetBuffer),
    FUNCTION(PyBuffer_Release),
    FUNCTION(PyBuffer_IsContiguous),
    FUNCTION(PyBuffer_GetPointer),
    FUNCTION(PyBuffer_FromContiguous),
    FUNCTION(PyBuffer_ToContiguous),
    FUNCTION(PyObject_CopyData),
    FUNCTION(PyBuffer_FillContiguousStrides),
    FUNCTION(PyBuffer_FillInfo),
    FUNCTION(PyObject_AsCharBuffer),
    FUNCTION(PyObject_AsReadBuffer),
    FUNCTION(PyObject_AsWriteBuffer),
    FUNCTION(PyObject_CheckReadBuffer),
    FUNCTION(PyMemoryView_FromObject),
    FUNCTION(PyMemoryView_FromMemory),
    FUNCTION(PyMemoryView_FromBuffer),
    FUNCTION(PyMemoryView_GetContiguous),
};

/* Whether every function lies in this file, as the dynamic linker tells it. */
static bool functions_lie_in(const char *file)
{
    char expected[PATH_MAX], found[PATH_MAX];
    if (realpath(file, expected) == NULL) {
        perror(file);
        return false;
    }
    bool lie_there = true;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        Dl_info info;
        void *address;
        memcpy(&address, &functions[i].function, sizeof address);
        if (dladdr(address, &info) == 0 || realpath(info.dli_fname, found) == NULL
            || strcmp(expected, found) != 0) {
            printf("  %s: expected in %s, found in %s\n", functions[i].name, expected, found);
            lie_there = false;
        }
    }
    return lie_there;
}

/* --- one test ----------------------------------------------------------------------------------- */

static int count_failures(const Test *test)
{
    running = test->name;
    report_begin_test();
    const long alive = array_alive() + scripted_alive() + broken_alive();
    test->run();
    expect_no_exception(__FILE__, __LINE__, test->name);
    expect_int(alive, array_alive() + scripted_alive() + broken_alive(), __FILE__, __LINE__, "objects alive");
    return report_end_test();
}

/* A crash says which test it was. */
static void on_crash(int signal_number)
{
    const char *parts[] = { "CRASH in ", running, "\n" };
    for (int i = 0; i < 3; i++) {
        if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0) {
            break;
        }
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL };

/* On a stack of its own, as the crash may be a stack that is full. A sanitizer reports by itself. */
static void watch_for_crashes(void)
{
#ifndef __SANITIZE_ADDRESS__
    static char memory[64 * 1024];
    const stack_t stack = { .ss_sp = memory, .ss_size = sizeof memory };
    sigaltstack(&stack, NULL);
    struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK };
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) {
        sigaction(crashes[i], &action, NULL);
    }
#else
    (void)on_crash;
#endif
}

/* Whether a test passes, found out in a child that may well crash. Nothing is printed. */
static bool passes_in_a_child(const Test *test)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit no_core = { 0, 0 };
        setrlimit(RLIMIT_CORE, &no_core);
        for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) {
            signal(crashes[i], SIG_DFL);
        }
        if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL) {
            _exit(2);
        }
        alarm(20);
        report_exit_at_failure();
        _exit(count_failures(test) == 0 ? 0 : 1);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("fork");
        exit(2);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- exemptions --------------------------------------------------------------------------------- */

static bool holds_here(Where where)
{
#ifdef Py_DEBUG
    const bool is_debug_build = true;
#else
    const bool is_debug_build = false;
#endif
    return where == EVERYWHERE || (where == DEBUG_BUILDS && is_debug_build)
           || (where == BEFORE_3_9 && python_version() < 0x0309);
}

/* The entry that excuses libpython from a test, or NULL. */
static const Exemption *find_exemption(const char *test)
{
    for (const Exemption *exemption = exemptions; exemption->test != NULL; exemption++) {
        if (functions_are_libpythons() && strcmp(exemption->test, test) == 0
            && holds_here(exemption->where)) {
            return exemption;
        }
    }
    return NULL;
}

/* --- all tests ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const Test *tests;
} families[] = {
#define FAMILY(name) { #name, name##_tests },
    FAMILIES(FAMILY)
};

static int n_passed, n_failed, n_exempt;

static void run(const char *family, const Test *test)
{
    const Exemption *exemption = find_exemption(test->name);
    if (exemption != NULL) {
        n_exempt++;
        if (passes_in_a_child(test) && exemption->outcome == FAILS) {
            n_failed++;
            printf("FAILED %s/%s: libpython passes it, so it needs no exemption\n", family,
                   test->name);
        }
        return;
    }
    const int n_failures = count_failures(test);
    if (n_failures == 0) {
        n_passed++;
    } else {
        n_failed++;
        printf("FAILED %s/%s: %d expectations\n", family, test->name, n_failures);
    }
}

/* An entry that no test bears would excuse nothing, and hide a misspelt name. */
static void check_exemptions(void)
{
    for (const Exemption *exemption = exemptions; exemption->test != NULL; exemption++) {
        bool is_a_test = false;
        for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
            for (const Test *test = families[i].tests; test->run != NULL; test++) {
                is_a_test = is_a_test || strcmp(test->name, exemption->test) == 0;
            }
        }
        if (!is_a_test) {
            n_failed++;
            printf("FAILED: the exemption of %s is of no test\n", exemption->test);
        }
    }
}

static void run_all(const char *pattern)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const bool is_ours_alone = families[i].tests == copy_views_tests || families[i].tests == copy_parts_tests
                                   || families[i].tests == dlpack_to_tests || families[i].tests == dlpack_from_tests
                                   || families[i].tests == check_tests || families[i].tests == check_threads_tests;
        if (is_ours_alone && functions_are_libpythons()) {
            continue;
        }
        for (const Test *test = families[i].tests; test->run != NULL; test++) {
            if (strstr(test->name, pattern) != NULL || strstr(families[i].name, pattern) != NULL) {
                run(families[i].name, test);
            }
        }
    }
}

int main(int argc, char **argv)
{
    const char *pattern = "", *functions_from = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            harness_be_quick();
        } else if (strcmp(argv[i], "--few-threads") == 0) {
            harness_begin_few_threads();
        } else if (strcmp(argv[i], "--functions-from") == 0 && i + 1 < argc) {
            functions_from = argv[++i];
        } else {
            pattern = argv[i];
        }
    }
    if (functions_from != NULL && !functions_lie_in(functions_from)) {
        printf("FAILED: the functions under test are not those of %s\n", functions_from);
        return 1;
    }
    watch_for_crashes();
#ifndef STANDALONE
    Py_InitializeEx(0);
#endif
    if (array_ready() < 0 || scripted_ready() < 0 || broken_ready() < 0 || counting_ready() < 0) {
        printf("FAILED: the exporters' types cannot be made ready\n");
        return 1;
    }

    if (functions_are_libpythons()) {
        check_exemptions();
    }
    run_all(pattern);

    running = "(the end)";
#ifndef STANDALONE
    if (Py_FinalizeEx() < 0) {
        printf("FAILED: Py_FinalizeEx\n");
        n_failed++;
    }
#endif
    printf("%d passed, %d failed, %d exempt\n", n_passed, n_failed, n_exempt);
    return n_failed > 0 || n_passed == 0;
}
