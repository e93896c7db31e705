/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct servable: one version of something that answers requests: a loaded model, a table, a
 * plugin. What it is only its platform knows; here it is an opaque object under a name and a
 * version number.
 */
#ifndef CORE_SERVABLE_H
#define CORE_SERVABLE_H

#include <stdbool.h>

#include "base/shard.h"
#include "base/span.h"
#include "core/loader.h"

/* Time of use, coarse, so that it is seldom written: about 16 times a second. */
#define USE_TICK(us) ((us) >> 16)

struct servable_id {
    struct span name;
    int64_t version;
};

/* The first member of what is kept. */
struct servable_attachment {
    void (*free)(struct servable_attachment *attachment);
};

struct servable {
    struct servable_id id;         /* the name is owned by whoever made the servable */
    const struct loader *loader;   /* borrowed: what loaded it and unloads it; says its platform */
    void *object;                  /* owned: the loader's product; NULL: it is not in memory */
    struct shard_counter *handles; /* owned: handles that are out; NULL: it is not in memory */
    bool notes_use;                /* it may be evicted: the least recently used goes first */
    _Atomic int64_t used;          /* notes_use: USE_TICK of the last handle; 0: none yet */
    /* What users of servables keep with one: set once, freed with the servable. */
    _Atomic(struct servable_attachment *) attachment;
};

#endif
