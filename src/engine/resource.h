/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct resource: state that belongs to a loaded version and outlives a run: variables, hash
 * tables. The store finds them by container and shared name, as resource handles do; a
 * DTYPE_RESOURCE tensor holds a borrowed pointer to one. They live as long as the store.
 *
 * A variable's value is a tensor with a counted buffer. Reading takes a reference under the
 * variable's lock; writing puts another buffer in its place (or writes in place when nobody else
 * holds it), so a reader never sees half a value.
 */
#ifndef ENGINE_RESOURCE_H
#define ENGINE_RESOURCE_H

#include <pthread.h>
#include <stdbool.h>

#include "tensor/tensor.h"

struct resource;

struct resource_ops {
    const char *kind; /* "variable", "table"; names of different kinds do not meet */
    void (*free)(struct resource *resource); /* what is its own beyond the struct */
};

struct resource {
    const struct resource_ops *ops;
    struct span name;
    struct resource *next; /* store's list */
};

struct resource_id {
    const struct resource_ops *ops;
    struct span container;
    struct span name;
};

struct resource_store;

struct resource_store *resource_store_new(void);
void resource_store_free(struct resource_store *store);

/* The resource of that id, made with `make` when it is not there yet; never NULL. Any thread.
 * `make` returns a heap object (malloc) whose first member is a struct resource; the store frees it
 * (ops->free, then free()). */
struct resource *resource_get(struct resource_store *store, const struct resource_id *id,
                              struct resource *(*make)(const void *args), const void *args);

/* A signature writes some resource that could not be told from the graph: nothing may be taken as
 * constant. Set while loading only. */
void resource_store_set_untraced_writes(struct resource_store *store);
bool resource_store_has_untraced_writes(const struct resource_store *store);

/* ---- variables ---- */

extern const struct resource_ops variable_ops;
extern const struct resource_ops reference_variable_ops; /* VariableV2: other texts in errors */

struct variable {
    struct resource resource; /* first */
    pthread_mutex_t lock;
    struct tensor value; /* guarded by lock; its buffer is owned; data NULL: not initialised */
    enum dtype dtype;
    bool written; /* by an op that a signature reaches: not frozen; set while loading only */
};

/* make-function of variables; args: const enum dtype *. */
struct resource *variable_make(const void *dtype);
bool resource_is_variable(const struct resource *resource);

/* The value with one more reference on its buffer, which is the caller's. FAILED_PRECONDITION when
 * it has none, in TensorFlow's words. */
enum code variable_read(struct variable *variable, struct tensor *value, struct error *err);

/* Puts a value: keeps its buffer when it has one, copies otherwise. With `same_shape` a value of
 * another shape than the variable has is refused, INVALID_ARGUMENT: else one request could spoil
 * the variable for all later ones. */
enum code variable_assign(struct variable *variable, const struct tensor *value, bool same_shape,
                          struct error *err);

/* Calls fn(current value, context) under the lock with a buffer that nobody else holds: for
 * AssignAdd and the like. */
typedef enum code variable_update_fn(struct tensor *value, void *context, struct error *err);
enum code variable_update(struct variable *variable, variable_update_fn *fn, void *context,
                          struct error *err);

#endif
