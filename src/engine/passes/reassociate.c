/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op(op(x, c), d) with constants c and d becomes op(x, op(c, d)) for sums and products, when nobody
 * else needs the inner result. It saves a step; and since TensorFlow's optimiser does the same,
 * rounding and the shapes in errors are TensorFlow's.
 */
#include "engine/op.h"
#include "engine/passes/passes.h"

static bool is_associative(const struct node *node)
{
    static const char *const ops[] = {"Add", "AddV2", "Mul"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (span_is(node->op_name, ops[i]))
            return node->input_count == 2 && !node->values && !node->conditional;
    }
    return false;
}

/* Which input is the constant? -1: not exactly one. */
static int constant_input(const struct node *node)
{
    bool left = node->inputs[0].node->values, right = node->inputs[1].node->values;
    return left == right ? -1 : right;
}

static int *count_consumers(const struct work *work)
{
    int *counts = ARENA_ARRAY(work->graph.arena, int, (size_t)work->graph.count);
    for (int i = 0; i < work->graph.count; i++) {
        const struct node *node = work->graph.nodes[i];
        for (int k = 0; k < node->input_count; k++)
            counts[node->inputs[k].node->id]++;
        for (int k = 0; k < node->control_count; k++)
            counts[node->controls[k]->id]++;
    }
    for (int i = 0; i < work->fetch_count; i++)
        counts[work->fetches[i].node->id]++;
    return counts;
}

/* A constant node for op(c, d), or NULL when it can not be computed. */
static struct node *combine(struct work *work, const struct node *node, struct edge c,
                            struct edge d)
{
    struct node *both = graph_add(&work->graph);
    int id = both->id;
    *both = *node;
    both->id = id;
    both->control_count = 0;
    both->inputs = ARENA_ARRAY(work->graph.arena, struct edge, 2);
    both->inputs[0] = c;
    both->inputs[1] = d;
    work_fold(work, both);
    return both->values ? both : NULL;
}

static void reassociate(struct work *work, struct node *node, const int *consumers)
{
    int outer = constant_input(node);
    if (outer < 0)
        return;
    struct edge inner_edge = node->inputs[!outer];
    struct node *inner = inner_edge.node;
    if (!is_associative(inner) || !span_equal(inner->op_name, node->op_name) ||
        consumers[inner->id] != 1 || inner->control_count)
        return;
    int constant = constant_input(inner);
    if (constant < 0)
        return;
    struct edge x = inner->inputs[!constant];
    struct node *both = combine(work, node, inner->inputs[constant], node->inputs[outer]);
    if (!both)
        return;
    struct edge *inputs = ARENA_ARRAY(work->graph.arena, struct edge, 2);
    inputs[0] = x;
    inputs[1] = (struct edge){both, 0};
    node->inputs = inputs;
}

void pass_reassociate(struct work *work)
{
    const int *consumers = count_consumers(work);
    for (int i = 0, count = work->graph.count; i < count; i++) {
        if (is_associative(work->graph.nodes[i]))
            reassociate(work, work->graph.nodes[i], consumers);
    }
}
