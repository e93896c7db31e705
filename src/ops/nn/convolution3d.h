/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct convolution3d: a convolution of volumes, the core of Conv3D. in[0]: volumes. in[1]: the
 * filter [planes, rows, columns, channels / groups, out_channels].
 */
#ifndef OPS_NN_CONVOLUTION3D_H
#define OPS_NN_CONVOLUTION3D_H

#include "ops/nn/filter.h"
#include "ops/nn/volume.h"

struct convolution3d {
    struct volume volume;
    int64_t groups;
    int64_t out_channels;
    /* Set by convolution3d_prepare: */
    bool fast;
    int64_t padded[VOLUME_DIMS];
    int64_t segments;
    int64_t length;
    const int64_t *offsets;
    struct filter filter;
};

/* Chooses the kernel, packs a constant filter, asks for scratch. */
void convolution3d_prepare(struct convolution3d *convolution, struct op_call *call);
void convolution3d_run(const struct convolution3d *convolution, struct op_call *call);

/* The plain loops for any dtype and layout: what the fast ones are tested against. */
void convolution3d_reference(const struct convolution3d *convolution, struct op_call *call);

#endif
