/* SPDX-License-Identifier: Apache-2.0 */
/* {"model_spec": ..., "metadata": {"signature_def": ...}}, as protobuf's own JSON of both. */
#include "api/rest_metadata.h"

#include "api/metadata.h"
#include "api/rest.h"

struct rest_metadata_call {
    struct api_call call;       /* first */
    struct pb_model_spec *spec; /* in the exchange's arena */
};

static enum code prepare(struct api_call *base, struct error *err)
{
    return api_call_find(base, ((const struct rest_metadata_call *)base)->spec, err);
}

static enum code answer(struct api_call *base, struct error *err)
{
    const struct rest_metadata_call *call = (const struct rest_metadata_call *)base;
    struct arena *arena = &base->exchange->arena;
    struct pb_signature_def_map map;
    (void)err;
    metadata_signatures(base, &map);
    struct pb_model_spec *found =
        api_call_model_spec(base->servable, call->spec->name, (struct span){0}, arena);
    struct span spec = pb_print_json(&pb_model_spec_type, found, arena);
    struct span signatures = pb_print_json(&pb_signature_def_map_type, &map, arena);
    const char *json = arena_printf(arena,
                                    "{\n\"model_spec\":%.*s,\n\"metadata\": {\"signature_def\": "
                                    "%.*s}\n}\n",
                                    SPAN_ARG(spec), SPAN_ARG(signatures));
    rest_answer(base->api, base->exchange, REST_JSON, span_of(json));
    return CODE_OK;
}

static void fail(struct api_call *base, const struct error *err)
{
    rest_answer_error(base->api, base->exchange, err);
}

void rest_metadata(struct api *api, struct exchange *exchange, const struct rest_url *url)
{
    static const struct api_call_ops ops = {
        .prepare = prepare,
        .is_tiny = metadata_is_tiny,
        .answer = answer,
        .fail = fail,
    };
    struct rest_metadata_call *call = rest_call_new(api, exchange, &ops, sizeof *call);
    call->spec = rest_model_spec(url, &exchange->arena);
    api_call_start(&call->call);
}
