/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conv2DBackpropFilter, DepthwiseConv2dNativeBackpropFilter: what an image [batch, rows, columns,
 * channels] and the gradient of a convolution's result make of the gradient of its filter [rows,
 * columns, channels, n]: for each place of the kernel the sum of image times gradient over all
 * places of the result. Of a depthwise one, channel c and its n multiples stand for themselves.
 * NHWC, without groups and dilations, as TensorFlow has it on a CPU.
 */
#include "ops/array/sizes.h"
#include "ops/kernel.h"
#include "ops/nn/widen.h"
#include "ops/nn/window.h"

enum { CONV_ATTRS = WINDOW_STRIDES | WINDOW_DILATIONS | WINDOW_EXPLICIT };

struct filter_gradient {
    struct window window;
    int64_t n;      /* the last size of the filter */
    int64_t out;    /* channels of the result */
    bool depthwise; /* out is channels times n */
};

static bool is_depthwise(const struct op_call *call)
{
    return span_starts_with(span_of(call->node->op->name), SPAN_LITERAL("Depthwise"));
}

/* The name that TensorFlow's messages begin with. */
static const char *title(const struct op_call *call)
{
    return is_depthwise(call) ? "DepthwiseConv2DBackpropFilter" : "Conv2DCustomBackpropFilter";
}

static enum code read_window(const struct op_call *call, struct window *w, struct error *err)
{
    const int64_t *strides;
    if (op_attr_ints(call, "strides", &strides) != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Sliding window strides field must specify 4 dimensions");
    enum code code = window_read(call, CONV_ATTRS, w, err);
    if (!code)
        code = window_check_outer_strides(w, CODE_INVALID_ARGUMENT, err);
    if (code)
        return code;
    if (w->channels_first)
        return error_set(err, CODE_INVALID_ARGUMENT, "%sOp only supports NHWC.", title(call));
    for (int d = 0; d < WINDOW_DIMS; d++) {
        if (w->dilation[d] != 1 || w->outer_dilations[d] != 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Current CPU implementations do not yet support dilation rates larger "
                             "than 1.");
    }
    return CODE_OK;
}

static enum code check_ranks(const struct op_call *call, const struct shape *filter,
                             struct error *err)
{
    const struct {
        const char *name;
        int rank;
    } tensors[] = {{"input", call->in[0]->shape.rank},
                   {"filter", filter->rank},
                   {"out_backprop", call->in[2]->shape.rank}};
    int64_t elements;
    for (int i = 0; i < 3; i++) {
        if (tensors[i].rank != 4)
            return error_set(err, CODE_INVALID_ARGUMENT, "%s: %s must be 4-dimensional",
                             title(call), tensors[i].name);
    }
    for (int i = 0; i < 4; i++) {
        if (filter->dims[i] < 0)
            return error_set(err, CODE_INVALID_ARGUMENT, "Dimension %lld must be >= 0",
                             (long long)filter->dims[i]);
    }
    if (!shape_elements_checked(filter, &elements))
        return error_set(err, CODE_INVALID_ARGUMENT, "filter_sizes has too many elements");
    return CODE_OK;
}

static enum code check_channels(const struct op_call *call, const struct shape *filter,
                                struct error *err)
{
    const struct shape *image = &call->in[0]->shape, *given = &call->in[2]->shape;
    bool depthwise = is_depthwise(call);
    if (image->dims[0] != given->dims[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%s: input and out_backprop must have the same batch size. Input batch: "
                         "%lld, outbackprop batch: %lld, batch_dim: 0",
                         title(call), (long long)image->dims[0], (long long)given->dims[0]);
    if (image->dims[3] != filter->dims[2])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         depthwise ? "%s: input and filter must have the same in_depth"
                                   : "%s: input depth must be evenly divisible by filter depth",
                         title(call));
    int64_t out;
    if (!depthwise && filter->dims[3] != given->dims[3])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%s: filter and out_backprop must have the same out_depth", title(call));
    if (depthwise &&
        (__builtin_mul_overflow(filter->dims[2], filter->dims[3], &out) || out != given->dims[3]))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%s: depth_multiplier * in_depth not equal to out_depth", title(call));
    return CODE_OK;
}

static enum code check_given(const struct op_call *call, const struct window *w, struct error *err)
{
    static const char *const names[WINDOW_DIMS] = {"rows", "cols"};
    for (int d = 0; d < WINDOW_DIMS; d++) {
        int64_t given = call->in[2]->shape.dims[1 + d];
        if (given == w->out[d])
            continue;
        if (is_depthwise(call))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "%s: Number of %s of out_backprop doesn't match computed: actual = "
                             "%lld, computed = %lld",
                             title(call), names[d], (long long)given, (long long)w->out[d]);
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%s: Size of out_backprop doesn't match computed: actual = %lld, computed "
                         "= %lld spatial_dim: %d input: %lld filter: %lld output: %lld stride: "
                         "%lld dilation: 1",
                         title(call), (long long)given, (long long)w->out[d], 1 + d,
                         (long long)w->in[d], (long long)w->kernel[d], (long long)given,
                         (long long)w->stride[d]);
    }
    return CODE_OK;
}

static enum code read_gradient(const struct op_call *call, struct filter_gradient *g,
                               struct shape *filter, struct error *err)
{
    if (call->in[1]->shape.rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s: filter_sizes input must be 1-dim, not %d",
                         title(call), call->in[1]->shape.rank);
    enum code code = read_window(call, &g->window, err);
    if (!code)
        code = sizes_read(call, 1, filter, err);
    if (!code)
        code = check_ranks(call, filter, err);
    if (!code)
        code = check_channels(call, filter, err);
    if (code)
        return code;
    g->window.kernel[WINDOW_ROWS] = filter->dims[0];
    g->window.kernel[WINDOW_COLUMNS] = filter->dims[1];
    g->n = filter->dims[3];
    g->out = call->in[2]->shape.dims[3];
    g->depthwise = is_depthwise(call);
    code = window_fit(call, &g->window, err);
    return code ? code : check_given(call, &g->window, err);
}

static enum code gradient_shape(struct op_call *call, struct error *err)
{
    struct filter_gradient g;
    struct shape filter;
    if (!op_call_known(call, 1)) {
        op_call_defer(call, 0);
        return CODE_OK;
    }
    enum code code = read_gradient(call, &g, &filter, err);
    op_call_shape(call, 0, &filter);
    return code;
}

static enum code gradient_prepare(struct op_call *call, struct error *err)
{
    struct filter_gradient *g = ARENA_NEW(call->arena, struct filter_gradient);
    struct shape filter;
    call->state = g;
    call->scratch_size = widen_size(call->in[0]->dtype, tensor_elements(call->in[0])) +
                         widen_size(call->in[2]->dtype, tensor_elements(call->in[2])) +
                         widen_size(call->out[0]->dtype, tensor_elements(call->out[0]));
    return read_gradient(call, g, &filter, err);
}

/* One place of the kernel and one of the result: x [channels], y [out] -> filter [channels, n]. */
#define DEFINE_GRADIENT(type)                                                                      \
    KERNEL void add_##type(const struct filter_gradient *g, const type *x, const type *y,          \
                           type *filter)                                                           \
    {                                                                                              \
        for (int64_t c = 0; c < g->window.channels; c++, filter += g->n) {                         \
            const type *own = g->depthwise ? y + c * g->n : y;                                     \
            for (int64_t k = 0; k < g->n; k++)                                                     \
                filter[k] += x[c] * own[k];                                                        \
        }                                                                                          \
    }                                                                                              \
    static void gradient_##type(const struct filter_gradient *g, const type *image,                \
                                const type *given, type *filter)                                   \
    {                                                                                              \
        const struct window *w = &g->window;                                                       \
        const int64_t place = w->channels * g->n;                                                  \
        int64_t top, left, from[WINDOW_DIMS], to[WINDOW_DIMS];                                     \
        memset(filter, 0, (size_t)(w->kernel[0] * w->kernel[1] * place) * sizeof(type));           \
        for (int64_t i = 0; i < w->batch * w->out[0]; i++) {                                       \
            const type *rows = image + i / w->out[0] * w->in[0] * w->in[1] * w->channels;          \
            window_range(w, 0, i % w->out[0], &top, &from[0], &to[0]);                             \
            for (int64_t column = 0; column < w->out[1]; column++, given += g->out) {              \
                window_range(w, 1, column, &left, &from[1], &to[1]);                               \
                for (int64_t r = from[0]; r < to[0]; r++) {                                        \
                    for (int64_t c = from[1]; c < to[1]; c++)                                      \
                        add_##type(g, rows + ((top + r) * w->in[1] + left + c) * w->channels,      \
                                   given, filter + (r * w->kernel[1] + c) * place);                \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }
DEFINE_GRADIENT(float)
DEFINE_GRADIENT(double)

static enum code gradient_run(struct op_call *call, struct error *err)
{
    (void)err;
    const struct filter_gradient *g = call->state;
    char *scratch = call->scratch;
    if (call->in[0]->dtype == DTYPE_DOUBLE) {
        gradient_double(g, call->in[0]->data, call->in[2]->data, call->out[0]->data);
        return CODE_OK;
    }
    const float *image = widen_input(call->in[0], &scratch);
    const float *given = widen_input(call->in[2], &scratch);
    float *filter = widen_output(call->out[0], &scratch);
    gradient_float(g, image, given, filter);
    widen_finish(call->out[0], filter);
    return CODE_OK;
}

#define GRADIENT_OP(NAME, ATTRS)                                                                   \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "input:T filter_sizes:int32 out_backprop:T",                                     \
        .outputs = "output:T",                                                                     \
        .attrs = "T:type strides:list(int) padding:string explicit_paddings:list(int)=[] "         \
                 "data_format:string='NHWC' dilations:list(int)=[1,1,1,1]" ATTRS,                  \
        .types = OP_TYPES_FLOAT,                                                                   \
        .shape = gradient_shape,                                                                   \
        .prepare = gradient_prepare,                                                               \
        .run = gradient_run,                                                                       \
    };
GRADIENT_OP(Conv2DBackpropFilter, " use_cudnn_on_gpu:bool=true")
GRADIENT_OP(DepthwiseConv2dNativeBackpropFilter, "")
