/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of a function being made, as the messages that a graph's file would have. */
#include <math.h>
#include <stdarg.h>

#include "engine/stablehlo/translate.h"

static struct pb_node_def *add_node(struct body *b, struct span op)
{
    return function_maker_node(&b->maker, op);
}

struct pb_node_def *body_node(struct body *b, const char *op, int count, ...)
{
    struct pb_node_def *node = add_node(b, span_of(op));
    va_list args;
    va_start(args, count);
    for (int i = 0; i < count; i++)
        body_input(b, node, va_arg(args, struct span));
    va_end(args);
    return node;
}

void body_input(struct body *b, struct pb_node_def *node, struct span input)
{
    node_input(b->t->arena, node, input);
}

/* ---- attributes ---- */

void body_type(struct body *b, struct pb_node_def *node, const char *name, enum dtype dtype)
{
    node_type(b->t->arena, node, name, dtype);
}

void body_int(struct body *b, struct pb_node_def *node, const char *name, int64_t value)
{
    node_int(b->t->arena, node, name, value);
}

void body_bool(struct body *b, struct pb_node_def *node, const char *name, bool value)
{
    node_bool(b->t->arena, node, name, value);
}

void body_string(struct body *b, struct pb_node_def *node, const char *name, struct span value)
{
    node_string(b->t->arena, node, name, value);
}

void body_ints(struct body *b, struct pb_node_def *node, const char *name, const int64_t *values,
               size_t count)
{
    node_ints(b->t->arena, node, name, values, count);
}

void body_types(struct body *b, struct pb_node_def *node, const char *name,
                const struct mlir_value *const *values, size_t count)
{
    enum dtype *dtypes = ARENA_ARRAY(b->t->scratch, enum dtype, count);
    for (size_t i = 0; i < count; i++)
        dtypes[i] = hlo_value_dtype(values[i]);
    node_types(b->t->arena, node, name, dtypes, count);
}

void body_result_types(struct body *b, struct pb_node_def *node, const char *name,
                       const struct mlir_op *op)
{
    const struct mlir_value **results =
        ARENA_ARRAY(b->t->scratch, const struct mlir_value *, op->result_count);
    for (size_t i = 0; i < op->result_count; i++)
        results[i] = &op->results[i];
    body_types(b, node, name, results, op->result_count);
}

void body_func(struct body *b, struct pb_node_def *node, const char *name, struct span function)
{
    node_func(b->t->arena, node, name, function);
}

void body_funcs(struct body *b, struct pb_node_def *node, const char *name,
                const struct span *functions, size_t count)
{
    struct pb_attr_value *value = node_add_attr(b->t->arena, node, name, ATTR_CASE_LIST);
    value->list->func.items = ARENA_ARRAY(b->t->arena, struct pb_name_attr_list, count);
    value->list->func.count = count;
    for (size_t i = 0; i < count; i++)
        value->list->func.items[i] = (struct pb_name_attr_list){.name = functions[i]};
}

struct span body_output(struct body *b, const struct pb_node_def *node, const char *argument,
                        size_t i)
{
    return span_of(arena_printf(b->t->arena, "%.*s:%s:%zu", SPAN_ARG(node->name), argument, i));
}

/* ---- common nodes ---- */

struct span body_unary(struct body *b, const char *op, struct span x, enum dtype dtype)
{
    return function_maker_unary(&b->maker, op, x, dtype);
}

struct span body_binary(struct body *b, const char *op, struct span x, struct span y,
                        enum dtype dtype)
{
    return function_maker_binary(&b->maker, op, x, y, dtype);
}

struct span body_cast(struct body *b, struct span x, enum dtype from, enum dtype to)
{
    return function_maker_cast(&b->maker, x, from, to);
}

struct span body_reshape(struct body *b, struct span x, enum dtype dtype, struct span shape,
                         enum dtype shape_dtype)
{
    struct pb_node_def *node = body_node(b, "Reshape", 2, x, shape);
    body_type(b, node, "T", dtype);
    body_type(b, node, "Tshape", shape_dtype);
    return node->name;
}

struct span body_transpose(struct body *b, struct span x, enum dtype dtype, const int64_t *perm,
                           size_t rank)
{
    bool same = true;
    for (size_t i = 0; i < rank; i++)
        same &= perm[i] == (int64_t)i;
    if (same)
        return x;
    struct pb_node_def *node = body_node(b, "Transpose", 2, x, body_vector(b, perm, rank));
    body_type(b, node, "T", dtype);
    body_type(b, node, "Tperm", DTYPE_INT64);
    return node->name;
}

struct span body_expand_dims(struct body *b, struct span x, enum dtype dtype, int64_t at)
{
    struct pb_node_def *node = body_node(b, "ExpandDims", 2, x, body_scalar(b, at));
    body_type(b, node, "T", dtype);
    body_type(b, node, "Tdim", DTYPE_INT64);
    return node->name;
}

struct span body_squeeze(struct body *b, struct span x, enum dtype dtype, int64_t axis)
{
    struct pb_node_def *node = body_node(b, "Squeeze", 1, x);
    body_type(b, node, "T", dtype);
    body_ints(b, node, "squeeze_dims", &axis, 1);
    return node->name;
}

struct span body_broadcast(struct body *b, struct span x, enum dtype dtype, struct span shape,
                           enum dtype shape_dtype)
{
    struct pb_node_def *node = body_node(b, "BroadcastTo", 2, x, shape);
    body_type(b, node, "T", dtype);
    body_type(b, node, "Tidx", shape_dtype);
    return node->name;
}

struct span body_gather(struct body *b, struct span x, enum dtype dtype, struct span at,
                        enum dtype at_dtype)
{
    struct pb_node_def *node = body_node(b, "GatherV2", 3, x, at, body_scalar(b, 0));
    body_type(b, node, "Tparams", dtype);
    body_type(b, node, "Tindices", at_dtype);
    body_type(b, node, "Taxis", DTYPE_INT64);
    return node->name;
}

/* ---- constants ---- */

struct span body_const(struct body *b, enum dtype dtype, const int64_t *dims, size_t rank,
                       struct span bytes)
{
    struct pb_node_def *node = body_node(b, "Const", 0);
    node_value(b->t->arena, node, dtype, dims, rank, bytes);
    return node->name;
}

static struct span int64s(struct body *b, const int64_t *values, size_t count)
{
    int64_t *copy = ARENA_ARRAY(b->t->arena, int64_t, count);
    if (count)
        memcpy(copy, values, count * sizeof *copy);
    return span_make(copy, count * sizeof *copy);
}

struct span body_vector(struct body *b, const int64_t *values, size_t count)
{
    const int64_t dims[] = {(int64_t)count};
    return body_const(b, DTYPE_INT64, dims, 1, int64s(b, values, count));
}

struct span body_scalar(struct body *b, int64_t value)
{
    return body_const(b, DTYPE_INT64, NULL, 0, int64s(b, &value, 1));
}

struct span body_number(struct body *b, enum dtype dtype, double value)
{
    double *copy = ARENA_NEW(b->t->arena, double);
    *copy = value;
    struct span wide = body_const(b, DTYPE_DOUBLE, NULL, 0, span_make(copy, sizeof *copy));
    return body_cast(b, wide, DTYPE_DOUBLE, dtype);
}

/* ---- operands and results ---- */

struct span body_operand(const struct body *b, const struct mlir_op *op, size_t i)
{
    return b->t->values[op->operands[i]->id].full;
}

void body_set(struct body *b, const struct mlir_op *op, size_t i, struct span tensor)
{
    b->t->values[op->results[i].id] = (struct hlo_value){.full = tensor};
}

void body_set_all(struct body *b, const struct mlir_op *op, const struct pb_node_def *node,
                  const char *argument)
{
    for (size_t i = 0; i < op->result_count; i++)
        body_set(b, op, i, body_output(b, node, argument, i));
}

static struct span computed_shape(struct body *b, struct span x, enum dtype dtype)
{
    struct pb_node_def *node = body_node(b, "Shape", 1, x);
    body_type(b, node, "T", dtype);
    body_type(b, node, "out_type", DTYPE_INT64);
    return node->name;
}

struct span body_shape_of(struct body *b, const struct mlir_value *value)
{
    if (hlo_is_static(value->type))
        return body_vector(b, value->type->dims, value->type->rank);
    return computed_shape(b, b->t->values[value->id].full, hlo_value_dtype(value));
}

struct span body_size(struct body *b, struct span x, enum dtype dtype, int64_t k)
{
    struct span shape = computed_shape(b, x, dtype);
    return body_gather(b, shape, DTYPE_INT64, body_scalar(b, k), DTYPE_INT64);
}

enum code body_refuse(struct body *b, const struct mlir_op *op, const char *detail)
{
    struct span text = span_of(arena_printf(b->t->arena, "stablehlo.%.*s%s%s",
                                            SPAN_ARG(hlo_name(op)), *detail ? " " : "", detail));
    struct pb_node_def *node = add_node(b, text);
    node->name = span_of(
        arena_printf(b->t->arena, "%.*s/missing.%zu", SPAN_ARG(b->t->node->name), b->maker.count));
    for (size_t i = 0; i < op->result_count; i++)
        body_set(b, op, i, span_of(arena_printf(b->t->arena, "%.*s:%zu", SPAN_ARG(node->name), i)));
    return CODE_OK;
}

/* Each list is a field, from number 1 on, packed: its key, its length, its numbers of a byte each.
 */
struct span body_numbers(struct body *b, const struct hlo_ints *fields, size_t count)
{
    enum { PACKED = 2 };
    size_t room = 0, len = 0;
    for (size_t i = 0; i < count; i++)
        room += 2 + fields[i].count;
    char *to = arena_alloc(b->t->arena, room);
    for (size_t i = 0; i < count; i++) {
        if (!fields[i].count)
            continue;
        to[len++] = (char)((i + 1) << 3 | PACKED);
        to[len++] = (char)fields[i].count;
        for (size_t k = 0; k < fields[i].count; k++)
            to[len++] = (char)(fields[i].values[k] & 0x7F);
    }
    return span_make(to, len);
}
