/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/nn/volume.h"

/* Where the dimension d of space stands among those of a tensor; below 0: it has none. */
static int axis_of(const struct volume *v, int d)
{
    return d - (VOLUME_DIMS - v->spatial) + (v->channels_first ? 2 : 1);
}

static bool has_dimension(const struct volume *v, int d)
{
    return d >= VOLUME_DIMS - v->spatial;
}

enum code volume_attr(const struct op_call *call, const char *name, const int64_t **numbers,
                      struct error *err)
{
    if (op_attr_ints(call, name, numbers) == VOLUME_DIMS + 2)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Sliding window %s field must specify 5 dimensions", name);
}

void volume_pick(const struct volume *v, const int64_t *numbers, int64_t picked[VOLUME_DIMS])
{
    for (int d = 0; d < VOLUME_DIMS; d++)
        picked[d] = has_dimension(v, d) ? numbers[axis_of(v, d)] : 1;
}

/* Kernel sizes, strides and dilations are below 2^31, so that nothing overflows. */
static enum code fit_dimension(struct volume *v, int d, bool same, struct error *err)
{
    int64_t in = v->in[d], stride = v->stride[d];
    int64_t extent = (v->kernel[d] - 1) * v->dilation[d] + 1;
    v->before[d] = 0;
    if (same) {
        v->out[d] = (in + stride - 1) / stride;
        int64_t needed = (v->out[d] - 1) * stride + extent - in;
        v->before[d] = needed > 0 ? needed / 2 : 0;
    } else {
        v->out[d] = (in - extent + stride) / stride;
    }
    if (v->out[d] < 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Computed output size would be negative: %lld [input_size: %lld, "
                         "effective_filter_size: %lld, stride: %lld]",
                         (long long)v->out[d], (long long)in, (long long)extent, (long long)stride);
    return CODE_OK;
}

enum code volume_fit(const struct op_call *call, struct volume *v, struct error *err)
{
    bool same = span_is(op_attr_string(call, "padding"), "SAME");
    enum code code = CODE_OK;
    for (int d = 0; !code && d < VOLUME_DIMS; d++)
        code = fit_dimension(v, d, same, err);
    return code;
}

struct shape volume_shape(const struct volume *v, const int64_t size[VOLUME_DIMS], int64_t channels)
{
    struct shape shape = {.rank = v->spatial + 2, .dims = {v->batch}};
    shape.dims[volume_channel_axis(v)] = channels;
    for (int d = VOLUME_DIMS - v->spatial; d < VOLUME_DIMS; d++)
        shape.dims[axis_of(v, d)] = size[d];
    return shape;
}

struct volume_steps volume_steps(const struct volume *v, const int64_t size[VOLUME_DIMS],
                                 int64_t channels)
{
    int64_t pixel = v->channels_first ? 1 : channels;
    return (struct volume_steps){
        .image = volume_count(size) * channels,
        .space = {size[1] * size[2] * pixel, size[2] * pixel, pixel},
        .channel = v->channels_first ? volume_count(size) : 1,
    };
}
