/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SparseFillEmptyRows, RaggedFillEmptyRows (whose indices are row numbers alone), SparseReshape,
 * SparseToDense: sparse tensors as indices [n, rank], values [n] and a dense shape [rank].
 */
#include "ops/array/sizes.h"
#include "ops/array/view.h"
#include "ops/kernel.h"

/* ---- SparseFillEmptyRows: rows without an entry get the default at column 0 ---- */

/* Far above what memory holds; sums of it do not overflow. */
#define ROWS_MAX (INT64_C(1) << 40)

struct filling {
    int64_t rows, entries;
    int rank;
    int64_t *count; /* entries of each row */
    int64_t *next;  /* where the next entry of each row goes */
    int64_t empty;
    bool ragged; /* rank is 1, and that dimension left out; not where there are no rows at all */
};

static enum code check_filling(const struct op_call *call, struct filling *f, struct error *err)
{
    const struct shape *indices = &call->in[0]->shape;
    const struct tensor *dense = call->in[2];
    char text[SHAPE_TEXT_SIZE];
    if (dense->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "dense_shape must be a vector, saw: %s",
                         shape_text(&dense->shape, text));
    if (indices->rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "indices must be a matrix, saw: %s",
                         shape_text(indices, text));
    if (call->in[1]->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "values must be a vector, saw: %s",
                         shape_text(&call->in[1]->shape, text));
    if (indices->dims[0] != tensor_elements(call->in[1]))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The length of `values` (%lld) must match the first dimension of "
                         "`indices` (%lld).",
                         (long long)tensor_elements(call->in[1]), (long long)indices->dims[0]);
    if (call->in[3]->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "default_value must be a scalar, saw: %s",
                         shape_text(&call->in[3]->shape, text));
    if (!tensor_elements(dense) || indices->dims[1] != tensor_elements(dense))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Dense shape cannot be empty and must fit indices.");
    *f = (struct filling){.rows = TENSOR_AT(dense, int64_t)[0],
                          .entries = indices->dims[0],
                          .rank = (int)indices->dims[1]};
    if (f->rows < 0 || f->rows > ROWS_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "dense_shape[0] is %lld", (long long)f->rows);
    return CODE_OK;
}

static enum code count_rows(struct op_call *call, struct filling *f, struct error *err)
{
    const int64_t *indices = call->in[0]->data;
    f->count = arena_try_alloc(call->arena, (size_t)(f->rows + 1) * sizeof(int64_t), 8);
    f->next = arena_try_alloc(call->arena, (size_t)(f->rows + 1) * sizeof(int64_t), 8);
    if (!f->count || !f->next)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for %lld rows", (long long)f->rows);
    memset(f->count, 0, (size_t)f->rows * sizeof(int64_t));
    if (f->entries && !f->rows)
        return error_set(
            err, CODE_INVALID_ARGUMENT,
            "Received SparseTensor with dense_shape[0] = 0 but indices.shape[0] = %lld",
            (long long)f->entries);
    for (int64_t i = 0; i < f->entries; i++) {
        int64_t row = indices[i * f->rank];
        if (row < 0 || row >= f->rows)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "indices(%lld, 0) is invalid: %lld >= %lld", (long long)i,
                             (long long)row, (long long)f->rows);
        f->count[row]++;
    }
    int64_t at = 0;
    for (int64_t row = 0; row < f->rows; row++) {
        f->next[row] = at;
        f->empty += !f->count[row];
        at += f->count[row] ? f->count[row] : 1;
    }
    return CODE_OK;
}

static enum code alloc_filling(struct op_call *call, const struct filling *f, struct error *err)
{
    struct shape indices = shape_matrix(f->entries + f->empty, f->rank);
    if (f->ragged && f->rows)
        indices = shape_vector(f->entries + f->empty);
    struct shape values = shape_vector(f->entries + f->empty);
    struct shape rows = shape_vector(f->rows), map = shape_vector(f->entries);
    enum code code = op_call_alloc(call, 0, &indices, err);
    if (!code)
        code = op_call_alloc(call, 1, &values, err);
    if (!code)
        code = op_call_alloc(call, 2, &rows, err);
    return code ? code : op_call_alloc(call, 3, &map, err);
}

static enum code check_ragged(const struct op_call *call, struct filling *f, struct error *err)
{
    static const struct {
        const char *name;
        int rank;
    } inputs[] = {{"value_rowids", 1}, {"values", 1}, {"nrows", 0}, {"default_value", 0}};
    static const int order[] = {2, 0, 1, 3};
    char text[SHAPE_TEXT_SIZE];
    int64_t ids = tensor_elements(call->in[0]), values = tensor_elements(call->in[1]);
    for (int i = 0; i < 4; i++) {
        const struct shape *shape = &call->in[order[i]]->shape;
        if (shape->rank != inputs[order[i]].rank)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s must be a %s, saw: %s",
                             inputs[order[i]].name, inputs[order[i]].rank ? "vector" : "scalar",
                             shape_text(shape, text));
    }
    if (ids != values)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The length of `values` (%lld) must match the first dimension of "
                         "`value_rowids` (%lld).",
                         (long long)values, (long long)ids);
    *f = (struct filling){
        .rows = *TENSOR_AT(call->in[2], int64_t), .entries = ids, .rank = 1, .ragged = true};
    if (f->rows < 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected shape dimensions to be non-negative, got %lld",
                         (long long)f->rows);
    if (f->rows > ROWS_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "nrows is %lld", (long long)f->rows);
    return CODE_OK;
}

static enum code fill_empty_rows(struct op_call *call, struct filling f, struct error *err)
{
    enum code code = count_rows(call, &f, err);
    if (!code)
        code = alloc_filling(call, &f, err);
    if (code)
        return code;
    size_t size = dtype_size(call->in[1]->dtype), row_bytes = (size_t)f.rank * sizeof(int64_t);
    const int64_t *indices = call->in[0]->data;
    int64_t *to = call->out[0]->data;
    char *values = call->out[1]->data;
    for (int64_t row = 0; row < f.rows; row++) {
        TENSOR_AT(call->out[2], bool)[row] = !f.count[row];
        if (f.count[row])
            continue;
        memset(to + f.next[row] * f.rank, 0, row_bytes);
        to[f.next[row] * f.rank] = row;
        memcpy(values + (size_t)f.next[row] * size, call->in[3]->data, size);
    }
    for (int64_t i = 0; i < f.entries; i++) {
        int64_t at = f.next[indices[i * f.rank]]++;
        memcpy(to + at * f.rank, indices + i * f.rank, row_bytes);
        memcpy(values + (size_t)at * size, (const char *)call->in[1]->data + (size_t)i * size,
               size);
        TENSOR_AT(call->out[3], int64_t)[i] = at;
    }
    return CODE_OK;
}

static enum code fill_empty_rows_run(struct op_call *call, struct error *err)
{
    struct filling f;
    enum code code = check_filling(call, &f, err);
    return code ? code : fill_empty_rows(call, f, err);
}

static enum code ragged_fill_empty_rows_run(struct op_call *call, struct error *err)
{
    struct filling f;
    enum code code = check_ragged(call, &f, err);
    return code ? code : fill_empty_rows(call, f, err);
}

/* ---- SparseReshape: indices [n, r], shape [r], new_shape [s] with at most one -1 ---- */

static enum code reshaped(const struct op_call *call, struct shape *from, struct shape *to,
                          struct error *err)
{
    char text[SHAPE_TEXT_SIZE], to_text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input indices should be a matrix but received shape %s",
                         shape_text(&call->in[0]->shape, text));
    enum code code = sizes_read_shape(call, 1, from, err);
    if (!code)
        code = sizes_read(call, 2, to, err);
    if (code)
        return code;
    if (call->in[0]->shape.dims[1] != from->rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input tensor rank must match input shape length.");
    int free_at = -1;
    int64_t product = 1, dense = shape_elements(from);
    for (int i = 0; i < to->rank; i++) {
        if (to->dims[i] == -1 && free_at >= 0)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "only one output dimension may be -1, not both %d and %d", free_at, i);
        if (to->dims[i] == -1)
            free_at = i;
        else if (to->dims[i] < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "size %d must be non-negative, not %lld",
                             i, (long long)to->dims[i]);
        else if (__builtin_mul_overflow(product, to->dims[i], &product))
            return error_set(err, CODE_INVALID_ARGUMENT, "the new shape is too large");
    }
    if (free_at >= 0) {
        if (!product)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "reshape cannot infer the missing input size for an empty tensor "
                             "unless all specified input sizes are non-zero");
        to->dims[free_at] = 1; /* as TensorFlow shows it */
        if (dense % product)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Input to reshape is a SparseTensor with %lld dense values, but the "
                             "requested shape requires a multiple of %lld. input_shape=%s "
                             "output_shape=%s",
                             (long long)dense, (long long)product, shape_text(from, text),
                             shape_text(to, to_text));
        to->dims[free_at] = dense / product;
    } else if (product != dense) {
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input to reshape is a tensor with %lld dense values, but the requested "
                         "shape has %lld. input_shape=%s output_shape=%s",
                         (long long)dense, (long long)product, shape_text(from, text),
                         shape_text(to, to_text));
    }
    return CODE_OK;
}

static enum code sparse_reshape_run(struct op_call *call, struct error *err)
{
    struct shape from, to;
    int64_t in_strides[SHAPE_RANK_MAX], out_strides[SHAPE_RANK_MAX];
    enum code code = reshaped(call, &from, &to, err);
    if (code)
        return code;
    int64_t entries = call->in[0]->shape.dims[0];
    struct shape indices = shape_matrix(entries, to.rank), vector = shape_vector(to.rank);
    code = op_call_alloc(call, 0, &indices, err);
    if (!code)
        code = op_call_alloc(call, 1, &vector, err);
    if (code)
        return code;
    view_strides(&from, in_strides);
    view_strides(&to, out_strides);
    const int64_t *in = call->in[0]->data;
    int64_t *out = call->out[0]->data;
    for (int64_t i = 0; i < entries; i++) {
        uint64_t at = 0;
        for (int k = 0; k < from.rank; k++)
            at += (uint64_t)*in++ * (uint64_t)in_strides[k];
        int64_t rest = (int64_t)at;
        for (int k = 0; k < to.rank; k++) {
            int64_t stride = out_strides[k] ? out_strides[k] : 1;
            *out++ = rest / stride;
            rest %= stride;
        }
    }
    for (int k = 0; k < to.rank; k++)
        TENSOR_AT(call->out[1], int64_t)[k] = to.dims[k];
    return CODE_OK;
}

/* ---- SparseToDense: sparse_indices [n, rank], [n] or [], output_shape, sparse_values [n] or [],
 * default_value [] ---- */

static enum code to_dense_shape(struct op_call *call, struct error *err)
{
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    struct shape out;
    enum code code = sizes_read_shape(call, 1, &out, err);
    const struct shape *indices = &call->in[0]->shape, *values = &call->in[2]->shape;
    int64_t entries = indices->rank ? indices->dims[0] : 1;
    int64_t width = indices->rank > 1 ? indices->dims[1] : 1;
    if (!code && (indices->rank > 2 || width != out.rank || call->in[3]->shape.rank != 0 ||
                  (values->rank == 1 && values->dims[0] != entries) || values->rank > 1)) {
        char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "sparse_indices of shape %s and sparse_values of shape %s do not fit an "
                         "output of rank %d",
                         shape_text(indices, left), shape_text(values, right), out.rank);
    }
    if (!code)
        op_call_shape(call, 0, &out);
    return code;
}

static enum code not_in_order(const struct op_call *call, int64_t i, bool repeated,
                              struct error *err)
{
    const struct shape *indices = &call->in[0]->shape;
    int64_t width = indices->rank > 1 ? indices->dims[1] : 1;
    error_set(err, CODE_INVALID_ARGUMENT, "indices[%lld] = [", (long long)i);
    for (int64_t k = 0; k < width; k++)
        error_append(err, "%s%lld", k ? "," : "",
                     (long long)tensor_int(call->in[0], i * width + k));
    error_append(err, "] is %s",
                 repeated ? "repeated"
                          : "out of order. Many sparse ops require sorted indices.\n    Use "
                            "`tf.sparse.reorder` to create a correctly ordered copy.\n\n");
    return CODE_INVALID_ARGUMENT;
}

static enum code to_dense_run(struct op_call *call, struct error *err)
{
    struct tensor *out = call->out[0];
    size_t size = dtype_size(out->dtype);
    int64_t strides[SHAPE_RANK_MAX], n = tensor_elements(out);
    int rank = out->shape.rank;
    int64_t entries = call->in[0]->shape.rank ? call->in[0]->shape.dims[0] : 1;
    char *to = out->data;
    view_strides(&out->shape, strides);
    for (int64_t i = 0; i < n; i++)
        memcpy(to + (size_t)i * size, call->in[3]->data, size);
    bool validates = op_attr_bool(call, "validate_indices");
    int64_t before = -1;
    for (int64_t i = 0; i < entries; i++) {
        int64_t at = 0;
        for (int k = 0; k < rank; k++) {
            int64_t index = tensor_int(call->in[0], i * rank + k);
            if (index < 0 || index >= out->shape.dims[k])
                return error_set(err, CODE_INVALID_ARGUMENT,
                                 "indices[%lld] is out of bounds: need 0 <= index < %lld, got %lld",
                                 (long long)i, (long long)out->shape.dims[k], (long long)index);
            at += index * strides[k];
        }
        if (validates && at <= before)
            return not_in_order(call, i, at == before, err);
        before = at;
        int64_t value = call->in[2]->shape.rank ? i : 0;
        memcpy(to + (size_t)at * size, (const char *)call->in[2]->data + (size_t)value * size,
               size);
    }
    return CODE_OK;
}

const struct op op_SparseFillEmptyRows = {
    .name = "SparseFillEmptyRows",
    .inputs = "indices:int64 values:T dense_shape:int64 default_value:T",
    .outputs = "output_indices:int64 output_values:T empty_row_indicator:bool "
               "reverse_index_map:int64",
    .attrs = "T:type",
    .flags = OP_DYNAMIC,
    .run = fill_empty_rows_run,
};

const struct op op_RaggedFillEmptyRows = {
    .name = "RaggedFillEmptyRows",
    .inputs = "value_rowids:int64 values:T nrows:int64 default_value:T",
    .outputs = "output_value_rowids:int64 output_values:T empty_row_indicator:bool "
               "reverse_index_map:int64",
    .attrs = "T:type",
    .flags = OP_DYNAMIC,
    .run = ragged_fill_empty_rows_run,
};

const struct op op_SparseReshape = {
    .name = "SparseReshape",
    .inputs = "input_indices:int64 input_shape:int64 new_shape:int64",
    .outputs = "output_indices:int64 output_shape:int64",
    .attrs = "",
    .flags = OP_DYNAMIC,
    .run = sparse_reshape_run,
};

const struct op op_SparseToDense = {
    .name = "SparseToDense",
    .inputs = "sparse_indices:Tindices output_shape:Tindices sparse_values:T default_value:T",
    .outputs = "dense:T",
    .attrs = "validate_indices:bool=true T:type Tindices:index",
    .shape = to_dense_shape,
    .run = to_dense_run,
};
