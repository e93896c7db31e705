/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of servables that there are: a loader, and how Predict is answered by what it loads. A
 * new kind is a folder beside these and a row in kinds.c, or a library's (servables/plugin).
 */
#ifndef SERVABLES_KINDS_H
#define SERVABLES_KINDS_H

#include <stdbool.h>

#include "core/loader.h"

struct pb_predict_request;
struct pb_predict_response;
struct run;

struct servable_kind {
    const struct loader *loader;
    void *context; /* borrowed: the loader's, unless the server has one for it */

    /* Is a run sure to be so short that handing it to another thread would cost more? */
    bool (*is_quick)(void *object, const struct pb_predict_request *request);

    /* The whole of a Predict call but the model lookup; `response` lacks only model_spec.name and
     * version. With `content`, outputs are written as tensor_content. The answer lives until
     * run->arena is reset. */
    enum code (*predict)(void *object, const struct pb_predict_request *request, bool content,
                         struct run *run, struct pb_predict_response *response, struct error *err);
};

/* All of them. */
extern const struct servable_kind *servable_kinds[];
extern size_t servable_kind_count;

/* One more (borrowed, for good), before anything runs. ALREADY_EXISTS: there is a platform of that
 * name; RESOURCE_EXHAUSTED. */
enum code servable_kind_add(const struct servable_kind *kind, struct error *err);

/* The kind of what a loader has loaded. */
const struct servable_kind *servable_kind_of(const struct loader *loader);

#endif
