/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/math/broadcast.h"

enum code broadcast_shape(const struct shape *a, const struct shape *b, struct shape *out,
                          struct error *err)
{
    *out = (struct shape){.rank = a->rank > b->rank ? a->rank : b->rank};
    for (int i = 1; i <= out->rank; i++) {
        int64_t x = i <= a->rank ? a->dims[a->rank - i] : 1;
        int64_t y = i <= b->rank ? b->dims[b->rank - i] : 1;
        if (x != y && x != 1 && y != 1) {
            char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
            return error_set(err, CODE_INVALID_ARGUMENT, "Incompatible shapes: %s vs. %s",
                             shape_text(a, left), shape_text(b, right));
        }
        out->dims[out->rank - i] = x == 1 ? y : x;
    }
    return CODE_OK;
}

/* Does the operand step through this dimension? One of size 1 steps only where the other has size 1
 * too, and such are left out. */
struct dimension {
    int64_t size;
    bool a_moves;
    bool b_moves;
};

/* The dimensions larger than 1, neighbours that move alike joined; outermost first. */
static int join_dimensions(const struct shape *a, const struct shape *b,
                           struct dimension dims[SHAPE_RANK_MAX])
{
    int rank = a->rank > b->rank ? a->rank : b->rank;
    int count = 0;
    for (int i = rank; i >= 1; i--) {
        int64_t x = i <= a->rank ? a->dims[a->rank - i] : 1;
        int64_t y = i <= b->rank ? b->dims[b->rank - i] : 1;
        struct dimension d = {x == 1 ? y : x, x != 1, y != 1};
        if (d.size == 1)
            continue;
        struct dimension *last = count ? &dims[count - 1] : NULL;
        if (last && last->a_moves == d.a_moves && last->b_moves == d.b_moves)
            last->size *= d.size;
        else
            dims[count++] = d;
    }
    return count;
}

void broadcast_init(struct broadcast *plan, const struct shape *a, const struct shape *b)
{
    struct dimension dims[SHAPE_RANK_MAX];
    int count = join_dimensions(a, b, dims);
    *plan = (struct broadcast){.inner = 1, .a_step = 1, .b_step = 1};
    if (!count)
        return;
    plan->rank = count - 1;
    plan->inner = dims[count - 1].size;
    plan->a_step = dims[count - 1].a_moves;
    plan->b_step = dims[count - 1].b_moves;
    int64_t a_stride = plan->a_step ? plan->inner : 1;
    int64_t b_stride = plan->b_step ? plan->inner : 1;
    for (int i = plan->rank - 1; i >= 0; i--) {
        plan->dims[i] = dims[i].size;
        plan->a_strides[i] = dims[i].a_moves ? a_stride : 0;
        plan->b_strides[i] = dims[i].b_moves ? b_stride : 0;
        a_stride *= dims[i].a_moves ? dims[i].size : 1;
        b_stride *= dims[i].b_moves ? dims[i].size : 1;
    }
}

void broadcast_run(const struct broadcast *plan, const void *a, const void *b, void *out)
{
    const char *x = a, *y = b;
    char *to = out;
    if (!plan->rank) {
        plan->fn(x, y, to, plan->inner, plan->a_step, plan->b_step);
        return;
    }
    int64_t index[SHAPE_RANK_MAX] = {0};
    int64_t total = 1;
    for (int i = 0; i < plan->rank; i++)
        total *= plan->dims[i];
    int64_t at_a = 0, at_b = 0;
    for (int64_t n = 0; n < total; n++) {
        plan->fn(x + (size_t)at_a * plan->in_size, y + (size_t)at_b * plan->in_size, to,
                 plan->inner, plan->a_step, plan->b_step);
        to += (size_t)plan->inner * plan->out_size;
        for (int i = plan->rank - 1; i >= 0; i--) {
            at_a += plan->a_strides[i];
            at_b += plan->b_strides[i];
            if (++index[i] < plan->dims[i])
                break;
            at_a -= plan->a_strides[i] * plan->dims[i];
            at_b -= plan->b_strides[i] * plan->dims[i];
            index[i] = 0;
        }
    }
}

enum code broadcast_op_shape(struct op_call *call, struct error *err)
{
    struct shape shape;
    enum code code = broadcast_shape(&call->in[0]->shape, &call->in[1]->shape, &shape, err);
    if (!code)
        op_call_shape(call, 0, &shape);
    return code;
}

enum code broadcast_op_prepare(struct op_call *call, broadcast_inner_fn *const *table,
                               struct error *err)
{
    struct broadcast *plan = ARENA_NEW(call->arena, struct broadcast);
    broadcast_init(plan, &call->in[0]->shape, &call->in[1]->shape);
    plan->in_size = dtype_size(call->in[0]->dtype);
    plan->out_size = dtype_size(call->out[0]->dtype);
    plan->fn = table[call->in[0]->dtype];
    call->state = plan;
    if (!plan->fn)
        return error_set(err, CODE_UNIMPLEMENTED, "op %s has no kernel for %s",
                         call->node->op->name, dtype_name(call->in[0]->dtype));
    return CODE_OK;
}

enum code broadcast_op_run(struct op_call *call, struct error *err)
{
    (void)err;
    broadcast_run(call->state, call->in[0]->data, call->in[1]->data, call->out[0]->data);
    return CODE_OK;
}
