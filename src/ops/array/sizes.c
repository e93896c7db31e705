/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/array/sizes.h"

#include "ops/kernel.h"

enum code sizes_read(const struct op_call *call, int i, struct shape *sizes, struct error *err)
{
    const struct tensor *t = call->in[i];
    char text[SHAPE_TEXT_SIZE];
    if (t->shape.rank > 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "sizes input must be 1-D, not %s",
                         shape_text(&t->shape, text));
    int64_t count = tensor_elements(t);
    if (count > SHAPE_RANK_MAX)
        return error_set(err, CODE_UNIMPLEMENTED, "rank %lld is beyond %d", (long long)count,
                         SHAPE_RANK_MAX);
    sizes->rank = (int)count;
    for (int k = 0; k < sizes->rank; k++)
        sizes->dims[k] = tensor_int(t, k);
    return CODE_OK;
}

enum code sizes_read_shape(const struct op_call *call, int i, struct shape *shape,
                           struct error *err)
{
    enum code code = sizes_read(call, i, shape, err);
    if (code)
        return code;
    int64_t elements;
    for (int k = 0; k < shape->rank; k++) {
        if (shape->dims[k] < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "Dimension %lld must be >= 0",
                             (long long)shape->dims[k]);
    }
    if (!shape_elements_checked(shape, &elements))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Shape has too many elements for int64 arithmetic");
    return CODE_OK;
}

enum code sizes_read_axis(const struct op_call *call, int i, int rank, int *axis, struct error *err)
{
    if (tensor_elements(call->in[i]) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "the axis must be a scalar");
    int64_t value = tensor_int(call->in[i], 0);
    if (!kernel_axis(value, rank, axis))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Expected dimension in the range [%d, %d), but got %lld", -rank, rank,
                         (long long)value);
    return CODE_OK;
}

void sizes_append(const struct tensor *sizes, struct error *err)
{
    for (int64_t i = 0, n = tensor_elements(sizes); i < n; i++)
        error_append(err, "%s%lld", i ? " " : "", (long long)tensor_int(sizes, i));
}
