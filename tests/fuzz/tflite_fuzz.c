/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a model.tflite: read, translated, and the first signatures compiled. The answer is a
 * plan or an error. It is not run: what its ops ask of memory is the graph's affair (graph_fuzz).
 */
#include "base/memory.h"
#include "engine/compile.h"
#include "savedmodel/tflite/tflite.h"
#include "wire/messages.h"

enum { SIGNATURES_MAX = 4, TENSORS_MAX = 16, BUDGET = 512 << 20 };

static void compile(struct module *module, const struct savedmodel_signature *signature,
                    struct arena *arena)
{
    struct span feeds[TENSORS_MAX], fetches[TENSORS_MAX];
    struct compile_request request = {.feeds = feeds, .fetches = fetches, .is_signature = true};
    for (size_t i = 0; i < signature->input_count && i < TENSORS_MAX; i++)
        feeds[request.feed_count++] = signature->inputs[i].name;
    for (size_t i = 0; i < signature->output_count && i < TENSORS_MAX; i++)
        fetches[request.fetch_count++] = signature->outputs[i].name;
    struct missing_ops missing;
    missing_ops_init(&missing, arena);
    struct compilation *compilation;
    struct error err;
    error_clear(&err);
    if (compile_begin(module, &request, &missing, &compilation, &err))
        return;
    struct plan *plan;
    if (missing_ops_report(&missing, &err))
        compile_abort(compilation);
    else if (!compile_finish(compilation, true, &plan, &err))
        plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct error err;
    error_clear(&err);
    memory_set_budget(BUDGET);
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct resource_store *store = resource_store_new();
    struct savedmodel model = {.arena = &arena, .dir = SPAN_LITERAL("no-such-folder")};
    struct module module;
    if (!tflite_from_bytes(&model, span_make(data, size), &err) &&
        !module_init(&module, &arena, store, model.meta_graph->graph_def, &err)) {
        for (size_t i = 0; i < model.signature_count && i < SIGNATURES_MAX; i++)
            compile(&module, &model.signatures[i], &arena);
    }
    resource_store_free(store);
    arena_release(&arena);
    return 0;
}
