/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compilation is an arena with a struct work in it; the plan that it becomes takes the arena
 * over. The order of the passes is here and nowhere else.
 */
#include "engine/compile.h"

#include <stdlib.h>

#include "base/check.h"
#include "engine/op.h"
#include "wire/messages.h"

struct compilation {
    struct arena *arena; /* owned; this struct lives in it */
    struct module *module;
    struct work work;
    struct run run;
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

static enum code first_half(struct compilation *c, const struct compile_request *request,
                            struct error *err)
{
    if (!request->fetch_count && !request->target_count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Must specify at least one target to fetch or execute.");
    enum code code = extract(c, request, err);
    if (!code)
        code = pass_inline(&c->work, err);
    if (code)
        return code;
    pass_prune(&c->work);
    if (!pass_check_ops(&c->work))
        return CODE_OK; /* The caller reports them all together. */
    code = pass_check_types(&c->work, err);
    if (!code)
        code = pass_references(&c->work, err);
    if (!code)
        code = pass_order(&c->work, err);
    if (!code)
        code = pass_handles(&c->work, err);
    if (!code && request->is_signature)
        pass_mark_written(&c->work);
    return code;
}

enum code compile_begin(struct module *module, const struct compile_request *request,
                        struct missing_ops *missing, struct compilation **compilation,
                        struct error *err)
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
    enum code code = first_half(c, request, err);
    if (code)
        compile_abort(c);
    else
        *compilation = c;
    return code;
}

enum code compile_finish(struct compilation *c, bool freeze, struct plan **plan, struct error *err)
{
    if (freeze)
        pass_freeze(&c->work);
    enum code code = pass_order(&c->work, err);
    if (!code)
        code = pass_fold(&c->work, err);
    if (!code) {
        pass_reassociate(&c->work);
        code = pass_order(&c->work, err);
    }
    if (!code) {
        pass_fuse(&c->work);
        code = pass_order(&c->work, err);
    }
    if (code) {
        compile_abort(c);
        return code;
    }
    *plan = plan_new(c->arena, &c->work);
    return CODE_OK;
}

void compile_abort(struct compilation *c)
{
    struct arena *arena = c->arena;
    arena_release(arena);
    free(arena);
}
