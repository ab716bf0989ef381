/* Formats that are refused: what the errors say, and how deep formats may nest. */
#include "formats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "families.h"

typedef struct {
    const char *format;
    int position;
    const char *says;
} Wrong;

static const Wrong wrong[] = {
    { "y", 0, "not a format code" },
    { "i~", 1, "not a format code" },
    { "T{i:a:b:b:\xff}", 10, "not a format code" },
    { "<3n", 2, "have no standard size" },
    { "=Zn", 2, "have no standard size" },
    { "3", 1, "no code behind it" },
    { "T{3}", 3, "no code behind it" },
    { "(2)", 3, "no code behind it" },
    { "2 3i", 2, "one count only" },
    { "3(2)i", 1, "before the count" },
    { "(i", 1, "a shape is written" },
    { "()i", 1, "a shape is written" },
    { "(2,)i", 3, "a shape is written" },
    { "(2 3)i", 3, "a shape is written" },
    { "(-1)i", 1, "a shape is written" },
    { "b(2", 3, "a shape is written" },
    { "b99999999999999999999999h", 1, "larger than memory" },
    { "(4611686018427387904,4)b", 0, "larger than memory" },
    { "4611686018427387904T{i:a:q:b:}", 19, "larger than memory" },
    { "T", 1, "an opening brace" },
    { "Xi", 1, "an opening brace" },
    { "bT{T{i}", 2, "this brace is not closed" },
    { "X{i", 1, "this brace is not closed" },
    { "i}", 1, "closes nothing" },
    { "T{i}}", 4, "closes nothing" },
    { ":a:i", 0, "behind what it names" },
    { "i:a::b:", 4, "behind what it names" },
    { "T{i:a", 3, "does not end with" },
    { "Z<f", 1, "'Z' stands directly before" },
    { "Z f", 1, "'Z' stands directly before" },
    { "ZO", 1, "'Z' stands directly before" },
    { "&", 1, "what it points at" },
    { "T{&}", 3, "what it points at" },
    { "i->i", 1, "'->'" },
    { "T{i->i}", 3, "'->'" },
    { "X{i->i->i}", 6, "'->'" },
    { "X{i-i}", 3, "'->'" },
};

OURS_TEST(formats_errors_say_what_is_wrong_and_where)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *format = wrong[i].format;
        char where[64];
        if (sizeof(void *) < 8 && strstr(wrong[i].says, "larger") != NULL) {
            continue; /* another number is the first one that is too large */
        }
        pybuffer_format_info info;
        snprintf(where, sizeof where, "position %d of the format: ", wrong[i].position);
        EXPECT_ERROR_NAMING(-1, pybuffer_format_parse(format, NULL, 0, NULL, 0, &info),
                            "ValueError", where, wrong[i].says);
        expect_int(wrong[i].position, info.error_position, __FILE__, __LINE__, format);
        EXPECT_INT(-1, info.itemsize);
        EXPECT_ERROR_NAMING(-1, pybuffer_format_itemsize(format), "ValueError", where,
                            wrong[i].says);
        snprintf(where, sizeof where, "position %d of the second format: ", wrong[i].position);
        EXPECT_ERROR_NAMING(-1, pybuffer_format_equivalent("i", format), "ValueError", where,
                            wrong[i].says);
        snprintf(where, sizeof where, "position %d of the first format: ", wrong[i].position);
        EXPECT_ERROR_NAMING(-1, pybuffer_format_equivalent(format, "i"), "ValueError", where,
                            wrong[i].says);
    }
}

/* `n` times one text, then another, then `n` times a third. */
static char *nested(int n, const char *open, const char *middle, const char *close)
{
    char *text = malloc(n * (strlen(open) + strlen(close)) + strlen(middle) + 1);
    char *end = text;
    for (int i = 0; i < n; i++) {
        end = stpcpy(end, open);
    }
    end = stpcpy(end, middle);
    for (int i = 0; i < n; i++) {
        end = stpcpy(end, close);
    }
    return text;
}

OURS_TEST(formats_nest_64_deep_and_not_deeper)
{
    const char *pairs[][2] = { { "T{", "}" }, { "&", "" }, { "X{", "}" }, { "T{&X{->", "}}" } };
    for (int i = 0; i < 4; i++) {
        const int times = i == 3 ? 3 : 1;
        char *right = nested(64 / times, pairs[i][0], "i", pairs[i][1]);
        char *wrong = nested(66 / times, pairs[i][0], "i", pairs[i][1]);
        char *mad = nested(1000000, pairs[i][0], "i", pairs[i][1]);
        EXPECT_OK(i == 0 ? 4 : (Py_ssize_t)sizeof(void *), pybuffer_format_itemsize(right));
        EXPECT_OK(1, pybuffer_format_equivalent(right, right));
        EXPECT_ERROR_NAMING(-1, pybuffer_format_itemsize(wrong), "ValueError", "64 deep");
        EXPECT_ERROR_NAMING(-1, pybuffer_format_equivalent(mad, mad), "ValueError", "64 deep");
        free(right);
        free(wrong);
        free(mad);
    }
    char *shape = nested(64, "(1)", "i", "");
    EXPECT_OK(4, pybuffer_format_itemsize(shape));
    free(shape);
    shape = nested(65, "(1)", "i", "");
    EXPECT_ERROR_NAMING(-1, pybuffer_format_itemsize(shape), "ValueError", "64 dimensions");
    free(shape);
}

const Test formats_wrong_tests[] = {
    TEST(formats_errors_say_what_is_wrong_and_where),
    TEST(formats_nest_64_deep_and_not_deeper),
    END_OF_TESTS,
};
