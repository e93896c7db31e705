/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BiasAdd, BiasAddV1: one number per channel is added; BiasAddGrad: the sum per channel. Channels
 * stand last (NHWC) or second (NCHW). Seen from the channels a tensor is `outer` x channels x
 * `inner`, so NHWC has inner = 1 and adding is a broadcast that ops/math/broadcast.h does.
 */
#include <complex.h>

#include "ops/kernel.h"
#include "ops/math/broadcast.h"
#include "ops/nn/widen.h"

static int channel_axis(const struct op_call *call, bool has_format)
{
    int last = call->in[0]->shape.rank - 1;
    return has_format && span_is(op_attr_string(call, "data_format"), "NCHW") ? 1 : last;
}

static enum code check_value(const struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank < 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input tensor must be at least 2D: %s",
                         shape_text(&call->in[0]->shape, text));
    return CODE_OK;
}

static enum code check_bias(struct op_call *call, bool has_format, struct error *err)
{
    const struct shape *value = &call->in[0]->shape, *bias = &call->in[1]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    enum code code = check_value(call, err);
    if (code)
        return code;
    if (bias->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Biases must be 1D: %s",
                         shape_text(bias, left));
    if (bias->dims[0] != value->dims[channel_axis(call, has_format)])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Must provide as many biases as the last dimension of the input tensor: "
                         "%s vs. %s",
                         shape_text(bias, left), shape_text(value, right));
    op_call_shape(call, 0, value);
    return CODE_OK;
}

static enum code bias_add_shape(struct op_call *call, struct error *err)
{
    return check_bias(call, true, err);
}

static enum code bias_add_v1_shape(struct op_call *call, struct error *err)
{
    return check_bias(call, false, err);
}

#define AS_IS(v) (v)
#define DEFINE_LOOP(qualifier, name, type, load, store)                                            \
    qualifier void add_##name(const void *va, const void *vb, void *vout, int64_t n, int a_step,   \
                              int b_step)                                                          \
    {                                                                                              \
        const type *a = va, *b = vb;                                                               \
        type *out = vout;                                                                          \
        if (!a_step || !b_step) {                                                                  \
            for (int64_t i = 0; i < n; i++)                                                        \
                out[i] = (type)store(load(a[a_step ? i : 0]) + load(b[b_step ? i : 0]));           \
            return;                                                                                \
        }                                                                                          \
        for (int64_t i = 0; i < n; i++)                                                            \
            out[i] = (type)store(load(a[i]) + load(b[i]));                                         \
    }

DEFINE_LOOP(KERNEL, float, float, AS_IS, AS_IS)
DEFINE_LOOP(static, double, double, AS_IS, AS_IS)
DEFINE_LOOP(static, half, uint16_t, dtype_half_to_float, dtype_half_from_float)
DEFINE_LOOP(static, bfloat16, uint16_t, dtype_bfloat16_to_float, dtype_bfloat16_from_float)
/* Without a sign: overflow wraps. */
DEFINE_LOOP(static, 8, uint8_t, (unsigned), AS_IS)
DEFINE_LOOP(static, 16, uint16_t, (unsigned), AS_IS)
DEFINE_LOOP(static, 32, uint32_t, AS_IS, AS_IS)
DEFINE_LOOP(static, 64, uint64_t, AS_IS, AS_IS)
DEFINE_LOOP(static, complex64, float complex, AS_IS, AS_IS)
DEFINE_LOOP(static, complex128, double complex, AS_IS, AS_IS)

static broadcast_inner_fn *const add_loops[DTYPE_COUNT] = {
    [DTYPE_FLOAT] = add_float,
    [DTYPE_DOUBLE] = add_double,
    [DTYPE_HALF] = add_half,
    [DTYPE_INT8] = add_8,
    [DTYPE_UINT8] = add_8,
    [DTYPE_INT16] = add_16,
    [DTYPE_UINT16] = add_16,
    [DTYPE_INT32] = add_32,
    [DTYPE_UINT32] = add_32,
    [DTYPE_INT64] = add_64,
    [DTYPE_UINT64] = add_64,
    [DTYPE_BFLOAT16] = add_bfloat16,
    [DTYPE_COMPLEX64] = add_complex64,
    [DTYPE_COMPLEX128] = add_complex128,
};

static enum code prepare(struct op_call *call, bool has_format)
{
    struct broadcast *plan = ARENA_NEW(call->arena, struct broadcast);
    const struct shape *value = &call->in[0]->shape;
    struct shape bias = {.rank = value->rank};
    for (int i = 0; i < bias.rank; i++)
        bias.dims[i] = 1;
    bias.dims[channel_axis(call, has_format)] = call->in[1]->shape.dims[0];
    broadcast_init(plan, value, &bias);
    plan->in_size = plan->out_size = dtype_size(call->in[0]->dtype);
    plan->fn = add_loops[call->in[0]->dtype];
    call->state = plan;
    return CODE_OK;
}

static enum code bias_add_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    return prepare(call, true);
}

static enum code bias_add_v1_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    return prepare(call, false);
}

const struct op op_BiasAdd = {
    .name = "BiasAdd",
    .inputs = "value:T bias:T",
    .outputs = "output:T",
    .attrs = "T:type data_format:string='NHWC'",
    .flags = OP_IN_PLACE,
    .types = OP_TYPES_NUMBER,
    .shape = bias_add_shape,
    .prepare = bias_add_prepare,
    .run = broadcast_op_run,
};

const struct op op_BiasAddV1 = {
    .name = "BiasAddV1",
    .inputs = "value:T bias:T",
    .outputs = "output:T",
    .attrs = "T:type",
    .flags = OP_IN_PLACE,
    .types = OP_TYPES_NUMBER,
    .shape = bias_add_v1_shape,
    .prepare = bias_add_v1_prepare,
    .run = broadcast_op_run,
};

/* ---- BiasAddGrad ---- */

static enum code bias_add_grad_shape(struct op_call *call, struct error *err)
{
    enum code code = check_value(call, err);
    if (code)
        return code;
    struct shape out = shape_vector(call->in[0]->shape.dims[channel_axis(call, true)]);
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

struct sums {
    int64_t outer;
    int64_t channels;
    int64_t inner;
};

static enum code bias_add_grad_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    const struct shape *in = &call->in[0]->shape;
    int axis = channel_axis(call, true);
    struct sums *s = ARENA_NEW(call->arena, struct sums);
    *s = (struct sums){kernel_span(in, 0, axis), in->dims[axis],
                       kernel_span(in, axis + 1, in->rank)};
    call->state = s;
    return CODE_OK;
}

#define DEFINE_SUM(name, type, computed, load, store)                                              \
    static void sum_##name(const struct sums *s, const void *from, void *to)                       \
    {                                                                                              \
        const type *in = from;                                                                     \
        type *out = to;                                                                            \
        for (int64_t c = 0; c < s->channels; c++) {                                                \
            computed sum = 0;                                                                      \
            for (int64_t o = 0; o < s->outer; o++) {                                               \
                const type *at = in + (o * s->channels + c) * s->inner;                            \
                for (int64_t i = 0; i < s->inner; i++)                                             \
                    sum += load(at[i]);                                                            \
            }                                                                                      \
            out[c] = (type)store(sum);                                                             \
        }                                                                                          \
    }
DEFINE_SUM(float, float, float, AS_IS, AS_IS)
DEFINE_SUM(double, double, double, AS_IS, AS_IS)
DEFINE_SUM(half, uint16_t, float, dtype_half_to_float, dtype_half_from_float)
DEFINE_SUM(bfloat16, uint16_t, float, dtype_bfloat16_to_float, dtype_bfloat16_from_float)
DEFINE_SUM(8, uint8_t, uint64_t, AS_IS, AS_IS)
DEFINE_SUM(16, uint16_t, uint64_t, AS_IS, AS_IS)
DEFINE_SUM(32, uint32_t, uint64_t, AS_IS, AS_IS)
DEFINE_SUM(64, uint64_t, uint64_t, AS_IS, AS_IS)
DEFINE_SUM(complex64, float complex, float complex, AS_IS, AS_IS)
DEFINE_SUM(complex128, double complex, double complex, AS_IS, AS_IS)

static enum code bias_add_grad_run(struct op_call *call, struct error *err)
{
    (void)err;
    static void (*const loops[DTYPE_COUNT])(const struct sums *, const void *, void *) = {
        [DTYPE_FLOAT] = sum_float,
        [DTYPE_DOUBLE] = sum_double,
        [DTYPE_HALF] = sum_half,
        [DTYPE_INT8] = sum_8,
        [DTYPE_UINT8] = sum_8,
        [DTYPE_INT16] = sum_16,
        [DTYPE_UINT16] = sum_16,
        [DTYPE_INT32] = sum_32,
        [DTYPE_UINT32] = sum_32,
        [DTYPE_INT64] = sum_64,
        [DTYPE_UINT64] = sum_64,
        [DTYPE_BFLOAT16] = sum_bfloat16,
        [DTYPE_COMPLEX64] = sum_complex64,
        [DTYPE_COMPLEX128] = sum_complex128,
    };
    loops[call->in[0]->dtype](call->state, call->in[0]->data, call->out[0]->data);
    return CODE_OK;
}

const struct op op_BiasAddGrad = {
    .name = "BiasAddGrad",
    .inputs = "out_backprop:T",
    .outputs = "output:T",
    .attrs = "T:type data_format:string='NHWC'",
    .types = OP_TYPES_NUMBER,
    .shape = bias_add_grad_shape,
    .prepare = bias_add_grad_prepare,
    .run = bias_add_grad_run,
};
