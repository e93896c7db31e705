/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A missing base path is no error of the server: it may be mounted or written later. It is logged
 * when it is first missed, and again when the reason changes, not at every look. Unlike in the
 * original it does not keep the other servables from being updated.
 *
 * With many servables a look is a glance at most of them: a base path that is the same file, last
 * changed at the same time, has the same versions. Files inside of versions can change without
 * that, so in each look LOOKS of them are looked at in full, in turn.
 *
 * One mutex is held while looking and while the servables are replaced: looks are seldom, and a
 * target is told of one name by one thread at a time. A set wakes the
 * thread, so that it reckons anew how long to sleep.
 */
#include "core/file_system_source.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/thread.h"
#include "core/folder_watch.h"
#include "core/version_gate.h"
#include "core/version_listing.h"

enum {
    COMPLAINT_SIZE = 512,
    LOOK_PAUSE_US = 20 * 1000,  /* between looks, however much happens in the folders */
    LOOK_PAUSES = 10,           /* and as many times what a look takes */
    LOOKS = 100,                /* in full, in each look at all of them */
    MTIME_US = 2 * 1000 * 1000, /* file systems' times may be so coarse */
};

/* A servable, with what is remembered of it between looks. */
struct watched {
    struct file_system_servable servable; /* texts owned */
    int64_t *specific;                    /* owned: of the policy */
    struct version_gate gate;
    struct stat base;               /* of the base path when it was last looked at in full */
    bool glance_will_do;            /* nothing waited then, and `base` was no news */
    char complaint[COMPLAINT_SIZE]; /* what was last said about it, so that it is said once */
};

struct file_system_source {
    struct file_system_source_options options;
    pthread_mutex_t mutex;   /* of a look */
    struct watched *watched; /* owned; guarded by mutex, like count */
    size_t count;
    size_t turn;       /* the next one to be looked at in full; guarded by mutex, like the next */
    int64_t looked_us; /* when all were looked at last */
    int64_t took_us;   /* and how long that took */
    int64_t wake_us;   /* when something that waits should be looked at again */
    struct folder_watch *watch;
    atomic_bool stopping;
    bool started;
    pthread_t thread;
};

struct file_system_source *file_system_source_new(const struct file_system_source_options *options)
{
    struct file_system_source *source = calloc(1, sizeof *source);
    CHECK(source && "out of memory");
    source->options = *options;
    source->watch = folder_watch_new(options->poll_wait_s > 0);
    source->wake_us = INT64_MAX;
    pthread_mutex_init(&source->mutex, NULL);
    return source;
}

/* ---- one look at one servable ---- */

static void complain(struct watched *w, const char *text)
{
    if (!strncmp(w->complaint, text, sizeof w->complaint - 1))
        return;
    size_t len = strnlen(text, sizeof w->complaint - 1);
    memcpy(w->complaint, text, len);
    w->complaint[len] = 0;
    if (len)
        log_warning("%s", text);
}

struct look {
    struct watched *watched;
    struct arena *arena;
    struct version_gate_clock clock;
    int64_t wake_us;
    struct version_listing listing; /* those that may be chosen */
    struct aspired_version *waiting;
    size_t waiting_count;
};

static void set_aside(struct look *look, const struct aspired_version *version)
{
    struct version_listing *listing = &look->listing;
    size_t kept = 0;
    look->waiting[look->waiting_count++] = *version;
    for (size_t i = 0; i < listing->count; i++) {
        if (listing->versions[i].version != version->version)
            listing->versions[kept++] = listing->versions[i];
    }
    listing->count = kept;
}

/* What the policy wants of the listing, at *chosen. Whatever is not whole is set aside, and the
 * policy asked again. */
static size_t choose(struct look *look, struct aspired_version **chosen)
{
    struct watched *w = look->watched;
    struct version_listing *listing = &look->listing;
    *chosen = ARENA_ARRAY(look->arena, struct aspired_version, listing->count + 1);
    for (;;) {
        if (listing->count)
            memcpy(*chosen, listing->versions, listing->count * sizeof **chosen);
        size_t count = version_policy_apply(&w->servable.policy, *chosen, listing->count), i = 0;
        for (; i < count; i++) {
            struct aspired_version *version = &(*chosen)[i];
            version_gate_pass(&w->gate, w->servable.platform, &look->clock, version, &look->wake_us,
                              look->arena);
            if (version->waits_for)
                break;
        }
        if (i == count)
            return count;
        struct aspired_version waits = (*chosen)[i];
        set_aside(look, &waits);
    }
}

static void tell(struct file_system_source *source, struct look *look)
{
    struct watched *w = look->watched;
    const struct source_target *target = &source->options.target;
    struct aspired_version *all =
        ARENA_ARRAY(look->arena, struct aspired_version, look->listing.count + 1);
    if (look->listing.count)
        memcpy(all, look->listing.versions, look->listing.count * sizeof *all);
    version_gate_forget(&w->gate, all, look->listing.count);
    look->waiting = all; /* as many as there are at most */
    struct aspired_version *chosen;
    size_t count = choose(look, &chosen);
    struct aspired_version *told =
        ARENA_ARRAY(look->arena, struct aspired_version, count + look->waiting_count + 1);
    memcpy(told, chosen, count * sizeof *told);
    memcpy(told + count, look->waiting, look->waiting_count * sizeof *told);
    count += look->waiting_count;
    complain(w, count ? ""
                      : arena_printf(look->arena,
                                     "No versions of servable %s found under base path %s. Did you "
                                     "forget to name your leaf directory as a number (eg. '/1/')?",
                                     w->servable.name, w->servable.base_path));
    target->set_aspired(target->context, span_of(w->servable.name), w->servable.platform, told,
                        count);
}

/* Is the base path as it was? */
static bool is_unchanged(const struct watched *w)
{
    struct stat now;
    return w->glance_will_do && !stat(w->servable.base_path, &now) &&
           now.st_dev == w->base.st_dev && now.st_ino == w->base.st_ino &&
           now.st_size == w->base.st_size && now.st_mtim.tv_sec == w->base.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == w->base.st_mtim.tv_nsec;
}

/* Before the full look, so that what changes during it is seen by the next one. */
static void note_base(struct watched *w)
{
    w->glance_will_do = !stat(w->servable.base_path, &w->base);
    int64_t changed_us = (int64_t)w->base.st_mtim.tv_sec * 1000000;
    w->glance_will_do &= clock_wall_us() - changed_us > MTIME_US;
}

static enum code look_at(struct file_system_source *source, struct watched *w, struct error *err)
{
    note_base(w);
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct look look = {
        .watched = w,
        .arena = &arena,
        .clock = {source->options.quiet_us, clock_now_us(), clock_wall_us()},
        .wake_us = source->wake_us,
    };
    const struct file_system_servable *s = &w->servable;
    enum code code = version_listing_read(s->base_path, s->name, &arena, &look.listing, err);
    /* Whoever writes a manifest says that what it lists is whole. */
    if (look.listing.is_manifest)
        look.clock.quiet_us = 0;
    if (code)
        complain(w, err->message);
    else
        tell(source, &look);
    w->glance_will_do &= !code && !look.waiting_count;
    source->wake_us = look.wake_us;
    arena_release(&arena);
    return code;
}

/* Is the servable one of those that are looked at in full this time? */
static bool has_turn(const struct file_system_source *source, size_t i)
{
    return (i + source->count - source->turn) % source->count < LOOKS;
}

/* Mutex held. */
static enum code look_at_all(struct file_system_source *source, struct error *err)
{
    struct error own;
    enum code first = CODE_OK;
    source->looked_us = clock_now_us();
    source->wake_us = INT64_MAX;
    for (size_t i = 0; i < source->count; i++) {
        struct watched *w = &source->watched[i];
        if (!has_turn(source, i) && is_unchanged(w))
            continue;
        if (source->watch)
            folder_watch_add(source->watch, w->servable.base_path);
        enum code code = look_at(source, w, first ? &own : err);
        first = first ? first : code;
    }
    source->turn = source->count ? (source->turn + LOOKS) % source->count : 0;
    source->took_us = clock_now_us() - source->looked_us;
    return first;
}

enum code file_system_source_poll(struct file_system_source *source, struct error *err)
{
    struct error own;
    pthread_mutex_lock(&source->mutex);
    enum code code = look_at_all(source, err ? err : &own);
    pthread_mutex_unlock(&source->mutex);
    return code;
}

/* ---- which servables ---- */

static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    CHECK(copy && "out of memory");
    return copy;
}

static void watched_init(struct watched *w, const struct file_system_servable *servable)
{
    size_t count = servable->policy.specific_count;
    w->servable = *servable;
    w->servable.name = copy_text(servable->name);
    w->servable.base_path = copy_text(servable->base_path);
    w->specific = calloc(count + 1, sizeof *w->specific);
    CHECK(w->specific && "out of memory");
    if (count)
        memcpy(w->specific, servable->policy.specific, count * sizeof *w->specific);
    w->servable.policy.specific = w->specific;
}

static void watched_release(struct watched *w)
{
    free((char *)(uintptr_t)w->servable.name);
    free((char *)(uintptr_t)w->servable.base_path);
    free(w->specific);
    version_gate_release(&w->gate);
}

/* Names to watched servables. */
static void index_names(struct map *map, struct watched *watched, size_t count, struct arena *arena)
{
    map_init(map, arena);
    for (size_t i = 0; i < count; i++)
        map_put(map, span_of(watched[i].servable.name), &watched[i]);
}

/* What was known of the versions of a servable that stays where it was. */
static void inherit(struct watched *w, struct watched *before)
{
    if (!before || strcmp(before->servable.base_path, w->servable.base_path) != 0)
        return;
    w->gate = before->gate;
    before->gate = (struct version_gate){0};
}

static void replace(struct file_system_source *source, struct watched *watched, size_t count)
{
    const struct source_target *target = &source->options.target;
    struct arena arena;
    struct map now, before;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    index_names(&now, watched, count, &arena);
    index_names(&before, source->watched, source->count, &arena);
    for (size_t i = 0; i < count; i++)
        inherit(&watched[i], map_get(&before, span_of(watched[i].servable.name)));
    for (size_t i = 0; i < source->count; i++) {
        const struct file_system_servable *gone = &source->watched[i].servable;
        if (!map_has(&now, span_of(gone->name)))
            target->set_aspired(target->context, span_of(gone->name), gone->platform, NULL, 0);
        watched_release(&source->watched[i]);
    }
    arena_release(&arena);
    free(source->watched);
    source->watched = watched;
    source->count = count;
    source->turn = 0;
}

void file_system_source_set(struct file_system_source *source,
                            const struct file_system_servable *servables, size_t count)
{
    struct error err;
    struct watched *watched = calloc(count + 1, sizeof *watched);
    CHECK(watched && "out of memory");
    for (size_t i = 0; i < count; i++)
        watched_init(&watched[i], &servables[i]);
    pthread_mutex_lock(&source->mutex);
    replace(source, watched, count);
    if (source->options.poll_wait_s >= 0)
        look_at_all(source, &err);
    pthread_mutex_unlock(&source->mutex);
    if (source->watch)
        folder_watch_wake(source->watch);
}

/* ---- looking again ---- */

static int64_t time_after(int64_t from_us, int64_t wait_us)
{
    int64_t at_us;
    return __builtin_add_overflow(from_us, wait_us, &at_us) ? INT64_MAX : at_us;
}

/* How long to the next look if nothing happens; one that looks only once looks again while
 * something waits. */
static int64_t interval_us(const struct file_system_source *source)
{
    int64_t us;
    bool once = source->options.poll_wait_s == 0;
    return once || __builtin_mul_overflow(source->options.poll_wait_s, 1000000, &us) ? INT64_MAX
                                                                                     : us;
}

/* Until the next look. False: woken before. */
static bool await_time(struct file_system_source *source)
{
    pthread_mutex_lock(&source->mutex);
    int64_t looked_us = source->looked_us, wake_us = source->wake_us;
    int64_t pause_us = source->took_us * LOOK_PAUSES;
    pthread_mutex_unlock(&source->mutex);
    pause_us = pause_us < LOOK_PAUSE_US ? LOOK_PAUSE_US : pause_us;
    int64_t next_us = time_after(looked_us, interval_us(source));
    next_us = wake_us < next_us ? wake_us : next_us;
    return folder_watch_wait(source->watch, time_after(looked_us, pause_us), next_us);
}

static void run(void *context)
{
    struct file_system_source *source = context;
    while (!atomic_load(&source->stopping)) {
        if (await_time(source) && !atomic_load(&source->stopping))
            file_system_source_poll(source, NULL);
    }
}

enum code file_system_source_start(struct file_system_source *source, struct error *err)
{
    if (source->options.poll_wait_s < 0)
        return CODE_OK;
    if (!source->watch)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "No file descriptor for watching folders");
    enum code code = thread_start(&source->thread, "source", run, source, err);
    source->started = !code;
    return code;
}

void file_system_source_free(struct file_system_source *source)
{
    if (!source)
        return;
    atomic_store(&source->stopping, true);
    if (source->watch)
        folder_watch_wake(source->watch);
    if (source->started)
        pthread_join(source->thread, NULL);
    for (size_t i = 0; i < source->count; i++)
        watched_release(&source->watched[i]);
    free(source->watched);
    folder_watch_free(source->watch);
    pthread_mutex_destroy(&source->mutex);
    free(source);
}
