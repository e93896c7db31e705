/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extraction walks from the fetches and targets against the edges, with a stack of its own (graphs
 * are deep), and clones each node it meets once. A feed cuts the walk: its consumers get the output
 * of a "_Feed" node. `clones` maps the id of a main-graph node to its clone; a node of which one
 * output is fed may still be cloned for another one.
 */
#include "engine/passes/passes.h"

#include "base/check.h"
#include "engine/op.h"
#include "tensor/tensor_proto.h"

struct extraction {
    struct work *work;
    const struct edge *feeds;
    struct node **clones;
    struct node **stack; /* main-graph nodes whose clone still lacks its edges */
    size_t depth;
    size_t room;
};

static void push(struct extraction *x, struct node *node)
{
    if (x->depth == x->room) {
        size_t room = x->room ? x->room * 2 : 256;
        struct node **stack = ARENA_ARRAY(x->work->graph.arena, struct node *, room);
        if (x->depth)
            memcpy(stack, x->stack, x->depth * sizeof *stack);
        x->stack = stack;
        x->room = room;
    }
    x->stack[x->depth++] = node;
}

static struct node *clone(struct extraction *x, struct node *node)
{
    struct node **slot = &x->clones[node->id];
    if (!*slot) {
        *slot = graph_add(&x->work->graph);
        int id = (*slot)->id;
        **slot = *node;
        (*slot)->id = id;
        push(x, node);
    }
    return *slot;
}

/* Feeds are few: compared one by one. */
static struct edge clone_edge(struct extraction *x, struct edge edge)
{
    for (int i = 0; i < x->work->feed_count; i++) {
        if (x->feeds[i].node == edge.node && x->feeds[i].output == edge.output)
            return (struct edge){x->work->feeds[i], 0};
    }
    return (struct edge){clone(x, edge.node), edge.output};
}

static void clone_inputs(struct extraction *x, const struct node *node)
{
    struct node *copy = x->clones[node->id];
    struct arena *arena = x->work->graph.arena;
    copy->inputs = ARENA_ARRAY(arena, struct edge, (size_t)node->input_count);
    for (int i = 0; i < node->input_count; i++)
        copy->inputs[i] = clone_edge(x, node->inputs[i]);
    copy->controls = ARENA_ARRAY(arena, struct node *, (size_t)node->control_count);
    for (int i = 0; i < node->control_count; i++)
        copy->controls[i] = clone(x, node->controls[i]);
}

static enum code add_feed(struct extraction *x, int i, struct error *err)
{
    struct edge feed = x->feeds[i];
    for (int k = 0; k < i; k++) {
        if (x->feeds[k].node == feed.node && x->feeds[k].output == feed.output)
            return error_set(err, CODE_INVALID_ARGUMENT, "Endpoint \"%.*s:%d\" fed more than once.",
                             SPAN_ARG(feed.node->name), feed.output);
    }
    struct node *node = work_add(x->work, &feed_op, feed.node->name);
    node->output_count = 1;
    node->output_types = ARENA_NEW(x->work->graph.arena, enum dtype);
    if (feed.node->output_types)
        *node->output_types = feed.node->output_types[feed.output];
    x->work->feeds[i] = node;
    return CODE_OK;
}

/* Decodes the value of a Const node into node->values. */
static enum code load_const(struct work *work, struct node *node, struct error *err)
{
    const struct pb_attr_value *value = node_attr(node, "value");
    if (!value || value->value_case != ATTR_CASE_TENSOR)
        return error_set(err, CODE_INVALID_ARGUMENT, "Const node %.*s has no value",
                         SPAN_ARG(node->name));
    struct tensor *tensor = ARENA_NEW(work->graph.arena, struct tensor);
    enum code code = tensor_from_proto(value->tensor, work->graph.arena, tensor, err);
    if (code)
        return error_prefix(err, "Const node %.*s: ", SPAN_ARG(node->name));
    if (tensor->dtype != node->output_types[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Const node %.*s: its value is %s, its dtype %s", SPAN_ARG(node->name),
                         dtype_name(tensor->dtype), dtype_name(node->output_types[0]));
    node->values = tensor;
    return CODE_OK;
}

enum code pass_load_consts(struct work *work, int first, struct error *err)
{
    for (int i = first; i < work->graph.count; i++) {
        struct node *node = work->graph.nodes[i];
        enum code code = CODE_OK;
        if (span_is(node->op_name, "Const") && !node->values)
            code = load_const(work, node, err);
        if (code)
            return code;
    }
    return CODE_OK;
}

static enum code add_feeds(struct extraction *x, int count, struct error *err)
{
    x->work->feeds = ARENA_ARRAY(x->work->graph.arena, struct node *, (size_t)count);
    for (int i = 0; i < count; i++) {
        enum code code = add_feed(x, i, err);
        if (code)
            return code;
        x->work->feed_count = i + 1;
    }
    return CODE_OK;
}

enum code pass_extract(struct work *work, const struct work_request *request, struct error *err)
{
    struct arena *arena = work->graph.arena;
    struct extraction x = {.work = work, .feeds = request->feeds};
    x.clones = ARENA_ARRAY(arena, struct node *, (size_t)request->graph->count);
    enum code code = add_feeds(&x, request->feed_count, err);
    if (code)
        return code;
    work->fetch_count = request->fetch_count;
    work->fetches = ARENA_ARRAY(arena, struct edge, (size_t)request->fetch_count);
    for (int i = 0; i < request->fetch_count; i++)
        work->fetches[i] = clone_edge(&x, request->fetches[i]);
    for (int i = 0; i < request->target_count; i++)
        work_add_target(work, clone(&x, request->targets[i]));
    while (x.depth)
        clone_inputs(&x, x.stack[--x.depth]);
    return pass_load_consts(work, 0, err);
}
