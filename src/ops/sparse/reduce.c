/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SparseReduceSum, SparseReduceMax and their Sparse forms: the entries in the order of the
 * dimensions that stay, then of those that go; entries that agree in the first are one group.
 */
#include "ops/array/combine.h"
#include "ops/kernel.h"
#include "ops/sort.h"
#include "ops/sparse/sparse.h"

struct reduction {
    struct sparse s;
    int order[SHAPE_RANK_MAX]; /* dimensions: those that stay, then the others */
    int kept;
    bool goes[SHAPE_RANK_MAX];
    int64_t *items;
    combine_fn *combine;
};

static enum code read_axes(const struct tensor *axes, struct reduction *r, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    int rank = r->s.shape.rank, n = 0, axis;
    if (axes->shape.rank > 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected reduction_axes to be a scalar or a vector; got shape: %s",
                         shape_text(&axes->shape, text));
    for (int64_t i = 0; i < tensor_elements(axes); i++) {
        int64_t value = tensor_int(axes, i);
        if (!kernel_axis(value, rank, &axis))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Invalid reduction dimension %lld, for input with %d dimensions.",
                             (long long)value, rank);
        r->goes[axis] = true;
    }
    for (int d = 0; d < rank; d++) {
        if (!r->goes[d])
            r->order[n++] = d;
    }
    r->kept = n;
    for (int d = 0; d < rank; d++) {
        if (r->goes[d])
            r->order[n++] = d;
    }
    return CODE_OK;
}

/* By the first `count` dimensions of the order. */
static int compare(const struct reduction *r, int64_t a, int64_t b, int count)
{
    int rank = r->s.shape.rank;
    for (int k = 0; k < count; k++) {
        int64_t x = r->s.indices[a * rank + r->order[k]], y = r->s.indices[b * rank + r->order[k]];
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

static int order(const void *context, int64_t a, int64_t b)
{
    const struct reduction *r = context;
    return compare(r, a, b, r->s.shape.rank);
}

static enum combine combine_of(const struct op_call *call)
{
    return span_starts_with(call->node->op_name, SPAN_LITERAL("SparseReduceMax")) ? COMBINE_MAX
                                                                                  : COMBINE_ADD;
}

static enum code begin(struct op_call *call, struct reduction *r, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    *r = (struct reduction){.kept = 0};
    if (call->in[2]->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected input_shape to be a vector; got shape: %s",
                         shape_text(&call->in[2]->shape, text));
    /* The axes are held against the shape before the indices are. */
    enum code code = sparse_read_shape(call->in[2], &r->s.shape, err);
    if (!code && call->in[0]->shape.rank == 2 && call->in[1]->shape.rank == 1)
        code = read_axes(call->in[3], r, err);
    if (!code)
        code = sparse_read(call, (const int[]){0, 1, 2}, &r->s, err);
    if (!code)
        code = kernel_array(call, 2 * r->s.count + 1, sizeof *r->items, &r->items, err);
    if (code)
        return code;
    for (int64_t i = 0; i < r->s.count; i++)
        r->items[i] = i;
    sort_items(r->items, r->items + r->s.count, r->s.count, order, r);
    r->combine = combine_find(combine_of(call), r->s.values->dtype);
    return CODE_OK;
}

/* The first item behind the group that begins at `first`. */
static int64_t group_end(const struct reduction *r, int64_t first)
{
    int64_t end = first + 1;
    while (end < r->s.count && !compare(r, r->items[first], r->items[end], r->kept))
        end++;
    return end;
}

static void combine_group(const struct reduction *r, int64_t first, int64_t end, char *to)
{
    const char *values = r->s.values->data;
    size_t size = dtype_size(r->s.values->dtype);
    memcpy(to, values + (size_t)r->items[first] * size, size);
    for (int64_t i = first + 1; i < end; i++)
        r->combine(to, values + (size_t)r->items[i] * size, 1);
}

/* The shape that is left: without the dimensions that go, or with 1 for them. */
static struct shape reduced_shape(const struct reduction *r, bool keep_dims)
{
    struct shape shape = {.rank = 0};
    for (int d = 0; d < r->s.shape.rank; d++) {
        if (!r->goes[d] || keep_dims)
            shape.dims[shape.rank++] = r->goes[d] ? 1 : r->s.shape.dims[d];
    }
    return shape;
}

/* ---- to a dense tensor ---- */

static enum code place_of(const struct reduction *r, int64_t item, int64_t *place,
                          struct error *err)
{
    int rank = r->s.shape.rank;
    *place = 0;
    for (int k = 0; k < r->kept; k++) {
        int64_t index = r->s.indices[item * rank + r->order[k]],
                size = r->s.shape.dims[r->order[k]];
        if (index < 0 || index >= size)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Index %lld of dimension %d is out of bounds: it has %lld",
                             (long long)index, r->order[k], (long long)size);
        *place = *place * size + index;
    }
    return CODE_OK;
}

static enum code dense_run(struct op_call *call, struct error *err)
{
    struct reduction r;
    int64_t place;
    enum code code = begin(call, &r, err);
    if (code)
        return code;
    struct shape shape = reduced_shape(&r, *(const bool *)call->state);
    size_t size = dtype_size(r.s.values->dtype);
    code = op_call_alloc(call, 0, &shape, err);
    if (code)
        return code;
    memset(call->out[0]->data, 0, tensor_bytes(call->out[0]));
    for (int64_t i = 0, end; !code && i < r.s.count; i = end) {
        end = group_end(&r, i);
        code = place_of(&r, r.items[i], &place, err);
        if (!code)
            combine_group(&r, i, end, (char *)call->out[0]->data + (size_t)place * size);
    }
    return code;
}

/* ---- to a sparse tensor ---- */

static void put_index(const struct reduction *r, int64_t item, bool keep_dims, int64_t *to)
{
    int rank = r->s.shape.rank;
    for (int d = 0; d < rank; d++) {
        if (!r->goes[d])
            *to++ = r->s.indices[item * rank + d];
        else if (keep_dims)
            *to++ = 0;
    }
}

static enum code sparse_run(struct op_call *call, struct error *err)
{
    struct reduction r;
    bool keep_dims = *(const bool *)call->state;
    int64_t groups = 0;
    enum code code = begin(call, &r, err);
    if (code)
        return code;
    for (int64_t i = 0; i < r.s.count; i = group_end(&r, i))
        groups++;
    struct shape shape = reduced_shape(&r, keep_dims), sizes = shape_vector(shape.rank);
    struct shape indices = shape_matrix(groups, shape.rank), values = shape_vector(groups);
    size_t size = dtype_size(r.s.values->dtype);
    code = op_call_alloc(call, 0, &indices, err);
    if (!code)
        code = op_call_alloc(call, 1, &values, err);
    if (!code)
        code = op_call_alloc(call, 2, &sizes, err);
    if (code)
        return code;
    memcpy(call->out[2]->data, shape.dims, tensor_bytes(call->out[2]));
    for (int64_t i = 0, group = 0, end; i < r.s.count; i = end, group++) {
        end = group_end(&r, i);
        put_index(&r, r.items[i], keep_dims, TENSOR_AT(call->out[0], int64_t) + group * shape.rank);
        combine_group(&r, i, end, (char *)call->out[1]->data + (size_t)group * size);
    }
    return CODE_OK;
}

static enum code reduce_prepare(struct op_call *call, struct error *err)
{
    bool *keep_dims = ARENA_NEW(call->arena, bool);
    (void)err;
    *keep_dims = op_attr_bool(call, "keep_dims");
    call->state = keep_dims;
    return CODE_OK;
}

#define REDUCE_OP(symbol, outs, dtypes, run_fn)                                                    \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "input_indices:int64 input_values:T input_shape:int64 reduction_axes:int32",     \
        .outputs = outs,                                                                           \
        .attrs = "keep_dims:bool=false T:type",                                                    \
        .flags = OP_DYNAMIC,                                                                       \
        .types = dtypes,                                                                           \
        .prepare = reduce_prepare,                                                                 \
        .run = run_fn,                                                                             \
    }
#define SPARSE_OUTPUTS "output_indices:int64 output_values:T output_shape:int64"

REDUCE_OP(SparseReduceSum, "output:T", OP_TYPES_NUMBER, dense_run);
REDUCE_OP(SparseReduceMax, "output:T", OP_TYPES_REAL, dense_run);
REDUCE_OP(SparseReduceSumSparse, SPARSE_OUTPUTS, OP_TYPES_NUMBER, sparse_run);
REDUCE_OP(SparseReduceMaxSparse, SPARSE_OUTPUTS, OP_TYPES_REAL, sparse_run);
