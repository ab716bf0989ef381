#include <libpybuffer.h>
#include <stdlib.h>

static void gone(void *memory)
{
    puts("freed");
    free(memory);
}

int main(void)
{
    char *memory = calloc(1, 16);
    PyObject *first = pybuffer_memoryview_from_memory_with_destructor(
        memory, 16, PyBUF_WRITE, gone, memory);
    PyObject *second = PyMemoryView_FromObject(first);

    Py_DECREF(first);
    puts("one is left"); /* the memory is still there */
    Py_DECREF(second);   /* gone(memory) is called here */
    return 0;
}
