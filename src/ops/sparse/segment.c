/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SparseSegmentSum, Mean, SqrtN: rows of data picked by indices and added up by segment_ids, which
 * do not descend. The result has a row for each segment up to the last one; segments without rows
 * are zero.
 */
#include <math.h>

#include "ops/kernel.h"

struct segment_args {
    int64_t rows;   /* of data */
    int64_t width;  /* elements of a row */
    int64_t picks;  /* indices */
    int64_t groups; /* rows of the result */
};

static enum code read_args(const struct op_call *call, struct segment_args *a, struct error *err)
{
    const struct tensor *data = call->in[0], *indices = call->in[1], *segments = call->in[2];
    if (indices->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "indices should be a vector.");
    if (segments->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "segment_ids should be a vector.");
    if (tensor_elements(indices) != tensor_elements(segments))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "segment_ids and indices should have same size.");
    if (data->shape.rank < 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "Shape must be at least rank 1");
    *a = (struct segment_args){
        .rows = data->shape.dims[0],
        .width = kernel_span(&data->shape, 1, data->shape.rank),
        .picks = tensor_elements(indices),
    };
    for (int64_t i = 0, last = 0; i < a->picks; i++) {
        int64_t id = tensor_int(segments, i), index = tensor_int(indices, i);
        if (id < last)
            return error_set(err, CODE_INVALID_ARGUMENT, "segment ids are not increasing");
        if (id < 0 || id > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT, "segment ids must be >= 0");
        if (index < 0 || index >= a->rows)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Bad: indices[%lld] == %lld out of range [0, %lld)", (long long)i,
                             (long long)index, (long long)a->rows);
        a->groups = id + 1;
        last = id;
    }
    return CODE_OK;
}

#define SEGMENT_LOOPS(name, type)                                                                  \
    static void add_##name(void *vto, const void *vfrom, int64_t n)                                \
    {                                                                                              \
        type *to = vto;                                                                            \
        const type *from = vfrom;                                                                  \
        for (int64_t i = 0; i < n; i++)                                                            \
            to[i] += from[i];                                                                      \
    }                                                                                              \
    static void divide_##name(void *vto, double by, int64_t n)                                     \
    {                                                                                              \
        type *to = vto;                                                                            \
        for (int64_t i = 0; i < n; i++)                                                            \
            to[i] /= (type)by;                                                                     \
    }

SEGMENT_LOOPS(float, float)
SEGMENT_LOOPS(double, double)

static const struct {
    void (*add)(void *to, const void *from, int64_t n);
    void (*divide)(void *to, double by, int64_t n);
} loops[DTYPE_COUNT] = {
    [DTYPE_FLOAT] = {add_float, divide_float},
    [DTYPE_DOUBLE] = {add_double, divide_double},
};

static void finish_group(const struct op_call *call, char *row, int64_t width, int64_t count)
{
    if (count < 2 || span_is(call->node->op_name, "SparseSegmentSum"))
        return;
    bool mean = span_is(call->node->op_name, "SparseSegmentMean");
    loops[call->in[0]->dtype].divide(row, mean ? (double)count : sqrt((double)count), width);
}

static enum code segment_run(struct op_call *call, struct error *err)
{
    struct segment_args a;
    enum code code = read_args(call, &a, err);
    struct shape out = call->in[0]->shape;
    out.dims[0] = code ? 0 : a.groups;
    if (!code)
        code = op_call_alloc(call, 0, &out, err);
    if (code)
        return code;
    size_t bytes = (size_t)a.width * dtype_size(call->in[0]->dtype);
    char *to = call->out[0]->data;
    memset(to, 0, (size_t)a.groups * bytes);
    for (int64_t i = 0, count = 0; i < a.picks; i++) {
        int64_t id = tensor_int(call->in[2], i), index = tensor_int(call->in[1], i);
        loops[call->in[0]->dtype].add(to + (size_t)id * bytes,
                                      (const char *)call->in[0]->data + (size_t)index * bytes,
                                      a.width);
        count++;
        if (i + 1 < a.picks && tensor_int(call->in[2], i + 1) == id)
            continue;
        finish_group(call, to + (size_t)id * bytes, a.width, count);
        count = 0;
    }
    return CODE_OK;
}

#define SEGMENT_OP(symbol)                                                                         \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "data:T indices:Tidx segment_ids:Tsegmentids",                                   \
        .outputs = "output:T",                                                                     \
        .attrs = "T:type Tidx:index=int32 Tsegmentids:index=int32 sparse_gradient:bool=false",     \
        .flags = OP_DYNAMIC,                                                                       \
        .types = OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE),                                     \
        .run = segment_run,                                                                        \
    }

SEGMENT_OP(SparseSegmentSum);
SEGMENT_OP(SparseSegmentMean);
SEGMENT_OP(SparseSegmentSqrtN);
