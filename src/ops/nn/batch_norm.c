/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FusedBatchNorm, V2 and V3: y = (x - mean) / sqrt(variance + epsilon) * scale + offset for each
 * channel. is_training: mean and variance are those of x itself; the outputs batch_mean and
 * batch_variance (with Bessel's correction) are blended with the inputs by exponential_avg_factor.
 * Otherwise they are the inputs. Channels stand last (NHWC, NDHWC) or second.
 *
 * reserve_space outputs are for the gradient: the batch's mean and variance when training, else the
 * inputs; V3's third is unused on a CPU and empty, as there. x may be half or bfloat16, the
 * numbers per channel are floats.
 */
#include <math.h>

#include "ops/kernel.h"
#include "ops/nn/widen.h"

enum { IN_X, IN_SCALE, IN_OFFSET, IN_MEAN, IN_VARIANCE };
enum { OUT_Y, OUT_MEAN, OUT_VARIANCE, OUT_RESERVE_1, OUT_RESERVE_2, OUT_RESERVE_3 };

struct batch_norm {
    int64_t outer; /* x is outer x channels x inner */
    int64_t channels;
    int64_t inner;
    bool training;
    float epsilon;
    float blend; /* exponential_avg_factor */
};

static bool channels_first(const struct op_call *call)
{
    return span_starts_with(op_attr_string(call, "data_format"), SPAN_LITERAL("NC"));
}

static enum code check_vectors(const struct op_call *call, struct error *err)
{
    static const char *const names[] = {"x", "scale", "offset", "estimated_mean",
                                        "estimated_variance"};
    char text[SHAPE_TEXT_SIZE];
    for (int i = IN_SCALE; i <= IN_VARIANCE; i++) {
        if (call->in[i]->shape.rank != 1)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s must be 1-dimensional%s", names[i],
                             shape_text(&call->in[i]->shape, text));
    }
    return CODE_OK;
}

static enum code check_counts(const struct op_call *call, int64_t channels, struct error *err)
{
    static const char *const names[] = {"x", "scale", "offset", "mean", "variance"};
    bool training = op_attr_bool(call, "is_training");
    bool blends = op_attr_float(call, "exponential_avg_factor") != 1.0f;
    for (int i = IN_SCALE; i <= IN_VARIANCE; i++) {
        int64_t count = call->in[i]->shape.dims[0];
        bool used = i < IN_MEAN || !training || blends;
        if (used && count != channels)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "%s%s must have the same number of elements as the channels of x, "
                             "got %lld and %lld",
                             i < IN_MEAN ? ""
                             : training  ? "When exponential_avg_factor != 1, "
                                         : "When is_training=false, ",
                             names[i], (long long)count, (long long)channels);
    }
    return CODE_OK;
}

static enum code batch_norm_shape(struct op_call *call, struct error *err)
{
    const struct shape *x = &call->in[IN_X]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (x->rank != 4 && x->rank != 5)
        return error_set(err, CODE_INVALID_ARGUMENT, "input must be 4 or 5-dimensional%s",
                         shape_text(x, text));
    enum code code = check_vectors(call, err);
    int64_t channels = x->dims[channels_first(call) ? 1 : x->rank - 1];
    if (!code)
        code = check_counts(call, channels, err);
    if (code)
        return code;
    struct shape vector = shape_vector(channels), none = shape_vector(0);
    op_call_shape(call, OUT_Y, x);
    for (int i = OUT_MEAN; i <= OUT_RESERVE_2; i++)
        op_call_shape(call, i, &vector);
    if (call->out_count > OUT_RESERVE_3)
        op_call_shape(call, OUT_RESERVE_3, &none);
    return CODE_OK;
}

static enum code batch_norm_prepare(struct op_call *call, struct error *err)
{
    const struct shape *x = &call->in[IN_X]->shape;
    int axis = channels_first(call) ? 1 : x->rank - 1;
    struct batch_norm *b = ARENA_NEW(call->arena, struct batch_norm);
    *b = (struct batch_norm){
        .outer = kernel_span(x, 0, axis),
        .channels = x->dims[axis],
        .inner = kernel_span(x, axis + 1, x->rank),
        .training = op_attr_bool(call, "is_training"),
        .epsilon = op_attr_float(call, "epsilon"),
        .blend = op_attr_float(call, "exponential_avg_factor"),
    };
    call->state = b;
    if (call->in[IN_SCALE]->dtype != DTYPE_FLOAT)
        return error_set(err, CODE_UNIMPLEMENTED, "%s with U=%s", call->node->op->name,
                         dtype_name(call->in[IN_SCALE]->dtype));
    size_t vectors = 2 * (size_t)b->channels * (sizeof(double) + sizeof(float));
    call->scratch_size = widen_size(call->in[IN_X]->dtype, tensor_elements(call->in[IN_X])) +
                         widen_size(call->in[IN_X]->dtype, tensor_elements(call->out[OUT_Y])) +
                         tensor_align(vectors);
    return CODE_OK;
}

/* Mean and variance of each channel, in two turns and in double. */
static void measure(const struct batch_norm *b, const float *x, double *mean, double *variance)
{
    double count = (double)(b->outer * b->inner);
    for (int turn = 0; turn < 2; turn++) {
        double *sums = turn ? variance : mean;
        const float *at = x;
        memset(sums, 0, (size_t)b->channels * sizeof *sums);
        for (int64_t o = 0; o < b->outer; o++) {
            for (int64_t c = 0; c < b->channels; c++) {
                for (int64_t i = 0; i < b->inner; i++, at++) {
                    double v = turn ? (*at - mean[c]) * (*at - mean[c]) : *at;
                    sums[c] += v;
                }
            }
        }
        for (int64_t c = 0; c < b->channels; c++)
            sums[c] = count > 0 ? sums[c] / count : 0;
    }
}

/* out[i] = x[i] * factor + term. */
KERNEL void scale_all(const float *x, float *out, int64_t n, float factor, float term)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = x[i] * factor + term;
}

KERNEL void scale_channels(const float *x, float *out, int64_t n, const float *factor,
                           const float *term)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = x[i] * factor[i] + term[i];
}

static void normalise(const struct batch_norm *b, const float *x, float *y, const float *factor,
                      const float *term)
{
    for (int64_t o = 0; o < b->outer && b->inner == 1; o++)
        scale_channels(x + o * b->channels, y + o * b->channels, b->channels, factor, term);
    if (b->inner == 1)
        return;
    for (int64_t i = 0; i < b->outer * b->channels; i++) {
        int64_t c = i % b->channels;
        scale_all(x + i * b->inner, y + i * b->inner, b->inner, factor[c], term[c]);
    }
}

/* The four outputs per channel when training. */
static void put_statistics(const struct batch_norm *b, struct op_call *call, const double *mean,
                           const double *variance)
{
    double count = (double)(b->outer * b->inner);
    double bessel = count > 1 ? count / (count - 1) : 1;
    for (int64_t c = 0; c < b->channels; c++) {
        float m = (float)mean[c], v = (float)(variance[c] * bessel);
        if (b->blend != 1.0f) {
            m = (1 - b->blend) * TENSOR_AT(call->in[IN_MEAN], float)[c] + b->blend * m;
            v = (1 - b->blend) * TENSOR_AT(call->in[IN_VARIANCE], float)[c] + b->blend * v;
        }
        TENSOR_AT(call->out[OUT_MEAN], float)[c] = count > 0 ? m : NAN;
        TENSOR_AT(call->out[OUT_VARIANCE], float)[c] = count > 0 ? v : NAN;
        TENSOR_AT(call->out[OUT_RESERVE_1], float)[c] = (float)mean[c];
        TENSOR_AT(call->out[OUT_RESERVE_2], float)[c] = (float)variance[c];
    }
}

static void put_inputs(const struct batch_norm *b, struct op_call *call)
{
    size_t size = (size_t)b->channels * sizeof(float);
    for (int i = OUT_MEAN; i <= OUT_RESERVE_2; i++) {
        int from = i == OUT_MEAN || i == OUT_RESERVE_1 ? IN_MEAN : IN_VARIANCE;
        memcpy(call->out[i]->data, call->in[from]->data, size);
    }
}

static enum code batch_norm_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct batch_norm *b = call->state;
    char *scratch = call->scratch;
    const float *x = widen_input(call->in[IN_X], &scratch);
    float *y = widen_output(call->out[OUT_Y], &scratch);
    const float *scale = call->in[IN_SCALE]->data, *offset = call->in[IN_OFFSET]->data;
    double *mean = (double *)scratch, *variance = mean + b->channels;
    if (b->training) {
        measure(b, x, mean, variance);
        put_statistics(b, call, mean, variance);
    } else {
        put_inputs(b, call);
        for (int64_t c = 0; c < b->channels; c++) {
            mean[c] = TENSOR_AT(call->in[IN_MEAN], float)[c];
            variance[c] = TENSOR_AT(call->in[IN_VARIANCE], float)[c];
        }
    }
    float *factor = (float *)(variance + b->channels), *term = factor + b->channels;
    for (int64_t c = 0; c < b->channels; c++) {
        double f = scale[c] / sqrt(variance[c] + b->epsilon);
        double t = offset[c] - mean[c] * f;
        factor[c] = (float)f;
        term[c] = (float)t;
    }
    normalise(b, x, y, factor, term);
    widen_finish(call->out[OUT_Y], y);
    return CODE_OK;
}

#define NORM_ATTRS                                                                                 \
    "epsilon:float=0.0001 exponential_avg_factor:float=1 data_format:string='NHWC' "               \
    "is_training:bool=true"

const struct op op_FusedBatchNorm = {
    .name = "FusedBatchNorm",
    .inputs = "x:T scale:T offset:T mean:T variance:T",
    .outputs = "y:T batch_mean:T batch_variance:T reserve_space_1:T reserve_space_2:T",
    .attrs = "T:type " NORM_ATTRS,
    .types = OP_TYPE(DTYPE_FLOAT),
    .shape = batch_norm_shape,
    .prepare = batch_norm_prepare,
    .run = batch_norm_run,
};

const struct op op_FusedBatchNormV2 = {
    .name = "FusedBatchNormV2",
    .inputs = "x:T scale:U offset:U mean:U variance:U",
    .outputs = "y:T batch_mean:U batch_variance:U reserve_space_1:U reserve_space_2:U",
    .attrs = "T:type U:type " NORM_ATTRS,
    .types = OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_HALF) | OP_TYPE(DTYPE_BFLOAT16),
    .shape = batch_norm_shape,
    .prepare = batch_norm_prepare,
    .run = batch_norm_run,
};

const struct op op_FusedBatchNormV3 = {
    .name = "FusedBatchNormV3",
    .inputs = "x:T scale:U offset:U mean:U variance:U",
    .outputs = "y:T batch_mean:U batch_variance:U reserve_space_1:U reserve_space_2:U "
               "reserve_space_3:U",
    .attrs = "T:type U:type " NORM_ATTRS,
    .types = OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_HALF) | OP_TYPE(DTYPE_BFLOAT16),
    .shape = batch_norm_shape,
    .prepare = batch_norm_prepare,
    .run = batch_norm_run,
};
