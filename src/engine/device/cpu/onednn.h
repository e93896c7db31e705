/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oneDNN behind a narrow interface: 2-D convolutions of floats in NHWC, grouped or depthwise, with
 * bias and activation; a matrix product is one with a kernel of 1 x 1. Nothing else knows the
 * library.
 *
 * One thread computes: the calling one. A struct onednn_convolution is immutable and may run on any
 * number of threads at once.
 */
#ifndef ENGINE_DEVICE_CPU_ONEDNN_H
#define ENGINE_DEVICE_CPU_ONEDNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct onednn_convolution;

enum onednn_activation {
    ONEDNN_NONE,
    ONEDNN_RELU,
    ONEDNN_RELU6,
};

/* Rows, then columns. */
struct onednn_shape {
    int64_t batch;
    int64_t groups;
    int64_t in_channels;
    int64_t out_channels;
    int64_t in[2];
    int64_t out[2];
    int64_t kernel[2];
    int64_t stride[2];
    int64_t dilation[2]; /* 1: none */
    int64_t before[2];   /* padding */
    int64_t after[2];
    bool has_bias;
    enum onednn_activation activation;
};

/* NULL when the library can not do it (or not well), or has no memory. */
struct onednn_convolution *onednn_convolution_new(const struct onednn_shape *shape);
void onednn_convolution_free(struct onednn_convolution *convolution);

/* The filter in the library's own layout, which onednn_pack writes from [rows, columns,
 * in_channels / groups, out_channels]. Two convolutions with equal layouts (onednn_layout: bytes to
 * be compared) can share it. Memory at 64 bytes. */
size_t onednn_packed_size(const struct onednn_convolution *convolution);
const void *onednn_layout(const struct onednn_convolution *convolution, size_t *size);
bool onednn_pack(const struct onednn_convolution *convolution, const float *filter, void *packed);

/* Bytes at 64 that a run needs. */
size_t onednn_scratch_size(const struct onednn_convolution *convolution);

struct onednn_run {
    const float *in;
    const void *packed;
    const float *bias; /* with has_bias */
    float *out;
    void *scratch;
};

/* False when the library fails, which it has no reason to. */
bool onednn_convolution_run(struct onednn_convolution *convolution, const struct onednn_run *run);

#endif
