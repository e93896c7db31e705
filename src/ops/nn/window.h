/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct window: how a window slides over images: the attributes strides, dilations, padding,
 * explicit_paddings and data_format of convolutions and poolings, and the sizes that follow, by
 * TensorFlow's formulas.
 */
#ifndef OPS_NN_WINDOW_H
#define OPS_NN_WINDOW_H

#include "engine/op.h"

/* Rows, then columns. */
enum { WINDOW_ROWS, WINDOW_COLUMNS, WINDOW_DIMS };

struct window {
    bool channels_first; /* NCHW */
    int64_t batch;
    int64_t channels; /* of the input */
    int64_t in[WINDOW_DIMS];
    int64_t out[WINDOW_DIMS];
    int64_t kernel[WINDOW_DIMS]; /* set by the caller before window_fit */
    int64_t stride[WINDOW_DIMS];
    int64_t dilation[WINDOW_DIMS];
    int64_t before[WINDOW_DIMS]; /* padding */
    int64_t after[WINDOW_DIMS];
    int64_t outer_strides[2]; /* of batch and channels: what is supported is the op's affair */
    int64_t outer_dilations[2];
};

enum window_attrs {
    WINDOW_STRIDES = 1,
    WINDOW_DILATIONS = 2,
    WINDOW_EXPLICIT = 4,
    WINDOW_CHANNELS_LAST = 8, /* there is no data_format: it is NHWC */
};

/* Reads those of the attributes that the op's definition has; kernel is left alone.
 * INVALID_ARGUMENT for lists of a wrong length and values out of range. */
enum code window_read(const struct op_call *call, unsigned attrs, struct window *window,
                      struct error *err);

/* `code`, in TensorFlow's words, for strides of batch and channels that are not 1. */
enum code window_check_outer_strides(const struct window *window, enum code code,
                                     struct error *err);

/* window_read() for convolutions: strides and dilations of batch and channels that are not 1 are
 * UNIMPLEMENTED. */
enum code window_read_inner(const struct op_call *call, unsigned attrs, struct window *window,
                            struct error *err);

/* strides as the op says them: 4 numbers in the order of the data format. INVALID_ARGUMENT unless
 * positive. */
enum code window_set_strides(struct window *window, const int64_t strides[4], struct error *err);

/* Picks rows and columns out of 4 numbers in the order of the data format. */
void window_pick(const struct window *window, const int64_t numbers[4],
                 int64_t picked[WINDOW_DIMS]);
/* The dimension of the channels. */
static inline int window_channel_axis(const struct window *window)
{
    return window->channels_first ? 1 : 3;
}

/* Takes the sizes of an input of rank 4, then computes out and the padding. INVALID_ARGUMENT
 * "Computed output size would be negative: ...". */
enum code window_fit(const struct op_call *call, struct window *window, struct error *err);

/* Distances between neighbours, in elements. */
struct window_steps {
    int64_t image, row, column, channel;
};

/* Of images of that size (the window's in or out) and that many channels. */
struct window_steps window_steps(const struct window *window, const int64_t size[WINDOW_DIMS],
                                 int64_t channels);

/* The result's shape with that many channels. */
struct shape window_shape(const struct window *window, int64_t channels);

/* Positions of the kernel that lie inside the image, for output position `at` of dimension d:
 * [*from, *to); *begin is the image's position of kernel position 0. */
static inline void window_range(const struct window *window, int d, int64_t at, int64_t *begin,
                                int64_t *from, int64_t *to)
{
    int64_t first = at * window->stride[d] - window->before[d];
    int64_t step = window->dilation[d];
    int64_t end = first < window->in[d] ? (window->in[d] - first + step - 1) / step : 0;
    *begin = first;
    *from = first < 0 ? (-first + step - 1) / step : 0;
    *to = end < window->kernel[d] ? end : window->kernel[d];
    if (*to < *from)
        *to = *from;
}

#endif
