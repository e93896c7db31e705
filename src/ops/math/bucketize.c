/* SPDX-License-Identifier: Apache-2.0 */
/* Bucketize, BucketizeWithInputBoundaries (tf.contrib's), BoostedTreesBucketize: how many
 * boundaries are at or below a number. */
#include "ops/kernel.h"
#include "ops/math/number.h"

/* The first boundary above the value; boundaries ascend. */
static int32_t upper_bound(const float *boundaries, int64_t count, double value)
{
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (value < (double)boundaries[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return (int32_t)low;
}

/* The first boundary at or above the value. */
static int32_t lower_bound(const float *boundaries, int64_t count, float value)
{
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (boundaries[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return (int32_t)low;
}

struct bucketize {
    const float *boundaries;
    int64_t count;
};

static enum code bucketize_prepare(struct op_call *call, struct error *err)
{
    struct bucketize *b = ARENA_NEW(call->arena, struct bucketize);
    b->count = (int64_t)op_attr_floats(call, "boundaries", &b->boundaries);
    call->state = b;
    for (int64_t i = 1; i < b->count; i++) {
        if (b->boundaries[i] < b->boundaries[i - 1])
            return error_set(err, CODE_INVALID_ARGUMENT, "Expected sorted boundaries");
    }
    return CODE_OK;
}

static void bucketize(struct op_call *call, const float *boundaries, int64_t count)
{
    int32_t *to = call->out[0]->data;
    for (int64_t i = 0, n = tensor_elements(call->in[0]); i < n; i++)
        to[i] = upper_bound(boundaries, count, number_at(call->in[0], i));
}

static enum code bucketize_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct bucketize *b = call->state;
    bucketize(call, b->boundaries, b->count);
    return CODE_OK;
}

/* ---- BucketizeWithInputBoundaries: input, boundaries of any shape ---- */

static enum code with_input_run(struct op_call *call, struct error *err)
{
    const float *boundaries = call->in[1]->data;
    int64_t count = tensor_elements(call->in[1]);
    for (int64_t i = 1; i < count; i++) {
        if (boundaries[i] < boundaries[i - 1])
            return error_set(err, CODE_INVALID_ARGUMENT, "Expected sorted boundaries");
    }
    bucketize(call, boundaries, count);
    return CODE_OK;
}

/* ---- BoostedTreesBucketize: float_values [batch] of each feature, bucket_boundaries of each ----
 */

static enum code trees_shape(struct op_call *call, struct error *err)
{
    for (int i = 0; i < call->out_count; i++) {
        if (call->in[i]->shape.rank != 1 || call->in[call->out_count + i]->shape.rank != 1)
            return error_set(err, CODE_INVALID_ARGUMENT, "Shape must be rank 1");
        op_call_shape(call, i, &call->in[i]->shape);
    }
    return CODE_OK;
}

static enum code trees_run(struct op_call *call, struct error *err)
{
    (void)err;
    for (int i = 0; i < call->out_count; i++) {
        const struct tensor *values = call->in[i], *boundaries = call->in[call->out_count + i];
        int64_t count = tensor_elements(boundaries);
        for (int64_t k = 0, n = tensor_elements(values); k < n; k++) {
            int32_t at = lower_bound(boundaries->data, count, TENSOR_AT(values, float)[k]);
            TENSOR_AT(call->out[i], int32_t)[k] = count && at == count ? at - 1 : at;
        }
    }
    return CODE_OK;
}

const struct op op_Bucketize = {
    .name = "Bucketize",
    .inputs = "input:T",
    .outputs = "output:int32",
    .attrs = "T:type boundaries:list(float)",
    .types =
        OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64) | OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE),
    .prepare = bucketize_prepare,
    .run = bucketize_run,
};

const struct op op_BucketizeWithInputBoundaries = {
    .name = "BucketizeWithInputBoundaries",
    .inputs = "input:T boundaries:float",
    .outputs = "output:int32",
    .attrs = "T:type",
    .types =
        OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64) | OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE),
    .run = with_input_run,
};

const struct op op_BoostedTreesBucketize = {
    .name = "BoostedTreesBucketize",
    .inputs = "float_values:num_features*float bucket_boundaries:num_features*float",
    .outputs = "buckets:num_features*int32",
    .attrs = "num_features:int",
    .shape = trees_shape,
    .run = trees_run,
};
