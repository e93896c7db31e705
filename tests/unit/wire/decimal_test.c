/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/decimal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t seed = 88172645463325252u;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* What the original does, by the C library. */
static void expected(char *text, double value, bool is_float)
{
    snprintf(text, 64, "%.6g", value);
    if (is_float ? strtof(text, NULL) != (float)value : strtod(text, NULL) != value)
        snprintf(text, 64, is_float ? "%.9g" : "%.17g", value);
    if (!strpbrk(text, ".e"))
        snprintf(text + strlen(text), 8, ".0");
}

static double random_value(int kind)
{
    double value;
    uint64_t bits = next_random();
    memcpy(&value, &bits, sizeof value);
    switch (kind % 4) {
    case 0:
        return isfinite(value) ? value : 1;
    case 1:
        return (double)(next_random() % 2000000) / (double)(1 + next_random() % 1000);
    case 2:
        return (double)((int64_t)next_random() % 20000000) * 0.5; /* ties */
    default:
        return (double)(next_random() % 1000) * pow(10, (double)(next_random() % 80) - 40);
    }
}

static void test_prints_as_the_library_would(void **state)
{
    (void)state;
    char got[64], want[64];
    for (int i = 0; i < 400000; i++) {
        double value = random_value(i);
        size_t n = decimal_print_double(got, value);
        expected(want, value, false);
        assert_int_equal(n, strlen(want));
        assert_memory_equal(got, want, n);
        float narrow = (float)value;
        if (!isfinite(narrow))
            continue;
        n = decimal_print_float(got, narrow);
        expected(want, (double)narrow, true);
        assert_int_equal(n, strlen(want));
        assert_memory_equal(got, want, n);
    }
}

static void test_the_original_s_examples(void **state)
{
    (void)state;
    static const struct {
        float value;
        const char *text;
    } cases[] = {
        {2.5f, "2.5"},
        {3.0f, "3.0"},
        {999999.0f, "999999.0"},
        {9000000.0f, "9e+06"},
        {0.00003f, "3e-05"},
        {0.0003f, "0.0003"},
        {555557.5f, "555557.5"},
        {1e6f, "1e+06"},
        {-0.0f, "-0.0"},
        {0.1f, "0.1"},
        {16777216.0f, "16777216.0"},
        {3.40282347e38f, "3.40282347e+38"},
        {1e-45f, "1.4013e-45"},
        {123456.0f, "123456.0"},
        {-1.5f, "-1.5"},
        {1e10f, "1e+10"},
    };
    char got[DECIMAL_TEXT_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = decimal_print_float(got, cases[i].value);
        assert_int_equal(n, strlen(cases[i].text));
        assert_memory_equal(got, cases[i].text, n);
    }
}

static void test_reads_correctly_rounded(void **state)
{
    (void)state;
    char text[64];
    for (int i = 0; i < 400000; i++) {
        snprintf(text, sizeof text, "%.*g", 1 + (int)(next_random() % 20), fabs(random_value(i)));
        assert_true(decimal_parse(span_of(text)) == strtod(text, NULL));
        uint64_t mantissa = next_random() >> next_random() % 64;
        int exponent = (int)(next_random() % 140) - 70;
        double value;
        snprintf(text, sizeof text, "%llue%d", (unsigned long long)mantissa, exponent);
        if (decimal_to_double(mantissa, exponent, &value))
            assert_true(value == strtod(text, NULL));
        else /* only where the header says so */
            assert_true(exponent < -64 || exponent > 64 ||
                        decimal_parse(span_of(text)) == strtod(text, NULL));
    }
}

/* Digits beyond what is kept still decide: 1 + 2^-53 is halfway, and a one a thousand places on
 * tips it. */
static void test_reads_long_texts(void **state)
{
    (void)state;
    static const char half[] = "1.00000000000000011102230246251565404236316680908203125";
    char text[1200];
    int n = snprintf(text, sizeof text, "%s", half);
    assert_true(decimal_parse(span_make(text, (size_t)n)) == 1.0);
    memset(text + n, '0', 1100);
    assert_true(decimal_parse(span_make(text, 1100)) == 1.0);
    text[1099] = '1';
    assert_true(decimal_parse(span_make(text, 1100)) == 1.0 + 0x1p-52);
    memset(text, '0', 1000);
    memcpy(text, "0.", 2);
    memcpy(text + 1000, "5e1000", 6);
    assert_true(decimal_parse(span_make(text, 1006)) == 50.0);
}

static void test_prints_integers(void **state)
{
    (void)state;
    char got[DECIMAL_TEXT_MAX], want[32];
    uint64_t power = 1;
    for (int i = 0; i < 20; i++, power *= 10) {
        const uint64_t values[] = {power - 1, power, power + 1, 5 * power, UINT64_MAX - power + 1};
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            snprintf(want, sizeof want, "%llu", (unsigned long long)values[k]);
            size_t n = decimal_print_uint(got, values[k]);
            assert_int_equal(n, strlen(want));
            assert_memory_equal(got, want, n);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prints_as_the_library_would),
        cmocka_unit_test(test_the_original_s_examples),
        cmocka_unit_test(test_reads_correctly_rounded),
        cmocka_unit_test(test_reads_long_texts),
        cmocka_unit_test(test_prints_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
