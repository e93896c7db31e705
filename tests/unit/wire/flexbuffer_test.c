/* SPDX-License-Identifier: Apache-2.0 */
/* A vector and a map by hand, and the same buffers cut and spoiled everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/flexbuffer.h"

enum {
    INT = 1 << 2,
    UINT = 2 << 2,
    FLOAT = 3 << 2,
    INDIRECT_INT = 6 << 2,
    BOOL = 26 << 2,
    STRING = 5 << 2,
    MAP = 9 << 2,
    VECTOR = 10 << 2,
};

/* ["ab", "c"], all of a byte's width. */
static const unsigned char vector[] = {
    2,      'a',    'b', 0, /* 0: "ab" */
    1,      'c',    0,      /* 4: "c" */
    2,      7,      4,      /* 7: two elements, at 8 and 9: 7 back to 1, 4 back to 5 */
    STRING, STRING,         /* 10: their types */
    4,                      /* 12: the root: 4 back to 8 */
    VECTOR, 1,
};

/* {"k": "v"} */
static const unsigned char map[] = {
    'k',    0,      /* 0 */
    1,      'v', 0, /* 2 */
    1,      6,      /* 5: one key, 6 back to 0 */
    1,      1,      /* 7: the keys: 1 back to 6; their width */
    1,      7,      /* 9: one value: 7 back to 3 */
    STRING,         /* 11 */
    2,              /* 12: the root: 2 back to 10 */
    MAP,    1,
};

static void test_vector(void **state)
{
    (void)state;
    struct flexbuffer_value root, item;
    struct span text = {0};
    size_t count;
    assert_true(flexbuffer_root(span_make(vector, sizeof vector), &root));
    assert_true(flexbuffer_count(&root, &count) && count == 2);
    assert_true(flexbuffer_item(&root, 0, &item) && flexbuffer_text(&item, &text));
    assert_true(span_is(text, "ab"));
    assert_true(flexbuffer_item(&root, 1, &item) && flexbuffer_text(&item, &text));
    assert_true(span_is(text, "c"));
    assert_false(flexbuffer_item(&root, 2, &item));
    assert_false(flexbuffer_text(&root, &text));
    assert_false(flexbuffer_count(&item, &count));
    assert_false(flexbuffer_key(&root, 0, &text));
}

/* [-2, 200, 0.5, true, 7 by an offset], of 4 bytes' width. */
static const unsigned char numbers[] = {
    7,          0,        0,         0, /* 0: 7 */
    5,          0,        0,         0, /* 4: five elements, from 8 on */
    254,        255,      255,       255,      200,
    0,          0,        0,         0,        0,
    0,          0x3f,     1,         0,        0,
    0,          24,       0,         0,        0,
    INT | 2,    UINT | 2, FLOAT | 2, BOOL | 2, INDIRECT_INT | 2, /* 28: their types */
    25,                                                          /* 33: the root: 25 back to 8 */
    VECTOR | 2, 1,
};

static void test_numbers(void **state)
{
    (void)state;
    static const double expected[] = {-2, 200, 0.5, 1, 7};
    struct flexbuffer_value root, item;
    double number = 0;
    assert_true(flexbuffer_root(span_make(numbers, sizeof numbers), &root));
    for (size_t i = 0; i < 5; i++) {
        assert_true(flexbuffer_item(&root, i, &item) && flexbuffer_number(&item, &number));
        assert_true(number == expected[i]);
    }
    assert_false(flexbuffer_number(&root, &number));
}

static void test_map(void **state)
{
    (void)state;
    struct flexbuffer_value root, item;
    struct span text = {0};
    size_t count;
    assert_true(flexbuffer_root(span_make(map, sizeof map), &root));
    assert_true(flexbuffer_count(&root, &count) && count == 1);
    assert_true(flexbuffer_key(&root, 0, &text) && span_is(text, "k"));
    assert_true(flexbuffer_item(&root, 0, &item) && flexbuffer_text(&item, &text));
    assert_true(span_is(text, "v"));
    assert_false(flexbuffer_key(&root, 1, &text));
    assert_true(flexbuffer_find(&root, "k", &item) && flexbuffer_text(&item, &text));
    assert_false(flexbuffer_find(&root, "v", &item));
}

/* Everything that can be read is read; only memory out of bounds could be wrong. */
static void read_all(struct span buffer)
{
    struct flexbuffer_value root, item;
    struct span text = {0};
    size_t count = 0;
    double number = 0;
    if (!flexbuffer_root(buffer, &root))
        return;
    flexbuffer_count(&root, &count);
    for (size_t i = 0; i <= count && i < 8; i++) {
        flexbuffer_key(&root, i, &text);
        if (flexbuffer_item(&root, i, &item)) {
            flexbuffer_text(&item, &text);
            flexbuffer_number(&item, &number);
        }
    }
    flexbuffer_text(&root, &text);
}

static void test_spoiled(void **state)
{
    (void)state;
    static const struct {
        const unsigned char *bytes;
        size_t size;
    } samples[] = {{vector, sizeof vector}, {map, sizeof map}, {numbers, sizeof numbers}};
    for (size_t s = 0; s < 3; s++) {
        for (size_t cut = 0; cut <= samples[s].size; cut++)
            read_all(span_make(samples[s].bytes + cut, samples[s].size - cut));
        for (size_t at = 0; at < samples[s].size; at++) {
            for (int value = 0; value < 256; value++) {
                unsigned char copy[64];
                memcpy(copy, samples[s].bytes, samples[s].size);
                copy[at] = (unsigned char)value;
                read_all(span_make(copy, samples[s].size));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_spoiled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
