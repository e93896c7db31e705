/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conv2D and DepthwiseConv2dNative: checks in TensorFlow's order and words; the work is
 * ops/nn/convolution.h's. Three things are allowed here that TensorFlow refuses on a CPU: NCHW,
 * and for the depthwise op dilations and unequal strides.
 */
#include "ops/kernel.h"
#include "ops/nn/convolution.h"

enum { CONV_ATTRS = WINDOW_STRIDES | WINDOW_DILATIONS | WINDOW_EXPLICIT };

/* A fused op may have taken over a Pad, which would have complained first. */
static enum code check_padded(const struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    bool fused = call->node->op->name[0] == '_';
    if (fused && call->in[0]->shape.rank != 4 && op_attr_bool(call, "padded"))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The first dimension of paddings must be the rank of inputs[4,2] %s",
                         shape_text(&call->in[0]->shape, text));
    return CODE_OK;
}

static enum code check_ranks(const struct op_call *call, const char *input, const char *filter,
                             struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    enum code code = check_padded(call, err);
    if (code)
        return code;
    if (call->in[0]->shape.rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s%s", input,
                         shape_text(&call->in[0]->shape, text));
    if (call->in[1]->shape.rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s%s", filter,
                         shape_text(&call->in[1]->shape, text));
    return CODE_OK;
}

static enum code check_kernel_size(const struct window *w, struct error *err)
{
    for (int d = 0; d < WINDOW_DIMS; d++) {
        if (w->kernel[d] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT, "filter too large");
    }
    return CODE_OK;
}

static enum code check_depths(struct convolution *c, const struct shape *filter, struct error *err)
{
    int64_t depth = filter->dims[2];
    if (depth <= 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "filter depth must be stricly positive, got %lld", (long long)depth);
    if (c->window.channels % depth)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input depth must be evenly divisible by filter depth: %lld vs %lld",
                         (long long)c->window.channels, (long long)depth);
    c->groups = c->window.channels ? c->window.channels / depth : 1;
    c->out_channels = filter->dims[3];
    if (c->out_channels % c->groups)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "output depth must be evenly divisible by number of groups: %lld vs %lld",
                         (long long)c->out_channels, (long long)c->groups);
    return CODE_OK;
}

/* Everything that attributes and shapes say of a Conv2D. */
static enum code conv2d_read(const struct op_call *call, struct convolution *c, struct error *err)
{
    *c = (struct convolution){.epilogue = {.bias_input = -1}};
    enum code code = window_read_inner(call, CONV_ATTRS, &c->window, err);
    if (!code)
        code = check_ranks(call, "convolution input must be 4-dimensional: ",
                           "convolution filter must be 4-dimensional: ", err);
    if (code)
        return code;
    const struct shape *filter = &call->in[1]->shape;
    c->window.kernel[WINDOW_ROWS] = filter->dims[0];
    c->window.kernel[WINDOW_COLUMNS] = filter->dims[1];
    c->window.channels = call->in[0]->shape.dims[window_channel_axis(&c->window)];
    code = check_kernel_size(&c->window, err);
    if (!code)
        code = check_depths(c, filter, err);
    return code ? code : window_fit(call, &c->window, err);
}

static enum code conv2d_shape(struct op_call *call, struct error *err)
{
    struct convolution c;
    enum code code = conv2d_read(call, &c, err);
    if (code)
        return code;
    struct shape out = window_shape(&c.window, c.out_channels);
    op_call_shape(call, 0, &out);
    int64_t elements;
    bool empty = shape_elements_checked(&out, &elements) && !elements;
    if (!empty && !tensor_elements(call->in[1]))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "filter must not have zero elements (i.e. all dimensions must be "
                         "non-zero)");
    return CODE_OK;
}

static enum code depthwise_read(const struct op_call *call, struct convolution *c,
                                struct error *err)
{
    *c = (struct convolution){.depthwise = true, .epilogue = {.bias_input = -1}};
    enum code code = window_read_inner(call, CONV_ATTRS, &c->window, err);
    if (!code)
        code =
            check_ranks(call, "input must be 4-dimensional", "filter must be 4-dimensional: ", err);
    if (code)
        return code;
    const struct shape *filter = &call->in[1]->shape;
    int64_t channels = call->in[0]->shape.dims[window_channel_axis(&c->window)];
    if (channels != filter->dims[2])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "input and filter must have the same depth: %lld vs %lld",
                         (long long)channels, (long long)filter->dims[2]);
    c->window.kernel[WINDOW_ROWS] = filter->dims[0];
    c->window.kernel[WINDOW_COLUMNS] = filter->dims[1];
    c->groups = channels;
    if (__builtin_mul_overflow(channels, filter->dims[3], &c->out_channels))
        return error_set(err, CODE_INVALID_ARGUMENT, "filter too large");
    code = check_kernel_size(&c->window, err);
    return code ? code : window_fit(call, &c->window, err);
}

static enum code depthwise_shape(struct op_call *call, struct error *err)
{
    struct convolution c;
    enum code code = depthwise_read(call, &c, err);
    if (code)
        return code;
    struct shape out = window_shape(&c.window, c.out_channels);
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code conv2d_prepare(struct op_call *call, struct error *err)
{
    struct convolution *c = ARENA_NEW(call->arena, struct convolution);
    call->state = c;
    enum code code = conv2d_read(call, c, err);
    return code ? code : convolution_prepare(c, call, err);
}

static enum code depthwise_prepare(struct op_call *call, struct error *err)
{
    struct convolution *c = ARENA_NEW(call->arena, struct convolution);
    call->state = c;
    enum code code = depthwise_read(call, c, err);
    return code ? code : convolution_prepare(c, call, err);
}

/* The fused forms: bias (one number per channel) and an activation follow. */
static enum code fused_conv2d_prepare(struct op_call *call, struct error *err)
{
    struct convolution *c = ARENA_NEW(call->arena, struct convolution);
    call->state = c;
    enum code code = conv2d_read(call, c, err);
    c->epilogue = epilogue_read(call);
    return code ? code : convolution_prepare(c, call, err);
}

static enum code fused_depthwise_prepare(struct op_call *call, struct error *err)
{
    struct convolution *c = ARENA_NEW(call->arena, struct convolution);
    call->state = c;
    enum code code = depthwise_read(call, c, err);
    c->epilogue = epilogue_read(call);
    return code ? code : convolution_prepare(c, call, err);
}

static enum code conv_run(struct op_call *call, struct error *err)
{
    return convolution_run(call->state, call, err);
}

#define PLACE_ATTRS                                                                                \
    "padding:string explicit_paddings:list(int)=[] data_format:string='NHWC' "                     \
    "dilations:list(int)=[1,1,1,1]"

const struct op op_Conv2D = {
    .name = "Conv2D",
    .inputs = "input:T filter:T",
    .outputs = "output:T",
    .attrs = "T:type strides:list(int) use_cudnn_on_gpu:bool=true " PLACE_ATTRS,
    .types = OP_TYPES_FLOAT | OP_TYPE(DTYPE_INT32),
    .shape = conv2d_shape,
    .prepare = conv2d_prepare,
    .run = conv_run,
};

const struct op op_DepthwiseConv2dNative = {
    .name = "DepthwiseConv2dNative",
    .inputs = "input:T filter:T",
    .outputs = "output:T",
    .attrs = "T:type strides:list(int) " PLACE_ATTRS,
    .types = OP_TYPES_FLOAT,
    .shape = depthwise_shape,
    .prepare = depthwise_prepare,
    .run = conv_run,
};

/* Made by engine/passes/fuse.c only: float, NHWC, a constant filter and bias. */
#define FUSED_ATTRS                                                                                \
    "T:type strides:list(int) " PLACE_ATTRS " activation:string='' alpha:float=0 "                 \
    "padded:bool=false"

const struct op op__FusedConv2D = {
    .name = "_FusedConv2D",
    .inputs = "input:T filter:T bias:T",
    .outputs = "output:T",
    .attrs = FUSED_ATTRS,
    .types = OP_TYPE(DTYPE_FLOAT),
    .shape = conv2d_shape,
    .prepare = fused_conv2d_prepare,
    .run = conv_run,
};

const struct op op__FusedDepthwiseConv2dNative = {
    .name = "_FusedDepthwiseConv2dNative",
    .inputs = "input:T filter:T bias:T",
    .outputs = "output:T",
    .attrs = FUSED_ATTRS,
    .types = OP_TYPE(DTYPE_FLOAT),
    .shape = depthwise_shape,
    .prepare = fused_depthwise_prepare,
    .run = conv_run,
};
