/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Div, TruncateDiv, FloorDiv, FloorMod, Mod, TruncateMod, DivNoNan, MulNoNan, Xdivy, Xlogy,
 * Xlog1py, Pow, Atan2: elementwise ops with cases. Integer division by zero fails the op, as in
 * TensorFlow; the smallest integer divided by -1 wraps.
 */
#include <complex.h>
#include <math.h>

#include "ops/kernel.h"
#include "ops/math/broadcast.h"
#include "ops/math/loops.h"

#define WHOLE_LOOPS(op, float_cut, double_cut)                                                     \
    LOOP_BINARY(static, op##_float, float, float, float, LOOP_AS_IS, LOOP_AS_IS, float_cut(x / y)) \
    LOOP_BINARY(static, op##_double, double, double, double, LOOP_AS_IS, LOOP_AS_IS,               \
                double_cut(x / y))                                                                 \
    LOOP_BINARY(static, op##_half, uint16_t, float, uint16_t, dtype_half_to_float,                 \
                dtype_half_from_float, float_cut(half_quotient(x, y)))                             \
    LOOP_BINARY(static, op##_bfloat16, uint16_t, float, uint16_t, dtype_bfloat16_to_float,         \
                dtype_bfloat16_from_float, float_cut(bfloat16_quotient(x, y)))

#define SIGNED_LOOPS(op, expression)                                                               \
    LOOP_BINARY(static, op##_int8, int8_t, int64_t, int8_t, LOOP_AS_IS, (int8_t), expression)      \
    LOOP_BINARY(static, op##_int16, int16_t, int64_t, int16_t, LOOP_AS_IS, (int16_t), expression)  \
    LOOP_BINARY(static, op##_int32, int32_t, int64_t, int32_t, LOOP_AS_IS, (int32_t), expression)  \
    LOOP_BINARY(static, op##_int64, int64_t, int64_t, int64_t, LOOP_AS_IS, LOOP_AS_IS, expression)
#define UNSIGNED_LOOPS(op, expression)                                                             \
    LOOP_BINARY(static, op##_uint8, uint8_t, uint64_t, uint8_t, LOOP_AS_IS, (uint8_t), expression) \
    LOOP_BINARY(static, op##_uint16, uint16_t, uint64_t, uint16_t, LOOP_AS_IS, (uint16_t),         \
                expression)                                                                        \
    LOOP_BINARY(static, op##_uint32, uint32_t, uint64_t, uint32_t, LOOP_AS_IS, (uint32_t),         \
                expression)                                                                        \
    LOOP_BINARY(static, op##_uint64, uint64_t, uint64_t, uint64_t, LOOP_AS_IS, LOOP_AS_IS,         \
                expression)
#define INTEGER_ROWS(op)                                                                           \
    [DTYPE_INT8] = op##_int8, [DTYPE_INT16] = op##_int16, [DTYPE_INT32] = op##_int32,              \
    [DTYPE_INT64] = op##_int64, [DTYPE_UINT8] = op##_uint8, [DTYPE_UINT16] = op##_uint16,          \
    [DTYPE_UINT32] = op##_uint32, [DTYPE_UINT64] = op##_uint64

/* Division in int64 of any narrower type, -1 taken apart; zero was refused before. */
static int64_t truncated(int64_t x, int64_t y)
{
    return y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y;
}

static int64_t remainder_of(int64_t x, int64_t y)
{
    return y == -1 ? 0 : x % y;
}

static int64_t floored(int64_t x, int64_t y)
{
    int64_t q = truncated(x, y);
    return remainder_of(x, y) != 0 && (x < 0) != (y < 0) ? q - 1 : q;
}

static int64_t floor_remainder(int64_t x, int64_t y)
{
    int64_t r = remainder_of(x, y);
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static double floor_mod(double x, double y)
{
    double r = fmod(x, y);
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static uint64_t power(uint64_t base, uint64_t exponent)
{
    uint64_t result = 1;
    for (; exponent; exponent >>= 1, base *= base)
        result *= exponent & 1 ? base : 1;
    return result;
}

/* A quotient is rounded to the type before it is cut to a whole number. */
static float half_quotient(float x, float y)
{
    return dtype_half_to_float(dtype_half_from_float(x / y));
}

static float bfloat16_quotient(float x, float y)
{
    return dtype_bfloat16_to_float(dtype_bfloat16_from_float(x / y));
}

LOOP_BINARY_FLOAT(divide, x / y, x / y)
SIGNED_LOOPS(divide, truncated(x, y))
UNSIGNED_LOOPS(divide, x / y)
WHOLE_LOOPS(truncate_div, truncf, trunc)
WHOLE_LOOPS(floor_div, floorf, floor)
SIGNED_LOOPS(floor_div, floored(x, y))
LOOP_BINARY_FLOAT(floor_mod, (float)floor_mod(x, y), floor_mod(x, y))
SIGNED_LOOPS(floor_mod, floor_remainder(x, y))
UNSIGNED_LOOPS(floor_mod, x % y)
LOOP_BINARY_FLOAT(mod, fmodf(x, y), fmod(x, y))
SIGNED_LOOPS(mod, remainder_of(x, y))
LOOP_BINARY_FLOAT(div_no_nan, y == 0 ? 0 : x / y, y == 0 ? 0 : x / y)
LOOP_BINARY_FLOAT(mul_no_nan, y == 0 ? 0 : x * y, y == 0 ? 0 : x * y)
LOOP_BINARY_FLOAT(xdivy, x == 0 ? 0 : x / y, x == 0 ? 0 : x / y)
LOOP_BINARY_FLOAT(xlogy, x == 0 ? 0 : x * logf(y), x == 0 ? 0 : x * log(y))
LOOP_BINARY_FLOAT(xlog1py, x == 0 ? 0 : x * log1pf(y), x == 0 ? 0 : x * log1p(y))
LOOP_BINARY_FLOAT(pow, powf(x, y), pow(x, y))
SIGNED_LOOPS(pow, (int64_t)power((uint64_t)x, (uint64_t)y))
UNSIGNED_LOOPS(pow, power(x, y))
LOOP_BINARY_FLOAT(atan2, atan2f(x, y), atan2(x, y))

LOOP_BINARY_COMPLEX(divide, x / y, x / y)
LOOP_BINARY_COMPLEX(div_no_nan, y == 0 ? 0 : x / y, y == 0 ? 0 : x / y)
LOOP_BINARY_COMPLEX(mul_no_nan, y == 0 ? 0 : x * y, y == 0 ? 0 : x * y)
LOOP_BINARY_COMPLEX(xdivy, x == 0 ? 0 : x / y, x == 0 ? 0 : x / y)
LOOP_BINARY_COMPLEX(xlogy, x == 0 ? 0 : x * clogf(y), x == 0 ? 0 : x * clog(y))
LOOP_BINARY_COMPLEX(xlog1py, x == 0 ? 0 : x * clogf(1 + y), x == 0 ? 0 : x * clog(1 + y))
LOOP_BINARY_COMPLEX(pow, cpowf(x, y), cpow(x, y))

/* Unsigned division needs no flooring, and its remainder no choice of sign. */
#define UNSIGNED_ROWS_OF(op)                                                                       \
    [DTYPE_UINT8] = op##_uint8, [DTYPE_UINT16] = op##_uint16, [DTYPE_UINT32] = op##_uint32,        \
    [DTYPE_UINT64] = op##_uint64
#define SIGNED_ROWS_OF(op)                                                                         \
    [DTYPE_INT8] = op##_int8, [DTYPE_INT16] = op##_int16, [DTYPE_INT32] = op##_int32,              \
    [DTYPE_INT64] = op##_int64

static const struct {
    const char *op;
    bool divides; /* integers: the divisor may not be 0 */
    broadcast_inner_fn *loops[DTYPE_COUNT];
} table[] = {
    {"Atan2", false, {LOOP_FLOAT_ROWS(atan2)}},
    {"Div", true, {LOOP_FLOAT_ROWS(divide), LOOP_COMPLEX_ROWS(divide), INTEGER_ROWS(divide)}},
    {"DivNoNan", false, {LOOP_FLOAT_ROWS(div_no_nan), LOOP_COMPLEX_ROWS(div_no_nan)}},
    {"FloorDiv",
     true,
     {LOOP_FLOAT_ROWS(floor_div), SIGNED_ROWS_OF(floor_div), UNSIGNED_ROWS_OF(divide)}},
    {"FloorMod", true, {LOOP_FLOAT_ROWS(floor_mod), INTEGER_ROWS(floor_mod)}},
    {"Mod", true, {LOOP_FLOAT_ROWS(mod), SIGNED_ROWS_OF(mod), UNSIGNED_ROWS_OF(floor_mod)}},
    {"MulNoNan", false, {LOOP_FLOAT_ROWS(mul_no_nan), LOOP_COMPLEX_ROWS(mul_no_nan)}},
    {"Pow", false, {LOOP_FLOAT_ROWS(pow), INTEGER_ROWS(pow), LOOP_COMPLEX_ROWS(pow)}},
    {"TruncateDiv", true, {LOOP_FLOAT_ROWS(truncate_div), INTEGER_ROWS(divide)}},
    {"TruncateMod", true, {LOOP_FLOAT_ROWS(mod), SIGNED_ROWS_OF(mod), UNSIGNED_ROWS_OF(floor_mod)}},
    {"Xdivy", false, {LOOP_FLOAT_ROWS(xdivy), LOOP_COMPLEX_ROWS(xdivy)}},
    {"Xlog1py", false, {LOOP_FLOAT_ROWS(xlog1py), LOOP_COMPLEX_ROWS(xlog1py)}},
    {"Xlogy", false, {LOOP_FLOAT_ROWS(xlogy), LOOP_COMPLEX_ROWS(xlogy)}},
};

/* The broadcast, and what run() checks of the second input before. */
struct division {
    struct broadcast broadcast; /* first: call->state is one */
    bool refuse_zero;
    bool refuse_negative;
};

static enum code prepare(struct op_call *call, struct error *err)
{
    struct division *d = ARENA_NEW(call->arena, struct division);
    enum dtype dtype = call->in[0]->dtype;
    broadcast_init(&d->broadcast, &call->in[0]->shape, &call->in[1]->shape);
    d->broadcast.in_size = d->broadcast.out_size = dtype_size(dtype);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (!span_is(call->node->op_name, table[i].op))
            continue;
        d->broadcast.fn = table[i].loops[dtype];
        d->refuse_zero = table[i].divides && dtype_is_integer(dtype);
    }
    d->refuse_negative = span_is(call->node->op_name, "Pow") && dtype_is_integer(dtype);
    call->state = d;
    if (!d->broadcast.fn)
        return error_set(err, CODE_UNIMPLEMENTED, "op %s has no kernel for %s",
                         call->node->op->name, dtype_name(dtype));
    return CODE_OK;
}

/* TensorFlow does not expect it of the truncating ops. */
static enum code division_by_zero(const struct op_call *call, struct error *err)
{
    if (span_starts_with(call->node->op_name, SPAN_LITERAL("Truncate")))
        return error_set(err, CODE_INTERNAL,
                         "Unexpected error in binary operator (only integer div and mod should "
                         "have errors)");
    return error_set(err, CODE_INVALID_ARGUMENT, "Integer division by zero");
}

static enum code run(struct op_call *call, struct error *err)
{
    const struct division *d = call->state;
    bool checked = (d->refuse_zero || d->refuse_negative) && tensor_elements(call->out[0]) > 0;
    int64_t n = checked ? tensor_elements(call->in[1]) : 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t y = tensor_int(call->in[1], i);
        if (d->refuse_zero && y == 0)
            return division_by_zero(call, err);
        if (d->refuse_negative && y < 0 && call->in[1]->dtype != DTYPE_UINT64)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Integers to negative integer powers are not allowed");
    }
    return broadcast_op_run(call, err);
}

#define DIVISION_OP(symbol, dtypes)                                                                \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "x:T y:T",                                                                       \
        .outputs = "z:T",                                                                          \
        .attrs = "T:type",                                                                         \
        .flags = OP_IN_PLACE,                                                                      \
        .types = dtypes,                                                                           \
        .shape = broadcast_op_shape,                                                               \
        .prepare = prepare,                                                                        \
        .run = run,                                                                                \
    }

/* Its arguments are called y and x; the first is still input 0. */
const struct op op_Atan2 = {
    .name = "Atan2",
    .inputs = "y:T x:T",
    .outputs = "z:T",
    .attrs = "T:type",
    .flags = OP_IN_PLACE,
    .types = OP_TYPES_FLOAT,
    .shape = broadcast_op_shape,
    .prepare = prepare,
    .run = run,
};

DIVISION_OP(Div, OP_TYPES_NUMBER);
DIVISION_OP(DivNoNan, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
DIVISION_OP(FloorDiv, OP_TYPES_REAL);
DIVISION_OP(FloorMod, OP_TYPES_REAL);
DIVISION_OP(Mod, OP_TYPES_REAL);
DIVISION_OP(MulNoNan, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
DIVISION_OP(Pow, OP_TYPES_NUMBER);
DIVISION_OP(TruncateDiv, OP_TYPES_REAL);
DIVISION_OP(TruncateMod, OP_TYPES_REAL);
DIVISION_OP(Xdivy, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
DIVISION_OP(Xlogy, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
DIVISION_OP(Xlog1py, OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
