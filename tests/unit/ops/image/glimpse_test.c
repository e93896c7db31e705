/* SPDX-License-Identifier: Apache-2.0 */
/* The noise of ExtractGlimpse, for which TensorFlow has no seed: numbers within the image's range,
 * not all the same, and the image's own where the window covers it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/op.h"
#include "engine/op_def.h"

enum { ROWS = 4, COLUMNS = 5, WINDOW = 6 };

static void fill(struct tensor *tensor, enum dtype dtype, const struct shape *shape,
                 struct arena *arena)
{
    assert_int_equal(tensor_alloc(tensor, dtype, shape, arena, NULL), CODE_OK);
}

/* One image of one channel, counting from 10; the window begins at row 2, column 3. */
static void take(struct op_call *call, struct arena *arena)
{
    static struct tensor in[3], out;
    static const struct tensor *ins[] = {&in[0], &in[1], &in[2]};
    static struct tensor *outs[] = {&out};
    struct shape image = {4, {1, ROWS, COLUMNS, 1}}, pair = shape_vector(2);
    struct shape offset = shape_matrix(1, 2);
    fill(&in[0], DTYPE_FLOAT, &image, arena);
    fill(&in[1], DTYPE_INT32, &pair, arena);
    fill(&in[2], DTYPE_FLOAT, &offset, arena);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        TENSOR_AT(&in[0], float)[i] = (float)(10 + i);
    TENSOR_AT(&in[1], int32_t)[0] = WINDOW;
    TENSOR_AT(&in[1], int32_t)[1] = WINDOW;
    /* Centred and normalised: 0 is the middle, from which half a window is taken. */
    TENSOR_AT(&in[2], float)[0] = (2 + WINDOW / 2.0f - ROWS / 2.0f) * 2 / ROWS;
    TENSOR_AT(&in[2], float)[1] = (3.25f + WINDOW / 2.0f - COLUMNS / 2.0f) * 2 / COLUMNS;
    call->in = ins;
    call->out = outs;
    call->in_count = 3;
    call->out_count = 1;
    call->arena = arena;
    assert_int_equal(call->node->op->shape(call, NULL), CODE_OK);
    fill(&out, DTYPE_FLOAT, &out.shape, arena);
    assert_int_equal(call->node->op->prepare(call, NULL), CODE_OK);
    assert_int_equal(call->node->op->run(call, NULL), CODE_OK);
}

static void test_noise(void **state)
{
    static const char *const names[] = {"ExtractGlimpse", "ExtractGlimpseV2"};
    (void)state;
    for (int n = 0; n < 2; n++) {
        struct arena arena;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        struct node node = {.op = op_find(span_of(names[n]))};
        struct op_def *def;
        assert_int_equal(op_def_parse(node.op, &arena, &def, NULL), CODE_OK);
        node.def = def;
        struct op_call call = {.node = &node};
        take(&call, &arena);
        const float *out = call.out[0]->data;
        int changes = 0;
        for (int i = 0; i < WINDOW * WINDOW; i++) {
            assert_true(out[i] >= 10 && out[i] < 10 + ROWS * COLUMNS);
            changes += i && out[i] != out[i - 1];
        }
        assert_true(changes > WINDOW);
        for (int row = 0; row < ROWS - 2; row++) {
            for (int column = 0; column < COLUMNS - 3; column++)
                assert_true(out[row * WINDOW + column] ==
                            (float)(10 + (row + 2) * COLUMNS + column + 3));
        }
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_noise)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
