/* SPDX-License-Identifier: Apache-2.0 */
#include "server/file_watch.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/thread.h"
#include "core/folder_watch.h"

enum {
    LOOK_US = 60 * 1000 * 1000, /* where the system does not tell of changes */
    SETTLE_US = 200 * 1000,     /* files that belong together are written one after the other */
};

struct file_watch {
    void (*look)(void *context);
    void *context;
    struct folder_watch *folders;
    atomic_bool stopping;
    bool started;
    pthread_t thread;
};

static void watch_folder_of(struct file_watch *watch, const char *path)
{
    struct arena arena;
    const char *slash = strrchr(path, '/');
    arena_init(&arena, ARENA_FIRST_BLOCK);
    if (path[0])
        folder_watch_add(watch->folders,
                         slash ? arena_printf(&arena, "%.*s/", (int)(slash - path), path) : ".");
    arena_release(&arena);
}

static void run(void *context)
{
    struct file_watch *watch = context;
    while (!atomic_load(&watch->stopping)) {
        int64_t now_us = clock_now_us();
        folder_watch_wait(watch->folders, now_us + SETTLE_US, now_us + LOOK_US);
        if (!atomic_load(&watch->stopping))
            watch->look(watch->context);
    }
}

enum code file_watch_start(const struct file_watch_options *options, struct file_watch **result,
                           struct error *err)
{
    struct file_watch *watch = calloc(1, sizeof *watch);
    CHECK(watch && "out of memory");
    watch->look = options->look;
    watch->context = options->context;
    watch->folders = folder_watch_new(true);
    enum code code = CODE_OK;
    if (!watch->folders)
        code = error_set(err, CODE_RESOURCE_EXHAUSTED, "No file descriptor for watching folders");
    for (size_t i = 0; !code && i < options->path_count; i++)
        watch_folder_of(watch, options->paths[i]);
    if (!code)
        code = thread_start(&watch->thread, options->name, run, watch, err);
    watch->started = !code;
    if (code)
        file_watch_free(watch);
    *result = code ? NULL : watch;
    return code;
}

void file_watch_wake(struct file_watch *watch)
{
    if (watch)
        folder_watch_wake(watch->folders);
}

void file_watch_free(struct file_watch *watch)
{
    if (!watch)
        return;
    atomic_store(&watch->stopping, true);
    if (watch->started) {
        file_watch_wake(watch);
        pthread_join(watch->thread, NULL);
    }
    folder_watch_free(watch->folders);
    free(watch);
}
