/* PyBuffer_SizeFromFormat. */
#include "harness.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "families.h"

#define BAD_CHAR "bad char in struct format"
#define NO_CODE "repeat count given without format specifier"
#define TOO_LONG "total struct size too long"

/* A code's size and alignment as C has them, and its standard size (0: it has none). */
typedef struct {
    char code;
    int size, alignment, standard_size;
    int since; /* the first version that knows it */
} Code;

#define CODE(code, type, standard_size) { code, sizeof(type), _Alignof(type), standard_size, 0 }

static const Code codes[] = {
    { 'x', 1, 1, 1, 0 },
    { 's', 1, 1, 1, 0 },
    { 'p', 1, 1, 1, 0 },
    { 'e', 2, _Alignof(short), 2, 0 },
    { 'F', 2 * sizeof(float), _Alignof(float), 8, 0x030e },
    { 'D', 2 * sizeof(double), _Alignof(double), 16, 0x030e },
    CODE('c', char, 1),
    CODE('b', signed char, 1),
    CODE('B', unsigned char, 1),
    CODE('?', _Bool, 1),
    CODE('h', short, 2),
    CODE('H', unsigned short, 2),
    CODE('i', int, 4),
    CODE('I', unsigned, 4),
    CODE('l', long, 4),
    CODE('L', unsigned long, 4),
    CODE('q', long long, 8),
    CODE('Q', unsigned long long, 8),
    CODE('n', Py_ssize_t, 0),
    CODE('N', size_t, 0),
    CODE('P', void *, 0),
    CODE('f', float, 4),
    CODE('d', double, 8),
};

/* The row of a code that the running version knows, or NULL. */
static const Code *find_code(int c)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].code == c && codes[i].since <= python_version()) {
            return &codes[i];
        }
    }
    return NULL;
}

static bool is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void size_from_format_every_code_under_every_prefix(void)
{
    const char *prefixes[] = { "", "@", "=", "<", ">", "!" };
    for (size_t p = 0; p < 6; p++) {
        const bool native = p < 2;
        for (int c = 1; c < 128; c++) {
            char format[3];
            snprintf(format, sizeof format, "%s%c", prefixes[p], c);
            const Code *code = find_code(c);
            if (p == 0 && strchr("@=<>!", c) != NULL) {
                EXPECT_OK(0, PyBuffer_SizeFromFormat(format));
            } else if (is_space(c)) {
                EXPECT_OK(0, PyBuffer_SizeFromFormat(format));
            } else if (c >= '0' && c <= '9') {
                EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(format), "struct.error", NO_CODE);
            } else if (code != NULL && (native || code->standard_size > 0)) {
                EXPECT_OK(native ? code->size : code->standard_size,
                          PyBuffer_SizeFromFormat(format));
            } else {
                EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(format), "struct.error", BAD_CHAR);
            }
        }
    }
}

/* Every pair of native codes: the second is aligned, the end is not. */
static void size_from_format_native_codes_are_aligned(void)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        for (size_t j = 0; j < sizeof codes / sizeof *codes; j++) {
            const Code *a = &codes[i], *b = &codes[j];
            if (a->since > python_version() || b->since > python_version()) {
                continue;
            }
            char format[3] = { a->code, b->code, '\0' };
            const int start = (a->size + b->alignment - 1) / b->alignment * b->alignment;
            EXPECT_OK(start + b->size, PyBuffer_SizeFromFormat(format));
        }
    }
}

static void expect_sizes(const char *const *formats, const int *sizes, int n)
{
    for (int i = 0; i < n; i++) {
        Py_ssize_t size = PyBuffer_SizeFromFormat(formats[i]);
        expect_int(sizes[i], size, __FILE__, __LINE__, formats[i]);
        expect_no_exception(__FILE__, __LINE__, formats[i]);
    }
}

static void size_from_format_without_items_is_0(void)
{
    const char *formats[] = { "", "@", "=", "<", ">", "!", " ", "@ \t\n\v\f\r", "0i", "0x", "0s" };
    const int sizes[11] = { 0 };
    expect_sizes(formats, sizes, 11);
}

static void size_from_format_counts_and_spaces(void)
{
    const char *formats[] = { "3h", "003h", "10s", "10p", "0s", "5x", "2s3s", "<bhb", ">bhb", "=3q",
                              "i  i", " i", "< 2h h", "\t2b\n" };
    const int sizes[] = { 6, 6, 10, 10, 0, 5, 5, 4, 4, 24, 8, 4, 6, 2 };
    expect_sizes(formats, sizes, 14);
}

static void size_from_format_padding_comes_before_an_item_only(void)
{
    const char *formats[] = { "bhb", "ib", "ib0i", "bi", "b0i", "0i", "b 2h", "bxh", "=b0i" };
    const int sizes[] = { 5, 5, 8, 8, 4, 0, 6, 4, 1 };
    expect_sizes(formats, sizes, 9);
}

static void size_from_format_complex_pairs_begin_with_3_15(void)
{
    const char *formats[] = { "Zf", "Zd", "<Zf", ">Zd", "3Zd", "bZf", "2Zf0Zd" };
    const int sizes[] = { 8, 16, 8, 16, 48, 4 + 8, 16 };
    for (int i = 0; i < 7; i++) {
        if (python_version() >= 0x030f) {
            EXPECT_OK(sizes[i], PyBuffer_SizeFromFormat(formats[i]));
        } else {
            EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(formats[i]), "struct.error", BAD_CHAR);
        }
    }
    const char *wrong[] = { "Z", "Z f", "Z3f", "Zi", "Zg", "ZF", "ZZf", "Z<f" };
    for (int i = 0; i < 8; i++) {
        EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(wrong[i]), "struct.error", BAD_CHAR);
    }
}

static void size_from_format_refuses_what_struct_refuses(void)
{
    const char *bad_char[] = { "@@", " @i", "i<", "<>i", "2 i", "T{i}", "(2)i", "i:a:", "&i", "^i",
                               "-1i", "+1i", "O", "g", "u", "w", "t", "1.5f", "=n", "<N", ">P" };
    for (size_t i = 0; i < sizeof bad_char / sizeof *bad_char; i++) {
        EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(bad_char[i]), "struct.error", BAD_CHAR);
    }
    const char *no_code[] = { "1", "i2", "<12" };
    for (size_t i = 0; i < sizeof no_code / sizeof *no_code; i++) {
        EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(no_code[i]), "struct.error", NO_CODE);
    }
}

/* Counts at the edge of PY_SSIZE_T_MAX, whatever its width. */
static void size_from_format_beyond_the_largest_size_is_refused(void)
{
    char format[80];
    snprintf(format, sizeof format, "%zdb", (size_t)PY_SSIZE_T_MAX);
    EXPECT_OK(PY_SSIZE_T_MAX, PyBuffer_SizeFromFormat(format));
    snprintf(format, sizeof format, "%zub", (size_t)PY_SSIZE_T_MAX + 1);
    EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(format), "struct.error", TOO_LONG);
    snprintf(format, sizeof format, "%zdh", PY_SSIZE_T_MAX / 2);
    EXPECT_OK(PY_SSIZE_T_MAX - 1, PyBuffer_SizeFromFormat(format));
    snprintf(format, sizeof format, "%zdh", PY_SSIZE_T_MAX / 2 + 1);
    EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(format), "struct.error", TOO_LONG);
    snprintf(format, sizeof format, "b%zdb", PY_SSIZE_T_MAX);
    EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(format), "struct.error", TOO_LONG);
    snprintf(format, sizeof format, "%zdbh", PY_SSIZE_T_MAX);
    EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(format), "struct.error", TOO_LONG);
}

/* Whether the number of items is limited too, not their size alone, as newer CPythons have it (3.13.15, not
 * 3.13.0): struct.calcsize is asked. */
static bool limits_items(void)
{
#ifdef STANDALONE
    return true;
#else
    char format[40];
    snprintf(format, sizeof format, "0s%zdc", PY_SSIZE_T_MAX);
    PyObject *module = PyImport_ImportModule("struct");
    PyObject *size = PyObject_CallMethod(module, "calcsize", "s", format);
    Py_DECREF(module);
    if (size == NULL) {
        PyErr_Clear();
        return true;
    }
    Py_DECREF(size);
    return false;
#endif
}

/* A string is one item, even one of no bytes; padding is none. */
static void size_from_format_beyond_the_largest_number_of_items_is_refused(void)
{
    static const struct {
        const char *format;
        bool is_refused;
    } cases[] = {
        { "0s%zdc", true },   { "0p%zdb", true },  { "%zdc0s", true },    { "<%zd?0p", true },
        { "0s%zds", false },  { "0p%zdx", false }, { "0x%zdc", false },   { "0i%zdc", false },
        { "%zdc0x", false },  { "%zdx0s", false }, { "<%zds0p", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char format[80];
        snprintf(format, sizeof format, cases[i].format, PY_SSIZE_T_MAX);
        if (cases[i].is_refused && limits_items()) {
            EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(format), "struct.error", TOO_LONG);
        } else {
            EXPECT_OK(PY_SSIZE_T_MAX, PyBuffer_SizeFromFormat(format));
        }
        snprintf(format, sizeof format, cases[i].format, PY_SSIZE_T_MAX - 1);
        EXPECT_OK(PY_SSIZE_T_MAX - 1, PyBuffer_SizeFromFormat(format));
    }
}

static void size_from_format_the_first_fault_from_the_left_counts(void)
{
    EXPECT_ERROR(-1, PyBuffer_SizeFromFormat("99999999999999999999~"), "struct.error", TOO_LONG);
    EXPECT_ERROR(-1, PyBuffer_SizeFromFormat("99999999999999999999"), "struct.error", TOO_LONG);
    EXPECT_ERROR(-1, PyBuffer_SizeFromFormat("~99999999999999999999b"), "struct.error", BAD_CHAR);
}

static void size_from_format_invalid_utf_8_is_a_unicode_decode_error(void)
{
    static const char *const cases[][2] = {
        { "\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte" },
        { "i\x80", "'utf-8' codec can't decode byte 0x80 in position 1: invalid start byte" },
        { "i\xc0\x80", "'utf-8' codec can't decode byte 0xc0 in position 1: invalid start byte" },
        { "\xc3", "'utf-8' codec can't decode byte 0xc3 in position 0: unexpected end of data" },
        { "\xe2\x82",
          "'utf-8' codec can't decode bytes in position 0-1: unexpected end of data" },
        { "\xc3(", "'utf-8' codec can't decode byte 0xc3 in position 0: invalid continuation byte" },
        { "\xed\xa0\x80",
          "'utf-8' codec can't decode byte 0xed in position 0: invalid continuation byte" },
        { "~~\xf0\x9f\x98(",
          "'utf-8' codec can't decode bytes in position 2-4: invalid continuation byte" },
        { "\xf5\x80\x80\x80",
          "'utf-8' codec can't decode byte 0xf5 in position 0: invalid start byte" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(cases[i][0]), "UnicodeDecodeError", cases[i][1]);
    }
}

static void size_from_format_non_ascii_is_refused_by_the_versions_own_error(void)
{
    static const char *const cases[][2] = {
        { "\xc3\xa9",
          "'ascii' codec can't encode character '\\xe9' in position 0: ordinal not in range(128)" },
        { "i~\xe2\x82\xac\xc3\xa9",
          "'ascii' codec can't encode characters in position 2-3: ordinal not in range(128)" },
        { "i\xf0\x9f\x98\x80i",
          "'ascii' codec can't encode character '\\U0001f600' in position 1: ordinal not in "
          "range(128)" },
        { "\xe2\x82\xac",
          "'ascii' codec can't encode character '\\u20ac' in position 0: ordinal not in "
          "range(128)" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (python_version() >= 0x030f) {
            EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(cases[i][0]), "ValueError",
                         "non-ASCII character in struct format");
        } else {
            EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(cases[i][0]), "UnicodeEncodeError",
                         cases[i][1]);
        }
    }
}

static void size_from_format_null_is_a_system_error(void)
{
    EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(NULL), "SystemError", NULL_ARGUMENT);
}

const Test size_from_format_tests[] = {
    TEST(size_from_format_every_code_under_every_prefix),
    TEST(size_from_format_native_codes_are_aligned),
    TEST(size_from_format_without_items_is_0),
    TEST(size_from_format_counts_and_spaces),
    TEST(size_from_format_padding_comes_before_an_item_only),
    TEST(size_from_format_complex_pairs_begin_with_3_15),
    TEST(size_from_format_refuses_what_struct_refuses),
    TEST(size_from_format_beyond_the_largest_size_is_refused),
    TEST(size_from_format_beyond_the_largest_number_of_items_is_refused),
    TEST(size_from_format_the_first_fault_from_the_left_counts),
    TEST(size_from_format_invalid_utf_8_is_a_unicode_decode_error),
    TEST(size_from_format_non_ascii_is_refused_by_the_versions_own_error),
    TEST(size_from_format_null_is_a_system_error),
    END_OF_TESTS,
};
