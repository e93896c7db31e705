/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RaggedCross: all combinations of the features of each row, one feature of each input: texts or
 * hashes. Ragged, sparse and dense inputs come in the order that an attribute tells: 'R', 'S', 'D'.
 */
#include "ops/ragged/ragged.h"
#include "ops/sparse/crossing.h"

enum kind { RAGGED, SPARSE, DENSE, KINDS };

static const char letters[] = {'R', 'S', 'D'};

struct cross {
    struct span order;
    int count[KINDS];
    int ragged, splits, indices, values, shapes, dense; /* the first input of each */
    bool hashed;
    struct crossing_hash how;
};

static enum code check_lists(const struct op_call *call, struct cross *c, struct error *err)
{
    int splits, values;
    c->ragged = op_call_input(call, "ragged_values", &c->count[RAGGED]);
    c->splits = op_call_input(call, "ragged_row_splits", &splits);
    c->indices = op_call_input(call, "sparse_indices", &c->count[SPARSE]);
    c->values = op_call_input(call, "sparse_values", &values);
    c->shapes = op_call_input(call, "sparse_shape", &c->count[SPARSE]);
    c->dense = op_call_input(call, "dense_inputs", &c->count[DENSE]);
    if (c->count[RAGGED] != splits)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "ragged values and splits must have the same length");
    if (c->count[SPARSE] != values)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "sparse indices and values must have the same length");
    if (c->order.len != (size_t)(splits + values + c->count[DENSE]))
        return error_set(err, CODE_INVALID_ARGUMENT, "Invalid length for input_order");
    return CODE_OK;
}

static enum code cross_prepare(struct op_call *call, struct error *err)
{
    struct cross *c = ARENA_NEW(call->arena, struct cross);
    call->state = c;
    c->order = op_attr_string(call, "input_order");
    c->hashed = call->out[0]->dtype == DTYPE_INT64;
    c->how = (struct crossing_hash){
        .starts_with_key = true,
        .key = (uint64_t)op_attr_int(call, "hash_key"),
        .buckets = (uint64_t)op_attr_int(call, "num_buckets"),
    };
    return check_lists(call, c, err);
}

/* ---- checks ---- */

static enum code not_of_rank_2(struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "tf.ragged.cross only supports inputs with rank=2.");
}

static enum code check_inputs(const struct op_call *call, const struct cross *c, struct error *err)
{
    const struct tensor *const *in = call->in;
    enum code code = CODE_OK;
    for (int i = 0; !code && i < c->count[RAGGED]; i++) {
        const struct tensor *values = in[c->ragged + i], *splits = in[c->splits + i];
        if (values->shape.rank != 1 || splits->shape.rank != 1)
            return not_of_rank_2(err);
        code = ragged_check_splits(splits, values->shape.dims[0], err);
    }
    for (int i = 0; !code && i < c->count[SPARSE]; i++) {
        const struct shape *indices = &in[c->indices + i]->shape,
                           *shape = &in[c->shapes + i]->shape;
        const struct shape *values = &in[c->values + i]->shape;
        if (indices->rank != 2 || values->rank != 1 || shape->rank != 1)
            return error_set(err, CODE_INVALID_ARGUMENT, "Invalid SparseTensor %d", i);
        if (shape->dims[0] != 2)
            return not_of_rank_2(err);
        if (indices->dims[0] != values->dims[0] || indices->dims[1] != 2)
            return error_set(err, CODE_INVALID_ARGUMENT, "Invalid SparseTensor %d", i);
    }
    for (int i = 0; !code && i < c->count[DENSE]; i++) {
        if (in[c->dense + i]->shape.rank != 2)
            return not_of_rank_2(err);
    }
    return code;
}

/* Rows of input i of a kind. */
static int64_t rows_of(const struct op_call *call, const struct cross *c, enum kind kind, int i)
{
    if (kind == RAGGED)
        return call->in[c->splits + i]->shape.dims[0] - 1;
    return kind == DENSE ? call->in[c->dense + i]->shape.dims[0]
                         : *TENSOR_AT(call->in[c->shapes + i], int64_t);
}

static enum code find_batch(struct crossing *x, const struct cross *c, struct error *err)
{
    x->batch = c->order.len ? -1 : 0;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        for (int i = 0; i < c->count[kind]; i++) {
            int64_t rows = rows_of(x->call, c, kind, i);
            if (x->batch < 0)
                x->batch = rows;
            if (rows < 0 || rows != x->batch)
                return error_set(err, CODE_INVALID_ARGUMENT,
                                 "inputs must all have the same batch dimension size.");
        }
    }
    return CODE_OK;
}

/* ---- columns ---- */

static enum code starts_of(const struct crossing *x, const struct tensor *splits,
                           const int64_t **result, struct error *err)
{
    int64_t *starts;
    enum code code = kernel_array(x->call, x->batch + 1, sizeof *starts, &starts, err);
    for (int64_t i = 0; !code && i <= x->batch; i++)
        starts[i] = tensor_int(splits, i);
    *result = starts;
    return code;
}

static enum code read_column(const struct crossing *x, const struct cross *c, enum kind kind, int i,
                             struct error *err)
{
    const struct tensor *const *in = x->call->in;
    struct crossing_column *column = &x->columns[x->count];
    if (kind == RAGGED) {
        column->values = in[c->ragged + i];
        return starts_of(x, in[c->splits + i], &column->starts, err);
    }
    if (kind == SPARSE) {
        column->values = in[c->values + i];
        return crossing_find_rows(x, in[c->indices + i], i, &column->starts, err);
    }
    column->values = in[c->dense + i];
    column->width = column->values->shape.dims[1];
    return CODE_OK;
}

static enum code read_columns(struct crossing *x, const struct cross *c, struct error *err)
{
    static const char *const names[] = {"ragged tensor value", "sparse tensor value",
                                        "dense tensor"};
    int next[KINDS] = {0};
    enum code code =
        kernel_array(x->call, (int64_t)c->order.len + 1, sizeof *x->columns, &x->columns, err);
    for (size_t at = 0; !code && at < c->order.len; at++, x->count++) {
        const char *letter = memchr(letters, c->order.ptr[at], sizeof letters);
        if (!letter)
            return error_set(err, CODE_INVALID_ARGUMENT, "Unexpected input_order value.");
        enum kind kind = (enum kind)(letter - letters);
        int i = next[kind]++;
        if (i >= c->count[kind])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "input_order \"%.*s\" specifies reading a %s at index %d from a list "
                             "of %d %s.",
                             SPAN_ARG(c->order), names[kind], i, c->count[kind],
                             kind == DENSE ? "tensors" : "values");
        code = read_column(x, c, kind, i, err);
    }
    return code;
}

/* ---- output ---- */

static enum code put_rows(struct crossing *x, const struct cross *c, struct error *err)
{
    struct tensor *const *out = x->call->out;
    struct shape values = shape_vector(x->total), splits = shape_vector(x->batch + 1);
    int64_t *picked, at = 0;
    enum code code = op_call_alloc(x->call, 0, &values, err);
    if (!code)
        code = op_call_alloc(x->call, 1, &splits, err);
    if (!code)
        code = kernel_array(x->call, x->count + 1, sizeof *picked, &picked, err);
    for (int64_t row = 0; !code && row <= x->batch; row++) {
        kernel_put_index(out[1], row, at);
        int64_t n = row < x->batch ? crossing_of_row(x, row) : 0;
        for (int64_t k = 0; !code && k < n; k++, at++, crossing_next(x, row, picked)) {
            if (c->hashed)
                TENSOR_AT(out[0], int64_t)[at] = crossing_hash(x, row, picked, &c->how);
            else
                code = crossing_text(x, row, picked, SPAN_LITERAL("_X_"),
                                     &TENSOR_AT(out[0], struct span)[at], err);
        }
    }
    return code;
}

/* ragged_values..., ragged_row_splits..., sparse_indices..., sparse_values..., sparse_shape...,
 * dense_inputs... -> output_values, output_row_splits */
static enum code cross_run(struct op_call *call, struct error *err)
{
    const struct cross *c = call->state;
    struct crossing x = {.call = call};
    enum code code = check_inputs(call, c, err);
    if (!code)
        code = find_batch(&x, c, err);
    if (!code)
        code = read_columns(&x, c, err);
    if (!code)
        code = crossing_measure(&x, err);
    return code ? code : put_rows(&x, c, err);
}

const struct op op_RaggedCross = {
    .name = "RaggedCross",
    .inputs = "ragged_values:ragged_values_types ragged_row_splits:ragged_splits_types "
              "sparse_indices:Nsparse*int64 sparse_values:sparse_values_types "
              "sparse_shape:Nsparse*int64 dense_inputs:dense_types",
    .outputs = "output_values:out_values_type output_row_splits:out_row_splits_type",
    .attrs = "Nsparse:int input_order:string hashed_output:bool num_buckets:int hash_key:int "
             "ragged_values_types:list(type) ragged_splits_types:list(type) "
             "sparse_values_types:list(type) dense_types:list(type) out_values_type:type "
             "out_row_splits_type:index",
    .flags = OP_DYNAMIC,
    .types = OP_TYPE(DTYPE_INT64) | OP_TYPE(DTYPE_STRING),
    .types_attr = "out_values_type",
    .prepare = cross_prepare,
    .run = cross_run,
};
