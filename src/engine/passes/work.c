/* SPDX-License-Identifier: Apache-2.0 */
/* What several passes need of the graph they work on. */
#include "base/check.h"
#include "engine/op.h"
#include "engine/passes/passes.h"
#include "wire/messages.h"

static enum code barrier_run(struct op_call *call, struct error *err)
{
    (void)call;
    (void)err;
    return CODE_OK;
}

const struct op feed_op = {
    .name = "_Feed",
    .inputs = "",
    .outputs = "output:dtype",
    .attrs = "dtype:type",
    .flags = OP_STRUCTURAL,
};

const struct op barrier_op = {
    .name = "_Barrier",
    .inputs = "",
    .outputs = "",
    .attrs = "",
    .run = barrier_run,
};

const struct op gate_op = {
    .name = "_Gate",
    .inputs = "input:T",
    .outputs = "output:T",
    .attrs = "T:type",
    .flags = OP_ALIAS,
};

struct node *work_add(struct work *work, const struct op *op, struct span name)
{
    struct node *node = graph_add(&work->graph);
    node->name = name;
    node->op_name = span_of(op->name);
    node->op = op;
    return node;
}

struct node *work_add_op(struct work *work, const char *op_name, struct span name)
{
    const struct op_def *def = library_def(work->library, span_of(op_name));
    CHECK(def);
    struct node *node = work_add(work, def->op, name);
    node->def = def;
    return node;
}

void work_set_attr(struct work *work, struct node *node, const char *name,
                   const struct pb_attr_value *value)
{
    struct node_attr *attrs =
        ARENA_ARRAY(work->graph.arena, struct node_attr, node->attr_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < node->attr_count; i++) {
        if (!span_is(node->attrs[i].name, name))
            attrs[count++] = node->attrs[i];
    }
    attrs[count++] = (struct node_attr){span_of(name), value};
    node->attrs = attrs;
    node->attr_count = count;
}

void work_set_type(struct work *work, struct node *node, const char *name, enum dtype type)
{
    struct pb_attr_value *value = ARENA_NEW(work->graph.arena, struct pb_attr_value);
    value->value_case = ATTR_CASE_TYPE;
    value->type = (int32_t)type;
    work_set_attr(work, node, name, value);
}

void work_set_types(struct work *work, struct node *node, const char *name)
{
    struct arena *arena = work->graph.arena;
    struct pb_attr_value *value = ARENA_NEW(arena, struct pb_attr_value);
    value->value_case = ATTR_CASE_LIST;
    value->list = ARENA_NEW(arena, struct pb_attr_value_list_value);
    int32_t *numbers = ARENA_ARRAY(arena, int32_t, (size_t)node->output_count);
    for (int i = 0; i < node->output_count; i++)
        numbers[i] = (int32_t)node->output_types[i];
    value->list->type.ptr = numbers;
    value->list->type.count = (size_t)node->output_count;
    work_set_attr(work, node, name, value);
}

void work_set_output(struct work *work, struct node *node, enum dtype type)
{
    node->output_count = 1;
    node->output_types = ARENA_NEW(work->graph.arena, enum dtype);
    *node->output_types = type;
}

struct edge edge_origin(struct edge edge)
{
    while (!edge.node->values && edge.node->op && (edge.node->op->flags & OP_ALIAS) &&
           !edge.node->op->shape && edge.node->input_count)
        edge = edge.node->inputs[0];
    return edge;
}

void work_add_target(struct work *work, struct node *node)
{
    if (work->target_count == work->target_room) {
        int room = work->target_room ? work->target_room * 2 : 8;
        struct node **targets = ARENA_ARRAY(work->graph.arena, struct node *, (size_t)room);
        if (work->target_count)
            memcpy(targets, work->targets, (size_t)work->target_count * sizeof *targets);
        work->targets = targets;
        work->target_room = room;
    }
    work->targets[work->target_count++] = node;
}

void work_resolve(struct work *work)
{
    graph_resolve(&work->graph);
    for (int i = 0; i < work->fetch_count; i++)
        work->fetches[i] = edge_resolve(work->fetches[i]);
    for (int i = 0; i < work->target_count; i++) {
        while (work->targets[i]->forward_control)
            work->targets[i] = work->targets[i]->forward_control;
    }
}
