/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name has wishes (what the source wants) and harnesses (versions in our hands). Whoever changes
 * either calls reconcile(), which drops and makes harnesses, and wakes the threads. There is no
 * thread that decides: a load thread asks the policy for something to load, an unload thread for
 * something to unload, and both sleep until something changes.
 *
 *   NEW -> LOADING -> READY -> UNLOADING -> (gone)
 *             \-> FAILED (until it is not wanted any more, or its files change)
 *
 * The serving map is made anew and swapped under the mutex; the old one is freed after a grace
 * period, without the mutex. Lock order: manager, then monitor.
 */
#include "core/manager.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/epoch.h"
#include "base/log.h"
#include "base/thread.h"
#include "core/serving_map.h"
#include "core/transition_policy.h"

enum harness_state {
    HARNESS_NEW,
    HARNESS_LOADING,
    HARNESS_READY,
    HARNESS_UNLOADING,
    HARNESS_FAILED,
};

/* A version in the manager's hands. */
struct harness {
    struct servable servable;
    struct harness *next;
    struct managed *owner; /* borrowed */
    char *path;            /* owned */
    uint64_t stamp;        /* of its files when it was first wanted */
    enum harness_state state;
    bool aspired;   /* false: cancel, or unload when the policy says so */
    bool cancelled; /* the load was given up; the load thread's until the load has ended */
};

struct wish {
    int64_t version;
    char *path; /* owned */
    uint64_t stamp;
};

/* A name. It stays when its versions are gone: servables and states point to it. */
struct managed {
    struct managed *next;
    char *name; /* owned */
    struct wish *wishes;
    size_t wish_count;
    struct harness *harnesses;
};

struct manager {
    struct manager_options options;
    struct epoch epoch;
    struct drain drain;
    _Atomic(struct serving_map *) serving;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* on the monotonic clock */
    struct managed *names;  /* guarded by mutex, like everything below */
    unsigned loading;       /* loads under way */
    bool stopping;
    pthread_t unload_thread;
    bool unload_started;
    unsigned load_started;
    pthread_t load_threads[];
};

#define ID_FORMAT  "{name: %.*s version: %lld}"
#define ID_ARG(id) SPAN_ARG((id).name), (long long)(id).version

static void announce(struct manager *m, const struct harness *h, enum servable_state state,
                     const struct error *err)
{
    state_monitor_set(m->options.monitor, h->servable.id, state, err);
}

/* ---- wishes become harnesses ---- */

static void free_wishes(struct managed *name)
{
    for (size_t i = 0; i < name->wish_count; i++)
        free(name->wishes[i].path);
    free(name->wishes);
    name->wishes = NULL;
    name->wish_count = 0;
}

static void set_wishes(struct managed *name, const struct aspired_version *versions, size_t count)
{
    free_wishes(name);
    name->wishes = calloc(count + 1, sizeof *name->wishes);
    CHECK(name->wishes && "out of memory");
    for (size_t i = 0; i < count; i++) {
        name->wishes[i] =
            (struct wish){versions[i].version, strdup(versions[i].path), versions[i].stamp};
        CHECK(name->wishes[i].path && "out of memory");
    }
    name->wish_count = count;
}

static const struct wish *find_wish(const struct managed *name, int64_t version)
{
    for (size_t i = 0; i < name->wish_count; i++) {
        if (name->wishes[i].version == version)
            return &name->wishes[i];
    }
    return NULL;
}

static struct harness *find_harness(const struct managed *name, int64_t version)
{
    struct harness *h = name->harnesses;
    while (h && h->servable.id.version != version)
        h = h->next;
    return h;
}

static void add_harness(struct manager *m, struct managed *name, const struct wish *wish)
{
    struct harness *h = aligned_alloc(SHARD_LINE, sizeof *h);
    CHECK(h && "out of memory");
    *h = (struct harness){
        .servable = {.id = {span_of(name->name), wish->version}, .loader = m->options.loader},
        .next = name->harnesses,
        .owner = name,
        .path = strdup(wish->path),
        .stamp = wish->stamp,
        .aspired = true,
    };
    CHECK(h->path && "out of memory");
    name->harnesses = h;
    announce(m, h, STATE_START, NULL);
}

static void remove_harness(struct harness *h)
{
    struct harness **at = &h->owner->harnesses;
    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
    free(h->path);
    free(h);
}

/* Takes note of whether a harness is still wanted; drops it when it is not, or when it failed and
 * its files have changed since: a copy that went on while it was loaded may be whole by now. */
static void review(struct manager *m, struct managed *name, struct harness *h)
{
    const struct wish *wish = find_wish(name, h->servable.id.version);
    h->aspired = wish && h->state != HARNESS_UNLOADING;
    if (!h->aspired && h->state == HARNESS_NEW)
        announce(m, h, STATE_END, NULL);
    bool changed = wish && wish->stamp != h->stamp;
    if ((!h->aspired && h->state == HARNESS_NEW) ||
        ((!h->aspired || changed) && h->state == HARNESS_FAILED))
        remove_harness(h);
}

/* Brings the harnesses of a name in line with its wishes, as far as they are not busy. A version
 * that is being unloaded and is wanted again starts afresh when it is gone. */
static void reconcile(struct manager *m, struct managed *name)
{
    struct harness *next;
    for (struct harness *h = name->harnesses; h; h = next) {
        next = h->next;
        review(m, name, h);
    }
    for (size_t i = 0; i < name->wish_count; i++) {
        if (!find_harness(name, name->wishes[i].version))
            add_harness(m, name, &name->wishes[i]);
    }
    pthread_cond_broadcast(&m->changed);
}

static struct managed *find_or_add(struct manager *m, struct span name)
{
    struct managed *n = m->names;
    while (n && !span_is(name, n->name))
        n = n->next;
    if (n)
        return n;
    n = calloc(1, sizeof *n);
    CHECK(n && "out of memory");
    n->name = strndup(name.ptr, name.len);
    CHECK(n->name && "out of memory");
    n->next = m->names;
    m->names = n;
    return n;
}

void manager_set_aspired(struct manager *m, struct span name,
                         const struct aspired_version *versions, size_t count)
{
    pthread_mutex_lock(&m->mutex);
    if (!m->stopping) {
        struct managed *managed = find_or_add(m, name);
        set_wishes(managed, versions, count);
        reconcile(m, managed);
    }
    pthread_mutex_unlock(&m->mutex);
}

static void target_set_aspired(void *context, struct span name,
                               const struct aspired_version *versions, size_t count)
{
    manager_set_aspired(context, name, versions, count);
}

struct source_target manager_target(struct manager *manager)
{
    return (struct source_target){target_set_aspired, manager};
}

/* ---- what to do next ---- */

static enum transition_state transition_state_of(enum harness_state state)
{
    return state == HARNESS_NEW     ? TRANSITION_NEW
           : state == HARNESS_READY ? TRANSITION_READY
                                    : TRANSITION_OTHER;
}

static size_t harness_count(const struct managed *name)
{
    size_t count = 0;
    for (const struct harness *h = name->harnesses; h; h = h->next)
        count++;
    return count;
}

/* The harness of this name that is to be loaded or unloaded, or NULL. */
static struct harness *next_of_name(const struct managed *name, enum transition_kind kind,
                                    struct arena *arena)
{
    size_t count = harness_count(name);
    struct transition_version *versions = ARENA_ARRAY(arena, struct transition_version, count + 1);
    size_t i = 0;
    for (const struct harness *h = name->harnesses; h; h = h->next)
        versions[i++] = (struct transition_version){h->servable.id.version,
                                                    transition_state_of(h->state), h->aspired};
    struct transition next = transition_next(versions, count);
    return next.kind == kind ? find_harness(name, versions[next.index].version) : NULL;
}

static struct harness *next_harness(const struct manager *m, enum transition_kind kind)
{
    struct harness *next = NULL;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    for (const struct managed *name = m->names; name && !next; name = name->next)
        next = name->harnesses ? next_of_name(name, kind, &arena) : NULL;
    arena_release(&arena);
    return next;
}

/* ---- the serving map ---- */

/* Puts a map of what is ready in the old one's place; returns the old one. Mutex held. */
static struct serving_map *swap_map(struct manager *m)
{
    size_t room = 0, count = 0;
    for (const struct managed *name = m->names; name; name = name->next)
        room += harness_count(name);
    struct servable **ready = calloc(room + 1, sizeof(struct servable *));
    CHECK(ready && "out of memory");
    for (const struct managed *name = m->names; name; name = name->next) {
        for (struct harness *h = name->harnesses; h; h = h->next) {
            if (h->state == HARNESS_READY)
                ready[count++] = &h->servable;
        }
    }
    struct serving_map *map = serving_map_new(ready, count);
    free(ready);
    return atomic_exchange(&m->serving, map);
}

/* Without the mutex: it waits. */
static void retire_map(struct manager *m, struct serving_map *old)
{
    epoch_wait(&m->epoch);
    serving_map_free(old);
}

static struct servable *find(const struct serving_map *map, const struct servable_request *request)
{
    return request->has_version ? serving_map_find(map, request->name, request->version)
                                : serving_map_latest(map, request->name);
}

static enum code not_found(const struct servable_request *request, struct error *err)
{
    if (request->has_version)
        return error_set(err, CODE_NOT_FOUND,
                         "Servable not found for request: Specific(%.*s, %lld)",
                         SPAN_ARG(request->name), (long long)request->version);
    return error_set(err, CODE_NOT_FOUND, "Servable not found for request: Latest(%.*s)",
                     SPAN_ARG(request->name));
}

enum code manager_get(struct manager *m, const struct servable_request *request,
                      const struct loader *loader, struct handle *handle, struct error *err)
{
    *handle = (struct handle){0};
    struct epoch_section section = epoch_enter(&m->epoch);
    struct servable *servable = find(atomic_load(&m->serving), request);
    bool is_other_kind = servable && servable->loader != loader;
    if (servable && !is_other_kind)
        handle_take(handle, servable, &m->drain);
    epoch_leave(section);
    if (is_other_kind)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Servable type doesn't match the asked for type.");
    return servable ? CODE_OK : not_found(request, err);
}

/* ---- loading ---- */

/* True: try again. */
static bool await_retry(struct manager *m, const struct harness *h)
{
    int64_t until_us = clock_now_us();
    if (m->options.retry_interval_us > 0 &&
        __builtin_add_overflow(until_us, m->options.retry_interval_us, &until_us))
        until_us = INT64_MAX;
    pthread_mutex_lock(&m->mutex);
    bool in_time = true;
    while (h->aspired && !m->stopping && in_time)
        in_time = thread_wait_until(&m->changed, &m->mutex, until_us);
    bool again = h->aspired && !m->stopping;
    pthread_mutex_unlock(&m->mutex);
    return again;
}

static enum code load_with_retries(struct manager *m, struct harness *h, void **object,
                                   struct error *err)
{
    for (int64_t attempt = 0;; attempt++) {
        error_clear(err);
        enum code code = h->servable.loader->load(h->path, m->options.loader_context, object, err);
        if (!code)
            return code;
        bool last = attempt >= m->options.load_retries || code == CODE_UNIMPLEMENTED;
        if (!last)
            log_warning("Loading servable version " ID_FORMAT " failed, try %lld of %lld: %s: %s",
                        ID_ARG(h->servable.id), (long long)attempt + 1,
                        (long long)m->options.load_retries + 1, code_name(code), err->message);
        h->cancelled = !last && !await_retry(m, h);
        if (last || h->cancelled)
            return code;
    }
}

/* Nobody wants it any more. Mutex held; it is given up and taken again when there is an object. */
static void cancel_load(struct manager *m, struct harness *h, void *object)
{
    struct error err;
    error_set(&err, CODE_CANCELLED, "Loading of servable cancelled");
    if (object) {
        pthread_mutex_unlock(&m->mutex);
        h->servable.loader->unload(object);
        pthread_mutex_lock(&m->mutex);
    }
    log_info("Loading of servable version " ID_FORMAT " cancelled", ID_ARG(h->servable.id));
    announce(m, h, STATE_END, &err);
    /* Should it be wanted again by now, reconcile() makes it anew. */
    remove_harness(h);
}

/* The load came to an end. Mutex held; it is given up and taken again. */
static void finish_load(struct manager *m, struct harness *h, void *object, int64_t start_us,
                        const struct error *err)
{
    if (h->cancelled || !h->aspired) {
        cancel_load(m, h, object);
        return;
    }
    if (err->code) {
        h->state = HARNESS_FAILED;
        announce(m, h, STATE_END, err);
        log_error("Encountered an error for servable version " ID_FORMAT ": %s: %s",
                  ID_ARG(h->servable.id), code_name(err->code), err->message);
        return;
    }
    h->servable.object = object;
    h->state = HARNESS_READY;
    struct serving_map *old = swap_map(m);
    log_info("Successfully loaded servable version " ID_FORMAT " in %.1f ms",
             ID_ARG(h->servable.id), (double)(clock_now_us() - start_us) / 1000);
    announce(m, h, STATE_AVAILABLE, NULL);
    pthread_mutex_unlock(&m->mutex);
    retire_map(m, old);
    pthread_mutex_lock(&m->mutex);
}

/* Mutex held; it is given up while loading. */
static void load(struct manager *m, struct harness *h)
{
    struct managed *name = h->owner;
    struct error err;
    void *object = NULL;
    h->state = HARNESS_LOADING;
    m->loading++;
    announce(m, h, STATE_LOADING, NULL);
    pthread_mutex_unlock(&m->mutex);
    log_info("Loading servable version " ID_FORMAT " from %s", ID_ARG(h->servable.id), h->path);
    int64_t start_us = clock_now_us();
    load_with_retries(m, h, &object, &err);
    pthread_mutex_lock(&m->mutex);
    finish_load(m, h, object, start_us, &err);
    m->loading--;
    reconcile(m, name);
}

static void load_loop(void *context)
{
    struct manager *m = context;
    if (m->options.low_priority)
        thread_lower_priority();
    pthread_mutex_lock(&m->mutex);
    while (!m->stopping) {
        struct harness *h = next_harness(m, TRANSITION_LOAD);
        if (h)
            load(m, h);
        else
            pthread_cond_wait(&m->changed, &m->mutex);
    }
    pthread_mutex_unlock(&m->mutex);
}

/* ---- unloading ---- */

/* Mutex held; it is given up while waiting and unloading. */
static void unload(struct manager *m, struct harness *h)
{
    struct managed *name = h->owner;
    h->state = HARNESS_UNLOADING;
    announce(m, h, STATE_UNLOADING, NULL);
    struct serving_map *old = swap_map(m);
    pthread_mutex_unlock(&m->mutex);
    int64_t start_us = clock_now_us();
    retire_map(m, old);
    drain_await(&m->drain, &h->servable);
    int64_t idle_us = clock_now_us();
    h->servable.loader->unload(h->servable.object);
    /* What the version had in small pieces goes back to the system, too. */
    malloc_trim(0);
    int64_t freed_us = clock_now_us();
    pthread_mutex_lock(&m->mutex);
    announce(m, h, STATE_END, NULL);
    log_info("Done unloading servable version " ID_FORMAT
             ": waited %.1f ms for requests, freed in %.1f ms",
             ID_ARG(h->servable.id), (double)(idle_us - start_us) / 1000,
             (double)(freed_us - idle_us) / 1000);
    remove_harness(h);
    reconcile(m, name);
}

static void unload_loop(void *context)
{
    struct manager *m = context;
    if (m->options.low_priority)
        thread_lower_priority();
    pthread_mutex_lock(&m->mutex);
    for (;;) {
        struct harness *h = next_harness(m, TRANSITION_UNLOAD);
        if (h)
            unload(m, h);
        else if (m->stopping && !m->loading)
            break;
        else
            pthread_cond_wait(&m->changed, &m->mutex);
    }
    pthread_mutex_unlock(&m->mutex);
}

/* ---- life ---- */

static enum code start_threads(struct manager *m, unsigned count, struct error *err)
{
    enum code code = thread_start(&m->unload_thread, "unload", unload_loop, m, err);
    m->unload_started = !code;
    for (unsigned i = 0; !code && i < count; i++) {
        code = thread_start(&m->load_threads[i], "load", load_loop, m, err);
        m->load_started += !code;
    }
    return code;
}

enum code manager_new(const struct manager_options *options, struct manager **result,
                      struct error *err)
{
    unsigned count = options->load_threads ? options->load_threads : 1;
    size_t size = sizeof(struct manager) + count * sizeof(pthread_t);
    size = (size + SHARD_LINE - 1) / SHARD_LINE * SHARD_LINE;
    struct manager *m = aligned_alloc(SHARD_LINE, size);
    CHECK(m && "out of memory");
    memset(m, 0, size);
    m->options = *options;
    epoch_init(&m->epoch);
    drain_init(&m->drain);
    atomic_init(&m->serving, serving_map_new(NULL, 0));
    pthread_mutex_init(&m->mutex, NULL);
    thread_condition_init(&m->changed);
    enum code code = start_threads(m, count, err);
    if (code)
        manager_free(m);
    else
        *result = m;
    return code;
}

static void want_nothing(struct manager *m)
{
    pthread_mutex_lock(&m->mutex);
    m->stopping = true;
    for (struct managed *name = m->names; name; name = name->next) {
        free_wishes(name);
        reconcile(m, name);
    }
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->mutex);
}

static void free_names(struct manager *m)
{
    while (m->names) {
        struct managed *name = m->names;
        CHECK(!name->harnesses);
        m->names = name->next;
        free_wishes(name);
        free(name->name);
        free(name);
    }
}

void manager_free(struct manager *m)
{
    if (!m)
        return;
    want_nothing(m);
    for (unsigned i = 0; i < m->load_started; i++)
        pthread_join(m->load_threads[i], NULL);
    if (m->unload_started)
        pthread_join(m->unload_thread, NULL);
    free_names(m);
    serving_map_free(atomic_load(&m->serving));
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->mutex);
    drain_release(&m->drain);
    epoch_release(&m->epoch);
    free(m);
}

bool manager_is_loading(struct manager *m)
{
    pthread_mutex_lock(&m->mutex);
    bool loading = m->loading > 0;
    pthread_mutex_unlock(&m->mutex);
    return loading;
}
