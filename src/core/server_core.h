/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct server_core: source, manager and labels under one configuration, which can be exchanged
 * while everything runs (reference 4.12, 4.13).
 *
 *   model configs -> file system source -> manager -> serving map
 *                 -> labels ------------------------^
 */
#ifndef CORE_SERVER_CORE_H
#define CORE_SERVER_CORE_H

#include "core/file_system_source.h"
#include "core/manager.h"
#include "core/model_config.h"

/* What else follows the configuration. Both are called with the reload's mutex held. */
struct config_follower {
    /* Gets everything ready, without consequences; *prepared is what commit will be given. */
    enum code (*prepare)(void *context, const struct model_configs *configs, void **prepared,
                         struct error *err);
    /* The configuration is in force. */
    void (*commit)(void *context, void *prepared);
    void *context;
};

struct server_core_options {
    struct manager_options manager; /* its lifecycle.monitor is the core's */
    int64_t poll_wait_s;            /* as in file_system_source_options, like quiet_us */
    int64_t quiet_us;
    bool labels_for_unavailable;      /* a label may stand for a version that is not there yet */
    struct config_follower follower;  /* prepare NULL: nothing does */
    const struct platform *platforms; /* borrowed */
    size_t platform_count;
};

struct server_core {
    struct server_core_options options;
    struct state_monitor *monitor;
    struct manager *manager;
    struct file_system_source *source;
    pthread_mutex_t mutex;         /* of a reload */
    struct model_configs *configs; /* owned; NULL before the first; guarded by mutex */
};

/* Starts the threads; nothing is served yet. On an error nothing is left behind. */
enum code server_core_init(struct server_core *core, const struct server_core_options *options,
                           struct error *err);

/* No more versions; then, when no request is under way any more, the end. */
void server_core_stop(struct server_core *core);
void server_core_release(struct server_core *core);

/* The models that a configuration has and the one before had not. */
struct server_core_news {
    struct arena arena;
    struct span *names;
    size_t count;
    uint64_t since; /* the monitor's sequence before they came */
};
void server_core_news_release(struct server_core_news *news);

/*
 * Takes the configuration, and ownership of it, whatever it returns. It is checked whole before
 * anything of it is done, and on an error all stays as it was. INVALID_ARGUMENT `Illegal to list
 * model X multiple times in config list`, `Expected model X to have an absolute path or URI; got
 * base_path()=P`, `Model X requests unsupported platform P`, `Illegal to change a model's platform.
 * For model X platform was A and new platform requested is B`; FAILED_PRECONDITION `Request to
 * assign label to version V of model M, which is not currently available for inference`. *news, to
 * be released, is empty on an error. Any thread.
 */
enum code server_core_reload(struct server_core *core, struct model_configs *configs,
                             struct server_core_news *news, struct error *err);

/*
 * Waits until every one of these models has a version that is available, or that has failed in
 * vain, or is not wanted any more. UNKNOWN `N model(s) did not become available: {{{name: X
 * version: V} due to error: <error>}, }`; `what`: "model" or "servable". CANCELLED:
 * server_core_interrupt().
 */
enum code server_core_await(struct server_core *core, const struct server_core_news *news,
                            const char *what, struct error *err);

/* Has the configuration in force read, which stays in force until `read` returns; it is not called
 * when there is none yet. Any thread. */
void server_core_read_configs(struct server_core *core,
                              void (*read)(const struct model_configs *configs, void *context),
                              void *context);

/* Is there to be a model of that name? Any thread. */
bool server_core_wants(struct server_core *core, struct span name);

/* Ends all waiting, now and later. */
void server_core_interrupt(struct server_core *core);

#endif
