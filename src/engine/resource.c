/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store is a map under one lock, taken when a handle is made (at load) and never while a
 * request runs: handles carry pointers. Keys are "container/name" with the kind in front, since
 * TensorFlow keeps the kinds apart too.
 */
#include "engine/resource.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"

struct resource_store {
    pthread_mutex_t lock;
    struct arena arena;     /* guarded by lock */
    struct map map;         /* guarded by lock */
    struct resource *first; /* guarded by lock */
    bool untraced_writes;
};

struct resource_store *resource_store_new(void)
{
    struct resource_store *store = calloc(1, sizeof *store);
    CHECK(store);
    pthread_mutex_init(&store->lock, NULL);
    arena_init(&store->arena, ARENA_FIRST_BLOCK);
    map_init(&store->map, &store->arena);
    return store;
}

void resource_store_free(struct resource_store *store)
{
    if (!store)
        return;
    for (struct resource *r = store->first, *next; r; r = next) {
        next = r->next;
        r->ops->free(r);
        free(r);
    }
    arena_release(&store->arena);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

void resource_store_set_untraced_writes(struct resource_store *store)
{
    store->untraced_writes = true;
}

bool resource_store_has_untraced_writes(const struct resource_store *store)
{
    return store->untraced_writes;
}

struct resource *resource_get(struct resource_store *store, const struct resource_id *id,
                              struct resource *(*make)(const void *args), const void *args)
{
    pthread_mutex_lock(&store->lock);
    char *key = arena_printf(&store->arena, "%s/%.*s/%.*s", id->ops->kind, SPAN_ARG(id->container),
                             SPAN_ARG(id->name));
    struct resource **slot = (struct resource **)map_at(&store->map, span_of(key), NULL);
    if (!*slot) {
        struct resource *resource = make(args);
        CHECK(resource);
        resource->ops = id->ops;
        resource->name = arena_copy(&store->arena, id->name);
        resource->next = store->first;
        store->first = resource;
        *slot = resource;
    }
    struct resource *found = *slot;
    pthread_mutex_unlock(&store->lock);
    return found;
}

/* ---- variables ---- */

static void variable_free(struct resource *resource)
{
    struct variable *variable = (struct variable *)resource;
    buffer_unref(variable->value.buffer);
    pthread_mutex_destroy(&variable->lock);
}

const struct resource_ops variable_ops = {.kind = "variable", .free = variable_free};
const struct resource_ops reference_variable_ops = {.kind = "reference", .free = variable_free};

struct resource *variable_make(const void *dtype)
{
    struct variable *variable = calloc(1, sizeof *variable);
    CHECK(variable);
    pthread_mutex_init(&variable->lock, NULL);
    variable->dtype = *(const enum dtype *)dtype;
    return &variable->resource;
}

bool resource_is_variable(const struct resource *resource)
{
    return resource->ops == &variable_ops || resource->ops == &reference_variable_ops;
}

static enum code uninitialised(const struct variable *variable, struct error *err)
{
    struct span name = variable->resource.name;
    if (variable->resource.ops == &reference_variable_ops)
        return error_set(err, CODE_FAILED_PRECONDITION,
                         "Attempting to use uninitialized value %.*s", SPAN_ARG(name));
    return error_set(err, CODE_FAILED_PRECONDITION,
                     "Could not find variable %.*s. This could mean that the variable has been "
                     "deleted. In TF1, it can also mean the variable is uninitialized.",
                     SPAN_ARG(name));
}

enum code variable_read(struct variable *variable, struct tensor *value, struct error *err)
{
    pthread_mutex_lock(&variable->lock);
    *value = variable->value;
    if (value->data)
        buffer_ref(value->buffer);
    pthread_mutex_unlock(&variable->lock);
    return value->data ? CODE_OK : uninitialised(variable, err);
}

static enum code other_shape(const struct variable *variable, const struct shape *have,
                             const struct shape *got, struct error *err)
{
    char have_text[SHAPE_TEXT_SIZE], got_text[SHAPE_TEXT_SIZE];
    const char *format = variable->resource.ops == &reference_variable_ops
                             ? "Assign requires shapes of both tensors to match. lhs shape= %s rhs "
                               "shape= %s"
                             : "Trying to assign to variable with tensor with wrong shape. "
                               "Expected %s got %s";
    return error_set(err, CODE_INVALID_ARGUMENT, format, shape_text(have, have_text),
                     shape_text(got, got_text));
}

enum code variable_assign(struct variable *variable, const struct tensor *value, bool same_shape,
                          struct error *err)
{
    struct tensor kept = *value;
    if (value->dtype == DTYPE_VARIANT)
        return error_set(err, CODE_UNIMPLEMENTED, "a variant can not be kept beyond its run");
    if (value->buffer) {
        buffer_ref(value->buffer);
    } else {
        enum code code = tensor_copy_to_buffer(value, &kept, err);
        if (code)
            return code;
    }
    pthread_mutex_lock(&variable->lock);
    struct tensor old = variable->value;
    bool fits = !same_shape || !old.data || shape_equal(&old.shape, &kept.shape);
    if (fits)
        variable->value = kept;
    pthread_mutex_unlock(&variable->lock);
    buffer_unref(fits ? old.buffer : kept.buffer);
    return fits ? CODE_OK : other_shape(variable, &old.shape, &value->shape, err);
}

/* Called with the lock held. */
static enum code make_unshared(struct variable *variable, struct error *err)
{
    if (!variable->value.data)
        return uninitialised(variable, err);
    if (!buffer_is_shared(variable->value.buffer))
        return CODE_OK;
    struct tensor copy;
    enum code code = tensor_copy_to_buffer(&variable->value, &copy, err);
    if (code)
        return code;
    buffer_unref(variable->value.buffer);
    variable->value = copy;
    return CODE_OK;
}

enum code variable_update(struct variable *variable, variable_update_fn *fn, void *context,
                          struct error *err)
{
    pthread_mutex_lock(&variable->lock);
    enum code code = make_unshared(variable, err);
    if (!code)
        code = fn(&variable->value, context, err);
    pthread_mutex_unlock(&variable->lock);
    return code;
}
