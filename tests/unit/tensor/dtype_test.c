/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/dtype.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_names_and_sizes(void **state)
{
    (void)state;
    static const struct {
        int number;
        const char *name;
        const char *enum_name;
        size_t size;
        bool plain, is_float, integer;
    } cases[] = {
        {1, "float", "DT_FLOAT", 4, true, true, false},
        {2, "double", "DT_DOUBLE", 8, true, true, false},
        {3, "int32", "DT_INT32", 4, true, false, true},
        {4, "uint8", "DT_UINT8", 1, true, false, true},
        {7, "string", "DT_STRING", sizeof(struct span), false, false, false},
        {8, "complex64", "DT_COMPLEX64", 8, true, false, false},
        {10, "bool", "DT_BOOL", 1, true, false, false},
        {14, "bfloat16", "DT_BFLOAT16", 2, true, true, false},
        {18, "complex128", "DT_COMPLEX128", 16, true, false, false},
        {20, "resource", "DT_RESOURCE", sizeof(void *), false, false, false},
        {21, "variant", "DT_VARIANT", sizeof(void *), false, false, false},
        {23, "uint64", "DT_UINT64", 8, true, false, true},
        {25, "float8_e4m3fn", "DT_FLOAT8_E4M3FN", 1, true, false, false},
        {30, "uint4", "DT_UINT4", 1, true, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum dtype dtype = (enum dtype)cases[i].number;
        assert_true(dtype_is_valid(cases[i].number));
        assert_string_equal(dtype_name(dtype), cases[i].name);
        assert_string_equal(dtype_enum_name(dtype), cases[i].enum_name);
        assert_int_equal(dtype_size(dtype), cases[i].size);
        assert_int_equal(dtype_is_plain(dtype), cases[i].plain);
        assert_int_equal(dtype_is_float(dtype), cases[i].is_float);
        assert_int_equal(dtype_is_integer(dtype), cases[i].integer);
        assert_int_equal(dtype_from_name(span_of(cases[i].name)), dtype);
        assert_int_equal(dtype_from_name(span_of(cases[i].enum_name)), dtype);
        assert_int_equal(dtype_from_number(cases[i].number), dtype);
        assert_int_equal(dtype_from_number(cases[i].number + 100), dtype);
        assert_false(dtype_is_valid(cases[i].number + 100));
    }
}

static void test_invalid_numbers(void **state)
{
    (void)state;
    static const int numbers[] = {0,   -1,  26,  27,  28,        31,       99,
                                  100, 126, 131, 201, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert_false(dtype_is_valid(numbers[i]));
        assert_int_equal(dtype_from_number(numbers[i]), DTYPE_INVALID);
        assert_int_equal(dtype_size((enum dtype)numbers[i]), 0);
        assert_string_equal(dtype_name((enum dtype)numbers[i]), "INVALID");
    }
    assert_int_equal(dtype_from_name(SPAN_LITERAL("")), DTYPE_INVALID);
    assert_int_equal(dtype_from_name(SPAN_LITERAL("INVALID")), DTYPE_INVALID);
    assert_int_equal(dtype_from_name(SPAN_LITERAL("Float")), DTYPE_INVALID);
}

static void test_half(void **state)
{
    (void)state;
    static const struct {
        float value;
        uint16_t bits;
    } cases[] = {
        {0.0f, 0x0000},       {-0.0f, 0x8000},        {1.0f, 0x3c00},         {-2.0f, 0xc000},
        {65504.0f, 0x7bff},   {65519.0f, 0x7bff},     {65520.0f, 0x7c00},     {1e30f, 0x7c00},
        {-INFINITY, 0xfc00},  {0x1p-24f, 0x0001},     {0x1p-25f, 0x0000},     {0x1.8p-25f, 0x0001},
        {0x1p-14f, 0x0400},   {0x1.ff8p-15f, 0x03ff}, {0x1.ffep-15f, 0x0400}, {0x1.002p0f, 0x3c00},
        {0x1.006p0f, 0x3c02}, {0.1f, 0x2e66},         {0x1.8p-24f, 0x0002},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(dtype_half_from_float(cases[i].value), cases[i].bits);
    assert_int_equal(dtype_half_from_float(NAN), 0x7e00);
    for (unsigned bits = 0; bits < 0x10000; bits++) {
        float value = dtype_half_to_float((uint16_t)bits);
        if (isnan(value))
            assert_true((bits & 0x7c00) == 0x7c00 && (bits & 0x3ff));
        else
            assert_int_equal(dtype_half_from_float(value), bits);
    }
}

static void test_bfloat16(void **state)
{
    (void)state;
    static const struct {
        float value;
        uint16_t bits;
    } cases[] = {
        {1.0f, 0x3f80},      {-0.0f, 0x8000},         {INFINITY, 0x7f80},
        {0x1.01p0f, 0x3f80}, /* halfway, to even */
        {0x1.03p0f, 0x3f82}, {0x1.010002p0f, 0x3f81}, {0x1.fffffep127f, 0x7f80},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(dtype_bfloat16_from_float(cases[i].value), cases[i].bits);
    assert_int_equal(dtype_bfloat16_from_float(NAN), 0x7fc0);
    assert_true(dtype_bfloat16_to_float(0x3fc0) == 1.5f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_sizes),
        cmocka_unit_test(test_invalid_numbers),
        cmocka_unit_test(test_half),
        cmocka_unit_test(test_bfloat16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
