/* SPDX-License-Identifier: Apache-2.0 */
/* SparseReorder and SparseConcat: entries in row-major order, of one sparse tensor or of several.
 */
#include <stdlib.h>

#include "ops/kernel.h"
#include "ops/sparse/sparse.h"

/* An entry to be sorted: where its index lies, and which value it is. */
struct entry {
    const int64_t *index;
    int rank;
    int64_t number;
};

static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    for (int d = 0; d < x->rank; d++) {
        if (x->index[d] != y->index[d])
            return x->index[d] < y->index[d] ? -1 : 1;
    }
    return x->number < y->number ? -1 : x->number > y->number; /* keeps their order */
}

/* Sorted; qsort() takes memory of its own only for large arrays. */
static enum code sort(const struct op_call *call, const int64_t *indices, int64_t count, int rank,
                      struct entry **entries, struct error *err)
{
    enum code code = kernel_array(call, count + 1, sizeof **entries, entries, err);
    for (int64_t i = 0; !code && i < count; i++)
        (*entries)[i] = (struct entry){indices + i * rank, rank, i};
    if (!code)
        qsort(*entries, (size_t)count, sizeof **entries, compare);
    return code;
}

/* Outputs 0 and 1: the entries in that order. */
static enum code give(struct op_call *call, const struct entry *entries, int64_t count, int rank,
                      const struct tensor *values, struct error *err)
{
    struct shape indices = {2, {count, rank}}, vector = shape_vector(count);
    enum code code = op_call_alloc(call, 0, &indices, err);
    if (!code)
        code = op_call_alloc(call, 1, &vector, err);
    size_t size = dtype_size(values->dtype), row = (size_t)rank * sizeof(int64_t);
    for (int64_t i = 0; !code && i < count; i++) {
        if (row)
            memcpy((char *)call->out[0]->data + (size_t)i * row, entries[i].index, row);
        memcpy((char *)call->out[1]->data + (size_t)i * size,
               (const char *)values->data + (size_t)entries[i].number * size, size);
    }
    return code;
}

/* What TensorFlow says of three tensors that do not make a sparse one together. */
static enum code check_parts(const struct op_call *call, struct error *err)
{
    static const struct {
        const char *name;
        int rank;
    } PARTS[] = {{"indices", 2}, {"values", 1}, {"shape", 1}};
    for (int i = 0; i < 3; i++) {
        if (call->in[i]->shape.rank != PARTS[i].rank)
            return error_set(err, CODE_INVALID_ARGUMENT, "Sparse %s must be rank %d but is rank %d",
                             PARTS[i].name, PARTS[i].rank, call->in[i]->shape.rank);
    }
    const int64_t *indices = call->in[0]->shape.dims;
    if (indices[0] != call->in[1]->shape.dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Number of elements in indices (%lld) and values (%lld) do not match",
                         (long long)indices[0], (long long)call->in[1]->shape.dims[0]);
    if (indices[1] != call->in[2]->shape.dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Index rank (%lld) and shape rank (%lld) do not match",
                         (long long)indices[1], (long long)call->in[2]->shape.dims[0]);
    return CODE_OK;
}

/* input_indices [n, rank], input_values [n], input_shape [rank] -> output_indices, output_values.
 */
static enum code reorder_run(struct op_call *call, struct error *err)
{
    struct sparse sparse;
    struct entry *entries;
    enum code code = check_parts(call, err);
    if (!code)
        code = sparse_read(call, (const int[]){0, 1, 2}, &sparse, err);
    if (!code)
        code = sort(call, sparse.indices, sparse.count, sparse.shape.rank, &entries, err);
    return code ? code : give(call, entries, sparse.count, sparse.shape.rank, call->in[1], err);
}

/* ---- concat ---- */

struct concat {
    int count; /* of the inputs */
    int axis;
    int64_t entries;
    struct shape shape; /* of the result */
};

static enum code check_shapes(const struct op_call *call, struct concat *c, struct error *err)
{
    (void)op_call_input(call, "indices", &c->count);
    for (int i = 0; i < c->count; i++) {
        struct sparse s;
        int parts[3] = {i, c->count + i, 2 * c->count + i};
        enum code code = sparse_read(call, parts, &s, err);
        if (code)
            return code;
        c->entries += s.count;
        if (i == 0) {
            c->shape = s.shape;
            int64_t axis = op_attr_int(call, "concat_dim");
            if (!kernel_axis(axis, s.shape.rank, &c->axis))
                return error_set(err, CODE_INVALID_ARGUMENT,
                                 "Concat dimension must be in range [%d, %d), got %lld",
                                 -s.shape.rank, s.shape.rank, (long long)axis);
            continue;
        }
        if (s.shape.rank != c->shape.rank)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Ranks of all input tensors must match: expected %d but got %d at "
                             "position %d",
                             c->shape.rank, s.shape.rank, i);
        for (int d = 0; d < s.shape.rank; d++) {
            if (d != c->axis && s.shape.dims[d] != c->shape.dims[d])
                return error_set(err, CODE_INVALID_ARGUMENT,
                                 "Input shapes must match: expected %lld for dimension %d but got "
                                 "%lld at position %d",
                                 (long long)c->shape.dims[d], d, (long long)s.shape.dims[d], i);
        }
        if (__builtin_add_overflow(c->shape.dims[c->axis], s.shape.dims[c->axis],
                                   &c->shape.dims[c->axis]))
            return error_set(err, CODE_INVALID_ARGUMENT, "the concatenation has too many rows");
    }
    return CODE_OK;
}

/* indices..., values..., shapes... -> output_indices, output_values, output_shape. */
static enum code concat_run(struct op_call *call, struct error *err)
{
    struct concat c = {0};
    int64_t *indices;
    char *values;
    struct entry *entries;
    size_t size = dtype_size(call->out[1]->dtype);
    enum code code = check_shapes(call, &c, err);
    int64_t numbers;
    if (!code && __builtin_mul_overflow(c.entries, (int64_t)c.shape.rank, &numbers))
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a concatenation");
    if (!code)
        code = kernel_array(call, numbers + 1, sizeof *indices, &indices, err);
    if (!code)
        code = kernel_array(call, c.entries + 1, size, &values, err);
    if (code)
        return code;
    int64_t at = 0, offset = 0;
    for (int i = 0; i < c.count; i++) {
        struct sparse s;
        sparse_read(call, (const int[]){i, c.count + i, 2 * c.count + i}, &s, NULL);
        for (int64_t k = 0; k < s.count; k++, at++) {
            for (int d = 0; d < c.shape.rank; d++)
                indices[at * c.shape.rank + d] =
                    (int64_t)((uint64_t)s.indices[k * c.shape.rank + d] +
                              (uint64_t)(d == c.axis ? offset : 0));
            memcpy(values + (size_t)at * size, (const char *)s.values->data + (size_t)k * size,
                   size);
        }
        offset += s.shape.dims[c.axis];
    }
    struct tensor all = {
        .dtype = call->out[1]->dtype, .shape = shape_vector(c.entries), .data = values};
    struct shape vector = shape_vector(c.shape.rank);
    code = sort(call, indices, c.entries, c.shape.rank, &entries, err);
    if (!code)
        code = give(call, entries, c.entries, c.shape.rank, &all, err);
    if (!code)
        code = op_call_alloc(call, 2, &vector, err);
    if (!code)
        memcpy(call->out[2]->data, c.shape.dims, (size_t)c.shape.rank * sizeof(int64_t));
    return code;
}

const struct op op_SparseReorder = {
    .name = "SparseReorder",
    .inputs = "input_indices:int64 input_values:T input_shape:int64",
    .outputs = "output_indices:int64 output_values:T",
    .attrs = "T:type",
    .flags = OP_DYNAMIC,
    .run = reorder_run,
};

const struct op op_SparseConcat = {
    .name = "SparseConcat",
    .inputs = "indices:N*int64 values:N*T shapes:N*int64",
    .outputs = "output_indices:int64 output_values:T output_shape:int64",
    .attrs = "concat_dim:int N:int T:type",
    .flags = OP_DYNAMIC,
    .run = concat_run,
};
