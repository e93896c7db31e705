/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/tensorflow/loader.h"

static enum code load(const char *path, void *context, void **object, struct error *err)
{
    struct session *session;
    enum code code = session_load(path, context, &session, err);
    if (!code)
        *object = session;
    return code;
}

static void unload(void *object)
{
    session_free(object);
}

const struct loader tensorflow_loader = {
    .platform = "tensorflow",
    .load = load,
    .unload = unload,
};
