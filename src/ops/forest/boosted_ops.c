/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ops of tf.estimator's boosted trees, as far as a served model has them: the ensemble and the
 * features' bucket boundaries are resources that the checkpoint's restore fills;
 * BoostedTreesPredict asks the ensemble. TensorFlow 2.21 has their definitions, but no kernels any
 * more. What is filled anew is put beside the old, which stays until the version is unloaded.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "ops/forest/boosted.h"
#include "ops/handle.h"
#include "ops/kernel.h"

/* ---- the resources ---- */

struct filled {
    int64_t stamp;
    struct span bytes;
    struct boosted ensemble;
};

struct boundaries {
    int count;
    struct tensor of[]; /* by feature: a vector of floats */
};

/* Either kind: an ensemble has a struct filled, quantiles have struct boundaries. */
struct boosted_resource {
    struct resource resource; /* first */
    pthread_mutex_t lock;     /* of the arena */
    struct arena arena;
    void *_Atomic content; /* NULL: nothing yet */
};

static void resource_free(struct resource *resource)
{
    struct boosted_resource *r = (struct boosted_resource *)resource;
    arena_release(&r->arena);
    pthread_mutex_destroy(&r->lock);
}

static const struct resource_ops ensemble_ops = {.kind = "boosted trees", .free = resource_free};
static const struct resource_ops quantile_ops = {.kind = "quantiles", .free = resource_free};

static struct resource *resource_make(const void *args)
{
    struct boosted_resource *r = calloc(1, sizeof *r);
    (void)args;
    CHECK(r);
    pthread_mutex_init(&r->lock, NULL);
    arena_init(&r->arena, ARENA_FIRST_BLOCK);
    return &r->resource;
}

static enum code resource_of(const struct op_call *call, const struct resource_ops *ops,
                             struct boosted_resource **result, struct error *err)
{
    struct resource *resource = handle_resource(call->in[0], ops);
    if (!resource)
        return error_set(err, CODE_INVALID_ARGUMENT, "Input 0 of node %.*s is no handle of %s",
                         SPAN_ARG(call->node->name), ops->kind);
    *result = (struct boosted_resource *)resource;
    return CODE_OK;
}

/* The content. FAILED_PRECONDITION when there is none. */
static enum code content_of(const struct op_call *call, const struct resource_ops *ops,
                            void *content, struct error *err)
{
    struct boosted_resource *r;
    enum code code = resource_of(call, ops, &r, err);
    if (code)
        return code;
    *(void **)content = atomic_load_explicit(&r->content, memory_order_acquire);
    if (!*(void **)content)
        return error_set(err, CODE_FAILED_PRECONDITION, "the resource of %s is not initialized",
                         ops->kind);
    return CODE_OK;
}

static enum code ensemble_handle_run(struct op_call *call, struct error *err)
{
    return handle_make(call, &ensemble_ops, resource_make, NULL, NULL, err);
}

static enum code quantile_handle_run(struct op_call *call, struct error *err)
{
    return handle_make(call, &quantile_ops, resource_make, NULL, NULL, err);
}

static enum code is_initialized(struct op_call *call, const struct resource_ops *ops,
                                struct error *err)
{
    struct boosted_resource *r;
    struct shape scalar = shape_scalar();
    enum code code = resource_of(call, ops, &r, err);
    if (!code)
        code = op_call_alloc(call, 0, &scalar, err);
    if (!code)
        *TENSOR_AT(call->out[0], bool) = atomic_load(&r->content) != NULL;
    return code;
}

static enum code is_ensemble_run(struct op_call *call, struct error *err)
{
    return is_initialized(call, &ensemble_ops, err);
}

static enum code is_quantile_run(struct op_call *call, struct error *err)
{
    return is_initialized(call, &quantile_ops, err);
}

/* ---- filling: handle, stamp_token [], tree_ensemble_serialized [] ---- */

static enum code fill_ensemble(struct op_call *call, bool anew, struct error *err)
{
    struct boosted_resource *r;
    enum code code = resource_of(call, &ensemble_ops, &r, err);
    if (!code && (tensor_elements(call->in[1]) != 1 || tensor_elements(call->in[2]) != 1))
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "stamp_token and tree_ensemble_serialized must be scalars");
    if (code || (!anew && atomic_load(&r->content)))
        return code;
    pthread_mutex_lock(&r->lock);
    struct filled *filled = ARENA_NEW(&r->arena, struct filled);
    filled->stamp = tensor_int(call->in[1], 0);
    filled->bytes = arena_copy(&r->arena, *TENSOR_AT(call->in[2], struct span));
    code = boosted_read(filled->bytes, &r->arena, &filled->ensemble, err);
    if (!code)
        atomic_store_explicit(&r->content, filled, memory_order_release);
    pthread_mutex_unlock(&r->lock);
    return code;
}

static enum code create_run(struct op_call *call, struct error *err)
{
    return fill_ensemble(call, false, err);
}

static enum code deserialize_run(struct op_call *call, struct error *err)
{
    return fill_ensemble(call, true, err);
}

static enum code serialize_run(struct op_call *call, struct error *err)
{
    struct shape scalar = shape_scalar();
    const struct filled *filled;
    enum code code = content_of(call, &ensemble_ops, &filled, err);
    if (!code)
        code = op_call_alloc(call, 0, &scalar, err);
    if (!code)
        code = op_call_alloc(call, 1, &scalar, err);
    if (code)
        return code;
    *TENSOR_AT(call->out[0], int64_t) = filled->stamp;
    *TENSOR_AT(call->out[1], struct span) = filled->bytes;
    return CODE_OK;
}

static enum code states_run(struct op_call *call, struct error *err)
{
    struct shape scalar = shape_scalar(), two = shape_vector(2);
    const struct filled *filled;
    enum code code = content_of(call, &ensemble_ops, &filled, err);
    for (int i = 0; !code && i < 5; i++)
        code = op_call_alloc(call, i, i == 4 ? &two : &scalar, err);
    if (code)
        return code;
    const struct boosted *e = &filled->ensemble;
    *TENSOR_AT(call->out[0], int64_t) = filled->stamp;
    *TENSOR_AT(call->out[1], int32_t) = e->count;
    *TENSOR_AT(call->out[2], int32_t) = e->finalized;
    *TENSOR_AT(call->out[3], int32_t) = e->layers_attempted;
    memcpy(call->out[4]->data, e->last_layer, sizeof e->last_layer);
    return CODE_OK;
}

/* ---- BoostedTreesPredict: handle, bucketized_features: N of [batch, dimensions] or [batch] ----
 */

static int32_t width_of(const struct tensor *feature)
{
    return feature->shape.rank == 2 && feature->shape.dims[1] < INT32_MAX
               ? (int32_t)feature->shape.dims[1]
               : 1;
}

/* Some feature is narrower than a node of the ensemble asks: which one? */
static enum code check_nodes(const struct op_call *call, const struct boosted *e, struct error *err)
{
    for (int32_t t = 0; t < e->count; t++) {
        for (int32_t n = 0; n < e->trees[t].count; n++) {
            const struct boosted_node *node = &e->trees[t].nodes[n];
            if (node->kind != BOOSTED_LEAF &&
                node->dimension >= width_of(call->in[1 + node->feature]))
                return error_set(err, CODE_INVALID_ARGUMENT,
                                 "tree %d asks dimension %d of feature %d, which has %d", t,
                                 node->dimension, node->feature,
                                 width_of(call->in[1 + node->feature]));
        }
    }
    return CODE_OK;
}

static enum code check_features(const struct op_call *call, const struct boosted *e,
                                struct error *err)
{
    int count = call->in_count - 1;
    bool wide_enough = true;
    if (count < 1 || e->features > count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "the ensemble asks feature %d of %d bucketized_features", e->features - 1,
                         count);
    for (int i = 1; i <= count; i++) {
        const struct shape *own = &call->in[i]->shape;
        char text[SHAPE_TEXT_SIZE];
        if ((own->rank != 1 && own->rank != 2) || own->dims[0] != call->in[1]->shape.dims[0])
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "bucketized_features %d must be a vector or a matrix with a row for "
                             "each example, got shape %s",
                             i - 1, shape_text(own, text));
        wide_enough &= width_of(call->in[i]) >= e->dimensions;
    }
    return wide_enough ? CODE_OK : check_nodes(call, e, err);
}

static enum code predict_prepare(struct op_call *call, struct error *err)
{
    int64_t *outputs = ARENA_NEW(call->arena, int64_t);
    *outputs = op_attr_int(call, "logits_dimension");
    call->state = outputs;
    if (*outputs < 1 || *outputs > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "logits_dimension must be positive, got %lld",
                         (long long)*outputs);
    return CODE_OK;
}

static enum code predict_run(struct op_call *call, struct error *err)
{
    const struct filled *filled;
    int64_t outputs = *(const int64_t *)call->state;
    const int32_t **row = NULL;
    enum code code = content_of(call, &ensemble_ops, &filled, err);
    if (!code)
        code = check_features(call, &filled->ensemble, err);
    if (!code)
        code = kernel_array(call, call->in_count, sizeof *row, &row, err);
    if (code)
        return code;
    struct shape shape = shape_matrix(call->in[1]->shape.dims[0], outputs);
    code = op_call_alloc(call, 0, &shape, err);
    if (code)
        return code;
    memset(call->out[0]->data, 0, tensor_bytes(call->out[0]));
    for (int64_t i = 0; i < shape.dims[0]; i++) {
        for (int f = 0; f + 1 < call->in_count; f++)
            row[f] = TENSOR_AT(call->in[1 + f], int32_t) + i * width_of(call->in[1 + f]);
        boosted_answer(&filled->ensemble, row, TENSOR_AT(call->out[0], float) + i * outputs,
                       (int32_t)outputs);
    }
    return CODE_OK;
}

/* ---- quantiles ---- */

static enum code set_boundaries(struct boosted_resource *r, const struct op_call *call, int count,
                                struct error *err)
{
    size_t size = sizeof(struct boundaries) + (size_t)count * sizeof(struct tensor);
    enum code code = CODE_OK;
    pthread_mutex_lock(&r->lock);
    struct boundaries *b = memset(arena_alloc(&r->arena, size), 0, size);
    b->count = count;
    for (int i = 0; !code && i < count; i++) {
        if (call && call->in[1 + i]->shape.rank == 1)
            code = tensor_copy(call->in[1 + i], &r->arena, &b->of[i], err);
        else if (call)
            code = error_set(err, CODE_INVALID_ARGUMENT, "Buckets should be flat vectors.");
    }
    if (!code)
        atomic_store_explicit(&r->content, b, memory_order_release);
    pthread_mutex_unlock(&r->lock);
    return code;
}

/* handle, epsilon [], num_streams []: boundaries of no numbers, if there are none yet. */
static enum code create_quantile_run(struct op_call *call, struct error *err)
{
    struct boosted_resource *r;
    enum code code = resource_of(call, &quantile_ops, &r, err);
    if (code || atomic_load(&r->content))
        return code;
    int64_t streams = tensor_elements(call->in[2]) == 1 ? tensor_int(call->in[2], 0) : -1;
    if (streams < 0 || streams > UINT16_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "Num_streams input cannot be %lld",
                         (long long)streams);
    return set_boundaries(r, NULL, (int)streams, err);
}

/* handle, bucket_boundaries: N of [n] */
static enum code deserialize_quantile_run(struct op_call *call, struct error *err)
{
    struct boosted_resource *r;
    enum code code = resource_of(call, &quantile_ops, &r, err);
    return code ? code : set_boundaries(r, call, call->in_count - 1, err);
}

static enum code get_boundaries_run(struct op_call *call, struct error *err)
{
    const struct boundaries *b;
    enum code code = content_of(call, &quantile_ops, &b, err);
    if (!code && b->count != call->out_count)
        code = error_set(err, CODE_INVALID_ARGUMENT, "%d features are asked of %d", call->out_count,
                         b->count);
    for (int i = 0; !code && i < call->out_count; i++) {
        struct shape none = shape_vector(0);
        code = op_call_alloc(call, i, b->of[i].data ? &b->of[i].shape : &none, err);
        if (!code && b->of[i].data && tensor_bytes(&b->of[i]))
            memcpy(call->out[i]->data, b->of[i].data, tensor_bytes(&b->of[i]));
    }
    return code;
}

#define HANDLE_OP(NAME, RUN)                                                                       \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = "",                                                                              \
        .outputs = "resource:resource",                                                            \
        .attrs = "container:string='' shared_name:string=''",                                      \
        .flags = OP_DYNAMIC | OP_MAKES_RESOURCE,                                                   \
        .run = RUN,                                                                                \
    };
HANDLE_OP(BoostedTreesEnsembleResourceHandleOp, ensemble_handle_run)
HANDLE_OP(BoostedTreesQuantileStreamResourceHandleOp, quantile_handle_run)

#define BOOSTED_OP(NAME, INPUTS, OUTPUTS, ATTRS, RUN)                                              \
    const struct op op_##NAME = {                                                                  \
        .name = #NAME,                                                                             \
        .inputs = INPUTS,                                                                          \
        .outputs = OUTPUTS,                                                                        \
        .attrs = ATTRS,                                                                            \
        .flags = OP_STATEFUL | OP_DYNAMIC,                                                         \
        .run = RUN,                                                                                \
    };
BOOSTED_OP(IsBoostedTreesEnsembleInitialized, "tree_ensemble_handle:resource",
           "is_initialized:bool", "", is_ensemble_run)
BOOSTED_OP(BoostedTreesCreateEnsemble,
           "tree_ensemble_handle:resource stamp_token:int64 tree_ensemble_serialized:string", "",
           "", create_run)
BOOSTED_OP(BoostedTreesDeserializeEnsemble,
           "tree_ensemble_handle:resource stamp_token:int64 tree_ensemble_serialized:string", "",
           "", deserialize_run)
BOOSTED_OP(BoostedTreesSerializeEnsemble, "tree_ensemble_handle:resource",
           "stamp_token:int64 tree_ensemble_serialized:string", "", serialize_run)
BOOSTED_OP(BoostedTreesGetEnsembleStates, "tree_ensemble_handle:resource",
           "stamp_token:int64 num_trees:int32 num_finalized_trees:int32 "
           "num_attempted_layers:int32 last_layer_nodes_range:int32",
           "", states_run)
BOOSTED_OP(IsBoostedTreesQuantileStreamResourceInitialized,
           "quantile_stream_resource_handle:resource", "is_initialized:bool", "", is_quantile_run)
BOOSTED_OP(BoostedTreesCreateQuantileStreamResource,
           "quantile_stream_resource_handle:resource epsilon:float num_streams:int64", "",
           "max_elements:int=1099511627776", create_quantile_run)
BOOSTED_OP(BoostedTreesQuantileStreamResourceDeserialize,
           "quantile_stream_resource_handle:resource bucket_boundaries:num_streams*float", "",
           "num_streams:int", deserialize_quantile_run)
BOOSTED_OP(BoostedTreesQuantileStreamResourceGetBucketBoundaries,
           "quantile_stream_resource_handle:resource", "bucket_boundaries:num_features*float",
           "num_features:int", get_boundaries_run)

const struct op op_BoostedTreesPredict = {
    .name = "BoostedTreesPredict",
    .inputs = "tree_ensemble_handle:resource bucketized_features:num_bucketized_features*int32",
    .outputs = "logits:float",
    .attrs = "num_bucketized_features:int logits_dimension:int",
    .flags = OP_STATEFUL | OP_DYNAMIC,
    .prepare = predict_prepare,
    .run = predict_run,
};
