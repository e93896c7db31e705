/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/crc32c.h"

/* The vectors of RFC 3720, appendix B.4, and the usual check value. */
static void test_known(void **state)
{
    (void)state;
    uint8_t bytes[32] = {0};
    struct span all = span_make(bytes, sizeof bytes);
    assert_int_equal(crc32c(SPAN_LITERAL("")), 0);
    assert_int_equal(crc32c(SPAN_LITERAL("123456789")), 0xe3069283u);
    assert_int_equal(crc32c(all), 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(all), 0x62a8ab43u);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(crc32c(all), 0x46dd794eu);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(31 - i);
    assert_int_equal(crc32c(all), 0x113fdb5cu);
    assert_int_equal(crc32c_extend_portable(0, all), 0x113fdb5cu);
}

/* A rotation by 15 bits and a constant. */
static void test_mask(void **state)
{
    (void)state;
    uint32_t crc = crc32c(SPAN_LITERAL("foo"));
    assert_int_not_equal(crc32c_mask(crc), crc);
    assert_int_equal(crc32c_unmask(crc32c_mask(crc)), crc);
    assert_int_equal(crc32c_unmask(crc32c_mask(0xffffffffu)), 0xffffffffu);
    assert_int_equal(crc32c_mask(0), 0xa282ead8u);
    assert_int_equal(crc32c_mask(0x00008000u), 0xa282ead9u);
}

/* All lengths around the lanes' borders, at all alignments, whole and in two parts, both ways. */
static void test_lanes(void **state)
{
    (void)state;
    enum { SIZE = 30000 };
    uint8_t *bytes = test_malloc(SIZE);
    uint32_t x = 1;
    for (size_t i = 0; i < SIZE; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(x >> 24);
    }
    static const size_t lengths[] = {1, 7, 8, 9, 4096, 12287, 12288, 12289, 24576, 24577, 29992};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (size_t shift = 0; shift < 8; shift++) {
            struct span all = span_make(bytes + shift, lengths[i]);
            uint32_t expected = crc32c_extend_portable(0, all);
            assert_int_equal(crc32c(all), expected);
            struct span head = span_sub(all, 0, lengths[i] / 3);
            struct span tail = span_sub(all, lengths[i] / 3, all.len);
            assert_int_equal(crc32c_extend(crc32c(head), tail), expected);
        }
    }
    test_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_mask),
        cmocka_unit_test(test_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
