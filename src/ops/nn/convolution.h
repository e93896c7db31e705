/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct convolution: a 2-D convolution, grouped or depthwise, with what may follow it; the core of
 * Conv2D, DepthwiseConv2dNative and their fused forms. Filled in by prepare(), read by run().
 *
 * in[0]: images. in[1]: the filter [rows, columns, channels / groups, out_channels]; the depthwise
 * filter [rows, columns, channels, multiplier] is the same with groups = channels but for the order
 * of its elements (`depthwise`).
 */
#ifndef OPS_NN_CONVOLUTION_H
#define OPS_NN_CONVOLUTION_H

#include "ops/nn/filter.h"
#include "ops/nn/product.h"
#include "ops/nn/window.h"

struct convolution {
    struct window window;
    int64_t groups;
    int64_t out_channels;
    bool depthwise;
    struct epilogue epilogue;
    /* Set by convolution_prepare: */
    bool (*run)(const struct convolution *convolution, struct op_call *call);
    struct onednn_convolution *onednn; /* freed with the binding */
    const void *onednn_weights;
    struct filter filter;
    int64_t padded[WINDOW_DIMS];
    int64_t segments;
    int64_t length;
    const int64_t *offsets;
};

/* Chooses the kernel, packs constant filters, asks for scratch. */
enum code convolution_prepare(struct convolution *convolution, struct op_call *call,
                              struct error *err);

/* RESOURCE_EXHAUSTED when oneDNN has no memory. */
enum code convolution_run(const struct convolution *convolution, struct op_call *call,
                          struct error *err);

/* The others of the ways that convolution_prepare chooses from, for tests and measurements; false
 * when this is none for that convolution. */
bool convolution_prepare_onednn(struct convolution *convolution, struct op_call *call);
bool convolution_prepare_own(struct convolution *convolution, struct op_call *call);

/* The plain loops for any dtype, layout and group count, without epilogue: what the fast ones are
 * tested against. */
bool convolution_reference(const struct convolution *convolution, struct op_call *call);

#endif
