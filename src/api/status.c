/* SPDX-License-Identifier: Apache-2.0 */
#include "api/status.h"

#include <stdlib.h>

#include "api/record.h"
#include "wire/json.h"

static const int32_t numbers[STATE_COUNT] = {
    [STATE_START] = PB_MODEL_VERSION_STATUS_STATE_START,
    [STATE_LOADING] = PB_MODEL_VERSION_STATUS_STATE_LOADING,
    [STATE_AVAILABLE] = PB_MODEL_VERSION_STATUS_STATE_AVAILABLE,
    [STATE_UNLOADING] = PB_MODEL_VERSION_STATUS_STATE_UNLOADING,
    [STATE_END] = PB_MODEL_VERSION_STATUS_STATE_END,
};

static void fill(struct pb_model_version_status *status, const struct version_state *version,
                 struct arena *arena)
{
    status->version = version->version;
    status->state = numbers[version->state];
    status->status = ARENA_NEW(arena, struct pb_status_proto);
    status->status->error_code = (int32_t)version->code;
    status->status->error_message = span_of(version->message);
}

static size_t pick(struct version_state *versions, size_t count, int64_t version)
{
    for (size_t i = 0; i < count; i++) {
        if (versions[i].version == version) {
            versions[0] = versions[i];
            return 1;
        }
    }
    return 0;
}

enum code api_status_get(const struct api *api, const struct pb_model_spec *spec,
                         struct arena *arena, struct pb_get_model_status_response *response,
                         struct error *err)
{
    if (!spec)
        return error_set(err, CODE_INVALID_ARGUMENT, "Missing ModelSpec");
    struct version_state *versions;
    size_t count = state_monitor_get(api->core->monitor, spec->name, arena, &versions);
    bool has_version = spec->version_choice_case == API_SPEC_VERSION;
    if (!count && !has_version)
        return error_set(err, CODE_NOT_FOUND, "Could not find any versions of model %.*s",
                         SPAN_ARG(spec->name));
    if (has_version)
        count = pick(versions, count, spec->version->value);
    if (!count)
        return error_set(err, CODE_NOT_FOUND, "Could not find version %lld of model %.*s",
                         (long long)spec->version->value, SPAN_ARG(spec->name));
    *response = (struct pb_get_model_status_response){0};
    response->model_version_status.count = count;
    response->model_version_status.items =
        ARENA_ARRAY(arena, struct pb_model_version_status, count);
    for (size_t i = 0; i < count; i++)
        fill(&response->model_version_status.items[i], &versions[i], arena);
    return CODE_OK;
}

static int compare_names(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static void write_version(struct json_writer *w, const struct version_state *version)
{
    json_item(w);
    json_open_object(w);
    json_key(w, SPAN_LITERAL("version"));
    json_write_int(w, version->version);
    json_key(w, SPAN_LITERAL("state"));
    json_write_string(w, span_of(state_name(version->state)));
    if (version->code || version->message[0]) {
        json_key(w, SPAN_LITERAL("error_code"));
        json_write_string(w, span_of(code_name(version->code)));
        json_key(w, SPAN_LITERAL("error_message"));
        json_write_string(w, span_of(version->message));
    }
    json_close(w);
}

static void write_model(struct json_writer *w, const struct api *api, struct span name,
                        struct arena *arena)
{
    struct version_state *versions;
    size_t count = state_monitor_get(api->core->monitor, name, arena, &versions);
    json_item(w);
    json_open_object(w);
    json_key(w, SPAN_LITERAL("name"));
    json_write_string(w, name);
    json_key(w, SPAN_LITERAL("versions"));
    json_open_array(w);
    for (size_t i = 0; i < count; i++)
        write_version(w, &versions[i]);
    json_close(w);
    json_close(w);
}

struct span api_status_list(const struct api *api, struct arena *arena)
{
    struct span *names;
    struct json_writer w;
    size_t count = state_monitor_names(api->core->monitor, arena, &names);
    qsort(names, count, sizeof *names, compare_names);
    json_writer_init(&w, arena, 200 * count);
    json_open_object(&w);
    json_key(&w, SPAN_LITERAL("models"));
    json_open_array(&w);
    for (size_t i = 0; i < count; i++)
        write_model(&w, api, names[i], arena);
    json_close(&w);
    json_close(&w);
    return json_writer_text(&w);
}

void api_status(struct exchange *exchange, void *context)
{
    struct pb_get_model_status_request request;
    struct pb_get_model_status_response response;
    struct error err;
    record_begin(exchange, context, (struct served_way){SERVED_STATUS, false});
    if (pb_decode(&pb_get_model_status_request_type, exchange->body, &exchange->arena, &request,
                  &err) ||
        api_status_get(context, request.model_spec, &exchange->arena, &response, &err))
        api_answer_error(exchange, &err);
    else
        api_answer(exchange, &pb_get_model_status_response_type, &response);
}
