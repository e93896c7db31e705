/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conv: a convolution of images or volumes with any number of batch dimensions, which are taken as
 * one; the work is ops/nn/convolution3d.h's. CHANNELS_FIRST is allowed here, which TensorFlow
 * refuses on a CPU.
 */
#include "ops/kernel.h"
#include "ops/nn/convolution3d.h"

/* The attribute's numbers, one for each dimension of [batch, space..., channels]. */
static enum code read_numbers(const struct op_call *call, const char *name, const struct volume *v,
                              const int64_t **numbers, struct error *err)
{
    size_t count = op_attr_ints(call, name, numbers);
    if (count != (size_t)v->spatial + 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Sliding window %s field must specify %d dimensions", name,
                         v->spatial + 2);
    int channels = volume_channel_axis(v);
    if ((*numbers)[0] != 1 || (*numbers)[channels] != 1)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Current implementation does not yet support %s in the batch and depth "
                         "dimensions.",
                         name);
    for (int i = 0; i < v->spatial + 2; i++) {
        if ((*numbers)[i] <= 0 || (*numbers)[i] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s should be larger than 0.", name);
    }
    return CODE_OK;
}

static enum code read_places(const struct op_call *call, struct volume *v, struct error *err)
{
    const int64_t *numbers;
    enum code code = read_numbers(call, "strides", v, &numbers, err);
    if (code)
        return code;
    volume_pick(v, numbers, v->stride);
    for (int d = 0; d < VOLUME_DIMS; d++)
        v->dilation[d] = 1;
    if (!op_attr_ints(call, "dilations", &numbers))
        return CODE_OK;
    code = read_numbers(call, "dilations", v, &numbers, err);
    if (!code)
        volume_pick(v, numbers, v->dilation);
    return code;
}

/* volume_fit() for explicit paddings: two for each dimension. */
static enum code fit_explicit(const struct op_call *call, struct volume *v, struct error *err)
{
    const int64_t *pads;
    int first = v->channels_first ? 2 : 1;
    size_t count = op_attr_ints(call, "explicit_paddings", &pads);
    if (count != 2 * ((size_t)v->spatial + 2))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "explicit_paddings attribute must contain %d values, but got: %zu",
                         2 * (v->spatial + 2), count);
    for (size_t i = 0; i < count; i++) {
        bool space = (int)i / 2 >= first && (int)i / 2 < first + v->spatial;
        if (pads[i] < 0 || pads[i] > INT32_MAX || (pads[i] && !space))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "All elements of explicit_paddings must be nonnegative, and zero in "
                             "the batch or depth dimensions");
    }
    for (int d = VOLUME_DIMS - v->spatial; d < VOLUME_DIMS; d++) {
        const int64_t *pair = pads + 2 * (first + d - (VOLUME_DIMS - v->spatial));
        int64_t extent = (v->kernel[d] - 1) * v->dilation[d] + 1;
        v->before[d] = pair[0];
        v->out[d] = (v->in[d] + pair[0] + pair[1] - extent + v->stride[d]) / v->stride[d];
        if (v->out[d] < 0)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Computed output size would be negative: %lld [input_size: %lld, "
                             "effective_filter_size: %lld, stride: %lld]",
                             (long long)v->out[d], (long long)v->in[d], (long long)extent,
                             (long long)v->stride[d]);
    }
    return CODE_OK;
}

static enum code check_kind(const struct op_call *call, int batch_dims, struct volume *v,
                            struct error *err)
{
    v->channels_first = span_is(op_attr_string(call, "data_format"), "CHANNELS_FIRST");
    v->spatial = call->in[0]->shape.rank - batch_dims - 1;
    if (op_attr_int(call, "groups") != 1)
        return error_set(err, CODE_UNIMPLEMENTED,
                         "Grouped/Depthwise Convolutions are not supported yet.");
    if (batch_dims < 0 || (v->spatial != 2 && v->spatial != 3))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The input must have 2 or 3 spatial dimensions but got %d", v->spatial);
    if (call->in[1]->shape.rank != v->spatial + 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The filter must have %d dimensions but got %d", v->spatial + 2,
                         call->in[1]->shape.rank);
    return CODE_OK;
}

/* Sizes but those of the batch dimensions: image is [batch, ...] as the volume has it. */
static enum code take_sizes(const struct op_call *call, const struct shape *image,
                            struct convolution3d *c, struct error *err)
{
    const struct shape *filter = &call->in[1]->shape;
    struct volume *v = &c->volume;
    v->batch = image->dims[0];
    v->channels = image->dims[volume_channel_axis(v)];
    volume_pick(v, image->dims, v->in);
    c->groups = 1;
    c->out_channels = filter->dims[v->spatial + 1];
    if (v->channels != filter->dims[v->spatial])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input depth must be equal to filter depth: %lld vs %lld",
                         (long long)v->channels, (long long)filter->dims[v->spatial]);
    v->kernel[0] = 1;
    for (int d = 0; d < v->spatial; d++) {
        if (filter->dims[d] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT, "filter too large");
        v->kernel[VOLUME_DIMS - v->spatial + d] = filter->dims[d];
    }
    enum code code = volume_fit(call, v, err);
    if (!code && span_is(op_attr_string(call, "padding"), "EXPLICIT"))
        code = fit_explicit(call, v, err);
    return code;
}

static enum code conv_read(const struct op_call *call, struct convolution3d *c, struct shape *out,
                           struct error *err)
{
    const struct shape *in = &call->in[0]->shape;
    int64_t batch_dims = op_attr_int(call, "batch_dims");
    if (batch_dims < 0 || batch_dims > in->rank)
        return error_set(err, CODE_INVALID_ARGUMENT, "batch_dims must be in [0, %d], got %lld",
                         in->rank, (long long)batch_dims);
    int batches = (int)batch_dims;
    *c = (struct convolution3d){0};
    enum code code = check_kind(call, batches, &c->volume, err);
    if (!code)
        code = read_places(call, &c->volume, err);
    if (code)
        return code;
    struct shape image = {.rank = in->rank - batches + 1, .dims = {kernel_span(in, 0, batches)}};
    for (int i = 1; i < image.rank; i++)
        image.dims[i] = in->dims[batches + i - 1];
    code = take_sizes(call, &image, c, err);
    struct shape result = volume_shape(&c->volume, c->volume.out, c->out_channels);
    *out = *in;
    for (int i = 1; i < result.rank; i++)
        out->dims[batches + i - 1] = result.dims[i];
    return code;
}

static enum code conv_shape(struct op_call *call, struct error *err)
{
    struct convolution3d c;
    struct shape out;
    enum code code = conv_read(call, &c, &out, err);
    if (!code)
        op_call_shape(call, 0, &out);
    return code;
}

static enum code conv_prepare(struct op_call *call, struct error *err)
{
    struct convolution3d *c = ARENA_NEW(call->arena, struct convolution3d);
    struct shape out;
    call->state = c;
    enum code code = conv_read(call, c, &out, err);
    if (!code)
        convolution3d_prepare(c, call);
    return code;
}

static enum code conv_run(struct op_call *call, struct error *err)
{
    (void)err;
    convolution3d_run(call->state, call);
    return CODE_OK;
}

const struct op op_Conv = {
    .name = "Conv",
    .inputs = "input:T filter:T",
    .outputs = "output:T",
    .attrs = "T:type strides:list(int) padding:string explicit_paddings:list(int)=[] "
             "data_format:string='CHANNELS_LAST' dilations:list(int)=[] batch_dims:int=1 "
             "groups:int=1",
    .types = OP_TYPES_FLOAT | OP_TYPE(DTYPE_INT32),
    .shape = conv_shape,
    .prepare = conv_prepare,
    .run = conv_run,
};
