/* SPDX-License-Identifier: Apache-2.0 */
/* One buffer by hand, its fields, and the same buffer cut and spoiled everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/flatbuffer.h"

/* A table of six fields: a byte, a number, (nothing), a string, numbers, strings. */
static const unsigned char sample[] = {
    20, 0, 0,  0, /*  0: root */
    16, 0, 24, 0, 4,   0,   8,   0, 0,    0,    12,   0,
    16, 0, 20, 0,                                           /*  4: offsets of the fields */
    16, 0, 0,  0,                                           /* 20: the table; back to them */
    7,  0, 0,  0,                                           /* 24: field 0 */
    0,  1, 0,  0,                                           /* 28: field 1 */
    12, 0, 0,  0,                                           /* 32: field 3 -> 44 */
    16, 0, 0,  0,                                           /* 36: field 4 -> 52 */
    24, 0, 0,  0,                                           /* 40: field 5 -> 64 */
    2,  0, 0,  0, 'h', 'i', 0,   0,                         /* 44: "hi" */
    2,  0, 0,  0, 5,   0,   0,   0, 0xff, 0xff, 0xff, 0xff, /* 52: 5, 2^32 - 1 */
    1,  0, 0,  0, 4,   0,   0,   0,                         /* 64: one string -> 72 */
    3,  0, 0,  0, 'a', 'b', 'c', 0,                         /* 72: "abc" */
};

static void test_fields(void **state)
{
    (void)state;
    struct flatbuffer_table t, inner;
    struct flatbuffer_vector v;
    struct span text;
    uint64_t number = 99;
    uint32_t element;
    bool present;
    assert_true(flatbuffer_root(span_make(sample, sizeof sample), &t));
    assert_true(flatbuffer_number(&t, 0, 1, &number) && number == 7);
    assert_true(flatbuffer_number(&t, 1, 4, &number) && number == 256);
    assert_true(flatbuffer_number(&t, 2, 4, &number) && number == 256);
    assert_true(flatbuffer_number(&t, 100, 4, &number) && number == 256);
    assert_true(flatbuffer_string(&t, 3, &text) && span_is(text, "hi"));
    assert_true(flatbuffer_string(&t, 2, &text) && !text.len);
    assert_true(flatbuffer_vector(&t, 4, 4, &v) && v.count == 2);
    assert_true(flatbuffer_vector_u32(&v, 1, &element) && element == UINT32_MAX);
    assert_false(flatbuffer_vector_u32(&v, 2, &element));
    assert_true(flatbuffer_vector(&t, 5, 4, &v) && v.count == 1);
    assert_true(flatbuffer_vector_string(&v, 0, &text) && span_is(text, "abc"));
    assert_false(flatbuffer_vector_string(&v, 1, &text));
    assert_true(flatbuffer_vector(&t, 2, 4, &v) && !v.count);
    assert_true(flatbuffer_inner(&t, 2, &inner, &present) && !present);
}

/* Everything that can be read is read; only memory out of bounds could be wrong. */
static void read_all(struct span buffer)
{
    struct flatbuffer_table t, inner;
    struct flatbuffer_vector v;
    struct span text;
    uint64_t number;
    uint32_t element;
    bool present;
    if (!flatbuffer_root(buffer, &t))
        return;
    for (int field = 0; field < 8; field++) {
        (void)flatbuffer_number(&t, field, 8, &number);
        if (flatbuffer_string(&t, field, &text) && text.len)
            assert_true(text.ptr >= buffer.ptr && text.ptr + text.len <= buffer.ptr + buffer.len);
        (void)flatbuffer_inner(&t, field, &inner, &present);
        for (size_t i = 0; flatbuffer_vector(&t, field, 4, &v) && i < v.count; i++) {
            (void)flatbuffer_vector_u32(&v, i, &element);
            (void)flatbuffer_vector_string(&v, i, &text);
        }
    }
}

static void test_malformed(void **state)
{
    (void)state;
    unsigned char copy[sizeof sample];
    struct flatbuffer_table t;
    for (size_t length = 0; length < sizeof sample; length++)
        read_all(span_make(sample, length));
    for (size_t i = 0; i < sizeof sample; i++) {
        memcpy(copy, sample, sizeof copy);
        for (int bit = 0; bit < 8; bit++) {
            copy[i] = (unsigned char)(sample[i] ^ 1 << bit);
            read_all(span_make(copy, sizeof copy));
        }
    }
    assert_false(flatbuffer_root(span_make(sample, 3), &t));
    assert_false(flatbuffer_root(span_make("\xff\xff\xff\xff", 4), &t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
