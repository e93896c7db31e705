/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensorctl inspect: what is in a SavedModel, and whether tensord can serve it: signatures with
 * shapes and types, ops by number, dtypes, variables by size, assets, memory. Weights are not
 * touched, unless --run asks how each signature is run and how long that takes. A model that can
 * not be served is shown all the same, with the reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "cli/command.h"
#include "cli/model_dir.h"
#include "engine/op.h"
#include "savedmodel/bundle.h"
#include "savedmodel/tflite/tflite.h"
#include "servables/tensorflow/loader.h"
#include "wire/messages.h"

enum {
    TRIAL_RUNS = 20,
    TRIAL_NS_MAX = 500 * 1000 * 1000, /* enough of one signature */
    ROWS_SHOWN = 12,                  /* of ops and variables, without --all */
};

struct options {
    const char *dir;
    bool all;
    bool run;
    bool prefers_tflite;
};

/* ---- numbers ---- */

static const char *bytes_text(double bytes, char text[32])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB"};
    int unit = 0;
    for (; bytes >= 10240 && unit < 3; unit++)
        bytes /= 1024;
    snprintf(text, 32, "%.*f %s", unit ? 1 : 0, bytes, units[unit]);
    return text;
}

static const char *time_text(double ns, char text[32])
{
    if (ns < 1e6)
        snprintf(text, 32, "%.1f us", ns / 1e3);
    else
        snprintf(text, 32, "%.1f ms", ns / 1e6);
    return text;
}

/* ---- signatures ---- */

static void print_info(const char *what, const struct savedmodel_tensor_info *info, int width)
{
    char shape[SHAPE_TEXT_SIZE];
    bool typed = info->dtype != DTYPE_INVALID;
    printf("    %-3s %-*.*s  %s%s", what, width, SPAN_ARG(info->alias),
           typed ? dtype_name(info->dtype) : "(no type)",
           info->shape.rank == SHAPE_UNKNOWN_RANK ? " of any shape" : "");
    if (info->shape.rank != SHAPE_UNKNOWN_RANK)
        printf("%s", shape_text(&info->shape, shape));
    printf("  %.*s%s\n", SPAN_ARG(info->name), info->default_value ? "  (has a default)" : "");
}

static int alias_width(const struct savedmodel_signature *s)
{
    size_t width = 1;
    for (size_t i = 0; i < s->input_count; i++)
        width = s->inputs[i].alias.len > width ? s->inputs[i].alias.len : width;
    for (size_t i = 0; i < s->output_count; i++)
        width = s->outputs[i].alias.len > width ? s->outputs[i].alias.len : width;
    return (int)(width < 40 ? width : 40);
}

/* Inputs of the declared shapes, unknown sizes 1, all zero; false when a shape is unknown. */
static bool make_inputs(const struct savedmodel_signature *info, struct arena *arena,
                        struct tensor *inputs)
{
    for (size_t i = 0; i < info->input_count; i++) {
        struct shape shape = info->inputs[i].shape;
        if (shape.rank == SHAPE_UNKNOWN_RANK || !dtype_size(info->inputs[i].dtype))
            return false;
        for (int k = 0; k < shape.rank; k++)
            shape.dims[k] = shape.dims[k] < 0 ? 1 : shape.dims[k];
        if (tensor_alloc(&inputs[i], info->inputs[i].dtype, &shape, arena, NULL))
            return false;
        memset(inputs[i].data, 0, tensor_bytes(&inputs[i]));
    }
    return true;
}

/* The least time of a few runs; a negative one when zeros are no input for it. */
static int64_t try_signature(struct session_signature *signature)
{
    const struct savedmodel_signature *info = session_signature_info(signature);
    struct arena arena, request;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    arena_init(&request, ARENA_FIRST_BLOCK);
    struct tensor *inputs = ARENA_ARRAY(&arena, struct tensor, info->input_count + 1);
    struct tensor *outputs = ARENA_ARRAY(&arena, struct tensor, info->output_count + 1);
    int64_t least = -1, start = clock_now_ns();
    bool runs = make_inputs(info, &arena, inputs);
    for (int i = 0; runs && i < TRIAL_RUNS && clock_now_ns() - start < TRIAL_NS_MAX; i++) {
        struct run run = {.arena = &request, .deadline_us = INT64_MAX};
        int64_t before = clock_now_ns();
        runs = !session_run(signature, inputs, NULL, 0, &run, outputs, NULL);
        int64_t took = clock_now_ns() - before;
        if (runs)
            least = least < 0 || took < least ? took : least;
        arena_reset(&request);
    }
    arena_release(&request);
    arena_release(&arena);
    return least;
}

static void print_plan(struct session_signature *signature)
{
    struct plan_info plan;
    char text[32], naive[32];
    if (!session_describe(signature, &plan)) {
        printf("    can not be run\n");
        return;
    }
    printf("    plan: %d steps", plan.steps);
    if (plan.block_bytes)
        printf(", %s a run (%s without reuse)", bytes_text((double)plan.block_bytes, text),
               bytes_text((double)plan.naive_bytes, naive));
    if (plan.dynamic_steps)
        printf(", %d bound when they run", plan.dynamic_steps);
    if (plan.packed_bytes)
        printf(", %s of packed weights", bytes_text((double)plan.packed_bytes, text));
    int64_t ns = try_signature(signature);
    if (ns >= 0)
        printf("; %s a run: %s", time_text((double)ns, text),
               session_is_tiny(signature) ? "on the loop thread" : "on the compute pool");
    printf("\n");
}

static void print_signatures(const struct savedmodel *model, struct session *session)
{
    printf("\nsignatures\n");
    for (size_t i = 0; i < model->signature_count; i++) {
        const struct savedmodel_signature *s = &model->signatures[i];
        int width = alias_width(s);
        printf("  %.*s", SPAN_ARG(s->name));
        printf(s->method_name.len ? "  (%.*s)\n" : "\n", SPAN_ARG(s->method_name));
        for (size_t k = 0; k < s->input_count; k++)
            print_info("in", &s->inputs[k], width);
        for (size_t k = 0; k < s->output_count; k++)
            print_info("out", &s->outputs[k], width);
        struct session_signature *loaded = session ? session_find(session, s->name) : NULL;
        if (loaded)
            print_plan(loaded);
    }
}

/* ---- ops ---- */

struct op_count {
    struct span name;
    size_t count;
};

static void count_nodes(struct map *map, const struct pb_node_def *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!nodes[i].op.len)
            continue;
        struct op_count **slot = (struct op_count **)map_at(map, nodes[i].op, NULL);
        if (!*slot) {
            *slot = ARENA_NEW(map->arena, struct op_count);
            (*slot)->name = nodes[i].op;
        }
        (*slot)->count++;
    }
}

static int compare_counts(const void *a, const void *b)
{
    const struct op_count *const *x = a, *const *y = b;
    if ((*x)->count != (*y)->count)
        return (*x)->count < (*y)->count ? 1 : -1;
    return span_compare((*x)->name, (*y)->name);
}

static void print_ops(const struct pb_graph_def *graph, bool all, struct arena *arena)
{
    struct map map;
    map_init(&map, arena);
    count_nodes(&map, graph->node.items, graph->node.count);
    size_t functions = graph->library ? graph->library->function.count : 0;
    size_t nodes = graph->node.count;
    for (size_t i = 0; i < functions; i++) {
        const struct pb_function_def *f = &graph->library->function.items[i];
        count_nodes(&map, f->node_def.items, f->node_def.count);
        nodes += f->node_def.count;
    }
    const struct op_count **sorted = ARENA_ARRAY(arena, const struct op_count *, map.count + 1);
    size_t cursor = 0;
    for (size_t i = 0; i < map.count; i++)
        sorted[i] = map_next(&map, &cursor)->value;
    qsort(sorted, map.count, sizeof *sorted, compare_counts);
    printf("\nops: %zu nodes of %zu ops, %zu functions (* is not in this build)\n ", nodes,
           map.count, functions);
    for (size_t i = 0; i < map.count && (all || i < ROWS_SHOWN * 2); i++) {
        bool function = false;
        for (size_t k = 0; k < functions; k++)
            function |=
                span_equal(graph->library->function.items[k].signature->name, sorted[i]->name);
        printf(" %.*s%s %zu%s", SPAN_ARG(sorted[i]->name),
               function || op_find(sorted[i]->name) ? "" : "*", sorted[i]->count,
               i + 1 < map.count ? "," : "");
    }
    printf(all || map.count <= ROWS_SHOWN * 2 ? "\n" : " ... (--all shows the rest)\n");
}

/* ---- dtypes ---- */

static void note_dtype(uint64_t *seen, int32_t number)
{
    enum dtype dtype = dtype_from_number(number);
    if (dtype != DTYPE_INVALID)
        *seen |= UINT64_C(1) << dtype;
}

static void note_dtypes(uint64_t *seen, const struct pb_node_def *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < nodes[i].attr.count; k++) {
            const struct pb_attr_value *value = nodes[i].attr.items[k].value;
            if (value && value->value_case == ATTR_CASE_TYPE)
                note_dtype(seen, value->type);
        }
    }
}

/* Those that any node's attributes name. */
static void print_dtypes(const struct pb_graph_def *graph)
{
    uint64_t seen = 0;
    note_dtypes(&seen, graph->node.items, graph->node.count);
    for (size_t i = 0; graph->library && i < graph->library->function.count; i++) {
        const struct pb_function_def *f = &graph->library->function.items[i];
        note_dtypes(&seen, f->node_def.items, f->node_def.count);
    }
    printf("\ndtypes:");
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        if (seen >> dtype & 1)
            printf(" %s", dtype_name(dtype));
    }
    printf("\n");
}

/* ---- variables ---- */

static int compare_sizes(const void *a, const void *b)
{
    const struct bundle_entry *const *x = a, *const *y = b;
    if ((*x)->size != (*y)->size)
        return (*x)->size < (*y)->size ? 1 : -1;
    return span_compare((*x)->name, (*y)->name);
}

static void print_variables(const struct savedmodel *model, bool all, struct arena *arena)
{
    struct bundle *bundle;
    struct error err;
    error_clear(&err);
    if (!model->variables_prefix) {
        printf("\nvariables: none\n");
        return;
    }
    if (bundle_open(model->variables_prefix, &bundle, &err)) {
        printf("\nvariables: %s\n", err.message);
        return;
    }
    size_t count = bundle_count(bundle);
    const struct bundle_entry **sorted = ARENA_ARRAY(arena, const struct bundle_entry *, count + 1);
    double total = 0;
    for (size_t i = 0; i < count; i++) {
        sorted[i] = bundle_entry(bundle, i);
        total += (double)sorted[i]->size;
    }
    qsort(sorted, count, sizeof *sorted, compare_sizes);
    char text[32], shape[SHAPE_TEXT_SIZE];
    printf("\nvariables: %zu tensors, %s\n", count, bytes_text(total, text));
    for (size_t i = 0; i < count && (all || i < ROWS_SHOWN); i++)
        printf("  %12s  %s%s  %.*s\n", bytes_text((double)sorted[i]->size, text),
               dtype_name(sorted[i]->dtype), shape_text(&sorted[i]->shape, shape),
               SPAN_ARG(sorted[i]->name));
    if (!all && count > ROWS_SHOWN)
        printf("  ... and %zu smaller ones (--all shows them)\n", count - ROWS_SHOWN);
    bundle_unref(bundle);
}

/* ---- the command ---- */

static void print_head(const char *dir, const struct savedmodel *model, bool is_tflite)
{
    const struct pb_meta_graph_def_meta_info_def *info = model->meta_graph->meta_info_def;
    printf("%s%s\n", dir, is_tflite ? ": model.tflite" : "");
    if (!info)
        return;
    printf("  TensorFlow %.*s; tags:", SPAN_ARG(info->tensorflow_version));
    for (size_t i = 0; i < info->tags.count; i++)
        printf(" %.*s", SPAN_ARG(info->tags.items[i]));
    printf("\n");
}

static void print_assets(const struct savedmodel *model)
{
    if (model->asset_count)
        printf("\nassets\n");
    for (size_t i = 0; i < model->asset_count; i++)
        printf("  %.*s  (%.*s)\n", SPAN_ARG(model->assets[i].path),
               SPAN_ARG(model->assets[i].tensor_name));
}

/* What it takes as the server reckons before a load (--model_memory_limit_bytes). */
static void print_memory(const char *dir)
{
    size_t bytes;
    char text[32];
    if (!tensorflow_loader.estimate(dir, NULL, &bytes, NULL))
        printf("\nmemory: about %s (weights are mapped and shared; requests come on top)\n",
               bytes_text((double)bytes, text));
}

/* Loads it, or only checks that it can be loaded. */
static enum code load(const struct options *o, const char *dir, struct session **session,
                      struct error *err)
{
    const struct session_options options = {.only_check = !o->run,
                                            .prefers_tflite = o->prefers_tflite};
    int64_t start = clock_now_ns();
    enum code code = session_load(dir, &options, session, err);
    int64_t took = clock_now_ns() - start;
    char text[32];
    if (!code && o->run)
        printf("  loads in %s\n", time_text((double)took, text));
    else if (!code)
        printf("  can be served (checked in %s)\n", time_text((double)took, text));
    else
        printf("  can not be served: %s\n", code_name(code));
    return code;
}

static int inspect(struct options *o, struct arena *arena)
{
    struct error err;
    error_clear(&err);
    const char *dir;
    struct savedmodel model;
    struct span serve = SPAN_LITERAL("serve");
    enum code code = model_dir_find(o->dir, arena, &dir, &err);
    if (code)
        return command_failed("inspect", &err);
    o->prefers_tflite |= !model_dir_has_saved_model(dir, arena);
    bool is_tflite = o->prefers_tflite && tflite_is_in(dir);
    code = is_tflite ? tflite_read(dir, arena, &model, &err)
                     : savedmodel_read(dir, &serve, 1, arena, &model, &err);
    if (code)
        return command_failed("inspect", &err);
    struct session *session = NULL;
    print_head(dir, &model, is_tflite);
    code = load(o, dir, &session, &err);
    print_signatures(&model, o->run ? session : NULL);
    if (model.meta_graph->graph_def) {
        print_ops(model.meta_graph->graph_def, o->all, arena);
        print_dtypes(model.meta_graph->graph_def);
    }
    print_variables(&model, o->all, arena);
    print_assets(&model);
    print_memory(dir);
    session_free(session);
    return code ? command_failed("inspect", &err) : EXIT_DONE;
}

static int run(int argc, char **argv, struct arena *arena)
{
    struct options o = {0};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--all"))
            o.all = true;
        else if (!strcmp(argv[i], "--run"))
            o.run = true;
        else if (!strcmp(argv[i], "--prefer-tflite"))
            o.prefers_tflite = true;
        else if (argv[i][0] != '-' && !o.dir)
            o.dir = argv[i];
        else
            return command_usage("inspect", "unexpected argument: %s", argv[i]);
    }
    if (!o.dir)
        return command_usage("inspect", "which model? Give its folder");
    return inspect(&o, arena);
}

const struct command command_inspect = {
    .name = "inspect",
    .arguments = "DIR [--all] [--run] [--prefer-tflite]",
    .summary = "show what a model has and whether it can be served",
    .help =
        "Shows the SavedModel in DIR (a version's folder, or a model's: then its newest "
        "version): whether it can be served, signatures, ops, dtypes, variables, assets, memory. "
        "Its weights are not read.\n"
        "\n"
        "  --all   all ops and all variables, not just the most\n"
        "  --run   load it, too, and run each signature with zeros: plans and times\n"
        "  --prefer-tflite   its model.tflite, though there is a SavedModel, too\n"
        "\n"
        "Exits 1, after what can be shown, when the model can not be served.\n",
    .run = run,
};
