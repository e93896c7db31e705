/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SimpleMLCreateModelResource, SimpleMLLoadModelFromPathWithHandle, SimpleMLLoadModelFromPath: the
 * handle of a model and what loads it, which an initialiser of the graph runs. TensorFlow Decision
 * Forests reads the files again whenever somebody runs it, under the feet of requests; here a
 * model that is there stays.
 */
#include "ops/forest/model.h"

#include <stdlib.h>

#include "base/check.h"
#include "engine/run.h"
#include "ops/handle.h"
#include "ops/kernel.h"

static void model_free(struct resource *resource)
{
    struct forest_model *model = (struct forest_model *)resource;
    arena_release(&model->arena);
    pthread_mutex_destroy(&model->lock);
}

static const struct resource_ops model_ops = {.kind = "forest", .free = model_free};

static struct resource *model_make(const void *args)
{
    (void)args;
    struct forest_model *model = calloc(1, sizeof *model);
    CHECK(model);
    pthread_mutex_init(&model->lock, NULL);
    arena_init(&model->arena, ARENA_FIRST_BLOCK);
    return &model->resource;
}

struct forest_model *forest_model_identified(struct resource_store *store, struct span identifier)
{
    struct resource_id id = {.ops = &model_ops,
                             .container = SPAN_LITERAL("simple_ml_model_serving"),
                             .name = identifier};
    return (struct forest_model *)resource_get(store, &id, model_make, NULL);
}

enum code forest_model_of(const struct op_call *call, const struct tensor *handle,
                          struct forest_model **model, struct error *err)
{
    struct resource *resource = handle_resource(handle, &model_ops);
    if (!resource)
        return error_set(err, CODE_INVALID_ARGUMENT, "Node %.*s has no handle of a model",
                         SPAN_ARG(call->node->name));
    *model = (struct forest_model *)resource;
    return CODE_OK;
}

/* ---- SimpleMLCreateModelResource ---- */

static enum code create_run(struct op_call *call, struct error *err)
{
    return handle_make(call, &model_ops, model_make, NULL, NULL, err);
}

/* ---- loading ---- */

/* With the lock held. */
static enum code load_files(struct forest_model *model, const struct forest_source *source,
                            struct error *err)
{
    enum code code = forest_read(source, &model->arena, &model->forest, err);
    if (code) {
        arena_reset(&model->arena);
        return code;
    }
    model->path = arena_printf(&model->arena, "%s%s", source->folder, source->prefix);
    atomic_store_explicit(&model->loaded, &model->forest, memory_order_release);
    return CODE_OK;
}

static enum code load(struct op_call *call, struct forest_model *model, const struct tensor *path,
                      struct span prefix, struct error *err)
{
    if (tensor_elements(path) != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "The \"path\" attribute is expected to contains exactly one entry.");
    struct span folder = *TENSOR_AT(path, struct span);
    bool slash = span_ends_with(folder, SPAN_LITERAL("/"));
    struct forest_source source = {
        .read = forest_read_file,
        .folder = arena_printf(call->arena, "%.*s%s", SPAN_ARG(folder), slash ? "" : "/"),
        .prefix = arena_strdup(call->arena, prefix),
    };
    const char *from = arena_printf(call->arena, "%s%s", source.folder, source.prefix);
    enum code code = CODE_OK;
    pthread_mutex_lock(&model->lock);
    if (!atomic_load(&model->loaded))
        code = load_files(model, &source, err);
    else if (!span_is(span_of(model->path), from))
        code = error_set(err, CODE_FAILED_PRECONDITION, "the model has been loaded from %s",
                         model->path);
    pthread_mutex_unlock(&model->lock);
    return code;
}

static enum code load_with_handle_run(struct op_call *call, struct error *err)
{
    struct forest_model *model;
    const struct span *types;
    size_t count = op_attr_strings(call, "output_types", &types);
    for (size_t i = 0; i < count; i++) {
        if (!span_is(types[i], "LEAVES"))
            return error_set(err, CODE_INVALID_ARGUMENT, "Unknown output types: %.*s",
                             SPAN_ARG(types[i]));
    }
    enum code code = forest_model_of(call, call->in[0], &model, err);
    return code ? code : load(call, model, call->in[1], op_attr_string(call, "file_prefix"), err);
}

static enum code load_identified_run(struct op_call *call, struct error *err)
{
    struct span identifier = op_attr_string(call, "model_identifier");
    struct forest_model *model = forest_model_identified(call->run->resources, identifier);
    return load(call, model, call->in[0], SPAN_LITERAL(""), err);
}

const struct op op_SimpleMLCreateModelResource = {
    .name = "SimpleMLCreateModelResource",
    .inputs = "",
    .outputs = "model_handle:resource",
    .attrs = "container:string='' shared_name:string=''",
    .flags = OP_DYNAMIC | OP_MAKES_RESOURCE,
    .run = create_run,
};

const struct op op_SimpleMLLoadModelFromPathWithHandle = {
    .name = "SimpleMLLoadModelFromPathWithHandle",
    .inputs = "model_handle:resource path:string",
    .outputs = "",
    .attrs = "output_types:list(string)=[] file_prefix:string='' allow_slow_inference:bool=true",
    .flags = OP_STATEFUL,
    .run = load_with_handle_run,
};

const struct op op_SimpleMLLoadModelFromPath = {
    .name = "SimpleMLLoadModelFromPath",
    .inputs = "path:string",
    .outputs = "",
    .attrs = "model_identifier:string",
    .flags = OP_STATEFUL,
    .run = load_identified_run,
};
