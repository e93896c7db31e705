/* SPDX-License-Identifier: Apache-2.0 */
/*
 * half and bfloat16 tensors for kernels that compute in float: the inputs are widened into the
 * step's scratch, the result is rounded once on its way out. float tensors are used as they are.
 */
#ifndef OPS_NN_WIDEN_H
#define OPS_NN_WIDEN_H

#include "engine/op.h"

static inline bool widen_is_needed(enum dtype dtype)
{
    return dtype == DTYPE_HALF || dtype == DTYPE_BFLOAT16;
}

/* Bytes of scratch for `elements` of this dtype as floats; 0 for float. A multiple of
 * TENSOR_ALIGN. */
size_t widen_size(enum dtype dtype, int64_t elements);

void widen_to_float(enum dtype dtype, const void *from, float *to, int64_t n);
void widen_from_float(enum dtype dtype, const float *from, void *to, int64_t n);

/* The tensor's elements as floats: its own data, or those at *scratch, which is moved on. */
const float *widen_input(const struct tensor *tensor, char **scratch);

/* Where the floats of the result go: the tensor's own data, or *scratch, which is moved on. */
float *widen_output(const struct tensor *tensor, char **scratch);

/* Rounds what was computed at `values` = widen_output() into the tensor. */
void widen_finish(const struct tensor *tensor, const float *values);

#endif
