/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of servables that there are: a loader, and how Predict is answered by what it loads. A
 * new kind is a folder beside these and a row in kinds.c, or a library's (servables/plugin).
 */
#ifndef SERVABLES_KINDS_H
#define SERVABLES_KINDS_H

#include <stdbool.h>

#include "core/loader.h"
#include "wire/messages.h"

struct run;

/* A Predict call but for the model lookup. All of it is the caller's, and stays until on_done(). */
struct predict_task {
    const struct pb_predict_request *request;
    bool content; /* outputs are written as tensor_content */
    struct run *run;

    /* Called once, by what started it or later, by any thread. `err` is only read where there is a
     * code; else `response` is there, which lacks only model_spec.name and version, and lives until
     * run->arena is reset. */
    void (*on_done)(struct predict_task *task, enum code code, struct error *err);
    void *context; /* the caller's */
    struct pb_predict_response response;
};

struct servable_kind {
    const struct loader *loader;
    void *context; /* borrowed: the loader's, unless the server has one for it */

    /* Is a run sure to be so short that handing it to another thread would cost more? */
    bool (*is_quick)(void *object, const struct pb_predict_request *request);

    /* Starts a call, which may end later: task->on_done(). (optional: predict() is there) */
    void (*start)(void *object, struct predict_task *task);

    /* The same, over when it returns. (optional: start() is there) */
    enum code (*predict)(void *object, const struct pb_predict_request *request, bool content,
                         struct run *run, struct pb_predict_response *response, struct error *err);
};

/* All of them. */
extern const struct servable_kind *servable_kinds[];
extern size_t servable_kind_count;

/* One more (borrowed, for good), before anything runs. ALREADY_EXISTS: there is a platform of that
 * name; RESOURCE_EXHAUSTED. */
enum code servable_kind_add(const struct servable_kind *kind, struct error *err);

/* Starts a call on what a kind has loaded. */
void servable_kind_start(const struct servable_kind *kind, void *object, struct predict_task *task);

/* The kind of what a loader has loaded. */
const struct servable_kind *servable_kind_of(const struct loader *loader);

#endif
