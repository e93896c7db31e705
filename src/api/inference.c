/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of Classify and Regress are alike, and examples stay bytes; so one message,
 * tensord.SerializedRequest, reads both. MultiInference finds the model that its first task names,
 * and always runs on a worker: which signatures are asked for together may have to be compiled.
 */
#include "api/inference.h"

#include "api/record.h"
#include "servables/tensorflow/classify.h"
#include "servables/tensorflow/examples.h"
#include "servables/tensorflow/multi_inference.h"
#include "servables/tensorflow/regress.h"

/* ---- Classify, Regress ---- */

enum code inference_call_find(struct inference_call *call, struct error *err)
{
    struct api_call *base = &call->call;
    struct arena *arena = &base->exchange->arena;
    enum code code = api_call_find(base, call->request.model_spec, err);
    if (!code)
        code = inference_find(base->servable->object, call->request.model_spec->signature_name,
                              call->kind, arena, &call->head, err);
    if (!code)
        api_call_note_signature(base, call->head.info->name);
    return code;
}

enum prediction_log_kind inference_call_log_kind(const struct inference_call *call)
{
    return call->kind == &classify_kind ? PREDICTION_LOG_CLASSIFY : PREDICTION_LOG_REGRESS;
}

bool inference_call_is_tiny(struct api_call *base)
{
    const struct inference_call *call = (const struct inference_call *)base;
    return inference_is_tiny(&call->head, call->request.input);
}

enum code inference_call_start(struct api_call *base, struct error *err)
{
    struct inference_call *call = (struct inference_call *)base;
    enum code code = examples_to_tensor(call->request.input, base->run.arena, &call->examples, err);
    if (code)
        return code;
    api_call_set_task(base, &call->task);
    inference_begin(&call->head, &call->examples, &call->task);
    session_task_start(&call->task);
    return CODE_OK;
}

enum code inference_call_encode(const struct inference_call *call,
                                const struct pb_inference_result *result, struct span *bytes,
                                struct error *err)
{
    struct arena *arena = &call->call.exchange->arena;
    struct pb_model_spec *spec = api_call_model_spec(
        call->call.servable, call->request.model_spec->name, call->head.info->name, arena);
    if (result->result_case == INFERENCE_CLASSIFICATION)
        return pb_encode_large(&pb_classification_response_type,
                               &(struct pb_classification_response){
                                   .model_spec = spec, .result = result->classification_result},
                               arena, bytes, err);
    return pb_encode_large(
        &pb_regression_response_type,
        &(struct pb_regression_response){.model_spec = spec, .result = result->regression_result},
        arena, bytes, err);
}

static enum code prepare(struct api_call *base, struct error *err)
{
    struct inference_call *call = (struct inference_call *)base;
    enum code code = pb_decode(&pb_serialized_request_type, base->exchange->body,
                               &base->exchange->arena, &call->request, err);
    api_call_note_model(base, call->request.model_spec);
    return code ? code : inference_call_find(call, err);
}

static enum code answer(struct api_call *base, struct error *err)
{
    struct inference_call *call = (struct inference_call *)base;
    struct pb_inference_result result = {0};
    struct span bytes;
    enum code code = inference_end(&call->head, &call->task, &result, err);
    if (!code)
        code = inference_call_encode(call, &result, &bytes, err);
    if (code)
        return code;
    api_call_log(base, inference_call_log_kind(call), base->exchange->body, bytes);
    api_answer_bytes(base->exchange, bytes);
    return CODE_OK;
}

static void start(struct exchange *exchange, struct api *api, const struct inference_kind *kind)
{
    static const struct api_call_ops ops = {
        .prepare = prepare,
        .is_tiny = inference_call_is_tiny,
        .start = inference_call_start,
        .answer = answer,
        .fail = api_call_fail_rpc,
    };
    struct inference_call *call = api_call_new(api, exchange, &ops, sizeof *call);
    call->kind = kind;
    api_call_start(&call->call);
}

void api_classify(struct exchange *exchange, void *api)
{
    record_begin(exchange, api, (struct served_way){SERVED_CLASSIFY, false});
    start(exchange, api, &classify_kind);
}

void api_regress(struct exchange *exchange, void *api)
{
    record_begin(exchange, api, (struct served_way){SERVED_REGRESS, false});
    start(exchange, api, &regress_kind);
}

/* ---- MultiInference ---- */

struct multi_call {
    struct api_call call; /* first */
    struct pb_serialized_multi_request request;
    struct multi_inference inference;
    struct session_task task;
};

static enum code prepare_multi(struct api_call *base, struct error *err)
{
    static const struct pb_model_spec nothing;
    struct multi_call *call = (struct multi_call *)base;
    struct arena *arena = &base->exchange->arena;
    enum code code = pb_decode(&pb_serialized_multi_request_type, base->exchange->body, arena,
                               &call->request, err);
    if (code)
        return code;
    bool has_spec = call->request.tasks.count && call->request.tasks.items[0].model_spec;
    const struct pb_model_spec *spec =
        has_spec ? call->request.tasks.items[0].model_spec : &nothing;
    api_call_note_model(base, spec);
    return api_call_find(base, spec, err);
}

static enum code start_multi(struct api_call *base, struct error *err)
{
    struct multi_call *call = (struct multi_call *)base;
    api_call_set_task(base, &call->task);
    enum code code = multi_inference_begin(base->servable->object, &call->request, &call->task,
                                           &call->inference, err);
    if (code)
        return code;
    if (call->task.signature)
        session_task_start(&call->task);
    else
        api_call_end(base, CODE_OK, NULL);
    return CODE_OK;
}

static enum code answer_multi(struct api_call *base, struct error *err)
{
    const struct multi_call *call = (const struct multi_call *)base;
    struct pb_multi_inference_response response = {0};
    struct arena *arena = &base->exchange->arena;
    enum code code = multi_inference_end(&call->inference, &call->task, &response, err);
    if (code)
        return code;
    served_examples(base->servable->id.name, examples_count(call->request.input));
    for (size_t i = 0; i < response.results.count; i++) {
        struct pb_inference_result *result = &response.results.items[i];
        result->model_spec = api_call_model_spec(base->servable, result->model_spec->name,
                                                 result->model_spec->signature_name, arena);
    }
    struct span bytes;
    code = pb_encode_large(&pb_multi_inference_response_type, &response, arena, &bytes, err);
    if (code)
        return code;
    api_call_log(base, PREDICTION_LOG_MULTI_INFERENCE, base->exchange->body, bytes);
    api_answer_bytes(base->exchange, bytes);
    return CODE_OK;
}

void api_multi_inference(struct exchange *exchange, void *api)
{
    static const struct api_call_ops ops = {
        .prepare = prepare_multi,
        .start = start_multi,
        .answer = answer_multi,
        .fail = api_call_fail_rpc,
    };
    record_begin(exchange, api, (struct served_way){SERVED_MULTI_INFERENCE, false});
    api_call_start(api_call_new(api, exchange, &ops, sizeof(struct multi_call)));
}
