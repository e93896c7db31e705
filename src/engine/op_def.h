/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct op_def: an op's definition strings (engine/op.h) parsed: arguments with their types,
 * attributes with kinds and defaults. Parsed once per graph, on the first node of that op.
 */
#ifndef ENGINE_OP_DEF_H
#define ENGINE_OP_DEF_H

#include "engine/node.h"
#include "wire/messages.h"

struct op_arg {
    struct span name;
    enum dtype type;         /* DTYPE_INVALID: given by an attribute */
    struct span type_attr;   /* of kind type, or list(type) if is_type_list */
    struct span number_attr; /* a list of that many; empty: one tensor */
    bool is_type_list;
    bool is_ref;
};

enum attr_kind {
    ATTR_INT,
    ATTR_FLOAT,
    ATTR_BOOL,
    ATTR_STRING,
    ATTR_TYPE,
    ATTR_SHAPE,
    ATTR_TENSOR,
    ATTR_FUNC,
};

struct op_attr_def {
    struct span name;
    enum attr_kind kind;
    bool is_list;
    uint64_t types; /* of a type: bit d is set when dtype d may be given; 0: any */
    const struct pb_attr_value *default_value; /* NULL: required */
};

struct op_def {
    const struct op *op;
    struct op_arg *inputs;
    int input_count;
    struct op_arg *outputs;
    int output_count;
    struct op_attr_def *attrs;
    int attr_count;
};

/* INVALID_ARGUMENT for a malformed definition (a custom op's: ours are sound). */
enum code op_def_parse(const struct op *op, struct arena *arena, struct op_def **def,
                       struct error *err);

/* The same form of a library function's signature. INVALID_ARGUMENT when an argument has no type.
 */
enum code op_def_of_function(const struct pb_op_def *signature, struct arena *arena,
                             struct op_def **def, struct error *err);

/* The node's attribute or the definition's default; NULL when there is neither. */
const struct pb_attr_value *op_def_attr(const struct op_def *def, const struct node *node,
                                        struct span name);

/* How many tensors the argument stands for on this node, and the dtype of the i-th.
 * INVALID_ARGUMENT when an attribute that says it is missing or out of range (more than
 * OP_ARG_TENSORS_MAX). */
enum code op_def_arg_count(const struct op_def *def, const struct node *node,
                           const struct op_arg *arg, int *count, struct error *err);
enum dtype op_def_arg_type(const struct op_def *def, const struct node *node,
                           const struct op_arg *arg, int i);

enum { OP_ARG_TENSORS_MAX = 1 << 20 }; /* far above any model; keeps sums in int */

#endif
