/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BitwiseAnd, BitwiseOr, BitwiseXor, LeftShift, RightShift, Invert, PopulationCount: the bits of
 * integers. A shift by less than 0 is one by 0, by too much one by all bits but one, as TensorFlow
 * has it; numbers with a sign keep it when they are shifted right.
 */
#include "ops/kernel.h"
#include "ops/math/broadcast.h"
#include "ops/math/loops.h"

#define BINARY_LOOPS(op, expression)                                                               \
    LOOP_BINARY(static, op##_int8, int8_t, int8_t, int8_t, LOOP_AS_IS, (int8_t), expression)       \
    LOOP_BINARY(static, op##_int16, int16_t, int16_t, int16_t, LOOP_AS_IS, (int16_t), expression)  \
    LOOP_BINARY(static, op##_int32, int32_t, int32_t, int32_t, LOOP_AS_IS, (int32_t), expression)  \
    LOOP_BINARY(static, op##_int64, int64_t, int64_t, int64_t, LOOP_AS_IS, (int64_t), expression)  \
    LOOP_BINARY(static, op##_uint8, uint8_t, uint8_t, uint8_t, LOOP_AS_IS, (uint8_t), expression)  \
    LOOP_BINARY(static, op##_uint16, uint16_t, uint16_t, uint16_t, LOOP_AS_IS, (uint16_t),         \
                expression)                                                                        \
    LOOP_BINARY(static, op##_uint32, uint32_t, uint32_t, uint32_t, LOOP_AS_IS, (uint32_t),         \
                expression)                                                                        \
    LOOP_BINARY(static, op##_uint64, uint64_t, uint64_t, uint64_t, LOOP_AS_IS, (uint64_t),         \
                expression)
#define ROWS(op)                                                                                   \
    [DTYPE_INT8] = op##_int8, [DTYPE_INT16] = op##_int16, [DTYPE_INT32] = op##_int32,              \
    [DTYPE_INT64] = op##_int64, [DTYPE_UINT8] = op##_uint8, [DTYPE_UINT16] = op##_uint16,          \
    [DTYPE_UINT32] = op##_uint32, [DTYPE_UINT64] = op##_uint64

/* How far x is shifted by y. */
#define DISTANCE(x, y)                                                                             \
    ((y) <= 0 ? 0 : (uint64_t)(y) >= 8 * sizeof(x) ? (int)(8 * sizeof(x) - 1) : (int)(y))

/* clang-format off */
BINARY_LOOPS(and, x & y)
BINARY_LOOPS(or, x | y)
BINARY_LOOPS(xor, x ^ y)
BINARY_LOOPS(left, (uint64_t)x << DISTANCE(x, y))
BINARY_LOOPS(right, x >> DISTANCE(x, y))
/* clang-format on */

static broadcast_inner_fn *const and_loops[DTYPE_COUNT] = {ROWS(and)};
static broadcast_inner_fn *const or_loops[DTYPE_COUNT] = {ROWS(or)};
static broadcast_inner_fn *const xor_loops[DTYPE_COUNT] = {ROWS(xor)};
static broadcast_inner_fn *const left_loops[DTYPE_COUNT] = {ROWS(left)};
static broadcast_inner_fn *const right_loops[DTYPE_COUNT] = {ROWS(right)};

#define DEFINE_PREPARE(op)                                                                         \
    static enum code op##_prepare(struct op_call *call, struct error *err)                         \
    {                                                                                              \
        return broadcast_op_prepare(call, op##_loops, err);                                        \
    }

DEFINE_PREPARE(and)
DEFINE_PREPARE(or)
DEFINE_PREPARE(xor)
DEFINE_PREPARE(left)
DEFINE_PREPARE(right)

static enum code invert_run(struct op_call *call, struct error *err)
{
    (void)err;
    const uint8_t *from = call->in[0]->data;
    uint8_t *to = call->out[0]->data;
    for (size_t i = 0, n = tensor_bytes(call->in[0]); i < n; i++)
        to[i] = (uint8_t)~from[i];
    return CODE_OK;
}

static enum code count_run(struct op_call *call, struct error *err)
{
    (void)err;
    size_t size = dtype_size(call->in[0]->dtype);
    const char *from = call->in[0]->data;
    uint8_t *to = call->out[0]->data;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++, from += size) {
        uint64_t bits = 0;
        memcpy(&bits, from, size);
        to[i] = (uint8_t)__builtin_popcountll(bits);
    }
    return CODE_OK;
}

#define BITS_OP(symbol, function)                                                                  \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "x:T y:T",                                                                       \
        .outputs = "z:T",                                                                          \
        .attrs = "T:type",                                                                         \
        .flags = OP_IN_PLACE,                                                                      \
        .types = OP_TYPES_INTEGER,                                                                 \
        .shape = broadcast_op_shape,                                                               \
        .prepare = function,                                                                       \
        .run = broadcast_op_run,                                                                   \
    }

BITS_OP(BitwiseAnd, and_prepare);
BITS_OP(BitwiseOr, or_prepare);
BITS_OP(BitwiseXor, xor_prepare);
BITS_OP(LeftShift, left_prepare);
BITS_OP(RightShift, right_prepare);

const struct op op_Invert = {
    .name = "Invert",
    .inputs = "x:T",
    .outputs = "y:T",
    .attrs = "T:type",
    .flags = OP_IN_PLACE,
    .types = OP_TYPES_INTEGER,
    .run = invert_run,
};

const struct op op_PopulationCount = {
    .name = "PopulationCount",
    .inputs = "x:T",
    .outputs = "y:uint8",
    .attrs = "T:type",
    .types = OP_TYPES_INTEGER,
    .run = count_run,
};
