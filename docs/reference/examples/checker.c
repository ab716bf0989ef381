#include <libpybuffer.h>

int main(void)
{
    Py_ssize_t shape[1] = { 3 };
    Py_buffer view = { .buf = "abcdef", .len = 6, .itemsize = 1, .readonly = 1, .ndim = 1,
                       .shape = shape };
    pybuffer_report report; /* owns nothing: there is nothing to free */
    char text[4096];

    /* As an exporter's answer to PyBUF_ND: len does not match the shape, and there is no exporter. */
    printf("%d rules broken\n", pybuffer_check_view(&view, PyBUF_ND, &report));
    pybuffer_report_format(&report, text, sizeof text);
    fputs(text, stdout);
    return 0;
}
