/* SPDX-License-Identifier: Apache-2.0 */
/* Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual and the logical ops: elementwise, to
 * bool. */
#include <complex.h>

#include <math.h>

#include "ops/kernel.h"
#include "ops/math/broadcast.h"
#include "ops/math/loops.h"

#define COMPARE_LOOP(op, name, type, qualifier, expression)                                        \
    LOOP_BINARY(qualifier, op##_##name, type, type, bool, LOOP_AS_IS, LOOP_AS_IS, expression)

#define COMPARE_LOOPS(op, expression)                                                              \
    COMPARE_LOOP(op, float, float, KERNEL, expression)                                             \
    COMPARE_LOOP(op, double, double, static, expression)                                           \
    COMPARE_LOOP(op, int8, int8_t, static, expression)                                             \
    COMPARE_LOOP(op, int16, int16_t, static, expression)                                           \
    COMPARE_LOOP(op, int32, int32_t, KERNEL, expression)                                           \
    COMPARE_LOOP(op, int64, int64_t, static, expression)                                           \
    COMPARE_LOOP(op, uint8, uint8_t, static, expression)                                           \
    COMPARE_LOOP(op, uint16, uint16_t, static, expression)                                         \
    COMPARE_LOOP(op, uint32, uint32_t, static, expression)                                         \
    COMPARE_LOOP(op, uint64, uint64_t, static, expression)                                         \
    LOOP_BINARY(static, op##_half, uint16_t, float, bool, dtype_half_to_float, LOOP_AS_IS,         \
                expression)                                                                        \
    LOOP_BINARY(static, op##_bfloat16, uint16_t, float, bool, dtype_bfloat16_to_float, LOOP_AS_IS, \
                expression)
#define COMPARE_ROWS(op)                                                                           \
    [DTYPE_FLOAT] = op##_float, [DTYPE_DOUBLE] = op##_double, [DTYPE_INT8] = op##_int8,            \
    [DTYPE_INT16] = op##_int16, [DTYPE_INT32] = op##_int32, [DTYPE_INT64] = op##_int64,            \
    [DTYPE_UINT8] = op##_uint8, [DTYPE_UINT16] = op##_uint16, [DTYPE_UINT32] = op##_uint32,        \
    [DTYPE_UINT64] = op##_uint64, [DTYPE_HALF] = op##_half, [DTYPE_BFLOAT16] = op##_bfloat16

COMPARE_LOOPS(less, x < y)
COMPARE_LOOPS(less_equal, x <= y)
COMPARE_LOOPS(greater, x > y)
COMPARE_LOOPS(greater_equal, x >= y)
COMPARE_LOOPS(equal, x == y)
COMPARE_LOOP(equal, bool, bool, static, x == y)
COMPARE_LOOP(equal, complex64, float complex, static, x == y)
COMPARE_LOOP(equal, complex128, double complex, static, x == y)
LOOP_BINARY(static, equal_string, struct span, struct span, bool, LOOP_AS_IS, LOOP_AS_IS,
            span_equal(x, y))
COMPARE_LOOPS(not_equal, x != y)
COMPARE_LOOP(not_equal, bool, bool, static, x != y)
COMPARE_LOOP(not_equal, complex64, float complex, static, x != y)
COMPARE_LOOP(not_equal, complex128, double complex, static, x != y)
LOOP_BINARY(static, not_equal_string, struct span, struct span, bool, LOOP_AS_IS, LOOP_AS_IS,
            !span_equal(x, y))
COMPARE_LOOP(and, bool, bool, static, x &&y)
COMPARE_LOOP(or, bool, bool, static, x || y)

#define QUANTISED_ROWS(op)                                                                         \
    [DTYPE_QINT8] = op##_int8, [DTYPE_QUINT8] = op##_uint8, [DTYPE_QINT16] = op##_int16,           \
    [DTYPE_QUINT16] = op##_uint16, [DTYPE_QINT32] = op##_int32

static broadcast_inner_fn *const less_loops[DTYPE_COUNT] = {COMPARE_ROWS(less)};
static broadcast_inner_fn *const less_equal_loops[DTYPE_COUNT] = {COMPARE_ROWS(less_equal)};
static broadcast_inner_fn *const greater_loops[DTYPE_COUNT] = {COMPARE_ROWS(greater)};
static broadcast_inner_fn *const greater_equal_loops[DTYPE_COUNT] = {COMPARE_ROWS(greater_equal)};
static broadcast_inner_fn *const equal_loops[DTYPE_COUNT] = {
    COMPARE_ROWS(equal),
    QUANTISED_ROWS(equal),
    [DTYPE_BOOL] = equal_bool,
    [DTYPE_STRING] = equal_string,
    [DTYPE_COMPLEX64] = equal_complex64,
    [DTYPE_COMPLEX128] = equal_complex128,
};
static broadcast_inner_fn *const not_equal_loops[DTYPE_COUNT] = {
    COMPARE_ROWS(not_equal),
    QUANTISED_ROWS(not_equal),
    [DTYPE_BOOL] = not_equal_bool,
    [DTYPE_STRING] = not_equal_string,
    [DTYPE_COMPLEX64] = not_equal_complex64,
    [DTYPE_COMPLEX128] = not_equal_complex128,
};
static broadcast_inner_fn *const and_loops[DTYPE_COUNT] = {[DTYPE_BOOL] = and_bool};
static broadcast_inner_fn *const or_loops[DTYPE_COUNT] = {[DTYPE_BOOL] = or_bool};

#define DEFINE_PREPARE(op)                                                                         \
    static enum code op##_prepare(struct op_call *call, struct error *err)                         \
    {                                                                                              \
        return broadcast_op_prepare(call, op##_loops, err);                                        \
    }

DEFINE_PREPARE(less)
DEFINE_PREPARE(less_equal)
DEFINE_PREPARE(greater)
DEFINE_PREPARE(greater_equal)
DEFINE_PREPARE(equal)
DEFINE_PREPARE(not_equal)
DEFINE_PREPARE(and)
DEFINE_PREPARE(or)

/* Equal may be asked to call different shapes unequal instead of failing: the answer is then one
 * bool. */
static enum code equality_shape(struct op_call *call, struct error *err)
{
    struct shape shape;
    if (!op_attr_bool(call, "incompatible_shape_error") &&
        broadcast_shape(&call->in[0]->shape, &call->in[1]->shape, &shape, NULL)) {
        shape = shape_scalar();
        op_call_shape(call, 0, &shape);
        return CODE_OK;
    }
    return broadcast_op_shape(call, err);
}

static bool compatible(const struct op_call *call)
{
    struct shape shape;
    return !broadcast_shape(&call->in[0]->shape, &call->in[1]->shape, &shape, NULL);
}

static enum code equal_or_not_prepare(struct op_call *call, struct error *err)
{
    if (!compatible(call))
        return CODE_OK;
    return span_is(call->node->op_name, "Equal") ? equal_prepare(call, err)
                                                 : not_equal_prepare(call, err);
}

static enum code equality_run(struct op_call *call, struct error *err)
{
    if (call->state)
        return broadcast_op_run(call, err);
    *TENSOR_AT(call->out[0], bool) = span_is(call->node->op_name, "NotEqual");
    return CODE_OK;
}

static enum code not_run(struct op_call *call, struct error *err)
{
    (void)err;
    const bool *in = call->in[0]->data;
    bool *out = call->out[0]->data;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++)
        out[i] = !in[i];
    return CODE_OK;
}

#define COMPARE_OP(symbol, prefix)                                                                 \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "x:T y:T",                                                                       \
        .outputs = "z:bool",                                                                       \
        .attrs = "T:type",                                                                         \
        .types = OP_TYPES_REAL,                                                                    \
        .shape = broadcast_op_shape,                                                               \
        .prepare = prefix##_prepare,                                                               \
        .run = broadcast_op_run,                                                                   \
    }

#define EQUALITY_OP(symbol)                                                                        \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "x:T y:T",                                                                       \
        .outputs = "z:bool",                                                                       \
        .attrs = "T:type incompatible_shape_error:bool=true",                                      \
        .types =                                                                                   \
            OP_TYPES_NUMBER | OP_TYPES_QUANTISED | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING),    \
        .shape = equality_shape,                                                                   \
        .prepare = equal_or_not_prepare,                                                           \
        .run = equality_run,                                                                       \
    }

#define LOGICAL_OP(symbol, prefix)                                                                 \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "x:bool y:bool",                                                                 \
        .outputs = "z:bool",                                                                       \
        .attrs = "",                                                                               \
        .flags = OP_IN_PLACE,                                                                      \
        .shape = broadcast_op_shape,                                                               \
        .prepare = prefix##_prepare,                                                               \
        .run = broadcast_op_run,                                                                   \
    }

COMPARE_OP(Less, less);
COMPARE_OP(LessEqual, less_equal);
COMPARE_OP(Greater, greater);
COMPARE_OP(GreaterEqual, greater_equal);
EQUALITY_OP(Equal);
EQUALITY_OP(NotEqual);
LOGICAL_OP(LogicalAnd, and);
LOGICAL_OP(LogicalOr, or);

const struct op op_LogicalNot = {
    .name = "LogicalNot",
    .inputs = "x:bool",
    .outputs = "y:bool",
    .attrs = "",
    .flags = OP_IN_PLACE,
    .run = not_run,
};

/* ---- ApproximateEqual ---- */

static enum code near_shape(struct op_call *call, struct error *err)
{
    const struct shape *x = &call->in[0]->shape, *y = &call->in[1]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    op_call_shape(call, 0, x);
    if (shape_equal(x, y))
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "x and y must be of the same shape. x shape: %s. y shape: %s",
                     shape_text(x, left), shape_text(y, right));
}

static enum code near_prepare(struct op_call *call, struct error *err)
{
    float *tolerance = ARENA_NEW(call->arena, float);
    (void)err;
    *tolerance = op_attr_float(call, "tolerance");
    call->state = tolerance;
    return CODE_OK;
}

static enum code near_run(struct op_call *call, struct error *err)
{
    (void)err;
    const float tolerance = *(const float *)call->state;
    const struct tensor *x = call->in[0], *y = call->in[1];
    bool *out = call->out[0]->data;
    for (int64_t i = 0, n = tensor_elements(x); i < n; i++) {
        if (x->dtype == DTYPE_FLOAT)
            out[i] = fabsf(TENSOR_AT(x, float)[i] - TENSOR_AT(y, float)[i]) < tolerance;
        else
            out[i] = fabs(TENSOR_AT(x, double)[i] - TENSOR_AT(y, double)[i]) < (double)tolerance;
    }
    return CODE_OK;
}

const struct op op_ApproximateEqual = {
    .name = "ApproximateEqual",
    .inputs = "x:T y:T",
    .outputs = "z:bool",
    .attrs = "T:type tolerance:float=1e-05",
    .types = OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE),
    .shape = near_shape,
    .prepare = near_prepare,
    .run = near_run,
};
