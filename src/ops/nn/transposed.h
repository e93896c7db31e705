/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct transposed: the gradient of a convolution by its input, which is what a transposed
 * convolution computes: the core of Conv2DBackpropInput and Conv3DBackpropInputV2.
 *
 * The volume is that of the convolution: `in` is what is computed here, `out` what is given. In the
 * op: in[given] of volume.out and out_channels; in[1] the filter [kernel..., channels / groups,
 * out_channels]; out[0] of volume.in and volume.channels.
 */
#ifndef OPS_NN_TRANSPOSED_H
#define OPS_NN_TRANSPOSED_H

#include "ops/nn/filter.h"
#include "ops/nn/volume.h"

struct transposed {
    struct volume volume;
    int64_t groups;
    int64_t out_channels;
    int given; /* number of the input */
    /* Set by transposed_prepare: */
    bool fast;
    struct filter filter;
    int64_t block;         /* given pixels of a row that are multiplied together */
    const int64_t *offset; /* of each group */
};

/* Chooses the kernel, packs a constant filter, asks for scratch. */
enum code transposed_prepare(struct transposed *transposed, struct op_call *call,
                             struct error *err);
void transposed_run(const struct transposed *transposed, struct op_call *call);

/* The plain loops for any dtype and layout: what the fast ones are tested against. */
void transposed_reference(const struct transposed *transposed, struct op_call *call);

#endif
