/* SPDX-License-Identifier: Apache-2.0 */
/* The table of gRPC methods, and what they have in common. */
#include "api/api.h"

#include "api/metadata.h"
#include "api/predict.h"
#include "api/status.h"
#include "servables/tensorflow/loader.h"

static enum code check_spec(const struct pb_model_spec *spec, struct error *err)
{
    if (!spec)
        return error_set(err, CODE_INVALID_ARGUMENT, "Missing ModelSpec");
    if (!spec->name.len)
        return error_set(err, CODE_INVALID_ARGUMENT, "ModelSpec has no name specified.");
    if (spec->version_choice_case == API_SPEC_LABEL)
        return error_set(err, CODE_INVALID_ARGUMENT, "Unrecognized servable version label: %.*s",
                         SPAN_ARG(spec->version_label));
    return CODE_OK;
}

static void release(void *handle)
{
    handle_release(handle);
}

enum code api_find(const struct api *api, const struct pb_model_spec *spec, struct arena *arena,
                   struct servable **servable, struct error *err)
{
    enum code code = check_spec(spec, err);
    if (code)
        return code;
    struct servable_request request = {.name = spec->name};
    if (spec->version_choice_case == API_SPEC_VERSION) {
        request.has_version = true;
        request.version = spec->version->value;
    }
    struct handle *handle = ARENA_NEW(arena, struct handle);
    code = manager_get(api->manager, &request, &tensorflow_loader, handle, err);
    if (code)
        return code;
    /* What the run defers after this is released before it. */
    arena_defer(arena, release, handle);
    *servable = handle->servable;
    return CODE_OK;
}

void api_answer(struct exchange *exchange, const struct pb_message *type, const void *message)
{
    struct span bytes;
    struct error err;
    if (pb_encode_large(type, message, &exchange->arena, &bytes, &err))
        api_answer_error(exchange, &err);
    else
        exchange_answer_rpc(exchange, CODE_OK, (struct span){0}, &bytes, 1);
}

void api_answer_error(struct exchange *exchange, const struct error *err)
{
    struct span text = arena_copy(&exchange->arena, span_of(err->message));
    exchange_answer_rpc(exchange, err->code, text, NULL, 0);
}

/* A method that clients know and this server does not answer. */
static void refuse(struct exchange *exchange, void *context)
{
    (void)context;
    struct error err;
    error_set(&err, CODE_UNIMPLEMENTED, "%.*s is not implemented by this server",
              SPAN_ARG(exchange->path));
    api_answer_error(exchange, &err);
}

const struct net_rpc api_rpcs[] = {
    {"/tensorflow.serving.PredictionService/Predict", api_predict},
    {"/tensorflow.serving.PredictionService/Classify", refuse},
    {"/tensorflow.serving.PredictionService/Regress", refuse},
    {"/tensorflow.serving.PredictionService/MultiInference", refuse},
    {"/tensorflow.serving.PredictionService/GetModelMetadata", api_metadata},
    {"/tensorflow.serving.ModelService/GetModelStatus", api_status},
    {"/tensorflow.serving.ModelService/HandleReloadConfigRequest", refuse},
};
const size_t api_rpc_count = sizeof api_rpcs / sizeof *api_rpcs;
