/* SPDX-License-Identifier: Apache-2.0 */
/* Of any kind of servable (servables/kinds.h). */
#include "api/predict.h"

#include "api/api_call.h"
#include "api/record.h"
#include "servables/kinds.h"

struct predict_call {
    struct api_call call; /* first */
    struct pb_predict_request request;
    struct predict_task task;
};

static enum code prepare(struct api_call *base, struct error *err)
{
    struct predict_call *call = (struct predict_call *)base;
    enum code code = pb_decode(&pb_predict_request_type, base->exchange->body,
                               &base->exchange->arena, &call->request, err);
    api_call_note_model(base, call->request.model_spec);
    return code ? code : api_call_find_any(base, call->request.model_spec, err);
}

static const struct servable_kind *kind_of(const struct api_call *call)
{
    return servable_kind_of(call->servable->loader);
}

static bool is_tiny(struct api_call *base)
{
    const struct predict_call *call = (const struct predict_call *)base;
    return kind_of(base)->is_quick(base->servable->object, &call->request);
}

static void on_done(struct predict_task *task, enum code code, struct error *err)
{
    api_call_end(task->context, code, err);
}

static enum code start(struct api_call *base, struct error *err)
{
    struct predict_call *call = (struct predict_call *)base;
    (void)err;
    call->task.request = &call->request;
    call->task.content = base->api->tensor_content;
    call->task.run = &base->run;
    call->task.on_done = on_done;
    call->task.context = base;
    servable_kind_start(kind_of(base), base->servable->object, &call->task);
    return CODE_OK;
}

static enum code answer(struct api_call *base, struct error *err)
{
    struct predict_call *call = (struct predict_call *)base;
    struct pb_predict_response *response = &call->task.response;
    struct arena *arena = &base->exchange->arena;
    response->model_spec = api_call_model_spec(base->servable, call->request.model_spec->name,
                                               response->model_spec->signature_name, arena);
    struct span bytes;
    enum code code = pb_encode_large(&pb_predict_response_type, response, arena, &bytes, err);
    if (code)
        return code;
    api_call_log(base, PREDICTION_LOG_PREDICT, base->exchange->body, bytes);
    api_answer_bytes(base->exchange, bytes);
    return CODE_OK;
}

void api_predict(struct exchange *exchange, void *api)
{
    static const struct api_call_ops ops = {
        .prepare = prepare,
        .is_tiny = is_tiny,
        .start = start,
        .answer = answer,
        .fail = api_call_fail_rpc,
    };
    record_begin(exchange, api, (struct served_way){SERVED_PREDICT, false});
    api_call_start(api_call_new(api, exchange, &ops, sizeof(struct predict_call)));
}
