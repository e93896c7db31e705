/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/tensorflow/batch_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct tensor tensor_of(enum dtype dtype, int rank, const int64_t *dims, void *data)
{
    struct tensor t = {.dtype = dtype, .shape.rank = rank, .data = data};
    memcpy(t.shape.dims, dims, (size_t)rank * sizeof *dims);
    return t;
}

#define DIMS(...) ((const int64_t[]){__VA_ARGS__})

static void what_fits_together(void **state)
{
    (void)state;
    int data[8] = {0};
    struct tensor a = tensor_of(DTYPE_INT32, 2, DIMS(1, 2), data);
    struct tensor taller = tensor_of(DTYPE_INT32, 2, DIMS(3, 2), data);
    struct tensor wider = tensor_of(DTYPE_INT32, 2, DIMS(1, 3), data);
    struct tensor empty = tensor_of(DTYPE_INT32, 2, DIMS(1, 0), data);
    struct tensor flat = tensor_of(DTYPE_INT32, 1, DIMS(2), data);
    struct tensor real = tensor_of(DTYPE_FLOAT, 2, DIMS(1, 2), data);
    assert_true(batch_rows_fit(&a, &taller, false));
    assert_false(batch_rows_fit(&a, &wider, false));
    assert_true(batch_rows_fit(&a, &wider, true));
    assert_false(batch_rows_fit(&a, &empty, true));
    assert_false(batch_rows_fit(&a, &flat, true));
    assert_false(batch_rows_fit(&a, &real, true));
    struct tensor deep = tensor_of(DTYPE_INT32, 7, DIMS(1, 1, 1, 1, 1, 1, 1), data);
    struct tensor deeper = tensor_of(DTYPE_INT32, 7, DIMS(1, 1, 1, 1, 1, 1, 2), data);
    assert_false(batch_rows_fit(&deep, &deeper, true));
}

/* Rows 1..2 of the first and row 0 of the second, and two rows of padding. */
static void rows_are_merged(void **state)
{
    (void)state;
    int one[] = {1, 2, 3, 4, 5, 6}, other[] = {7, 8};
    struct tensor a = tensor_of(DTYPE_INT32, 2, DIMS(3, 2), one);
    struct tensor b = tensor_of(DTYPE_INT32, 2, DIMS(1, 2), other);
    struct batch_rows parts[] = {{&a, 1, 2}, {&b, 0, 1}};
    struct tensor all;
    struct error err;
    assert_int_equal(batch_rows_merge(parts, 2, 2, &arena, &all, &err), CODE_OK);
    static const int expected[] = {3, 4, 5, 6, 7, 8, 7, 8, 7, 8};
    assert_int_equal(all.shape.dims[0], 5);
    assert_memory_equal(all.data, expected, sizeof expected);
}

static void what_is_narrower_is_padded_with_its_first_element(void **state)
{
    (void)state;
    int one[] = {1, 2, 3, 4}, other[] = {5, 6, 7, 8, 9, 10};
    struct tensor a = tensor_of(DTYPE_INT32, 3, DIMS(1, 2, 2), one);
    struct tensor b = tensor_of(DTYPE_INT32, 3, DIMS(2, 1, 3), other);
    struct batch_rows parts[] = {{&a, 0, 1}, {&b, 0, 2}};
    struct tensor all;
    struct error err;
    assert_int_equal(batch_rows_merge(parts, 2, 0, &arena, &all, &err), CODE_OK);
    static const int expected[] = {1, 2, 1, 3, 4, 1, 5, 6, 7, 5, 5, 5, 8, 9, 10, 5, 5, 5};
    static const int64_t dims[] = {3, 2, 3};
    assert_int_equal(all.shape.rank, 3);
    assert_memory_equal(all.shape.dims, dims, sizeof dims);
    assert_memory_equal(all.data, expected, sizeof expected);
}

static void strings_get_bytes_of_their_own(void **state)
{
    (void)state;
    char bytes[] = "abc";
    struct span strings[] = {{bytes, 1}, {bytes + 1, 2}, {bytes, 0}};
    struct tensor a = tensor_of(DTYPE_STRING, 1, DIMS(3), strings);
    struct batch_rows parts[] = {{&a, 0, 3}};
    struct tensor all, to;
    struct error err;
    assert_int_equal(batch_rows_merge(parts, 1, 1, &arena, &all, &err), CODE_OK);
    assert_ptr_equal(TENSOR_AT(&all, struct span)[3].ptr, bytes);
    struct shape shape = all.shape;
    shape.dims[0] = 2;
    assert_int_equal(tensor_alloc(&to, DTYPE_STRING, &shape, &arena, &err), CODE_OK);
    assert_int_equal(batch_rows_copy(&(struct batch_rows){&all, 1, 2}, &to, 0, &arena, &err),
                     CODE_OK);
    memset(bytes, 'x', sizeof bytes);
    assert_true(span_is(TENSOR_AT(&to, struct span)[0], "bc"));
    assert_true(span_is(TENSOR_AT(&to, struct span)[1], ""));
}

/* Two requests may each be small and their least common shape beyond all memory. */
static void what_is_too_large_is_refused(void **state)
{
    (void)state;
    enum { LONG = 1 << 22 };
    char *data = calloc(LONG, 1);
    struct tensor a = tensor_of(DTYPE_INT8, 4, DIMS(1, LONG, 1, 1), data);
    struct tensor b = tensor_of(DTYPE_INT8, 4, DIMS(1, 1, LONG, 1), data);
    struct tensor c = tensor_of(DTYPE_INT8, 4, DIMS(1, 1, 1, LONG), data);
    struct batch_rows parts[] = {{&a, 0, 1}, {&b, 0, 1}, {&c, 0, 1}};
    struct tensor all;
    struct error err;
    assert_int_equal(batch_rows_merge(parts, 3, 0, &arena, &all, &err), CODE_RESOURCE_EXHAUSTED);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_together),
        cmocka_unit_test_setup_teardown(rows_are_merged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_narrower_is_padded_with_its_first_element, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(strings_get_bytes_of_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_too_large_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
