/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HistogramFixedWidth: values, value_range [2], nbins [] -> how many values each of nbins equal
 * parts of the range has; what lies outside counts for the first or the last.
 */
#include <math.h>

#include "ops/kernel.h"
#include "ops/math/number.h"

static enum code check(const struct op_call *call, struct error *err)
{
    const struct tensor *range = call->in[1], *bins = call->in[2];
    if (range->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "value_range should be a vector.");
    if (range->shape.dims[0] != 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "value_range should be a vector of 2 elements.");
    if (bins->shape.rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "nbins should be a scalar.");
    double low = number_at(range, 0), high = number_at(range, 1);
    if (!(low < high))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "value_range should satisfy value_range[0] < value_range[1], but got "
                         "'[%g, %g]'",
                         low, high);
    if (tensor_int(bins, 0) <= 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "nbins should be a positive number, but got '%lld'",
                         (long long)tensor_int(bins, 0));
    return CODE_OK;
}

/* The part that a value falls into, computed as the dtype computes. */
static double part_of(const struct tensor *values, int64_t i, double low, double step)
{
    double v = number_at(values, i);
    if (values->dtype == DTYPE_DOUBLE)
        return (v - low) / step;
    return (double)(float)((float)((float)v - (float)low) / (float)step);
}

static enum code histogram_run(struct op_call *call, struct error *err)
{
    const struct tensor *values = call->in[0], *range = call->in[1];
    enum code code = check(call, err);
    if (code)
        return code;
    int64_t bins = tensor_int(call->in[2], 0), n = tensor_elements(values);
    struct shape shape = shape_vector(bins);
    code = op_call_alloc(call, 0, &shape, err);
    if (code)
        return code;
    double low = number_at(range, 0), step = (number_at(range, 1) - low) / (double)bins;
    memset(call->out[0]->data, 0, tensor_bytes(call->out[0]));
    for (int64_t i = 0; i < n; i++) {
        double part = part_of(values, i, low, step);
        if (isnan(part))
            return error_set(err, CODE_INVALID_ARGUMENT, "Histogram values must not contain NaN");
        int64_t at = part < 0 ? 0 : part >= (double)bins ? bins - 1 : (int64_t)part;
        kernel_put_index(call->out[0], at, tensor_int(call->out[0], at) + 1);
    }
    return CODE_OK;
}

const struct op op_HistogramFixedWidth = {
    .name = "HistogramFixedWidth",
    .inputs = "values:T value_range:T nbins:int32",
    .outputs = "out:dtype",
    .attrs = "T:type dtype:index=int32",
    .flags = OP_DYNAMIC,
    .types =
        OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64) | OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE),
    .run = histogram_run,
};
