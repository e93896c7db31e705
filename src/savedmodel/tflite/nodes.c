/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that many operators need, and constants. */
#include <stdarg.h>

#include "savedmodel/tflite/translate.h"

struct pb_node_def *tfl_node(struct tfl_body *b, const char *op, int count, ...)
{
    struct pb_node_def *node = function_maker_node(&b->maker, span_of(op));
    va_list args;
    va_start(args, count);
    for (int i = 0; i < count; i++)
        node_input(b->t->arena, node, va_arg(args, struct span));
    va_end(args);
    return node;
}

void tfl_attr_type(struct tfl_body *b, struct pb_node_def *node, const char *name, enum dtype dtype)
{
    node_type(b->t->arena, node, name, dtype);
}

struct span tfl_unary(struct tfl_body *b, const char *op, struct span x, enum dtype dtype)
{
    return function_maker_unary(&b->maker, op, x, dtype);
}

struct span tfl_binary(struct tfl_body *b, const char *op, struct span x, struct span y,
                       enum dtype dtype)
{
    return function_maker_binary(&b->maker, op, x, y, dtype);
}

struct span tfl_cast(struct tfl_body *b, struct span x, enum dtype from, enum dtype to)
{
    return function_maker_cast(&b->maker, x, from, to);
}

struct span tfl_transpose(struct tfl_body *b, struct span x, enum dtype dtype, const int *perm,
                          size_t rank)
{
    struct pb_node_def *node = tfl_node(b, "Transpose", 2, x, tfl_ints(b, perm, rank));
    tfl_attr_type(b, node, "T", dtype);
    return node->name;
}

struct span tfl_reshape(struct tfl_body *b, struct span x, enum dtype dtype, const int32_t *dims,
                        size_t rank)
{
    struct pb_node_def *node = tfl_node(b, "Reshape", 2, x, tfl_ints(b, dims, rank));
    tfl_attr_type(b, node, "T", dtype);
    return node->name;
}

struct span tfl_shape_of(struct tfl_body *b, struct span x, enum dtype dtype)
{
    return tfl_unary(b, "Shape", x, dtype);
}

/* ---- activations ---- */

/* x between two numbers. */
static struct span clipped(struct tfl_body *b, struct span x, enum dtype dtype, int32_t low,
                           int32_t high)
{
    struct span least = tfl_cast(b, tfl_int(b, low), DTYPE_INT32, dtype);
    struct span most = tfl_cast(b, tfl_int(b, high), DTYPE_INT32, dtype);
    return tfl_binary(b, "Minimum", tfl_binary(b, "Maximum", x, least, dtype), most, dtype);
}

struct span tfl_clip_to_one(struct tfl_body *b, struct span x, enum dtype dtype, int32_t low)
{
    return clipped(b, x, dtype, low, 1);
}

enum code tfl_activate(struct tfl_body *b, int activation, struct span *x, enum dtype dtype,
                       struct error *err)
{
    enum { NONE, RELU, RELU_N1_TO_1, RELU6, TANH, COUNT };
    static const char *const ops[COUNT] = {[RELU] = "Relu", [RELU6] = "Relu6", [TANH] = "Tanh"};
    if (activation < 0 || activation >= COUNT)
        return tfl_wrong(b, "its fused activation is none that is known", err);
    if (ops[activation])
        *x = tfl_unary(b, ops[activation], *x, dtype);
    else if (activation == RELU_N1_TO_1)
        *x = tfl_clip_to_one(b, *x, dtype, -1);
    return CODE_OK;
}

/* ---- constants ---- */

struct span tfl_const(struct tfl_body *b, enum dtype dtype, const int64_t *dims, size_t rank,
                      struct span bytes)
{
    struct pb_node_def *node = tfl_node(b, "Const", 0);
    node_value(b->t->arena, node, dtype, dims, rank, bytes);
    return node->name;
}

struct span tfl_float(struct tfl_body *b, float value)
{
    float *copy = ARENA_NEW(b->t->arena, float);
    *copy = value;
    return tfl_const(b, DTYPE_FLOAT, NULL, 0, span_make(copy, sizeof *copy));
}

static struct span copied(struct tfl_body *b, const int32_t *values, size_t count)
{
    int32_t *copy = ARENA_ARRAY(b->t->arena, int32_t, count);
    if (count)
        memcpy(copy, values, count * sizeof *copy);
    return span_make(copy, count * sizeof *copy);
}

struct span tfl_int(struct tfl_body *b, int32_t value)
{
    return tfl_const(b, DTYPE_INT32, NULL, 0, copied(b, &value, 1));
}

struct span tfl_ints(struct tfl_body *b, const int32_t *values, size_t count)
{
    const int64_t dims[] = {(int64_t)count};
    return tfl_const(b, DTYPE_INT32, dims, 1, copied(b, values, count));
}

enum code tfl_zeros(struct tfl_body *b, enum dtype dtype, const struct shape *shape, struct span *x,
                    struct error *err)
{
    size_t bytes;
    if (__builtin_mul_overflow((size_t)shape_elements(shape), dtype_size(dtype), &bytes))
        bytes = SIZE_MAX;
    enum code code = tfl_charge(b->t->model, bytes, err);
    if (!code)
        *x = tfl_const(b, dtype, shape->dims, (size_t)shape->rank, (struct span){0});
    return code;
}
