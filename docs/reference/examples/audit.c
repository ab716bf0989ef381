#define _POSIX_C_SOURCE 200809L /* setenv */
#include <libpybuffer.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    static char items[6] = "abcdef";
    pybuffer_holder holder;
    Py_buffer view;

    /* As in the environment of the program: it is read when the first object is used. */
    setenv("PYBUFFER_AUDIT", "warn", 1);
    PyObject *memory = PyMemoryView_FromMemory(items, sizeof items, PyBUF_READ);
    if (memory == NULL || PyObject_GetBuffer(memory, &view, PyBUF_SIMPLE) < 0) {
        return 1;
    }
    printf("%zd entry: ", pybuffer_holders(memory, &holder, 1));
    printf("%zd view of %zd bytes of a %s\n", holder.n_views, holder.len, holder.type_name);
    PyBuffer_Release(&view);
    printf("%zd entries\n", pybuffer_holders(memory, NULL, 0));
    pybuffer_decref(memory);
    return 0;
}
