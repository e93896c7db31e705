/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementwise activations: one table of loops by function and dtype. float uses the vector forms of
 * exp and tanh (ops/nn/vector_math.h), double those of libm; half and bfloat16 are computed as
 * float and rounded once. Formulas are TensorFlow's where they decide bits: Elu is exp(x) - 1, not
 * expm1(x); Softplus goes over to x and exp(x) beyond a threshold.
 */
#include "ops/nn/activation.h"

#include <complex.h>
#include <math.h>

#include "ops/kernel.h"
#include "ops/nn/vector_math.h"

#define AS_IS(v) (v)

#define DEFINE_LOOP(qualifier, function, type, computed, load, store, expression)                  \
    qualifier void function(const void *from, void *to, int64_t n, float alpha)                    \
    {                                                                                              \
        const type *in = from;                                                                     \
        type *out = to;                                                                            \
        (void)alpha;                                                                               \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const computed x = load(in[i]);                                                        \
            out[i] = store(expression);                                                            \
        }                                                                                          \
    }

#define DEFINE_FLOAT_LOOPS(name, for_float, for_double)                                            \
    DEFINE_LOOP(KERNEL, name##_float, float, float, AS_IS, AS_IS, for_float)                       \
    DEFINE_LOOP(static, name##_double, double, double, AS_IS, AS_IS, for_double)                   \
    DEFINE_LOOP(static, name##_half, uint16_t, float, dtype_half_to_float, dtype_half_from_float,  \
                for_float)                                                                         \
    DEFINE_LOOP(static, name##_bfloat16, uint16_t, float, dtype_bfloat16_to_float,                 \
                dtype_bfloat16_from_float, for_float)

#define FLOAT_ROWS(name)                                                                           \
    [DTYPE_FLOAT] = name##_float, [DTYPE_DOUBLE] = name##_double, [DTYPE_HALF] = name##_half,      \
    [DTYPE_BFLOAT16] = name##_bfloat16

#define DEFINE_INTEGER_LOOPS(name, expression)                                                     \
    DEFINE_LOOP(static, name##_int8, int8_t, int8_t, AS_IS, (int8_t), expression)                  \
    DEFINE_LOOP(static, name##_int16, int16_t, int16_t, AS_IS, (int16_t), expression)              \
    DEFINE_LOOP(static, name##_int32, int32_t, int32_t, AS_IS, AS_IS, expression)                  \
    DEFINE_LOOP(static, name##_int64, int64_t, int64_t, AS_IS, AS_IS, expression)                  \
    DEFINE_LOOP(static, name##_uint8, uint8_t, int32_t, AS_IS, (uint8_t), expression)              \
    DEFINE_LOOP(static, name##_uint16, uint16_t, int32_t, AS_IS, (uint16_t), expression)           \
    DEFINE_LOOP(static, name##_uint32, uint32_t, int64_t, AS_IS, (uint32_t), expression)
#define INTEGER_ROWS(name)                                                                         \
    [DTYPE_INT8] = name##_int8, [DTYPE_INT16] = name##_int16, [DTYPE_INT32] = name##_int32,        \
    [DTYPE_INT64] = name##_int64, [DTYPE_UINT8] = name##_uint8, [DTYPE_UINT16] = name##_uint16,    \
    [DTYPE_UINT32] = name##_uint32, [DTYPE_UINT64] = name##_uint64

/* A NaN goes through, for no comparison with it holds. */
#define RELU  (x < 0 ? 0 : x)
#define RELU6 (x < 0 ? 0 : x > 6 ? 6 : x)
DEFINE_FLOAT_LOOPS(relu, RELU, RELU)
DEFINE_INTEGER_LOOPS(relu, RELU)
DEFINE_LOOP(static, relu_uint64, uint64_t, uint64_t, AS_IS, AS_IS, x)
DEFINE_FLOAT_LOOPS(relu6, RELU6, RELU6)
DEFINE_INTEGER_LOOPS(relu6, RELU6)
DEFINE_LOOP(static, relu6_uint64, uint64_t, uint64_t, AS_IS, AS_IS, x > 6 ? 6 : x)
DEFINE_FLOAT_LOOPS(leaky_relu, x > 0 ? x : x * alpha, x > 0 ? x : x * (double)alpha)

/* Selu's constants are those of its paper: a fixed point of mean 0 and variance 1. */
#define SELU_SCALE       1.0507009873554804934193349852946
#define SELU_SCALE_ALPHA 1.7580993408473768599402175208123
DEFINE_FLOAT_LOOPS(elu, x < 0 ? vector_exp(x) - 1.0f : x, x < 0 ? exp(x) - 1.0 : x)
DEFINE_FLOAT_LOOPS(selu,
                   x < 0 ? (float)SELU_SCALE_ALPHA * (vector_exp(x) - 1.0f) : (float)SELU_SCALE * x,
                   x < 0 ? SELU_SCALE_ALPHA * (exp(x) - 1.0) : SELU_SCALE * x)

static float softplus_of_float(float x)
{
    const float threshold = 13.9423847f; /* -ln(epsilon) - 2 */
    if (x > threshold)
        return x;
    float e = expf(x);
    return x < -threshold ? e : log1pf(e);
}

static double softplus_of_double(double x)
{
    const double threshold = 34.0436533891171561; /* -ln(epsilon) - 2 */
    if (x > threshold)
        return x;
    double e = exp(x);
    return x < -threshold ? e : log1p(e);
}

DEFINE_LOOP(static, softplus_float, float, float, AS_IS, AS_IS, softplus_of_float(x))
DEFINE_LOOP(static, softplus_double, double, double, AS_IS, AS_IS, softplus_of_double(x))
DEFINE_LOOP(static, softplus_half, uint16_t, float, dtype_half_to_float, dtype_half_from_float,
            softplus_of_float(x))
DEFINE_LOOP(static, softplus_bfloat16, uint16_t, float, dtype_bfloat16_to_float,
            dtype_bfloat16_from_float, softplus_of_float(x))
DEFINE_FLOAT_LOOPS(softsign, x / (__builtin_fabsf(x) + 1.0f), x / (fabs(x) + 1.0))
DEFINE_FLOAT_LOOPS(sigmoid, vector_sigmoid(x), 1.0 / (1.0 + exp(-x)))
DEFINE_FLOAT_LOOPS(tanh_of, vector_tanh(x), tanh(x))

#define DEFINE_COMPLEX_LOOPS(name, for_float, for_double)                                          \
    DEFINE_LOOP(static, name##_complex64, float complex, float complex, AS_IS, AS_IS, for_float)   \
    DEFINE_LOOP(static, name##_complex128, double complex, double complex, AS_IS, AS_IS, for_double)
#define COMPLEX_ROWS(name)                                                                         \
    [DTYPE_COMPLEX64] = name##_complex64, [DTYPE_COMPLEX128] = name##_complex128
DEFINE_COMPLEX_LOOPS(sigmoid, 1 / (1 + cexpf(-x)), 1 / (1 + cexp(-x)))
DEFINE_COMPLEX_LOOPS(tanh_of, ctanhf(x), ctanh(x))

static const struct {
    const char *op_name;
    activation_fn *loops[DTYPE_COUNT];
} activations[ACTIVATION_COUNT] = {
    [ACTIVATION_RELU] = {"Relu", {FLOAT_ROWS(relu), INTEGER_ROWS(relu)}},
    [ACTIVATION_RELU6] = {"Relu6", {FLOAT_ROWS(relu6), INTEGER_ROWS(relu6)}},
    [ACTIVATION_LEAKY_RELU] = {"LeakyRelu", {FLOAT_ROWS(leaky_relu)}},
    [ACTIVATION_ELU] = {"Elu", {FLOAT_ROWS(elu)}},
    [ACTIVATION_SELU] = {"Selu", {FLOAT_ROWS(selu)}},
    [ACTIVATION_SOFTPLUS] = {"Softplus", {FLOAT_ROWS(softplus)}},
    [ACTIVATION_SOFTSIGN] = {"Softsign", {FLOAT_ROWS(softsign)}},
    [ACTIVATION_SIGMOID] = {"Sigmoid", {FLOAT_ROWS(sigmoid), COMPLEX_ROWS(sigmoid)}},
    [ACTIVATION_TANH] = {"Tanh", {FLOAT_ROWS(tanh_of), COMPLEX_ROWS(tanh_of)}},
};

activation_fn *activation_loop(enum activation activation, enum dtype dtype)
{
    return activations[activation].loops[dtype];
}

enum activation activation_of_op(struct span op_name)
{
    for (int i = ACTIVATION_NONE + 1; i < ACTIVATION_COUNT; i++) {
        if (span_is(op_name, activations[i].op_name))
            return (enum activation)i;
    }
    return ACTIVATION_NONE;
}

/* ---- the ops ---- */

struct elementwise {
    activation_fn *loop;
    int64_t elements;
    float alpha;
};

static enum code activation_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct elementwise *e = ARENA_NEW(call->arena, struct elementwise);
    enum activation activation = activation_of_op(span_of(call->node->op->name));
    e->loop = activation_loop(activation, call->in[0]->dtype);
    e->elements = tensor_elements(call->in[0]);
    if (activation == ACTIVATION_LEAKY_RELU)
        e->alpha = op_attr_float(call, "alpha");
    call->state = e;
    return CODE_OK;
}

static enum code activation_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct elementwise *e = call->state;
    e->loop(call->in[0]->data, call->out[0]->data, e->elements, e->alpha);
    return CODE_OK;
}

#define ACTIVATION_OP(symbol, input, output, attributes, dtypes)                                   \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = input ":T",                                                                      \
        .outputs = output ":T",                                                                    \
        .attrs = attributes,                                                                       \
        .flags = OP_IN_PLACE,                                                                      \
        .types = dtypes,                                                                           \
        .prepare = activation_prepare,                                                             \
        .run = activation_run,                                                                     \
    }

ACTIVATION_OP(Relu, "features", "activations", "T:type", OP_TYPES_REAL);
ACTIVATION_OP(Relu6, "features", "activations", "T:type", OP_TYPES_REAL);
ACTIVATION_OP(LeakyRelu, "features", "activations", "alpha:float=0.2 T:type=float", OP_TYPES_FLOAT);
ACTIVATION_OP(Elu, "features", "activations", "T:type", OP_TYPES_FLOAT);
ACTIVATION_OP(Selu, "features", "activations", "T:type", OP_TYPES_FLOAT);
ACTIVATION_OP(Softplus, "features", "activations", "T:type", OP_TYPES_FLOAT);
ACTIVATION_OP(Softsign, "features", "activations", "T:type", OP_TYPES_FLOAT);
ACTIVATION_OP(Sigmoid, "x", "y", "T:type", OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
ACTIVATION_OP(Tanh, "x", "y", "T:type", OP_TYPES_FLOAT | OP_TYPES_COMPLEX);
