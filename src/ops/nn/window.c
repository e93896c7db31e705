/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/nn/window.h"

/* Where rows and columns stand among the four dimensions. */
static int axis_of(const struct window *window, int d)
{
    return (window->channels_first ? 2 : 1) + d;
}

void window_pick(const struct window *window, const int64_t numbers[4], int64_t picked[WINDOW_DIMS])
{
    for (int d = 0; d < WINDOW_DIMS; d++)
        picked[d] = numbers[axis_of(window, d)];
}

static enum code read_four(const struct op_call *call, const char *name, const int64_t **numbers,
                           struct error *err)
{
    size_t count = op_attr_ints(call, name, numbers);
    if (count != 4)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "%s requires the %s attribute to contain 4 values, but got: %zu",
                         call->node->op->name, name, count);
    return CODE_OK;
}

enum code window_set_strides(struct window *window, const int64_t strides[4], struct error *err)
{
    window_pick(window, strides, window->stride);
    window->outer_strides[0] = strides[0];
    window->outer_strides[1] = strides[window_channel_axis(window)];
    for (int d = 0; d < WINDOW_DIMS; d++) {
        if (window->stride[d] <= 0 || window->stride[d] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT, "Stride must be > 0, but got %lld",
                             (long long)window->stride[d]);
    }
    return CODE_OK;
}

static enum code read_dilations(const struct op_call *call, struct window *window,
                                struct error *err)
{
    const int64_t *dilations;
    enum code code = read_four(call, "dilations", &dilations, err);
    if (code)
        return code;
    window_pick(window, dilations, window->dilation);
    window->outer_dilations[0] = dilations[0];
    window->outer_dilations[1] = dilations[window_channel_axis(window)];
    for (int d = 0; d < WINDOW_DIMS; d++) {
        if (window->dilation[d] < 1 || window->dilation[d] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT, "Dilation rate must be >= 1, but got %lld",
                             (long long)window->dilation[d]);
    }
    return CODE_OK;
}

static enum code read_explicit(const struct op_call *call, struct window *window, struct error *err)
{
    const int64_t *pads;
    bool used = span_is(op_attr_string(call, "padding"), "EXPLICIT");
    size_t count = op_attr_ints(call, "explicit_paddings", &pads);
    if (!used && count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "explicit_paddings attribute must be empty if the padding attribute is "
                         "not EXPLICIT");
    if (!used)
        return CODE_OK;
    if (count != 8)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "explicit_paddings attribute must contain 8 values, but got: %zu", count);
    for (size_t i = 0; i < 8; i++) {
        int axis = (int)i / 2;
        bool spatial = axis != 0 && axis != window_channel_axis(window);
        if (pads[i] < 0 || pads[i] > INT32_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "All elements of explicit_paddings must be nonnegative");
        if (pads[i] && !spatial)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Nonzero explicit padding in the batch or depth dimensions is not "
                             "supported");
    }
    for (int d = 0; d < WINDOW_DIMS; d++) {
        window->before[d] = pads[2 * axis_of(window, d)];
        window->after[d] = pads[2 * axis_of(window, d) + 1];
    }
    return CODE_OK;
}

enum code window_read(const struct op_call *call, unsigned attrs, struct window *window,
                      struct error *err)
{
    const int64_t *strides;
    *window = (struct window){
        .channels_first =
            !(attrs & WINDOW_CHANNELS_LAST) && span_is(op_attr_string(call, "data_format"), "NCHW"),
        .stride = {1, 1},
        .dilation = {1, 1},
        .outer_strides = {1, 1},
        .outer_dilations = {1, 1},
    };
    enum code code = CODE_OK;
    if (attrs & WINDOW_STRIDES) {
        code = read_four(call, "strides", &strides, err);
        if (!code)
            code = window_set_strides(window, strides, err);
    }
    if (!code && (attrs & WINDOW_DILATIONS))
        code = read_dilations(call, window, err);
    if (!code && (attrs & WINDOW_EXPLICIT))
        code = read_explicit(call, window, err);
    return code;
}

/* Kernel sizes and dilations are below 2^31 and sizes below 2^63, so only sums near 2^63 could
 * overflow: such sizes are no tensors'. */
static enum code fit_dimension(struct window *window, int d, struct span padding, struct error *err)
{
    int64_t in = window->in[d], stride = window->stride[d];
    int64_t extent = (window->kernel[d] - 1) * window->dilation[d] + 1;
    if (span_is(padding, "SAME")) {
        window->out[d] = (in + stride - 1) / stride;
        int64_t needed = (window->out[d] - 1) * stride + extent - in;
        window->before[d] = needed > 0 ? needed / 2 : 0;
        window->after[d] = needed > 0 ? needed - needed / 2 : 0;
    } else {
        window->out[d] = (in + window->before[d] + window->after[d] - extent + stride) / stride;
    }
    if (window->out[d] < 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Computed output size would be negative: %lld [input_size: %lld, "
                         "effective_filter_size: %lld, stride: %lld]",
                         (long long)window->out[d], (long long)in, (long long)extent,
                         (long long)stride);
    return CODE_OK;
}

enum code window_fit(const struct op_call *call, struct window *window, struct error *err)
{
    const struct shape *shape = &call->in[0]->shape;
    window->batch = shape->dims[0];
    window->channels = shape->dims[window_channel_axis(window)];
    window_pick(window, shape->dims, window->in);
    enum code code = CODE_OK;
    for (int d = 0; !code && d < WINDOW_DIMS; d++)
        code = fit_dimension(window, d, op_attr_string(call, "padding"), err);
    return code;
}

struct window_steps window_steps(const struct window *window, const int64_t size[WINDOW_DIMS],
                                 int64_t channels)
{
    int64_t pixels = size[WINDOW_ROWS] * size[WINDOW_COLUMNS];
    if (window->channels_first)
        return (struct window_steps){pixels * channels, size[WINDOW_COLUMNS], 1, pixels};
    return (struct window_steps){pixels * channels, size[WINDOW_COLUMNS] * channels, channels, 1};
}

struct shape window_shape(const struct window *window, int64_t channels)
{
    struct shape shape = {.rank = 4, .dims = {window->batch}};
    shape.dims[window_channel_axis(window)] = channels;
    for (int d = 0; d < WINDOW_DIMS; d++)
        shape.dims[axis_of(window, d)] = window->out[d];
    return shape;
}

enum code window_check_outer_strides(const struct window *window, enum code code, struct error *err)
{
    if (window->outer_strides[0] == 1 && window->outer_strides[1] == 1)
        return CODE_OK;
    return error_set(err, code,
                     "Current implementation does not yet support strides in the batch and depth "
                     "dimensions.");
}

enum code window_read_inner(const struct op_call *call, unsigned attrs, struct window *window,
                            struct error *err)
{
    enum code code = window_read(call, attrs, window, err);
    if (!code)
        code = window_check_outer_strides(window, CODE_UNIMPLEMENTED, err);
    if (!code && (window->outer_dilations[0] != 1 || window->outer_dilations[1] != 1))
        code = error_set(err, CODE_UNIMPLEMENTED,
                         "Current implementation does not yet support dilations in the batch and "
                         "depth dimensions.");
    return code;
}
