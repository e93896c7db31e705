/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gradients of elementwise functions: one for each element, from the gradient behind the function
 * and what went into it or came out of it. Of some complex functions TensorFlow takes the
 * conjugate, of Tanh and Sigmoid it does not.
 */
#include <complex.h>
#include <math.h>

#include "ops/kernel.h"
#include "ops/math/broadcast.h"
#include "ops/math/loops.h"

/* ---- of x = y's function: the output and its gradient ---- */

LOOP_BINARY_FLOAT(tanh, y *(1 - x * x), y *(1 - x * x))
LOOP_BINARY_COMPLEX(tanh, y *(1 - x * x), y *(1 - x * x))
LOOP_BINARY_FLOAT(sigmoid, y *x *(1 - x), y *x *(1 - x))
LOOP_BINARY_COMPLEX(sigmoid, y *x *(1 - x), y *x *(1 - x))
LOOP_BINARY_FLOAT(sqrt, 0.5f * y / x, 0.5 * y / x)
LOOP_BINARY_COMPLEX(sqrt, 0.5f * y / conjf(x), 0.5 * y / conj(x))
LOOP_BINARY_FLOAT(rsqrt, -0.5f * y * (x * x * x), -0.5 * y * (x * x * x))
LOOP_BINARY_COMPLEX(rsqrt, -0.5f * y * conjf(x * x * x), -0.5 * y * conj(x * x * x))
LOOP_BINARY_FLOAT(inverse, -x *y *x, -x *y *x)
LOOP_BINARY_COMPLEX(inverse, -conjf(x) * y * conjf(x), -conj(x) * y * conj(x))

/* ---- of activations: the gradient x, and the input or output y ---- */

/* Selu's scale, and that times its alpha. */
#define SELU_SCALE 1.0507009873554804934193349852946
#define SELU_ALPHA 1.7580993408473768599402175208123

LOOP_BINARY_FLOAT(elu, y < 0 ? x * (y + 1) : x, y < 0 ? x * (y + 1) : x)
LOOP_BINARY_FLOAT(selu, y < 0 ? x * (y + (float)SELU_ALPHA) : x * (float)SELU_SCALE,
                  y < 0 ? x * (y + SELU_ALPHA) : x * SELU_SCALE)
LOOP_BINARY_FLOAT(softplus, x / (expf(-y) + 1), x / (exp(-y) + 1))
LOOP_BINARY_FLOAT(softsign, x / ((1 + fabsf(y)) * (1 + fabsf(y))),
                  x / ((1 + fabs(y)) * (1 + fabs(y))))

#define INTEGER_LOOP_OF(dtype, type, name, op, expression)                                         \
    LOOP_BINARY(static, op##_##name, type, type, type, LOOP_AS_IS, (type), expression)
#define RELU_LOOP(dtype, type, name) INTEGER_LOOP_OF(dtype, type, name, relu, y > 0 ? x : 0)
#define RELU6_LOOP(dtype, type, name)                                                              \
    INTEGER_LOOP_OF(dtype, type, name, relu6, y > 0 && y < 6 ? x : 0)
LOOP_BINARY_FLOAT(relu, y > 0 ? x : 0, y > 0 ? x : 0)
LOOP_BINARY_FLOAT(relu6, y > 0 && y < 6 ? x : 0, y > 0 && y < 6 ? x : 0)
KERNEL_TYPES_INTEGER(RELU_LOOP)
KERNEL_TYPES_INTEGER(RELU6_LOOP)
#define RELU_ROW(dtype, type, name)  [dtype] = relu_##name,
#define RELU6_ROW(dtype, type, name) [dtype] = relu6_##name,

static const struct {
    const char *op;
    broadcast_inner_fn *loops[DTYPE_COUNT];
} table[] = {
    {"EluGrad", {LOOP_FLOAT_ROWS(elu)}},
    {"InvGrad", {LOOP_FLOAT_ROWS(inverse), LOOP_COMPLEX_ROWS(inverse)}},
    {"ReciprocalGrad", {LOOP_FLOAT_ROWS(inverse), LOOP_COMPLEX_ROWS(inverse)}},
    {"Relu6Grad", {LOOP_FLOAT_ROWS(relu6), KERNEL_TYPES_INTEGER(RELU6_ROW)}},
    {"ReluGrad", {LOOP_FLOAT_ROWS(relu), KERNEL_TYPES_INTEGER(RELU_ROW)}},
    {"RsqrtGrad", {LOOP_FLOAT_ROWS(rsqrt), LOOP_COMPLEX_ROWS(rsqrt)}},
    {"SeluGrad", {LOOP_FLOAT_ROWS(selu)}},
    {"SigmoidGrad", {LOOP_FLOAT_ROWS(sigmoid), LOOP_COMPLEX_ROWS(sigmoid)}},
    {"SoftplusGrad", {LOOP_FLOAT_ROWS(softplus)}},
    {"SoftsignGrad", {LOOP_FLOAT_ROWS(softsign)}},
    {"SqrtGrad", {LOOP_FLOAT_ROWS(sqrt), LOOP_COMPLEX_ROWS(sqrt)}},
    {"TanhGrad", {LOOP_FLOAT_ROWS(tanh), LOOP_COMPLEX_ROWS(tanh)}},
};

static enum code prepare(struct op_call *call, struct error *err)
{
    broadcast_inner_fn **fn = ARENA_NEW(call->arena, broadcast_inner_fn *);
    enum dtype dtype = call->in[0]->dtype;
    call->state = fn;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (span_is(call->node->op_name, table[i].op))
            *fn = table[i].loops[dtype];
    }
    if (!*fn)
        return error_set(err, CODE_UNIMPLEMENTED, "op %s has no kernel for %s",
                         call->node->op->name, dtype_name(dtype));
    return CODE_OK;
}

static enum code run(struct op_call *call, struct error *err)
{
    (void)err;
    broadcast_inner_fn *fn = *(broadcast_inner_fn *const *)call->state;
    fn(call->in[0]->data, call->in[1]->data, call->out[0]->data, tensor_elements(call->in[0]), 1,
       1);
    return CODE_OK;
}

static enum code count_shape(struct op_call *call, struct error *err)
{
    int64_t n = tensor_elements(call->in[0]), m = tensor_elements(call->in[1]);
    op_call_shape(call, 0, &call->in[0]->shape);
    if (n == m)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "The two arguments to a cwise op must have same number of elements, got %lld "
                     "and %lld",
                     (long long)n, (long long)m);
}

static enum code same_shape(struct op_call *call, struct error *err)
{
    const struct shape *a = &call->in[0]->shape, *b = &call->in[1]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    op_call_shape(call, 0, a);
    if (shape_equal(a, b))
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Inputs to operation %.*s of type %s must have the same size and shape.  "
                     "Input 0: %s != input 1: %s",
                     SPAN_ARG(call->node->name), call->node->op->name, shape_text(a, left),
                     shape_text(b, right));
}

#define FUNCTION_GRAD_OP(symbol)                                                                   \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "y:T dy:T",                                                                      \
        .outputs = "z:T",                                                                          \
        .attrs = "T:type",                                                                         \
        .flags = OP_IN_PLACE,                                                                      \
        .types = OP_TYPES_FLOAT | OP_TYPES_COMPLEX,                                                \
        .shape = count_shape,                                                                      \
        .prepare = prepare,                                                                        \
        .run = run,                                                                                \
    }

#define ACTIVATION_GRAD_OP(symbol, second, dtypes)                                                 \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "gradients:T " second ":T",                                                      \
        .outputs = "backprops:T",                                                                  \
        .attrs = "T:type",                                                                         \
        .flags = OP_IN_PLACE,                                                                      \
        .types = dtypes,                                                                           \
        .shape = same_shape,                                                                       \
        .prepare = prepare,                                                                        \
        .run = run,                                                                                \
    }

FUNCTION_GRAD_OP(InvGrad);
FUNCTION_GRAD_OP(ReciprocalGrad);
FUNCTION_GRAD_OP(RsqrtGrad);
FUNCTION_GRAD_OP(SigmoidGrad);
FUNCTION_GRAD_OP(SqrtGrad);
FUNCTION_GRAD_OP(TanhGrad);
ACTIVATION_GRAD_OP(EluGrad, "outputs", OP_TYPES_FLOAT);
ACTIVATION_GRAD_OP(SeluGrad, "outputs", OP_TYPES_FLOAT);
ACTIVATION_GRAD_OP(Relu6Grad, "features", OP_TYPES_REAL);
ACTIVATION_GRAD_OP(ReluGrad, "features", OP_TYPES_REAL);
ACTIVATION_GRAD_OP(SoftplusGrad, "features", OP_TYPES_FLOAT);
ACTIVATION_GRAD_OP(SoftsignGrad, "features", OP_TYPES_FLOAT);

/* ---- LeakyReluGrad: with a slope ---- */

static enum code leaky_prepare(struct op_call *call, struct error *err)
{
    float *slope = ARENA_NEW(call->arena, float);
    (void)err;
    *slope = op_attr_float(call, "alpha");
    call->state = slope;
    return CODE_OK;
}

static float load_small(enum dtype dtype, uint16_t bits)
{
    return dtype == DTYPE_HALF ? dtype_half_to_float(bits) : dtype_bfloat16_to_float(bits);
}

static enum code leaky_run(struct op_call *call, struct error *err)
{
    (void)err;
    const float slope = *(const float *)call->state;
    const struct tensor *g = call->in[0], *x = call->in[1], *out = call->out[0];
    for (int64_t i = 0, n = tensor_elements(g); i < n; i++) {
        if (g->dtype == DTYPE_FLOAT) {
            float v = TENSOR_AT(g, float)[i];
            TENSOR_AT(out, float)[i] = TENSOR_AT(x, float)[i] > 0 ? v : v * slope;
        } else if (g->dtype == DTYPE_DOUBLE) {
            double v = TENSOR_AT(g, double)[i];
            TENSOR_AT(out, double)[i] = TENSOR_AT(x, double)[i] > 0 ? v : v * (double)slope;
        } else {
            float v = load_small(g->dtype, TENSOR_AT(g, uint16_t)[i]);
            v = load_small(g->dtype, TENSOR_AT(x, uint16_t)[i]) > 0 ? v : v * slope;
            TENSOR_AT(out, uint16_t)
            [i] = g->dtype == DTYPE_HALF ? dtype_half_from_float(v) : dtype_bfloat16_from_float(v);
        }
    }
    return CODE_OK;
}

const struct op op_LeakyReluGrad = {
    .name = "LeakyReluGrad",
    .inputs = "gradients:T features:T",
    .outputs = "backprops:T",
    .attrs = "alpha:float=0.2 T:type=float",
    .flags = OP_IN_PLACE,
    .types = OP_TYPES_FLOAT,
    .shape = same_shape,
    .prepare = leaky_prepare,
    .run = leaky_run,
};
