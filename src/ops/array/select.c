/* SPDX-License-Identifier: Apache-2.0 */
/* Select, SelectV2: element by element from one of two tensors. The copy is by bytes: any dtype. */
#include "ops/array/view.h"
#include "ops/kernel.h"
#include "ops/math/broadcast.h"

/* ---- SelectV2: condition, t, e, all broadcast ---- */

struct select {
    int64_t count;
    int rank;
    int64_t dims[SHAPE_RANK_MAX];
    int64_t strides[3][SHAPE_RANK_MAX];
    size_t size;
    bool simple; /* all three have the result's shape */
};

static enum code select_v2_shape(struct op_call *call, struct error *err)
{
    struct shape branches, out;
    const struct shape *c = &call->in[0]->shape, *t = &call->in[1]->shape, *e = &call->in[2]->shape;
    if (broadcast_shape(t, e, &branches, NULL) || broadcast_shape(c, &branches, &out, NULL)) {
        char text[3][SHAPE_TEXT_SIZE];
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "condition %s, then %s, and else %s must be broadcastable",
                         shape_text(c, text[0]), shape_text(t, text[1]), shape_text(e, text[2]));
    }
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code select_v2_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    struct select *s = ARENA_NEW(call->arena, struct select);
    const struct shape *out = &call->out[0]->shape;
    s->count = shape_elements(out);
    s->rank = out->rank;
    s->size = dtype_size(call->out[0]->dtype);
    s->simple = true;
    for (int k = 0; k < 3; k++) {
        const struct shape *in = &call->in[k]->shape;
        int64_t strides[SHAPE_RANK_MAX];
        view_strides(in, strides);
        s->simple &= shape_equal(in, out);
        for (int i = 0; i < out->rank; i++) {
            int from = i - (out->rank - in->rank);
            s->dims[i] = out->dims[i];
            s->strides[k][i] = from >= 0 && in->dims[from] != 1 ? strides[from] : 0;
        }
    }
    call->state = s;
    return CODE_OK;
}

static void select_simple(const struct op_call *call, int64_t n, size_t size)
{
    const bool *condition = call->in[0]->data;
    const char *t = call->in[1]->data, *e = call->in[2]->data;
    char *to = call->out[0]->data;
    for (int64_t i = 0; i < n; i++)
        memcpy(to + (size_t)i * size, (condition[i] ? t : e) + (size_t)i * size, size);
}

static enum code select_v2_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct select *s = call->state;
    if (s->simple) {
        select_simple(call, s->count, s->size);
        return CODE_OK;
    }
    const bool *condition = call->in[0]->data;
    int64_t index[SHAPE_RANK_MAX] = {0}, at[3] = {0};
    char *to = call->out[0]->data;
    for (int64_t n = 0; n < s->count; n++, to += s->size) {
        int branch = condition[at[0]] ? 1 : 2;
        memcpy(to, (const char *)call->in[branch]->data + (size_t)at[branch] * s->size, s->size);
        for (int i = s->rank - 1; i >= 0; i--) {
            for (int k = 0; k < 3; k++)
                at[k] += s->strides[k][i];
            if (++index[i] < s->dims[i])
                break;
            for (int k = 0; k < 3; k++)
                at[k] -= s->strides[k][i] * s->dims[i];
            index[i] = 0;
        }
    }
    return CODE_OK;
}

/* ---- Select: t and e of one shape; condition of that shape, a scalar, or a vector that picks rows
 * ---- */

static enum code not_the_same(const struct op_call *call, int i, struct error *err)
{
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Inputs to operation %.*s of type Select must have the same size and shape.  "
                     "Input 0: %s != input %d: %s",
                     SPAN_ARG(call->node->name), shape_text(&call->in[0]->shape, left), i,
                     shape_text(&call->in[i]->shape, right));
}

static enum code select_shape(struct op_call *call, struct error *err)
{
    const struct shape *c = &call->in[0]->shape, *t = &call->in[1]->shape, *e = &call->in[2]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    bool rows = c->rank == 1 && t->rank > 1;
    if (!rows && c->rank != 0 && !shape_equal(c, t))
        return not_the_same(call, 1, err);
    if (!rows && c->rank != 0 && !shape_equal(c, e))
        return not_the_same(call, 2, err);
    if (rows && c->dims[0] != t->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Number of batches of 'then' must match size of 'cond', but saw: %lld vs. "
                         "%lld",
                         (long long)t->dims[0], (long long)c->dims[0]);
    if (!shape_equal(t, e))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "'then' and 'else' must have the same size.  but received: %s vs. %s",
                         shape_text(t, left), shape_text(e, right));
    op_call_shape(call, 0, t);
    return CODE_OK;
}

static enum code select_run(struct op_call *call, struct error *err)
{
    (void)err;
    int64_t conditions = tensor_elements(call->in[0]);
    size_t bytes = conditions ? tensor_bytes(call->out[0]) / (size_t)conditions : 0;
    select_simple(call, conditions, bytes);
    return CODE_OK;
}

const struct op op_SelectV2 = {
    .name = "SelectV2",
    .inputs = "condition:bool t:T e:T",
    .outputs = "output:T",
    .attrs = "T:type",
    .shape = select_v2_shape,
    .prepare = select_v2_prepare,
    .run = select_v2_run,
};

const struct op op_Select = {
    .name = "Select",
    .inputs = "condition:bool t:T e:T",
    .outputs = "output:T",
    .attrs = "T:type",
    .shape = select_shape,
    .run = select_run,
};
