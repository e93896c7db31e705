/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/kinds.h"

#include <string.h>

#include "base/check.h"
#include "servables/hashmap/hashmap.h"
#include "servables/tensorflow/kind.h"

enum {
    KINDS = 2,
    KINDS_MAX = 64, /* with those of libraries */
};

const struct servable_kind *servable_kinds[KINDS_MAX] = {
    &tensorflow_kind,
    &hashmap_kind,
};
size_t servable_kind_count = KINDS;

enum code servable_kind_add(const struct servable_kind *kind, struct error *err)
{
    for (size_t i = 0; i < servable_kind_count; i++) {
        if (!strcmp(servable_kinds[i]->loader->platform, kind->loader->platform))
            return error_set(err, CODE_ALREADY_EXISTS, "there is a platform %s already",
                             kind->loader->platform);
    }
    if (servable_kind_count == KINDS_MAX)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "there are %d platforms already", KINDS_MAX);
    servable_kinds[servable_kind_count++] = kind;
    return CODE_OK;
}

void servable_kind_start(const struct servable_kind *kind, void *object, struct predict_task *task)
{
    struct error err;
    if (kind->start)
        kind->start(object, task);
    else
        task->on_done(
            task,
            kind->predict(object, task->request, task->content, task->run, &task->response, &err),
            &err);
}

const struct servable_kind *servable_kind_of(const struct loader *loader)
{
    for (size_t i = 0; i < servable_kind_count; i++) {
        if (servable_kinds[i]->loader == loader)
            return servable_kinds[i];
    }
    CHECK(false && "a loader without a kind");
}
