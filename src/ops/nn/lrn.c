/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LRN: each number of images [batch, rows, columns, channels] over a power of the squares around
 * it,
 *
 *     out = in / (bias + alpha * sum over channels within depth_radius of in^2) ^ beta
 *
 * L2Loss: half of the sum of squares.
 */
#include <math.h>

#include "ops/kernel.h"
#include "ops/math/number.h"
#include "ops/nn/widen.h"

struct lrn {
    int64_t pixels, channels, radius;
    float bias, alpha, beta;
};

static enum code lrn_shape(struct op_call *call, struct error *err)
{
    int64_t radius = op_attr_int(call, "depth_radius");
    if (radius < 0 || radius >= INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "depth_radius = %lld larger than int max",
                         (long long)radius);
    if (call->in[0]->shape.rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "in must be 4-dimensional");
    op_call_shape(call, 0, &call->in[0]->shape);
    return CODE_OK;
}

static enum code lrn_prepare(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    struct lrn *l = ARENA_NEW(call->arena, struct lrn);
    (void)err;
    *l = (struct lrn){
        .pixels = kernel_span(in, 0, 3),
        .channels = in->dims[3],
        .radius = op_attr_int(call, "depth_radius"),
        .bias = op_attr_float(call, "bias"),
        .alpha = op_attr_float(call, "alpha"),
        .beta = op_attr_float(call, "beta"),
    };
    call->state = l;
    call->scratch_size = 2 * widen_size(call->in[0]->dtype, tensor_elements(call->in[0]));
    return CODE_OK;
}

/* The squares around channel c. */
static float squares(const struct lrn *l, const float *in, int64_t c)
{
    int64_t from = c > l->radius ? c - l->radius : 0;
    int64_t to = c + l->radius < l->channels - 1 ? c + l->radius : l->channels - 1;
    float sum = 0;
    for (int64_t i = from; i <= to; i++)
        sum += in[i] * in[i];
    return sum;
}

static float normalised(const struct lrn *l, float x, float sum)
{
    const float scale = sum * l->alpha + l->bias;
    if (l->beta == 1)
        return x / scale;
    if (l->beta == 0.5f)
        return x / sqrtf(scale);
    return x * expf(logf(scale) * -l->beta);
}

static enum code lrn_run(struct op_call *call, struct error *err)
{
    const struct lrn *l = call->state;
    char *scratch = call->scratch;
    (void)err;
    const float *in = widen_input(call->in[0], &scratch);
    float *values = widen_output(call->out[0], &scratch), *out = values;
    for (int64_t i = 0; i < l->pixels; i++, in += l->channels, out += l->channels) {
        for (int64_t c = 0; c < l->channels; c++)
            out[c] = normalised(l, in[c], squares(l, in, c));
    }
    widen_finish(call->out[0], values);
    return CODE_OK;
}

/* ---- L2Loss ---- */

static enum code loss_run(struct op_call *call, struct error *err)
{
    struct tensor *out = call->out[0];
    double sum = 0;
    (void)err;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++)
        sum += number_at(call->in[0], i) * number_at(call->in[0], i);
    const float half = (float)(sum / 2);
    if (out->dtype == DTYPE_DOUBLE)
        *TENSOR_AT(out, double) = sum / 2;
    else if (out->dtype == DTYPE_FLOAT)
        *TENSOR_AT(out, float) = half;
    else
        widen_from_float(out->dtype, &half, out->data, 1);
    return CODE_OK;
}

const struct op op_LRN = {
    .name = "LRN",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "depth_radius:int=5 bias:float=1 alpha:float=1 beta:float=0.5 T:type=float",
    .types = OP_TYPE(DTYPE_HALF) | OP_TYPE(DTYPE_BFLOAT16) | OP_TYPE(DTYPE_FLOAT),
    .shape = lrn_shape,
    .prepare = lrn_prepare,
    .run = lrn_run,
};

const struct op op_L2Loss = {
    .name = "L2Loss",
    .inputs = "t:T",
    .outputs = "output:T",
    .attrs = "T:type",
    .types = OP_TYPES_FLOAT,
    .shape = kernel_shape_scalar,
    .run = loss_run,
};
