/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct function_maker: a function of a graph's library, made node by node, as the messages that a
 * graph's file would have. What translates another format into TensorFlow's ops uses it.
 *
 * A tensor is a text: "argument", "node" (its first output), "node:i" (output i of all). Everything
 * lives in the maker's arena and borrows the texts and bytes that it is given.
 */
#ifndef SAVEDMODEL_FUNCTION_MAKER_H
#define SAVEDMODEL_FUNCTION_MAKER_H

#include "base/arena.h"
#include "savedmodel/attr_case.h"
#include "tensor/dtype.h"
#include "wire/messages.h"

struct function_maker {
    struct arena *arena;           /* borrowed */
    struct pb_function_def *proto; /* filled in by function_maker_finish() */
    struct pb_node_def **nodes;
    size_t count, room;
    struct span prefix; /* of the names of nodes that are made next */
};

/* With room for so many arguments and results. */
void function_maker_init(struct function_maker *maker, struct arena *arena, struct span name,
                         size_t arguments, size_t results);

/* The next argument: its tensor. */
struct span function_maker_argument(struct function_maker *maker, enum dtype dtype);
void function_maker_result(struct function_maker *maker, enum dtype dtype, struct span tensor);

/* A node that runs whenever the function does. */
void function_maker_effect(struct function_maker *maker, struct span node);

/* The finished message, which is the arena's. */
const struct pb_function_def *function_maker_finish(struct function_maker *maker);

/* A node without inputs, named "prefix/op.N". */
struct pb_node_def *function_maker_node(struct function_maker *maker, struct span op);

/* An op "T" of one tensor, of two; Cast where the dtypes differ. The first output's tensor. */
struct span function_maker_unary(struct function_maker *maker, const char *op, struct span x,
                                 enum dtype dtype);
struct span function_maker_binary(struct function_maker *maker, const char *op, struct span x,
                                  struct span y, enum dtype dtype);
struct span function_maker_cast(struct function_maker *maker, struct span x, enum dtype from,
                                enum dtype to);

/* "node:i" */
struct span node_output(struct arena *arena, const struct pb_node_def *node, size_t i);

void node_input(struct arena *arena, struct pb_node_def *node, struct span tensor);

/* At most NODE_ATTRS_MAX attributes; more are left out. */
enum { NODE_ATTRS_MAX = 12 };
struct pb_attr_value *node_add_attr(struct arena *arena, struct pb_node_def *node, const char *name,
                                    enum attr_case kind);
void node_type(struct arena *arena, struct pb_node_def *node, const char *name, enum dtype dtype);
void node_int(struct arena *arena, struct pb_node_def *node, const char *name, int64_t value);
void node_bool(struct arena *arena, struct pb_node_def *node, const char *name, bool value);
void node_float(struct arena *arena, struct pb_node_def *node, const char *name, float value);
void node_string(struct arena *arena, struct pb_node_def *node, const char *name,
                 struct span value);
void node_func(struct arena *arena, struct pb_node_def *node, const char *name,
               struct span function);
void node_ints(struct arena *arena, struct pb_node_def *node, const char *name,
               const int64_t *values, size_t count);
void node_types(struct arena *arena, struct pb_node_def *node, const char *name,
                const enum dtype *dtypes, size_t count);

/* A constant's tensor, whose elements are `bytes`. */
struct pb_tensor_proto *node_value(struct arena *arena, struct pb_node_def *node, enum dtype dtype,
                                   const int64_t *dims, size_t rank, struct span bytes);

#endif
