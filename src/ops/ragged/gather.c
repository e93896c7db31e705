/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RaggedGather: rows of a ragged tensor by index. The dimensions of the indices but the last become
 * uniform ragged dimensions. RaggedTensorToSparse: the coordinates of all values.
 */
#include <stdio.h>

#include "ops/kernel.h"

/* ---- RaggedGather ---- */

static enum code check_splits(const struct op_call *call, int ranks, struct error *err)
{
    for (int d = 0; d < ranks; d++) {
        const struct tensor *splits = call->in[d];
        int64_t n = tensor_elements(splits);
        int64_t most =
            d + 1 < ranks ? tensor_elements(call->in[d + 1]) - 1 : call->in[ranks]->shape.dims[0];
        if (!n)
            return error_set(err, CODE_INVALID_ARGUMENT, "Ragged splits may not be empty");
        if (tensor_int(splits, 0) < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "Ragged splits must be non-negative");
        if (tensor_int(splits, n - 1) > most)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Ragged splits must not point past values");
        for (int64_t i = 1; i < n; i++) {
            if (tensor_int(splits, i - 1) > tensor_int(splits, i))
                return error_set(err, CODE_INVALID_ARGUMENT, "Ragged splits must be sorted");
        }
    }
    return CODE_OK;
}

static enum code check_indices(const struct op_call *call, int ranks, struct error *err)
{
    const struct tensor *indices = call->in[ranks + 1];
    int64_t rows = tensor_elements(call->in[0]) - 1;
    for (int64_t i = 0, n = tensor_elements(indices); i < n; i++) {
        int64_t index = tensor_int(indices, i), rest = i;
        if (index >= 0 && index < rows)
            continue;
        char where[SHAPE_RANK_MAX * 22 + 3] = "";
        int64_t at[SHAPE_RANK_MAX];
        size_t length = 0;
        for (int d = indices->shape.rank - 1; d >= 0; d--) {
            at[d] = rest % indices->shape.dims[d];
            rest /= indices->shape.dims[d];
        }
        for (int d = 0; d < indices->shape.rank; d++)
            length +=
                (size_t)snprintf(where + length, sizeof where - length, "%s%lld%s", d ? "," : "[",
                                 (long long)at[d], d == indices->shape.rank - 1 ? "]" : "");
        return error_set(err, CODE_INVALID_ARGUMENT, "indices%s = %lld is not in [0, %lld)", where,
                         (long long)index, (long long)rows);
    }
    return CODE_OK;
}

/* The elements [start, limit) of ragged dimension `d` (ranks: of the values) that row `index` has.
 */
static void descend(const struct op_call *call, int d, int64_t index, int64_t *start,
                    int64_t *limit)
{
    *start = index;
    *limit = index + 1;
    for (int i = 0; i < d; i++) {
        *start = tensor_int(call->in[i], *start);
        *limit = tensor_int(call->in[i], *limit);
    }
}

/* Splits of the uniform dimensions. */
static enum code put_uniform(struct op_call *call, const struct shape *indices, struct error *err)
{
    int64_t rows = 1;
    enum code code = CODE_OK;
    for (int d = 0; !code && d + 1 < indices->rank; d++) {
        rows *= indices->dims[d];
        struct shape shape = shape_vector(rows + 1);
        code = op_call_alloc(call, d, &shape, err);
        for (int64_t i = 0; !code && i <= rows; i++)
            kernel_put_index(call->out[d], i, i * indices->dims[d + 1]);
    }
    return code;
}

/* Splits of ragged dimension d. */
static enum code put_ragged(struct op_call *call, int ranks, int d, int output, struct error *err)
{
    const struct tensor *indices = call->in[ranks + 1], *splits = call->in[d];
    int64_t n = tensor_elements(indices), total = 0, start, limit, made = 0, length = 0;
    for (int64_t i = 0; i < n; i++) {
        descend(call, d, tensor_int(indices, i), &start, &limit);
        if (__builtin_add_overflow(total, limit - start, &total))
            return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM when gathering ragged rows");
    }
    struct shape shape = shape_vector(total + 1);
    enum code code = op_call_alloc(call, output, &shape, err);
    if (code)
        return code;
    kernel_put_index(call->out[output], made++, 0);
    for (int64_t i = 0; i < n; i++) {
        descend(call, d, tensor_int(indices, i), &start, &limit);
        for (int64_t j = start; j < limit; j++) {
            length += tensor_int(splits, j + 1) - tensor_int(splits, j);
            kernel_put_index(call->out[output], made++, length);
        }
    }
    return CODE_OK;
}

static enum code put_values(struct op_call *call, int ranks, struct error *err)
{
    const struct tensor *indices = call->in[ranks + 1], *values = call->in[ranks];
    int64_t n = tensor_elements(indices), total = 0, start, limit;
    struct shape shape = values->shape;
    for (int64_t i = 0; i < n; i++) {
        descend(call, ranks, tensor_int(indices, i), &start, &limit);
        if (__builtin_add_overflow(total, limit - start, &total))
            return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM when gathering ragged rows");
    }
    shape.dims[0] = total;
    enum code code = op_call_alloc(call, call->out_count - 1, &shape, err);
    if (code)
        return code;
    size_t row = (size_t)kernel_span(&shape, 1, shape.rank) * dtype_size(values->dtype);
    char *to = call->out[call->out_count - 1]->data;
    for (int64_t i = 0; i < n && row; i++) {
        descend(call, ranks, tensor_int(indices, i), &start, &limit);
        if (limit > start)
            to = mempcpy(to, (const char *)values->data + (size_t)start * row,
                         (size_t)(limit - start) * row);
    }
    return CODE_OK;
}

static enum code gather_run(struct op_call *call, struct error *err)
{
    int ranks = call->in_count - 2;
    const struct shape *indices = &call->in[ranks + 1]->shape;
    enum code code = check_indices(call, ranks, err);
    if (!code && !call->in[ranks]->shape.rank)
        code = error_set(err, CODE_INVALID_ARGUMENT, "params.rank must be nonzero");
    if (!code)
        code = check_splits(call, ranks, err);
    if (!code && call->out_count - 1 != indices->rank - 1 + ranks)
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "OUTPUT_RAGGED_RANK is %d, but the indices and params make it %d",
                         call->out_count - 1, indices->rank - 1 + ranks);
    if (!code)
        code = put_uniform(call, indices, err);
    for (int d = 0; !code && d < ranks; d++) {
        int output = d + indices->rank - 1;
        if (output >= 0)
            code = put_ragged(call, ranks, d, output, err);
    }
    return code ? code : put_values(call, ranks, err);
}

/* ---- RaggedTensorToSparse ---- */

static enum code check_nested(const struct op_call *call, int ranks, struct error *err)
{
    for (int d = 0; d < ranks; d++) {
        const struct tensor *splits = call->in[d];
        int64_t n = tensor_elements(splits);
        if (!n)
            return error_set(err, CODE_INVALID_ARGUMENT, "ragged splits may not be empty.");
        if (tensor_int(splits, 0) != 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "First value of ragged splits must be 0.");
        for (int64_t i = 1; i < n; i++) {
            if (tensor_int(splits, i) < tensor_int(splits, i - 1))
                return error_set(err, CODE_INVALID_ARGUMENT,
                                 "Ragged splits should be non decreasing, but we got %lld followed "
                                 "by %lld",
                                 (long long)tensor_int(splits, i - 1),
                                 (long long)tensor_int(splits, i));
        }
        int64_t last = tensor_int(splits, n - 1);
        if (d + 1 < ranks && last != tensor_elements(call->in[d + 1]) - 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Final value of ragged splits must match the length the corresponding "
                             "ragged values.");
    }
    const struct tensor *last = call->in[ranks - 1];
    const struct shape *values = &call->in[ranks]->shape;
    if (!values->rank || tensor_int(last, tensor_elements(last) - 1) != values->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Final value of ragged splits must match the length the corresponding "
                         "ragged values.");
    return CODE_OK;
}

static enum code put_dense_shape(struct op_call *call, int ranks, struct error *err)
{
    const struct shape *values = &call->in[ranks]->shape;
    struct shape shape = shape_vector(ranks + values->rank);
    enum code code = op_call_alloc(call, 2, &shape, err);
    if (code)
        return code;
    int64_t *out = call->out[2]->data;
    out[0] = tensor_elements(call->in[0]) - 1;
    for (int d = 0; d < ranks; d++) {
        int64_t longest = 0;
        for (int64_t i = 1, n = tensor_elements(call->in[d]); i < n; i++) {
            int64_t length = tensor_int(call->in[d], i) - tensor_int(call->in[d], i - 1);
            longest = length > longest ? length : longest;
        }
        out[d + 1] = longest;
    }
    for (int i = 1; i < values->rank; i++)
        out[ranks + i] = values->dims[i];
    return CODE_OK;
}

/* Coordinates of all values: a counter for the row of each dimension. */
static void put_coordinates(struct op_call *call, int ranks)
{
    const struct shape *values = &call->in[ranks]->shape;
    int64_t row[SHAPE_RANK_MAX] = {0}, inner = kernel_span(values, 1, values->rank);
    int64_t *to = call->out[0]->data;
    for (int64_t v = 0; v < values->dims[0]; v++) {
        int64_t child = v, at[SHAPE_RANK_MAX + 1];
        for (int d = ranks - 1; d >= 0; d--) {
            while (tensor_int(call->in[d], row[d] + 1) <= child)
                row[d]++;
            at[d + 1] = child - tensor_int(call->in[d], row[d]);
            child = row[d];
        }
        at[0] = child;
        for (int64_t k = 0; k < inner; k++) {
            int64_t rest = k;
            memcpy(to, at, (size_t)(ranks + 1) * sizeof *to);
            for (int i = values->rank - 1; i >= 1; i--) {
                to[ranks + i] = rest % values->dims[i];
                rest /= values->dims[i];
            }
            to += ranks + values->rank;
        }
    }
}

static enum code to_sparse_run(struct op_call *call, struct error *err)
{
    int ranks = call->in_count - 1;
    const struct tensor *values = call->in[ranks];
    enum code code = ranks < SHAPE_RANK_MAX - 1
                         ? check_nested(call, ranks, err)
                         : error_set(err, CODE_INVALID_ARGUMENT, "too many ragged dimensions");
    if (!code)
        code = put_dense_shape(call, ranks, err);
    int64_t n = tensor_elements(values);
    struct shape indices = shape_matrix(n, ranks + values->shape.rank), vector = shape_vector(n);
    if (!code)
        code = op_call_alloc(call, 0, &indices, err);
    if (!code)
        code = op_call_alloc(call, 1, &vector, err);
    if (code || !n)
        return code;
    put_coordinates(call, ranks);
    memcpy(call->out[1]->data, values->data, tensor_bytes(values));
    return CODE_OK;
}

const struct op op_RaggedGather = {
    .name = "RaggedGather",
    .inputs = "params_nested_splits:PARAMS_RAGGED_RANK*Tsplits params_dense_values:Tvalues "
              "indices:Tindices",
    .outputs = "output_nested_splits:OUTPUT_RAGGED_RANK*Tsplits output_dense_values:Tvalues",
    .attrs = "Tvalues:type Tindices:index Tsplits:index=int64 PARAMS_RAGGED_RANK:int "
             "OUTPUT_RAGGED_RANK:int",
    .flags = OP_DYNAMIC,
    .types_attr = "Tvalues",
    .run = gather_run,
};

const struct op op_RaggedTensorToSparse = {
    .name = "RaggedTensorToSparse",
    .inputs = "rt_nested_splits:RAGGED_RANK*Tsplits rt_dense_values:T",
    .outputs = "sparse_indices:int64 sparse_values:T sparse_dense_shape:int64",
    .attrs = "RAGGED_RANK:int T:type Tsplits:index=int64",
    .flags = OP_DYNAMIC,
    .run = to_sparse_run,
};
