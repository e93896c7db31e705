/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conv3D and Conv3DBackpropInputV2: checks in TensorFlow's order and words; the work is
 * ops/nn/convolution3d.h's and ops/nn/transposed.h's. NCDHW, dilations and groups are allowed
 * here, which TensorFlow refuses on a CPU.
 */
#include "ops/array/sizes.h"
#include "ops/kernel.h"
#include "ops/nn/convolution3d.h"
#include "ops/nn/transposed.h"

/* ---- Conv3D ---- */

static enum code read_attrs(const struct op_call *call, struct volume *v, struct error *err)
{
    const int64_t *strides, *dilations;
    *v = (struct volume){
        .channels_first = span_is(op_attr_string(call, "data_format"), "NCDHW"),
        .spatial = 3,
    };
    enum code code = volume_attr(call, "strides", &strides, err);
    if (!code)
        code = volume_attr(call, "dilations", &dilations, err);
    if (code)
        return code;
    int channels = volume_channel_axis(v);
    if (strides[0] != 1 || strides[channels] != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Current implementation does not yet support strides in the batch and "
                         "depth dimensions.");
    if (dilations[0] != 1 || dilations[channels] != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Current implementation does not yet support dilation rates in the batch "
                         "and depth dimensions.");
    volume_pick(v, strides, v->stride);
    volume_pick(v, dilations, v->dilation);
    for (int d = 0; d < VOLUME_DIMS; d++) {
        if (v->stride[d] <= 0 || v->stride[d] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Spatial strides should be larger than "
                             "0.");
        if (v->dilation[d] <= 0 || v->dilation[d] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT, "Dilated rates should be larger than 0.");
    }
    return CODE_OK;
}

static enum code take_filter(const struct shape *filter, struct volume *v, struct error *err)
{
    for (int d = 0; d < VOLUME_DIMS; d++) {
        v->kernel[d] = filter->dims[d];
        if (v->kernel[d] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT, "filter too large");
    }
    return CODE_OK;
}

static enum code take_volume(const struct op_call *call, const struct shape *shape,
                             struct volume *v, struct error *err)
{
    v->batch = shape->dims[0];
    v->channels = shape->dims[volume_channel_axis(v)];
    volume_pick(v, shape->dims, v->in);
    return volume_fit(call, v, err);
}

static enum code conv3d_read(const struct op_call *call, struct convolution3d *c, struct error *err)
{
    const struct shape *in = &call->in[0]->shape, *filter = &call->in[1]->shape;
    *c = (struct convolution3d){0};
    enum code code = read_attrs(call, &c->volume, err);
    if (code)
        return code;
    if (in->rank != 5)
        return error_set(err, CODE_INVALID_ARGUMENT, "input must be 5-dimensional");
    if (filter->rank != 5)
        return error_set(err, CODE_INVALID_ARGUMENT, "filter must be 5-dimensional");
    int64_t channels = in->dims[volume_channel_axis(&c->volume)], depth = filter->dims[3];
    if (!depth)
        return error_set(err, CODE_INVALID_ARGUMENT, "filter depth must be non-zero");
    if (channels % depth)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input depth must be evenly divisible by filter depth: %lld vs %lld",
                         (long long)channels, (long long)depth);
    c->groups = channels ? channels / depth : 1;
    c->out_channels = filter->dims[4];
    if (c->out_channels % c->groups)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Output depth must be evenly divisible by number of groups: %lld vs %lld",
                         (long long)c->out_channels, (long long)c->groups);
    code = take_filter(filter, &c->volume, err);
    return code ? code : take_volume(call, in, &c->volume, err);
}

static enum code conv3d_shape(struct op_call *call, struct error *err)
{
    struct convolution3d c;
    enum code code = conv3d_read(call, &c, err);
    if (code)
        return code;
    struct shape out = volume_shape(&c.volume, c.volume.out, c.out_channels);
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code conv3d_prepare(struct op_call *call, struct error *err)
{
    struct convolution3d *c = ARENA_NEW(call->arena, struct convolution3d);
    call->state = c;
    enum code code = conv3d_read(call, c, err);
    if (!code)
        convolution3d_prepare(c, call);
    return code;
}

static enum code conv3d_run(struct op_call *call, struct error *err)
{
    (void)err;
    convolution3d_run(call->state, call);
    return CODE_OK;
}

/* ---- Conv3DBackpropInputV2 ---- */

static enum code check_given(const struct volume *v, const struct shape *given, struct error *err)
{
    int64_t sizes[VOLUME_DIMS];
    volume_pick(v, given->dims, sizes);
    for (int d = 0; d < VOLUME_DIMS; d++) {
        if (sizes[d] != v->out[d])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Conv3DBackpropInputOp: Size of out_backprop doesn't match computed: "
                             "actual = %lld, computed = %lld spatial_dim: %d input: %lld filter: "
                             "%lld output: %lld stride: %lld dilation: %lld",
                             (long long)sizes[d], (long long)v->out[d],
                             (v->channels_first ? 2 : 1) + d, (long long)v->in[d],
                             (long long)v->kernel[d], (long long)sizes[d], (long long)v->stride[d],
                             (long long)v->dilation[d]);
    }
    return CODE_OK;
}

static enum code check_shapes(const struct op_call *call, const struct shape *volume,
                              struct error *err)
{
    const struct shape *filter = &call->in[1]->shape, *given = &call->in[2]->shape;
    const char *wrong = NULL;
    int64_t elements;
    if (volume->rank != 5)
        wrong = "input tensor must have 5 dimensions";
    else if (filter->rank != 5)
        wrong = "filter_sizes tensor must have 5 dimensions";
    else if (given->rank != 5)
        wrong = "out_backprop tensor must have 5 dimensions";
    else if (!shape_elements_checked(volume, &elements))
        wrong = "input_sizes must be sizes of a tensor";
    if (wrong)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s", wrong);
    return CODE_OK;
}

static enum code check_channels(const struct op_call *call, struct transposed *t,
                                const struct shape *volume, struct error *err)
{
    const struct shape *filter = &call->in[1]->shape, *given = &call->in[2]->shape;
    int axis = volume_channel_axis(&t->volume);
    int64_t depth = filter->dims[3];
    t->out_channels = filter->dims[4];
    if (!depth || volume->dims[axis] % depth)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input and filter_sizes must have the same number of channels. Got %lld "
                         "for input and %lld for filter_sizes",
                         (long long)volume->dims[axis], (long long)depth);
    if (given->dims[axis] != t->out_channels)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "out_backprop and filter_sizes must have the same number of channels. "
                         "Got %lld for out_backprop and %lld for filter_sizes",
                         (long long)given->dims[axis], (long long)t->out_channels);
    if (volume->dims[0] != given->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Conv3DBackpropInputOp: input and out_backprop must have the same batch "
                         "size. Input batch: %lld, outbackprop batch: %lld, batch_dim: 0",
                         (long long)volume->dims[0], (long long)given->dims[0]);
    t->groups = volume->dims[axis] / depth;
    if (!t->groups || t->out_channels % t->groups)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Conv3DBackpropInputOp: output depth must be evenly divisible by number "
                         "of groups");
    return CODE_OK;
}

static enum code backprop_read(const struct op_call *call, struct transposed *t, struct error *err)
{
    struct shape volume;
    *t = (struct transposed){.given = 2};
    enum code code = read_attrs(call, &t->volume, err);
    if (!code)
        code = sizes_read(call, 0, &volume, err);
    if (!code)
        code = check_shapes(call, &volume, err);
    if (!code)
        code = check_channels(call, t, &volume, err);
    if (!code)
        code = take_filter(&call->in[1]->shape, &t->volume, err);
    if (!code)
        code = take_volume(call, &volume, &t->volume, err);
    return code ? code : check_given(&t->volume, &call->in[2]->shape, err);
}

static enum code backprop_shape(struct op_call *call, struct error *err)
{
    struct transposed t;
    if (!op_call_known(call, 0)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    enum code code = backprop_read(call, &t, err);
    if (code)
        return code;
    struct shape out = volume_shape(&t.volume, t.volume.in, t.volume.channels);
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code backprop_prepare(struct op_call *call, struct error *err)
{
    struct transposed *t = ARENA_NEW(call->arena, struct transposed);
    call->state = t;
    enum code code = backprop_read(call, t, err);
    return code ? code : transposed_prepare(t, call, err);
}

static enum code backprop_run(struct op_call *call, struct error *err)
{
    (void)err;
    transposed_run(call->state, call);
    return CODE_OK;
}

#define CONV3D_ATTRS                                                                               \
    "T:type strides:list(int) padding:string data_format:string='NDHWC' "                          \
    "dilations:list(int)=[1,1,1,1,1]"

const struct op op_Conv3D = {
    .name = "Conv3D",
    .inputs = "input:T filter:T",
    .outputs = "output:T",
    .attrs = CONV3D_ATTRS,
    .types = OP_TYPES_FLOAT,
    .shape = conv3d_shape,
    .prepare = conv3d_prepare,
    .run = conv3d_run,
};

const struct op op_Conv3DBackpropInputV2 = {
    .name = "Conv3DBackpropInputV2",
    .inputs = "input_sizes:Tshape filter:T out_backprop:T",
    .outputs = "output:T",
    .attrs = CONV3D_ATTRS " Tshape:index=int32",
    .types = OP_TYPES_FLOAT,
    .shape = backprop_shape,
    .prepare = backprop_prepare,
    .run = backprop_run,
};
