/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct forest_model: the resource behind the handles of Yggdrasil models. It is empty until an
 * initialiser of the graph loads a forest into it, once; from then on it is read without a lock.
 */
#ifndef OPS_FOREST_MODEL_H
#define OPS_FOREST_MODEL_H

#include <stdatomic.h>

#include "engine/op.h"
#include "engine/resource.h"
#include "ops/forest/forest.h"

struct forest_model {
    struct resource resource; /* first */
    pthread_mutex_t lock;     /* while it is loaded */
    struct arena arena;       /* of the forest */
    const char *path;         /* where it is from: folder and prefix */
    struct forest forest;
    _Atomic(const struct forest *) loaded; /* &forest, or NULL */
};

/* The model that SimpleMLLoadModelFromPath loads under an identifier. */
struct forest_model *forest_model_identified(struct resource_store *store, struct span identifier);

/* The model of a handle. INVALID_ARGUMENT when it is another resource's. */
enum code forest_model_of(const struct op_call *call, const struct tensor *handle,
                          struct forest_model **model, struct error *err);

#endif
