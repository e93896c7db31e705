/* SPDX-License-Identifier: Apache-2.0 */
/* .npy files there and back, as numpy writes them, and what is refused. */
#include "tensor/npy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* A version 1.0 file with this header text and data. */
static struct span file_of(struct arena *arena, const char *header, struct span data)
{
    size_t n = strlen(header);
    char *to = arena_alloc(arena, 10 + n + data.len);
    memcpy(to, "\x93NUMPY\x01\x00", 8);
    to[8] = (char)(n & 0xff);
    to[9] = (char)(n >> 8);
    memcpy(to + 10, header, n);
    if (data.len)
        memcpy(to + 10 + n, data.ptr, data.len);
    return span_make(to, 10 + n + data.len);
}

#define HEADER(descr, order, shape)                                                                \
    "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }\n"

static const struct {
    const char *header;
    size_t data; /* bytes */
    enum dtype dtype;
    struct shape shape;
} good[] = {
    {HEADER("<f4", "False", "(2, 3)"), 24, DTYPE_FLOAT, {2, {2, 3}}},
    {HEADER("<f4", "False", "()"), 4, DTYPE_FLOAT, {0, {0}}},
    {HEADER("|u1", "False", "(5,)"), 5, DTYPE_UINT8, {1, {5}}},
    {HEADER("<i8", "False", "(0, 4)"), 0, DTYPE_INT64, {2, {0, 4}}},
    {HEADER("|b1", "False", "(1, 1, 1)"), 1, DTYPE_BOOL, {3, {1, 1, 1}}},
};

static void test_reads(void **state)
{
    (void)state;
    static const char data[64] = {1};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct arena arena;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        struct tensor tensor;
        struct span file = file_of(&arena, good[i].header, span_make(data, good[i].data));
        assert_int_equal(npy_read(file, &arena, &tensor, NULL), CODE_OK);
        assert_int_equal(tensor.dtype, good[i].dtype);
        assert_true(shape_equal(&tensor.shape, &good[i].shape));
        assert_memory_equal(tensor.data, data, good[i].data);
        arena_release(&arena);
    }
}

/* NumPy writes 0 and 1; other bytes are true as well. */
static void test_odd_bools(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct tensor tensor;
    struct span file =
        file_of(&arena, HEADER("|b1", "False", "(3,)"), span_make("\x00\x01\xff", 3));
    assert_int_equal(npy_read(file, &arena, &tensor, NULL), CODE_OK);
    assert_memory_equal(tensor.data, "\x00\x01\x01", 3);
    arena_release(&arena);
}

static const struct {
    const char *header;
    size_t data;
    const char *text;
} bad[] = {
    {HEADER(">f4", "False", "(2,)"), 8, "dtype '>f4'"},
    {HEADER("|O", "False", "(2,)"), 8, "dtype '|O'"},
    {HEADER("<f4", "True", "(2, 2)"), 16, "Fortran order"},
    {HEADER("<f4", "False", "(2, 2)"), 12, "12 bytes"},
    {HEADER("<f4", "False", "(2, 2)"), 20, "20 bytes"},
    {HEADER("<f4", "False", "(4611686018427387904, 4)"), 0, "0 bytes"},
    {HEADER("<f4", "False", "(-1,)"), 0, "shape can not be read"},
    {HEADER("<f4", "False", "(1,1,1,1,1,1,1,1,1,1,1,1,1)"), 4, "shape can not be read"},
    {"{'descr': '<f4'}\n", 4, "no shape"},
    {"", 2, "dtype ''"},
};

static void test_refuses(void **state)
{
    (void)state;
    static const char data[64];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct arena arena;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        struct tensor tensor;
        struct error err;
        error_clear(&err);
        struct span file = file_of(&arena, bad[i].header, span_make(data, bad[i].data));
        assert_int_equal(npy_read(file, &arena, &tensor, &err), CODE_INVALID_ARGUMENT);
        if (!strstr(err.message, bad[i].text))
            fail_msg("'%s' is not in '%s'", bad[i].text, err.message);
        arena_release(&arena);
    }
}

static void test_short_files(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    static const char data[8];
    struct span file = file_of(&arena, HEADER("<f4", "False", "(2,)"), span_make(data, 8));
    struct tensor tensor;
    for (size_t n = 0; n < file.len; n++) {
        struct span cut = arena_copy(&arena, span_sub(file, 0, n));
        assert_int_equal(npy_read(cut, &arena, &tensor, NULL), CODE_INVALID_ARGUMENT);
    }
    arena_release(&arena);
}

static void test_writes_what_it_reads(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    float values[6] = {0, 1, 2, 3, 4, -5};
    struct tensor tensor = {DTYPE_FLOAT, shape_matrix(2, 3), values, NULL}, again;
    struct span bytes;
    assert_int_equal(npy_write(&tensor, &arena, &bytes, NULL), CODE_OK);
    assert_int_equal((bytes.len - sizeof values) % 64, 0);
    assert_int_equal(npy_read(bytes, &arena, &again, NULL), CODE_OK);
    assert_true(tensor_equal(&tensor, &again));
    tensor.dtype = DTYPE_STRING;
    assert_int_equal(npy_write(&tensor, &arena, &bytes, NULL), CODE_UNIMPLEMENTED);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_odd_bools),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_short_files),
        cmocka_unit_test(test_writes_what_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
