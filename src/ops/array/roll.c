/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roll: elements move by `shift` along `axis`, what falls off comes in again on the other side;
 * several axes, also the same more than once. Runs of the innermost axis that moves are copied in
 * two pieces each.
 */
#include "ops/kernel.h"

static enum code roll_shape(struct op_call *call, struct error *err)
{
    const struct shape *shift = &call->in[1]->shape, *axis = &call->in[2]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (!call->in[0]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "input must be 1-D or higher");
    if (shift->rank > 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "shift must be a scalar or a 1-D vector. Found: %s",
                         shape_text(shift, text));
    if (axis->rank > 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "axis must be a scalar or a 1-D vector. Found: %s",
                         shape_text(axis, text));
    if (!shape_equal(shift, axis))
        return error_set(err, CODE_INVALID_ARGUMENT, "shift and axis must have the same size");
    op_call_shape(call, 0, &call->in[0]->shape);
    return CODE_OK;
}

/* How far each dimension moves, in [0, size). Numbers are taken as int32, as TensorFlow does. */
static enum code read_moves(const struct op_call *call, int64_t moves[SHAPE_RANK_MAX],
                            struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    for (int64_t i = 0, n = tensor_elements(call->in[1]); i < n; i++) {
        int64_t axis = (int32_t)tensor_int(call->in[2], i);
        axis = axis < 0 ? axis + in->rank : axis;
        if (axis < 0 || axis >= in->rank)
            return error_set(err, CODE_INVALID_ARGUMENT, "axis %lld is out of range",
                             (long long)axis);
        int64_t size = in->dims[axis] > 1 ? in->dims[axis] : 1;
        int64_t move = moves[axis] + (int32_t)tensor_int(call->in[1], i);
        moves[axis] = (move % size + size) % size;
    }
    return CODE_OK;
}

/* Where row `row` of the dimensions before `axis` goes. */
static int64_t moved(const struct shape *shape, const int64_t moves[], int axis, int64_t row)
{
    int64_t to = 0, scale = 1;
    for (int i = axis - 1; i >= 0; i--) {
        int64_t at = row % shape->dims[i];
        row /= shape->dims[i];
        to += (at + moves[i]) % shape->dims[i] * scale;
        scale *= shape->dims[i];
    }
    return to;
}

static enum code roll_run(struct op_call *call, struct error *err)
{
    const struct shape *shape = &call->in[0]->shape;
    int64_t moves[SHAPE_RANK_MAX] = {0};
    int axis = shape->rank - 1;
    enum code code = read_moves(call, moves, err);
    if (code || !tensor_elements(call->in[0]))
        return code;
    while (axis > 0 && !moves[axis])
        axis--;
    size_t step =
        (size_t)kernel_span(shape, axis + 1, shape->rank) * dtype_size(call->in[0]->dtype);
    size_t run = (size_t)shape->dims[axis] * step, head = run - (size_t)moves[axis] * step;
    const char *from = call->in[0]->data;
    for (int64_t row = 0, rows = kernel_span(shape, 0, axis); row < rows; row++, from += run) {
        char *to = (char *)call->out[0]->data + (size_t)moved(shape, moves, axis, row) * run;
        memcpy(to + (run - head), from, head);
        memcpy(to, from + head, run - head);
    }
    return CODE_OK;
}

const struct op op_Roll = {
    .name = "Roll",
    .inputs = "input:T shift:Tshift axis:Taxis",
    .outputs = "output:T",
    .attrs = "T:type Tshift:index Taxis:index",
    .shape = roll_shape,
    .run = roll_run,
};
