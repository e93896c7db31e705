/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SparseSlice: the entries within a box. SparseSplit: those of each of num_split parts along a
 * dimension, the first of which are longer by one when it does not divide.
 */
#include "ops/kernel.h"
#include "ops/sparse/sparse.h"

/* Entries whose indices are within [start, start + size), shifted, at outputs first, first + step
 * and first + 2 step. */
struct box {
    int64_t start[SHAPE_RANK_MAX], size[SHAPE_RANK_MAX];
    int outputs[3];
};

static bool is_inside(const struct sparse *s, int64_t i, const struct box *box)
{
    for (int d = 0; d < s->shape.rank; d++) {
        int64_t index = s->indices[i * s->shape.rank + d], end;
        if (__builtin_add_overflow(box->start[d], box->size[d], &end))
            end = INT64_MAX;
        if (index < box->start[d] || index >= end)
            return false;
    }
    return true;
}

static enum code put_box(struct op_call *call, const struct sparse *s, const struct box *box,
                         struct error *err)
{
    int rank = s->shape.rank;
    int64_t count = 0, made = 0;
    size_t size = dtype_size(s->values->dtype);
    for (int64_t i = 0; i < s->count; i++)
        count += is_inside(s, i, box);
    struct shape indices = shape_matrix(count, rank), values = shape_vector(count);
    struct shape sizes = shape_vector(rank);
    enum code code = op_call_alloc(call, box->outputs[0], &indices, err);
    if (!code)
        code = op_call_alloc(call, box->outputs[1], &values, err);
    if (!code)
        code = op_call_alloc(call, box->outputs[2], &sizes, err);
    for (int d = 0; !code && d < rank; d++)
        TENSOR_AT(call->out[box->outputs[2]], int64_t)[d] = box->size[d];
    for (int64_t i = 0; !code && i < s->count; i++) {
        if (!is_inside(s, i, box))
            continue;
        for (int d = 0; d < rank; d++)
            TENSOR_AT(call->out[box->outputs[0]], int64_t)
        [made * rank + d] = s->indices[i * rank + d] - box->start[d];
        memcpy((char *)call->out[box->outputs[1]]->data + (size_t)made++ * size,
               (const char *)s->values->data + (size_t)i * size, size);
    }
    return code;
}

/* ---- SparseSlice: indices, values, shape, start [rank], size [rank] ---- */

static enum code check_vector(const struct op_call *call, int i, const char *name, int rank,
                              struct error *err)
{
    const struct shape *shape = &call->in[i]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (shape->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input %s should be a vector but received shape %s", name,
                         shape_text(shape, text));
    if (shape->dims[0] != rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected %s to be a vector of length %d but got length %lld", name, rank,
                         (long long)shape->dims[0]);
    return CODE_OK;
}

static enum code slice_run(struct op_call *call, struct error *err)
{
    struct sparse s;
    struct box box = {.outputs = {0, 1, 2}};
    enum code code = sparse_validate(call, (const int[]){0, 1, 2}, false, &s, err);
    if (!code)
        code = check_vector(call, 3, "start", s.shape.rank, err);
    if (!code)
        code = check_vector(call, 4, "size", s.shape.rank, err);
    for (int d = 0; !code && d < s.shape.rank; d++) {
        int64_t size = tensor_int(call->in[4], d), left;
        box.start[d] = tensor_int(call->in[3], d);
        if (size < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "Expected a non-negative size, got %lld",
                             (long long)size);
        if (__builtin_sub_overflow(s.shape.dims[d], box.start[d], &left) || left < 0)
            left = left < 0 ? 0 : size;
        box.size[d] = size < left ? size : left;
    }
    return code ? code : put_box(call, &s, &box, err);
}

/* ---- SparseSplit: split_dim [], indices, values, shape ---- */

static enum code check_split(const struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    static const struct {
        const char *what;
        int rank;
    } inputs[] = {
        {"axis should be a scalar", 0},
        {"indices should be a matrix", 2},
        {"values should be a vector", 1},
        {"shape should be a vector", 1},
    };
    for (int i = 0; i < 4; i++) {
        /* Of the values TensorFlow tells the shape of the indices. */
        const struct shape *told = &call->in[i == 2 ? 1 : i]->shape;
        if (call->in[i]->shape.rank != inputs[i].rank)
            return error_set(err, CODE_INVALID_ARGUMENT, "Input %s but received shape %s",
                             inputs[i].what, shape_text(told, text));
    }
    return CODE_OK;
}

static enum code split_run(struct op_call *call, struct error *err)
{
    struct sparse s;
    int parts = call->out_count / 3, axis;
    enum code code = check_split(call, err);
    if (!code)
        code = sparse_validate(call, (const int[]){1, 2, 3}, true, &s, err);
    if (code)
        return code;
    int64_t value = tensor_int(call->in[0], 0);
    if (!kernel_axis(value, s.shape.rank, &axis))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input axis should be in range [%d, %d), got %lld", -s.shape.rank,
                         s.shape.rank, (long long)value);
    int64_t whole = s.shape.dims[axis], at = 0;
    if (parts < 1 || parts > whole)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input num_split should be between 1 and the splitting dimension size "
                         "(%lld), got %d",
                         (long long)whole, parts);
    for (int i = 0; !code && i < parts; i++) {
        struct box box = {.outputs = {i, parts + i, 2 * parts + i}};
        memcpy(box.size, s.shape.dims, sizeof box.size);
        box.start[axis] = at;
        box.size[axis] = whole / parts + (i < whole % parts);
        at += box.size[axis];
        code = put_box(call, &s, &box, err);
    }
    return code;
}

const struct op op_SparseSlice = {
    .name = "SparseSlice",
    .inputs = "indices:int64 values:T shape:int64 start:int64 size:int64",
    .outputs = "output_indices:int64 output_values:T output_shape:int64",
    .attrs = "T:type",
    .flags = OP_DYNAMIC,
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING),
    .run = slice_run,
};

const struct op op_SparseSplit = {
    .name = "SparseSplit",
    .inputs = "split_dim:int64 indices:int64 values:T shape:int64",
    .outputs = "output_indices:num_split*int64 output_values:num_split*T "
               "output_shape:num_split*int64",
    .attrs = "num_split:int T:type",
    .flags = OP_DYNAMIC,
    .types = OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING),
    .run = split_run,
};
