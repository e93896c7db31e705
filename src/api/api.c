/* SPDX-License-Identifier: Apache-2.0 */
/* The table of gRPC methods, and what they have in common. */
#include "api/api.h"
#include "api/access.h"

#include "api/get_config.h"
#include "api/health.h"
#include "api/health_watch.h"
#include "api/inference.h"
#include "api/metadata.h"
#include "api/predict.h"
#include "api/profiler.h"
#include "api/record.h"
#include "api/reflection.h"
#include "api/reload.h"
#include "api/status.h"

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
    {"/tensord.Administration/GetConfig", api_get_config, NET_UNARY},
    {"/grpc.health.v1.Health/Check", api_health_check, NET_UNARY},
    {"/grpc.health.v1.Health/Watch", api_health_watch, NET_WATCH},
    {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", api_reflection, NET_STREAM},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", api_reflection, NET_STREAM},
    {"/tensorflow.ProfilerService/Profile", api_profile, NET_UNARY},
    {"/tensorflow.ProfilerService/Terminate", api_terminate, NET_UNARY},
    {"/tensorflow.ProfilerService/Monitor", api_monitor, NET_UNARY},
};

enum {
    RPCS = sizeof api_rpcs / sizeof *api_rpcs,
    PROFILER_RPCS = 3, /* the last */
};

size_t api_rpc_count(const struct api *api)
{
    return api->profiler ? RPCS : RPCS - PROFILER_RPCS;
}
