/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pruning and ordering in one depth-first walk from the fetches and targets: a node is appended
 * when all that it needs has been, so the result is a topological order of just what is needed.
 * node->mark: 0 new, 1 on the stack, 2 done. The stack is explicit.
 */
#include "engine/op.h"
#include "engine/passes/passes.h"

struct frame {
    struct node *node;
    int next; /* controls first, then inputs */
};

struct walk {
    bool allow_cycles;
    struct frame *stack;
    int depth;
    struct node **order;
    int count;
};

static void enter(struct walk *walk, struct node *node)
{
    node->mark = 1;
    walk->stack[walk->depth++] = (struct frame){node, 0};
}

/* Controls go first, so that an effect is ordered before what waits for it; constants need nothing.
 */
static struct node *next_needed(struct frame *frame)
{
    const struct node *node = frame->node;
    int i = frame->next++;
    if (i < node->control_count)
        return node->controls[i];
    i -= node->control_count;
    return i < node->input_count ? node->inputs[i].node : NULL;
}

static bool has_more(const struct frame *frame)
{
    return frame->next < frame->node->control_count + frame->node->input_count;
}

static enum code visit(struct walk *walk, struct node *root, struct error *err)
{
    if (root->mark == 2)
        return CODE_OK;
    enter(walk, root);
    while (walk->depth) {
        struct frame *top = &walk->stack[walk->depth - 1];
        if (!has_more(top)) {
            top->node->mark = 2;
            walk->order[walk->count++] = top->node;
            walk->depth--;
            continue;
        }
        struct node *needed = next_needed(top);
        if (needed->mark == 1 && !walk->allow_cycles)
            return error_set(err, CODE_INVALID_ARGUMENT, "the graph has a cycle through node %.*s",
                             SPAN_ARG(needed->name));
        if (needed->mark == 0)
            enter(walk, needed);
    }
    return CODE_OK;
}

/* A constant needs no inputs any more. Its controls stay: they may say that it is dead
 * (passes/fold.c cuts the others). */
static void cut_constants(struct graph *graph)
{
    for (int i = 0; i < graph->count; i++) {
        struct node *node = graph->nodes[i];
        node->mark = 0;
        if (node->values)
            node->input_count = 0;
    }
}

static enum code walk_all(struct work *work, bool allow_cycles, struct error *err)
{
    struct graph *graph = &work->graph;
    cut_constants(graph);
    struct walk walk = {
        .allow_cycles = allow_cycles,
        .stack = ARENA_ARRAY(graph->arena, struct frame, (size_t)graph->count + 1),
        .order = ARENA_ARRAY(graph->arena, struct node *, (size_t)graph->count + 1),
    };
    enum code code = CODE_OK;
    for (int i = 0; !code && i < work->feed_count; i++)
        code = visit(&walk, work->feeds[i], err);
    for (int i = 0; !code && i < work->target_count; i++)
        code = visit(&walk, work->targets[i], err);
    for (int i = 0; !code && i < work->fetch_count; i++)
        code = visit(&walk, work->fetches[i].node, err);
    if (code)
        return code;
    for (int i = 0; i < graph->count; i++)
        graph->nodes[i]->id = -1;
    for (int i = 0; i < walk.count; i++)
        walk.order[i]->id = i;
    graph->nodes = walk.order;
    graph->room = graph->count + 1;
    graph->count = walk.count;
    return CODE_OK;
}

enum code pass_order(struct work *work, struct error *err)
{
    return walk_all(work, false, err);
}

void pass_prune(struct work *work)
{
    walk_all(work, true, NULL);
}
