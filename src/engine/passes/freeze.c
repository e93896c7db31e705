/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables that nothing a client can call writes are constants. First every signature marks what
 * it writes; then reads of the others get their value, which stays where it is (in the mapped
 * checkpoint, mostly) and is kept by a reference. Where a writer's handle does not lead back to a
 * node that makes it, nothing is frozen.
 */
#include "base/check.h"
#include "engine/evaluate.h"
#include "engine/passes/passes.h"
#include "engine/resource.h"
#include "wire/messages.h"

static enum code compute_handle(struct work *work, struct node *node, struct error *err)
{
    struct tensor *value = ARENA_NEW(work->graph.arena, struct tensor);
    struct op_call call = {
        .node = node,
        .out = &value,
        .out_count = 1,
        .arena = work->graph.arena,
        .run = work->run,
    };
    enum code code = op_evaluate(&call, err);
    node->values = value;
    return code;
}

enum code pass_handles(struct work *work, struct error *err)
{
    for (int i = 0; i < work->graph.count; i++) {
        struct node *node = work->graph.nodes[i];
        enum code code = CODE_OK;
        if ((node->op->flags & OP_MAKES_RESOURCE) && !node->values)
            code = compute_handle(work, node, err);
        if (code)
            return error_prefix(err, "Node %.*s: ", SPAN_ARG(node->name));
    }
    return CODE_OK;
}

/* The resource behind a handle, through ops that only hand it on; NULL when it can not be told. */
static struct resource *trace(struct edge edge)
{
    edge = edge_origin(edge);
    if (!edge.node->values || edge.node->output_types[edge.output] != DTYPE_RESOURCE)
        return NULL;
    return *TENSOR_AT(&edge.node->values[edge.output], struct resource *);
}

void pass_mark_written(struct work *work)
{
    for (int i = 0; i < work->graph.count; i++) {
        const struct node *node = work->graph.nodes[i];
        if (!(node->op->flags & OP_WRITES_RESOURCE) || !node->input_count)
            continue;
        struct resource *resource = trace(node->inputs[0]);
        if (!resource)
            resource_store_set_untraced_writes(work->run->resources);
        else if (resource_is_variable(resource))
            ((struct variable *)resource)->written = true;
    }
}

/* The value of a variable that stays as it is; false when it has none or may change. */
static bool frozen_value(struct work *work, struct edge handle, struct tensor *value)
{
    struct resource *resource = trace(handle);
    if (!resource || !resource_is_variable(resource) ||
        resource_store_has_untraced_writes(work->run->resources))
        return false;
    struct variable *variable = (struct variable *)resource;
    if (variable->written || variable_read(variable, value, NULL))
        return false;
    arena_defer(work->graph.arena, (arena_defer_fn *)buffer_unref, value->buffer);
    return true;
}

void pass_freeze(struct work *work)
{
    for (int i = 0; i < work->graph.count; i++) {
        struct node *node = work->graph.nodes[i];
        if (!span_is(node->op_name, "ReadVariableOp") || node->values || !node->input_count)
            continue;
        struct tensor value;
        if (!frozen_value(work, node->inputs[0], &value) || value.dtype != node->output_types[0])
            continue;
        struct tensor *kept = ARENA_NEW(work->graph.arena, struct tensor);
        *kept = value;
        node->values = kept;
    }
}
