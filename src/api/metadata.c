/* SPDX-License-Identifier: Apache-2.0 */
/* The only metadata are a model's signatures, as its file has them. */
#include "api/metadata.h"

#include "api/record.h"
#include "servables/tensorflow/session.h"

#define SIGNATURE_DEF "signature_def"
#define TYPE_URL      "type.googleapis.com/tensorflow.serving.SignatureDefMap"

void metadata_signatures(const struct api_call *call, struct pb_signature_def_map *map)
{
    const struct savedmodel *model = session_model(call->servable->object);
    size_t count = model->signature_count;
    *map = (struct pb_signature_def_map){0};
    map->signature_def.items = ARENA_ARRAY(
        &call->exchange->arena, struct pb_signature_def_map_signature_def_entry, count + 1);
    map->signature_def.count = count;
    for (size_t i = 0; i < count; i++) {
        map->signature_def.items[i].key = model->signatures[i].name;
        map->signature_def.items[i].value =
            (struct pb_signature_def *)(uintptr_t)model->signatures[i].proto;
    }
}

bool metadata_is_tiny(struct api_call *call)
{
    (void)call;
    return true;
}

/* ---- over gRPC ---- */

struct metadata_call {
    struct api_call call; /* first */
    struct pb_get_model_metadata_request request;
};

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

static enum code prepare(struct api_call *base, struct error *err)
{
    struct metadata_call *call = (struct metadata_call *)base;
    struct exchange *exchange = base->exchange;
    enum code code = pb_decode(&pb_get_model_metadata_request_type, exchange->body,
                               &exchange->arena, &call->request, err);
    if (!code)
        code = check(&call->request, err);
    return code ? code : api_call_find(base, call->request.model_spec, err);
}

static enum code answer(struct api_call *base, struct error *err)
{
    const struct metadata_call *call = (const struct metadata_call *)base;
    struct arena *arena = &base->exchange->arena;
    struct pb_signature_def_map map;
    (void)err;
    metadata_signatures(base, &map);
    struct pb_get_model_metadata_response_metadata_entry *entry =
        ARENA_NEW(arena, struct pb_get_model_metadata_response_metadata_entry);
    entry->key = SPAN_LITERAL(SIGNATURE_DEF);
    entry->value = ARENA_NEW(arena, struct pb_any);
    entry->value->type_url = SPAN_LITERAL(TYPE_URL);
    entry->value->value = pb_encode(&pb_signature_def_map_type, &map, arena);
    struct pb_get_model_metadata_response response = {
        .model_spec = api_call_model_spec(base->servable, call->request.model_spec->name,
                                          (struct span){0}, arena),
        .metadata = {.items = entry, .count = 1},
    };
    api_answer(base->exchange, &pb_get_model_metadata_response_type, &response);
    return CODE_OK;
}

void api_metadata(struct exchange *exchange, void *api)
{
    static const struct api_call_ops ops = {
        .prepare = prepare,
        .is_tiny = metadata_is_tiny,
        .answer = answer,
        .fail = api_call_fail_rpc,
    };
    record_begin(exchange, api, (struct served_way){SERVED_METADATA, false});
    api_call_start(api_call_new(api, exchange, &ops, sizeof(struct metadata_call)));
}
