/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/decimal_block.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/decimal.h"

static uint64_t seed = 88172645463325252u;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* What the original does, by the C library. */
static void expected(char *text, float value)
{
    snprintf(text, 64, "%.6g", (double)value);
    if (strtof(text, NULL) != value)
        snprintf(text, 64, "%.9g", (double)value);
    if (!strpbrk(text, ".e"))
        snprintf(text + strlen(text), 8, ".0");
}

/* Those that are left to others are out of range, or decimal_plain.c leaves them, too. */
static bool may_be_odd(float value)
{
    char text[DECIMAL_TEXT_MAX];
    return value != 0 && !decimal_print_plain_float(text, value);
}

static void check(const float values[DECIMAL_BLOCK])
{
    struct decimal_block block;
    decimal_block_compute(&block, values);
    for (size_t i = 0; i < DECIMAL_BLOCK; i++) {
        char got[DECIMAL_BLOCK_TEXT_MAX], want[64];
        size_t n = decimal_block_print(got, &block, i);
        if (n == 0) {
            assert_true(may_be_odd(values[i]));
            continue;
        }
        expected(want, values[i]);
        assert_int_equal(n, strlen(want));
        assert_memory_equal(got, want, n);
    }
}

static float random_float(uint64_t kind)
{
    uint32_t bits = (uint32_t)next_random();
    float value;
    switch (kind % 4) {
    case 0: /* all that there are */
        memcpy(&value, &bits, sizeof value);
        return value;
    case 1: /* short ones */
        return (float)(bits % 2000000) / (float)(1 + next_random() % 1000);
    case 2: /* ties */
        return (float)((int32_t)bits % 20000000) * 0.5f;
    default: /* as many in each binade of the range and a little beyond */
        return ldexpf((float)(bits | 1u << 31) * 0x1p-31f, (int)(next_random() % 38) - 16);
    }
}

static void test_prints_as_the_library_would(void **state)
{
    (void)state;
    float values[DECIMAL_BLOCK];
    for (int turn = 0; turn < 800000 / DECIMAL_BLOCK; turn++) {
        for (uint64_t i = 0; i < DECIMAL_BLOCK; i++)
            values[i] = random_float(i);
        check(values);
    }
}

/* The powers of ten and of two, and their neighbours. */
static void test_edges(void **state)
{
    (void)state;
    for (int k = -16; k <= 22; k++) {
        const float middles[] = {ldexpf(1, k), (float)pow(10, k), -ldexpf(1, k),
                                 (float)-pow(10, k)};
        float values[DECIMAL_BLOCK];
        for (size_t i = 0; i < DECIMAL_BLOCK; i++) {
            float up = nextafterf(middles[i % 4], INFINITY);
            float down = nextafterf(middles[i % 4], -INFINITY);
            values[i] = i % 3 == 0 ? middles[i % 4] : i % 3 == 1 ? up : down;
        }
        check(values);
    }
}

static void test_zeros_and_what_is_no_number(void **state)
{
    (void)state;
    float values[DECIMAL_BLOCK] = {0.0f, -0.0f, NAN, INFINITY, -INFINITY, 1e-45f, 1e6f, 9e-5f};
    struct decimal_block block;
    char text[DECIMAL_BLOCK_TEXT_MAX];
    decimal_block_compute(&block, values);
    assert_int_equal(decimal_block_print(text, &block, 0), 3);
    assert_memory_equal(text, "0.0", 3);
    assert_int_equal(decimal_block_print(text, &block, 1), 4);
    assert_memory_equal(text, "-0.0", 4);
    for (size_t i = 2; i < 8; i++)
        assert_int_equal(decimal_block_print(text, &block, i), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prints_as_the_library_would),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_zeros_and_what_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
