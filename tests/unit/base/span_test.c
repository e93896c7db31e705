/* SPDX-License-Identifier: Apache-2.0 */
#include "base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void trims_blanks_and_tabs(void **state)
{
    (void)state;
    static const struct {
        const char *text, *trimmed;
    } rows[] = {
        {"", ""}, {" \t ", ""}, {"a", "a"}, {"\t a b  ", "a b"}, {"\n a", "\n a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(span_is(span_trim(span_of(rows[i].text)), rows[i].trimmed));
    assert_int_equal(span_trim((struct span){0}).len, 0);
}

static void strips_white_space(void **state)
{
    (void)state;
    static const char all[] = " \t\n\v\f\r";
    for (int c = 0; c < 256; c++)
        assert_int_equal(span_is_space((char)c), c && strchr(all, c));
    assert_true(span_is(span_strip(SPAN_LITERAL("\r\n a\v b\f\t ")), "a\v b"));
    assert_true(span_is(span_strip(span_of(all)), ""));
    assert_int_equal(span_strip((struct span){0}).len, 0);
}

static void cuts_parts_off(void **state)
{
    (void)state;
    struct span rest = SPAN_LITERAL("a,,b");
    assert_true(span_is(span_cut(&rest, ','), "a"));
    assert_true(span_is(rest, ",b"));
    assert_true(span_is(span_cut(&rest, ','), ""));
    assert_true(span_is(span_cut(&rest, ','), "b"));
    assert_int_equal(rest.len, 0);
    assert_true(span_is(span_cut(&rest, ','), ""));
    rest = SPAN_LITERAL("a,");
    assert_true(span_is(span_cut(&rest, ','), "a"));
    assert_int_equal(rest.len, 0);
    rest = (struct span){0};
    assert_int_equal(span_cut(&rest, ',').len, 0);
}

static void numbers_fill_the_span(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_number;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-12", true, -12},
        {"+007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"1 ", false, 0},
        {"0x1", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t value = 0;
        assert_int_equal(span_to_int64(span_of(rows[i].text), &value), rows[i].is_number);
        if (rows[i].is_number)
            assert_int_equal(value, rows[i].value);
    }
}

static void parts_are_clipped(void **state)
{
    (void)state;
    struct span text = SPAN_LITERAL("abc");
    assert_true(span_is(span_sub(text, 1, 1), "b"));
    assert_true(span_is(span_sub(text, 1, SIZE_MAX), "bc"));
    assert_int_equal(span_sub(text, 9, 1).len, 0);
    assert_int_equal(span_find(text, 'c'), 2);
    assert_int_equal(span_find(text, 'x'), 3);
    assert_int_equal(span_find((struct span){0}, 'x'), 0);
}

static void order_is_that_of_bytes_then_length(void **state)
{
    (void)state;
    assert_true(span_compare(SPAN_LITERAL("a"), SPAN_LITERAL("ab")) < 0);
    assert_true(span_compare(SPAN_LITERAL("b"), SPAN_LITERAL("ab")) > 0);
    assert_true(span_compare(SPAN_LITERAL("\xff"), SPAN_LITERAL("a")) > 0);
    assert_int_equal(span_compare((struct span){0}, SPAN_LITERAL("")), 0);
}

static void ends(void **state)
{
    (void)state;
    struct span text = SPAN_LITERAL("abc"), none = {0};
    assert_true(span_starts_with(text, SPAN_LITERAL("ab")));
    assert_false(span_starts_with(text, SPAN_LITERAL("abcd")));
    assert_true(span_ends_with(text, SPAN_LITERAL("bc")));
    assert_false(span_ends_with(text, SPAN_LITERAL("ab")));
    assert_true(span_starts_with(text, none) && span_ends_with(text, none));
    assert_true(span_starts_with(none, none) && span_equal(none, SPAN_LITERAL("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trims_blanks_and_tabs),
        cmocka_unit_test(strips_white_space),
        cmocka_unit_test(cuts_parts_off),
        cmocka_unit_test(numbers_fill_the_span),
        cmocka_unit_test(parts_are_clipped),
        cmocka_unit_test(order_is_that_of_bytes_then_length),
        cmocka_unit_test(ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
