/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, a module that jax exported (irfft(rfft(x)) and others, of the fuzzer's corpus), and the
 * same module cut and spoiled everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/mlir_bytecode.h"
#include "wire/mlir_reader.h"

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        unsigned char bytes[9];
        size_t len;
        uint64_t value;
    } cases[] = {
        {{0x01}, 1, 0},
        {{0xFF}, 1, 127},
        {{0x02, 0x02}, 2, 128},
        {{0xFE, 0xFF}, 2, 16383},
        {{0x04, 0x00, 0x02}, 3, 16384},
        {{0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, 9, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mlir_cursor c = mlir_cursor_of(span_make(cases[i].bytes, cases[i].len));
        assert_int_equal(mlir_cursor_varint(&c), cases[i].value);
        assert_true(!c.failed && c.at == c.end);
        c = mlir_cursor_of(span_make(cases[i].bytes, cases[i].len - 1));
        assert_int_equal(mlir_cursor_varint(&c), 0);
        assert_true(c.failed);
    }
}

static void test_signed(void **state)
{
    (void)state;
    const unsigned char bytes[] = {0x01, 0x03, 0x05, 0x07};
    struct mlir_cursor c = mlir_cursor_of(span_make(bytes, sizeof bytes));
    for (int64_t want = 0, k = 0; k < 4; k++, want = want < 0 ? -want : -want - 1)
        assert_int_equal(mlir_cursor_signed(&c), want);
}

static const char sample_path[] = "tests/fuzz/corpus/stablehlo/fft";

static struct span read_sample(char *buffer, size_t size)
{
    FILE *file = fopen(sample_path, "rb");
    assert_non_null(file);
    size_t len = fread(buffer, 1, size, file);
    fclose(file);
    return span_make(buffer, len);
}

static const struct mlir_op *find_op(const struct mlir_region *region, const char *name)
{
    for (size_t i = 0; i < region->op_count; i++) {
        const struct mlir_op *op = region->ops[i];
        if (span_is(op->name, name))
            return op;
        for (size_t k = 0; k < op->region_count; k++) {
            const struct mlir_op *inner = find_op(&op->regions[k], name);
            if (inner)
                return inner;
        }
    }
    return NULL;
}

enum { SAMPLE_MAX = 4096 };

static void test_module(void **state)
{
    (void)state;
    char buffer[SAMPLE_MAX];
    struct arena arena;
    struct mlir_module module;
    struct error err;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    assert_int_equal(mlir_bytecode_read(read_sample(buffer, sizeof buffer), &arena, &module, &err),
                     CODE_OK);
    assert_true(span_starts_with(module.producer, SPAN_LITERAL("StableHLO_v")));
    const struct mlir_op *func = find_op(&module.top, "func_v1");
    assert_non_null(func);
    assert_true(span_is(func->dialect, "vhlo"));
    assert_true(span_is(mlir_attr_get(func->attrs, "sym_name")->bytes, "main"));
    assert_null(mlir_attr_get(func->attrs, "nothing"));
    const struct mlir_type *x = func->regions[0].args[0].type;
    assert_true(x->code == MLIR_TENSOR && x->rank == 2 && x->dims[0] == 4 && x->dims[1] == 8);
    assert_int_equal(x->element->code, MLIR_F32);
    const struct mlir_op *fft = find_op(&module.top, "fft_v1");
    assert_int_equal(fft->operand_count, 1);
    assert_int_equal(fft->results[0].type->element->code, MLIR_COMPLEX);
    const struct mlir_attr *length = mlir_attr_get(fft->attrs, "fft_length");
    assert_true(length->kind == MLIR_ATTR_TENSOR && length->bytes.len == sizeof(int64_t));
    assert_int_equal(mlir_attr_get(fft->attrs, "fft_type")->kind, MLIR_ATTR_ENUM);
    arena_release(&arena);
}

/* Only memory out of bounds could be wrong, and a prefix that is taken for a module. */
static void test_spoiled(void **state)
{
    (void)state;
    char buffer[SAMPLE_MAX];
    struct span whole = read_sample(buffer, sizeof buffer);
    struct mlir_module module;
    struct error err;
    for (size_t i = 0; i < whole.len; i++) {
        struct arena arena;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        char *cut = malloc(i + 1);
        memcpy(cut, whole.ptr, i);
        assert_int_not_equal(mlir_bytecode_read(span_make(cut, i), &arena, &module, &err), CODE_OK);
        free(cut);
        buffer[i] = (char)~buffer[i];
        mlir_bytecode_read(whole, &arena, &module, &err);
        buffer[i] = (char)~buffer[i];
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_signed),
        cmocka_unit_test(test_module),
        cmocka_unit_test(test_spoiled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
