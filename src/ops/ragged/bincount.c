/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bincount, DenseBincount, SparseBincount, RaggedBincount: how often each number below `size`
 * occurs in a vector, or in each row. Weights may be given, or only whether it occurs be asked.
 */
#include <stdio.h>

#include "ops/kernel.h"

struct bincount {
    const struct tensor *values, *weights;
    bool weighted, binary;
    int64_t size; /* of a row of the output */
};

#define ADD(dtype_, type, name)                                                                    \
    static void add_##name(const struct bincount *b, struct tensor *out, int64_t at, int64_t i)    \
    {                                                                                              \
        type *to = &TENSOR_AT(out, type)[at];                                                      \
        if (b->binary)                                                                             \
            *to = 1;                                                                               \
        else                                                                                       \
            *to += b->weighted ? TENSOR_AT(b->weights, type)[i] : 1;                               \
    }
KERNEL_TYPES_FLOAT(ADD)
ADD(DTYPE_INT32, uint32_t, int32)
ADD(DTYPE_INT64, uint64_t, int64)

/* Counts value i in the output's row. */
static void count(const struct bincount *b, struct tensor *out, int64_t row, int64_t i)
{
    int64_t value = tensor_int(b->values, i), at = row * b->size + value;
    if (value < 0 || value >= b->size)
        return;
    if (out->dtype == DTYPE_FLOAT)
        add_float(b, out, at, i);
    else if (out->dtype == DTYPE_DOUBLE)
        add_double(b, out, at, i);
    else if (out->dtype == DTYPE_INT32)
        add_int32(b, out, at, i);
    else
        add_int64(b, out, at, i);
}

static enum code read_size(const struct op_call *call, int input, struct bincount *b,
                           struct error *err)
{
    if (call->in[input]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "Shape must be rank 0 but is rank %d",
                         call->in[input]->shape.rank);
    b->size = tensor_int(call->in[input], 0);
    if (b->size < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "size (%lld) must be non-negative",
                         (long long)b->size);
    return CODE_OK;
}

static enum code take_output(struct op_call *call, const struct shape *shape, struct error *err)
{
    enum code code = op_call_alloc(call, 0, shape, err);
    if (!code)
        memset(call->out[0]->data, 0, tensor_bytes(call->out[0]));
    return code;
}

static enum code check_values(const struct bincount *b, const char *words, bool tell,
                              struct error *err)
{
    for (int64_t i = 0, n = tensor_elements(b->values); i < n; i++) {
        int64_t value = tensor_int(b->values, i);
        if (value >= 0)
            continue;
        if (tell)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s%lld", words, (long long)value);
        return error_set(err, CODE_INVALID_ARGUMENT, "%s", words);
    }
    return CODE_OK;
}

/* The values as one vector. */
static enum code count_all(struct op_call *call, const struct bincount *b, struct error *err)
{
    struct shape shape = shape_vector(b->size);
    int64_t n = tensor_elements(b->values), weights = tensor_elements(b->weights);
    enum code code = check_values(b, "Input arr must be non-negative!", false, err);
    if (!code && !b->binary && weights && weights != n)
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "Input indices and weights must have the same size.");
    if (!code)
        code = take_output(call, &shape, err);
    for (int64_t i = 0; !code && i < n; i++)
        count(b, call->out[0], 0, i);
    return code;
}

static bool is_binary(const struct op_call *call)
{
    return *(const bool *)call->state;
}

static enum code bincount_run(struct op_call *call, struct error *err)
{
    struct bincount b = {.values = call->in[0],
                         .weights = call->in[2],
                         .weighted = tensor_elements(call->in[2]) > 0};
    enum code code = read_size(call, 1, &b, err);
    return code ? code : count_all(call, &b, err);
}

static enum code binary_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    bool *binary = ARENA_NEW(call->arena, bool);
    *binary = op_attr_bool(call, "binary_output");
    call->state = binary;
    return CODE_OK;
}

static enum code dense_run(struct op_call *call, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *weights = &call->in[2]->shape;
    char text[SHAPE_TEXT_SIZE];
    struct bincount b = {.values = call->in[0],
                         .weights = call->in[2],
                         .weighted = tensor_elements(call->in[2]) > 0,
                         .binary = is_binary(call)};
    if (in->rank > 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "Shape must be at most rank 2 but is rank %d",
                         in->rank);
    enum code code = read_size(call, 1, &b, err);
    if (code)
        return code;
    if (!shape_equal(in, weights) && b.weighted)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "`weights` must be the same shape as `arr` or a length-0 `Tensor`, in "
                         "which case it acts as all weights equal to 1. Received %s",
                         shape_text(weights, text));
    if (in->rank < 2)
        return count_all(call, &b, err);
    struct shape shape = shape_matrix(in->dims[0], b.size);
    code = check_values(&b, "Input 'in' must be non-negative! Negative input value found: ", true,
                        err);
    if (!code)
        code = take_output(call, &shape, err);
    for (int64_t i = 0, n = tensor_elements(call->in[0]); !code && i < n; i++)
        count(&b, call->out[0], i / in->dims[1], i);
    return code;
}

/* ---- SparseBincount ---- */

static enum code check_sparse(const struct op_call *call, struct error *err)
{
    const struct shape *indices = &call->in[0]->shape, *values = &call->in[1]->shape;
    const struct tensor *shape = call->in[2];
    if (indices->rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "Sparse indices must be rank 2 but is rank %d",
                         indices->rank);
    if (values->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Sparse values must be rank 1 but is rank %d",
                         values->rank);
    if (shape->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Sparse shape must be rank 1 but is rank %d",
                         shape->shape.rank);
    if (indices->dims[0] != values->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Number of elements in indices (%lld) and values (%lld) do not match",
                         (long long)indices->dims[0], (long long)values->dims[0]);
    if (indices->dims[1] != tensor_elements(shape))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Index rank (%lld) and shape rank (%lld) do not match",
                         (long long)indices->dims[1], (long long)tensor_elements(shape));
    return CODE_OK;
}

/* All of a row of indices, "1, 2". */
static const char *row_text(const int64_t *row, int64_t count, char text[SHAPE_TEXT_SIZE])
{
    size_t length = 0;
    text[0] = 0;
    for (int64_t i = 0; i < count && length < SHAPE_TEXT_SIZE; i++)
        length += (size_t)snprintf(text + length, SHAPE_TEXT_SIZE - length, "%s%lld", i ? ", " : "",
                                   (long long)row[i]);
    return text;
}

static enum code check_places(const struct op_call *call, struct error *err)
{
    const struct tensor *indices = call->in[0];
    const int64_t *shape = call->in[2]->data;
    int64_t rank = indices->shape.dims[1];
    char text[SHAPE_TEXT_SIZE];
    for (int64_t i = 0; i < indices->shape.dims[0]; i++) {
        const int64_t *row = TENSOR_AT(indices, int64_t) + i * rank;
        for (int64_t d = 0; d < rank; d++) {
            if (row[d] < 0 || row[d] >= shape[d])
                return error_set(err, CODE_INVALID_ARGUMENT,
                                 "Sparse index tuple indices[%lld, :] = [%s] is out of bounds",
                                 (long long)i, row_text(row, rank, text));
        }
    }
    return CODE_OK;
}

static enum code sparse_run(struct op_call *call, struct error *err)
{
    struct bincount b = {.values = call->in[1],
                         .weights = call->in[4],
                         .weighted = tensor_elements(call->in[4]) > 0,
                         .binary = is_binary(call)};
    enum code code = read_size(call, 3, &b, err);
    if (!code)
        code = check_sparse(call, err);
    if (!code)
        code = check_places(call, err);
    if (code)
        return code;
    int64_t rank = call->in[0]->shape.dims[1], n = tensor_elements(call->in[1]);
    const int64_t *indices = call->in[0]->data, *dense = call->in[2]->data;
    if (rank == 1)
        return count_all(call, &b, err);
    struct shape shape = shape_matrix(rank ? dense[0] : 0, b.size);
    if (!rank || dense[0] < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "the dense shape has no rows");
    code = take_output(call, &shape, err);
    int64_t weights = tensor_elements(call->in[4]);
    for (int64_t i = 0; !code && i < n; i++) {
        if (b.weighted && i >= weights && !b.binary)
            break;
        count(&b, call->out[0], indices[i * rank], i);
    }
    return code;
}

/* ---- RaggedBincount ---- */

static enum code ragged_run(struct op_call *call, struct error *err)
{
    const struct tensor *splits = call->in[0];
    struct bincount b = {.values = call->in[1],
                         .weights = call->in[3],
                         .weighted = tensor_elements(call->in[3]) > 0,
                         .binary = is_binary(call)};
    int64_t rows = tensor_elements(splits) - 1, n = tensor_elements(b.values), row = 0;
    int64_t weights = tensor_elements(b.weights);
    enum code code = read_size(call, 2, &b, err);
    if (code)
        return code;
    if (rows < 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Splits must be non-empty");
    if (tensor_int(splits, 0) != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Splits must start with 0, not with %lld",
                         (long long)tensor_int(splits, 0));
    if (tensor_int(splits, rows) != n)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Splits must end with the number of values, got %lld instead of %lld",
                         (long long)tensor_int(splits, rows), (long long)n);
    struct shape shape = shape_matrix(rows, b.size);
    code = check_values(&b, "Input must be non-negative", false, err);
    if (!code)
        code = take_output(call, &shape, err);
    for (int64_t i = 0; !code && i < n; i++) {
        while (i >= tensor_int(splits, row))
            row++;
        if (b.weighted && i >= weights && !b.binary)
            break;
        count(&b, call->out[0], row - 1, i);
    }
    return code;
}

#define BINCOUNT_TYPES (OP_TYPES_INDEX | OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE))

const struct op op_Bincount = {
    .name = "Bincount",
    .inputs = "arr:int32 size:int32 weights:T",
    .outputs = "bins:T",
    .attrs = "T:type",
    .flags = OP_DYNAMIC,
    .types = BINCOUNT_TYPES,
    .run = bincount_run,
};

const struct op op_DenseBincount = {
    .name = "DenseBincount",
    .inputs = "input:Tidx size:Tidx weights:T",
    .outputs = "output:T",
    .attrs = "Tidx:index T:type binary_output:bool=false",
    .flags = OP_DYNAMIC,
    .types = BINCOUNT_TYPES,
    .prepare = binary_prepare,
    .run = dense_run,
};

const struct op op_SparseBincount = {
    .name = "SparseBincount",
    .inputs = "indices:int64 values:Tidx dense_shape:int64 size:Tidx weights:T",
    .outputs = "output:T",
    .attrs = "Tidx:index T:type binary_output:bool=false",
    .flags = OP_DYNAMIC,
    .types = BINCOUNT_TYPES,
    .prepare = binary_prepare,
    .run = sparse_run,
};

const struct op op_RaggedBincount = {
    .name = "RaggedBincount",
    .inputs = "splits:int64 values:Tidx size:Tidx weights:T",
    .outputs = "output:T",
    .attrs = "Tidx:index T:type binary_output:bool=false",
    .flags = OP_DYNAMIC,
    .types = BINCOUNT_TYPES,
    .prepare = binary_prepare,
    .run = ragged_run,
};
