/* SPDX-License-Identifier: Apache-2.0 */
/* Small integer tensors that say a shape, an axis or paddings, read for shape rules. */
#ifndef OPS_ARRAY_SIZES_H
#define OPS_ARRAY_SIZES_H

#include "engine/op.h"

/* Input i, a vector (or scalar: one size) of int32 or int64, as sizes, -1 and other negative ones
 * as they are. INVALID_ARGUMENT when it is no vector, UNIMPLEMENTED beyond SHAPE_RANK_MAX. */
enum code sizes_read(const struct op_call *call, int i, struct shape *sizes, struct error *err);

/* The same for a shape to make: INVALID_ARGUMENT for a negative size or too many elements. */
enum code sizes_read_shape(const struct op_call *call, int i, struct shape *shape,
                           struct error *err);

/* A scalar axis (a vector of one element will do) counted from the front. INVALID_ARGUMENT when it
 * is out of range. */
enum code sizes_read_axis(const struct op_call *call, int i, int rank, int *axis,
                          struct error *err);

/* Adds the sizes to an error's message: "2 3". */
void sizes_append(const struct tensor *sizes, struct error *err);

#endif
