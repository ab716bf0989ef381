#include <libpybuffer.h>

int main(void)
{
    /* The header that this program was compiled with, and the library that it runs with. */
    printf("same version: %d\n", strcmp(PYBUFFER_VERSION, pybuffer_version()) == 0);
    printf("objects: %s\n", pybuffer_runtime()); /* in an extension module: CPython 3.13.0 (...) */
    return 0;
}
