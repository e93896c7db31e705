/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernels of ops share. KERNEL, which marks their hot loops, is in base/kernel.h.
 */
#ifndef OPS_KERNEL_H
#define OPS_KERNEL_H

#include "base/kernel.h"
#include "engine/op.h"

/* X(dtype, C type, name) for all types that C computes with by itself. */
#define KERNEL_TYPES_FLOAT(X)                                                                      \
    X(DTYPE_FLOAT, float, float)                                                                   \
    X(DTYPE_DOUBLE, double, double)
#define KERNEL_TYPES_SIGNED(X)                                                                     \
    X(DTYPE_INT8, int8_t, int8)                                                                    \
    X(DTYPE_INT16, int16_t, int16)                                                                 \
    X(DTYPE_INT32, int32_t, int32)                                                                 \
    X(DTYPE_INT64, int64_t, int64)
#define KERNEL_TYPES_UNSIGNED(X)                                                                   \
    X(DTYPE_UINT8, uint8_t, uint8)                                                                 \
    X(DTYPE_UINT16, uint16_t, uint16)                                                              \
    X(DTYPE_UINT32, uint32_t, uint32)                                                              \
    X(DTYPE_UINT64, uint64_t, uint64)
#define KERNEL_TYPES_INTEGER(X)                                                                    \
    KERNEL_TYPES_SIGNED(X)                                                                         \
    KERNEL_TYPES_UNSIGNED(X)
#define KERNEL_TYPES_REAL(X)                                                                       \
    KERNEL_TYPES_FLOAT(X)                                                                          \
    KERNEL_TYPES_INTEGER(X)

/* The axis -rank <= axis < rank counted from the front. False if it is out of range. */
static inline bool kernel_axis(int64_t axis, int rank, int *result)
{
    if (axis < -rank || axis >= rank)
        return false;
    *result = (int)(axis < 0 ? axis + rank : axis);
    return true;
}

/* A shape rule: a scalar. */
static inline enum code kernel_shape_scalar(struct op_call *call, struct error *err)
{
    struct shape scalar = shape_scalar();
    (void)err;
    op_call_shape(call, 0, &scalar);
    return CODE_OK;
}

/* A shape rule: that of input 0; input 1, the axes, must be known to prepare. */
static inline enum code kernel_shape_with_axes(struct op_call *call, struct error *err)
{
    (void)err;
    if (op_call_known(call, 1))
        op_call_shape(call, 0, &call->in[0]->shape);
    else
        op_call_defer(call, 0);
    return CODE_OK;
}

/* A cleared array in call->arena whose length a request decides: RESOURCE_EXHAUSTED instead of the
 * end of the process. */
static inline enum code kernel_array(const struct op_call *call, int64_t count, size_t size,
                                     void *result, struct error *err)
{
    void *array = arena_try_calloc(call->arena, (size_t)count, size);
    if (!array)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM when preparing %s",
                         call->node->op->name);
    *(void **)result = array;
    return CODE_OK;
}

/* n times the element. What is filled already is copied behind itself, twice as much each time. */
static inline void kernel_fill(void *to, const void *element, size_t size, int64_t n)
{
    size_t all = (size_t)n * size;
    if (n)
        memcpy(to, element, size);
    for (size_t done = size; done < all; done *= 2)
        memcpy((char *)to + done, to, done < all - done ? done : all - done);
}

/* Element i of an output of int32 or int64. */
static inline void kernel_put_index(struct tensor *out, int64_t i, int64_t value)
{
    if (out->dtype == DTYPE_INT64)
        TENSOR_AT(out, int64_t)[i] = value;
    else
        TENSOR_AT(out, int32_t)[i] = (int32_t)value;
}

/* Product of the dimensions [from, to). */
static inline int64_t kernel_span(const struct shape *shape, int from, int to)
{
    int64_t n = 1;
    for (int i = from; i < to; i++)
        n *= shape->dims[i];
    return n;
}

#endif
