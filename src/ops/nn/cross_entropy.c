/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SoftmaxCrossEntropyWithLogits (labels as probabilities) and SparseSoftmaxCrossEntropyWithLogits
 * (labels as class numbers): features [rows, classes] -> loss [rows] and its gradient, backprop
 * [rows, classes]. Features and probabilities may be broadcast. half and bfloat16 are computed as
 * float and rounded once.
 */
#include <math.h>

#include "ops/kernel.h"
#include "ops/math/broadcast.h"
#include "ops/nn/widen.h"

struct entropy {
    int64_t rows, classes;
    int64_t x_row, x_step; /* 0 where the features are broadcast */
    int64_t p_row, p_step;
};

struct entropy_data {
    const void *x;
    const void *p;               /* probabilities, or NULL */
    const struct tensor *labels; /* without probabilities: the class that has all of it */
    void *loss;
    void *backprop;
};

#define ENTROPY_LOOP(name, type, exp_of, log_of)                                                   \
    static void entropy_##name(const struct entropy *e, const struct entropy_data *d)              \
    {                                                                                              \
        type *loss = d->loss, *out = d->backprop;                                                  \
        for (int64_t row = 0; row < e->rows; row++, out += e->classes) {                           \
            const type *x = (const type *)d->x + row * e->x_row;                                   \
            const type *p = d->p ? (const type *)d->p + row * e->p_row : NULL;                     \
            int64_t label = p ? 0 : tensor_int(d->labels, row);                                    \
            type max = -(type)INFINITY, sum = 0, total = 0;                                        \
            for (int64_t i = 0; i < e->classes; i++)                                               \
                max = x[i * e->x_step] > max ? x[i * e->x_step] : max;                             \
            for (int64_t i = 0; i < e->classes; i++) {                                             \
                out[i] = exp_of(x[i * e->x_step] - max);                                           \
                sum += out[i];                                                                     \
            }                                                                                      \
            type log_sum = log_of(sum);                                                            \
            for (int64_t i = 0; i < e->classes; i++) {                                             \
                type part = p ? p[i * e->p_step] : (type)(i == label);                             \
                total += part == 0 ? 0 : part * (log_sum - (x[i * e->x_step] - max));              \
                out[i] = out[i] / sum - part;                                                      \
            }                                                                                      \
            loss[row] = total;                                                                     \
        }                                                                                          \
    }

ENTROPY_LOOP(float, float, expf, logf)
ENTROPY_LOOP(double, double, exp, log)

static enum code entropy_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct entropy *e = call->state;
    char *scratch = call->scratch;
    bool sparse = dtype_is_integer(call->in[1]->dtype);
    struct entropy_data data = {.labels = call->in[1], .p = sparse ? NULL : call->in[1]->data};
    if (call->in[0]->dtype == DTYPE_DOUBLE) {
        data.x = call->in[0]->data;
        data.loss = call->out[0]->data;
        data.backprop = call->out[1]->data;
        entropy_double(e, &data);
        return CODE_OK;
    }
    data.x = widen_input(call->in[0], &scratch);
    data.p = sparse ? NULL : widen_input(call->in[1], &scratch);
    data.loss = widen_output(call->out[0], &scratch);
    data.backprop = widen_output(call->out[1], &scratch);
    entropy_float(e, &data);
    widen_finish(call->out[0], data.loss);
    widen_finish(call->out[1], data.backprop);
    return CODE_OK;
}

static void reserve_scratch(struct op_call *call)
{
    for (int i = 0; i < 2; i++) {
        call->scratch_size += widen_size(call->in[i]->dtype, tensor_elements(call->in[i]));
        call->scratch_size += widen_size(call->out[i]->dtype, tensor_elements(call->out[i]));
    }
}

/* ---- labels as probabilities ---- */

static enum code dense_shape(struct op_call *call, struct error *err)
{
    const struct shape *x = &call->in[0]->shape, *p = &call->in[1]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    struct shape both;
    if (broadcast_shape(x, p, &both, NULL))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "logits and labels must be broadcastable: logits_size=%s labels_size=%s",
                         shape_text(x, left), shape_text(p, right));
    if (both.rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "logits and labels must be either 2-dimensional, or broadcasted to be "
                         "2-dimensional");
    struct shape loss = shape_vector(both.dims[0]);
    op_call_shape(call, 0, &loss);
    op_call_shape(call, 1, &both);
    return CODE_OK;
}

static void set_steps(const struct shape *shape, int64_t *row, int64_t *step)
{
    int64_t classes = shape->rank ? shape->dims[shape->rank - 1] : 1;
    *step = classes != 1;
    *row = shape->rank > 1 && shape->dims[0] != 1 ? classes : 0;
}

static enum code dense_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct entropy *e = ARENA_NEW(call->arena, struct entropy);
    e->rows = call->out[1]->shape.dims[0];
    e->classes = call->out[1]->shape.dims[1];
    set_steps(&call->in[0]->shape, &e->x_row, &e->x_step);
    set_steps(&call->in[1]->shape, &e->p_row, &e->p_step);
    call->state = e;
    reserve_scratch(call);
    return CODE_OK;
}

/* ---- labels as class numbers ---- */

static enum code sparse_shape(struct op_call *call, struct error *err)
{
    const struct shape *x = &call->in[0]->shape, *labels = &call->in[1]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    if (x->rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "logits must be 2-D, but got shape %s",
                         shape_text(x, left));
    if (labels->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "labels must be 1-D, but got shape %s",
                         shape_text(labels, right));
    if (x->dims[0] != labels->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "logits and labels must have the same first dimension, got logits shape "
                         "%s and labels shape %s",
                         shape_text(x, left), shape_text(labels, right));
    if (x->dims[1] < 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Must have at least one class, but got logits shape %s",
                         shape_text(x, left));
    op_call_shape(call, 0, labels);
    op_call_shape(call, 1, x);
    return CODE_OK;
}

static enum code sparse_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct entropy *e = ARENA_NEW(call->arena, struct entropy);
    const struct shape *x = &call->in[0]->shape;
    *e = (struct entropy){
        .rows = x->dims[0], .classes = x->dims[1], .x_row = x->dims[1], .x_step = 1};
    call->state = e;
    reserve_scratch(call);
    return CODE_OK;
}

static enum code sparse_run(struct op_call *call, struct error *err)
{
    const struct entropy *e = call->state;
    for (int64_t i = 0; i < e->rows; i++) {
        int64_t label = tensor_int(call->in[1], i);
        if (label >= 0 && label < e->classes)
            continue;
        error_set(err, CODE_INVALID_ARGUMENT,
                  "Received a label value of %lld which is outside the valid range of [0, %lld).  "
                  "Label values:",
                  (long long)label, (long long)e->classes);
        for (int64_t k = 0; k < e->rows; k++)
            error_append(err, " %lld", (long long)tensor_int(call->in[1], k));
        return CODE_INVALID_ARGUMENT;
    }
    return entropy_run(call, err);
}

const struct op op_SoftmaxCrossEntropyWithLogits = {
    .name = "SoftmaxCrossEntropyWithLogits",
    .inputs = "features:T labels:T",
    .outputs = "loss:T backprop:T",
    .attrs = "T:type",
    .types = OP_TYPES_FLOAT,
    .shape = dense_shape,
    .prepare = dense_prepare,
    .run = entropy_run,
};

const struct op op_SparseSoftmaxCrossEntropyWithLogits = {
    .name = "SparseSoftmaxCrossEntropyWithLogits",
    .inputs = "features:T labels:Tlabels",
    .outputs = "loss:T backprop:T",
    .attrs = "T:type Tlabels:index=int64",
    .types = OP_TYPES_FLOAT,
    .shape = sparse_shape,
    .prepare = sparse_prepare,
    .run = sparse_run,
};
