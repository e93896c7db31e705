/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a GraphDef: imported, compiled for its last nodes with placeholders fed, bound and run.
 * Whatever the graph is, the answer is a result or an error. Graphs whose ops may ask for any
 * amount of memory are compiled but not run.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compile.h"
#include "wire/messages.h"
#include "wire/pb.h"

enum {
    NODES_MAX = 200,
    FEEDS_MAX = 4,
    FETCHES_MAX = 6,
    SIZE_MAX_FED = 6, /* of a fed dimension */
    CONST_BYTES_MAX = 1 << 20,
};

/* Ops whose outputs are as large as a number says. */
static bool may_be_huge(struct span op)
{
    static const char *const names[] = {"Fill",
                                        "Range",
                                        "Tile",
                                        "Pad",
                                        "PadV2",
                                        "MirrorPad",
                                        "OneHot",
                                        "BroadcastTo",
                                        "RandomUniform",
                                        "ResizeBilinear",
                                        "ResizeNearestNeighbor",
                                        "ResizeBicubic",
                                        "ResizeArea",
                                        "ScaleAndTranslate",
                                        "CropAndResize",
                                        "ImageProjectiveTransformV2",
                                        "ImageProjectiveTransformV3",
                                        "NonMaxSuppressionV4",
                                        "NonMaxSuppressionV5",
                                        "CombinedNonMaxSuppression",
                                        "SpaceToBatch",
                                        "SpaceToBatchND",
                                        "Conv2DBackpropInput",
                                        "Conv3DBackpropInputV2"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (span_is(op, names[i]))
            return true;
    }
    return false;
}

/* A constant's claimed size is the reader's own affair (tensor_proto_fuzz). */
static bool is_modest(const struct pb_graph_def *graph)
{
    if (graph->node.count > NODES_MAX)
        return false;
    for (size_t i = 0; i < graph->node.count; i++) {
        const struct pb_node_def *node = &graph->node.items[i];
        if (may_be_huge(node->op))
            return false;
        for (size_t k = 0; k < node->attr.count; k++) {
            const struct pb_attr_value *value = node->attr.items[k].value;
            struct shape shape;
            if (value && value->value_case == ATTR_CASE_TENSOR &&
                (shape_from_proto(value->tensor->tensor_shape, &shape, NULL) ||
                 shape_elements(&shape) > CONST_BYTES_MAX))
                return false;
        }
    }
    return true;
}

static void run_plan(struct plan *plan, struct resource_store *store)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct tensor inputs[FEEDS_MAX], outputs[FETCHES_MAX];
    for (int i = 0; i < plan_feed_count(plan); i++) {
        struct shape shape = {.rank = i % 5, .dims = {2, SIZE_MAX_FED, SIZE_MAX_FED, 3}};
        if (!dtype_size(plan_feed_dtype(plan, i)) || !dtype_is_plain(plan_feed_dtype(plan, i)) ||
            tensor_alloc(&inputs[i], plan_feed_dtype(plan, i), &shape, &arena, NULL)) {
            arena_release(&arena);
            return;
        }
        memset(inputs[i].data, 0, tensor_bytes(&inputs[i]));
    }
    struct run run = {.arena = &arena, .resources = store, .deadline_us = INT64_MAX};
    struct error err;
    plan_run(plan, inputs, &run, outputs, &err);
    plan_run(plan, inputs, &run, outputs, &err);
    arena_release(&arena);
}

static void compile_and_run(struct module *module, const struct pb_graph_def *graph,
                            struct arena *arena)
{
    struct span feeds[FEEDS_MAX], fetches[FETCHES_MAX];
    struct compile_request request = {.feeds = feeds, .fetches = fetches, .is_signature = true};
    for (size_t i = 0; i < graph->node.count && request.feed_count < FEEDS_MAX; i++) {
        if (span_is(graph->node.items[i].op, "Placeholder"))
            feeds[request.feed_count++] = graph->node.items[i].name;
    }
    for (size_t i = graph->node.count; i-- > 0 && request.fetch_count < FETCHES_MAX;) {
        const struct node *node = graph_find(&module->graph, graph->node.items[i].name);
        if (node && node->output_count)
            fetches[request.fetch_count++] = graph->node.items[i].name;
    }
    struct missing_ops missing;
    missing_ops_init(&missing, arena);
    struct compilation *compilation;
    struct error err;
    if (compile_begin(module, &request, &missing, &compilation, &err))
        return;
    struct plan *plan;
    if (missing_ops_report(&missing, &err)) {
        compile_abort(compilation);
    } else if (!compile_finish(compilation, true, &plan, &err)) {
        run_plan(plan, module->resources);
        plan_free(plan);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct pb_graph_def graph;
    struct module module;
    struct resource_store *store = resource_store_new();
    struct error err;
    error_clear(&err);
    if (!pb_decode(&pb_graph_def_type, span_make(data, size), &arena, &graph, &err) &&
        is_modest(&graph) && !module_init(&module, &arena, store, &graph, &err))
        compile_and_run(&module, &graph, &arena);
    resource_store_free(store);
    arena_release(&arena);
    return 0;
}
