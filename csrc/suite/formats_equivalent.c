/* pybuffer_format_equivalent. */
#include "formats.h"

#include <stdio.h>
#include <wchar.h>

#include "families.h"

static void expect_equivalence(int line, const char *first, const char *second, int expected)
{
    char what[256];
    snprintf(what, sizeof what, "%s and %s", first, second);
    expect_int(expected, pybuffer_format_equivalent(first, second), __FILE__, line, what);
    expect_int(expected, pybuffer_format_equivalent(second, first), __FILE__, line, what);
    expect_int(1, pybuffer_format_equivalent(first, first), __FILE__, line, first);
    expect_no_exception(__FILE__, line, what);
}
#define EXPECT_SAME(first, second) expect_equivalence(__LINE__, first, second, 1)
#define EXPECT_OTHER(first, second) expect_equivalence(__LINE__, first, second, 0)

OURS_TEST(formats_of_one_width_kind_and_order_are_equivalent)
{
    const char *little = IS_LITTLE_ENDIAN ? "<i" : ">i", *big = IS_LITTLE_ENDIAN ? ">i" : "<i";
    EXPECT_SAME("i", little);
    EXPECT_SAME("=i", little);
    EXPECT_OTHER("i", big);
    EXPECT_SAME(">i", "!i");
    EXPECT_SAME("<b", ">b");
    expect_equivalence(__LINE__, "l", "q", sizeof(long) == sizeof(long long));
    expect_equivalence(__LINE__, "l", "i", sizeof(long) == sizeof(int));
    expect_equivalence(__LINE__, "n", "q", sizeof(size_t) == sizeof(long long));
    EXPECT_SAME("<l", "<i");
    EXPECT_OTHER("i", "I");
    EXPECT_OTHER("i", "f");
    EXPECT_OTHER("b", "c");
    EXPECT_OTHER("B", "c");
    EXPECT_OTHER("?", "B");
    EXPECT_OTHER("x", "B");
    EXPECT_SAME("Zd", "D");
    EXPECT_SAME("Zg", "G");
    EXPECT_OTHER("Zf", "2f");
    EXPECT_OTHER("Zf", "d");
    EXPECT_OTHER("Zi", "Zf");
    EXPECT_SAME("P", "z");
    EXPECT_SAME("&i", "&T{d}");
    EXPECT_OTHER("P", "O");
    EXPECT_OTHER("P", "N");
    EXPECT_OTHER("P", "X{}");
    expect_equivalence(__LINE__, "u", "w", sizeof(wchar_t) == 4);
    EXPECT_SAME("5s", "5c");
    EXPECT_OTHER("5s", "5p");
    EXPECT_OTHER("5p", "3p2p");
    EXPECT_SAME("", "T{}");
    EXPECT_SAME("3t5t", "3t 5t");
    EXPECT_OTHER("3t5t", "5t3t");
}

OURS_TEST(formats_of_the_same_memory_are_equivalent_however_written)
{
    EXPECT_SAME("iii", "3i");
    EXPECT_SAME("(2,3)h", "6h");
    EXPECT_SAME("T{i:a:i:b:}", "T{i:x:i:y:}");
    EXPECT_SAME("T{T{i}T{T{d}}}", "T{id}");
    EXPECT_SAME("T{bi}", "T{b3xi}");
    EXPECT_SAME("T{ib}", "^ib3x");
    EXPECT_OTHER("T{ib}", "ib");
    EXPECT_OTHER("T{bi}", "^T{bi}");
    EXPECT_SAME("T{bxh}", "T{b1x:v:h}");
    EXPECT_SAME("3T{ib}", "T{ib}T{ib}T{ib}");
    EXPECT_SAME("3T{2T{ib}h}", "^i b3x i b3x h2x i b3x i b3x h2x i b3x i b3x h2x");
    struct { int i; double d; } padded;
    EXPECT_SAME("i(0)T{d}", (char *)&padded.d - (char *)&padded == 8 ? "i4x0h" : "i0h");
    const bool is_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    EXPECT_SAME(is_big ? "T{>B:a:3x>I:b:}" : "T{<B:a:3x<I:b:}", "^T{B:a:3xI:b:}");
    EXPECT_OTHER(is_big ? "T{<B:a:3x<I:b:}" : "T{>B:a:3x>I:b:}", "^T{B:a:3xI:b:}");
}

OURS_TEST(formats_that_repeat_are_compared_without_going_through_all)
{
    if (sizeof(void *) < 8) {
        return; /* so many do not fit */
    }
    EXPECT_SAME("1000000000T{ic}", "1000000000T{i:a:c:b:}");
    EXPECT_SAME("1000000000^T{ic}", "500000000^T{icic}");
    EXPECT_SAME("1000000000^T{2T{ic}}", "2000000000^T{ic}");
    EXPECT_SAME("1000000000^T{ic}i", "400000000^T{ic}599999999T{ic}ici");
    EXPECT_SAME("1000000000T{5x}", "5000000000x");
    EXPECT_SAME("1000000000T{}", "");
    EXPECT_SAME("1000000000T{h}", "1000000000h");
    EXPECT_OTHER("1000000000^T{ic}i", "400000000^T{ic}600000000T{ic}I");
    EXPECT_OTHER("1000000000^T{ic}", "500000000^T{icib}");
    EXPECT_SAME("^4T{ccc}", "^6T{cc}");
    EXPECT_OTHER("^3T{cx}", "5cx");
    EXPECT_OTHER("^3T{cx}", "^5T{c}x");
    EXPECT_OTHER("^4T{ccx}", "^7T{cx}");
    /* These have no round in common. */
    EXPECT_ERROR_NAMING(-1,
                        pybuffer_format_equivalent("3000000000^T{T{2T{ic}}}",
                                                   "2000000000^T{3T{ic}}"),
                        "ValueError", "to be compared");
}

const Test formats_equivalent_tests[] = {
    TEST(formats_of_one_width_kind_and_order_are_equivalent),
    TEST(formats_of_the_same_memory_are_equivalent_however_written),
    TEST(formats_that_repeat_are_compared_without_going_through_all),
    END_OF_TESTS,
};
