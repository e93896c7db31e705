/* SPDX-License-Identifier: Apache-2.0 */
#include "api/reload.h"

#include <stdlib.h>

#include "api/metrics_page.h"
#include "api/model_server_config.h"
#include "api/record.h"
#include "base/log.h"

enum { METRIC_INT64_VALUE_INCREASE = 2 }; /* value_increase_case: the field's number */

struct reload_call {
    struct job job; /* first */
    const struct api *api;
    struct exchange *exchange;
    struct model_configs *configs; /* owned until it is handed to the core */
    /* Increases of metrics that are asked for. */
    struct pb_metric *metrics;
    size_t metric_count;
};

/* ---- metrics ---- */

static int compare_names(const void *a, const void *b)
{
    const struct pb_metric *x = a, *y = b;
    return span_compare(x->name, y->name);
}

/* Each name once. */
static void take_names(struct reload_call *call, const struct pb_spans *names)
{
    struct pb_metric *metrics =
        ARENA_ARRAY(&call->exchange->arena, struct pb_metric, names->count + 1);
    for (size_t i = 0; i < names->count; i++)
        metrics[i] = (struct pb_metric){
            .name = names->items[i],
            .value_increase_case = METRIC_INT64_VALUE_INCREASE,
        };
    qsort(metrics, names->count, sizeof *metrics, compare_names);
    for (size_t i = 0; i < names->count; i++) {
        if (!call->metric_count || compare_names(&metrics[call->metric_count - 1], &metrics[i]))
            metrics[call->metric_count++] = metrics[i];
    }
    call->metrics = metrics;
}

/* Adds what they are now, times `sign`. */
static void add_metrics(struct reload_call *call, int64_t sign)
{
    if (!call->metric_count)
        return;
    struct scrape *scrape = metrics_scrape(call->api, &call->exchange->arena);
    for (size_t i = 0; i < call->metric_count; i++)
        call->metrics[i].int64_value_increase += sign * scrape_first(scrape, call->metrics[i].name);
}

/* ---- the request ---- */

static enum code read_request(struct reload_call *call, struct error *err)
{
    struct arena *arena = &call->exchange->arena;
    struct pb_reload_config_request request;
    enum code code =
        pb_decode(&pb_reload_config_request_type, call->exchange->body, arena, &request, err);
    if (!code && request.config && api_is_model_list(request.config))
        code = api_model_configs(request.config, &call->configs, err);
    else if (!code)
        code = error_set(err, CODE_INVALID_ARGUMENT,
                         "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
                         "ModelConfigList is currently supported");
    if (!code)
        take_names(call, &request.metric_names);
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
    add_metrics(call, -1);
    if (reload(call, &err)) {
        log_error("HandleReloadConfigRequest failed: %s: %s", code_name(err.code), err.message);
        api_answer_error(exchange, &err);
        return;
    }
    add_metrics(call, 1);
    struct pb_status_proto status = {0};
    struct pb_reload_config_response response = {
        .status = &status,
        .metric = {call->metrics, call->metric_count},
    };
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
