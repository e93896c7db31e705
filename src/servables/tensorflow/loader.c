/* SPDX-License-Identifier: Apache-2.0 */
#include "servables/tensorflow/loader.h"

#include "savedmodel/files.h"
#include "servables/tensorflow/session.h"

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

static enum code check(const char *path, void *context, struct error *err)
{
    (void)context;
    return savedmodel_check_files(path, err);
}

/* As the original reckons (reference 4.7): graph, weights and what is made of them. */
static enum code estimate(const char *path, void *context, size_t *bytes, struct error *err)
{
    (void)context;
    enum code code = savedmodel_file_bytes(path, bytes, err);
    *bytes += *bytes / 5;
    return code;
}

const struct loader tensorflow_loader = {
    .platform = "tensorflow",
    .load = load,
    .unload = unload,
    .check = check,
    .estimate = estimate,
};
