/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct servable: one version of something that answers requests: a loaded model, a table, a
 * plugin. What it is only its platform knows; here it is an opaque object under a name and a
 * version number.
 */
#ifndef CORE_SERVABLE_H
#define CORE_SERVABLE_H

#include "base/shard.h"
#include "base/span.h"
#include "core/loader.h"

struct servable_id {
    struct span name;
    int64_t version;
};

struct servable {
    struct servable_id id;        /* the name is owned by whoever made the servable */
    const struct loader *loader;  /* borrowed: what loaded it and unloads it; says its platform */
    void *object;                 /* owned: the loader's product */
    struct shard_counter handles; /* handles that are out */
    /* What users of servables keep with one: from malloc, set once, freed with the servable. */
    _Atomic(void *) attachment;
};

#endif
