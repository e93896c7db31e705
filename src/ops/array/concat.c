/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ConcatV2, Concat, Pack, Unpack, Split, SplitV: tensors put together or taken apart along one
 * axis. All are the same two loops: seen from the axis a tensor is `outer` rows of bytes, and the
 * rows of the parts stand side by side in the rows of the whole.
 */
#include <limits.h>

#include "ops/array/sizes.h"
#include "ops/kernel.h"

/* One part of the whole: its tensor's position and the bytes of one of its rows. */
struct split {
    int64_t outer;
    const size_t *row_bytes; /* of each part */
    size_t whole_bytes;      /* of a row of the whole */
    int first;               /* input of the first part */
    int count;
};

/* Copying the struct spans of strings is enough: their bytes live as long as the request. */
static struct split *split_new(struct op_call *call, int count)
{
    struct split *s = ARENA_NEW(call->arena, struct split);
    s->row_bytes = ARENA_ARRAY(call->arena, size_t, (size_t)count);
    s->count = count;
    call->state = s;
    return s;
}

static void set_rows(struct split *s, const struct tensor *const *parts, int axis)
{
    size_t *bytes = (size_t *)s->row_bytes;
    for (int i = 0; i < s->count; i++) {
        const struct shape *shape = &parts[i]->shape;
        int from = axis < shape->rank ? axis : shape->rank;
        bytes[i] = (size_t)kernel_span(shape, from, shape->rank) * dtype_size(parts[i]->dtype);
        s->whole_bytes += bytes[i];
    }
}

/* parts -> whole */
static enum code join_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct split *s = call->state;
    char *to = call->out[0]->data;
    if (s->outer == 1) {
        for (int i = 0; i < s->count; i++) {
            memcpy(to, call->in[s->first + i]->data, s->row_bytes[i]);
            to += s->row_bytes[i];
        }
        return CODE_OK;
    }
    for (int i = 0; i < s->count; i++) {
        const char *from = call->in[s->first + i]->data;
        size_t bytes = s->row_bytes[i];
        for (int64_t row = 0; row < s->outer; row++)
            memcpy(to + (size_t)row * s->whole_bytes, from + (size_t)row * bytes, bytes);
        to += bytes;
    }
    return CODE_OK;
}

/* whole -> parts; the whole is input `first`. */
static enum code part_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct split *s = call->state;
    const char *from = call->in[s->first]->data;
    for (int i = 0; i < s->count; i++) {
        char *to = call->out[i]->data;
        size_t bytes = s->row_bytes[i];
        for (int64_t row = 0; row < s->outer; row++)
            memcpy(to + (size_t)row * bytes, from + (size_t)row * s->whole_bytes, bytes);
        from += bytes;
    }
    return CODE_OK;
}

/* ---- ConcatV2: values, axis []; Concat: axis [], values ---- */

static enum code concat_axis(const struct op_call *call, int first, int *axis, struct error *err)
{
    int at = first ? 0 : call->in_count - 1;
    const struct shape *shape = &call->in[first]->shape;
    if (shape->rank == 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "ConcatOp : Can't concatenate scalars (use tf.stack instead)");
    if (tensor_elements(call->in[at]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "ConcatOp : concat_dim tensor should be a scalar integer");
    int64_t value = tensor_int(call->in[at], 0);
    if (!kernel_axis(value, shape->rank, axis))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "ConcatOp : Expected concatenating dimensions in the range [%d, %d), but "
                         "got %lld",
                         -shape->rank, shape->rank, (long long)value);
    return CODE_OK;
}

static enum code concat_mismatch(const struct op_call *call, int first, int i, int axis,
                                 struct error *err)
{
    const struct shape *a = &call->in[first]->shape;
    const struct shape *b = &call->in[first + i]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    shape_text(a, left);
    shape_text(b, right);
    if (a->rank != b->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "ConcatOp : Ranks of all input tensors should match: shape[0] = %s vs. "
                         "shape[%d] = %s",
                         left, i, right);
    for (int k = 0; k < a->rank; k++) {
        if (k != axis && a->dims[k] != b->dims[k])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "ConcatOp : Dimension %d in both shapes must be equal: shape[0] = %s "
                             "vs. shape[%d] = %s",
                             k, left, i, right);
    }
    return CODE_OK;
}

static enum code concat_infer(struct op_call *call, int first, struct error *err)
{
    int at = first ? 0 : call->in_count - 1;
    if (!op_call_known(call, at)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    int axis;
    enum code code = concat_axis(call, first, &axis, err);
    if (code)
        return code;
    struct shape out = call->in[first]->shape;
    for (int i = 1; !code && i < call->in_count - 1; i++) {
        code = concat_mismatch(call, first, i, axis, err);
        if (!code && __builtin_add_overflow(out.dims[axis], call->in[first + i]->shape.dims[axis],
                                            &out.dims[axis]))
            code = error_set(err, CODE_INVALID_ARGUMENT, "ConcatOp : the result is too large");
    }
    op_call_shape(call, 0, &out);
    return code;
}

static enum code concat_plan(struct op_call *call, int first, struct error *err)
{
    int axis;
    enum code code = concat_axis(call, first, &axis, err);
    if (code)
        return code;
    struct split *s = split_new(call, call->in_count - 1);
    s->first = first;
    s->outer = kernel_span(&call->out[0]->shape, 0, axis);
    set_rows(s, call->in + first, axis);
    return CODE_OK;
}

static enum code concat_v2_shape(struct op_call *call, struct error *err)
{
    return concat_infer(call, 0, err);
}

static enum code concat_v2_prepare(struct op_call *call, struct error *err)
{
    return concat_plan(call, 0, err);
}

static enum code concat_shape(struct op_call *call, struct error *err)
{
    return concat_infer(call, 1, err);
}

static enum code concat_prepare(struct op_call *call, struct error *err)
{
    return concat_plan(call, 1, err);
}

/* ---- Pack: N tensors of one shape, a new axis ---- */

static enum code pack_axis(const struct op_call *call, int rank, int *axis, struct error *err)
{
    int64_t value = op_attr_int(call, "axis");
    if (!kernel_axis(value, rank, axis))
        return error_set(err, CODE_INVALID_ARGUMENT, "axis = %lld not in [%d, %d)",
                         (long long)value, -rank, rank);
    return CODE_OK;
}

static enum code pack_shape(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    int axis;
    if (in->rank == SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "rank %d is beyond %d", in->rank + 1,
                         SHAPE_RANK_MAX);
    enum code code = pack_axis(call, in->rank + 1, &axis, err);
    if (code)
        return code;
    for (int i = 1; i < call->in_count; i++) {
        char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
        if (!shape_equal(in, &call->in[i]->shape))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Shapes of all inputs must match: values[0].shape = %s != "
                             "values[%d].shape = %s",
                             shape_text(in, left), i, shape_text(&call->in[i]->shape, right));
    }
    struct shape out = {.rank = in->rank + 1};
    for (int i = 0; i < out.rank; i++)
        out.dims[i] = i < axis ? in->dims[i] : i == axis ? call->in_count : in->dims[i - 1];
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code pack_prepare(struct op_call *call, struct error *err)
{
    int axis;
    enum code code = pack_axis(call, call->out[0]->shape.rank, &axis, err);
    if (code)
        return code;
    struct split *s = split_new(call, call->in_count);
    s->outer = kernel_span(&call->in[0]->shape, 0, axis);
    set_rows(s, call->in, axis);
    return CODE_OK;
}

/* ---- Unpack: the other way ---- */

static enum code unpack_shape(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    int axis;
    enum code code = pack_axis(call, in->rank, &axis, err);
    if (code)
        return code;
    char text[SHAPE_TEXT_SIZE];
    if (in->dims[axis] != call->out_count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input shape axis %d must equal %d, got shape %s", axis, call->out_count,
                         shape_text(in, text));
    struct shape out = {.rank = in->rank - 1};
    for (int i = 0; i < out.rank; i++)
        out.dims[i] = in->dims[i < axis ? i : i + 1];
    for (int i = 0; i < call->out_count; i++)
        op_call_shape(call, i, &out);
    return CODE_OK;
}

static enum code unpack_prepare(struct op_call *call, struct error *err)
{
    int axis;
    enum code code = pack_axis(call, call->in[0]->shape.rank, &axis, err);
    if (code)
        return code;
    struct split *s = split_new(call, call->out_count);
    s->outer = kernel_span(&call->in[0]->shape, 0, axis);
    set_rows(s, (const struct tensor *const *)call->out, axis);
    return CODE_OK;
}

/* ---- Split: split_dim [], value; SplitV: value, size_splits [n], split_dim [] ---- */

static enum code split_axis(const struct op_call *call, int value, int at, int *axis,
                            struct error *err)
{
    int rank = call->in[value]->shape.rank;
    if (tensor_elements(call->in[at]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "split_dim_tensor must have exactly one "
                         "element.");
    int64_t dim = tensor_int(call->in[at], 0);
    if (!kernel_axis(dim, rank, axis))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "-input rank(%d) <= split_dim < input rank (%d), but got %lld", -rank,
                         rank, (long long)dim);
    return CODE_OK;
}

static enum code split_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 0)) {
        for (int i = 0; i < call->out_count; i++)
            op_call_defer(call, i);
        return CODE_OK;
    }
    int axis;
    enum code code = split_axis(call, 1, 0, &axis, err);
    if (code)
        return code;
    struct shape out = call->in[1]->shape;
    if (out.dims[axis] % call->out_count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Number of ways to split should evenly divide the split dimension, but "
                         "got split_dim %d (size = %lld) and num_split %d",
                         axis, (long long)out.dims[axis], call->out_count);
    out.dims[axis] /= call->out_count;
    for (int i = 0; i < call->out_count; i++)
        op_call_shape(call, i, &out);
    return CODE_OK;
}

static enum code split_plan(struct op_call *call, int value, int at, struct error *err)
{
    int axis;
    enum code code = split_axis(call, value, at, &axis, err);
    if (code)
        return code;
    struct split *s = split_new(call, call->out_count);
    s->first = value;
    s->outer = kernel_span(&call->in[value]->shape, 0, axis);
    set_rows(s, (const struct tensor *const *)call->out, axis);
    return CODE_OK;
}

static enum code split_prepare(struct op_call *call, struct error *err)
{
    return split_plan(call, 1, 0, err);
}

/* The sizes of the parts, with at most one -1 filled in. */
static enum code split_v_sizes(const struct op_call *call, int64_t whole, int64_t *sizes,
                               struct error *err)
{
    int free_at = -1;
    int64_t sum = 0;
    if (tensor_elements(call->in[1]) != call->out_count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "size of the split_tensor must be equal to the number of outputs (%d)",
                         call->out_count);
    if (call->out_count == 1 && tensor_int(call->in[1], 0) != whole)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "If there is only one output, it must have the same size as the input. "
                         "Input size: %lld output size: %lld",
                         (long long)whole, (long long)tensor_int(call->in[1], 0));
    for (int i = 0; i < call->out_count; i++) {
        sizes[i] = tensor_int(call->in[1], i);
        if (sizes[i] == -1 && free_at >= 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "There can only be one -1 in the input.");
        else if (sizes[i] == -1)
            free_at = i;
        else if (__builtin_add_overflow(sum, sizes[i], &sum))
            sum = INT64_MAX;
    }
    if (free_at >= 0 ? sum > whole : sum != whole)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Determined shape must either match input shape along split_dim exactly "
                         "if fully specified, or be less than the size of the input along "
                         "split_dim if not fully specified.  Got: %lld",
                         (long long)sum);
    if (free_at >= 0)
        sizes[free_at] = whole - sum;
    for (int i = 0; i < call->out_count; i++) {
        if (sizes[i] < 0)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Split size at index %d must be >= 0. Got: %lld", i,
                             (long long)sizes[i]);
    }
    return CODE_OK;
}

static enum code split_v_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1) || !op_call_known(call, 2)) {
        for (int i = 0; i < call->out_count; i++)
            op_call_defer(call, i);
        return CODE_OK;
    }
    int axis;
    enum code code = split_axis(call, 0, 2, &axis, err);
    if (code)
        return code;
    struct shape out = call->in[0]->shape;
    int64_t *sizes = ARENA_ARRAY(call->arena, int64_t, (size_t)call->out_count);
    code = split_v_sizes(call, out.dims[axis], sizes, err);
    for (int i = 0; !code && i < call->out_count; i++) {
        out.dims[axis] = sizes[i];
        op_call_shape(call, i, &out);
    }
    return code;
}

static enum code split_v_prepare(struct op_call *call, struct error *err)
{
    return split_plan(call, 0, 2, err);
}

const struct op op_ConcatV2 = {
    .name = "ConcatV2",
    .inputs = "values:N*T axis:Tidx",
    .outputs = "output:T",
    .attrs = "N:int T:type Tidx:index=int32",
    .shape = concat_v2_shape,
    .prepare = concat_v2_prepare,
    .run = join_run,
};

const struct op op_Concat = {
    .name = "Concat",
    .inputs = "concat_dim:int32 values:N*T",
    .outputs = "output:T",
    .attrs = "N:int T:type",
    .shape = concat_shape,
    .prepare = concat_prepare,
    .run = join_run,
};

const struct op op_Pack = {
    .name = "Pack",
    .inputs = "values:N*T",
    .outputs = "output:T",
    .attrs = "N:int T:type axis:int=0",
    .shape = pack_shape,
    .prepare = pack_prepare,
    .run = join_run,
};

const struct op op_Unpack = {
    .name = "Unpack",
    .inputs = "value:T",
    .outputs = "output:num*T",
    .attrs = "num:int T:type axis:int=0",
    .shape = unpack_shape,
    .prepare = unpack_prepare,
    .run = part_run,
};

const struct op op_Split = {
    .name = "Split",
    .inputs = "split_dim:int32 value:T",
    .outputs = "output:num_split*T",
    .attrs = "num_split:int T:type",
    .shape = split_shape,
    .prepare = split_prepare,
    .run = part_run,
};

const struct op op_SplitV = {
    .name = "SplitV",
    .inputs = "value:T size_splits:Tlen split_dim:int32",
    .outputs = "output:num_split*T",
    .attrs = "num_split:int T:type Tlen:integer=int64",
    .shape = split_v_shape,
    .prepare = split_v_prepare,
    .run = part_run,
};
