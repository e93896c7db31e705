/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/utf8.h"

/* UTF-8 of a code point by the book, for comparison; returns the bytes. */
static size_t encode(uint32_t c, char *at)
{
    if (c < 0x80) {
        at[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    at[0] = (char)((more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0) | c >> 6 * more);
    for (size_t i = 1; i <= more; i++)
        at[i] = (char)(0x80 | (c >> 6 * (more - i) & 0x3f));
    return more + 1;
}

/* Every code point, behind ASCII of every length modulo eight; and each cut short. */
static void test_all_code_points(void **state)
{
    (void)state;
    char bytes[16] = "aaaaaaaa";
    for (uint32_t c = 0; c < 0x110000; c++) {
        bool legal = c < 0xd800 || c > 0xdfff;
        size_t lead = c % 8, n = encode(c, bytes + lead);
        uint32_t decoded = 0;
        assert_int_equal(utf8_valid(span_make(bytes, lead + n)), legal);
        assert_int_equal(utf8_decode(span_make(bytes + lead, n), &decoded), legal ? n : 0);
        assert_int_equal(decoded, legal ? c : 0);
        for (size_t cut = 1; cut < n; cut++)
            assert_false(utf8_valid(span_make(bytes, lead + cut)));
        memset(bytes, 'a', sizeof bytes);
    }
}

static void test_broken(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2\x7f",
        "\xc2\xc0",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xef\xbf\x7f",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "plain text, then \xc3",
        "12345678\x80",
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_false(utf8_valid(span_of(broken[i])));
    assert_true(utf8_valid(span_of("")));
    assert_true(utf8_valid((struct span){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_code_points),
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
