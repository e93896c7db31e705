/* SPDX-License-Identifier: Apache-2.0 */
/* struct run: one request's way through the engine: what a kernel may ask for while it runs. */
#ifndef ENGINE_RUN_H
#define ENGINE_RUN_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"

struct resource_store;

/* What somebody wants to know of a run. */
struct run_note {
    struct span signature; /* the version's name for it; empty: not known */
    int64_t queued;        /* of clock_ticks(): when it began to wait for others; 0: it did not */
    int64_t start;         /* ditto; 0: it did not run */
    int64_t end;           /* of the last of several */
};

struct run {
    struct arena *arena;              /* the request's; inside of a loop, the turn's */
    struct arena *request;            /* inside of a loop: the request's; NULL: arena is */
    struct resource_store *resources; /* the loaded version's */
    const atomic_bool
        *cancelled;        /* may be NULL; when it becomes true the run stops with CANCELLED */
    struct run_note *note; /* NULL: nobody wants to know */
    int64_t deadline_us;   /* of clock_now_us(); INT64_MAX: none; long ops and loops look at it */
};

/* Memory that lives as long as the request does. */
static inline struct arena *run_request_arena(const struct run *run)
{
    return run->request ? run->request : run->arena;
}

/* OK, CANCELLED or DEADLINE_EXCEEDED. Cheap enough for every turn of a loop. */
enum code run_check(const struct run *run, struct error *err);

#endif
