/* SPDX-License-Identifier: Apache-2.0 */
/* An element of any real dtype as a double, for kernels that need not be fast; and a complex one.
 */
#ifndef OPS_MATH_NUMBER_H
#define OPS_MATH_NUMBER_H

#include <complex.h>

#include "tensor/tensor.h"

/* Not every compiler has CMPLX. */
static inline double complex number_complex(double real, double imaginary)
{
    const double parts[2] = {real, imaginary};
    double complex number;
    memcpy(&number, parts, sizeof number);
    return number;
}

static inline double number_at(const struct tensor *t, int64_t i)
{
    switch (t->dtype) {
    case DTYPE_FLOAT:
        return (double)TENSOR_AT(t, float)[i];
    case DTYPE_DOUBLE:
        return TENSOR_AT(t, double)[i];
    case DTYPE_HALF:
        return (double)dtype_half_to_float(TENSOR_AT(t, uint16_t)[i]);
    case DTYPE_BFLOAT16:
        return (double)dtype_bfloat16_to_float(TENSOR_AT(t, uint16_t)[i]);
    default:
        return (double)tensor_int(t, i);
    }
}

/* Rounded once to a float dtype. */
static inline void number_put(struct tensor *t, int64_t i, double value)
{
    if (t->dtype == DTYPE_DOUBLE)
        TENSOR_AT(t, double)[i] = value;
    else if (t->dtype == DTYPE_FLOAT)
        TENSOR_AT(t, float)[i] = (float)value;
    else if (t->dtype == DTYPE_HALF)
        TENSOR_AT(t, uint16_t)[i] = dtype_half_from_float((float)value);
    else
        TENSOR_AT(t, uint16_t)[i] = dtype_bfloat16_from_float((float)value);
}

#endif
