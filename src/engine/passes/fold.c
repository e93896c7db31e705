/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folding goes through the nodes in topological order. A node without effect whose inputs are all
 * constants is run now; what it gives is kept if it is not far larger than what it took. A Switch
 * with a constant predicate is its data on one side and dead on the other; death goes on along data
 * and control edges to the Merge that ends it, which then is its one live input. What stays behind
 * a Switch that can not be decided is marked conditional and left alone.
 *
 * node->mark says of a node: 0 alive, 1 dead. A half-dead Switch is replaced as a whole, so its
 * dead side is known by edge.
 */
#include "base/check.h"
#include "engine/evaluate.h"
#include "engine/passes/passes.h"

enum {
    FOLD_GROWTH_MAX = 16 << 20
}; /* bytes that folding may add for one node: Fill([1e9]) stays a step */

struct fold {
    struct work *work;
    int *dead_output; /* by node id, of decided Switch nodes: the dead output; else -1 */
};

static bool is_dead_edge(const struct fold *f, struct edge edge)
{
    return edge.node->mark || f->dead_output[edge.node->id] == edge.output;
}

static bool all_const(const struct node *node)
{
    for (int i = 0; i < node->input_count; i++) {
        if (!node->inputs[i].node->values)
            return false;
    }
    return true;
}

static bool runs(const struct node *node)
{
    return node->op->run || (node->op->flags & OP_ALIAS);
}

static size_t input_bytes(const struct node *node)
{
    size_t bytes = 0;
    for (int i = 0; i < node->input_count; i++)
        bytes += tensor_bytes(&node->inputs[i].node->values[node->inputs[i].output]);
    return bytes;
}

/* Would the outputs be out of proportion? Asked before memory is taken. */
static bool too_large(struct op_call *call)
{
    if (op_infer(call, NULL))
        return true;
    size_t bytes = 0;
    for (int i = 0; i < call->out_count; i++) {
        if (call->out[i]->shape.rank != SHAPE_UNKNOWN_RANK)
            bytes += tensor_bytes(call->out[i]);
    }
    return bytes > input_bytes(call->node) + FOLD_GROWTH_MAX;
}

void work_fold(struct work *work, struct node *node)
{
    struct arena *arena = work->graph.arena;
    struct tensor *values = ARENA_ARRAY(arena, struct tensor, (size_t)node->output_count);
    const struct tensor **in = ARENA_ARRAY(arena, const struct tensor *, (size_t)node->input_count);
    struct tensor **out = ARENA_ARRAY(arena, struct tensor *, (size_t)node->output_count);
    for (int i = 0; i < node->input_count; i++)
        in[i] = &node->inputs[i].node->values[node->inputs[i].output];
    for (int i = 0; i < node->output_count; i++)
        out[i] = &values[i];
    struct op_call call = {
        .node = node,
        .in = in,
        .out = out,
        .in_count = node->input_count,
        .out_count = node->output_count,
        .arena = arena,
        .run = work->run,
    };
    if (!too_large(&call) && !op_evaluate(&call, NULL))
        node->values = values;
}

/* ---- control flow ---- */

static bool is_op(const struct node *node, const char *name)
{
    return span_is(node->op_name, name);
}

/* Both outputs of a decided Switch lead on to the data; the edge to the dead one was looked at
 * before. */
static void decide_switch(struct fold *f, struct node *node)
{
    const struct edge predicate = node->inputs[1];
    const struct tensor *value = &predicate.node->values[predicate.output];
    f->dead_output[node->id] = *TENSOR_AT(value, bool) ? 0 : 1;
}

/* The live inputs of a Merge: their number, and the first one's index. */
static int live_inputs(const struct fold *f, const struct node *node, int *first)
{
    int count = 0;
    for (int i = node->input_count - 1; i >= 0; i--) {
        if (is_dead_edge(f, node->inputs[i]))
            continue;
        *first = i;
        count++;
    }
    return count;
}

static struct node *add_index(struct fold *f, const struct node *merge, int index)
{
    struct arena *arena = f->work->graph.arena;
    struct node *node = work_add(f->work, &barrier_op, merge->name);
    struct tensor *value = ARENA_NEW(arena, struct tensor);
    value->dtype = DTYPE_INT32;
    value->shape = shape_scalar();
    value->data = arena_alloc(arena, sizeof(int32_t));
    *TENSOR_AT(value, int32_t) = index;
    node->output_count = 1;
    node->output_types = ARENA_NEW(arena, enum dtype);
    *node->output_types = DTYPE_INT32;
    node->values = value;
    return node;
}

static void decide_merge(struct fold *f, struct node *node)
{
    int live = 0;
    int count = live_inputs(f, node, &live);
    node->mark = count == 0;
    if (count != 1 || node->inputs[live].node->conditional)
        return;
    struct edge *forward = ARENA_ARRAY(f->work->graph.arena, struct edge, 2);
    forward[0] = node->inputs[live];
    forward[1] = (struct edge){add_index(f, node, live), 0};
    node->forward = forward;
    node->forward_control = forward[0].node;
}

/* Does death or doubt reach the node from what it waits for? */
static void inherit(const struct fold *f, struct node *node)
{
    bool merge = is_op(node, "Merge");
    for (int i = 0; i < node->input_count && !merge; i++) {
        struct edge edge = node->inputs[i];
        node->mark |= is_dead_edge(f, edge);
        bool undecided = is_op(edge.node, "Switch") && f->dead_output[edge.node->id] < 0;
        node->conditional |= edge.node->conditional || undecided;
    }
    for (int i = 0; i < node->input_count && merge; i++)
        node->conditional |= edge_resolve(node->inputs[i]).node->conditional ||
                             is_op(node->inputs[i].node, "Switch");
    for (int i = 0; i < node->control_count; i++) {
        node->mark |= node->controls[i]->mark;
        node->conditional |= node->controls[i]->conditional;
    }
}

/* ---- effects ---- */

static bool waits_for(const struct node *node, const struct node *before)
{
    for (int i = 0; i < node->control_count; i++) {
        if (node->controls[i] == before)
            return true;
    }
    return false;
}

/* A constant is there from the start; who reads it must wait for the effects that it would have
 * waited for. */
static void take_over_waiting(struct fold *f, struct node *node)
{
    for (int i = 0; i < node->input_count; i++) {
        const struct node *constant = node->inputs[i].node;
        for (int k = 0; constant->values && k < constant->control_count; k++) {
            struct node *before = constant->controls[k];
            if (before->effect && !waits_for(node, before))
                node_add_control(&f->work->graph, node, before);
        }
    }
}

static void judge_effect(struct node *node)
{
    node->effect = ((node->op->flags & OP_STATEFUL) && !node->output_count) ||
                   (node->op->flags & OP_CHANGES_RUN);
    for (int i = 0; i < node->input_count; i++)
        node->effect |= node->inputs[i].node->effect;
    for (int i = 0; i < node->control_count; i++)
        node->effect |= node->controls[i]->effect;
}

/* Who fetches a constant waits for what it waited for, too. */
static void keep_effects_of_fetches(struct work *work)
{
    for (int i = 0; i < work->fetch_count; i++) {
        const struct node *node = work->fetches[i].node;
        for (int k = 0; node->values && k < node->control_count; k++) {
            if (node->controls[k]->effect)
                work_add_target(work, node->controls[k]);
        }
    }
}

static void visit(struct fold *f, struct node *node)
{
    node->mark = 0;
    take_over_waiting(f, node);
    judge_effect(node);
    inherit(f, node);
    if (node->mark)
        return;
    if (is_op(node, "Switch") && !node->conditional && node->inputs[1].node->values) {
        decide_switch(f, node);
    } else if (is_op(node, "Merge")) {
        decide_merge(f, node);
    } else if (!node->values && !node->conditional && runs(node) && all_const(node) &&
               node->output_count &&
               !(node->op->flags & (OP_STATEFUL | OP_STRUCTURAL | OP_CONTROL_FLOW))) {
        work_fold(f->work, node);
    }
}

/* A decided Switch hands its data on; its dead side has no live consumer. */
static void forward_switch(struct fold *f, struct node *node)
{
    struct edge *forward = ARENA_ARRAY(f->work->graph.arena, struct edge, 2);
    forward[0] = forward[1] = node->inputs[0];
    node->forward = forward;
    node->forward_control = node->inputs[0].node;
}

/* A constant that may be dead becomes a step that hands the value on if it is not. */
static void gate_constant(struct work *work, struct node *node)
{
    struct node *value = work_add(work, &barrier_op, node->name);
    value->output_count = node->output_count;
    value->output_types = node->output_types;
    value->values = node->values;
    node->values = NULL;
    node->op = &gate_op;
    node->op_name = span_of(gate_op.name);
    node->inputs = ARENA_NEW(work->graph.arena, struct edge);
    node->inputs[0] = (struct edge){value, 0};
    node->input_count = 1;
}

static void settle_constants(struct work *work, int count)
{
    for (int i = 0; i < count; i++) {
        struct node *node = work->graph.nodes[i];
        if (!node->values)
            continue;
        if (node->conditional && node->output_count == 1)
            gate_constant(work, node);
        else
            node->control_count = 0;
    }
}

/* Dead targets need not run; a dead fetch has no value. */
static enum code drop_dead(struct work *work, const struct fold *f, struct error *err)
{
    int kept = 0;
    for (int i = 0; i < work->target_count; i++) {
        if (!work->targets[i]->mark)
            work->targets[kept++] = work->targets[i];
    }
    work->target_count = kept;
    for (int i = 0; i < work->fetch_count; i++) {
        if (is_dead_edge(f, work->fetches[i]))
            return error_set(err, CODE_INVALID_ARGUMENT, "Retval[%d] does not have value", i);
    }
    return CODE_OK;
}

enum code pass_fold(struct work *work, struct error *err)
{
    int count = work->graph.count;
    struct fold f = {.work = work};
    f.dead_output = ARENA_ARRAY(work->graph.arena, int, (size_t)count * 2 + 1);
    for (int i = 0; i < count * 2 + 1; i++)
        f.dead_output[i] = -1;
    for (int i = 0; i < count; i++) {
        struct node *node = work->graph.nodes[i];
        for (int k = 0; k < node->input_count; k++)
            node->inputs[k] = edge_resolve(node->inputs[k]);
        visit(&f, node);
    }
    enum code code = drop_dead(work, &f, err);
    if (code)
        return code;
    keep_effects_of_fetches(work);
    settle_constants(work, count);
    for (int i = 0; i < count; i++) {
        if (f.dead_output[i] >= 0)
            forward_switch(&f, work->graph.nodes[i]);
    }
    work_resolve(work);
    return pass_order(work, err);
}
