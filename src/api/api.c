/* SPDX-License-Identifier: Apache-2.0 */
/* The table of gRPC methods, and what they have in common. */
#include "api/api.h"
#include "api/access.h"

#include "api/health.h"
#include "api/health_watch.h"
#include "api/inference.h"
#include "api/metadata.h"
#include "api/predict.h"
#include "api/record.h"
#include "api/reflection.h"
#include "api/reload.h"
#include "api/status.h"
#include "servables/tensorflow/loader.h"

static enum code check_spec(const struct pb_model_spec *spec, struct error *err)
{
    if (!spec)
        return error_set(err, CODE_INVALID_ARGUMENT, "Missing ModelSpec");
    if (!spec->name.len)
        return error_set(err, CODE_INVALID_ARGUMENT, "ModelSpec has no name specified.");
    return CODE_OK;
}

static struct servable_request request_of(const struct pb_model_spec *spec)
{
    struct servable_request request = {.name = spec->name};
    if (spec->version_choice_case == API_SPEC_VERSION) {
        request.choice = SERVABLE_VERSION;
        request.version = spec->version->value;
    } else if (spec->version_choice_case == API_SPEC_LABEL) {
        request.choice = SERVABLE_LABEL;
        request.label = spec->version_label;
    }
    return request;
}

static void release(void *handle)
{
    handle_release(handle);
}

/* Of a model that is wanted and of which nothing answers yet. */
static void tell_state(const struct api *api, struct span name, struct arena *arena,
                       struct error *err)
{
    struct version_state *versions;
    size_t count = state_monitor_get(api->core->monitor, name, arena, &versions), i = 0;
    if (!server_core_wants(api->core, name))
        return;
    while (i < count && versions[i].state != STATE_START && versions[i].state != STATE_LOADING)
        i++;
    const char *state = "no version is known";
    if (i < count)
        state = arena_printf(arena, "version %lld is %s", (long long)versions[i].version,
                             versions[i].state == STATE_START ? "waiting" : "loading");
    if (i < count || !count)
        error_set(err, CODE_UNAVAILABLE, "%s: the model is not ready yet, %s", err->message, state);
}

enum code api_find_any(const struct api *api, const struct pb_model_spec *spec, struct arena *arena,
                       struct servable **servable, struct error *err)
{
    enum code code = check_spec(spec, err);
    if (code)
        return code;
    struct servable_request request = request_of(spec);
    struct handle *handle = ARENA_NEW(arena, struct handle);
    code = manager_get(api->core->manager, &request, handle, err);
    if (code == CODE_NOT_FOUND && api->tells_state) {
        tell_state(api, spec->name, arena, err);
        return err->code;
    }
    if (code)
        return code;
    /* What the run defers after this is released before it. */
    arena_defer(arena, release, handle);
    *servable = handle->servable;
    return CODE_OK;
}

enum code api_find(const struct api *api, const struct pb_model_spec *spec, struct arena *arena,
                   struct servable **servable, struct error *err)
{
    enum code code = api_find_any(api, spec, arena, servable, err);
    if (!code && (*servable)->loader != &tensorflow_loader)
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "Servable type doesn't match the asked for type.");
    return code;
}

void api_answer_bytes(struct exchange *exchange, struct span message)
{
    record_end(exchange, CODE_OK);
    exchange_answer_rpc(exchange, CODE_OK, (struct span){0}, &message, 1);
}

void api_answer(struct exchange *exchange, const struct pb_message *type, const void *message)
{
    struct span bytes;
    struct error err;
    if (pb_encode_large(type, message, &exchange->arena, &bytes, &err))
        api_answer_error(exchange, &err);
    else
        api_answer_bytes(exchange, bytes);
}

void api_answer_error(struct exchange *exchange, const struct error *err)
{
    struct span text = arena_copy(&exchange->arena, span_of(err->message));
    record_end(exchange, err->code);
    exchange_answer_rpc(exchange, err->code, text, NULL, 0);
}

enum code api_admit(struct exchange *exchange, void *context, struct error *err)
{
    struct api *api = context;
    return access_check(api->access, exchange, err);
}

const struct net_rpc api_rpcs[] = {
    {"/tensorflow.serving.PredictionService/Predict", api_predict, NET_UNARY},
    {"/tensorflow.serving.PredictionService/Classify", api_classify, NET_UNARY},
    {"/tensorflow.serving.PredictionService/Regress", api_regress, NET_UNARY},
    {"/tensorflow.serving.PredictionService/MultiInference", api_multi_inference, NET_UNARY},
    {"/tensorflow.serving.PredictionService/GetModelMetadata", api_metadata, NET_UNARY},
    {"/tensorflow.serving.ModelService/GetModelStatus", api_status, NET_UNARY},
    {"/tensorflow.serving.ModelService/HandleReloadConfigRequest", api_reload, NET_UNARY},
    {"/grpc.health.v1.Health/Check", api_health_check, NET_UNARY},
    {"/grpc.health.v1.Health/Watch", api_health_watch, NET_WATCH},
    {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", api_reflection, NET_STREAM},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", api_reflection, NET_STREAM},
};
const size_t api_rpc_count = sizeof api_rpcs / sizeof *api_rpcs;
