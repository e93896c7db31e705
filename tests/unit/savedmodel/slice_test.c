/* SPDX-License-Identifier: Apache-2.0 */
#include "savedmodel/slice.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Expected bytes follow the description of ordered code in slice.c; those of small numbers stand in
 * TensorFlow's checkpoints too. */
static void test_keys(void **state)
{
    (void)state;
    const struct {
        struct span name;
        struct slice slice;
        struct span key;
    } cases[] = {
        {SPAN_LITERAL("a"), {.rank = 0}, SPAN_LITERAL("\0a\0\1\0")},
        {SPAN_LITERAL("a"), {1, {0}, {SLICE_FULL}}, SPAN_LITERAL("\0a\0\1\1\1\x80\x7f")},
        {SPAN_LITERAL("\0\xff"),
         {1, {63}, {64}},
         SPAN_LITERAL("\0\0\xff\xff\0\0\1\1\1\xbf\xc0\x40")},
        {SPAN_LITERAL("w"), {1, {8191}, {8192}}, SPAN_LITERAL("\0w\0\1\1\1\xdf\xff\xe0\x20\0")},
        {SPAN_LITERAL("w"),
         {1, {(1LL << 55) - 1}, {1LL << 55}},
         SPAN_LITERAL("\0w\0\1\1\1\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x80\x80\0\0\0\0\0\0")},
        {SPAN_LITERAL("w"),
         {1, {1LL << 62}, {INT64_MAX}},
         SPAN_LITERAL(
             "\0w\0\1\1\1\xff\xc0\x40\0\0\0\0\0\0\0\xff\xc0\x7f\xff\xff\xff\xff\xff\xff\xff")},
    };
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span key = slice_key(cases[i].name, &cases[i].slice, &arena);
        assert_int_equal(key.len, cases[i].key.len);
        assert_memory_equal(key.ptr, cases[i].key.ptr, key.len);
    }
    arena_release(&arena);
}

static void test_copies_where_boxes_meet(void **state)
{
    (void)state;
    int32_t whole[24], out[6];
    for (int i = 0; i < 24; i++)
        whole[i] = i;
    struct shape shape = {3, {2, 3, 4}};
    struct slice all = slice_whole(&shape);
    const struct {
        struct slice to;
        int64_t copied;
        int32_t want[6];
    } cases[] = {
        {{3, {0, 0, 0}, {1, 1, 4}}, 4, {0, 1, 2, 3}},
        {{3, {1, 1, 2}, {1, 2, 2}}, 4, {18, 19, 22, 23}},
        {{3, {0, 2, 3}, {2, 1, 1}}, 2, {11, 23}},
        {{3, {1, 0, 1}, {1, 2, 3}}, 6, {13, 14, 15, 17, 18, 19}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(slice_copy(&all, whole, &cases[i].to, out, 4), cases[i].copied);
        assert_memory_equal(out, cases[i].want, (size_t)cases[i].copied * 4);
    }
    struct slice left = {1, {0}, {3}}, right = {1, {3}, {2}}, over = {1, {2}, {3}};
    assert_int_equal(slice_copy(&left, whole, &right, out, 4), 0);
    out[0] = -1;
    assert_int_equal(slice_copy(&left, whole, &over, out, 4), 1);
    assert_int_equal(out[0], 2);
    struct slice scalar = {0};
    assert_int_equal(slice_copy(&scalar, &whole[7], &scalar, out, 4), 1);
    assert_int_equal(out[0], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_copies_where_boxes_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
