/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/image/floats.h"

#include "ops/kernel.h"
#include "ops/nn/widen.h"

typedef void convert_fn(const void *from, float *to, int64_t n);

#define DEFINE_CONVERT(dtype, type, name)                                                          \
    KERNEL void convert_##name(const void *from, float *restrict to, int64_t n)                    \
    {                                                                                              \
        const type *restrict in = from;                                                            \
        for (int64_t i = 0; i < n; i++)                                                            \
            to[i] = (float)in[i];                                                                  \
    }
KERNEL_TYPES_INTEGER(DEFINE_CONVERT)
DEFINE_CONVERT(DTYPE_DOUBLE, double, double)

static void convert_half(const void *from, float *to, int64_t n)
{
    widen_to_float(DTYPE_HALF, from, to, n);
}

static void convert_bfloat16(const void *from, float *to, int64_t n)
{
    widen_to_float(DTYPE_BFLOAT16, from, to, n);
}

#define CONVERT_ROW(dtype, type, name) [dtype] = convert_##name,

static convert_fn *const converts[DTYPE_COUNT] = {
    KERNEL_TYPES_INTEGER(CONVERT_ROW)[DTYPE_DOUBLE] = convert_double,
    [DTYPE_HALF] = convert_half,
    [DTYPE_BFLOAT16] = convert_bfloat16,
};

size_t floats_size(const struct tensor *tensor)
{
    if (tensor->dtype == DTYPE_FLOAT)
        return 0;
    return tensor_align((size_t)tensor_elements(tensor) * sizeof(float));
}

const float *floats_of(const struct tensor *tensor, char **scratch)
{
    if (tensor->dtype == DTYPE_FLOAT)
        return tensor->data;
    float *to = (float *)*scratch;
    *scratch += floats_size(tensor);
    converts[tensor->dtype](tensor->data, to, tensor_elements(tensor));
    return to;
}
