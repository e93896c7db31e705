/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A missing base path is no error of the server: it may be mounted or written later. It is logged
 * when it is first missed, and again when the reason changes, not at every look. Unlike in the
 * original it does not keep the other servables from being updated.
 */
#include "core/file_system_source.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/thread.h"

enum { STAMP_DEPTH = 1 }; /* a model's files are in its folder, "variables" and "assets" */

/* What was last said about a servable, so that it is said once. */
struct complaint {
    char text[512]; /* empty: none */
};

struct file_system_source {
    struct file_system_source_options options;
    struct complaint *complaints; /* owned; one per servable */
    pthread_mutex_t mutex;
    pthread_cond_t stop;
    bool stopping; /* guarded by mutex */
    bool started;
    pthread_t thread;
};

struct file_system_source *file_system_source_new(const struct file_system_source_options *options)
{
    struct file_system_source *source = calloc(1, sizeof *source);
    CHECK(source && "out of memory");
    source->options = *options;
    source->complaints = calloc(options->servable_count + 1, sizeof *source->complaints);
    CHECK(source->complaints && "out of memory");
    pthread_mutex_init(&source->mutex, NULL);
    thread_condition_init(&source->stop);
    return source;
}

bool file_system_source_version(const char *name, int64_t *version)
{
    struct span text = span_of(name);
    while (text.len && strchr(" \t\n\v\f\r", text.ptr[0]))
        text = span_sub(text, 1, text.len);
    while (text.len && strchr(" \t\n\v\f\r", text.ptr[text.len - 1]))
        text.len--;
    if (text.len > 1 && text.ptr[0] == '+' && text.ptr[1] != '-')
        text = span_sub(text, 1, text.len);
    return span_to_int64(text, version);
}

/* The versions that a folder has, in the arena. */
struct listing {
    struct aspired_version *versions;
    size_t count;
    size_t room;
};

static void add_version(struct listing *listing, struct arena *arena, int64_t version,
                        const char *path)
{
    if (listing->count == listing->room) {
        size_t room = listing->room ? 2 * listing->room : 16;
        struct aspired_version *more = arena_alloc(arena, room * sizeof *more);
        if (listing->count)
            memcpy(more, listing->versions, listing->count * sizeof *more);
        listing->versions = more;
        listing->room = room;
    }
    listing->versions[listing->count++] = (struct aspired_version){version, path, 0};
}

static const char *join_path(const char *base, const char *name, struct arena *arena)
{
    size_t len = strlen(base);
    while (len > 1 && base[len - 1] == '/')
        len--;
    return arena_printf(arena, "%.*s%s%s", (int)len, base, base[len - 1] == '/' ? "" : "/", name);
}

static enum code list_versions(const struct file_system_servable *servable, struct arena *arena,
                               struct listing *listing, struct error *err)
{
    DIR *dir = opendir(servable->base_path);
    if (!dir)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Could not find base path %s for servable %s with error %s: %s",
                         servable->base_path, servable->name,
                         errno == ENOENT ? "NOT_FOUND" : "UNAVAILABLE", strerror(errno));
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        int64_t version;
        if (file_system_source_version(entry->d_name, &version))
            add_version(listing, arena, version,
                        join_path(servable->base_path, entry->d_name, arena));
    }
    closedir(dir);
    return CODE_OK;
}

/* What a file looks like from outside; the order in which a folder lists them does not matter. */
static uint64_t stamp_of_file(const char *name, const struct stat *st)
{
    const uint64_t parts[] = {
        map_hash(span_of(name)),
        (uint64_t)st->st_size,
        (uint64_t)st->st_mtim.tv_sec,
        (uint64_t)st->st_mtim.tv_nsec,
    };
    return map_hash(span_make(parts, sizeof parts));
}

/* Of a folder's files and, down to `depth`, those in its folders. */
static uint64_t stamp_of_folder(const char *path, int depth, struct arena *arena)
{
    uint64_t stamp = 0;
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        struct stat st;
        if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &st, 0))
            continue;
        stamp += stamp_of_file(entry->d_name, &st);
        if (S_ISDIR(st.st_mode) && depth > 0)
            stamp += stamp_of_folder(join_path(path, entry->d_name, arena), depth - 1, arena);
    }
    if (dir)
        closedir(dir);
    return stamp;
}

static void complain(struct complaint *last, const char *text)
{
    if (!strncmp(last->text, text, sizeof last->text - 1))
        return;
    size_t len = strnlen(text, sizeof last->text - 1);
    memcpy(last->text, text, len);
    last->text[len] = 0;
    if (len)
        log_warning("%s", text);
}

static enum code poll_servable(struct file_system_source *source, size_t i, struct error *err)
{
    const struct file_system_servable *servable = &source->options.servables[i];
    const struct source_target *target = &source->options.target;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    struct listing listing = {0};
    enum code code = list_versions(servable, &arena, &listing, err);
    if (code) {
        complain(&source->complaints[i], err->message);
    } else {
        size_t count = version_policy_apply(&servable->policy, listing.versions, listing.count);
        for (size_t k = 0; k < count; k++)
            listing.versions[k].stamp =
                stamp_of_folder(listing.versions[k].path, STAMP_DEPTH, &arena);
        complain(&source->complaints[i],
                 count ? ""
                       : arena_printf(&arena,
                                      "No versions of servable %s found under base path %s. Did "
                                      "you forget to name your leaf directory as a number (eg. "
                                      "'/1/')?",
                                      servable->name, servable->base_path));
        target->set_aspired(target->context, span_of(servable->name), listing.versions, count);
    }
    arena_release(&arena);
    return code;
}

enum code file_system_source_poll(struct file_system_source *source, struct error *err)
{
    struct error own;
    enum code first = CODE_OK;
    for (size_t i = 0; i < source->options.servable_count; i++) {
        enum code code = poll_servable(source, i, first ? &own : err);
        first = first ? first : code;
    }
    return first;
}

/* False: the source ends. */
static bool await_next(struct file_system_source *source)
{
    int64_t wait_us;
    if (__builtin_mul_overflow(source->options.poll_wait_s, 1000000, &wait_us) ||
        __builtin_add_overflow(wait_us, clock_now_us(), &wait_us))
        wait_us = INT64_MAX;
    pthread_mutex_lock(&source->mutex);
    bool in_time = true;
    while (!source->stopping && in_time)
        in_time = thread_wait_until(&source->stop, &source->mutex, wait_us);
    bool stopping = source->stopping;
    pthread_mutex_unlock(&source->mutex);
    return !stopping;
}

static void run(void *context)
{
    struct file_system_source *source = context;
    struct error err;
    while (await_next(source))
        file_system_source_poll(source, &err);
}

enum code file_system_source_start(struct file_system_source *source, struct error *err)
{
    struct error poll_error;
    if (source->options.poll_wait_s < 0)
        return CODE_OK;
    file_system_source_poll(source, &poll_error);
    if (source->options.poll_wait_s == 0)
        return CODE_OK;
    enum code code = thread_start(&source->thread, "source", run, source, err);
    source->started = !code;
    return code;
}

void file_system_source_free(struct file_system_source *source)
{
    if (!source)
        return;
    pthread_mutex_lock(&source->mutex);
    source->stopping = true;
    pthread_cond_broadcast(&source->stop);
    pthread_mutex_unlock(&source->mutex);
    if (source->started)
        pthread_join(source->thread, NULL);
    pthread_cond_destroy(&source->stop);
    pthread_mutex_destroy(&source->mutex);
    free(source->complaints);
    free(source);
}
