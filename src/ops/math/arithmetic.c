/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementwise arithmetic of two tensors: Add, Sub, Mul, Div and their kin. Integers wrap as two's
 * complement does; half and bfloat16 are computed as float and rounded once, as TensorFlow does.
 * Each op is a table of inner loops by dtype (ops/math/broadcast.h) and a record.
 */
#include <complex.h>

#include "ops/kernel.h"
#include "ops/math/broadcast.h"
#include "ops/math/loops.h"
#include "ops/string/concatenate.h"

#define DEFINE_FLOAT_LOOPS(op, expression)                                                         \
    LOOP_BINARY(KERNEL, op##_float, float, float, float, LOOP_AS_IS, LOOP_AS_IS, expression)       \
    LOOP_BINARY(KERNEL, op##_double, double, double, double, LOOP_AS_IS, LOOP_AS_IS, expression)   \
    LOOP_BINARY(static, op##_half, uint16_t, float, uint16_t, dtype_half_to_float,                 \
                dtype_half_from_float, expression)                                                 \
    LOOP_BINARY(static, op##_bfloat16, uint16_t, float, uint16_t, dtype_bfloat16_to_float,         \
                dtype_bfloat16_from_float, expression)
#define DEFINE_COMPLEX_LOOPS(op, expression) LOOP_BINARY_COMPLEX(op, expression, expression)

/* Sums and products are computed without a sign, where overflow is defined. */
#define DEFINE_WRAPPING_LOOPS(op, expression)                                                      \
    LOOP_BINARY(static, op##_int8, int8_t, uint32_t, int8_t, (uint32_t), (int8_t), expression)     \
    LOOP_BINARY(static, op##_int16, int16_t, uint32_t, int16_t, (uint32_t), (int16_t), expression) \
    LOOP_BINARY(KERNEL, op##_int32, int32_t, uint32_t, int32_t, (uint32_t), (int32_t), expression) \
    LOOP_BINARY(static, op##_int64, int64_t, uint64_t, int64_t, (uint64_t), (int64_t), expression) \
    LOOP_BINARY(static, op##_uint8, uint8_t, uint32_t, uint8_t, (uint32_t), (uint8_t), expression) \
    LOOP_BINARY(static, op##_uint16, uint16_t, uint32_t, uint16_t, (uint32_t), (uint16_t),         \
                expression)                                                                        \
    LOOP_BINARY(static, op##_uint32, uint32_t, uint32_t, uint32_t, LOOP_AS_IS, LOOP_AS_IS,         \
                expression)                                                                        \
    LOOP_BINARY(static, op##_uint64, uint64_t, uint64_t, uint64_t, LOOP_AS_IS, LOOP_AS_IS,         \
                expression)

/* Comparisons are made in the type itself. */
#define DEFINE_ORDERED_LOOPS(op, expression)                                                       \
    LOOP_BINARY(static, op##_int8, int8_t, int8_t, int8_t, LOOP_AS_IS, LOOP_AS_IS, expression)     \
    LOOP_BINARY(static, op##_int16, int16_t, int16_t, int16_t, LOOP_AS_IS, LOOP_AS_IS, expression) \
    LOOP_BINARY(KERNEL, op##_int32, int32_t, int32_t, int32_t, LOOP_AS_IS, LOOP_AS_IS, expression) \
    LOOP_BINARY(static, op##_int64, int64_t, int64_t, int64_t, LOOP_AS_IS, LOOP_AS_IS, expression) \
    LOOP_BINARY(static, op##_uint8, uint8_t, uint8_t, uint8_t, LOOP_AS_IS, LOOP_AS_IS, expression) \
    LOOP_BINARY(static, op##_uint16, uint16_t, uint16_t, uint16_t, LOOP_AS_IS, LOOP_AS_IS,         \
                expression)                                                                        \
    LOOP_BINARY(static, op##_uint32, uint32_t, uint32_t, uint32_t, LOOP_AS_IS, LOOP_AS_IS,         \
                expression)                                                                        \
    LOOP_BINARY(static, op##_uint64, uint64_t, uint64_t, uint64_t, LOOP_AS_IS, LOOP_AS_IS,         \
                expression)
#define INTEGER_ROWS(op)                                                                           \
    [DTYPE_INT8] = op##_int8, [DTYPE_INT16] = op##_int16, [DTYPE_INT32] = op##_int32,              \
    [DTYPE_INT64] = op##_int64, [DTYPE_UINT8] = op##_uint8, [DTYPE_UINT16] = op##_uint16,          \
    [DTYPE_UINT32] = op##_uint32, [DTYPE_UINT64] = op##_uint64

DEFINE_FLOAT_LOOPS(add, x + y)
DEFINE_COMPLEX_LOOPS(add, x + y)
DEFINE_WRAPPING_LOOPS(add, x + y)
DEFINE_FLOAT_LOOPS(sub, x - y)
DEFINE_COMPLEX_LOOPS(sub, x - y)
DEFINE_WRAPPING_LOOPS(sub, x - y)
DEFINE_FLOAT_LOOPS(mul, x *y)
DEFINE_COMPLEX_LOOPS(mul, x *y)
DEFINE_WRAPPING_LOOPS(mul, x *y)
DEFINE_FLOAT_LOOPS(divide, x / y)
DEFINE_COMPLEX_LOOPS(divide, x / y)
DEFINE_FLOAT_LOOPS(squared_difference, (x - y) * (x - y))
DEFINE_WRAPPING_LOOPS(squared_difference, (x - y) * (x - y))
/* The square of a complex number's size. */
LOOP_BINARY_COMPLEX(squared_difference, (x - y) * conjf(x - y), (x - y) * conj(x - y))
/* With a NaN the first comparison is false both ways; a NaN on either side is the answer, as in
 * TensorFlow. */
DEFINE_FLOAT_LOOPS(maximum, x < y || y != y ? y : x)
DEFINE_ORDERED_LOOPS(maximum, x < y ? y : x)
DEFINE_FLOAT_LOOPS(minimum, y < x || y != y ? y : x)
DEFINE_ORDERED_LOOPS(minimum, y < x ? y : x)

static broadcast_inner_fn *const add_loops[DTYPE_COUNT] = {
    LOOP_FLOAT_ROWS(add), LOOP_COMPLEX_ROWS(add), INTEGER_ROWS(add)};
static broadcast_inner_fn *const sub_loops[DTYPE_COUNT] = {
    LOOP_FLOAT_ROWS(sub), LOOP_COMPLEX_ROWS(sub), INTEGER_ROWS(sub)};
static broadcast_inner_fn *const mul_loops[DTYPE_COUNT] = {
    LOOP_FLOAT_ROWS(mul), LOOP_COMPLEX_ROWS(mul), INTEGER_ROWS(mul)};
static broadcast_inner_fn *const divide_loops[DTYPE_COUNT] = {LOOP_FLOAT_ROWS(divide),
                                                              LOOP_COMPLEX_ROWS(divide)};
static broadcast_inner_fn *const squared_difference_loops[DTYPE_COUNT] = {
    LOOP_FLOAT_ROWS(squared_difference), LOOP_COMPLEX_ROWS(squared_difference),
    INTEGER_ROWS(squared_difference)};
static broadcast_inner_fn *const maximum_loops[DTYPE_COUNT] = {LOOP_FLOAT_ROWS(maximum),
                                                               INTEGER_ROWS(maximum)};
static broadcast_inner_fn *const minimum_loops[DTYPE_COUNT] = {LOOP_FLOAT_ROWS(minimum),
                                                               INTEGER_ROWS(minimum)};

#define DEFINE_PREPARE(op)                                                                         \
    static enum code op##_prepare(struct op_call *call, struct error *err)                         \
    {                                                                                              \
        return broadcast_op_prepare(call, op##_loops, err);                                        \
    }

DEFINE_PREPARE(add)
DEFINE_PREPARE(sub)
DEFINE_PREPARE(mul)
DEFINE_PREPARE(divide)
DEFINE_PREPARE(squared_difference)
DEFINE_PREPARE(maximum)
DEFINE_PREPARE(minimum)

#define BINARY_OP(symbol, prefix, dtypes)                                                          \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "x:T y:T",                                                                       \
        .outputs = "z:T",                                                                          \
        .attrs = "T:type",                                                                         \
        .flags = OP_IN_PLACE,                                                                      \
        .types = dtypes,                                                                           \
        .shape = broadcast_op_shape,                                                               \
        .prepare = prefix##_prepare,                                                               \
        .run = broadcast_op_run,                                                                   \
    }

static enum code add_any_prepare(struct op_call *call, struct error *err)
{
    bool texts = call->in[0]->dtype == DTYPE_STRING;
    return texts ? concatenate_prepare(call, err) : add_prepare(call, err);
}

static enum code add_any_run(struct op_call *call, struct error *err)
{
    bool texts = call->in[0]->dtype == DTYPE_STRING;
    return texts ? concatenate_run(call, err) : broadcast_op_run(call, err);
}

/* Of strings, too: one behind the other. */
const struct op op_Add = {
    .name = "Add",
    .inputs = "x:T y:T",
    .outputs = "z:T",
    .attrs = "T:type",
    .flags = OP_IN_PLACE,
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_STRING),
    .shape = broadcast_op_shape,
    .prepare = add_any_prepare,
    .run = add_any_run,
};

BINARY_OP(AddV2, add, OP_TYPES_NUMBER);
BINARY_OP(Sub, sub, OP_TYPES_NUMBER);
BINARY_OP(Mul, mul, OP_TYPES_NUMBER);
BINARY_OP(RealDiv, divide, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
BINARY_OP(SquaredDifference, squared_difference, OP_TYPES_NUMBER);
BINARY_OP(Maximum, maximum, OP_TYPES_REAL);
BINARY_OP(Minimum, minimum, OP_TYPES_REAL);
