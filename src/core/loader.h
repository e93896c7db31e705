/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct loader: turns a version's folder into an object that serves, and ends it again. struct
 * platform: a loader with what its loads need to know; a kind of servable that a configuration can
 * name. A new kind of servable is one more record of each.
 */
#ifndef CORE_LOADER_H
#define CORE_LOADER_H

#include <stddef.h>

#include "base/error.h"
#include "base/span.h"

struct loader {
    /* What a configuration calls the platform: "tensorflow". Two servables are of one kind when
     * their loaders are the same record. */
    const char *platform;

    /* Loads `path` (a version's folder, as the source found it) into *object, ready for requests.
     * Called on a load thread, at low priority; it may take minutes and as much memory as the model
     * has. On an error nothing is left behind, and the call may be repeated. */
    enum code (*load)(const char *path, void *context, void **object, struct error *err);

    /* Ends the object; its memory goes back to the system. Called on an unload thread, when no
     * handle is out any more. */
    void (*unload)(void *object);

    /* Optional. Are all files there that the version needs, as far as that can be told without
     * loading it? UNAVAILABLE with what is missing: somebody is still writing it. What no waiting
     * will mend is OK here, and an error of load(). Called on the source's thread. */
    enum code (*check)(const char *path, void *context, struct error *err);

    /* Optional. Bytes of memory that the object will take, estimated from its files. */
    enum code (*estimate)(const char *path, void *context, size_t *bytes, struct error *err);
};

struct platform {
    const struct loader *loader;
    void *context; /* borrowed; handed to the loader's functions */
};

/* The platform of that name, or NULL. */
static inline const struct platform *platform_find(const struct platform *platforms, size_t count,
                                                   struct span name)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is(name, platforms[i].loader->platform))
            return &platforms[i];
    }
    return NULL;
}

#endif
