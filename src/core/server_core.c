/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reload is checked whole, then done in the original's order: labels first (they may stand only
 * for what is there), then the source. Unlike in the original a rejected configuration leaves no
 * trace: the next one is compared with the one that is in force.
 *
 * Waiting is done without the mutex, so that a reload that waits for a model which does not come
 * does not keep the next one from mending it.
 */
#include "core/server_core.h"

#include <stdlib.h>

#include "base/check.h"

enum code server_core_init(struct server_core *core, const struct server_core_options *options,
                           struct error *err)
{
    *core = (struct server_core){.options = *options, .monitor = state_monitor_new()};
    core->options.manager.lifecycle.monitor = core->monitor;
    pthread_mutex_init(&core->mutex, NULL);
    enum code code = manager_new(&core->options.manager, &core->manager, err);
    if (!code) {
        struct file_system_source_options source = {
            .poll_wait_s = options->poll_wait_s,
            .quiet_us = options->quiet_us,
            .target = manager_target(core->manager),
        };
        core->source = file_system_source_new(&source);
        code = file_system_source_start(core->source, err);
    }
    if (code)
        server_core_release(core);
    return code;
}

void server_core_stop(struct server_core *core)
{
    file_system_source_free(core->source);
    core->source = NULL;
}

void server_core_release(struct server_core *core)
{
    server_core_stop(core);
    manager_free(core->manager);
    state_monitor_free(core->monitor);
    model_configs_free(core->configs);
    pthread_mutex_destroy(&core->mutex);
}

void server_core_interrupt(struct server_core *core)
{
    state_monitor_interrupt(core->monitor);
}

void server_core_news_release(struct server_core_news *news)
{
    arena_release(&news->arena);
}

/* ---- checking ---- */

/* Of the configuration in force; NULL: there is no such model. Mutex held. */
static const struct model_config *find_model(const struct server_core *core, struct span name)
{
    return core->configs ? map_get(&core->configs->by_name, name) : NULL;
}

static const struct platform *platform_of(const struct server_core *core,
                                          const struct model_config *model)
{
    return platform_find(core->options.platforms, core->options.platform_count, model->platform);
}

/* Puts the model in `by_name`, too. */
static enum code check_model(const struct server_core *core, struct model_configs *configs,
                             struct model_config *model, struct error *err)
{
    bool added;
    void **place = map_at(&configs->by_name, span_of(model->name), &added);
    if (!added)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Illegal to list model %s multiple times in config list", model->name);
    *place = model;
    if (!platform_of(core, model))
        return error_set(err, CODE_INVALID_ARGUMENT, "Model %s requests unsupported platform %.*s",
                         model->name, SPAN_ARG(model->platform));
    const struct model_config *before = find_model(core, span_of(model->name));
    if (before && !span_equal(before->platform, model->platform))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Illegal to change a model's platform. For model %s platform was %.*s and "
                         "new platform requested is %.*s",
                         model->name, SPAN_ARG(before->platform), SPAN_ARG(model->platform));
    return CODE_OK;
}

/* A label that is new, or stays as it is, may be ahead of its version if the options say so. */
static bool may_be_ahead(struct server_core *core, struct span name,
                         const struct model_label *label)
{
    int64_t version;
    return core->options.labels_for_unavailable &&
           (!manager_label(core->manager, name, label->label, &version) ||
            version == label->version);
}

static enum code check_label(struct server_core *core, const struct model_config *model,
                             const struct model_label *label, struct error *err)
{
    struct span name = span_of(model->name);
    if (manager_has(core->manager, name, label->version) || may_be_ahead(core, name, label))
        return CODE_OK;
    return error_set(err, CODE_FAILED_PRECONDITION,
                     "Request to assign label to version %lld of model %s, which is not currently "
                     "available for inference",
                     (long long)label->version, model->name);
}

static enum code check_configs(struct server_core *core, struct model_configs *configs,
                               struct error *err)
{
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < configs->count; i++)
        code = check_model(core, configs, &configs->models[i], err);
    for (size_t i = 0; !code && i < configs->count; i++) {
        const struct model_config *model = &configs->models[i];
        for (size_t k = 0; !code && k < model->label_count; k++)
            code = check_label(core, model, &model->labels[k], err);
    }
    return code;
}

/* ---- doing ---- */

static void set_labels(struct server_core *core, const struct model_configs *configs,
                       struct arena *arena)
{
    size_t count = 0, i = 0;
    for (size_t k = 0; k < configs->count; k++)
        count += configs->models[k].label_count;
    struct version_label *labels = ARENA_ARRAY(arena, struct version_label, count + 1);
    for (size_t k = 0; k < configs->count; k++) {
        const struct model_config *model = &configs->models[k];
        for (size_t l = 0; l < model->label_count; l++)
            labels[i++] = (struct version_label){span_of(model->name), model->labels[l].label,
                                                 model->labels[l].version};
    }
    manager_set_labels(core->manager, labels, count);
}

static void set_always_loaded(struct server_core *core, const struct model_configs *configs,
                              struct arena *arena)
{
    size_t count = 0;
    struct span *names = ARENA_ARRAY(arena, struct span, configs->count + 1);
    for (size_t i = 0; i < configs->count; i++) {
        if (configs->models[i].always_loaded)
            names[count++] = span_of(configs->models[i].name);
    }
    manager_keep_loaded(core->manager, names, count);
}

static void set_servables(struct server_core *core, const struct model_configs *configs,
                          struct arena *arena)
{
    size_t count = configs->count;
    struct file_system_servable *servables =
        ARENA_ARRAY(arena, struct file_system_servable, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct model_config *model = &configs->models[i];
        servables[i] = (struct file_system_servable){
            .name = model->name,
            .base_path = model->base_path,
            .platform = platform_of(core, model),
            .policy = model->policy,
        };
    }
    file_system_source_set(core->source, servables, count);
}

static void tell_news(struct server_core *core, const struct model_configs *configs,
                      struct server_core_news *news)
{
    news->since = state_monitor_sequence(core->monitor);
    news->names = ARENA_ARRAY(&news->arena, struct span, configs->count + 1);
    for (size_t i = 0; i < configs->count; i++) {
        struct span name = span_of(configs->models[i].name);
        if (!find_model(core, name))
            news->names[news->count++] = arena_copy(&news->arena, name);
    }
}

/* Mutex held. */
static enum code exchange_configs(struct server_core *core, struct model_configs *configs,
                                  struct server_core_news *news, struct error *err)
{
    struct arena arena;
    const struct config_follower *follower = &core->options.follower;
    void *prepared = NULL;
    enum code code = check_configs(core, configs, err);
    if (!code && follower->prepare)
        code = follower->prepare(follower->context, configs, &prepared, err);
    if (code)
        return code;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    tell_news(core, configs, news);
    set_labels(core, configs, &arena);
    set_always_loaded(core, configs, &arena);
    set_servables(core, configs, &arena);
    arena_release(&arena);
    if (follower->prepare)
        follower->commit(follower->context, prepared);
    return CODE_OK;
}

enum code server_core_reload(struct server_core *core, struct model_configs *configs,
                             struct server_core_news *news, struct error *err)
{
    *news = (struct server_core_news){0};
    arena_init(&news->arena, ARENA_FIRST_BLOCK);
    pthread_mutex_lock(&core->mutex);
    enum code code = exchange_configs(core, configs, news, err);
    struct model_configs *unused = code ? configs : core->configs;
    if (!code)
        core->configs = configs;
    pthread_mutex_unlock(&core->mutex);
    model_configs_free(unused);
    /* Whoever waits for a model that is not wanted any more looks again. */
    state_monitor_poke(core->monitor);
    return code;
}

void server_core_read_configs(struct server_core *core,
                              void (*read)(const struct model_configs *configs, void *context),
                              void *context)
{
    pthread_mutex_lock(&core->mutex);
    if (core->configs)
        read(core->configs, context);
    pthread_mutex_unlock(&core->mutex);
}

/* ---- waiting ---- */

bool server_core_wants(struct server_core *core, struct span name)
{
    pthread_mutex_lock(&core->mutex);
    bool is = find_model(core, name) != NULL;
    pthread_mutex_unlock(&core->mutex);
    return is;
}

/* Appends to *text what became of a model of which no version is available; false: one is. */
static bool add_failure(struct server_core *core, struct span name, struct arena *arena,
                        const char **text)
{
    struct version_state *versions;
    const struct version_state *failed = NULL;
    size_t count = state_monitor_get(core->monitor, name, arena, &versions);
    for (size_t i = 0; i < count; i++) {
        if (versions[i].state != STATE_END)
            return false;
        failed = failed ? failed : &versions[i];
    }
    if (!failed)
        return false;
    *text = arena_printf(arena, "%s{{name: %.*s version: %lld} due to error: %s: %s}, ", *text,
                         SPAN_ARG(name), (long long)failed->version, code_name(failed->code),
                         failed->message);
    return true;
}

static enum code tell_failures(struct server_core *core, const struct server_core_news *news,
                               const char *what, struct error *err)
{
    struct arena arena;
    size_t count = 0;
    const char *text = "";
    arena_init(&arena, ARENA_FIRST_BLOCK);
    for (size_t i = 0; i < news->count; i++)
        count += server_core_wants(core, news->names[i]) &&
                 add_failure(core, news->names[i], &arena, &text);
    enum code code = CODE_OK;
    if (count)
        code = error_set(err, CODE_UNKNOWN, "%zu %s(s) did not become available: {%s}", count, what,
                         text);
    arena_release(&arena);
    return code;
}

/* Has a version become available, or ended, since the model came; or does nobody want it? */
static bool is_settled(struct server_core *core, struct span name, uint64_t since)
{
    struct arena arena;
    struct version_state *versions;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    size_t count = state_monitor_get(core->monitor, name, &arena, &versions);
    bool settled = false;
    for (size_t i = 0; i < count; i++)
        settled |= (versions[i].state == STATE_AVAILABLE || versions[i].state == STATE_END) &&
                   versions[i].sequence > since;
    arena_release(&arena);
    return settled || !server_core_wants(core, name);
}

enum code server_core_await(struct server_core *core, const struct server_core_news *news,
                            const char *what, struct error *err)
{
    for (size_t i = 0; i < news->count; i++) {
        uint64_t sequence;
        do
            sequence = state_monitor_sequence(core->monitor);
        while (!is_settled(core, news->names[i], news->since) &&
               state_monitor_await(core->monitor, sequence));
    }
    if (!state_monitor_await(core->monitor, UINT64_MAX))
        return error_set(err, CODE_CANCELLED, "The server ends");
    return tell_failures(core, news, what, err);
}
