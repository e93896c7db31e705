/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct lifecycle: what becomes of every version: the state machine of the manager, without
 * threads, clocks or locks, so that it can be simulated (reference 4.2 to 4.6).
 *
 *   NEW -> LOADING -> READY -> UNLOADING -> (gone)
 *     ^       |  \-> FAILED (until it is not wanted any more, or its files change)
 *     |       v
 *     +-- RETRYING (until its time comes)
 *
 * A lazy name's versions are loaded by requests (core/residence.h), and make room for others:
 *
 *   NEW -> ASLEEP -> LOADING -> READY -> UNLOADING -> ASLEEP
 *                       \-> FAILED (until the next request after a pause)
 *
 * Only where a version of the name is in memory a new one is loaded at once, to take its place: a
 * model in use gets its versions as any other does.
 *
 * A name has wishes (what the source wants) and harnesses (versions in our hands). Whoever has time
 * asks lifecycle_next_load(), _wanted() or _unload() for something to do, does it, and says how
 * it went. One caller at a time: the manager has a mutex around all of it.
 */
#ifndef CORE_LIFECYCLE_H
#define CORE_LIFECYCLE_H

#include "base/map.h"
#include "base/progress.h"
#include "core/source.h"
#include "core/state_monitor.h"
#include "core/transition_policy.h"

enum harness_state {
    HARNESS_NEW,
    HARNESS_ASLEEP, /* of a lazy name: loaded when a request comes */
    HARNESS_LOADING,
    HARNESS_RETRYING,
    HARNESS_READY,
    HARNESS_UNLOADING,
    HARNESS_FAILED,
};

/* A version in the manager's hands. */
struct harness {
    struct servable servable; /* first */
    struct harness *next;
    struct managed *owner; /* borrowed */
    const struct platform *platform;
    char *path;       /* owned */
    char *waits_for;  /* owned; NULL: it may be loaded */
    uint64_t stamp;   /* of its files when they were taken */
    uint64_t changed; /* the stamp that was last reported as another one */
    enum harness_state state;
    bool aspired;         /* false: cancel, or unload when the policy says so */
    bool woken;           /* LOADING, FAILED: for a request */
    bool evicting;        /* UNLOADING: to make room; it sleeps then */
    bool proven;          /* it has been loaded before */
    bool asked;           /* it is in the queue of those that requests wait for */
    bool cancelled;       /* loaded, or tried, in vain: nobody wants it */
    int64_t tries;        /* loads that failed */
    int64_t due_us;       /* RETRYING: when to try again; FAILED: when a request may try again */
    size_t reserved;      /* bytes of the memory limit that it has */
    int64_t asked_us;     /* asked: when a request said so last */
    int64_t loaded_us;    /* READY: since when */
    struct progress load; /* the last one, as it went */
    struct harness *next_asked; /* in the queue */
    enum code failure;          /* FAILED: why */
    char *failure_text;         /* owned; NULL: none */
};

struct wish;

/* A name. It stays when its versions are gone: servables and states point to it. */
struct managed {
    struct managed *next;
    const char *name;
    const struct platform *platform; /* borrowed */
    struct wish *wishes;             /* owned */
    size_t wish_count;
    struct harness *harnesses;
    bool lazy;    /* loaded when requests come */
    bool settled; /* nothing to do: not asked again until something changes */
};

struct lifecycle_options {
    transition_fn *policy;         /* NULL: transition_availability_preserving */
    int64_t load_retries;          /* after the first failure; UNIMPLEMENTED is not tried again */
    int64_t retry_interval_us;     /* between tries; negative: none */
    size_t memory_limit;           /* of all estimates together; 0: none */
    bool lazy;                     /* versions are loaded when requests come */
    struct state_monitor *monitor; /* borrowed; told every state */
};

struct lifecycle {
    struct lifecycle_options options;
    struct arena arena; /* of the names */
    struct map index;   /* of the names */
    struct arena kept_arena;
    struct map kept; /* names that are not lazy */
    struct managed *names;
    struct managed *last;
    size_t reserved;  /* of all harnesses */
    unsigned busy;    /* loads and unloads under way */
    unsigned loading; /* of these: loads */
    unsigned retrying;
    bool short_of_room;    /* a load waits for memory until something ends */
    int64_t room_due_us;   /* short_of_room: or until then; INT64_MAX: no */
    size_t room_wanted;    /* bytes that evictions still have to free for it */
    struct harness *asked; /* the queue of those that requests wait for, the first one first */
};

void lifecycle_init(struct lifecycle *l, const struct lifecycle_options *options);

/* Frees it; every harness is gone. */
void lifecycle_release(struct lifecycle *l);

/* The complete list of versions that there should be of a name. True: there may be something to
 * do. */
bool lifecycle_set_aspired(struct lifecycle *l, struct span name, const struct platform *platform,
                           const struct aspired_version *versions, size_t count);

/* The names that are not lazy although the options say so, from now on; copied. What of them sleeps
 * is loaded next. */
void lifecycle_keep_loaded(struct lifecycle *l, const struct span *names, size_t count);

/* Wants nothing of any name any more. */
void lifecycle_want_nothing(struct lifecycle *l);

/* The next version to load at this time, in state LOADING now, or NULL: then *wake_us is when there
 * may be one again if nothing else happens; INT64_MAX: never. */
struct harness *lifecycle_next_load(struct lifecycle *l, int64_t now_us, int64_t *wake_us);

/* The same of those that requests wait for; the two have nothing in common. */
struct harness *lifecycle_next_wanted(struct lifecycle *l, int64_t now_us, int64_t *wake_us);

/* The next version to unload, in state UNLOADING now, or NULL. */
struct harness *lifecycle_next_unload(struct lifecycle *l, int64_t now_us);

/* Before it is loaded: room for its estimated size. False: none; either it is to be had when what
 * is under way has ended, or what is not in use was evicted (the version is NEW or ASLEEP again),
 * or never (FAILED, with RESOURCE_EXHAUSTED). */
bool lifecycle_reserve(struct lifecycle *l, struct harness *h, size_t bytes, int64_t now_us);

enum loaded {
    LOADED_READY,    /* it takes requests: put it where they find it, then announce AVAILABLE */
    LOADED_RETRYING, /* to be tried again later */
    LOADED_FAILED,
    LOADED_UNWANTED, /* the object is to be unloaded, then lifecycle_unloaded() is to be told */
};

/* The load came to an end, with an object or an error. */
enum loaded lifecycle_loaded(struct lifecycle *l, struct harness *h, void *object,
                             const struct error *err, int64_t now_us);

/* It takes requests now. */
void lifecycle_available(struct lifecycle *l, struct harness *h);

/* It is unloaded; the harness is gone, or sleeps. */
void lifecycle_unloaded(struct lifecycle *l, struct harness *h);

#define HARNESS_FORMAT "{name: %.*s version: %lld}"
#define HARNESS_ARG(h) SPAN_ARG((h).servable.id.name), (long long)(h).servable.id.version

#endif
