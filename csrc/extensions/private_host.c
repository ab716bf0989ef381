/* A program that loads a libpython privately (RTLD_LOCAL), as some applications with plug-ins
 * do:
 *
 *     private_host LIBPYTHON LIBPYBUFFER PYTHON-CODE
 *
 * Prints what pybuffer_runtime() of LIBPYBUFFER returns before and after pybuffer_attach, then
 * runs the code. */

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* Up to 3.9, an interpreter's version has two lines. */
static void
print_first_line(const char *text)
{
    printf("%.*s\n", (int)strcspn(text, "\n"), text);
}

static void *
need(void *pointer)
{
    if (pointer == NULL)
        fprintf(stderr, "%s\n", dlerror());
    return pointer;
}

int
main(int argc, char **argv)
{
    if (argc != 4)
        return 1;
    void *libpython = need(dlopen(argv[1], RTLD_NOW | RTLD_LOCAL));
    void *libpybuffer = need(dlopen(argv[2], RTLD_NOW | RTLD_LOCAL));
    if (!libpython || !libpybuffer)
        return 2;
    const char *(*runtime)(void) = need(dlsym(libpybuffer, "pybuffer_runtime"));
    int (*attach)(void *) = need(dlsym(libpybuffer, "pybuffer_attach"));
    void (*initialize)(void) = need(dlsym(libpython, "Py_Initialize"));
    int (*run)(const char *) = need(dlsym(libpython, "PyRun_SimpleString"));
    int (*finalize)(void) = need(dlsym(libpython, "Py_FinalizeEx"));
    if (!runtime || !attach || !initialize || !run || !finalize)
        return 3;

    initialize();
    print_first_line(runtime());
    if (attach(libpython) < 0)
        return 4;
    print_first_line(runtime());
    fflush(stdout);
    if (run(argv[3]) < 0)
        return 5;
    return finalize() < 0 ? 6 : 0;
}
