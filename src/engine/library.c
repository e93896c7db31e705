/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Import in two passes: all nodes first, so that every name is known, then the edges. A node of an
 * op that we lack is kept: TensorFlow refuses such a graph whole, we only refuse signatures that
 * reach the node (passes/extract.c), and until then its outputs are as many as its consumers name.
 */
#include "engine/library.h"

#include "base/check.h"
#include "engine/op.h"
#include "tensor/tensor_proto.h"
#include "wire/messages.h"

enum code library_init(struct library *library, struct arena *arena,
                       const struct pb_function_def_library *functions, struct error *err)
{
    *library = (struct library){.arena = arena};
    map_init(&library->functions, arena);
    map_init(&library->defs, arena);
    size_t count = functions ? functions->function.count : 0;
    for (size_t i = 0; i < count; i++) {
        const struct pb_function_def *proto = &functions->function.items[i];
        if (!proto->signature || !proto->signature->name.len)
            return error_set(err, CODE_INVALID_ARGUMENT, "function %zu of the library has no name",
                             i);
        enum code code = library_add_function(library, proto, err);
        if (code)
            return code;
    }
    return CODE_OK;
}

enum code library_add_function(struct library *library, const struct pb_function_def *proto,
                               struct error *err)
{
    struct function *function = ARENA_NEW(library->arena, struct function);
    function->proto = proto;
    enum code code = op_def_of_function(proto->signature, library->arena, &function->def, err);
    if (code)
        return error_prefix(err, "function %.*s: ", SPAN_ARG(proto->signature->name));
    map_put(&library->functions, proto->signature->name, function);
    return CODE_OK;
}

const struct function *library_function(const struct library *library, struct span name)
{
    return name.len ? map_get(&library->functions, name) : NULL;
}

struct op_def *library_def(struct library *library, struct span op_name)
{
    if (!op_name.len)
        return NULL;
    bool added;
    void **slot = map_at(&library->defs, op_name, &added);
    if (added) {
        const struct op *op = op_find(op_name);
        struct op_def *def = NULL;
        CHECK(!op || !op_def_parse(op, library->arena, &def, NULL));
        *slot = def;
    }
    return *slot;
}

/* ---- attributes ---- */

static const struct pb_attr_value *
substitute(struct arena *arena, const struct pb_attr_value *value, const struct node *with);

/* A function attribute carries attributes of its own, which may be placeholders too. */
static const struct pb_attr_value *
substitute_func(struct arena *arena, const struct pb_attr_value *value, const struct node *with)
{
    size_t count = value->func->attr.count;
    if (!count)
        return value;
    struct pb_name_attr_list *func = ARENA_NEW(arena, struct pb_name_attr_list);
    *func = *value->func;
    func->attr.items = arena_alloc(arena, count * sizeof *func->attr.items);
    for (size_t i = 0; i < count; i++) {
        func->attr.items[i] = value->func->attr.items[i];
        const struct pb_attr_value *inner = func->attr.items[i].value;
        if (inner && inner->value_case == ATTR_CASE_PLACEHOLDER)
            func->attr.items[i].value = (struct pb_attr_value *)substitute(arena, inner, with);
    }
    struct pb_attr_value *copy = ARENA_NEW(arena, struct pb_attr_value);
    *copy = *value;
    copy->func = func;
    return copy;
}

static const struct pb_attr_value *
substitute(struct arena *arena, const struct pb_attr_value *value, const struct node *with)
{
    if (value->value_case == ATTR_CASE_PLACEHOLDER) {
        const struct pb_attr_value *real = op_def_attr(NULL, with, value->placeholder);
        return real ? real : value;
    }
    return value->value_case == ATTR_CASE_FUNC ? substitute_func(arena, value, with) : value;
}

static void fill_attrs(struct arena *arena, const struct pb_node_def *proto,
                       const struct node *with, struct node *node)
{
    node->attr_count = proto->attr.count;
    node->attrs = ARENA_ARRAY(arena, struct node_attr, proto->attr.count);
    for (size_t i = 0; i < proto->attr.count; i++) {
        const struct pb_attr_value *value = proto->attr.items[i].value;
        node->attrs[i].name = proto->attr.items[i].key;
        node->attrs[i].value = with ? substitute(arena, value, with) : value;
    }
}

/* ---- outputs ---- */

static enum code fill_outputs(struct arena *arena, const struct op_def *def, struct node *node,
                              struct error *err)
{
    int total = 0;
    for (int i = 0; i < def->output_count; i++) {
        int count;
        enum code code = op_def_arg_count(def, node, &def->outputs[i], &count, err);
        if (code)
            return code;
        total += count;
        if (total > OP_ARG_TENSORS_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT, "Node %.*s has more than %d outputs",
                             SPAN_ARG(node->name), OP_ARG_TENSORS_MAX);
    }
    node->output_types = ARENA_ARRAY(arena, enum dtype, (size_t)total);
    for (int i = 0; i < def->output_count; i++) {
        int count;
        op_def_arg_count(def, node, &def->outputs[i], &count, NULL);
        for (int k = 0; k < count; k++)
            node->output_types[node->output_count++] =
                op_def_arg_type(def, node, &def->outputs[i], k);
    }
    return CODE_OK;
}

enum code library_fill_node(struct library *library, struct graph *graph,
                            const struct pb_node_def *proto, const struct node *with,
                            struct node *node, struct error *err)
{
    node->name = proto->name;
    node->op_name = proto->op;
    const struct function *function = library_function(library, proto->op);
    struct op_def *def = function ? function->def : library_def(library, proto->op);
    node->def = function ? NULL : def;
    node->op = node->def ? def->op : NULL;
    fill_attrs(graph->arena, proto, with, node);
    return def ? fill_outputs(graph->arena, def, node, err) : CODE_OK;
}

/* ---- the main graph ---- */

/* The texts are those of TensorFlow's loader, which refuses such graphs before it makes a session.
 */
static enum code check_const(const struct node *node, struct error *err)
{
    const struct pb_attr_value *value = node_attr(node, "value");
    if (!value || value->value_case != ATTR_CASE_TENSOR)
        return error_set(err, CODE_FAILED_PRECONDITION,
                         "Saved model contains node \"%.*s\" which is a constant tensor but no "
                         "value has been provided",
                         SPAN_ARG(node->name));
    const struct pb_tensor_shape_proto *shape = value->tensor->tensor_shape;
    int64_t elements = 1;
    for (size_t i = 0; shape && i < shape->dim.count; i++) {
        if (__builtin_mul_overflow(elements, shape->dim.items[i].size, &elements) ||
            shape->dim.items[i].size < 0)
            elements = -1;
        if (elements < 0)
            return error_set(err, CODE_FAILED_PRECONDITION,
                             "Saved model contains node \"%.*s\" (op \"Const\") which initializes "
                             "from a tensor with -1 elements",
                             SPAN_ARG(node->name));
    }
    return CODE_OK;
}

static enum code add_nodes(struct library *library, const struct pb_graph_def *proto,
                           struct graph *graph, struct error *err)
{
    for (size_t i = 0; i < proto->node.count; i++) {
        const struct pb_node_def *from = &proto->node.items[i];
        if (!from->name.len || graph_find(graph, from->name))
            return error_set(err, CODE_INVALID_ARGUMENT, "Node '%.*s' is not unique",
                             SPAN_ARG(from->name));
        struct node *node = graph_add(graph);
        enum code code = library_fill_node(library, graph, from, NULL, node, err);
        if (!code && span_is(node->op_name, "Const"))
            code = check_const(node, err);
        if (code)
            return code;
        map_put(&graph->names, node->name, node);
    }
    return CODE_OK;
}

static enum code resolve(struct graph *graph, struct node *node, struct span text,
                         struct edge *edge, struct error *err)
{
    struct span name;
    bool parsed = node_parse_tensor_name(text, &name, &edge->output);
    edge->node = parsed ? graph_find(graph, name) : NULL;
    if (!edge->node)
        return error_set(err, CODE_INVALID_ARGUMENT, "Node '%.*s': Unknown input node '%.*s'",
                         SPAN_ARG(node->name), SPAN_ARG(text));
    if (edge->output < edge->node->output_count)
        return CODE_OK;
    bool unknown = !edge->node->op && !edge->node->def;
    if (!unknown || edge->node->output_types)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Node '%.*s': Connecting to invalid output %d of source node %.*s which "
                         "has %d outputs.",
                         SPAN_ARG(node->name), edge->output, SPAN_ARG(edge->node->name),
                         edge->node->output_count);
    return CODE_OK;
}

static enum code add_edges(const struct pb_node_def *from, struct graph *graph, struct node *node,
                           struct error *err)
{
    size_t count = from->input.count;
    node->inputs = ARENA_ARRAY(graph->arena, struct edge, count);
    node->controls = ARENA_ARRAY(graph->arena, struct node *, count);
    for (size_t i = 0; i < count; i++) {
        struct edge edge;
        enum code code = resolve(graph, node, from->input.items[i], &edge, err);
        if (code)
            return code;
        if (edge.output < 0)
            node->controls[node->control_count++] = edge.node;
        else
            node->inputs[node->input_count++] = edge;
    }
    return CODE_OK;
}

enum code graph_import(struct library *library, const struct pb_graph_def *proto,
                       struct graph *graph, struct error *err)
{
    enum code code = add_nodes(library, proto, graph, err);
    for (size_t i = 0; !code && i < proto->node.count; i++)
        code = add_edges(&proto->node.items[i], graph, graph->nodes[i], err);
    return code;
}
