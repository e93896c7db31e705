/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compilation is an arena with a struct work in it; the plan that it becomes takes the arena
 * over. The order of the passes is here and nowhere else. The regions of a graph (functions that
 * loops and conditionals run) are compilations of their own, which go through each stage behind the
 * graph that they are in; nesting is limited as it is for calls (passes/inline.c).
 */
#include "engine/compile.h"

#include <stdlib.h>

#include "base/check.h"
#include "engine/op.h"
#include "engine/region.h"
#include "wire/messages.h"

struct compilation {
    struct arena *arena; /* owned; this struct lives in it */
    struct module *module;
    struct work work;
    struct run run;
    bool complete; /* no op is missing, in the regions neither */
};

enum code module_init(struct module *module, struct arena *arena, struct resource_store *resources,
                      const struct pb_graph_def *proto, struct error *err)
{
    *module = (struct module){.arena = arena, .resources = resources};
    graph_init(&module->graph, arena);
    enum code code = library_init(&module->library, arena, proto->library, err);
    return code ? code : graph_import(&module->library, proto, &module->graph, err);
}

/* The edge of "x:0" in the main graph. */
static enum code find_tensor(const struct module *module, struct span text, const char *what,
                             struct edge *edge, struct error *err)
{
    struct span name;
    bool parsed = node_parse_tensor_name(text, &name, &edge->output) && edge->output >= 0;
    edge->node = parsed ? graph_find(&module->graph, name) : NULL;
    bool unknown_op = edge->node && !edge->node->op && !edge->node->output_types;
    if (!edge->node || (edge->output >= edge->node->output_count && !unknown_op))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Tensor %.*s, specified in either %s, was not found in the Graph",
                         SPAN_ARG(text), what);
    return CODE_OK;
}

static enum code find_tensors(struct compilation *c, const struct span *names, int count,
                              const char *what, struct edge **edges, struct error *err)
{
    *edges = ARENA_ARRAY(c->arena, struct edge, (size_t)count);
    enum code code = CODE_OK;
    for (int i = 0; !code && i < count; i++)
        code = find_tensor(c->module, names[i], what, &(*edges)[i], err);
    return code;
}

static enum code extract(struct compilation *c, const struct compile_request *request,
                         struct error *err)
{
    struct edge *feeds, *fetches;
    const char *what = "feed_devices or fetch_devices";
    enum code code = find_tensors(c, request->feeds, request->feed_count, what, &feeds, err);
    if (!code)
        code = find_tensors(c, request->fetches, request->fetch_count, what, &fetches, err);
    if (code)
        return code;
    struct node **targets = ARENA_ARRAY(c->arena, struct node *, (size_t)request->target_count);
    for (int i = 0; i < request->target_count; i++) {
        targets[i] = graph_find(&c->module->graph, request->targets[i]);
        if (!targets[i])
            return error_set(err, CODE_NOT_FOUND,
                             "Operation %.*s, which is to be run, was not found in the graph",
                             SPAN_ARG(request->targets[i]));
    }
    struct work_request wanted = {
        .graph = &c->module->graph,
        .feeds = feeds,
        .feed_count = request->feed_count,
        .fetches = fetches,
        .fetch_count = request->fetch_count,
        .targets = targets,
        .target_count = request->target_count,
    };
    return pass_extract(&c->work, &wanted, err);
}

/* ---- the stages ---- */

static struct compilation *compilation_new(struct module *module, struct missing_ops *missing)
{
    struct arena *arena = malloc(sizeof *arena);
    CHECK(arena);
    arena_init(arena, ARENA_FIRST_BLOCK);
    struct compilation *c = ARENA_NEW(arena, struct compilation);
    c->arena = arena;
    c->module = module;
    c->run = (struct run){
        .arena = arena,
        .resources = module->resources,
        .deadline_us = INT64_MAX,
    };
    c->work.library = &module->library;
    c->work.missing = missing;
    c->work.run = &c->run;
    graph_init(&c->work.graph, arena);
    return c;
}

static void region_release(void *ptr)
{
    struct region *region = ptr;
    plan_free(region->plan);
    if (region->compilation)
        compile_abort(region->compilation);
}

static enum code open_graph(struct compilation *c, struct error *err);

static enum code open_region(struct compilation *c, struct node *node, int i, struct error *err)
{
    struct region *region = &node->regions[i];
    struct compilation *inner = compilation_new(c->module, c->work.missing);
    inner->work.budget = c->work.budget;
    region->compilation = inner;
    region->work = &inner->work;
    arena_defer(c->arena, region_release, region);
    enum code code = region_fill(node, i, err);
    if (!code)
        code = open_graph(inner, err);
    c->complete &= inner->complete;
    return code;
}

/* From an extracted graph to one without calls, and so for all its regions. */
static enum code open_graph(struct compilation *c, struct error *err)
{
    enum code code = pass_inline(&c->work, err);
    if (code)
        return code;
    pass_prune(&c->work);
    code = pass_loops(&c->work, err);
    if (code)
        return code;
    c->complete = pass_check_ops(&c->work);
    for (int i = 0; i < c->work.graph.count; i++) {
        struct node *node = c->work.graph.nodes[i];
        if (!node->op || !(node->op->flags & OP_CALLS))
            continue;
        code = regions_find(&c->work, node, err);
        for (int k = 0; !code && k < node->region_count; k++)
            code = open_region(c, node, k, err);
        if (code)
            return code;
    }
    return CODE_OK;
}

static enum code settle_graph(struct compilation *c, bool is_signature, struct error *err);

static enum code settle_regions(const struct node *node, bool is_signature, struct error *err)
{
    regions_substitute(node);
    enum code code = CODE_OK;
    for (int i = 0; !code && i < node->region_count; i++) {
        code = settle_graph(node->regions[i].compilation, is_signature, err);
        if (!code)
            code = region_check_results(node, i, err);
    }
    return code;
}

/* Types are sound, handles known, writes marked. */
static enum code settle_graph(struct compilation *c, bool is_signature, struct error *err)
{
    enum code code = pass_check_types(&c->work, err);
    if (!code)
        code = pass_references(&c->work, err);
    if (!code)
        code = pass_order(&c->work, err);
    if (!code)
        code = pass_handles(&c->work, err);
    for (int i = 0; !code && i < c->work.graph.count; i++) {
        if (c->work.graph.nodes[i]->region_count)
            code = settle_regions(c->work.graph.nodes[i], is_signature, err);
    }
    if (!code && is_signature)
        pass_mark_written(&c->work);
    return code;
}

static enum code fold_graph(struct compilation *c, bool freeze, struct error *err)
{
    if (freeze)
        pass_freeze(&c->work);
    enum code code = pass_order(&c->work, err);
    return code ? code : pass_fold(&c->work, err);
}

static enum code finish_graph(struct compilation *c, bool freeze, struct error *err);

static enum code finish_regions(struct compilation *c, struct node *node, bool freeze,
                                struct error *err)
{
    regions_substitute(node);
    enum code code = CODE_OK;
    for (int i = 0; !code && i < node->region_count; i++)
        code = fold_graph(node->regions[i].compilation, freeze, err);
    if (!code && node->op->flags & OP_LOOPS)
        pass_hoist(&c->work, node);
    for (int i = 0; !code && i < node->region_count; i++) {
        struct region *region = &node->regions[i];
        code = finish_graph(region->compilation, freeze, err);
        if (code)
            continue;
        region->plan = plan_new(region->compilation->arena, region->work);
        region->compilation = NULL;
        if (i == 1 && node->op->flags & OP_LOOPS)
            plan_claim_feeds(region->plan);
    }
    return code;
}

/* From a folded graph to one that a plan can be made of. */
static enum code finish_graph(struct compilation *c, bool freeze, struct error *err)
{
    enum code code = CODE_OK;
    for (int i = 0; !code && i < c->work.graph.count; i++) {
        if (c->work.graph.nodes[i]->region_count)
            code = finish_regions(c, c->work.graph.nodes[i], freeze, err);
    }
    if (!code)
        code = pass_order(&c->work, err);
    if (code)
        return code;
    pass_reassociate(&c->work);
    code = pass_order(&c->work, err);
    if (code)
        return code;
    pass_fuse(&c->work);
    return pass_order(&c->work, err);
}

/* ---- the two halves ---- */

static enum code first_half(struct compilation *c, const struct compile_request *request,
                            struct error *err)
{
    if (!request->fetch_count && !request->target_count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Must specify at least one target to fetch or execute.");
    enum code code = extract(c, request, err);
    if (!code)
        code = open_graph(c, err);
    /* The caller reports all missing ops together. */
    return code || !c->complete ? code : settle_graph(c, request->is_signature, err);
}

enum code compile_begin(struct module *module, const struct compile_request *request,
                        struct missing_ops *missing, struct compilation **compilation,
                        struct error *err)
{
    struct compilation *c = compilation_new(module, missing);
    c->work.budget = ARENA_NEW(c->arena, struct work_budget);
    enum code code = first_half(c, request, err);
    if (code)
        compile_abort(c);
    else
        *compilation = c;
    return code;
}

enum code compile_finish(struct compilation *c, bool freeze, struct plan **plan, struct error *err)
{
    enum code code = fold_graph(c, freeze, err);
    if (!code)
        code = finish_graph(c, freeze, err);
    if (code)
        compile_abort(c);
    else
        *plan = plan_new(c->arena, &c->work);
    return code;
}

void compile_abort(struct compilation *c)
{
    struct arena *arena = c->arena;
    arena_release(arena);
    free(arena);
}
