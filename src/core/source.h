/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources say which versions of which servables there should be; a target is told. Each call gives
 * the complete list of one name: versions that it leaves out are to go, an empty list means none.
 * Names that are not mentioned keep what they have.
 */
#ifndef CORE_SOURCE_H
#define CORE_SOURCE_H

#include "core/servable.h"

struct aspired_version {
    int64_t version;
    const char *path;      /* borrowed for the call, like waits_for */
    uint64_t stamp;        /* of the files there: another value says that they have changed */
    const char *waits_for; /* NULL: it can be loaded; else why not yet */
};

struct source_target {
    /* `platform`: of all versions of this name. Any thread, but one call at a time for a name. It
     * does not wait for loads. */
    void (*set_aspired)(void *context, struct span name, const struct platform *platform,
                        const struct aspired_version *versions, size_t count);
    void *context; /* borrowed */
};

#endif
