/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pad, PadV2, MirrorPad, MirrorPadGrad: input, paddings [rank, 2] (before and after each
 * dimension).
 */
#include "ops/array/combine.h"
#include "ops/array/sizes.h"
#include "ops/array/view.h"
#include "ops/kernel.h"

struct pad {
    int rank;
    int64_t before[SHAPE_RANK_MAX];
    int64_t in[SHAPE_RANK_MAX];
    int64_t out[SHAPE_RANK_MAX];
    int64_t in_strides[SHAPE_RANK_MAX];
    size_t size;
    int mirror; /* 0: constant; 1: SYMMETRIC, the edge repeated; 2: REFLECT, without the edge */
};

static int mirror_of(const struct op_call *call)
{
    if (!span_is(call->node->op_name, "MirrorPad"))
        return 0;
    return span_is(op_attr_string(call, "mode"), "SYMMETRIC") ? 1 : 2;
}

static enum code pad_read(const struct op_call *call, struct pad *pad, struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    const struct shape *paddings = &call->in[1]->shape;
    char text[SHAPE_TEXT_SIZE], in_text[SHAPE_TEXT_SIZE];
    if (paddings->rank != 2 || paddings->dims[1] != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "paddings must be a matrix with 2 columns: %s",
                         shape_text(paddings, text));
    if (paddings->dims[0] != in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The first dimension of paddings must be the rank of inputs%s %s",
                         shape_text(paddings, text), shape_text(in, in_text));
    pad->rank = in->rank;
    pad->mirror = mirror_of(call);
    view_strides(in, pad->in_strides);
    for (int i = 0; i < in->rank; i++) {
        int64_t before = tensor_int(call->in[1], 2 * i);
        int64_t after = tensor_int(call->in[1], 2 * i + 1);
        int64_t most = pad->mirror ? in->dims[i] - (pad->mirror == 2) : INT64_MAX;
        if (before < 0 || after < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "Paddings must be non-negative: %lld %lld",
                             (long long)before, (long long)after);
        if (before > most || after > most)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "paddings must be %s the dimension size: %lld, %lld %s %lld",
                             pad->mirror == 2 ? "less than" : "no greater than", (long long)before,
                             (long long)after, pad->mirror == 2 ? "not less than" : "greater than",
                             (long long)in->dims[i]);
        pad->before[i] = before;
        pad->in[i] = in->dims[i];
        if (__builtin_add_overflow(before, after, &pad->out[i]) ||
            __builtin_add_overflow(pad->out[i], in->dims[i], &pad->out[i]))
            return error_set(err, CODE_INVALID_ARGUMENT, "the padded tensor is too large");
    }
    return CODE_OK;
}

static enum code pad_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    struct pad pad;
    enum code code = pad_read(call, &pad, err);
    if (code)
        return code;
    struct shape out = {.rank = pad.rank};
    memcpy(out.dims, pad.out, sizeof out.dims);
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code pad_prepare(struct op_call *call, struct error *err)
{
    struct pad *pad = ARENA_NEW(call->arena, struct pad);
    call->state = pad;
    enum code code = pad_read(call, pad, err);
    pad->size = dtype_size(call->in[0]->dtype);
    return code;
}

/* The input's index for an output's along one dimension; -1: padding. */
static int64_t source(const struct pad *pad, int dim, int64_t at)
{
    int64_t i = at - pad->before[dim];
    int64_t n = pad->in[dim];
    if (i >= 0 && i < n)
        return i;
    if (!pad->mirror)
        return -1;
    int64_t edge = pad->mirror == 2;
    return i < 0 ? -i - 1 + edge : 2 * n - i - 1 - edge;
}

static void fill(char *to, const char *value, size_t size, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        memcpy(to + (size_t)i * size, value, size);
}

/* The innermost dimension: constant paddings around one copy, or element by element for mirrors. */
static void pad_row(const struct pad *pad, const char *from, const char *value, char *to)
{
    int dim = pad->rank - 1;
    int64_t n = pad->in[dim], before = pad->before[dim], total = pad->out[dim];
    if (pad->mirror) {
        for (int64_t i = 0; i < total; i++)
            memcpy(to + (size_t)i * pad->size, from + (size_t)source(pad, dim, i) * pad->size,
                   pad->size);
        return;
    }
    fill(to, value, pad->size, before);
    memcpy(to + (size_t)before * pad->size, from, (size_t)n * pad->size);
    fill(to + (size_t)(before + n) * pad->size, value, pad->size, total - before - n);
}

/* Rows in order; `at` counts through the outer dimensions. */
static enum code pad_run(struct op_call *call, struct error *err)
{
    (void)err;
    static const char zeros[sizeof(double) * 2];
    const struct pad *pad = call->state;
    const char *value = call->in_count > 2 ? call->in[2]->data : zeros;
    char *to = call->out[0]->data;
    if (!pad->rank) {
        memcpy(to, call->in[0]->data, pad->size);
        return CODE_OK;
    }
    if (!tensor_elements(call->out[0]))
        return CODE_OK;
    int outer = pad->rank - 1;
    int64_t rows = 1, at[SHAPE_RANK_MAX] = {0};
    for (int i = 0; i < outer; i++)
        rows *= pad->out[i];
    for (int64_t row = 0; row < rows; row++) {
        int64_t offset = 0;
        bool outside = false;
        for (int i = 0; i < outer; i++) {
            int64_t from = source(pad, i, at[i]);
            outside |= from < 0;
            offset += from * pad->in_strides[i];
        }
        if (outside)
            fill(to, value, pad->size, pad->out[outer]);
        else
            pad_row(pad, (const char *)call->in[0]->data + (size_t)offset * pad->size, value, to);
        to += (size_t)pad->out[outer] * pad->size;
        for (int i = outer - 1; i >= 0 && ++at[i] == pad->out[i]; i--)
            at[i] = 0;
    }
    return CODE_OK;
}

/* ---- MirrorPadGrad: each element is added to the one that it mirrors ---- */

static enum code grad_read(const struct op_call *call, struct pad *pad, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *paddings = &call->in[1]->shape;
    char text[SHAPE_TEXT_SIZE], in_text[SHAPE_TEXT_SIZE];
    if (paddings->rank != 2 || paddings->dims[1] != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "paddings must be a matrix with 2 columns: %s",
                         shape_text(paddings, text));
    if (paddings->dims[0] != in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The first dimension of paddings must be the rank of inputs%s %s",
                         shape_text(paddings, text), shape_text(in, in_text));
    *pad = (struct pad){.rank = in->rank};
    pad->mirror = span_is(op_attr_string(call, "mode"), "SYMMETRIC") ? 1 : 2;
    for (int i = 0; i < in->rank; i++) {
        int64_t before = tensor_int(call->in[1], 2 * i);
        int64_t after = tensor_int(call->in[1], 2 * i + 1);
        if (before < 0 || after < 0)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Paddings must be non-negative: %lld, %lld", (long long)before,
                             (long long)after);
        int64_t size = in->dims[i] - before - after, most = size - (pad->mirror == 2);
        if (before > most || after > most)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "paddings must be %s the output dimension size: %lld, %lld %s %lld",
                             pad->mirror == 2 ? "less than" : "no greater than", (long long)before,
                             (long long)after, pad->mirror == 2 ? "not less than" : "greater than",
                             (long long)size);
        pad->before[i] = before;
        pad->in[i] = size;
        pad->out[i] = in->dims[i];
    }
    return CODE_OK;
}

static enum code grad_shape(struct op_call *call, struct error *err)
{
    struct shape out = {.rank = call->in[0]->shape.rank};
    struct pad pad;
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    enum code code = grad_read(call, &pad, err);
    if (code)
        return code;
    memcpy(out.dims, pad.in, sizeof out.dims);
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code grad_prepare(struct op_call *call, struct error *err)
{
    struct pad *pad = ARENA_NEW(call->arena, struct pad);
    call->state = pad;
    enum code code = grad_read(call, pad, err);
    pad->size = dtype_size(call->in[0]->dtype);
    view_strides(&call->out[0]->shape, pad->in_strides);
    return code;
}

static enum code grad_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct pad *pad = call->state;
    combine_fn *add = combine_find(COMBINE_ADD, call->in[0]->dtype);
    const char *from = call->in[0]->data;
    int64_t at[SHAPE_RANK_MAX] = {0};
    memset(call->out[0]->data, 0, tensor_bytes(call->out[0]));
    for (int64_t k = 0, n = tensor_elements(call->in[0]); k < n; k++, from += pad->size) {
        int64_t offset = 0;
        for (int i = 0; i < pad->rank; i++)
            offset += source(pad, i, at[i]) * pad->in_strides[i];
        add((char *)call->out[0]->data + (size_t)offset * pad->size, from, 1);
        for (int i = pad->rank - 1; i >= 0 && ++at[i] == pad->out[i]; i--)
            at[i] = 0;
    }
    return CODE_OK;
}

const struct op op_Pad = {
    .name = "Pad",
    .inputs = "input:T paddings:Tpaddings",
    .outputs = "output:T",
    .attrs = "T:type Tpaddings:index=int32",
    .types = OP_TYPES_NUMBER | OP_TYPES_QUANTISED | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING),
    .shape = pad_shape,
    .prepare = pad_prepare,
    .run = pad_run,
};

const struct op op_PadV2 = {
    .name = "PadV2",
    .inputs = "input:T paddings:Tpaddings constant_values:T",
    .outputs = "output:T",
    .attrs = "T:type Tpaddings:index=int32",
    .shape = pad_shape,
    .prepare = pad_prepare,
    .run = pad_run,
};

const struct op op_MirrorPad = {
    .name = "MirrorPad",
    .inputs = "input:T paddings:Tpaddings",
    .outputs = "output:T",
    .attrs = "T:type Tpaddings:index=int32 mode:string",
    .shape = pad_shape,
    .prepare = pad_prepare,
    .run = pad_run,
};

const struct op op_MirrorPadGrad = {
    .name = "MirrorPadGrad",
    .inputs = "input:T paddings:Tpaddings",
    .outputs = "output:T",
    .attrs = "T:type Tpaddings:index=int32 mode:string",
    .types = OP_TYPES_NUMBER,
    .shape = grad_shape,
    .prepare = grad_prepare,
    .run = grad_run,
};
