/* To be preloaded: of libpybuffer's calls of malloc, two of three fail; those of others succeed. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

void *__libc_malloc(size_t size);
void *malloc(size_t size);

static int
is_libpybuffer(const void *caller)
{
    /* Initial-exec, because glibc would call malloc for other models under LD_AUDIT. */
    static _Thread_local __attribute__((tls_model("initial-exec"))) int is_asking;
    Dl_info info;
    if (is_asking)
        return 0;
    is_asking = 1;
    int is = dladdr(caller, &info) && info.dli_fname != NULL && strstr(info.dli_fname, "/libpybuffer.so");
    is_asking = 0;
    return is;
}

void *
malloc(size_t size)
{
    static unsigned n;
    if (is_libpybuffer(__builtin_return_address(0)) && ++n % 3 != 0)
        return NULL;
    return __libc_malloc(size);
}
