/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorFlow's loader looks at every node before it builds a graph and refuses what would crash its
 * constructors. A graph reader of ours checks more, but these three refusals have texts that users
 * know, and they come first.
 */
#include "savedmodel/validate.h"

#include "savedmodel/attr_case.h"
#include "tensor/shape.h"
#include "wire/messages.h"

static const struct pb_attr_value *find_attr(const struct pb_node_def *node, const char *name)
{
    for (size_t i = 0; i < node->attr.count; i++)
        if (span_is(node->attr.items[i].key, name))
            return node->attr.items[i].value;
    return NULL;
}

/* Could a tensor of this declared shape be counted? */
static bool is_countable(const struct pb_tensor_shape_proto *shape)
{
    if (!shape)
        return true;
    for (size_t i = 0; i < shape->dim.count; i++)
        if (shape->dim.items[i].size < 0)
            return false;
    return !shape->unknown_rank;
}

static enum code check_node(const struct pb_node_def *node, struct error *err)
{
    const struct pb_attr_value *value = find_attr(node, "value");
    if (!value && span_is(node->op, "Const"))
        return error_set(err, CODE_FAILED_PRECONDITION,
                         "Saved model contains node \"%.*s\" which is a constant tensor but no "
                         "value has been provided",
                         SPAN_ARG(node->name));
    if (value && value->value_case == ATTR_CASE_TENSOR &&
        !is_countable(value->tensor->tensor_shape))
        return error_set(err, CODE_FAILED_PRECONDITION,
                         "Saved model contains node \"%.*s\" (op \"%.*s\") which initializes from "
                         "a tensor with -1 elements",
                         SPAN_ARG(node->name), SPAN_ARG(node->op));
    return CODE_OK;
}

static enum code check_function(const struct pb_function_def *function, struct error *err)
{
    struct span name = function->signature ? function->signature->name : (struct span){0};
    for (size_t i = 0; i < function->node_def.count; i++) {
        enum code code = check_node(&function->node_def.items[i], err);
        if (code)
            return code;
    }
    for (size_t i = 0; i < function->node_def.count; i++)
        if (span_equal(function->node_def.items[i].op, name))
            return error_set(err, CODE_FAILED_PRECONDITION,
                             "Function %.*s is self recursive and TensorFlow does not support this "
                             "scenario.",
                             SPAN_ARG(name));
    return CODE_OK;
}

enum code validate_graph(const struct pb_graph_def *graph, struct error *err)
{
    if (!graph)
        return CODE_OK;
    for (size_t i = 0; i < graph->node.count; i++) {
        enum code code = check_node(&graph->node.items[i], err);
        if (code)
            return code;
    }
    for (size_t i = 0; graph->library && i < graph->library->function.count; i++) {
        enum code code = check_function(&graph->library->function.items[i], err);
        if (code)
            return code;
    }
    return CODE_OK;
}
