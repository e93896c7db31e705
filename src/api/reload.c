/* SPDX-License-Identifier: Apache-2.0 */
#include "api/reload.h"

#include "api/model_server_config.h"
#include "api/record.h"
#include "base/log.h"

struct reload_call {
    struct job job; /* first */
    const struct api *api;
    struct exchange *exchange;
    struct model_configs *configs; /* owned until it is handed to the core */
};

static enum code read_request(struct reload_call *call, struct error *err)
{
    struct arena *arena = &call->exchange->arena;
    struct pb_reload_config_request request;
    enum code code =
        pb_decode(&pb_reload_config_request_type, call->exchange->body, arena, &request, err);
    if (!code && request.config)
        code = api_model_configs(request.config, &call->configs, err);
    if (!code && !call->configs)
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
                         "ModelConfigList is currently supported");
    return code;
}

static enum code reload(struct reload_call *call, struct error *err)
{
    struct server_core *core = call->api->core;
    struct server_core_news news;
    size_t count = call->configs->count;
    enum code code = server_core_reload(core, call->configs, &news, err);
    if (!code) {
        log_info("HandleReloadConfigRequest: %zu model%s, %zu of them new", count,
                 count == 1 ? "" : "s", news.count);
        code = server_core_await(core, &news, "model", err);
    }
    server_core_news_release(&news);
    return code;
}

static void do_reload(struct job *job)
{
    struct reload_call *call = (struct reload_call *)job;
    struct exchange *exchange = call->exchange;
    struct error err;
    if (reload(call, &err)) {
        log_error("HandleReloadConfigRequest failed: %s: %s", code_name(err.code), err.message);
        api_answer_error(exchange, &err);
        return;
    }
    struct pb_status_proto status = {0};
    struct pb_reload_config_response response = {.status = &status};
    api_answer(exchange, &pb_reload_config_response_type, &response);
}

void api_reload(struct exchange *exchange, void *context)
{
    struct reload_call *call = ARENA_NEW(&exchange->arena, struct reload_call);
    struct error err;
    record_begin(exchange, context, (struct served_way){SERVED_RELOAD, false});
    *call = (struct reload_call){.job = {.fn = do_reload}, .api = context, .exchange = exchange};
    if (read_request(call, &err))
        api_answer_error(exchange, &err);
    else
        worker_pool_submit(call->api->reloads, &call->job);
}
