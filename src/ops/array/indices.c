/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UnravelIndex: places in a flat tensor as coordinates. ConcatOffset: where each of the tensors
 * that are joined begins.
 */
#include "ops/array/sizes.h"
#include "ops/kernel.h"

/* ---- UnravelIndex: indices [n] or [], dims [rank] -> [rank, n] or [rank] ---- */

static enum code unravel_shape(struct op_call *call, struct error *err)
{
    const struct shape *indices = &call->in[0]->shape, *dims = &call->in[1]->shape;
    char text[SHAPE_TEXT_SIZE];
    if (indices->rank > 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The indices can only be scalar or vector, got \"%s\"",
                         shape_text(indices, text));
    if (dims->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "The indices can only be 1-D, got \"%s\"",
                         shape_text(dims, text));
    struct shape shape = *dims;
    if (indices->rank)
        shape.dims[shape.rank++] = indices->dims[0];
    op_call_shape(call, 0, &shape);
    return CODE_OK;
}

static enum code overflows(const struct tensor *dims, struct error *err)
{
    error_set(err, CODE_INVALID_ARGUMENT, "Input dims product is causing integer overflow: (");
    sizes_append(dims, err);
    error_append(err, ")");
    return CODE_INVALID_ARGUMENT;
}

static enum code unravel_run(struct op_call *call, struct error *err)
{
    const struct tensor *indices = call->in[0], *dims = call->in[1];
    int64_t rank = dims->shape.dims[0], n = tensor_elements(indices), size = 1;
    int64_t most = dims->dtype == DTYPE_INT32 ? INT32_MAX : INT64_MAX;
    if (!n)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "received empty tensor indices: Tensor<type: %s shape: [0] values: >",
                         dtype_name(indices->dtype));
    for (int64_t d = 0; d < rank; d++) {
        if (!tensor_int(dims, d))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Input dims cannot contain a dim of zero, but dims contains zero at "
                             "index %lld",
                             (long long)d);
    }
    for (int64_t d = 0; d < rank; d++) {
        if (__builtin_mul_overflow(size, tensor_int(dims, d), &size) || size > most)
            return overflows(dims, err);
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t rest = tensor_int(indices, i);
        if (rest >= size || !rank)
            return error_set(err, CODE_INVALID_ARGUMENT, "index is out of bound as with dims");
        for (int64_t d = rank - 1; d >= 0; d--) {
            int64_t dim = tensor_int(dims, d);
            /* The outermost takes what is left, which below 0 may be anything. */
            kernel_put_index(call->out[0], d * n + i, d && dim != -1 ? rest % dim : d ? 0 : rest);
            rest = dim == -1 ? -rest : rest / dim;
        }
    }
    return CODE_OK;
}

/* ---- ConcatOffset: concat_dim [], shape: N of [rank] -> offset: N of [rank] ---- */

static enum code offset_shape(struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    if (call->in[0]->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Concat dim tensor should be a scalar integer, but got shape %s",
                         shape_text(&call->in[0]->shape, text));
    for (int i = 0; i < call->out_count; i++) {
        const struct shape *own = &call->in[1 + i]->shape;
        if (own->rank != 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "input %d should be a vector, but got shape %s", i + 1,
                             shape_text(own, text));
        op_call_shape(call, i, own);
    }
    return CODE_OK;
}

static enum code differ(const struct op_call *call, int i, int axis, struct error *err)
{
    error_set(err, CODE_INVALID_ARGUMENT,
              "All dimensions except %d must match. Input %d has shape [", axis, i);
    sizes_append(call->in[1 + i], err);
    error_append(err, "] and doesn't match input 0 with shape [");
    sizes_append(call->in[1], err);
    error_append(err, "].");
    return CODE_INVALID_ARGUMENT;
}

static enum code offset_run(struct op_call *call, struct error *err)
{
    int64_t rank = call->in[1]->shape.dims[0], value = tensor_int(call->in[0], 0), offset = 0;
    int axis;
    if (!kernel_axis(value, (int)rank, &axis))
        return error_set(err, CODE_INVALID_ARGUMENT, "Concat dim is out of range: %lld vs. %lld",
                         (long long)value, (long long)rank);
    for (int i = 0; i < call->out_count; i++) {
        const struct tensor *sizes = call->in[1 + i];
        if (sizes->shape.dims[0] != rank)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "input %d should contain %lld elements, but got %lld", i,
                             (long long)rank, (long long)sizes->shape.dims[0]);
        for (int64_t d = 0; d < rank; d++) {
            if (d != axis && tensor_int(sizes, d) != tensor_int(call->in[1], d))
                return differ(call, i, axis, err);
            kernel_put_index(call->out[i], d, d == axis ? offset : 0);
        }
        offset = (int64_t)((uint64_t)offset + (uint64_t)tensor_int(sizes, axis));
    }
    return CODE_OK;
}

const struct op op_UnravelIndex = {
    .name = "UnravelIndex",
    .inputs = "indices:Tidx dims:Tidx",
    .outputs = "output:Tidx",
    .attrs = "Tidx:index=int32",
    .shape = unravel_shape,
    .run = unravel_run,
};

const struct op op_ConcatOffset = {
    .name = "ConcatOffset",
    .inputs = "concat_dim:int32 shape:N*shape_type",
    .outputs = "offset:N*shape_type",
    .attrs = "N:int shape_type:index=int32",
    .shape = offset_shape,
    .run = offset_run,
};
