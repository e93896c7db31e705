/* SPDX-License-Identifier: Apache-2.0 */
/* Images of any real dtype as floats, which is what the ops that resample them compute with. */
#ifndef OPS_IMAGE_FLOATS_H
#define OPS_IMAGE_FLOATS_H

#include "engine/op.h"

/* Bytes of scratch that floats_of() needs; 0 for float. A multiple of TENSOR_ALIGN. */
size_t floats_size(const struct tensor *tensor);

/* The tensor's elements as floats: its own data, or converted into *scratch, which is moved on. */
const float *floats_of(const struct tensor *tensor, char **scratch);

#endif
