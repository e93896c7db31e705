/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Softmax and LogSoftmax over the last dimension: logits [rows, n]. The largest logit is taken off
 * first, as TensorFlow does, so that no exponential overflows; half and bfloat16 are computed as
 * float, a row at a time in scratch. Infinities of both signs give NaN, as there.
 */
#include <math.h>

#include "ops/kernel.h"
#include "ops/nn/vector_math.h"
#include "ops/nn/widen.h"

struct softmax {
    int64_t rows;
    int64_t n;
    bool log;
};

static enum code softmax_shape(struct op_call *call, struct error *err)
{
    if (call->in[0]->shape.rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "logits must have >= 1 dimension, got []");
    op_call_shape(call, 0, &call->in[0]->shape);
    return CODE_OK;
}

static enum code softmax_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    const struct shape *shape = &call->in[0]->shape;
    struct softmax *s = ARENA_NEW(call->arena, struct softmax);
    s->n = shape->dims[shape->rank - 1];
    s->rows = kernel_span(shape, 0, shape->rank - 1);
    s->log = span_is(span_of(call->node->op->name), "LogSoftmax");
    call->state = s;
    call->scratch_size = widen_size(call->in[0]->dtype, s->n);
    return CODE_OK;
}

enum { LANES = 16 }; /* partial results, for the vector units; folded in a fixed order */

KERNEL float row_max(const float *in, int64_t n)
{
    float lanes[LANES];
    int64_t i = 0;
    for (int j = 0; j < LANES; j++)
        lanes[j] = -INFINITY;
    for (; i + LANES <= n; i += LANES) {
        for (int j = 0; j < LANES; j++)
            lanes[j] = in[i + j] > lanes[j] ? in[i + j] : lanes[j];
    }
    for (int j = 0; i < n; i++, j++)
        lanes[j] = in[i] > lanes[j] ? in[i] : lanes[j];
    float max = lanes[0];
    for (int j = 1; j < LANES; j++)
        max = lanes[j] > max ? lanes[j] : max;
    return max;
}

static float fold_sum(const float *lanes)
{
    float sum = 0;
    for (int j = 0; j < LANES; j++)
        sum += lanes[j];
    return sum;
}

KERNEL float exp_and_sum(const float *in, float *out, int64_t n, float max)
{
    float lanes[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int j = 0; j < LANES; j++) {
            out[i + j] = vector_exp(in[i + j] - max);
            lanes[j] += out[i + j];
        }
    }
    for (int j = 0; i < n; i++, j++) {
        out[i] = vector_exp(in[i] - max);
        lanes[j] += out[i];
    }
    return fold_sum(lanes);
}

KERNEL void scale_row(float *row, int64_t n, float factor)
{
    for (int64_t i = 0; i < n; i++)
        row[i] *= factor;
}

static void softmax_row(const float *in, float *out, int64_t n)
{
    float sum = exp_and_sum(in, out, n, row_max(in, n));
    scale_row(out, n, 1.0f / sum);
}

static void log_softmax_row(const float *in, float *out, int64_t n)
{
    float max = row_max(in, n), sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += vector_exp(in[i] - max);
    float log_sum = logf(sum);
    for (int64_t i = 0; i < n; i++)
        out[i] = in[i] - max - log_sum;
}

static void softmax_row_double(const double *in, double *out, int64_t n, bool log_of_it)
{
    double max = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++)
        max = in[i] > max ? in[i] : max;
    for (int64_t i = 0; i < n; i++)
        sum += exp(in[i] - max);
    double log_sum = log(sum);
    for (int64_t i = 0; i < n; i++)
        out[i] = log_of_it ? in[i] - max - log_sum : exp(in[i] - max) / sum;
}

static void run_row(const struct softmax *s, const float *in, float *out)
{
    if (s->log)
        log_softmax_row(in, out, s->n);
    else
        softmax_row(in, out, s->n);
}

static enum code softmax_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct softmax *s = call->state;
    enum dtype dtype = call->in[0]->dtype;
    size_t row_bytes = (size_t)s->n * dtype_size(dtype);
    const char *in = call->in[0]->data;
    char *out = call->out[0]->data;
    float *wide = call->scratch;
    for (int64_t row = 0; row < s->rows; row++, in += row_bytes, out += row_bytes) {
        if (dtype == DTYPE_FLOAT) {
            run_row(s, (const float *)in, (float *)out);
        } else if (dtype == DTYPE_DOUBLE) {
            softmax_row_double((const double *)in, (double *)out, s->n, s->log);
        } else {
            widen_to_float(dtype, in, wide, s->n);
            run_row(s, wide, wide);
            widen_from_float(dtype, wide, out, s->n);
        }
    }
    return CODE_OK;
}

const struct op op_Softmax = {
    .name = "Softmax",
    .inputs = "logits:T",
    .outputs = "softmax:T",
    .attrs = "T:type",
    .flags = OP_IN_PLACE,
    .types = OP_TYPES_FLOAT,
    .shape = softmax_shape,
    .prepare = softmax_prepare,
    .run = softmax_run,
};

const struct op op_LogSoftmax = {
    .name = "LogSoftmax",
    .inputs = "logits:T",
    .outputs = "logsoftmax:T",
    .attrs = "T:type",
    .flags = OP_IN_PLACE,
    .types = OP_TYPES_FLOAT,
    .shape = softmax_shape,
    .prepare = softmax_prepare,
    .run = softmax_run,
};
