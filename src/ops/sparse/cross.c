/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SparseCross, SparseCrossV2, SparseCrossHashed: all combinations of the features of each row, one
 * feature of each column: their texts joined, or their fingerprints combined. The columns are
 * sparse matrices [batch, ...] and then dense ones.
 */
#include "ops/sparse/crossing.h"

struct cross {
    struct crossing x;
    int sparse; /* columns */
};

static const struct tensor *dense_input(const struct cross *x, int i)
{
    return x->x.call->in[3 * x->sparse + i];
}

static const struct tensor *sparse_input(const struct cross *x, int part, int i)
{
    return x->x.call->in[part * x->sparse + i];
}

static enum code wrong(const char *what, const struct tensor *t, int position, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    return error_set(err, CODE_INVALID_ARGUMENT, "%s but received shape %s at position %d", what,
                     shape_text(&t->shape, text), position);
}

static enum code check_sparse(const struct cross *x, struct error *err)
{
    for (int i = 0; i < x->sparse; i++) {
        const struct tensor *t = sparse_input(x, 0, i);
        if (t->shape.rank != 2)
            return wrong("Input indices should be a matrix", t, i, err);
        if (t->shape.dims[1] != 2)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Expected D2 of index to be 2 got %lld at position %d",
                             (long long)t->shape.dims[1], i);
    }
    for (int i = 0; i < x->sparse; i++) {
        const struct tensor *t = sparse_input(x, 1, i);
        int64_t expected = sparse_input(x, 0, i)->shape.dims[0];
        if (t->shape.rank != 1)
            return wrong("Input values should be a vector", t, i, err);
        if (t->shape.dims[0] != expected)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Expected size of values to be %lld got %lld at position %d",
                             (long long)expected, (long long)t->shape.dims[0], i);
    }
    for (int i = 0; i < x->sparse; i++) {
        const struct tensor *t = sparse_input(x, 2, i);
        if (t->shape.rank != 1)
            return wrong("Input shapes should be a vector", t, i, err);
        if (t->shape.dims[0] != 2)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "shape should imply a 2D tensor, but got [%lld] at position %d",
                             (long long)t->shape.dims[0], i);
    }
    return CODE_OK;
}

static enum code check_dense(const struct cross *x, struct error *err)
{
    for (int i = 0; i < x->x.count - x->sparse; i++) {
        if (dense_input(x, i)->shape.rank != 2)
            return wrong("Dense inputs should be a matrix", dense_input(x, i), i, err);
    }
    return CODE_OK;
}

/* Every column has a part of each row. */
static enum code check_batch(struct cross *x, struct error *err)
{
    if (x->sparse)
        x->x.batch = TENSOR_AT(sparse_input(x, 2, 0), int64_t)[0];
    else
        x->x.batch = x->x.count ? dense_input(x, 0)->shape.dims[0] : 0;
    for (int i = 0; i < x->x.count; i++) {
        bool sparse = i < x->sparse;
        int64_t rows = sparse ? TENSOR_AT(sparse_input(x, 2, i), int64_t)[0]
                              : dense_input(x, i - x->sparse)->shape.dims[0];
        if (rows != x->x.batch)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Expected batch size %lld got %lld at %s %d", (long long)x->x.batch,
                             (long long)rows, sparse ? "position" : "dense tensor",
                             sparse ? i : i - x->sparse);
    }
    if (x->x.batch < 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected a batch size of at least 0, got %lld", (long long)x->x.batch);
    return CODE_OK;
}

static enum code read_columns(struct cross *x, struct error *err)
{
    int dense;
    (void)op_call_input(x->x.call, "indices", &x->sparse);
    (void)op_call_input(x->x.call, "dense_inputs", &dense);
    x->x.count = x->sparse + dense;
    enum code code = check_sparse(x, err);
    if (!code)
        code = check_dense(x, err);
    if (!code)
        code = check_batch(x, err);
    if (!code)
        code = kernel_array(x->x.call, x->x.count + 1, sizeof *x->x.columns, &x->x.columns, err);
    for (int i = 0; !code && i < x->sparse; i++) {
        x->x.columns[i].values = sparse_input(x, 1, i);
        code = crossing_find_rows(&x->x, sparse_input(x, 0, i), i, &x->x.columns[i].starts, err);
    }
    for (int i = 0; !code && i < dense; i++)
        x->x.columns[x->sparse + i] = (struct crossing_column){
            .values = dense_input(x, i), .width = dense_input(x, i)->shape.dims[1]};
    return code ? code : crossing_measure(&x->x, err);
}

/* ---- the ops ---- */

/* Texts when `how` is NULL. */
static enum code put_rows(const struct crossing *x, const struct crossing_hash *how,
                          struct span separator, struct error *err)
{
    struct tensor *const *out = x->call->out;
    int64_t *picked, at = 0;
    enum code code = kernel_array(x->call, x->count + 1, sizeof *picked, &picked, err);
    for (int64_t row = 0; row < x->batch; row++) {
        int64_t n = crossing_of_row(x, row);
        for (int64_t k = 0; !code && k < n; k++, at++, crossing_next(x, row, picked)) {
            TENSOR_AT(out[0], int64_t)[2 * at] = row;
            TENSOR_AT(out[0], int64_t)[2 * at + 1] = k;
            if (how)
                TENSOR_AT(out[1], int64_t)[at] = crossing_hash(x, row, picked, how);
            else
                code = crossing_text(x, row, picked, separator, &TENSOR_AT(out[1], struct span)[at],
                                     err);
        }
    }
    return code;
}

static enum code run(struct op_call *call, const struct crossing_hash *how, struct span separator,
                     struct error *err)
{
    struct cross x = {.x.call = call};
    enum code code = read_columns(&x, err);
    struct shape indices = {2, {x.x.total, 2}}, values = shape_vector(x.x.total);
    struct shape two = shape_vector(2);
    if (!code)
        code = op_call_alloc(call, 0, &indices, err);
    if (!code)
        code = op_call_alloc(call, 1, &values, err);
    if (!code)
        code = op_call_alloc(call, 2, &two, err);
    if (code)
        return code;
    TENSOR_AT(call->out[2], int64_t)[0] = x.x.batch;
    TENSOR_AT(call->out[2], int64_t)[1] = x.x.longest;
    return put_rows(&x.x, how, separator, err);
}

/* indices..., values..., shapes..., dense_inputs... -> output_indices, output_values, output_shape.
 */
static enum code cross_run(struct op_call *call, struct error *err)
{
    struct crossing_hash how = {
        .starts_with_key = true,
        .key = (uint64_t)op_attr_int(call, "hash_key"),
        .buckets = (uint64_t)op_attr_int(call, "num_buckets"),
    };
    bool hashed = op_attr_bool(call, "hashed_output");
    if (hashed != (call->out[1]->dtype == DTYPE_INT64))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "hashed_output is %s, which does not fit an out_type of %s",
                         hashed ? "true" : "false", dtype_name(call->out[1]->dtype));
    return run(call, hashed ? &how : NULL, SPAN_LITERAL("_X_"), err);
}

/* ..., sep [] -> the same */
static enum code cross_v2_run(struct op_call *call, struct error *err)
{
    const struct tensor *sep = call->in[call->in_count - 1];
    char text[SHAPE_TEXT_SIZE];
    if (sep->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input separator should be a scalar. Received: shape %s",
                         shape_text(&sep->shape, text));
    return run(call, NULL, *TENSOR_AT(sep, struct span), err);
}

/* ..., num_buckets [], strong_hash [], salt [2] -> the same, hashes */
static enum code cross_hashed_run(struct op_call *call, struct error *err)
{
    const struct tensor *const *last = &call->in[call->in_count - 3];
    static const char *const names[] = {"num_buckets", "strong_hash", "salt"};
    struct crossing_hash how = {.hashes_numbers = true};
    for (int i = 0; i < 3; i++) {
        int64_t wanted = i == 2 ? 2 : 1, n = tensor_elements(last[i]);
        if (n != wanted)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Input \"%s\" must have length %lld but has length %lld", names[i],
                             (long long)wanted, (long long)n);
    }
    how.buckets = (uint64_t)*TENSOR_AT(last[0], int64_t);
    if (*TENSOR_AT(last[1], bool))
        how.strong = TENSOR_AT(last[2], uint64_t);
    return run(call, &how, SPAN_LITERAL(""), err);
}

const struct op op_SparseCross = {
    .name = "SparseCross",
    .inputs = "indices:N*int64 values:sparse_types shapes:N*int64 dense_inputs:dense_types",
    .outputs = "output_indices:int64 output_values:out_type output_shape:int64",
    .attrs = "N:int hashed_output:bool num_buckets:int hash_key:int sparse_types:list(type) "
             "dense_types:list(type) out_type:type internal_type:type",
    .flags = OP_DYNAMIC,
    .run = cross_run,
};

const struct op op_SparseCrossV2 = {
    .name = "SparseCrossV2",
    .inputs = "indices:N*int64 values:sparse_types shapes:N*int64 dense_inputs:dense_types "
              "sep:string",
    .outputs = "output_indices:int64 output_values:string output_shape:int64",
    .attrs = "N:int sparse_types:list(type) dense_types:list(type)",
    .flags = OP_DYNAMIC,
    .run = cross_v2_run,
};

const struct op op_SparseCrossHashed = {
    .name = "SparseCrossHashed",
    .inputs = "indices:N*int64 values:sparse_types shapes:N*int64 dense_inputs:dense_types "
              "num_buckets:int64 strong_hash:bool salt:int64",
    .outputs = "output_indices:int64 output_values:int64 output_shape:int64",
    .attrs = "N:int sparse_types:list(type) dense_types:list(type)",
    .flags = OP_DYNAMIC,
    .run = cross_hashed_run,
};
