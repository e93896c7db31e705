/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct volume: how a window slides over images or volumes, in three dimensions of space of which
 * an op on images has the last two (the first is 1 then). What struct window is for two dimensions,
 * for the ops on volumes and for transposed convolutions of both.
 */
#ifndef OPS_NN_VOLUME_H
#define OPS_NN_VOLUME_H

#include "engine/op.h"

enum { VOLUME_DIMS = 3 };

struct volume {
    bool channels_first;
    int spatial; /* 2 or 3 dimensions of space that the tensors have */
    int64_t batch;
    int64_t channels;        /* of the input */
    int64_t in[VOLUME_DIMS]; /* sizes */
    int64_t out[VOLUME_DIMS];
    int64_t kernel[VOLUME_DIMS];
    int64_t stride[VOLUME_DIMS];
    int64_t dilation[VOLUME_DIMS];
    int64_t before[VOLUME_DIMS]; /* padding */
};

/* Five numbers in the order of the data format: the attribute `name`. INVALID_ARGUMENT. */
enum code volume_attr(const struct op_call *call, const char *name, const int64_t **numbers,
                      struct error *err);

/* Those of them that are about space. */
void volume_pick(const struct volume *volume, const int64_t *numbers, int64_t picked[VOLUME_DIMS]);

/* The dimension of the channels. */
static inline int volume_channel_axis(const struct volume *volume)
{
    return volume->channels_first ? 1 : volume->spatial + 1;
}

/* From sizes, kernel, strides and dilations: out and the padding, by the attribute `padding` (SAME
 * or VALID). INVALID_ARGUMENT "Computed output size would be negative: ...". */
enum code volume_fit(const struct op_call *call, struct volume *volume, struct error *err);

/* The shape of volumes of that size (the volume's in or out) and so many channels. */
struct shape volume_shape(const struct volume *volume, const int64_t size[VOLUME_DIMS],
                          int64_t channels);

/* Distances between neighbours, in elements. */
struct volume_steps {
    int64_t image, space[VOLUME_DIMS], channel;
};
struct volume_steps volume_steps(const struct volume *volume, const int64_t size[VOLUME_DIMS],
                                 int64_t channels);

/* An element of volumes: which image, where, which channel. */
struct volume_element {
    int64_t image, at[VOLUME_DIMS], channel;
};

/* Number i of volumes of that size, channels last. */
static inline struct volume_element volume_element(const int64_t size[VOLUME_DIMS],
                                                   int64_t channels, int64_t i)
{
    int64_t plane = size[1] * size[2], pixels = size[0] * plane, p = i / channels % pixels;
    return (struct volume_element){
        i / channels / pixels, {p / plane, p / size[2] % size[1], p % size[2]}, i % channels};
}

/* Where it lies. */
static inline int64_t volume_offset(const struct volume_steps *step, const struct volume_element *e)
{
    return e->image * step->image + e->at[0] * step->space[0] + e->at[1] * step->space[1] +
           e->at[2] * step->space[2] + e->channel * step->channel;
}

/* Positions of the kernel that lie inside the volume, for output position `at` of dimension d:
 * [*from, *to); *begin is the volume's position of kernel position 0. */
static inline void volume_range(const struct volume *v, int d, int64_t at, int64_t *begin,
                                int64_t *from, int64_t *to)
{
    int64_t first = at * v->stride[d] - v->before[d], step = v->dilation[d];
    int64_t end = first < v->in[d] ? (v->in[d] - first + step - 1) / step : 0;
    *begin = first;
    *from = first < 0 ? (-first + step - 1) / step : 0;
    *to = end < v->kernel[d] ? end : v->kernel[d];
    if (*to < *from)
        *to = *from;
}

static inline int64_t volume_count(const int64_t size[VOLUME_DIMS])
{
    return size[0] * size[1] * size[2];
}

#endif
