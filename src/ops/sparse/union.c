/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SparseAdd, SparseSparseMaximum, SparseSparseMinimum: two sparse tensors of one shape, entry by
 * entry, both walked at once in the order of their indices. What one of them lacks is zero.
 */
#include <math.h>

#include "ops/array/combine.h"
#include "ops/array/sizes.h"
#include "ops/kernel.h"
#include "ops/math/number.h"
#include "ops/sparse/sparse.h"

struct pair {
    struct sparse a, b;
};

/* An entry of the result: its entry in a and in b, or -1. */
struct entry {
    int64_t a, b;
};

struct entries {
    struct entry *at;
    int64_t count;
};

static enum code walk(const struct op_call *call, const struct pair *p, struct entries *e,
                      struct error *err)
{
    int64_t i = 0, k = 0;
    enum code code = kernel_array(call, p->a.count + p->b.count + 1, sizeof *e->at, &e->at, err);
    e->count = 0;
    while (!code && (i < p->a.count || k < p->b.count)) {
        int order = i == p->a.count ? 1 : k == p->b.count ? -1 : sparse_compare(&p->a, i, &p->b, k);
        e->at[e->count++] = (struct entry){order <= 0 ? i : -1, order >= 0 ? k : -1};
        i += order <= 0;
        k += order >= 0;
    }
    return code;
}

/* Indices and values; an entry that one side lacks is combined with zero when `with_zero`. */
static enum code put(struct op_call *call, const struct pair *p, const struct entries *e,
                     enum combine combine, bool with_zero, struct error *err)
{
    enum dtype dtype = p->a.values->dtype;
    int rank = p->a.shape.rank;
    size_t size = dtype_size(dtype);
    combine_fn *fn = combine_find(combine, dtype);
    static const char zero[16];
    struct shape indices = shape_matrix(e->count, rank), values = shape_vector(e->count);
    enum code code = op_call_alloc(call, 0, &indices, err);
    if (!code)
        code = op_call_alloc(call, 1, &values, err);
    for (int64_t n = 0; !code && n < e->count; n++) {
        const struct sparse *from = e->at[n].a >= 0 ? &p->a : &p->b;
        int64_t at = e->at[n].a >= 0 ? e->at[n].a : e->at[n].b;
        char *to = (char *)call->out[1]->data + (size_t)n * size;
        memcpy(TENSOR_AT(call->out[0], int64_t) + n * rank, from->indices + at * rank,
               (size_t)rank * sizeof(int64_t));
        memcpy(to, (const char *)from->values->data + (size_t)at * size, size);
        if (e->at[n].a >= 0 && e->at[n].b >= 0)
            fn(to, (const char *)p->b.values->data + (size_t)e->at[n].b * size, 1);
        else if (with_zero)
            fn(to, zero, 1);
    }
    return code;
}

/* ---- SparseSparseMaximum, SparseSparseMinimum ---- */

static enum code check_shapes(const struct pair *p, struct error *err)
{
    if (p->a.shape.rank != p->b.shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "Operands' ranks should match: got %d and %d",
                         p->a.shape.rank, p->b.shape.rank);
    for (int i = 0; i < p->a.shape.rank; i++) {
        if (p->a.shape.dims[i] != p->b.shape.dims[i])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Operands' shapes do not match: got %lld and %lld for dimension %d",
                             (long long)p->a.shape.dims[i], (long long)p->b.shape.dims[i], i);
    }
    return CODE_OK;
}

static enum code extreme_run(struct op_call *call, struct error *err)
{
    bool most = span_is(call->node->op_name, "SparseSparseMaximum");
    struct pair p;
    struct entries e;
    enum code code = sparse_validate(call, (const int[]){0, 1, 2}, true, &p.a, err);
    if (!code)
        code = sparse_validate(call, (const int[]){3, 4, 5}, true, &p.b, err);
    if (!code)
        code = check_shapes(&p, err);
    if (!code)
        code = walk(call, &p, &e, err);
    return code ? code : put(call, &p, &e, most ? COMBINE_MAX : COMBINE_MIN, true, err);
}

/* ---- SparseAdd: a, b, thresh [] ---- */

static enum code both(const char *what, const struct tensor *a, const struct tensor *b,
                      struct error *err)
{
    char x[SHAPE_TEXT_SIZE], y[SHAPE_TEXT_SIZE];
    return error_set(err, CODE_INVALID_ARGUMENT, "%s %s and %s", what, shape_text(&a->shape, x),
                     shape_text(&b->shape, y));
}

static enum code ranks_differ(const struct tensor *a, const struct tensor *b, struct error *err)
{
    error_set(err, CODE_INVALID_ARGUMENT, "Operands do not have the same ranks; got shapes: ");
    sizes_append(a, err);
    error_append(err, " and ");
    sizes_append(b, err);
    return CODE_INVALID_ARGUMENT;
}

static enum code check_add(const struct op_call *call, struct error *err)
{
    const struct tensor *const *in = call->in;
    char text[SHAPE_TEXT_SIZE];
    if (in[0]->shape.rank != 2 || in[3]->shape.rank != 2)
        return both("Input indices should be matrices but received shapes:", in[0], in[3], err);
    if (in[1]->shape.rank != 1 || in[4]->shape.rank != 1)
        return both("Input values should be vectors but received shapes:", in[1], in[4], err);
    if (in[0]->shape.dims[0] != in[1]->shape.dims[0] ||
        in[3]->shape.dims[0] != in[4]->shape.dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected %lld and %lld non-empty input values, got %lld and %lld",
                         (long long)in[0]->shape.dims[0], (long long)in[3]->shape.dims[0],
                         (long long)in[1]->shape.dims[0], (long long)in[4]->shape.dims[0]);
    if (in[2]->shape.rank != 1 || in[5]->shape.rank != 1)
        return both("Input shapes should be a vector but received shapes", in[2], in[5], err);
    if (in[2]->shape.dims[0] != in[5]->shape.dims[0])
        return ranks_differ(in[2], in[5], err);
    for (int64_t i = 0; i < in[2]->shape.dims[0]; i++) {
        if (tensor_int(in[2], i) != tensor_int(in[5], i))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Operands' shapes do not match: got %lld and %lld for dimension %lld",
                             (long long)tensor_int(in[2], i), (long long)tensor_int(in[5], i),
                             (long long)i);
    }
    if (in[6]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The magnitude threshold must be a scalar: got shape %s",
                         shape_text(&in[6]->shape, text));
    if (in[0]->shape.dims[1] != in[3]->shape.dims[1])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input indices must have the same dimension, got %lld and %lld",
                         (long long)in[0]->shape.dims[1], (long long)in[3]->shape.dims[1]);
    if (in[0]->shape.dims[1] > SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "rank %lld is beyond %d",
                         (long long)in[0]->shape.dims[1], SHAPE_RANK_MAX);
    return CODE_OK;
}

/* The size of the sum of two entries. */
static double size_of_sum(const struct pair *p, const struct entry *e)
{
    enum dtype dtype = p->a.values->dtype;
    size_t size = dtype_size(dtype);
    double sum[2] = {0};
    memcpy(sum, (const char *)p->a.values->data + (size_t)e->a * size, size);
    combine_find(COMBINE_ADD, dtype)(sum, (const char *)p->b.values->data + (size_t)e->b * size, 1);
    if (dtype == DTYPE_COMPLEX64) {
        float parts[2];
        memcpy(parts, sum, sizeof parts);
        return (double)hypotf(parts[0], parts[1]);
    }
    if (dtype == DTYPE_COMPLEX128)
        return hypot(sum[0], sum[1]);
    const struct tensor t = {.dtype = dtype, .shape = shape_scalar(), .data = sum};
    return fabs(number_at(&t, 0));
}

/* Sums that are below the threshold are left out; what only one side has is not asked. */
static void leave_out(const struct pair *p, double threshold, struct entries *e)
{
    int64_t kept = 0;
    for (int64_t n = 0; n < e->count; n++) {
        struct entry entry = e->at[n];
        if (entry.a < 0 || entry.b < 0 || threshold <= size_of_sum(p, &entry))
            e->at[kept++] = entry;
    }
    e->count = kept;
}

static enum code add_run(struct op_call *call, struct error *err)
{
    const struct tensor *const *in = call->in;
    struct entries e;
    enum code code = check_add(call, err);
    if (code)
        return code;
    struct pair p = {
        .a = {in[0]->data, in[1], in[1]->shape.dims[0], {.rank = (int)in[0]->shape.dims[1]}},
        .b = {in[3]->data, in[4], in[4]->shape.dims[0], {.rank = (int)in[3]->shape.dims[1]}},
    };
    code = walk(call, &p, &e, err);
    if (code)
        return code;
    leave_out(&p, number_at(in[6], 0), &e);
    code = put(call, &p, &e, COMBINE_ADD, false, err);
    if (!code)
        code = op_call_alloc(call, 2, &in[2]->shape, err);
    if (!code && tensor_bytes(in[2]))
        memcpy(call->out[2]->data, in[2]->data, tensor_bytes(in[2]));
    return code;
}

#define EXTREME_OP(symbol)                                                                         \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "a_indices:int64 a_values:T a_shape:int64 b_indices:int64 b_values:T "           \
                  "b_shape:int64",                                                                 \
        .outputs = "output_indices:int64 output_values:T",                                         \
        .attrs = "T:type",                                                                         \
        .flags = OP_DYNAMIC,                                                                       \
        .types = OP_TYPES_REAL,                                                                    \
        .run = extreme_run,                                                                        \
    }

EXTREME_OP(SparseSparseMaximum);
EXTREME_OP(SparseSparseMinimum);

const struct op op_SparseAdd = {
    .name = "SparseAdd",
    .inputs = "a_indices:int64 a_values:T a_shape:int64 b_indices:int64 b_values:T b_shape:int64 "
              "thresh:Treal",
    .outputs = "sum_indices:int64 sum_values:T sum_shape:int64",
    .attrs = "T:type Treal:type",
    .flags = OP_DYNAMIC,
    .types = OP_TYPES_NUMBER,
    .run = add_run,
};
