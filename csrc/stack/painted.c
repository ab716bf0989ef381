/* See painted.h. Linked with the archive and -Wl,--wrap for malloc and calloc, as a program without Python.
 *
 * `painted`: the memory that is asked for is there. `painted refused`: on the painted stacks it never is. */
#include "painted.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "python_or_pybuffer.h"

enum { BELOW = 256 << 10, FAMILIES = 80, WORDS = (BELOW + STACK) / 8 };
static const uint64_t PAINT = 0xc5a35c3a96695aa5;

static uint64_t *memory;
static ucontext_t here, there;
static bool is_painted, is_wrong;
static struct {
    const char *name;
    size_t used;
} families[FAMILIES];
static int n_families;

/* --- malloc ------------------------------------------------------------------------------------------- */

bool memory_is_refused, keeps_errno;

extern void *__real_malloc(size_t), *__real_calloc(size_t, size_t);
void *__wrap_malloc(size_t), *__wrap_calloc(size_t, size_t);

static bool is_refused(void)
{
    if (is_painted && memory_is_refused) {
        errno = ENOMEM;
        return true;
    }
    return false;
}

void *__wrap_malloc(size_t size)
{
    return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return is_refused() ? NULL : __real_calloc(n, size);
}

/* --- stacks ------------------------------------------------------------------------------------------- */

static void (*to_run)(void *);
static void *its_argument;

static void run_there(void)
{
    to_run(its_argument);
}

static size_t *used_by(const char *family)
{
    for (int i = 0; i < n_families; i++) {
        if (strcmp(families[i].name, family) == 0) {
            return &families[i].used;
        }
    }
    if (n_families == FAMILIES) {
        printf("too many families\n");
        exit(1);
    }
    families[n_families].name = family;
    return &families[n_families++].used;
}

void painted_run(const char *family, void (*run)(void *), void *argument)
{
    for (size_t i = 0; i < WORDS; i++) {
        memory[i] = PAINT;
    }
    getcontext(&there);
    there.uc_stack.ss_sp = (char *)memory + BELOW;
    there.uc_stack.ss_size = STACK;
    there.uc_link = &here;
    to_run = run;
    its_argument = argument;
    makecontext(&there, run_there, 0);
    errno = EDOM;
    is_painted = true;
    swapcontext(&here, &there);
    is_painted = false;
    if (keeps_errno && errno != EDOM) {
        painted_wrong(family, "errno was changed");
    }
    size_t lowest = 0;
    while (lowest < WORDS && memory[lowest] == PAINT) {
        lowest++;
    }
    size_t used = (WORDS - lowest) * 8;
    if (used > STACK) {
        painted_wrong(family, "memory below the stack was overwritten");
    }
    size_t *most = used_by(family);
    *most = used > *most ? used : *most;
}

void painted_wrong(const char *family, const char *what)
{
    if (!is_wrong) {
        printf("wrong: %s: %s\n", family, what);
    }
    is_wrong = true;
}

bool painted_report(void)
{
    for (int i = 0; i < n_families; i++) {
        printf("%s\t%zu\n", families[i].name, families[i].used);
    }
    return !is_wrong;
}

static void nothing(void *argument)
{
    (void)argument;
}

/* The first call of all finds the host, if there is one, and the CPU's level. */
static void first_call(void *argument)
{
    (void)argument;
    pybuffer_exception("ValueError");
    pybuffer_cpu_level();
    pybuffer_runtime();
}

int main(int argc, char **argv)
{
    memory = mmap(NULL, WORDS * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        printf("no memory for a stack\n");
        return 1;
    }
    painted_run("nothing", nothing, NULL);
    painted_run("the first call of all", first_call, NULL);
    printf("level\t%s\n", pybuffer_cpu_level());
    memory_is_refused = argc > 1 && strcmp(argv[1], "refused") == 0;
    keeps_errno = true;
    run_copies();
    keeps_errno = false;
    run_formats();
    run_objects();
    run_dlpack();
    return painted_report() ? 0 : 1;
}
