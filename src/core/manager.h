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
 */
#ifndef CORE_MANAGER_H
#define CORE_MANAGER_H

#include "core/handle.h"
#include "core/source.h"
#include "core/state_monitor.h"

struct manager_options {
    unsigned load_threads;     /* 0: one */
    bool low_priority;         /* loading and unloading give way to everything else */
    int64_t load_retries;      /* after the first failure; UNIMPLEMENTED is not tried again */
    int64_t retry_interval_us; /* between tries; negative: none */
    const struct loader *loader;
    void *loader_context;          /* borrowed; handed to loader->load */
    struct state_monitor *monitor; /* borrowed */
};

struct manager;

/* Starts the threads; RESOURCE_EXHAUSTED when there are none to be had. */
enum code manager_new(const struct manager_options *options, struct manager **manager,
                      struct error *err);

/* Unloads everything and ends the threads; waits for loads that are under way and for handles. No
 * other call may be under way, handle_release() included. NULL is fine. */
void manager_free(struct manager *manager);

/* The complete list of versions that there should be of a name; also as a struct source_target. */
void manager_set_aspired(struct manager *manager, struct span name,
                         const struct aspired_version *versions, size_t count);
struct source_target manager_target(struct manager *manager);

struct servable_request {
    struct span name;
    bool has_version; /* else the highest that is ready */
    int64_t version;
};

/* A handle to a version that is ready. Any thread; no lock, no waiting, no shared counter.
 * NOT_FOUND `Servable not found for request: Latest(m)` or `Specific(m, 3)`; INVALID_ARGUMENT
 * `Servable type doesn't match the asked for type.` when another loader made it. */
enum code manager_get(struct manager *manager, const struct servable_request *request,
                      const struct loader *loader, struct handle *handle, struct error *err);

/* A load is under way: manager_free() would wait for it. */
bool manager_is_loading(struct manager *manager);

#endif
