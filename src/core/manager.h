/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct manager: keeps the versions that a source wants, loads and unloads them on threads of its
 * own, and hands out the ones that are ready (reference 4.3 to 4.6).
 *
 *   source -> manager_set_aspired() -> policy -> load thread -> serving map -> manager_get()
 *                                             -> unload thread
 *
 * A load that fails is tried again; in vain, the version stays in error until the source stops
 * wanting it or gives it another stamp. A bad version never replaces a good one.
 *
 * Lazy: manager_want() has what is not in memory loaded, and whoever asked looks again when the
 * monitor's sequence is another one.
 */
#ifndef CORE_MANAGER_H
#define CORE_MANAGER_H

#include "core/handle.h"
#include "core/lifecycle.h"
#include "core/serving_map.h"

struct manager_options {
    unsigned load_threads;   /* 0: one; lazy models have as many more of their own */
    unsigned unload_threads; /* 0: one */
    bool low_priority;       /* loading and unloading give way to everything else, but for lazy
                                models, which requests wait for */
    int64_t report_us;       /* how often a load says how far it is; <= 0: never */
    struct lifecycle_options lifecycle;
};

struct manager;

/* Starts the threads; RESOURCE_EXHAUSTED when there are none to be had. */
enum code manager_new(const struct manager_options *options, struct manager **manager,
                      struct error *err);

/* Unloads everything and ends the threads; waits for loads that are under way and for handles. No
 * other call may be under way, handle_release() included. NULL is fine. */
void manager_free(struct manager *manager);

/* The complete list of versions that there should be of a name; also as a struct source_target. */
void manager_set_aspired(struct manager *manager, struct span name, const struct platform *platform,
                         const struct aspired_version *versions, size_t count);
struct source_target manager_target(struct manager *manager);

/* What all labels stand for from now on; copied. */
void manager_set_labels(struct manager *manager, const struct version_label *labels, size_t count);

/* The names that are not lazy although the options say so, from now on; copied. */
void manager_keep_loaded(struct manager *manager, const struct span *names, size_t count);

enum servable_choice {
    SERVABLE_LATEST, /* the highest version that is ready */
    SERVABLE_VERSION,
    SERVABLE_LABEL,
};

struct servable_request {
    struct span name;
    enum servable_choice choice;
    int64_t version;
    struct span label;
};

/* A handle to a version that is ready. Any thread; no lock, no waiting, no shared counter.
 * NOT_FOUND `Servable not found for request: Latest(m)` or `Specific(m, 3)`; INVALID_ARGUMENT
 * `Unrecognized servable version label: L`. Its loader says what kind of servable it is. */
enum code manager_get(struct manager *manager, const struct servable_request *request,
                      struct handle *handle, struct error *err);

/* The same; what is not in memory, but would answer if it were, is loaded: *comes then, with OK and
 * an empty handle. The caller asks again when the state of a version has changed (state_monitor.h),
 * and at least every RESIDENCE_ASK_US, as long as it waits. The error of a load that failed is
 * returned for a while, then asking tries again. Any thread; what is in memory costs no more than
 * with manager_get(). */
enum code manager_want(struct manager *manager, const struct servable_request *request,
                       struct handle *handle, bool *comes, struct error *err);

/* Does any version of that name answer requests, now or after it is loaded for them? */
bool manager_answers(struct manager *manager, struct span name);

/* Does the version answer requests, now or after it is loaded for them? */
bool manager_has(struct manager *manager, struct span name, int64_t version);

/* What a label stands for now; false: nothing. */
bool manager_label(struct manager *manager, struct span name, struct span label, int64_t *version);

/* A version in memory. */
struct manager_version {
    struct servable_id id;
    const char *path;
    size_t estimate;      /* bytes of memory, as reckoned before it was loaded */
    struct progress load; /* as it went */
};

/* All of them, in the arena; returns how many. Any thread. */
size_t manager_list(struct manager *manager, struct arena *arena,
                    struct manager_version **versions);

/* A load is under way: manager_free() would wait for it. */
bool manager_is_loading(struct manager *manager);

#endif
