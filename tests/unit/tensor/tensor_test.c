/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/tensor.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_alloc(void **state)
{
    (void)state;
    static const struct {
        enum dtype dtype;
        struct shape shape;
        enum code code;
        const char *message;
    } cases[] = {
        {DTYPE_FLOAT, {2, {2, 3}}, CODE_OK, ""},
        {DTYPE_STRING, {1, {5}}, CODE_OK, ""},
        {DTYPE_DOUBLE, {2, {0, 3}}, CODE_OK, ""},
        {DTYPE_DOUBLE,
         {1, {1LL << 61}},
         CODE_RESOURCE_EXHAUSTED,
         "OOM when allocating tensor with shape[2305843009213693952] and type double"},
        {DTYPE_INT8,
         {2, {1LL << 40, 1LL << 40}},
         CODE_RESOURCE_EXHAUSTED,
         "OOM when allocating tensor with shape[1099511627776,1099511627776] and type int8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        struct error err = {0};
        struct tensor t;
        assert_int_equal(tensor_alloc(&t, cases[i].dtype, &cases[i].shape, &arena, &err),
                         cases[i].code);
        assert_string_equal(err.message, cases[i].message);
        if (cases[i].code == CODE_OK) {
            assert_non_null(t.data);
            assert_int_equal((uintptr_t)t.data % TENSOR_ALIGN, 0);
            assert_true(shape_equal(&t.shape, &cases[i].shape));
        }
        arena_release(&arena);
    }
}

static void test_copies_own_their_strings(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    char first[] = "first", second[] = "";
    struct span strings[3] = {span_of(first), span_of(second), {NULL, 0}};
    struct tensor from = {.dtype = DTYPE_STRING, .shape = shape_vector(3), .data = strings};
    struct tensor in_arena, in_buffer;
    assert_int_equal(tensor_copy(&from, &arena, &in_arena, NULL), CODE_OK);
    assert_int_equal(tensor_copy_to_buffer(&from, &in_buffer, NULL), CODE_OK);
    assert_true(tensor_equal(&from, &in_arena));
    first[0] = 'X';
    assert_false(tensor_equal(&from, &in_arena));
    assert_true(tensor_equal(&in_arena, &in_buffer));
    assert_true(span_is(TENSOR_AT(&in_buffer, struct span)[0], "first"));

    assert_false(buffer_is_shared(in_buffer.buffer));
    assert_ptr_equal(buffer_ref(in_buffer.buffer), in_buffer.buffer);
    assert_true(buffer_is_shared(in_buffer.buffer));
    buffer_unref(in_buffer.buffer);
    buffer_unref(in_buffer.buffer);
    buffer_unref(NULL);
    arena_release(&arena);
}

static void test_equal(void **state)
{
    (void)state;
    float a[] = {1, 2}, b[] = {1, 2}, c[] = {1, 3};
    struct tensor ta = {.dtype = DTYPE_FLOAT, .shape = shape_vector(2), .data = a};
    struct tensor tb = {.dtype = DTYPE_FLOAT, .shape = shape_vector(2), .data = b};
    struct tensor tc = {.dtype = DTYPE_FLOAT, .shape = shape_vector(2), .data = c};
    struct tensor matrix = {.dtype = DTYPE_FLOAT, .shape = shape_matrix(1, 2), .data = a};
    struct tensor ints = {.dtype = DTYPE_INT32, .shape = shape_vector(2), .data = a};
    assert_true(tensor_equal(&ta, &tb));
    assert_false(tensor_equal(&ta, &tc));
    assert_false(tensor_equal(&ta, &matrix));
    assert_false(tensor_equal(&ta, &ints));
}

static void test_ints(void **state)
{
    (void)state;
    int64_t storage[2] = {-1, -1};
    static const struct {
        enum dtype dtype;
        int64_t value;
    } cases[] = {
        {DTYPE_INT8, -1},    {DTYPE_UINT8, 255}, {DTYPE_INT16, -1},          {DTYPE_UINT16, 65535},
        {DTYPE_INT32, -1},   {DTYPE_INT64, -1},  {DTYPE_UINT32, UINT32_MAX}, {DTYPE_UINT64, -1},
        {DTYPE_QUINT8, 255}, {DTYPE_QINT32, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tensor t = {.dtype = cases[i].dtype, .shape = shape_vector(2), .data = storage};
        assert_int_equal(tensor_int(&t, 1), cases[i].value);
    }
}

static void test_buffer(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 63, 64, 65, 1000003};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buffer *buffer = buffer_new(sizes[i]);
        assert_non_null(buffer);
        assert_int_equal((uintptr_t)buffer->data % TENSOR_ALIGN, 0);
        assert_int_equal(buffer->size, sizes[i]);
        memset(buffer->data, 0xab, sizes[i]);
        buffer_unref(buffer);
    }
    assert_null(buffer_new(SIZE_MAX));
    assert_null(buffer_new(SIZE_MAX - 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc),  cmocka_unit_test(test_copies_own_their_strings),
        cmocka_unit_test(test_equal),  cmocka_unit_test(test_ints),
        cmocka_unit_test(test_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
