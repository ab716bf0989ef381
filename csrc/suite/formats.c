/* pybuffer_format_parse, pybuffer_format_itemsize. */
#include "formats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "families.h"

/* --- codes -------------------------------------------------------------------------------------- */

/* A code's size and alignment as C has them, its standard size (0: none), and its kind. */
typedef struct {
    const char *code;
    int size, alignment, standard_size;
    char kind;
} Code;

#define CODE(code, type, standard_size, kind)                                                      \
    { code, sizeof(type), _Alignof(type), standard_size, kind }
#define COMPLEX(code, type, standard_size)                                                         \
    { code, 2 * sizeof(type), _Alignof(type), 2 * standard_size, 'c' }

static const Code codes[] = {
    CODE("c", char, 1, 'S'),
    CODE("s", char, 1, 'S'),
    CODE("p", char, 1, 'p'),
    CODE("?", _Bool, 1, 'b'),
    CODE("b", signed char, 1, 'i'),
    CODE("B", unsigned char, 1, 'u'),
    CODE("h", short, 2, 'i'),
    CODE("H", unsigned short, 2, 'u'),
    CODE("i", int, 4, 'i'),
    CODE("I", unsigned, 4, 'u'),
    CODE("l", long, 4, 'i'),
    CODE("L", unsigned long, 4, 'u'),
    CODE("q", long long, 8, 'i'),
    CODE("Q", unsigned long long, 8, 'u'),
    CODE("n", Py_ssize_t, 0, 'i'),
    CODE("N", size_t, 0, 'u'),
    { "e", 2, _Alignof(short), 2, 'f' },
    CODE("f", float, 4, 'f'),
    CODE("d", double, 8, 'f'),
    CODE("g", long double, 0, 'f'),
    COMPLEX("F", float, 4),
    COMPLEX("D", double, 8),
    COMPLEX("G", long double, 0),
    { "Ze", 4, _Alignof(short), 4, 'c' },
    COMPLEX("Zf", float, 4),
    COMPLEX("Zd", double, 8),
    COMPLEX("Zg", long double, 0),
    { "Zi", 2 * sizeof(int), _Alignof(int), 8, 'j' },
    CODE("w", uint32_t, 4, 'U'),
    CODE("u", wchar_t, 0, 'U'),
    CODE("O", PyObject *, 0, 'O'),
    CODE("P", void *, 0, 'P'),
    CODE("z", char *, 0, 'P'),
    CODE("Z", wchar_t *, 0, 'P'),
    CODE("&i", int *, 0, 'P'),
    CODE("&T{i:a:}", int *, 0, 'P'),
    CODE("&&X{}", int *, 0, 'P'),
    CODE("X{}", void (*)(void), 0, 'X'),
    CODE("X{i:a:(2)d->Zd}", void (*)(void), 0, 'X'),
};
enum { N_CODES = sizeof codes / sizeof *codes };

/* Whether a code is refused under an order of standard sizes. */
static bool is_native_only(const Code *code)
{
    return code->code[0] == 'n' || code->code[0] == 'N';
}

OURS_TEST(formats_every_code_has_the_size_of_its_c_type)
{
    const char *modes[] = { "", "@", "^", "=", "<", ">", "!" };
    for (int m = 0; m < 7; m++) {
        for (int i = 0; i < N_CODES; i++) {
            const Code *code = &codes[i];
            const bool native = m < 3;
            char format[32];
            snprintf(format, sizeof format, "%s%s", modes[m], code->code);
            if (!native && is_native_only(code)) {
                EXPECT_ERROR_NAMING(-1, pybuffer_format_itemsize(format), "ValueError",
                                    "position 1 of the format", "have no standard size");
                continue;
            }
            const int size = native || code->standard_size == 0 ? code->size : code->standard_size;
            EXPECT_OK(size, pybuffer_format_itemsize(format));
            pybuffer_format_field field;
            EXPECT_OK(1, pybuffer_format_parse(format, &field, 1, NULL, 0, NULL));
            EXPECT_INT(code->kind, field.kind);
            EXPECT_INT(code->code[0], field.code);
            EXPECT_INT(m < 2 ? code->alignment : 1, field.alignment);
            EXPECT_INT(size, field.itemsize);
            EXPECT_INT(size, field.size);
            EXPECT_INT(m == 0 ? '@' : modes[m][0], field.mode);
            EXPECT_INT((m >= 5) || (m < 4 && !IS_LITTLE_ENDIAN) ? '>' : '<', field.byte_order);
            EXPECT_INT((Py_ssize_t)strlen(code->code), field.length);
        }
    }
}

/* Every pair of codes in a struct, and outside of one, as C lays it out. */
OURS_TEST(formats_pairs_are_aligned_and_padded_as_in_c)
{
    for (int i = 0; i < N_CODES; i++) {
        for (int j = 0; j < N_CODES; j++) {
            const Code *a = &codes[i], *b = &codes[j];
            const int offset = (a->size + b->alignment - 1) / b->alignment * b->alignment;
            const int end = offset + b->size;
            const int alignment = a->alignment > b->alignment ? a->alignment : b->alignment;
            char format[64];
            /* The name keeps a Z apart from what follows. */
            snprintf(format, sizeof format, "%s:a:%s", a->code, b->code);
            EXPECT_OK(end, pybuffer_format_itemsize(format));
            snprintf(format, sizeof format, "T{%s:a:%s:b:}", a->code, b->code);
            pybuffer_format_field fields[3];
            pybuffer_format_info info;
            EXPECT_OK(3, pybuffer_format_parse(format, fields, 3, NULL, 0, &info));
            EXPECT_INT((end + alignment - 1) / alignment * alignment, info.itemsize);
            EXPECT_INT(alignment, info.alignment);
            EXPECT_INT(0, fields[1].offset);
            EXPECT_INT(offset, fields[2].offset);
        }
    }
}

static bool take_error(void)
{
    return take_exception().type[0] != '\0';
}

/* Whatever struct accepts has the size that struct says. */
OURS_TEST(formats_of_struct_have_the_size_that_struct_says)
{
    static const char alphabet[] = "bhiqsxcnPd?e023 <@=>";
    enum { N = sizeof alphabet - 1 };
    int n_accepted = 0;
    for (int i = 0; i < N * N * N * N; i++) {
        char format[5] = { alphabet[i % N], alphabet[i / N % N], alphabet[i / (N * N) % N],
                           alphabet[i / (N * N * N)], '\0' };
        if (is_quick() && i % 17 != 0) {
            continue;
        }
        const Py_ssize_t size = PyBuffer_SizeFromFormat(format);
        if (size < 0) {
            EXPECT(take_error());
            continue;
        }
        n_accepted++;
        expect_int(size, pybuffer_format_itemsize(format), __FILE__, __LINE__, format);
    }
    EXPECT(n_accepted > 1000);
    expect_no_exception(__FILE__, __LINE__, "formats of struct");
}

/* --- what exporters write ----------------------------------------------------------------------- */

typedef struct {
    char b;
    struct {
        int x;
        char y;
    } inner[3];
    long double g;
    char s[5];
    short m[2][3];
} Nested;

OURS_TEST(formats_of_nested_structs_give_the_offsets_of_c)
{
    static const char format[] = "T{c:b:(3)T{i:x:b:y:}:inner:g:g:5s:s:(2,3)h:m:}";
    pybuffer_format_field f[8];
    Py_ssize_t extents[3];
    pybuffer_format_info info;
    EXPECT_OK(8, pybuffer_format_parse(format, f, 8, extents, 3, &info));
    EXPECT_INT(sizeof(Nested), info.itemsize);
    EXPECT_INT(_Alignof(Nested), info.alignment);
    EXPECT_INT(8, info.n_fields);
    EXPECT_INT(3, info.n_extents);
    EXPECT_INT(-1, info.error_position);

    EXPECT_INT('T', f[0].code);
    EXPECT_INT(-1, f[0].parent);
    EXPECT_INT(sizeof(Nested), f[0].size);
    EXPECT_INT((Py_ssize_t)strlen(format), f[0].length);
    EXPECT(f[0].name == NULL);

    EXPECT_INT('T', f[2].kind);
    EXPECT_INT(0, f[2].parent);
    EXPECT_INT(offsetof(Nested, inner), f[2].offset);
    EXPECT_INT(sizeof(((Nested *)NULL)->inner), f[2].size);
    EXPECT_INT(sizeof(((Nested *)NULL)->inner[0]), f[2].itemsize);
    EXPECT_INT(1, f[2].ndim);
    EXPECT_POINTER(&extents[0], f[2].shape);
    EXPECT_INT(5, f[2].name_len);
    EXPECT_POINTER(format + 21, f[2].name);

    EXPECT_INT(2, f[4].parent);
    EXPECT_INT(4, f[4].offset);
    EXPECT_INT(offsetof(Nested, g), f[5].offset);
    EXPECT_INT(offsetof(Nested, s), f[6].offset);
    EXPECT_INT(5, f[6].count);
    EXPECT_INT(offsetof(Nested, m), f[7].offset);
    EXPECT_INT(2, f[7].ndim);
    EXPECT_POINTER(&extents[1], f[7].shape);
    EXPECT_INT(2, extents[1]);
    EXPECT_INT(3, extents[2]);
    EXPECT_INT(12, f[7].size);
    EXPECT_INT(1, f[7].count);
    EXPECT_INT((Py_ssize_t)(strchr(format, 'h') - format), f[7].position);
}

typedef struct {
    const char *format;
    Py_ssize_t itemsize;
} Emitted;

/* Written down from the exporters; sizes of a 64-bit machine whose long double has 16 bytes. */
static const Emitted emitted[] = {
    /* NumPy: the padding of an inner struct stands behind it; byte orders go on through braces. */
    { "T{i:a:b:b:}", 8 },
    { "T{=i:a:b:b:}", 5 },
    { "T{T{i:a:b:b:}:n:xxxb:c:}", 12 },
    { "T{(2)T{i:a:b:b:}:n:xxxxxxb:c:b:d:}", 20 },
    { "T{T{T{i:a:b:b:}:n:}:m:xxxb:c:}", 12 },
    { "T{(2,3)T{=i:a:b:b:}:n:b:c:(2)f:z:}", 39 },
    { "T{3x:v:>q:q:0s:s:=3w:u:}", 23 },
    { "T{3x:v:^g:g:Zg:G:=e:e:O:O:}", 61 },
    { "T{(2)i:a:(2)(3)h:b:}", 20 },
    { ">Zd", 16 },
    { "5x", 5 },
    { "3w", 12 },
    { "T{}", 0 },
    /* ctypes: always a byte order, and no standard size is missed. */
    { "T{T{<B:a:3x<I:b:}:s:(5)<c:c:3x&T{<B:a:3x<I:b:}:p:X{}:f:<z:z:<Z:w:(2,3)<h:m:<b:x:3x}", 64 },
    { "T{&<i:p:<b:b:7x}", 16 },
    { "T{&<i:p:<b:b:}", 9 },
    { "T{&B:p:(2)&B:q:}", 24 },
    { "&(3)<i", 8 },
    { "<u", 4 },
    { "<g", 16 },
    { "<G", 32 },
    { "<O", 8 },
    /* pybind11: '^', and all padding written. */
    { "^T{?:bool_:3xI:uint_:f:float_:4xg:ldbl_:}", 32 },
    { "^T{?:bool_:I:uint_:f:float_:g:ldbl_:}", 25 },
    { "^T{b:b:3x^T{i:x:b:y:3x}:i:(2, 3)f:m:5s:s:7xZd:z:(3)h:h:2x}", 72 },
    /* Cython: no padding, and '^' before the members of a packed struct. */
    { "T{c:b:T{i:x:c:y:}:inner:g:g:(5)c:s:(2,3)h:m:}",
      sizeof(struct { char b; struct { int x; char y; } inner; long double g; char s[5]; short m[6]; }) },
    { "T{^c:a:^i:x:^c:y:}", 6 },
    { "T{^c:a:^T{^i:x:^c:y:}:n:}", 6 },
    { "T{T{i:x:c:y:}:n:c:z:}", 12 },
    { "T{f:f:Q:u:I:s:q:ss:c:c:}", 40 },
    /* array */
    { "w", 4 },
};

OURS_TEST(formats_as_exporters_write_them_have_the_exporters_itemsize)
{
    if (sizeof(void *) != 8 || sizeof(long double) != 16 || sizeof(wchar_t) != 4) {
        return;
    }
    for (size_t i = 0; i < sizeof emitted / sizeof *emitted; i++) {
        expect_int(emitted[i].itemsize, pybuffer_format_itemsize(emitted[i].format), __FILE__,
                   __LINE__, emitted[i].format);
        expect_no_exception(__FILE__, __LINE__, emitted[i].format);
    }
}

OURS_TEST(formats_padding_is_no_field_unless_it_has_a_name)
{
    pybuffer_format_field f[3];
    pybuffer_format_info info;
    EXPECT_OK(2, pybuffer_format_parse("b(2)3xi:a:", f, 3, NULL, 0, &info));
    EXPECT_INT(8, f[1].offset);
    EXPECT_INT(0, info.n_extents);
    EXPECT_OK(3, pybuffer_format_parse("b3x:v:i", f, 3, NULL, 0, NULL));
    EXPECT_INT('V', f[1].kind);
    EXPECT_INT(3, f[1].size);
    EXPECT_OK(0, pybuffer_format_parse("5x", f, 3, NULL, 0, &info));
    EXPECT_INT(5, info.itemsize);
}

OURS_TEST(formats_bits_share_bytes_with_their_neighbours)
{
    pybuffer_format_field f[6];
    EXPECT_OK(6, pybuffer_format_parse("T{b3t:a:7tt h}", f, 6, NULL, 0, NULL));
    const int offsets[] = { 0, 0, 1, 1, 2, 4 }, bits[] = { 0, 0, 0, 3, 2, 0 };
    const int sizes[] = { 6, 1, 1, 2, 1, 2 };
    for (int i = 0; i < 6; i++) {
        EXPECT_INT(offsets[i], f[i].offset);
        EXPECT_INT(bits[i], f[i].bit);
        EXPECT_INT(sizes[i], f[i].size);
    }
    EXPECT_OK(1, pybuffer_format_itemsize("8t"));
    EXPECT_OK(2, pybuffer_format_itemsize("9t"));
    EXPECT_OK(2, pybuffer_format_itemsize("tbt") - 1);
}

OURS_TEST(formats_names_are_any_bytes_but_a_colon)
{
    static const char format[] = "i:}T{ \xff\xc3\xa9:h::";
    pybuffer_format_field f[2];
    EXPECT_OK(2, pybuffer_format_parse(format, f, 2, NULL, 0, NULL));
    EXPECT_INT(7, f[0].name_len);
    EXPECT_BYTES(format + 2, f[0].name, 7);
    /* An empty name is one. */
    EXPECT_INT(0, f[1].name_len);
    EXPECT(f[1].name != NULL);
}

/* --- room ----------------------------------------------------------------------------------------- */

OURS_TEST(formats_what_has_no_room_is_counted_and_left_out)
{
    static const char format[] = "T{(2,3)i:a:T{b(4)h:x:}:s:(5)d}";
    enum { N_FIELDS = 6, N_EXTENTS = 4 };
    for (int n = 0; n <= N_FIELDS + 1; n++) {
        for (int m = 0; m <= N_EXTENTS + 1; m++) {
            Memory fields = memory_new(sizeof(pybuffer_format_field) * n, 1);
            Memory extents = memory_new(sizeof(Py_ssize_t) * m, 2);
            pybuffer_format_field *f = (pybuffer_format_field *)fields.bytes;
            Py_ssize_t *e = (Py_ssize_t *)extents.bytes;
            pybuffer_format_info info;
            EXPECT_OK(N_FIELDS, pybuffer_format_parse(format, f, n, e, m, &info));
            EXPECT_INT(N_EXTENTS, info.n_extents);
            if (n > 1) {
                EXPECT_INT(2, f[1].ndim);
                EXPECT_POINTER(m >= 2 ? e : NULL, f[1].shape);
            }
            if (n > 4) {
                EXPECT_POINTER(m >= 3 ? e + 2 : NULL, f[4].shape);
                EXPECT_INT(2, f[4].parent);
            }
            FREE(fields);
            FREE(extents);
        }
    }
    EXPECT_OK(N_FIELDS, pybuffer_format_parse(format, NULL, 100, NULL, 100, NULL));
    pybuffer_format_field field;
    EXPECT_OK(N_FIELDS, pybuffer_format_parse(format, &field, -1, NULL, -1, NULL));
}

OURS_TEST(formats_null_is_that_of_unsigned_bytes)
{
    pybuffer_format_field f;
    EXPECT_OK(1, pybuffer_format_parse(NULL, &f, 1, NULL, 0, NULL));
    EXPECT_INT('B', f.code);
    EXPECT(f.name == NULL);
    EXPECT_OK(1, pybuffer_format_itemsize(NULL));
    EXPECT_OK(1, pybuffer_format_equivalent(NULL, "B"));
    EXPECT_OK(0, pybuffer_format_equivalent("c", NULL));
}

const Test formats_tests[] = {
    TEST(formats_every_code_has_the_size_of_its_c_type),
    TEST(formats_pairs_are_aligned_and_padded_as_in_c),
    TEST(formats_of_struct_have_the_size_that_struct_says),
    TEST(formats_of_nested_structs_give_the_offsets_of_c),
    TEST(formats_as_exporters_write_them_have_the_exporters_itemsize),
    TEST(formats_padding_is_no_field_unless_it_has_a_name),
    TEST(formats_bits_share_bytes_with_their_neighbours),
    TEST(formats_names_are_any_bytes_but_a_colon),
    TEST(formats_what_has_no_room_is_counted_and_left_out),
    TEST(formats_null_is_that_of_unsigned_bytes),
    END_OF_TESTS,
};
