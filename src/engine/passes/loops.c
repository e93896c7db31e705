/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops of TensorFlow 1 are nodes in a frame: a tensor comes in through an Enter, goes round
 * through Merge, Switch and NextIteration as long as LoopCond holds, and leaves through an Exit;
 * what does not change comes in through an Enter that no Merge consumes. Each outermost loop of the
 * graph becomes one _Loop node, whose inputs are those of the Enters, with two regions: the
 * condition is what LoopCond needs of the Merges, the body what the NextIterations need of the
 * Switches. Loops inside a loop go along into its body, where they are the outermost ones.
 *
 * Which nodes belong to a loop is told by depth: how many Enters without an Exit are between a node
 * and the graph's inputs. Names of frames are not looked at, for two calls of one function have
 * loops of the same name. What is connected at depth 1 or deeper is one loop.
 *
 * A part of the graph that both condition and body need is computed in both.
 */
#include "base/check.h"
#include "engine/op.h"
#include "engine/passes/passes.h"
#include "engine/region.h"
#include "wire/messages.h"

enum { LOOP_DEPTH_MAX = 100 };

/* How an edge to a member is to be read. */
enum { ROLE_PLAIN = -1, ROLE_NO_VALUE = -2 }; /* else: the number of the variable that it is */

struct loop {
    struct node *node;      /* the _Loop */
    struct node *condition; /* LoopCond */
    struct node **members;
    int *roles;
    int member_count;
    struct node **enters; /* one for each input of the node: the variables', then the invariants' */
    int input_count;
    struct edge *next; /* what a turn gives variable i */
    int variable_count;
};

static bool is_op(const struct node *node, const char *name)
{
    return span_is(node->op_name, name);
}

static bool is_enter(const struct node *node)
{
    return is_op(node, "Enter") || is_op(node, "RefEnter");
}

static bool is_exit(const struct node *node)
{
    return is_op(node, "Exit") || is_op(node, "RefExit");
}

static bool is_next(const struct node *node)
{
    return is_op(node, "NextIteration") || is_op(node, "RefNextIteration");
}

static bool is_merge(const struct node *node)
{
    return is_op(node, "Merge") || is_op(node, "RefMerge");
}

static bool is_switch(const struct node *node)
{
    return is_op(node, "Switch") || is_op(node, "RefSwitch");
}

/* ---- which nodes are in which loop ---- */

struct frames {
    struct work *work;
    int *depth;  /* by node id; an Enter counts itself, an Exit the loop that it leaves */
    int *parent; /* by node id, of nodes in loops: a tree for each loop */
};

static int out_depth(const struct frames *f, const struct node *node)
{
    return f->depth[node->id] - is_exit(node);
}

/* Takes the depths of what the node needs. Did that change anything? */
static bool deepen(struct frames *f, const struct node *node)
{
    int depth = 0;
    for (int i = 0; i < node->input_count; i++) {
        int d = out_depth(f, node->inputs[i].node);
        depth = d > depth ? d : depth;
    }
    for (int i = 0; i < node->control_count; i++) {
        int d = out_depth(f, node->controls[i]);
        depth = d > depth ? d : depth;
    }
    depth += is_enter(node);
    bool deeper = depth > f->depth[node->id];
    if (deeper)
        f->depth[node->id] = depth;
    return deeper;
}

/* Nodes come nearly in topological order, so a sweep or two for each level do. */
static enum code find_depths(struct frames *f, struct error *err)
{
    struct graph *graph = &f->work->graph;
    bool changed = true;
    for (int sweep = 0; changed; sweep++) {
        if (sweep > 2 * LOOP_DEPTH_MAX)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "the graph's loops (Enter, Exit) are nested too deep or have no end");
        changed = false;
        for (int i = 0; i < graph->count; i++)
            changed |= deepen(f, graph->nodes[i]);
    }
    return CODE_OK;
}

static int root_of(struct frames *f, int id)
{
    while (f->parent[id] != id) {
        f->parent[id] = f->parent[f->parent[id]];
        id = f->parent[id];
    }
    return id;
}

static void join(struct frames *f, const struct node *node, const struct node *before)
{
    if (out_depth(f, before) > 0)
        f->parent[root_of(f, before->id)] = root_of(f, node->id);
}

static void find_members(struct frames *f)
{
    struct graph *graph = &f->work->graph;
    for (int i = 0; i < graph->count; i++)
        f->parent[i] = i;
    for (int i = 0; i < graph->count; i++) {
        const struct node *node = graph->nodes[i];
        for (int k = 0; k < node->input_count; k++)
            join(f, node, node->inputs[k].node);
        for (int k = 0; k < node->control_count; k++)
            join(f, node, node->controls[k]);
    }
}

/* ---- a loop from its nodes ---- */

static enum code malformed(const struct node *node, const char *what, struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT, "Node %.*s: %s", SPAN_ARG(node->name), what);
}

/* The Merge of a variable has an Enter and a NextIteration. */
static bool is_variable(const struct node *node)
{
    return is_merge(node) && node->input_count == 2 &&
           is_next(node->inputs[0].node) != is_next(node->inputs[1].node);
}

static enum code add_variable(const struct frames *f, struct loop *loop, int member,
                              struct error *err)
{
    const struct node *merge = loop->members[member];
    bool swapped = is_next(merge->inputs[0].node);
    struct node *enter = merge->inputs[swapped ? 1 : 0].node;
    struct node *next = merge->inputs[swapped ? 0 : 1].node;
    if (!is_enter(enter) || f->depth[enter->id] != 1 || enter->input_count != 1 ||
        f->depth[next->id] != 1 || next->input_count != 1)
        return malformed(merge, "a loop's Merge needs an Enter and a NextIteration", err);
    int i = loop->variable_count++;
    loop->roles[member] = i;
    loop->enters[i] = enter;
    loop->next[i] = next->inputs[0];
    enter->mark = 1;
    return CODE_OK;
}

static enum code add_variables(const struct frames *f, struct loop *loop, struct error *err)
{
    enum code code = CODE_OK;
    for (int i = 0; !code && i < loop->member_count; i++) {
        struct node *node = loop->members[i];
        bool outermost = f->depth[node->id] == 1;
        node->mark = 0;
        loop->roles[i] = ROLE_PLAIN;
        if (outermost && (is_next(node) || is_exit(node)))
            loop->roles[i] = ROLE_NO_VALUE;
        if (outermost && is_op(node, "LoopCond")) {
            if (loop->condition)
                return malformed(node, "a loop has two LoopCond", err);
            loop->condition = node;
        }
    }
    for (int i = 0; !code && i < loop->member_count; i++) {
        if (f->depth[loop->members[i]->id] == 1 && is_variable(loop->members[i]))
            code = add_variable(f, loop, i, err);
    }
    return code;
}

static enum code add_invariants(const struct frames *f, struct loop *loop, struct error *err)
{
    loop->input_count = loop->variable_count;
    for (int i = 0; i < loop->member_count; i++) {
        struct node *node = loop->members[i];
        if (!is_enter(node) || f->depth[node->id] != 1)
            continue;
        if (node->input_count != 1)
            return malformed(node, "an Enter needs one input", err);
        loop->roles[i] = node->mark ? ROLE_NO_VALUE : loop->input_count;
        if (!node->mark)
            loop->enters[loop->input_count++] = node;
    }
    if (!loop->condition || loop->condition->input_count != 1)
        return malformed(loop->members[0], "its loop has no LoopCond", err);
    return CODE_OK;
}

/* ---- the node in the loop's place ---- */

/* The loop starts when all that its nodes wait for outside of it has run. */
static void add_controls(const struct frames *f, struct loop *loop)
{
    for (int i = 0; i < loop->member_count; i++) {
        const struct node *node = loop->members[i];
        for (int k = 0; k < node->control_count; k++) {
            if (out_depth(f, node->controls[k]) == 0)
                node_add_control(&f->work->graph, loop->node, node->controls[k]);
        }
    }
}

static void add_node(const struct frames *f, struct loop *loop)
{
    struct work *work = f->work;
    struct arena *arena = work->graph.arena;
    const struct op_def *def = library_def(work->library, SPAN_LITERAL("_Loop"));
    CHECK(def);
    struct node *node = work_add(work, def->op, loop->condition->name);
    size_t count = (size_t)loop->input_count;
    node->def = def;
    node->function = loop->condition->function;
    node->call_depth = loop->condition->call_depth;
    node->inputs = ARENA_ARRAY(arena, struct edge, count);
    node->input_count = node->output_count = loop->input_count;
    node->output_types = ARENA_ARRAY(arena, enum dtype, count);
    for (int i = 0; i < loop->input_count; i++) {
        struct edge edge = loop->enters[i]->inputs[0];
        node->inputs[i] = edge;
        if (edge.output < edge.node->output_count)
            node->output_types[i] = edge.node->output_types[edge.output];
    }
    work_set_types(work, node, "T");
    node->regions = ARENA_ARRAY(arena, struct region, 2);
    node->region_count = 2;
    node->regions[0].loop = node->regions[1].loop = loop;
    loop->node = node;
    add_controls(f, loop);
}

/* The variable that an Exit gives; -1: none. */
static int exit_variable(const struct loop *loop, const struct node *exit)
{
    const struct node *decision = exit->input_count == 1 ? exit->inputs[0].node : NULL;
    if (!decision || !is_switch(decision) || exit->inputs[0].output != 0 ||
        decision->input_count != 2)
        return -1;
    struct edge data = edge_origin(decision->inputs[0]);
    for (int i = 0; i < loop->member_count; i++) {
        if (loop->members[i] == data.node)
            return data.output == 0 && loop->roles[i] >= 0 ? loop->roles[i] : -1;
    }
    return -1;
}

static enum code replace_exits(const struct frames *f, struct loop *loop, struct error *err)
{
    for (int i = 0; i < loop->member_count; i++) {
        struct node *node = loop->members[i];
        if (!is_exit(node) || f->depth[node->id] != 1)
            continue;
        int variable = exit_variable(loop, node);
        if (variable < 0)
            return malformed(node, "an Exit that does not give one of its loop's variables", err);
        node->forward = ARENA_NEW(f->work->graph.arena, struct edge);
        *node->forward = (struct edge){loop->node, variable};
        node->forward_control = loop->node;
    }
    return CODE_OK;
}

static enum code replace(const struct frames *f, struct loop *loop, struct error *err)
{
    struct arena *arena = f->work->graph.arena;
    size_t count = (size_t)loop->member_count;
    loop->roles = ARENA_ARRAY(arena, int, count);
    loop->enters = ARENA_ARRAY(arena, struct node *, count);
    loop->next = ARENA_ARRAY(arena, struct edge, count);
    enum code code = add_variables(f, loop, err);
    if (!code)
        code = add_invariants(f, loop, err);
    if (code)
        return code;
    add_node(f, loop);
    return replace_exits(f, loop, err);
}

/* ---- all loops ---- */

static bool has_loops(const struct graph *graph)
{
    for (int i = 0; i < graph->count; i++) {
        if (is_enter(graph->nodes[i]) || is_exit(graph->nodes[i]) || is_next(graph->nodes[i]))
            return true;
    }
    return false;
}

/* The loops in the order of their first nodes; *count of them. */
static struct loop *collect(struct frames *f, int *loop_count)
{
    struct graph *graph = &f->work->graph;
    size_t count = (size_t)graph->count;
    struct loop *loops = ARENA_ARRAY(graph->arena, struct loop, count);
    int *number = ARENA_ARRAY(graph->arena, int, count);
    *loop_count = 0;
    for (size_t i = 0; i < count; i++) {
        int root = root_of(f, (int)i);
        if (f->depth[i] && !number[root])
            number[root] = ++*loop_count;
        if (f->depth[i])
            loops[number[root] - 1].member_count++;
    }
    for (int i = 0; i < *loop_count; i++) {
        loops[i].members = ARENA_ARRAY(graph->arena, struct node *, (size_t)loops[i].member_count);
        loops[i].member_count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (!f->depth[i])
            continue;
        struct loop *loop = &loops[number[root_of(f, (int)i)] - 1];
        loop->members[loop->member_count++] = graph->nodes[i];
    }
    return loops;
}

/* What is left of a loop was wanted by somebody outside. */
static enum code check_rest(const struct work *work, struct error *err)
{
    for (int i = 0; i < work->graph.count; i++) {
        const struct node *node = work->graph.nodes[i];
        if (is_enter(node) || is_exit(node) || is_next(node))
            return malformed(node, "what is inside of a loop can not be had outside of it", err);
    }
    return CODE_OK;
}

enum code pass_loops(struct work *work, struct error *err)
{
    struct graph *graph = &work->graph;
    if (!has_loops(graph))
        return CODE_OK;
    struct frames f = {
        .work = work,
        .depth = ARENA_ARRAY(graph->arena, int, (size_t)graph->count),
        .parent = ARENA_ARRAY(graph->arena, int, (size_t)graph->count),
    };
    enum code code = find_depths(&f, err);
    if (code)
        return code;
    find_members(&f);
    int count;
    struct loop *loops = collect(&f, &count);
    for (int i = 0; !code && i < count; i++)
        code = replace(&f, &loops[i], err);
    if (code)
        return code;
    work_resolve(work);
    pass_prune(work);
    return check_rest(work, err);
}

/* ---- the regions ---- */

/* A region being filled with copies of the loop's nodes. */
struct filling {
    const struct loop *loop;
    struct work *work;
    bool is_body;
    struct node **clones; /* by member */
    int *stack;           /* members whose clone lacks its edges */
    int depth;
};

/* -1: not a node of the loop. */
static int find_member(const struct filling *f, const struct node *node)
{
    bool known = node->mark > 0 && node->mark <= f->loop->member_count &&
                 f->loop->members[node->mark - 1] == node;
    return known ? node->mark - 1 : -1;
}

static struct node *clone(struct filling *f, int member)
{
    if (!f->clones[member]) {
        struct node *copy = graph_add(&f->work->graph);
        int id = copy->id;
        *copy = *f->loop->members[member];
        copy->id = id;
        copy->mark = 0;
        f->clones[member] = copy;
        f->stack[f->depth++] = member;
    }
    return f->clones[member];
}

/* The Switch that asks whether there is another turn. */
static bool is_decision(const struct filling *f, const struct node *node)
{
    return is_switch(node) && node->input_count == 2 &&
           edge_origin(node->inputs[1]).node == f->loop->condition;
}

static enum code clone_edge(struct filling *f, struct edge edge, struct edge *result,
                            struct error *err)
{
    int member = find_member(f, edge.node);
    while (member >= 0 && f->is_body && edge.output == 1 && is_decision(f, edge.node)) {
        edge = edge.node->inputs[0];
        member = find_member(f, edge.node);
    }
    int role = member < 0 ? ROLE_NO_VALUE : f->loop->roles[member];
    if (role >= 0 && edge.output == 0)
        *result = (struct edge){f->work->feeds[role], 0};
    else if (role != ROLE_PLAIN || is_decision(f, edge.node))
        return malformed(edge.node, "a loop needs its output where it has none", err);
    else
        *result = (struct edge){clone(f, member), edge.output};
    return CODE_OK;
}

static enum code clone_inputs(struct filling *f, int member, struct error *err)
{
    const struct node *node = f->loop->members[member];
    struct node *copy = f->clones[member];
    struct arena *arena = f->work->graph.arena;
    enum code code = CODE_OK;
    copy->inputs = ARENA_ARRAY(arena, struct edge, (size_t)node->input_count);
    for (int i = 0; !code && i < node->input_count; i++)
        code = clone_edge(f, node->inputs[i], &copy->inputs[i], err);
    copy->controls = ARENA_ARRAY(arena, struct node *, (size_t)node->control_count);
    copy->control_count = 0;
    for (int i = 0; i < node->control_count; i++) {
        int before = find_member(f, node->controls[i]);
        /* Variables, and what decides about the turn, are there when it begins. */
        if (before >= 0 && f->loop->roles[before] == ROLE_PLAIN &&
            !is_decision(f, node->controls[i]))
            copy->controls[copy->control_count++] = clone(f, before);
    }
    return code;
}

static enum code clone_results(struct filling *f, struct error *err)
{
    const struct loop *loop = f->loop;
    struct work *work = f->work;
    enum code code = CODE_OK;
    work->fetch_count = f->is_body ? loop->input_count : 1;
    work->fetches = ARENA_ARRAY(work->graph.arena, struct edge, (size_t)work->fetch_count);
    if (!f->is_body)
        return clone_edge(f, loop->condition->inputs[0], &work->fetches[0], err);
    for (int i = 0; i < loop->input_count; i++)
        work->fetches[i] = (struct edge){work->feeds[i], 0};
    for (int i = 0; !code && i < loop->variable_count; i++)
        code = clone_edge(f, loop->next[i], &work->fetches[i], err);
    return code;
}

enum code loop_fill(const struct loop *loop, bool is_body, struct work *work, struct error *err)
{
    struct arena *arena = work->graph.arena;
    size_t count = (size_t)loop->member_count;
    struct filling f = {
        .loop = loop,
        .work = work,
        .is_body = is_body,
        .clones = ARENA_ARRAY(arena, struct node *, count),
        .stack = ARENA_ARRAY(arena, int, count),
    };
    for (int i = 0; i < loop->member_count; i++)
        loop->members[i]->mark = i + 1;
    enum code code = clone_results(&f, err);
    while (!code && f.depth)
        code = clone_inputs(&f, f.stack[--f.depth], err);
    return code;
}
