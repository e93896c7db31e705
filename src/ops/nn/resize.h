/* SPDX-License-Identifier: Apache-2.0 */
/* What the ops that resize images share. */
#ifndef OPS_NN_RESIZE_H
#define OPS_NN_RESIZE_H

#include "engine/op.h"

/* A shape rule: images [batch, rows, columns, channels] to the size that input 1 says. */
enum code resize_shape(struct op_call *call, struct error *err);
/* The same; messages call the size by that name. */
enum code resize_shape_of(struct op_call *call, const char *name, struct error *err);

/* The same for ops with the attributes align_corners and half_pixel_centers, of which one may be
 * set. */
enum code resize_centred_shape(struct op_call *call, struct error *err);

/* How many input rows (or columns) an output row takes; corners: align_corners. */
float resize_scale(int64_t in, int64_t out, bool corners);

/* The dtypes of images. */
#define RESIZE_TYPES                                                                               \
    (OP_TYPES_FLOAT | OP_TYPE(DTYPE_INT8) | OP_TYPE(DTYPE_UINT8) | OP_TYPE(DTYPE_INT16) |          \
     OP_TYPE(DTYPE_UINT16) | OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_INT64))

#endif
