/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads around struct lifecycle, and the map in which requests find what is ready. There is
 * no thread that decides: a load thread asks for something to load, an unload thread for something
 * to unload, and both sleep until something changes, or a retry is due.
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
#include "core/load_report.h"
#include "core/residence.h"
#include "core/version_event.h"

/* The labels of one moment, with their texts. */
struct label_set {
    struct arena arena;
    struct version_label *labels;
    size_t count;
};

struct manager {
    struct manager_options options;
    struct epoch epoch;
    struct drain drain;
    struct load_reports *reports;
    _Atomic(struct serving_map *) serving;
    pthread_mutex_t mutex;
    pthread_cond_t changed;     /* on the monotonic clock */
    struct lifecycle lifecycle; /* guarded by mutex, like everything below */
    struct label_set *labels;   /* owned; NULL: none */
    bool stopping;
    unsigned started;
    pthread_t threads[]; /* loading ones, those for requests, unloading ones */
};

/* ---- the serving map ---- */

/* What of a name goes into the map; returns how many. With `entries` NULL they are counted. */
static size_t list_name(const struct managed *name, struct serving_entry *entries)
{
    size_t count = 0;
    for (struct harness *h = name->harnesses; h; h = h->next) {
        if (h->state == HARNESS_READY && entries)
            entries[count] = (struct serving_entry){h->servable.id, &h->servable};
        count += h->state == HARNESS_READY;
    }
    struct harness *latest = count && name->lazy ? residence_latest(name) : NULL;
    if (!latest || latest->state == HARNESS_READY)
        return count;
    if (entries)
        entries[count] = (struct serving_entry){latest->servable.id, NULL};
    return count + 1;
}

/* Puts a map of what is ready in the old one's place; returns the old one. Mutex held. */
static struct serving_map *swap_map(struct manager *m)
{
    size_t room = 0, count = 0;
    for (const struct managed *name = m->lifecycle.names; name; name = name->next)
        room += list_name(name, NULL);
    struct serving_entry *entries = calloc(room + 1, sizeof *entries);
    CHECK(entries && "out of memory");
    for (const struct managed *name = m->lifecycle.names; name; name = name->next)
        count += list_name(name, entries + count);
    struct serving_map *map = serving_map_new(entries, count, m->labels ? m->labels->labels : NULL,
                                              m->labels ? m->labels->count : 0);
    free(entries);
    return atomic_exchange(&m->serving, map);
}

/* The same where a lazy name has both versions in memory and others, and of these something has
 * changed: the map says which one is the highest. Else NULL. Mutex held. */
static struct serving_map *renew_map(struct manager *m, const struct managed *name)
{
    return name->lazy && list_name(name, NULL) ? swap_map(m) : NULL;
}

/* Without the mutex: it waits. NULL is fine. */
static void retire_map(struct manager *m, struct serving_map *old)
{
    if (!old)
        return;
    epoch_wait(&m->epoch);
    serving_map_free(old);
}

static void label_set_free(struct label_set *set)
{
    if (!set)
        return;
    arena_release(&set->arena);
    free(set);
}

static struct label_set *label_set_new(const struct version_label *labels, size_t count)
{
    struct label_set *set = calloc(1, sizeof *set);
    CHECK(set && "out of memory");
    arena_init(&set->arena, ARENA_FIRST_BLOCK);
    set->labels = ARENA_ARRAY(&set->arena, struct version_label, count + 1);
    set->count = count;
    for (size_t i = 0; i < count; i++)
        set->labels[i] = (struct version_label){
            .name = arena_copy(&set->arena, labels[i].name),
            .label = arena_copy(&set->arena, labels[i].label),
            .version = labels[i].version,
        };
    return set;
}

void manager_set_labels(struct manager *m, const struct version_label *labels, size_t count)
{
    struct label_set *set = label_set_new(labels, count);
    pthread_mutex_lock(&m->mutex);
    struct label_set *before = m->labels;
    m->labels = set;
    struct serving_map *old = swap_map(m);
    pthread_mutex_unlock(&m->mutex);
    retire_map(m, old);
    label_set_free(before);
}

/* ---- finding ---- */

static enum code not_found(const struct servable_request *request, struct error *err)
{
    if (request->choice == SERVABLE_LATEST)
        return error_set(err, CODE_NOT_FOUND, "Servable not found for request: Latest(%.*s)",
                         SPAN_ARG(request->name));
    return error_set(err, CODE_NOT_FOUND, "Servable not found for request: Specific(%.*s, %lld)",
                     SPAN_ARG(request->name), (long long)request->version);
}

/* Inside of a section. False: there is no such label. */
static bool find(const struct serving_map *map, struct servable_request *request,
                 struct servable **servable)
{
    if (request->choice == SERVABLE_LATEST) {
        *servable = serving_map_latest(map, request->name);
        return true;
    }
    if (request->choice == SERVABLE_LABEL) {
        const int64_t *version = serving_map_label(map, request->name, request->label);
        if (!version)
            return false;
        request->version = *version;
    }
    *servable = serving_map_find(map, request->name, request->version);
    return true;
}

static void note_use(struct servable *servable)
{
    int64_t tick = USE_TICK(clock_coarse_us());
    if (atomic_load_explicit(&servable->used, memory_order_relaxed) != tick)
        atomic_store_explicit(&servable->used, tick, memory_order_relaxed);
}

/* A handle to what is ready; else the request's label has become a version. */
static enum code get_ready(struct manager *m, struct servable_request *request,
                           struct handle *handle, struct error *err)
{
    struct servable *servable = NULL;
    *handle = (struct handle){0};
    struct epoch_section section = epoch_enter(&m->epoch);
    bool known = find(atomic_load(&m->serving), request, &servable);
    if (servable)
        handle_take(handle, servable, &m->drain);
    epoch_leave(section);
    if (servable && servable->notes_use)
        note_use(servable);
    if (known)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT, "Unrecognized servable version label: %.*s",
                     SPAN_ARG(request->label));
}

enum code manager_get(struct manager *m, const struct servable_request *request,
                      struct handle *handle, struct error *err)
{
    struct servable_request resolved = *request;
    enum code code = get_ready(m, &resolved, handle, err);
    return code || handle->servable ? code : not_found(&resolved, err);
}

/* What is ready by now was not when the map was read: under the mutex it does not go. */
static enum code wake(struct manager *m, const struct servable_request *request,
                      struct handle *handle, bool *comes, struct error *err)
{
    const int64_t *version = request->choice == SERVABLE_LATEST ? NULL : &request->version;
    struct harness *h = NULL;
    pthread_mutex_lock(&m->mutex);
    enum residence residence =
        residence_ask(&m->lifecycle, request->name, version, clock_now_us(), &h, err);
    if (residence == RESIDENCE_READY) {
        handle_take(handle, &h->servable, &m->drain);
        note_use(&h->servable);
    } else if (residence == RESIDENCE_COMES && !m->stopping) {
        *comes = true;
        pthread_cond_broadcast(&m->changed);
    }
    enum code failure = h ? h->failure : CODE_OK;
    pthread_mutex_unlock(&m->mutex);
    if (residence == RESIDENCE_FAILED)
        return failure;
    return handle->servable || *comes ? CODE_OK : not_found(request, err);
}

enum code manager_want(struct manager *m, const struct servable_request *request,
                       struct handle *handle, bool *comes, struct error *err)
{
    struct servable_request resolved = *request;
    *comes = false;
    enum code code = get_ready(m, &resolved, handle, err);
    if (code || handle->servable)
        return code;
    if (!m->options.lifecycle.lazy)
        return not_found(&resolved, err);
    return wake(m, &resolved, handle, comes, err);
}

bool manager_answers(struct manager *m, struct span name)
{
    bool answers = false;
    pthread_mutex_lock(&m->mutex);
    const struct managed *managed = map_get(&m->lifecycle.index, name);
    if (managed)
        answers = residence_latest(managed);
    pthread_mutex_unlock(&m->mutex);
    return answers;
}

bool manager_has(struct manager *m, struct span name, int64_t version)
{
    bool has = false;
    pthread_mutex_lock(&m->mutex);
    const struct managed *managed = map_get(&m->lifecycle.index, name);
    const struct harness *h = managed ? managed->harnesses : NULL;
    for (; h; h = h->next)
        has |= h->servable.id.version == version && residence_stands(h);
    pthread_mutex_unlock(&m->mutex);
    return has;
}

bool manager_label(struct manager *m, struct span name, struct span label, int64_t *version)
{
    struct epoch_section section = epoch_enter(&m->epoch);
    const int64_t *found = serving_map_label(atomic_load(&m->serving), name, label);
    if (found)
        *version = *found;
    epoch_leave(section);
    return found;
}

/* ---- what there should be ---- */

void manager_set_aspired(struct manager *m, struct span name, const struct platform *platform,
                         const struct aspired_version *versions, size_t count)
{
    struct serving_map *old = NULL;
    pthread_mutex_lock(&m->mutex);
    if (!m->stopping && lifecycle_set_aspired(&m->lifecycle, name, platform, versions, count)) {
        old = renew_map(m, map_get(&m->lifecycle.index, name));
        pthread_cond_broadcast(&m->changed);
    }
    pthread_mutex_unlock(&m->mutex);
    retire_map(m, old);
}

void manager_keep_loaded(struct manager *m, const struct span *names, size_t count)
{
    pthread_mutex_lock(&m->mutex);
    lifecycle_keep_loaded(&m->lifecycle, names, count);
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->mutex);
}

static void target_set_aspired(void *context, struct span name, const struct platform *platform,
                               const struct aspired_version *versions, size_t count)
{
    manager_set_aspired(context, name, platform, versions, count);
}

struct source_target manager_target(struct manager *manager)
{
    return (struct source_target){target_set_aspired, manager};
}

/* ---- loading ---- */

static enum code estimate(const struct harness *h, size_t *bytes, struct error *err)
{
    const struct platform *platform = h->platform;
    *bytes = 0;
    if (!platform->loader->estimate)
        return CODE_OK;
    return platform->loader->estimate(h->path, platform->context, bytes, err);
}

/* The version takes requests from now on. Mutex held; it is given up and taken again. */
static void publish(struct manager *m, struct harness *h, int64_t start_us)
{
    struct serving_map *old = swap_map(m);
    lifecycle_available(&m->lifecycle, h);
    char stages[512];
    log_info("Successfully loaded servable version " HARNESS_FORMAT " in %.1f ms%s",
             HARNESS_ARG(*h), (double)(clock_now_us() - start_us) / 1000,
             load_report_stages(&h->load, stages, sizeof stages));
    pthread_mutex_unlock(&m->mutex);
    retire_map(m, old);
    pthread_mutex_lock(&m->mutex);
}

/* A version of the name is not the one to wait for any more. Mutex held; it is given up and taken
 * again. */
static void forget(struct manager *m, const struct managed *name)
{
    struct serving_map *old = renew_map(m, name);
    pthread_mutex_unlock(&m->mutex);
    retire_map(m, old);
    pthread_mutex_lock(&m->mutex);
}

/* Nobody wants it any more. Mutex held; it is given up and taken again. */
static void undo(struct manager *m, struct harness *h, void *object)
{
    pthread_mutex_unlock(&m->mutex);
    if (object)
        h->platform->loader->unload(object);
    pthread_mutex_lock(&m->mutex);
    lifecycle_unloaded(&m->lifecycle, h);
}

/* Mutex held; it is given up while estimating. */
static bool reserve(struct manager *m, struct harness *h, struct error *err)
{
    size_t bytes;
    pthread_mutex_unlock(&m->mutex);
    enum code code = estimate(h, &bytes, err);
    pthread_mutex_lock(&m->mutex);
    if (!code)
        return lifecycle_reserve(&m->lifecycle, h, bytes, clock_now_us());
    error_prefix(
        err, "Error while attempting to reserve resources to load servable " HARNESS_FORMAT ": ",
        HARNESS_ARG(*h));
    lifecycle_loaded(&m->lifecycle, h, NULL, err, clock_now_us());
    return false;
}

/* Mutex held; it is given up while loading. */
static void load(struct manager *m, struct harness *h)
{
    struct error err;
    void *object = NULL;
    error_clear(&err);
    if (!reserve(m, h, &err))
        return;
    pthread_mutex_unlock(&m->mutex);
    log_info("Loading servable version " HARNESS_FORMAT " from %s, about %.1f MiB", HARNESS_ARG(*h),
             h->path, (double)h->reserved / (1 << 20));
    int64_t start_us = clock_now_us(), start_ticks = clock_ticks();
    struct load_report report = {
        .id = h->servable.id, .estimate = h->reserved, .progress = &h->load};
    progress_begin(&h->load);
    load_report_begin(m->reports, &report);
    if (!h->platform->loader->load(h->path, h->platform->context, &object, &err))
        error_clear(&err); /* a loader may have tried this and that */
    load_report_end(m->reports, &report);
    progress_end();
    version_event_loaded(&h->servable.id, start_ticks, &h->load, err.code);
    pthread_mutex_lock(&m->mutex);
    const struct managed *name = h->owner;
    enum loaded outcome = lifecycle_loaded(&m->lifecycle, h, object, &err, clock_now_us());
    if (outcome == LOADED_READY)
        publish(m, h, start_us);
    else if (outcome == LOADED_FAILED)
        forget(m, name);
    else if (outcome == LOADED_UNWANTED)
        undo(m, h, object);
}

typedef struct harness *next_fn(struct lifecycle *l, int64_t now_us, int64_t *wake_us);

static void load_on(struct manager *m, next_fn *next)
{
    pthread_mutex_lock(&m->mutex);
    while (!m->stopping) {
        int64_t wake_us;
        struct harness *h = next(&m->lifecycle, clock_now_us(), &wake_us);
        if (!h) {
            thread_wait_until(&m->changed, &m->mutex, wake_us);
            continue;
        }
        load(m, h);
        pthread_cond_broadcast(&m->changed);
    }
    pthread_mutex_unlock(&m->mutex);
}

static void load_loop(void *context)
{
    struct manager *m = context;
    if (m->options.low_priority)
        thread_lower_priority();
    load_on(m, lifecycle_next_load);
}

/* Requests wait for these. */
static void wake_loop(void *context)
{
    load_on(context, lifecycle_next_wanted);
}

/* ---- unloading ---- */

/* Mutex held; it is given up while waiting and unloading. */
static void unload(struct manager *m, struct harness *h)
{
    struct servable_id id = h->servable.id; /* its name stays */
    size_t bytes = h->reserved;
    struct serving_map *old = swap_map(m);
    pthread_mutex_unlock(&m->mutex);
    int64_t start_us = clock_now_us(), start_ticks = clock_ticks();
    retire_map(m, old);
    drain_await(&m->drain, &h->servable);
    int64_t idle_us = clock_now_us(), idle_ticks = clock_ticks();
    h->platform->loader->unload(h->servable.object);
    /* What the version had in small pieces goes back to the system, too. */
    malloc_trim(0);
    int64_t freed_us = clock_now_us();
    version_event_unloaded(&id, start_ticks, idle_ticks);
    pthread_mutex_lock(&m->mutex);
    lifecycle_unloaded(&m->lifecycle, h);
    log_info("Done unloading servable version {name: %.*s version: %lld}: waited %.1f ms for "
             "requests, freed about %.1f MiB in %.1f ms",
             SPAN_ARG(id.name), (long long)id.version, (double)(idle_us - start_us) / 1000,
             (double)bytes / (1 << 20), (double)(freed_us - idle_us) / 1000);
}

static void unload_loop(void *context)
{
    struct manager *m = context;
    /* Requests wait for the room that lazy models make. */
    if (m->options.low_priority && !m->options.lifecycle.lazy)
        thread_lower_priority();
    pthread_mutex_lock(&m->mutex);
    for (;;) {
        struct harness *h = lifecycle_next_unload(&m->lifecycle, clock_now_us());
        if (h) {
            unload(m, h);
            pthread_cond_broadcast(&m->changed);
        } else if (m->stopping && !m->lifecycle.loading) {
            break;
        } else {
            pthread_cond_wait(&m->changed, &m->mutex);
        }
    }
    pthread_mutex_unlock(&m->mutex);
}

/* ---- life ---- */

static enum code start_threads(struct manager *m, const char *name, thread_fn *fn, unsigned count,
                               struct error *err)
{
    enum code code = CODE_OK;
    for (unsigned i = 0; !code && i < count; i++) {
        code = thread_start(&m->threads[m->started], name, fn, m, err);
        m->started += !code;
    }
    return code;
}

enum code manager_new(const struct manager_options *options, struct manager **result,
                      struct error *err)
{
    unsigned load_count = options->load_threads ? options->load_threads : 1;
    unsigned unload_count = options->unload_threads ? options->unload_threads : 1;
    unsigned wake_count = options->lifecycle.lazy ? load_count : 0;
    unsigned count = load_count + wake_count + unload_count;
    size_t size = sizeof(struct manager) + count * sizeof(pthread_t);
    size = (size + SHARD_LINE - 1) / SHARD_LINE * SHARD_LINE;
    struct manager *m = aligned_alloc(SHARD_LINE, size);
    CHECK(m && "out of memory");
    memset(m, 0, size);
    m->options = *options;
    lifecycle_init(&m->lifecycle, &options->lifecycle);
    epoch_init(&m->epoch);
    drain_init(&m->drain);
    m->reports = load_reports_new(options->report_us);
    atomic_init(&m->serving, serving_map_new(NULL, 0, NULL, 0));
    pthread_mutex_init(&m->mutex, NULL);
    thread_condition_init(&m->changed);
    enum code code = start_threads(m, "load", load_loop, load_count, err);
    if (!code)
        code = start_threads(m, "wake", wake_loop, wake_count, err);
    if (!code)
        code = start_threads(m, "unload", unload_loop, unload_count, err);
    if (code)
        manager_free(m);
    else
        *result = m;
    return code;
}

void manager_free(struct manager *m)
{
    if (!m)
        return;
    pthread_mutex_lock(&m->mutex);
    m->stopping = true;
    lifecycle_want_nothing(&m->lifecycle);
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->mutex);
    for (unsigned i = 0; i < m->started; i++)
        pthread_join(m->threads[i], NULL);
    lifecycle_release(&m->lifecycle);
    load_reports_free(m->reports);
    serving_map_free(atomic_load(&m->serving));
    label_set_free(m->labels);
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->mutex);
    drain_release(&m->drain);
    epoch_release(&m->epoch);
    free(m);
}

size_t manager_list(struct manager *m, struct arena *arena, struct manager_version **versions)
{
    size_t count = 0;
    pthread_mutex_lock(&m->mutex);
    for (const struct managed *name = m->lifecycle.names; name; name = name->next) {
        for (const struct harness *h = name->harnesses; h; h = h->next)
            count += h->state == HARNESS_READY;
    }
    *versions = ARENA_ARRAY(arena, struct manager_version, count + 1);
    count = 0;
    for (const struct managed *name = m->lifecycle.names; name; name = name->next) {
        for (const struct harness *h = name->harnesses; h; h = h->next) {
            if (h->state == HARNESS_READY)
                (*versions)[count++] =
                    (struct manager_version){.id = h->servable.id,
                                             .path = arena_strdup(arena, span_of(h->path)),
                                             .estimate = h->reserved,
                                             .load = h->load};
        }
    }
    pthread_mutex_unlock(&m->mutex);
    return count;
}

bool manager_is_loading(struct manager *m)
{
    pthread_mutex_lock(&m->mutex);
    bool loading = m->lifecycle.loading > 0;
    pthread_mutex_unlock(&m->mutex);
    return loading;
}
