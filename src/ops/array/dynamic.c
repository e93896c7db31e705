/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamicStitch, ParallelDynamicStitch: data [indices' shape, row] of several inputs, each row to
 * where its index says; of equal indices the last one counts. Rows that none names are zero
 * (TensorFlow leaves them as they come). DynamicPartition: the other way round, rows sorted into
 * `num_partitions` outputs.
 */
#include "ops/kernel.h"

#define ROW_TYPES                                                                                  \
    (OP_TYPES_NUMBER | OP_TYPE(DTYPE_BOOL) | OP_TYPE(DTYPE_STRING) | OP_TYPE(DTYPE_QINT8) |        \
     OP_TYPE(DTYPE_QUINT8) | OP_TYPE(DTYPE_QINT32))

/* ---- DynamicStitch ---- */

static bool starts_with(const struct shape *shape, const struct shape *prefix)
{
    if (shape->rank < prefix->rank)
        return false;
    for (int i = 0; i < prefix->rank; i++) {
        if (shape->dims[i] != prefix->dims[i])
            return false;
    }
    return true;
}

/* The part of data's shape behind that of its indices. */
static struct shape row_shape(const struct shape *data, const struct shape *indices)
{
    struct shape row = {.rank = data->rank - indices->rank};
    for (int i = 0; i < row.rank; i++)
        row.dims[i] = data->dims[indices->rank + i];
    return row;
}

static enum code rows_differ(const struct op_call *call, int i, struct error *err)
{
    int count = call->in_count / 2;
    char text[4][SHAPE_TEXT_SIZE];
    const struct shape *first = &call->in[0]->shape, *indices = &call->in[i]->shape;
    return error_set(
        err, CODE_INVALID_ARGUMENT,
        "Need data[0].shape[%d:] = data[%d].shape[%d:], got data[0].shape = %s, data[%d].shape = "
        "%s, indices[0].shape = %s, indices[%d].shape = %s",
        first->rank, i, indices->rank, shape_text(&call->in[count]->shape, text[0]), i,
        shape_text(&call->in[count + i]->shape, text[1]), shape_text(first, text[2]), i,
        shape_text(indices, text[3]));
}

static enum code check_stitch(const struct op_call *call, struct shape *row, struct error *err)
{
    int count = call->in_count / 2;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    *row = (struct shape){0};
    for (int i = 0; i < count; i++) {
        const struct shape *indices = &call->in[i]->shape, *data = &call->in[count + i]->shape;
        if (!starts_with(data, indices))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "data[%d].shape = %s does not start with indices[%d].shape = %s", i,
                             shape_text(data, left), i, shape_text(indices, right));
        struct shape mine = row_shape(data, indices);
        if (!i)
            *row = mine;
        else if (!shape_equal(row, &mine))
            return rows_differ(call, i, err);
    }
    return CODE_OK;
}

static int64_t rows_needed(const struct op_call *call)
{
    int64_t rows = 0;
    for (int i = 0; i < call->in_count / 2; i++) {
        for (int64_t k = 0, n = tensor_elements(call->in[i]); k < n; k++) {
            int64_t index = TENSOR_AT(call->in[i], int32_t)[k];
            rows = index >= rows ? index + 1 : rows;
        }
    }
    return rows;
}

static enum code stitch_run(struct op_call *call, struct error *err)
{
    struct shape row, out;
    enum code code = check_stitch(call, &row, err);
    if (!code && row.rank == SHAPE_RANK_MAX)
        code = error_set(err, CODE_UNIMPLEMENTED, "the result's rank is beyond %d", SHAPE_RANK_MAX);
    if (code)
        return code;
    out = (struct shape){.rank = row.rank + 1, .dims = {rows_needed(call)}};
    memcpy(out.dims + 1, row.dims, (size_t)row.rank * sizeof *row.dims);
    code = op_call_alloc(call, 0, &out, err);
    if (code)
        return code;
    char *to = call->out[0]->data;
    int count = call->in_count / 2;
    size_t bytes = (size_t)shape_elements(&row) * dtype_size(call->out[0]->dtype);
    memset(to, 0, tensor_bytes(call->out[0]));
    for (int i = 0; i < count; i++) {
        const char *from = call->in[count + i]->data;
        for (int64_t k = 0, n = tensor_elements(call->in[i]); k < n; k++) {
            int32_t index = TENSOR_AT(call->in[i], int32_t)[k];
            if (index < 0)
                return error_set(err, CODE_INVALID_ARGUMENT, "indices[%lld] is out of range",
                                 (long long)k);
            memcpy(to + (size_t)index * bytes, from + (size_t)k * bytes, bytes);
        }
    }
    return CODE_OK;
}

/* ---- DynamicPartition: data [partitions' shape, row], partitions ---- */

static enum code bad_partition(const struct op_call *call, int64_t at, struct error *err)
{
    const struct shape *shape = &call->in[1]->shape;
    int64_t rest = at;
    error_set(err, CODE_INVALID_ARGUMENT, "partitions%s", shape->rank ? "[" : "");
    for (int i = 0; i < shape->rank; i++) {
        int64_t inner = kernel_span(shape, i + 1, shape->rank);
        error_append(err, "%s%lld", i ? "," : "", (long long)(rest / inner));
        rest %= inner;
    }
    return error_append(err, "%s = %d is not in [0, %d)", shape->rank ? "]" : "",
                        TENSOR_AT(call->in[1], int32_t)[at], call->out_count);
}

/* How many rows each output gets. */
static enum code count_rows(const struct op_call *call, int64_t *counts, struct error *err)
{
    for (int64_t i = 0, n = tensor_elements(call->in[1]); i < n; i++) {
        int32_t p = TENSOR_AT(call->in[1], int32_t)[i];
        if (p < 0 || p >= call->out_count)
            return bad_partition(call, i, err);
        counts[p]++;
    }
    return CODE_OK;
}

static enum code partition_run(struct op_call *call, struct error *err)
{
    const struct shape *data = &call->in[0]->shape, *partitions = &call->in[1]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    if (!starts_with(data, partitions))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "data.shape must start with partitions.shape, got data.shape = %s, "
                         "partitions.shape = %s",
                         shape_text(data, left), shape_text(partitions, right));
    struct shape row = row_shape(data, partitions);
    size_t bytes = (size_t)shape_elements(&row) * dtype_size(call->in[0]->dtype);
    int64_t *counts;
    enum code code = kernel_array(call, call->out_count, sizeof *counts, &counts, err);
    if (!code)
        code = count_rows(call, counts, err);
    for (int i = 0; !code && i < call->out_count; i++) {
        struct shape out = {.rank = row.rank + 1, .dims = {counts[i]}};
        if (row.rank == SHAPE_RANK_MAX)
            return error_set(err, CODE_UNIMPLEMENTED, "the results' rank is beyond %d",
                             SHAPE_RANK_MAX);
        memcpy(out.dims + 1, row.dims, (size_t)row.rank * sizeof *row.dims);
        code = op_call_alloc(call, i, &out, err);
        counts[i] = 0;
    }
    for (int64_t i = 0, n = tensor_elements(call->in[1]); !code && i < n; i++) {
        int32_t p = TENSOR_AT(call->in[1], int32_t)[i];
        memcpy((char *)call->out[p]->data + (size_t)counts[p]++ * bytes,
               (const char *)call->in[0]->data + (size_t)i * bytes, bytes);
    }
    return code;
}

#define STITCH_OP(symbol)                                                                          \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "indices:N*int32 data:N*T",                                                      \
        .outputs = "merged:T",                                                                     \
        .attrs = "N:int T:type",                                                                   \
        .flags = OP_DYNAMIC,                                                                       \
        .types = ROW_TYPES,                                                                        \
        .run = stitch_run,                                                                         \
    }

STITCH_OP(DynamicStitch);
STITCH_OP(ParallelDynamicStitch);

const struct op op_DynamicPartition = {
    .name = "DynamicPartition",
    .inputs = "data:T partitions:int32",
    .outputs = "outputs:num_partitions*T",
    .attrs = "num_partitions:int T:type",
    .flags = OP_DYNAMIC,
    .types = ROW_TYPES | OP_TYPE(DTYPE_RESOURCE) | OP_TYPE(DTYPE_VARIANT),
    .run = partition_run,
};
