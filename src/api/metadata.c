/* SPDX-License-Identifier: Apache-2.0 */
/* The only metadata are a model's signatures, as its file has them. */
#include "api/metadata.h"

#include "api/api_call.h"
#include "servables/tensorflow/session.h"

#define SIGNATURE_DEF "signature_def"
#define TYPE_URL      "type.googleapis.com/tensorflow.serving.SignatureDefMap"

static void fill_map(const struct savedmodel *model, struct arena *arena,
                     struct pb_signature_def_map *map)
{
    size_t count = model->signature_count;
    map->signature_def.items =
        ARENA_ARRAY(arena, struct pb_signature_def_map_signature_def_entry, count + 1);
    map->signature_def.count = count;
    for (size_t i = 0; i < count; i++) {
        map->signature_def.items[i].key = model->signatures[i].name;
        map->signature_def.items[i].value =
            (struct pb_signature_def *)(uintptr_t)model->signatures[i].proto;
    }
}

static enum code check(const struct pb_get_model_metadata_request *request, struct error *err)
{
    if (!request->model_spec)
        return error_set(err, CODE_INVALID_ARGUMENT, "Missing ModelSpec");
    if (!request->metadata_field.count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "GetModelMetadataRequest must specify at least one metadata_field");
    for (size_t i = 0; i < request->metadata_field.count; i++) {
        struct span field = request->metadata_field.items[i];
        if (!span_is(field, SIGNATURE_DEF))
            return error_set(err, CODE_INVALID_ARGUMENT, "Metadata field %.*s is not supported",
                             SPAN_ARG(field));
    }
    return CODE_OK;
}

static enum code get(const struct api *api, const struct pb_model_spec *asked, struct arena *arena,
                     struct pb_get_model_metadata_response *response, struct error *err)
{
    struct servable *servable;
    enum code code = api_find(api, asked, arena, &servable, err);
    if (code)
        return code;
    struct pb_signature_def_map map = {0};
    fill_map(session_model(servable->object), arena, &map);
    struct pb_get_model_metadata_response_metadata_entry *entry =
        ARENA_NEW(arena, struct pb_get_model_metadata_response_metadata_entry);
    entry->key = SPAN_LITERAL(SIGNATURE_DEF);
    entry->value = ARENA_NEW(arena, struct pb_any);
    entry->value->type_url = SPAN_LITERAL(TYPE_URL);
    entry->value->value = pb_encode(&pb_signature_def_map_type, &map, arena);
    response->model_spec = api_call_model_spec(servable, asked->name, (struct span){0}, arena);
    response->metadata.items = entry;
    response->metadata.count = 1;
    return CODE_OK;
}

void api_metadata(struct exchange *exchange, void *context)
{
    struct arena *arena = &exchange->arena;
    struct pb_get_model_metadata_request request;
    struct pb_get_model_metadata_response response = {0};
    struct error err;
    if (pb_decode(&pb_get_model_metadata_request_type, exchange->body, arena, &request, &err) ||
        check(&request, &err) || get(context, request.model_spec, arena, &response, &err))
        api_answer_error(exchange, &err);
    else
        api_answer(exchange, &pb_get_model_metadata_response_type, &response);
}

enum code api_metadata_json(const struct api *api, const struct pb_model_spec *asked,
                            struct arena *arena, struct span *json, struct error *err)
{
    struct servable *servable;
    enum code code = api_find(api, asked, arena, &servable, err);
    if (code)
        return code;
    struct pb_signature_def_map map = {0};
    fill_map(session_model(servable->object), arena, &map);
    struct span spec =
        pb_print_json(&pb_model_spec_type,
                      api_call_model_spec(servable, asked->name, (struct span){0}, arena), arena);
    struct span signatures = pb_print_json(&pb_signature_def_map_type, &map, arena);
    *json = span_of(arena_printf(arena,
                                 "{\n\"model_spec\":%.*s,\n\"metadata\": {\"signature_def\": "
                                 "%.*s}\n}\n",
                                 SPAN_ARG(spec), SPAN_ARG(signatures)));
    return CODE_OK;
}
