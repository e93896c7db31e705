/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BatchNormWithGlobalNormalization, of the first graphs (Inception of 2015): t [..., channels] less
 * the mean m, times 1 / sqrt(v + epsilon) (and gamma), plus beta.
 */
#include <math.h>

#include "ops/kernel.h"
#include "ops/math/number.h"

enum { IN_T, IN_MEAN, IN_VARIANCE, IN_BETA, IN_GAMMA, IN_COUNT };

static enum code normalize_shape(struct op_call *call, struct error *err)
{
    static const char *const names[IN_COUNT] = {"input", "mean", "var", "beta", "gamma"};
    const struct shape *in = &call->in[IN_T]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (in->rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "input must be 4-dimensional%s",
                         shape_text(in, text));
    for (int i = IN_MEAN; i < IN_COUNT; i++) {
        const struct shape *own = &call->in[i]->shape;
        if (own->rank != 1)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s must be 1-dimensional%s", names[i],
                             shape_text(own, text));
        if (own->dims[0] != in->dims[3])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "%s has %lld elements, the input has %lld channels", names[i],
                             (long long)own->dims[0], (long long)in->dims[3]);
    }
    op_call_shape(call, 0, in);
    return CODE_OK;
}

static enum code normalize_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    call->scratch_size = (size_t)tensor_elements(call->in[IN_MEAN]) * sizeof(double);
    return CODE_OK;
}

/* A double for each step; rounded once. */
static enum code normalize_run(struct op_call *call, struct error *err)
{
    (void)err;
    int64_t channels = tensor_elements(call->in[IN_MEAN]);
    double *scale = call->scratch;
    bool scales = op_attr_bool(call, "scale_after_normalization");
    double epsilon = (double)op_attr_float(call, "variance_epsilon");
    for (int64_t c = 0; c < channels; c++) {
        scale[c] = 1 / sqrt(number_at(call->in[IN_VARIANCE], c) + epsilon);
        scale[c] *= scales ? number_at(call->in[IN_GAMMA], c) : 1;
    }
    for (int64_t i = 0, n = tensor_elements(call->out[0]); i < n; i++) {
        int64_t c = i % channels;
        double x = number_at(call->in[IN_T], i) - number_at(call->in[IN_MEAN], c);
        number_put(call->out[0], i, x * scale[c] + number_at(call->in[IN_BETA], c));
    }
    return CODE_OK;
}

const struct op op_BatchNormWithGlobalNormalization = {
    .name = "BatchNormWithGlobalNormalization",
    .inputs = "t:T m:T v:T beta:T gamma:T",
    .outputs = "result:T",
    .attrs = "T:type variance_epsilon:float scale_after_normalization:bool",
    .types = OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE) | OP_TYPE(DTYPE_HALF),
    .shape = normalize_shape,
    .prepare = normalize_prepare,
    .run = normalize_run,
};
