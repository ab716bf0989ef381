#include <libpybuffer.h>
#include <stdio.h>

int main(void)
{
    static char items[6] = "abcdef";
    pybuffer_holder holders[4];

    /* The audit is on if PYBUFFER_AUDIT was set when the process first used an object. */
    if (pybuffer_audit_retell() == 0) {
        puts("the audit is off");
    }
    PyObject *view = PyMemoryView_FromMemory(items, sizeof items, PyBUF_READ);
    Py_ssize_t n = pybuffer_holders(view, holders, 4);
    for (Py_ssize_t i = 0; i < n && i < 4; i++) {
        printf("%zd views of %s, %zd bytes each\n", holders[i].n_views, holders[i].type_name, holders[i].len);
    }
    if (n < 0) {
        puts(pybuffer_err_text());
        pybuffer_err_clear();
    }
    pybuffer_decref(view);
    return 0;
}
