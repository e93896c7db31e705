/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan is made from a finished graph by numbering its tensors. Bindings are appended to an array
 * that readers scan without a lock; a writer publishes a pointer and then the count. Shapes beyond
 * BINDINGS_MAX are bound for one request and freed with its arena.
 */
#include "engine/plan.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/binding.h"
#include "engine/denormals.h"
#include "engine/region.h"

/* ---- making ---- */

/* Steps that a run needs not make: feeds, constants, barriers that nobody can find dead. */
static bool is_step(const struct node *node)
{
    if (node->values || node->op == &feed_op)
        return false;
    return node->output_count || (node->op->flags & OP_STATEFUL) || node->conditional;
}

struct numbering {
    struct plan *plan;
    const struct work *work;
    int *first_value; /* by node id: number of its output 0 */
    int *step_of;     /* by node id: its step, or -1 */
};

static void number_values(struct numbering *n)
{
    const struct graph *graph = &n->work->graph;
    int count = 0;
    for (int i = 0; i < graph->count; i++) {
        n->first_value[i] = count;
        count += graph->nodes[i]->output_count;
    }
    n->plan->value_count = count;
    n->plan->values = ARENA_ARRAY(n->plan->arena, struct tensor, (size_t)count);
    for (int i = 0; i < graph->count; i++) {
        const struct node *node = graph->nodes[i];
        for (int k = 0; k < node->output_count; k++) {
            struct tensor *value = &n->plan->values[n->first_value[i] + k];
            value->dtype = node->output_types[k];
            if (node->values)
                *value = node->values[k];
        }
    }
}

static int value_of(const struct numbering *n, struct edge edge)
{
    CHECK(edge.node->id >= 0 && edge.output < edge.node->output_count);
    return n->first_value[edge.node->id] + edge.output;
}

static bool node_loops(const struct node *node)
{
    bool loops = node->op->flags & OP_LOOPS;
    for (int i = 0; i < node->region_count; i++)
        loops |= node->regions[i].plan->has_loop;
    return loops;
}

/* A stateful op without an output is there for what it does; others of them but read. */
static bool node_changes_state(const struct node *node)
{
    unsigned flags = node->op->flags;
    bool changes = flags & OP_WRITES_RESOURCE || (flags & OP_STATEFUL && !node->output_count);
    for (int i = 0; i < node->region_count; i++)
        changes |= node->regions[i].plan->changes_state;
    return changes;
}

static void make_step(struct numbering *n, const struct node *node, struct plan_step *step)
{
    struct arena *arena = n->plan->arena;
    int *in = ARENA_ARRAY(arena, int, (size_t)node->input_count);
    int *out = ARENA_ARRAY(arena, int, (size_t)node->output_count);
    for (int i = 0; i < node->input_count; i++) {
        in[i] = value_of(n, node->inputs[i]);
        if (i < 64 && node->inputs[i].node->values)
            step->in_const |= UINT64_C(1) << i;
    }
    for (int i = 0; i < node->output_count; i++)
        out[i] = n->first_value[node->id] + i;
    step->node = node;
    step->in = in;
    step->in_count = node->input_count;
    step->out = out;
    step->out_count = node->output_count;
    step->conditional = node->conditional;
    n->plan->has_loop |= node_loops(node);
    n->plan->changes_state |= node_changes_state(node);
    if (!node->conditional)
        return;
    n->plan->has_conditional = true;
    int *controls = ARENA_ARRAY(arena, int, (size_t)node->control_count);
    for (int i = 0; i < node->control_count; i++) {
        int before = n->step_of[node->controls[i]->id];
        if (before >= 0 && node->controls[i]->conditional)
            controls[step->control_count++] = before;
    }
    step->controls = controls;
}

static void make_steps(struct numbering *n)
{
    const struct graph *graph = &n->work->graph;
    n->plan->steps = ARENA_ARRAY(n->plan->arena, struct plan_step, (size_t)graph->count);
    for (int i = 0; i < graph->count; i++) {
        n->step_of[i] = -1;
        if (!is_step(graph->nodes[i]))
            continue;
        n->step_of[i] = n->plan->step_count;
        make_step(n, graph->nodes[i], &n->plan->steps[n->plan->step_count++]);
    }
}

struct plan *plan_new(struct arena *arena, const struct work *work)
{
    struct plan *plan = calloc(1, sizeof *plan);
    CHECK(plan);
    plan->arena = arena;
    plan->pack = pack_cache_new();
    pthread_mutex_init(&plan->lock, NULL);
    size_t count = (size_t)work->graph.count;
    struct numbering n = {.plan = plan, .work = work};
    n.first_value = ARENA_ARRAY(arena, int, count);
    n.step_of = ARENA_ARRAY(arena, int, count);
    number_values(&n);
    make_steps(&n);
    plan->feed_count = work->feed_count;
    plan->feeds = ARENA_ARRAY(arena, int, (size_t)work->feed_count);
    for (int i = 0; i < work->feed_count; i++)
        plan->feeds[i] = value_of(&n, (struct edge){work->feeds[i], 0});
    plan->fetch_count = work->fetch_count;
    plan->fetches = ARENA_ARRAY(arena, int, (size_t)work->fetch_count);
    for (int i = 0; i < work->fetch_count; i++)
        plan->fetches[i] = value_of(&n, work->fetches[i]);
    return plan;
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    for (int i = 0; i < atomic_load(&plan->binding_count); i++)
        binding_free(atomic_load(&plan->bindings[i]));
    pack_cache_free(plan->pack);
    pthread_mutex_destroy(&plan->lock);
    struct arena *arena = plan->arena;
    arena_release(arena);
    free(arena);
    free(plan);
}

int plan_feed_count(const struct plan *plan)
{
    return plan->feed_count;
}

int plan_fetch_count(const struct plan *plan)
{
    return plan->fetch_count;
}

bool plan_has_loop(const struct plan *plan)
{
    return plan->has_loop;
}

bool plan_changes_state(const struct plan *plan)
{
    return plan->changes_state;
}

int plan_step_count(const struct plan *plan)
{
    return plan->step_count;
}

const struct plan_step *plan_step(const struct plan *plan, int i)
{
    return &plan->steps[i];
}

enum dtype plan_feed_dtype(const struct plan *plan, int i)
{
    return plan->values[plan->feeds[i]].dtype;
}

/* ---- feeds that are changed in place ---- */

/* What is known of each value. */
struct uses {
    int *origin;  /* the value whose memory it is, through steps that only give another name */
    int *fetched; /* fetches whose origin it is */
    int *last;    /* the last step that reads it, or -1 */
    bool *handed; /* a step before may hand its memory on */
};

static void find_uses(const struct plan *plan, struct uses *u, struct arena *arena)
{
    size_t count = (size_t)plan->value_count;
    *u = (struct uses){ARENA_ARRAY(arena, int, count), ARENA_ARRAY(arena, int, count),
                       ARENA_ARRAY(arena, int, count), ARENA_ARRAY(arena, bool, count)};
    for (int i = 0; i < plan->value_count; i++) {
        u->origin[i] = i;
        u->last[i] = -1;
    }
    for (int k = 0; k < plan->step_count; k++) {
        const struct plan_step *step = &plan->steps[k];
        const unsigned hands_on = OP_ALIAS | OP_HANDS_ON | OP_CONTROL_FLOW;
        for (int i = 0; i < step->in_count; i++) {
            int before = u->last[step->in[i]];
            u->handed[step->in[i]] |=
                before >= 0 && (plan->steps[before].node->op->flags & hands_on);
            u->last[step->in[i]] = k;
        }
        if (step->node->op->flags & OP_ALIAS)
            u->origin[step->out[0]] = u->origin[step->in[0]];
    }
    for (int i = 0; i < plan->fetch_count; i++)
        u->fetched[u->origin[plan->fetches[i]]]++;
}

/* What feed i becomes when the last step that reads it does nothing but update it, and the result
 * is what the next turn gets, once; else -1. */
static int find_update(const struct plan *plan, int i, const struct uses *u)
{
    int feed = plan->feeds[i];
    if (u->last[feed] < 0 || u->handed[feed] || u->fetched[feed])
        return -1;
    const struct plan_step *step = &plan->steps[u->last[feed]];
    if (!(step->node->op->flags & OP_UPDATES) || step->conditional)
        return -1;
    for (int k = 0; k < step->in_count; k++) {
        if ((step->in[k] == feed) != (k == 0))
            return -1;
    }
    int result = step->out[0];
    return u->fetched[result] == 1 && u->origin[plan->fetches[i]] == result ? result : -1;
}

void plan_claim_feeds(struct plan *plan)
{
    struct arena arena;
    struct uses uses;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    find_uses(plan, &uses, &arena);
    plan->updates = ARENA_ARRAY(plan->arena, int, (size_t)plan->feed_count);
    for (int i = 0; i < plan->feed_count; i++)
        plan->updates[i] = i < plan->fetch_count ? find_update(plan, i, &uses) : -1;
    arena_release(&arena);
}

bool plan_overwrites(const struct plan *plan, int i)
{
    return plan->updates && plan->updates[i] >= 0;
}

/* ---- what is in it ---- */

int plan_feed_value(const struct plan *plan, int i)
{
    return plan->feeds[i];
}

int plan_fetch_value(const struct plan *plan, int i)
{
    return plan->fetches[i];
}

void plan_describe(struct plan *plan, struct plan_info *info)
{
    *info = (struct plan_info){.steps = plan->step_count};
    info->packed_bytes = pack_cache_bytes(plan->pack);
    int count = atomic_load(&plan->binding_count);
    if (!count)
        return;
    const struct binding *binding = atomic_load(&plan->bindings[count - 1]);
    if (atomic_load(&binding->learned_count))
        binding = atomic_load(&binding->learned[0]);
    info->bound_steps = binding->step_count;
    info->dynamic_steps = binding->dynamic_count;
    info->block_bytes = binding->block_size;
    info->naive_bytes = binding->naive_size;
}
