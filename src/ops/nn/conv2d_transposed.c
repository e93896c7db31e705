/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conv2DBackpropInput (its input 0 says the size of the result) and Conv2DBackpropInputV2 (its
 * input 0 is as large as the result). NCHW is allowed here, which TensorFlow refuses on a CPU.
 */
#include "ops/array/sizes.h"
#include "ops/kernel.h"
#include "ops/nn/transposed.h"
#include "ops/nn/window.h"

enum { CONV_ATTRS = WINDOW_STRIDES | WINDOW_DILATIONS | WINDOW_EXPLICIT };

static bool has_sizes(const struct op_call *call)
{
    return !span_ends_with(span_of(call->node->op->name), SPAN_LITERAL("V2"));
}

static enum code read_window(const struct op_call *call, struct window *w, struct error *err)
{
    const int64_t *strides;
    if (op_attr_ints(call, "strides", &strides) != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Sliding window strides field must specify 4 dimensions");
    return window_read_inner(call, CONV_ATTRS, w, err);
}

/* The shape of the result: 4 sizes, or those of rows and columns only. */
static enum code read_sizes(const struct op_call *call, const struct window *w, struct shape *shape,
                            struct error *err)
{
    const struct shape *given = &call->in[2]->shape, *filter = &call->in[1]->shape;
    int64_t elements;
    if (!has_sizes(call)) {
        *shape = call->in[0]->shape;
        return CODE_OK;
    }
    if (call->in[0]->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Conv2DBackpropInput: input_sizes input must be 1-dim, not %d",
                         call->in[0]->shape.rank);
    enum code code = sizes_read(call, 0, shape, err);
    if (code)
        return code;
    struct shape sizes = *shape;
    int channels = window_channel_axis(w), rows = w->channels_first ? 2 : 1;
    if (sizes.rank == 2 && given->rank == 4 && filter->rank == 4) {
        *shape = (struct shape){.rank = 4, .dims = {given->dims[0]}};
        shape->dims[rows] = sizes.dims[0];
        shape->dims[rows + 1] = sizes.dims[1];
        shape->dims[channels] = filter->dims[2];
    }
    if (shape->rank == 2)
        return CODE_OK; /* a bad rank: told later */
    if (sizes.rank != 2 && sizes.rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Conv2DBackpropInput requires input_sizes to contain 4 values or 2 "
                         "values, but got: %d",
                         sizes.rank);
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "Dimension %lld must be >= 0",
                             (long long)shape->dims[i]);
    }
    if (!shape_elements_checked(shape, &elements))
        return error_set(err, CODE_INVALID_ARGUMENT, "input_sizes has too many elements");
    return CODE_OK;
}

static enum code check_rank(const char *name, const struct shape *shape, struct error *err)
{
    if (shape->rank != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Conv2DCustomBackpropInput: %s must be 4-dimensional", name);
    return CODE_OK;
}

static enum code check_given(const struct window *w, const struct shape *given, struct error *err)
{
    int64_t sizes[WINDOW_DIMS];
    window_pick(w, given->dims, sizes);
    for (int d = 0; d < WINDOW_DIMS; d++) {
        if (sizes[d] == w->out[d])
            continue;
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Conv2DCustomBackpropInput: Size of out_backprop doesn't match computed: "
                         "actual = %lld, computed = %lld spatial_dim: %d input: %lld filter: %lld "
                         "output: %lld stride: %lld dilation: %lld",
                         (long long)sizes[d], (long long)w->out[d], (w->channels_first ? 2 : 1) + d,
                         (long long)w->in[d], (long long)w->kernel[d], (long long)sizes[d],
                         (long long)w->stride[d], (long long)w->dilation[d]);
    }
    return CODE_OK;
}

/* window_fit() takes the sizes from in[0], which is no image here. */
static enum code fit(const struct op_call *call, struct window *w, const struct shape *image,
                     struct error *err)
{
    struct tensor like = {.shape = *image};
    const struct tensor *in[] = {&like};
    struct op_call with_image = *call;
    with_image.in = in;
    return window_fit(&with_image, w, err);
}

static struct volume volume_of(const struct window *w)
{
    return (struct volume){
        .channels_first = w->channels_first,
        .spatial = 2,
        .batch = w->batch,
        .channels = w->channels,
        .in = {1, w->in[0], w->in[1]},
        .out = {1, w->out[0], w->out[1]},
        .kernel = {1, w->kernel[0], w->kernel[1]},
        .stride = {1, w->stride[0], w->stride[1]},
        .dilation = {1, w->dilation[0], w->dilation[1]},
        .before = {0, w->before[0], w->before[1]},
    };
}

static enum code check_ranks(const struct op_call *call, const struct shape *image,
                             struct error *err)
{
    enum code code = check_rank("input", image, err);
    if (!code)
        code = check_rank("filter", &call->in[1]->shape, err);
    if (!code && call->in[2]->shape.rank != 4)
        code = error_set(err, CODE_INVALID_ARGUMENT, "input_sizes must be 4-dimensional, got: %d",
                         call->in[2]->shape.rank);
    return code;
}

static enum code check_channels(const struct op_call *call, struct transposed *t,
                                const struct window *w, struct error *err)
{
    const struct shape *filter = &call->in[1]->shape, *given = &call->in[2]->shape;
    int64_t depth = filter->dims[2];
    if (!depth || w->channels % depth)
        return error_set(
            err, CODE_INVALID_ARGUMENT,
            "Conv2DCustomBackpropInput: input depth must be evenly divisible by filter "
            "depth");
    t->groups = w->channels / depth;
    t->out_channels = filter->dims[3];
    if (given->dims[window_channel_axis(w)] != t->out_channels)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Conv2DCustomBackpropInput: filter and out_backprop must have the same "
                         "out_depth");
    if (!t->groups || t->out_channels % t->groups)
        return error_set(
            err, CODE_INVALID_ARGUMENT,
            "Conv2DCustomBackpropInput: output depth must be evenly divisible by number of "
            "groups");
    return CODE_OK;
}

/* Everything that attributes, shapes and sizes say. */
static enum code read_all(const struct op_call *call, struct transposed *t, struct error *err)
{
    struct window w;
    struct shape image;
    const struct shape *filter = &call->in[1]->shape, *given = &call->in[2]->shape;
    *t = (struct transposed){.given = 2};
    enum code code = read_window(call, &w, err);
    if (!code)
        code = read_sizes(call, &w, &image, err);
    if (!code)
        code = check_ranks(call, &image, err);
    if (code)
        return code;
    if (image.dims[0] != given->dims[0])
        return error_set(
            err, CODE_INVALID_ARGUMENT,
            "Conv2DCustomBackpropInput: input and out_backprop must have the same batch "
            "size. Input batch: %lld, outbackprop batch: %lld, batch_dim: 0",
            (long long)image.dims[0], (long long)given->dims[0]);
    for (int d = 0; d < WINDOW_DIMS; d++) {
        w.kernel[d] = filter->dims[d];
        if (w.kernel[d] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT, "filter too large");
    }
    w.channels = image.dims[window_channel_axis(&w)];
    code = check_channels(call, t, &w, err);
    if (!code)
        code = fit(call, &w, &image, err);
    if (!code)
        code = check_given(&w, given, err);
    t->volume = volume_of(&w);
    return code;
}

static enum code transposed_shape(struct op_call *call, struct error *err)
{
    struct transposed t;
    if (has_sizes(call) && !op_call_known(call, 0)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    enum code code = read_all(call, &t, err);
    if (code)
        return code;
    struct shape out = volume_shape(&t.volume, t.volume.in, t.volume.channels);
    op_call_shape(call, 0, &out);
    return CODE_OK;
}

static enum code prepare(struct op_call *call, struct error *err)
{
    struct transposed *t = ARENA_NEW(call->arena, struct transposed);
    call->state = t;
    enum code code = read_all(call, t, err);
    return code ? code : transposed_prepare(t, call, err);
}

static enum code run(struct op_call *call, struct error *err)
{
    (void)err;
    transposed_run(call->state, call);
    return CODE_OK;
}

#define CONV_TYPES (OP_TYPES_FLOAT | OP_TYPE(DTYPE_INT32))
#define PLACE_ATTRS                                                                                \
    "padding:string explicit_paddings:list(int)=[] data_format:string='NHWC' "                     \
    "dilations:list(int)=[1,1,1,1]"

const struct op op_Conv2DBackpropInput = {
    .name = "Conv2DBackpropInput",
    .inputs = "input_sizes:int32 filter:T out_backprop:T",
    .outputs = "output:T",
    .attrs = "T:type strides:list(int) use_cudnn_on_gpu:bool=true " PLACE_ATTRS,
    .types = CONV_TYPES,
    .shape = transposed_shape,
    .prepare = prepare,
    .run = run,
};

const struct op op_Conv2DBackpropInputV2 = {
    .name = "Conv2DBackpropInputV2",
    .inputs = "input:T filter:T out_backprop:T",
    .outputs = "output:T",
    .attrs = "T:type strides:list(int) use_cudnn_on_gpu:bool=true " PLACE_ATTRS,
    .types = CONV_TYPES,
    .shape = transposed_shape,
    .prepare = prepare,
    .run = run,
};
