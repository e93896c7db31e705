/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MaxSpanningTree: in each digraph of a batch, the arcs of largest total score that give every node
 * one source and make no cycle (Chu and Liu, Edmonds). scores[target][source]; a score at [i][i] is
 * that of i as a root. Of a forest any number of nodes are roots, of a tree one is.
 *
 * A node 0 is put before all roots. Each node takes its best source; a cycle becomes a new node,
 * whose arcs are those of its members, less what the cycle had already gained; from the last such
 * node to the first, cycles are opened where their best arc enters. That there shall be few roots
 * counts before the score: a weight is a pair.
 */
#include <math.h>

#include "ops/math/number.h"
#include "ops/text/rows.h"

struct weight {
    int32_t roots; /* fewer are better */
    double score;
};

struct digraph {
    int32_t room;           /* nodes that may come to be: a row of the matrices */
    int32_t count;          /* nodes so far, cycles among them */
    struct weight *weights; /* [target][source] */
    bool *exists;           /* [target][source] */
    int32_t *enters;        /* [target][source]: the member of a cycle that the arc enters */
    int32_t *leaves;        /* [target][source]: the member that the arc leaves */
    int32_t *best;          /* by node: its source, or -1 */
    int32_t *cycle;         /* by node: the cycle that it is in, or -1 */
    int32_t *next;          /* by node: the next member of its cycle; by cycle: its first */
    int32_t *first;
    int32_t *mark;
};

static size_t arc(const struct digraph *g, int32_t target, int32_t source)
{
    return (size_t)target * (size_t)g->room + (size_t)source;
}

static bool is_better(struct weight a, struct weight b)
{
    return a.roots != b.roots ? a.roots < b.roots : a.score > b.score;
}

static struct weight less(struct weight a, struct weight b)
{
    return (struct weight){a.roots - b.roots, a.score - b.score};
}

static void choose_best(struct digraph *g, int32_t target)
{
    g->best[target] = -1;
    for (int32_t source = 0; source < g->count; source++) {
        if (g->cycle[source] >= 0 || source == target || !g->exists[arc(g, target, source)])
            continue;
        if (g->best[target] < 0 || is_better(g->weights[arc(g, target, source)],
                                             g->weights[arc(g, target, g->best[target])]))
            g->best[target] = source;
    }
}

/* A node of a cycle among the best arcs from `start` on, or -1. */
static int32_t find_cycle(struct digraph *g, int32_t start)
{
    int32_t node = start;
    while (node > 0 && g->mark[node] != start) {
        g->mark[node] = start;
        node = g->best[node];
    }
    return node > 0 ? node : -1;
}

/* Arcs from the outside into cycle c: through the member where they gain most. */
static void add_entries(struct digraph *g, int32_t c, int32_t source)
{
    for (int32_t v = g->first[c];; v = g->next[v]) {
        size_t from = arc(g, v, source), to = arc(g, c, source);
        if (g->exists[from]) {
            struct weight gain = less(g->weights[from], g->weights[arc(g, v, g->best[v])]);
            if (!g->exists[to] || is_better(gain, g->weights[to])) {
                g->exists[to] = true;
                g->weights[to] = gain;
                g->enters[to] = v;
            }
        }
        if (g->next[v] == g->first[c])
            return;
    }
}

static void add_exits(struct digraph *g, int32_t c, int32_t target)
{
    for (int32_t v = g->first[c];; v = g->next[v]) {
        size_t from = arc(g, target, v), to = arc(g, target, c);
        if (g->exists[from] && (!g->exists[to] || is_better(g->weights[from], g->weights[to]))) {
            g->exists[to] = true;
            g->weights[to] = g->weights[from];
            g->leaves[to] = v;
            g->enters[to] = g->enters[from];
        }
        if (g->next[v] == g->first[c])
            return;
    }
}

static int32_t contract(struct digraph *g, int32_t member)
{
    int32_t c = g->count++;
    g->first[c] = member;
    for (int32_t v = member;;) {
        int32_t source = g->best[v];
        g->cycle[v] = c;
        g->next[source] = v;
        v = source;
        if (v == member)
            break;
    }
    g->cycle[c] = -1;
    for (int32_t node = 0; node < c; node++) {
        if (g->cycle[node] >= 0)
            continue;
        add_entries(g, c, node);
        if (!node)
            continue;
        add_exits(g, c, node);
        if (g->best[node] >= 0 && g->cycle[g->best[node]] == c)
            g->best[node] = c;
    }
    choose_best(g, c);
    return c;
}

/* Opens all cycles: sources of nodes become nodes of the problem. */
static void expand(struct digraph *g, int32_t nodes)
{
    for (int32_t c = g->count - 1; c >= nodes; c--) {
        int32_t source = g->best[c], member = g->enters[arc(g, c, source)];
        for (int32_t target = 1; target < c; target++) {
            if (g->best[target] == c)
                g->best[target] = g->leaves[arc(g, target, c)];
        }
        g->best[member] = source;
    }
}

static bool solve(struct digraph *g, int32_t nodes)
{
    g->count = nodes;
    for (int32_t i = 0; i < nodes; i++)
        g->cycle[i] = -1;
    for (int32_t i = 0; i < g->room; i++)
        g->mark[i] = -1;
    for (int32_t i = 1; i < nodes; i++) {
        choose_best(g, i);
        if (g->best[i] < 0)
            return false;
    }
    for (int32_t i = 1; i < g->count; i++) {
        int32_t member = g->cycle[i] < 0 ? find_cycle(g, i) : -1;
        if (member > 0 && g->best[contract(g, member)] < 0)
            return false;
    }
    expand(g, nodes);
    return true;
}

/* ---- the op ---- */

static void load(struct digraph *g, const struct tensor *scores, int64_t at, int64_t dim,
                 int32_t nodes, bool forest)
{
    memset(g->exists, 0, (size_t)g->room * (size_t)g->room * sizeof *g->exists);
    for (int32_t target = 0; target < nodes; target++) {
        for (int32_t source = 0; source < nodes; source++) {
            double score = number_at(scores, at + target * dim + source);
            bool root = target == source;
            size_t to = arc(g, target + 1, root ? 0 : source + 1);
            g->exists[to] = isfinite(score);
            g->weights[to] = (struct weight){root && !forest, score};
        }
    }
}

static enum code take_digraph(const struct op_call *call, int64_t dim, struct digraph *g,
                              struct error *err)
{
    enum { DIM_MAX = 32767 };
    if (dim > DIM_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "%lld nodes are beyond %d", (long long)dim,
                         DIM_MAX);
    g->room = (int32_t)(2 * dim + 2);
    int64_t square = (int64_t)g->room * g->room;
    enum code code = kernel_array(call, square, sizeof *g->weights, &g->weights, err);
    if (!code)
        code = kernel_array(call, square, sizeof *g->exists, &g->exists, err);
    if (!code)
        code = kernel_array(call, square, sizeof *g->enters, &g->enters, err);
    if (!code)
        code = kernel_array(call, square, sizeof *g->leaves, &g->leaves, err);
    int32_t **const nodes[] = {&g->best, &g->cycle, &g->next, &g->first, &g->mark};
    for (int i = 0; !code && i < 5; i++)
        code = kernel_array(call, g->room, sizeof **nodes[i], nodes[i], err);
    return code;
}

/* The sum of the chosen scores, in their own type. */
static void put_total(const struct tensor *scores, const int32_t *sources, int64_t at, int64_t dim,
                      int32_t nodes, struct tensor *out, int64_t i)
{
    double real = 0;
    float single = 0;
    uint32_t integer = 0;
    for (int32_t target = 0; target < nodes; target++) {
        int64_t from = at + target * dim + sources[target];
        if (out->dtype == DTYPE_INT32)
            integer += TENSOR_AT(scores, uint32_t)[from];
        else if (out->dtype == DTYPE_FLOAT)
            single += TENSOR_AT(scores, float)[from];
        else
            real += TENSOR_AT(scores, double)[from];
    }
    if (out->dtype == DTYPE_INT32)
        TENSOR_AT(out, uint32_t)[i] = integer;
    else if (out->dtype == DTYPE_FLOAT)
        TENSOR_AT(out, float)[i] = single;
    else
        TENSOR_AT(out, double)[i] = real;
}

static enum code solve_one(struct op_call *call, struct digraph *g, int64_t i, bool forest,
                           struct error *err)
{
    const struct tensor *scores = call->in[1];
    int64_t dim = scores->shape.dims[1], at = i * dim * dim;
    int32_t nodes = TENSOR_AT(call->in[0], int32_t)[i];
    int32_t *sources = TENSOR_AT(call->out[1], int32_t) + i * dim;
    if (nodes > dim)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "number of nodes in digraph %lld overflows input dimension: got %d but "
                         "expected <= %lld",
                         (long long)i, nodes, (long long)dim);
    if (nodes <= 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "Non-positive number of nodes: %d", nodes);
    load(g, scores, at, dim, nodes, forest);
    bool solved = solve(g, nodes + 1);
    int roots = 0;
    for (int32_t k = 0; solved && k < nodes; k++) {
        sources[k] = g->best[k + 1] ? g->best[k + 1] - 1 : k;
        roots += sources[k] == k;
    }
    if (!solved || (!forest && roots != 1))
        return error_set(err, CODE_FAILED_PRECONDITION, "Infeasible digraph");
    for (int64_t k = nodes; k < dim; k++)
        sources[k] = -1;
    put_total(scores, sources, at, dim, nodes, call->out[0], i);
    return CODE_OK;
}

static enum code check_tree(const struct op_call *call, struct error *err)
{
    const struct shape *nodes = &call->in[0]->shape, *scores = &call->in[1]->shape;
    char left[SHAPE_TEXT_SIZE], right[SHAPE_TEXT_SIZE];
    if (nodes->rank != 1)
        return error_set(err, CODE_INVALID_ARGUMENT, "num_nodes must be a vector, got shape %s",
                         shape_text(nodes, left));
    if (scores->rank != 3)
        return error_set(err, CODE_INVALID_ARGUMENT, "scores must be rank 3, got shape %s",
                         shape_text(scores, left));
    struct shape vector = shape_vector(scores->dims[0]), cube = *scores;
    cube.dims[2] = cube.dims[1];
    if (!shape_equal(nodes, &vector))
        return error_set(err, CODE_INVALID_ARGUMENT, "num_nodes misshapen: got %s but expected %s",
                         shape_text(nodes, left), shape_text(&vector, right));
    if (!shape_equal(scores, &cube))
        return error_set(err, CODE_INVALID_ARGUMENT, "scores misshapen: got %s but expected %s",
                         shape_text(scores, left), shape_text(&cube, right));
    return CODE_OK;
}

static enum code tree_run(struct op_call *call, struct error *err)
{
    struct digraph g = {0};
    enum code code = check_tree(call, err);
    if (code)
        return code;
    const struct shape *scores = &call->in[1]->shape;
    struct shape vector = shape_vector(scores->dims[0]);
    struct shape matrix = shape_matrix(scores->dims[0], scores->dims[1]);
    code = op_call_alloc(call, 0, &vector, err);
    if (!code)
        code = op_call_alloc(call, 1, &matrix, err);
    if (!code)
        code = take_digraph(call, scores->dims[1], &g, err);
    for (int64_t i = 0; !code && i < scores->dims[0]; i++)
        code = solve_one(call, &g, i, *(const bool *)call->state, err);
    return code;
}

static enum code tree_prepare(struct op_call *call, struct error *err)
{
    (void)err;
    bool *forest = ARENA_NEW(call->arena, bool);
    *forest = op_attr_bool(call, "forest");
    call->state = forest;
    return CODE_OK;
}

const struct op op_MaxSpanningTree = {
    .name = "MaxSpanningTree",
    .inputs = "num_nodes:int32 scores:T",
    .outputs = "max_scores:T argmax_sources:int32",
    .attrs = "T:type forest:bool=false",
    .flags = OP_DYNAMIC,
    .types = OP_TYPE(DTYPE_INT32) | OP_TYPE(DTYPE_FLOAT) | OP_TYPE(DTYPE_DOUBLE),
    .prepare = tree_prepare,
    .run = tree_run,
};
