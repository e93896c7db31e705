/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SparseCross, SparseCrossV2: all combinations of the features of each row, one feature of each
 * column: their texts joined, or their fingerprints combined. The columns are sparse matrices
 * [batch, ...] and then dense ones.
 */
#include <inttypes.h>
#include <stdio.h>

#include "ops/kernel.h"
#include "ops/string/fingerprint.h"

struct column {
    const struct tensor *values; /* int64 or string */
    const int64_t *starts;       /* sparse: [batch + 1] into values; NULL: dense */
    int64_t width;               /* dense: features of each row */
};

struct cross {
    struct op_call *call;
    struct column *columns;
    int count, sparse;
    int64_t batch;
    int64_t total, longest; /* combinations: of all rows, of the longest row */
};

static const struct tensor *dense_input(const struct cross *x, int i)
{
    return x->call->in[3 * x->sparse + i];
}

static const struct tensor *sparse_input(const struct cross *x, int part, int i)
{
    return x->call->in[part * x->sparse + i];
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
    for (int i = 0; i < x->count - x->sparse; i++) {
        if (dense_input(x, i)->shape.rank != 2)
            return wrong("Dense inputs should be a matrix", dense_input(x, i), i, err);
    }
    return CODE_OK;
}

/* Every column has a part of each row. */
static enum code check_batch(struct cross *x, struct error *err)
{
    if (x->sparse)
        x->batch = TENSOR_AT(sparse_input(x, 2, 0), int64_t)[0];
    else
        x->batch = x->count ? dense_input(x, 0)->shape.dims[0] : 0;
    for (int i = 0; i < x->count; i++) {
        bool sparse = i < x->sparse;
        int64_t rows = sparse ? TENSOR_AT(sparse_input(x, 2, i), int64_t)[0]
                              : dense_input(x, i - x->sparse)->shape.dims[0];
        if (rows != x->batch)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Expected batch size %lld got %lld at %s %d", (long long)x->batch,
                             (long long)rows, sparse ? "position" : "dense tensor",
                             sparse ? i : i - x->sparse);
    }
    if (x->batch < 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected a batch size of at least 0, got %lld", (long long)x->batch);
    return CODE_OK;
}

/* Where each row's features begin among the values, which lie in the order of the rows. */
static enum code find_rows(const struct cross *x, int i, struct error *err)
{
    const struct tensor *indices = sparse_input(x, 0, i);
    int64_t *starts, rows;
    if (__builtin_add_overflow(x->batch, 1, &rows))
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for %lld rows", (long long)x->batch);
    enum code code = kernel_array(x->call, rows, sizeof *starts, &starts, err);
    if (code)
        return code;
    for (int64_t k = 0; k < indices->shape.dims[0]; k++) {
        int64_t row = TENSOR_AT(indices, int64_t)[2 * k];
        if (row < 0 || row >= x->batch)
            return error_set(
                err, CODE_INVALID_ARGUMENT,
                "Got batch index %lld of a batch of %lld, at entry %lld of position %d",
                (long long)row, (long long)x->batch, (long long)k, i);
        starts[row + 1]++;
    }
    for (int64_t row = 0; row < x->batch; row++)
        starts[row + 1] += starts[row];
    x->columns[i] = (struct column){.values = sparse_input(x, 1, i), .starts = starts};
    return CODE_OK;
}

static int64_t row_features(const struct column *c, int64_t row)
{
    return c->starts ? c->starts[row + 1] - c->starts[row] : c->width;
}

static enum code count_combinations(struct cross *x, struct error *err)
{
    for (int64_t row = 0; row < x->batch; row++) {
        int64_t n = x->count ? 1 : 0;
        bool over = false;
        for (int i = 0; i < x->count; i++) {
            int64_t features = row_features(&x->columns[i], row);
            over |= __builtin_mul_overflow(n, features, &n);
            if (!features)
                over = false;
        }
        if (over || __builtin_add_overflow(x->total, n, &x->total))
            return error_set(err, CODE_RESOURCE_EXHAUSTED, "row %lld has too many combinations",
                             (long long)row);
        x->longest = n > x->longest ? n : x->longest;
    }
    return CODE_OK;
}

static enum code read_columns(struct cross *x, struct error *err)
{
    int dense;
    (void)op_call_input(x->call, "indices", &x->sparse);
    (void)op_call_input(x->call, "dense_inputs", &dense);
    x->count = x->sparse + dense;
    enum code code = check_sparse(x, err);
    if (!code)
        code = check_dense(x, err);
    if (!code)
        code = check_batch(x, err);
    if (!code)
        code = kernel_array(x->call, x->count + 1, sizeof *x->columns, &x->columns, err);
    for (int i = 0; !code && i < x->sparse; i++)
        code = find_rows(x, i, err);
    for (int i = 0; !code && i < dense; i++)
        x->columns[x->sparse + i] =
            (struct column){.values = dense_input(x, i), .width = dense_input(x, i)->shape.dims[1]};
    return code ? code : count_combinations(x, err);
}

/* ---- one combination: feature picked[i] of column i ---- */

static int64_t feature_at(const struct column *c, int64_t row, int64_t picked)
{
    return (c->starts ? c->starts[row] : row * c->width) + picked;
}

/* The next combination: the last column turns fastest. */
static void turn(const struct cross *x, int64_t row, int64_t *picked)
{
    for (int i = x->count - 1; i >= 0; i--) {
        if (++picked[i] < row_features(&x->columns[i], row))
            return;
        picked[i] = 0;
    }
}

static uint64_t hash_of(const struct cross *x, int64_t row, const int64_t *picked, uint64_t key)
{
    for (int i = 0; i < x->count; i++) {
        const struct tensor *values = x->columns[i].values;
        int64_t at = feature_at(&x->columns[i], row, picked[i]);
        key = fingerprint_cat(key, values->dtype == DTYPE_STRING
                                       ? fingerprint(TENSOR_AT(values, struct span)[at])
                                       : (uint64_t)TENSOR_AT(values, int64_t)[at]);
    }
    return key;
}

static struct span feature_text(const struct tensor *values, int64_t at, char number[24])
{
    if (values->dtype == DTYPE_STRING)
        return TENSOR_AT(values, struct span)[at];
    int n = snprintf(number, 24, "%" PRId64, TENSOR_AT(values, int64_t)[at]);
    return (struct span){number, (size_t)n};
}

static enum code joined(const struct cross *x, int64_t row, const int64_t *picked,
                        struct span separator, struct span *result, struct error *err)
{
    char number[24];
    size_t len = 0;
    for (int i = 0; i < x->count; i++) {
        int64_t at = feature_at(&x->columns[i], row, picked[i]);
        len += feature_text(x->columns[i].values, at, number).len + (i ? separator.len : 0);
    }
    char *p;
    enum code code = kernel_array(x->call, (int64_t)len, 1, &p, err);
    if (code)
        return code;
    *result = (struct span){p, len};
    for (int i = 0; i < x->count; i++) {
        int64_t at = feature_at(&x->columns[i], row, picked[i]);
        struct span text = feature_text(x->columns[i].values, at, number);
        if (i && separator.len)
            p = (char *)memcpy(p, separator.ptr, separator.len) + separator.len;
        if (text.len)
            p = (char *)memcpy(p, text.ptr, text.len) + text.len;
    }
    return CODE_OK;
}

/* ---- the ops ---- */

struct hashing {
    uint64_t key, buckets;
};

static enum code put(const struct cross *x, int64_t at, int64_t row, const int64_t *picked,
                     const struct hashing *hashing, struct span separator, struct error *err)
{
    struct tensor *out = x->call->out[1];
    if (!hashing)
        return joined(x, row, picked, separator, &TENSOR_AT(out, struct span)[at], err);
    uint64_t hash = hash_of(x, row, picked, hashing->key);
    TENSOR_AT(out, int64_t)
    [at] = (int64_t)(hash % (hashing->buckets ? hashing->buckets : INT64_MAX));
    return CODE_OK;
}

/* Texts when `hashing` is NULL. */
static enum code run(struct op_call *call, const struct hashing *hashing, struct span separator,
                     struct error *err)
{
    struct cross x = {.call = call};
    enum code code = read_columns(&x, err);
    struct shape indices = {2, {x.total, 2}}, values = shape_vector(x.total);
    struct shape two = shape_vector(2);
    int64_t *picked;
    if (!code)
        code = op_call_alloc(call, 0, &indices, err);
    if (!code)
        code = op_call_alloc(call, 1, &values, err);
    if (!code)
        code = op_call_alloc(call, 2, &two, err);
    if (!code)
        code = kernel_array(call, x.count + 1, sizeof *picked, &picked, err);
    if (code)
        return code;
    TENSOR_AT(call->out[2], int64_t)[0] = x.batch;
    TENSOR_AT(call->out[2], int64_t)[1] = x.longest;
    int64_t at = 0;
    for (int64_t row = 0; row < x.batch; row++) {
        int64_t n = x.count ? 1 : 0;
        for (int i = 0; n && i < x.count; i++)
            n *= row_features(&x.columns[i], row);
        for (int64_t k = 0; k < n; k++, at++, turn(&x, row, picked)) {
            TENSOR_AT(call->out[0], int64_t)[2 * at] = row;
            TENSOR_AT(call->out[0], int64_t)[2 * at + 1] = k;
            code = put(&x, at, row, picked, hashing, separator, err);
            if (code)
                return code;
        }
    }
    return CODE_OK;
}

/* indices..., values..., shapes..., dense_inputs... -> output_indices, output_values, output_shape.
 */
static enum code cross_run(struct op_call *call, struct error *err)
{
    struct hashing hashing = {.key = (uint64_t)op_attr_int(call, "hash_key"),
                              .buckets = (uint64_t)op_attr_int(call, "num_buckets")};
    bool hashed = op_attr_bool(call, "hashed_output");
    if (hashed != (call->out[1]->dtype == DTYPE_INT64))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "hashed_output is %s, which does not fit an out_type of %s",
                         hashed ? "true" : "false", dtype_name(call->out[1]->dtype));
    return run(call, hashed ? &hashing : NULL, SPAN_LITERAL("_X_"), err);
}

/* ..., sep [] -> the same */
static enum code cross_v2_run(struct op_call *call, struct error *err)
{
    int count;
    const struct tensor *sep = call->in[op_call_input(call, "sep", &count)];
    char text[SHAPE_TEXT_SIZE];
    if (sep->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input separator should be a scalar. Received: shape %s",
                         shape_text(&sep->shape, text));
    return run(call, NULL, *TENSOR_AT(sep, struct span), err);
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
