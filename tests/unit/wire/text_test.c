/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/text.h"

/* As protobuf 3.21 prints them. */
static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *as_float;
        const char *as_double;
    } cases[] = {
        {0, "0", "0"},
        {-0.0, "-0", "-0"},
        {0.1, "0.1", "0.1"},
        {1.0 / 3, "0.333333343", "0.33333333333333331"},
        {16777216, "16777216", "16777216"},
        {1e10, "1e+10", "10000000000"},
        {123456789.125, "123456792", "123456789.125"},
        {FLT_MAX, "3.40282347e+38", "3.4028234663852886e+38"},
        {INFINITY, "inf", "inf"},
        {-INFINITY, "-inf", "-inf"},
        {NAN, "nan", "nan"},
        {-NAN, "nan", "nan"},
    };
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text text;
        text_init(&text, &arena);
        text_float(&text, (float)cases[i].value);
        text_char(&text, 0);
        assert_string_equal(text.ptr, cases[i].as_float);
        text_init(&text, &arena);
        text_double(&text, cases[i].value);
        text_char(&text, 0);
        assert_string_equal(text.ptr, cases[i].as_double);
    }
    arena_release(&arena);
}

static void test_growth(void **state)
{
    (void)state;
    struct arena arena;
    struct text text;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    text_init(&text, &arena);
    assert_int_equal(text_span(&text).len, 0);
    size_t len = 0;
    for (size_t i = 0; i < 1000; i++) {
        text_repeat(&text, (char)('a' + i % 26), i);
        text_int(&text, INT64_MIN);
        text_uint(&text, UINT64_MAX);
        len += i + 40;
        assert_int_equal(text_span(&text).len, len);
    }
    assert_memory_equal(text.ptr, "-922337203685477580818446744073709551615b-9223372036854775808",
                        61);
    assert_true(span_ends_with(text_span(&text),
                               SPAN_LITERAL("l-922337203685477580818446744073709551615")));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
