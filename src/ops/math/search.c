/* SPDX-License-Identifier: Apache-2.0 */
/* LowerBound, UpperBound: sorted_inputs [batch, n], values [batch, m] -> where each value would be
 * put in its row. */
#include "ops/kernel.h"

static enum code bound_shape(struct op_call *call, struct error *err)
{
    const struct shape *sorted = &call->in[0]->shape, *values = &call->in[1]->shape;
    if (sorted->rank != 2 || values->rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Shape must be rank 2 but is rank %d for `%s` argument",
                         sorted->rank != 2 ? sorted->rank : values->rank,
                         sorted->rank != 2 ? "sorted_inputs" : "values");
    if (sorted->dims[0] != values->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Leading dim_size of both tensors must match.");
    op_call_shape(call, 0, values);
    return CODE_OK;
}

typedef int64_t bound_fn(const void *row, int64_t n, const void *values, int64_t at, bool upper);

/* The first element above the value, or (not upper) at or above it. */
#define BOUND_LOOP_BY(name, type, load)                                                            \
    static int64_t bound_##name(const void *row, int64_t n, const void *values, int64_t at,        \
                                bool upper)                                                        \
    {                                                                                              \
        const type *sorted = row, value = ((const type *)values)[at];                              \
        int64_t low = 0, high = n;                                                                 \
        while (low < high) {                                                                       \
            int64_t middle = low + (high - low) / 2;                                               \
            bool before = upper ? !(load(value) < load(sorted[middle]))                            \
                                : load(sorted[middle]) < load(value);                              \
            low = before ? middle + 1 : low;                                                       \
            high = before ? high : middle;                                                         \
        }                                                                                          \
        return low;                                                                                \
    }
#define BOUND_LOOP(dtype, type, name) BOUND_LOOP_BY(name, type, )
#define BOUND_ROW(dtype, type, name)  [dtype] = bound_##name,

KERNEL_TYPES_REAL(BOUND_LOOP)
BOUND_LOOP_BY(half, uint16_t, dtype_half_to_float)
BOUND_LOOP_BY(bfloat16, uint16_t, dtype_bfloat16_to_float)

static bound_fn *const bounds[DTYPE_COUNT] = {
    KERNEL_TYPES_REAL(BOUND_ROW)[DTYPE_HALF] = bound_half,
    [DTYPE_BFLOAT16] = bound_bfloat16,
};

static enum code search(struct op_call *call, bool upper)
{
    const struct tensor *sorted = call->in[0], *values = call->in[1];
    int64_t n = sorted->shape.dims[1], m = values->shape.dims[1];
    size_t size = dtype_size(sorted->dtype);
    for (int64_t i = 0, count = tensor_elements(values); i < count; i++) {
        const char *row = (const char *)sorted->data + (size_t)(i / m * n) * size;
        int64_t at = bounds[sorted->dtype](row, n, values->data, i, upper);
        if (call->out[0]->dtype == DTYPE_INT64)
            TENSOR_AT(call->out[0], int64_t)[i] = at;
        else
            TENSOR_AT(call->out[0], int32_t)[i] = (int32_t)at;
    }
    return CODE_OK;
}

static enum code lower_run(struct op_call *call, struct error *err)
{
    (void)err;
    return search(call, false);
}

static enum code upper_run(struct op_call *call, struct error *err)
{
    (void)err;
    return search(call, true);
}

#define BOUND_OP(symbol, function)                                                                 \
    const struct op op_##symbol = {                                                                \
        .name = #symbol,                                                                           \
        .inputs = "sorted_inputs:T values:T",                                                      \
        .outputs = "output:out_type",                                                              \
        .attrs = "T:type out_type:index=int32",                                                    \
        .types = OP_TYPES_REAL,                                                                    \
        .shape = bound_shape,                                                                      \
        .run = function,                                                                           \
    }

BOUND_OP(LowerBound, lower_run);
BOUND_OP(UpperBound, upper_run);
