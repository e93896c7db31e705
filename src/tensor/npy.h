/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NumPy's .npy files (numpy.lib.format versions 1.0 to 3.0): a magic, a Python literal that says
 * dtype, order and shape, then the bytes. Little-endian numbers and bool in C order; anything else
 * is refused with what it is.
 */
#ifndef TENSOR_NPY_H
#define TENSOR_NPY_H

#include "tensor/tensor.h"

#define NPY_MAGIC "\x93NUMPY"

/* The tensor in `bytes` (a whole file), its data in the arena, aligned. INVALID_ARGUMENT. */
enum code npy_read(struct span bytes, struct arena *arena, struct tensor *tensor,
                   struct error *err);

/* The file for a tensor. UNIMPLEMENTED for dtypes that NumPy lacks (bfloat16, string). */
enum code npy_write(const struct tensor *tensor, struct arena *arena, struct span *bytes,
                    struct error *err);

#endif
