#include <libpybuffer.h>

int main(void)
{
    pybuffer_format_field fields[16];
    Py_ssize_t extents[16];
    const char *format = "T{i:id:(2,3)d:m:5s:name:}";
    Py_ssize_t n = pybuffer_format_parse(format, fields, 16, extents, 16, NULL);

    for (Py_ssize_t i = 1; i < n; i++) /* fields[0] is the struct itself */
        printf("%-4.*s %zd bytes at %zd, code %c\n", (int)fields[i].name_len, fields[i].name,
               fields[i].size, fields[i].offset, fields[i].code);

    printf("%d\n", pybuffer_format_equivalent("T{(2)h:a:}", "hh")); /* 1 */
    if (pybuffer_format_itemsize("T{i:a:r}") < 0)
        printf("%s\n", pybuffer_err_text());
    return 0;
}
