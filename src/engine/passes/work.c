/* SPDX-License-Identifier: Apache-2.0 */
/* What several passes need of the graph they work on. */
#include "engine/op.h"
#include "engine/passes/passes.h"

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
