/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XlaReduce, XlaVariadicReduceV2: all elements along some dimensions combined by a function, from
 * the initial values on.
 *
 * The input is brought into the order [reduced][kept] and its rows are combined in pairs, each with
 * its neighbour, until one is left: few calls of the function upon many elements. The order of
 * combinations depends on the number of rows alone, so a result does not depend on how many others
 * there are.
 */
#include "ops/array/view.h"
#include "ops/kernel.h"
#include "ops/xla/numbers.h"
#include "ops/xla/reducer.h"

struct reduction {
    struct shape out;
    struct view ordered; /* the input's elements as [rows][kept] */
    bool copies;         /* nothing is reduced */
    int64_t rows;        /* 0: the input is empty */
    int64_t kept;
};

static enum code read_axes(const struct op_call *call, struct numbers_list *axes, struct error *err)
{
    const int64_t *dims;
    int rank = call->in[0]->shape.rank;
    size_t count = op_attr_ints(call, "dimensions_to_reduce", &dims);
    *axes = (struct numbers_list){0};
    for (size_t i = 0; i < count && i < SHAPE_RANK_MAX; i++) {
        int64_t axis = dims[i];
        if (axis < 0 || axis >= rank)
            return error_set(err, CODE_INVALID_ARGUMENT, "Reducing out-of-bounds dimension %lld",
                             (long long)axis);
        axes->values[axes->count++] = (int)axis;
    }
    return numbers_check(axes, rank, "dimensions_to_reduce", err);
}

static enum code check_arguments(const struct op_call *call, struct error *err)
{
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    int count = call->out_count;
    for (int i = 0; i < count; i++) {
        if (!shape_equal(&call->in[i]->shape, &call->in[0]->shape))
            return error_set(err, CODE_INVALID_ARGUMENT, "inputs have shapes %s and %s",
                             shape_text(&call->in[0]->shape, left),
                             shape_text(&call->in[i]->shape, right));
        if (tensor_elements(call->in[count + i]) != 1)
            return error_set(err, CODE_INVALID_ARGUMENT, "init value %d is no scalar", i);
    }
    return CODE_OK;
}

static void order_dims(const struct shape *in, const struct numbers_list *axes, struct reduction *r)
{
    int64_t strides[SHAPE_RANK_MAX];
    view_strides(in, strides);
    for (int reduced = 1; reduced >= 0; reduced--) {
        for (int k = 0; k < in->rank; k++) {
            if (numbers_has(axes, k) != (reduced == 1))
                continue;
            r->ordered.dims[r->ordered.rank] = in->dims[k];
            r->ordered.strides[r->ordered.rank++] = strides[k];
            if (r->rows)
                *(reduced ? &r->rows : &r->kept) *= in->dims[k];
            if (!reduced)
                r->out.dims[r->out.rank++] = in->dims[k];
        }
    }
}

static enum code read_reduction(const struct op_call *call, struct reduction *r, struct error *err)
{
    struct numbers_list axes;
    *r = (struct reduction){.rows = tensor_elements(call->in[0]) > 0, .kept = 1};
    enum code code = check_arguments(call, err);
    if (!code)
        code = read_axes(call, &axes, err);
    if (code)
        return code;
    order_dims(&call->in[0]->shape, &axes, r);
    r->copies = !axes.count;
    return CODE_OK;
}

static enum code reduce_shape(struct op_call *call, struct error *err)
{
    struct reduction r;
    enum code code = read_reduction(call, &r, err);
    for (int i = 0; !code && i < call->out_count; i++)
        op_call_shape(call, i, &r.out);
    return code;
}

static enum code reduce_prepare(struct op_call *call, struct error *err)
{
    struct reduction *r = ARENA_NEW(call->arena, struct reduction);
    call->state = r;
    return read_reduction(call, r, err);
}

static size_t size_of(const struct op_call *call, int i)
{
    return dtype_size(call->out[i]->dtype);
}

/* ---- the rows ---- */

/* Of each input: the rows; room for those that the pairs give; the pairs' second halves. */
struct rows {
    void **at, **next;
    void **second;
    int64_t count;
};

static enum code rows_init(const struct op_call *call, const struct reduction *r, struct rows *rows,
                           struct error *err)
{
    size_t inputs = (size_t)call->out_count;
    *rows = (struct rows){.count = r->rows};
    rows->at = ARENA_ARRAY(call->arena, void *, inputs);
    rows->next = ARENA_ARRAY(call->arena, void *, inputs);
    rows->second = ARENA_ARRAY(call->arena, void *, inputs);
    int64_t half = (r->rows + 1) / 2 * r->kept;
    enum code code = CODE_OK;
    for (int i = 0; !code && i < call->out_count; i++) {
        struct view view = r->ordered;
        view.size = size_of(call, i);
        view_simplify(&view);
        code = kernel_array(call, r->rows * r->kept, view.size, &rows->at[i], err);
        if (!code)
            code = kernel_array(call, half, view.size, &rows->next[i], err);
        if (!code)
            code = kernel_array(call, half, view.size, &rows->second[i], err);
        if (!code)
            view_copy(&view, call->in[i]->data, rows->at[i]);
    }
    return code;
}

/* Every second row, from row `first` on. */
static void take_rows(const struct reduction *r, size_t size, int64_t first, int64_t count,
                      const void *from, void *to)
{
    struct view view = {
        .rank = 2,
        .dims = {count, r->kept},
        .strides = {2 * r->kept, 1},
        .offset = first * r->kept,
        .size = size,
    };
    view_simplify(&view);
    view_copy(&view, from, to);
}

/* Half as many rows: each with the one behind it. An odd one is taken along. */
static enum code combine_pairs(const struct op_call *call, const struct reduction *r,
                               struct rows *rows, struct reducer *reducer, struct error *err)
{
    int64_t pairs = rows->count / 2, rest = rows->count - pairs;
    for (int i = 0; i < call->out_count; i++) {
        size_t size = size_of(call, i);
        take_rows(r, size, 0, rest, rows->at[i], rows->next[i]);
        take_rows(r, size, 1, pairs, rows->at[i], rows->second[i]);
    }
    enum code code =
        reducer_apply(reducer, rows->next, (const void *const *)rows->second, pairs * r->kept, err);
    void **swap = rows->at;
    rows->at = rows->next;
    rows->next = swap;
    rows->count = rest;
    return code;
}

static enum code reduce_run(struct op_call *call, struct error *err)
{
    const struct reduction *r = call->state;
    struct rows rows;
    /* XLA takes a reduction over no dimension for a copy, whatever the initial value. */
    for (int i = 0; i < call->out_count; i++) {
        if (r->copies)
            memcpy(call->out[i]->data, call->in[i]->data, tensor_bytes(call->in[i]));
        else
            kernel_fill(call->out[i]->data, call->in[call->out_count + i]->data, size_of(call, i),
                        tensor_elements(call->out[i]));
    }
    if (r->copies || !r->rows)
        return CODE_OK;
    enum code code = rows_init(call, r, &rows, err);
    if (code)
        return code;
    struct reducer *reducer = reducer_new(call);
    while (!code && rows.count > 1)
        code = combine_pairs(call, r, &rows, reducer, err);
    void **results = ARENA_ARRAY(call->arena, void *, (size_t)call->out_count);
    for (int i = 0; i < call->out_count; i++)
        results[i] = call->out[i]->data;
    return code ? code
                : reducer_apply(reducer, results, (const void *const *)rows.at, r->kept, err);
}

#define REDUCE_FLAGS (OP_STATEFUL | OP_CALLS | OP_COMBINES)

const struct op op_XlaReduce = {
    .name = "XlaReduce",
    .inputs = "input:T init_value:T",
    .outputs = "output:T",
    .attrs = "T:type dimensions_to_reduce:list(int) reducer:func",
    .flags = REDUCE_FLAGS,
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL),
    .shape = reduce_shape,
    .prepare = reduce_prepare,
    .run = reduce_run,
};

const struct op op_XlaVariadicReduceV2 = {
    .name = "XlaVariadicReduceV2",
    .inputs = "inputs:T init_values:T",
    .outputs = "outputs:T",
    .attrs = "T:list(type) dimensions_to_reduce:list(int) reducer:func",
    .flags = REDUCE_FLAGS,
    .shape = reduce_shape,
    .prepare = reduce_prepare,
    .run = reduce_run,
};
