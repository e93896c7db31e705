/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call has two halves: prepare (read the message, find the model) and finish (run, answer). The
 * first is done on the loop unless the message is large; the second, too, where the signature is
 * known to be light. An output filter may have to compile a plan, so such calls always go to a
 * worker.
 */
#include "api/predict.h"

#include "api/api.h"
#include "engine/run.h"
#include "servables/tensorflow/predict.h"

struct predict_call {
    struct job job;
    struct api *api;
    struct exchange *exchange;
    struct servable *servable; /* stays until the exchange's arena is reset */
    struct pb_predict_request request;
};

static struct predict_call *call_of_job(struct job *job)
{
    return (struct predict_call *)((char *)job - offsetof(struct predict_call, job));
}

static enum code prepare(struct predict_call *call, struct error *err)
{
    struct exchange *exchange = call->exchange;
    enum code code =
        pb_decode(&pb_predict_request_type, exchange->body, &exchange->arena, &call->request, err);
    if (code)
        return code;
    return api_find(call->api, call->request.model_spec, &exchange->arena, &call->servable, err);
}

static bool is_tiny(const struct predict_call *call)
{
    struct session *session = call->servable->object;
    struct session_signature *signature;
    return !call->request.output_filter.count &&
           !predict_signature(session, call->request.model_spec->signature_name, &signature,
                              NULL) &&
           session_is_tiny(signature);
}

static enum code run(struct predict_call *call, struct pb_predict_response *response,
                     struct error *err)
{
    struct exchange *exchange = call->exchange;
    const struct servable *servable = call->servable;
    struct run run = {
        .arena = &exchange->arena,
        .cancelled = &exchange->cancelled,
        .deadline_us = exchange->deadline_us,
    };
    enum code code = run_check(&run, err);
    if (!code)
        code = predict(servable->object, &call->request, call->api->tensor_content, &run, response,
                       err);
    if (code)
        return code;
    struct pb_model_spec *spec = response->model_spec;
    spec->name = call->request.model_spec->name;
    spec->version_choice_case = API_SPEC_VERSION;
    spec->version = ARENA_NEW(&exchange->arena, struct pb_int64_value);
    spec->version->value = servable->id.version;
    return CODE_OK;
}

static void finish(struct predict_call *call)
{
    struct error err;
    struct pb_predict_response response = {0};
    if (run(call, &response, &err))
        api_answer_error(call->exchange, &err);
    else
        api_answer(call->exchange, &pb_predict_response_type, &response);
}

static void finish_on_worker(struct job *job)
{
    finish(call_of_job(job));
}

static void do_on_worker(struct job *job)
{
    struct predict_call *call = call_of_job(job);
    struct error err;
    if (prepare(call, &err))
        api_answer_error(call->exchange, &err);
    else
        finish(call);
}

static void submit(struct predict_call *call, void (*fn)(struct job *job))
{
    call->job.fn = fn;
    shard_add(&call->api->counters->on_worker, 1);
    worker_pool_submit(call->api->workers, &call->job);
}

void api_predict(struct exchange *exchange, void *context)
{
    struct predict_call *call = ARENA_NEW(&exchange->arena, struct predict_call);
    call->api = context;
    call->exchange = exchange;
    if (exchange->body.len > API_LARGE) {
        submit(call, do_on_worker);
        return;
    }
    struct error err;
    if (prepare(call, &err)) {
        api_answer_error(exchange, &err);
        return;
    }
    if (!is_tiny(call)) {
        submit(call, finish_on_worker);
        return;
    }
    shard_add(&call->api->counters->on_loop, 1);
    finish(call);
}
