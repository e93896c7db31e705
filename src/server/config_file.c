/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_file.h"

#include <stdlib.h>

#include "api/model_server_config.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "wire/config_text.h"

struct config_file {
    const char *path;
    int64_t poll_us; /* INT64_MAX: only when told to */
    struct server_core *core;
    struct arena arena; /* of the text */
    struct span text;   /* as it was last read */
    enum code failed;   /* what came of the last look */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool wanted; /* guarded by mutex, like stopping */
    bool stopping;
    bool started;
    pthread_t thread;
};

struct config_file *config_file_new(const char *path, int64_t poll_wait_s, struct server_core *core)
{
    struct config_file *file = calloc(1, sizeof *file);
    CHECK(file && "out of memory");
    *file = (struct config_file){.path = path, .poll_us = INT64_MAX, .core = core};
    if (poll_wait_s > 0 && __builtin_mul_overflow(poll_wait_s, 1000000, &file->poll_us))
        file->poll_us = INT64_MAX;
    arena_init(&file->arena, ARENA_FIRST_BLOCK);
    pthread_mutex_init(&file->mutex, NULL);
    thread_condition_init(&file->changed);
    return file;
}

/* Reads the text and remembers it; *changed: it is another than before. */
static enum code read_text(struct config_file *file, bool *changed, struct error *err)
{
    struct arena arena;
    struct span text;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    enum code code = file_read(file->path, &arena, &text, err);
    *changed = !code && !span_equal(text, file->text);
    if (*changed) {
        arena_release(&file->arena);
        file->text = arena_copy(&file->arena, text);
    }
    arena_release(&arena);
    return code;
}

static enum code parse(const struct config_file *file, struct model_configs **configs,
                       struct error *err)
{
    struct pb_model_server_config message;
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    enum code code = config_text_parse(file->path, file->text, &pb_model_server_config_type, &arena,
                                       &message, err);
    if (!code)
        code = api_model_configs(&message, configs, err);
    arena_release(&arena);
    return code;
}

enum code config_file_read(struct config_file *file, struct model_configs **configs,
                           struct error *err)
{
    bool changed;
    *configs = NULL;
    enum code code = read_text(file, &changed, err);
    return code ? code : parse(file, configs, err);
}

static enum code put_into_force(struct config_file *file, struct error *err)
{
    struct model_configs *configs;
    struct server_core_news news;
    enum code code = parse(file, &configs, err);
    if (code || !configs)
        return code;
    size_t count = configs->count;
    code = server_core_reload(file->core, configs, &news, err);
    server_core_news_release(&news);
    if (!code)
        log_info("%s is in force: %zu model%s", file->path, count, count == 1 ? "" : "s");
    return code;
}

/* `always`: although the text is the same as before. */
static void look(struct config_file *file, bool always)
{
    struct error err;
    bool changed;
    enum code code = read_text(file, &changed, &err);
    if (!code && (always || changed))
        code = put_into_force(file, &err);
    /* A file that is missing is said once; one that is there is not read again until it changes. */
    if (code && (code != file->failed || changed || always))
        log_error("%s: all stays as it was: %s: %s", file->path, code_name(code), err.message);
    file->failed = code;
}

static void run(void *context)
{
    struct config_file *file = context;
    int64_t next_us = clock_now_us();
    pthread_mutex_lock(&file->mutex);
    while (!file->stopping) {
        if (__builtin_add_overflow(next_us, file->poll_us, &next_us))
            next_us = INT64_MAX;
        bool in_time = true;
        while (!file->stopping && !file->wanted && in_time)
            in_time = thread_wait_until(&file->changed, &file->mutex, next_us);
        bool wanted = file->wanted, stopping = file->stopping;
        file->wanted = false;
        pthread_mutex_unlock(&file->mutex);
        if (!stopping)
            look(file, wanted);
        next_us = clock_now_us();
        pthread_mutex_lock(&file->mutex);
    }
    pthread_mutex_unlock(&file->mutex);
}

enum code config_file_start(struct config_file *file, struct error *err)
{
    enum code code = thread_start(&file->thread, "config", run, file, err);
    file->started = !code;
    return code;
}

void config_file_reload(struct config_file *file)
{
    pthread_mutex_lock(&file->mutex);
    file->wanted = true;
    pthread_cond_broadcast(&file->changed);
    pthread_mutex_unlock(&file->mutex);
}

void config_file_free(struct config_file *file)
{
    if (!file)
        return;
    pthread_mutex_lock(&file->mutex);
    file->stopping = true;
    pthread_cond_broadcast(&file->changed);
    pthread_mutex_unlock(&file->mutex);
    if (file->started)
        pthread_join(file->thread, NULL);
    pthread_cond_destroy(&file->changed);
    pthread_mutex_destroy(&file->mutex);
    arena_release(&file->arena);
    free(file);
}
