/* SPDX-License-Identifier: Apache-2.0 */
#include "api/health.h"

bool api_is_ready(const struct api *api)
{
    return atomic_load_explicit(&api->life->started, memory_order_relaxed) &&
           !atomic_load_explicit(&api->life->ending, memory_order_relaxed);
}

static bool is_whole_server(struct span service)
{
    static const char *const names[] = {
        "",
        "PredictionService",
        "ModelService",
        "tensorflow.serving.PredictionService",
        "tensorflow.serving.ModelService",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (span_is(service, names[i]))
            return true;
    }
    return false;
}

int32_t api_health_of(const struct api *api, struct span service)
{
    bool serving = api_is_ready(api);
    if (!is_whole_server(service)) {
        if (!server_core_wants(api->core, service))
            return PB_HEALTH_CHECK_RESPONSE_SERVING_STATUS_SERVICE_UNKNOWN;
        serving = manager_answers(api->core->manager, service) && !atomic_load(&api->life->ending);
    }
    return serving ? PB_HEALTH_CHECK_RESPONSE_SERVING_STATUS_SERVING
                   : PB_HEALTH_CHECK_RESPONSE_SERVING_STATUS_NOT_SERVING;
}

static enum code check(const struct api *api, struct span service,
                       struct pb_health_check_response *response, struct error *err)
{
    response->status = api_health_of(api, service);
    if (response->status == PB_HEALTH_CHECK_RESPONSE_SERVING_STATUS_SERVICE_UNKNOWN)
        return error_set(err, CODE_NOT_FOUND, "unknown service");
    return CODE_OK;
}

void api_health_check(struct exchange *exchange, void *context)
{
    struct pb_health_check_request request;
    struct pb_health_check_response response = {0};
    struct error err;
    if (pb_decode(&pb_health_check_request_type, exchange->body, &exchange->arena, &request,
                  &err) ||
        check(context, request.service, &response, &err))
        api_answer_error(exchange, &err);
    else
        api_answer(exchange, &pb_health_check_response_type, &response);
}
