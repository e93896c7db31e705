/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quantised numbers: integers that stand for a range of floats. What the ops on them share: the
 * types' limits, conversion of numbers that need not fit, slices along an axis.
 */
#ifndef OPS_QUANT_LIMITS_H
#define OPS_QUANT_LIMITS_H

#include <math.h>

#include "ops/kernel.h"

/* X(dtype, type, name) */
#define QUANT_TYPES(X)                                                                             \
    X(DTYPE_QINT8, int8_t, qint8)                                                                  \
    X(DTYPE_QUINT8, uint8_t, quint8)                                                               \
    X(DTYPE_QINT16, int16_t, qint16)                                                               \
    X(DTYPE_QUINT16, uint16_t, quint16)                                                            \
    X(DTYPE_QINT32, int32_t, qint32)

#define QUANT_TYPES_ALL                                                                            \
    (OP_TYPE(DTYPE_QINT8) | OP_TYPE(DTYPE_QUINT8) | OP_TYPE(DTYPE_QINT16) |                        \
     OP_TYPE(DTYPE_QUINT16) | OP_TYPE(DTYPE_QINT32))

struct quant_limits {
    int64_t lowest, highest;
    int64_t steps; /* how many numbers there are */
};

static inline struct quant_limits quant_limits(enum dtype dtype)
{
    int bits = (int)dtype_size(dtype) * 8;
    bool is_unsigned = dtype == DTYPE_QUINT8 || dtype == DTYPE_QUINT16;
    int64_t steps = INT64_C(1) << bits, lowest = is_unsigned ? 0 : -steps / 2;
    return (struct quant_limits){lowest, lowest + steps - 1, steps};
}

/* A number as an integer; what is none that fits is the lowest, as processors say it. */
static inline int32_t quant_int32(float x)
{
    return fabsf(x) < 0x1p31f ? (int32_t)x : INT32_MIN;
}

static inline int64_t quant_int64(double x)
{
    return fabs(x) < 0x1p63 ? (int64_t)x : INT64_MIN;
}

/* A graph may name any dtype where the definition has a second type: this one is meant. */
static inline enum code quant_check_dtype(const struct op_call *call, const char *attr,
                                          enum dtype expected, struct error *err)
{
    enum dtype dtype = op_attr_type(call, attr);
    if (dtype == expected)
        return CODE_OK;
    return error_set(err, CODE_UNIMPLEMENTED, "%s with %s = %s is not supported",
                     call->node->op->name, attr, dtype_name(dtype));
}

/* A tensor as [before, slices, after]; axis -1: one slice. */
struct quant_slices {
    int64_t before, slices, after;
};

static inline struct quant_slices quant_slices(const struct shape *shape, int64_t axis)
{
    int at = (int)axis;
    if (axis < 0)
        return (struct quant_slices){1, 1, shape_elements(shape)};
    return (struct quant_slices){kernel_span(shape, 0, at), shape->dims[at],
                                 kernel_span(shape, at + 1, shape->rank)};
}

#endif
