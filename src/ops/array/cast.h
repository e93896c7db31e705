/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cast between numbers: a table of loops by source and target. What a float out of an integer's
 * range becomes is what the processor's conversion gives, as in TensorFlow. half, bfloat16, complex
 * and the 8-bit floats go through float or double, element by element; for kernels that must
 * convert before they compute, too.
 */
#ifndef OPS_ARRAY_CAST_H
#define OPS_ARRAY_CAST_H

#include "tensor/dtype.h"

typedef void cast_fn(const void *in, void *out, int64_t n);

/* One conversion: up to three loops, one after the other; none: the bytes are copied. */
struct cast {
    cast_fn *steps[3];
    int count;
    size_t out_size; /* of an element */
};

/* False where there is no such conversion. */
bool cast_plan(struct cast *cast, enum dtype source, enum dtype target);

/* Bytes that cast_run() needs for n elements, at TENSOR_ALIGN. */
size_t cast_scratch(const struct cast *cast, int64_t n);

void cast_run(const struct cast *cast, const void *in, void *out, int64_t n, void *scratch);

#endif
