/* SPDX-License-Identifier: Apache-2.0 */
/*
 * InTopK, InTopKV2: predictions [batch, classes], targets [batch] -> is the target's prediction
 * among the k largest? Equal ones are all among them or none. Where a class number is out of range
 * or a number that decides is not finite the answer is no.
 */
#include <math.h>

#include "ops/kernel.h"

static enum code in_top_k_shape(struct op_call *call, struct error *err)
{
    const struct shape *predictions = &call->in[0]->shape, *targets = &call->in[1]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (call->in_count > 2 && call->in[2]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "k must be 0-D, got shape %s",
                         shape_text(&call->in[2]->shape, text));
    if (predictions->rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "predictions must be 2-dimensional");
    if (targets->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "targets must be 1-dimensional");
    if (predictions->dims[0] != targets->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "First dimension of predictions %lld must match length of targets %lld",
                         (long long)predictions->dims[0], (long long)targets->dims[0]);
    op_call_shape(call, 0, targets);
    return CODE_OK;
}

static bool is_in_top(const float *row, int64_t classes, int64_t target, int64_t k)
{
    int64_t above = 0;
    if (target < 0 || target >= classes || !isfinite(row[target]))
        return false;
    for (int64_t i = 0; i < classes && above <= k; i++) {
        if (!isfinite(row[i]))
            return false;
        above += row[i] > row[target];
    }
    return above < k;
}

static enum code in_top_k_run(struct op_call *call, struct error *err)
{
    (void)err;
    int64_t classes = call->in[0]->shape.dims[1];
    int64_t k = call->in_count > 2 ? tensor_int(call->in[2], 0) : *(const int64_t *)call->state;
    bool *to = call->out[0]->data;
    for (int64_t i = 0, n = tensor_elements(call->in[1]); i < n; i++)
        to[i] = is_in_top(TENSOR_AT(call->in[0], float) + i * classes, classes,
                          tensor_int(call->in[1], i), k);
    return CODE_OK;
}

static enum code in_top_k_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    int64_t *k = ARENA_NEW(call->arena, int64_t);
    *k = call->in_count > 2 ? 0 : op_attr_int(call, "k");
    call->state = k;
    return CODE_OK;
}

const struct op op_InTopK = {
    .name = "InTopK",
    .inputs = "predictions:float targets:T",
    .outputs = "precision:bool",
    .attrs = "k:int T:index=int32",
    .shape = in_top_k_shape,
    .prepare = in_top_k_prepare,
    .run = in_top_k_run,
};

const struct op op_InTopKV2 = {
    .name = "InTopKV2",
    .inputs = "predictions:float targets:T k:T",
    .outputs = "precision:bool",
    .attrs = "T:index=int32",
    .shape = in_top_k_shape,
    .prepare = in_top_k_prepare,
    .run = in_top_k_run,
};
