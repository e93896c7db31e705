/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks that every node has the inputs that its op's definition says, in number and dtype, and
 * that its type attributes are allowed ones. Kernels rely on it: they look at no count and no dtype
 * again. The texts are those of TensorFlow's own import.
 */
#include "engine/op.h"
#include "engine/passes/passes.h"

static enum code check_attr(const struct node *node, const struct op_attr_def *attr,
                            struct error *err)
{
    const struct pb_attr_value *value = op_def_attr(node->def, node, attr->name);
    if (!value)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "NodeDef missing attr '%.*s' from Op<name=%s>; NodeDef: {{node %.*s}}",
                         SPAN_ARG(attr->name), node->op->name, SPAN_ARG(node->name));
    if (!attr->types || attr->is_list)
        return CODE_OK;
    enum dtype dtype =
        value->value_case == ATTR_CASE_TYPE ? dtype_from_number(value->type) : DTYPE_INVALID;
    if (attr->types & OP_TYPE(dtype))
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Value for attr '%.*s' of %s is not in the list of allowed values; NodeDef: "
                     "{{node %.*s}}; Op<name=%s>",
                     SPAN_ARG(attr->name), dtype_name(dtype), SPAN_ARG(node->name), node->op->name);
}

static enum dtype type_of(struct edge edge)
{
    return edge.output < edge.node->output_count ? edge.node->output_types[edge.output]
                                                 : DTYPE_INVALID;
}

static enum code check_arg(const struct node *node, const struct op_arg *arg, int first, int count,
                           struct error *err)
{
    for (int i = 0; i < count; i++) {
        struct edge edge = node->inputs[first + i];
        enum dtype expected = op_def_arg_type(node->def, node, arg, i);
        if (expected != DTYPE_INVALID && type_of(edge) == expected)
            continue;
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input %d of node %.*s was passed %s from %.*s:%d incompatible with "
                         "expected %s.",
                         first + i, SPAN_ARG(node->name), dtype_name(type_of(edge)),
                         SPAN_ARG(edge.node->name), edge.output, dtype_name(expected));
    }
    return CODE_OK;
}

static enum code check_inputs(const struct node *node, struct error *err)
{
    int at = 0;
    for (int i = 0; i < node->def->input_count; i++) {
        int count;
        enum code code = op_def_arg_count(node->def, node, &node->def->inputs[i], &count, err);
        if (code)
            return code;
        if (count > node->input_count - at)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "NodeDef has %d inputs, more are expected: {{node %.*s}}; Op<name=%s>",
                             node->input_count, SPAN_ARG(node->name), node->op->name);
        code = check_arg(node, &node->def->inputs[i], at, count, err);
        if (code)
            return code;
        at += count;
    }
    if (at < node->input_count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "NodeDef has %d inputs, %d are expected: {{node %.*s}}; Op<name=%s>",
                         node->input_count, at, SPAN_ARG(node->name), node->op->name);
    return CODE_OK;
}

/* An attribute may name a type that is none. */
static enum code check_outputs(const struct node *node, struct error *err)
{
    for (int i = 0; i < node->output_count; i++) {
        if (!dtype_size(node->output_types[i]))
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Output %d of node %.*s (op %s) has no type that is known", i,
                             SPAN_ARG(node->name), node->op->name);
    }
    return CODE_OK;
}

enum code pass_check_types(struct work *work, struct error *err)
{
    for (int i = 0; i < work->graph.count; i++) {
        const struct node *node = work->graph.nodes[i];
        if (!node->def || node->values)
            continue;
        enum code code = CODE_OK;
        for (int k = 0; !code && k < node->def->attr_count; k++)
            code = check_attr(node, &node->def->attrs[k], err);
        if (!code)
            code = check_inputs(node, err);
        if (!code)
            code = check_outputs(node, err);
        if (code)
            return code;
    }
    return CODE_OK;
}
