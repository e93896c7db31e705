/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/nn/widen.h"

#include "ops/kernel.h"

size_t widen_size(enum dtype dtype, int64_t elements)
{
    if (!widen_is_needed(dtype))
        return 0;
    return tensor_align((size_t)elements * sizeof(float));
}

void widen_to_float(enum dtype dtype, const void *from, float *to, int64_t n)
{
    const uint16_t *in = from;
    if (dtype == DTYPE_HALF) {
        for (int64_t i = 0; i < n; i++)
            to[i] = dtype_half_to_float(in[i]);
    } else {
        for (int64_t i = 0; i < n; i++)
            to[i] = dtype_bfloat16_to_float(in[i]);
    }
}

void widen_from_float(enum dtype dtype, const float *from, void *to, int64_t n)
{
    uint16_t *out = to;
    if (dtype == DTYPE_HALF) {
        for (int64_t i = 0; i < n; i++)
            out[i] = dtype_half_from_float(from[i]);
    } else {
        for (int64_t i = 0; i < n; i++)
            out[i] = dtype_bfloat16_from_float(from[i]);
    }
}

static void *take(const struct tensor *tensor, char **scratch)
{
    void *at = *scratch;
    *scratch += widen_size(tensor->dtype, tensor_elements(tensor));
    return at;
}

const float *widen_input(const struct tensor *tensor, char **scratch)
{
    if (!widen_is_needed(tensor->dtype))
        return tensor->data;
    float *to = take(tensor, scratch);
    widen_to_float(tensor->dtype, tensor->data, to, tensor_elements(tensor));
    return to;
}

float *widen_output(const struct tensor *tensor, char **scratch)
{
    return widen_is_needed(tensor->dtype) ? take(tensor, scratch) : tensor->data;
}

void widen_finish(const struct tensor *tensor, const float *values)
{
    if (widen_is_needed(tensor->dtype))
        widen_from_float(tensor->dtype, values, tensor->data, tensor_elements(tensor));
}
