/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In two halves like the gRPC call (api/predict.c). The order of the checks is the original's:
 * JSON, signature_name, model, signature, instances or inputs, and what Predict itself says. An
 * input's dtype is the signature's, its shape the JSON's.
 */
#include "api/rest_predict.h"

#include "api/rest.h"
#include "base/clock.h"
#include "engine/run.h"
#include "servables/tensorflow/predict.h"
#include "tensor/tensor_json.h"

struct rest_call {
    struct job job;
    struct api *api;
    struct exchange *exchange;
    struct pb_model_spec *spec; /* in the exchange's arena */
    const struct json_value *root;
    struct servable *servable; /* stays until the exchange's arena is reset */
    struct session_signature *signature;
};

static struct rest_call *call_of_job(struct job *job)
{
    return (struct rest_call *)((char *)job - offsetof(struct rest_call, job));
}

static enum code complain(const struct json_value *value, const char *what, struct arena *arena,
                          struct error *err)
{
    struct span dump = json_dump(value, arena);
    return error_set(err, CODE_INVALID_ARGUMENT, "JSON Value: %.*s %s", SPAN_ARG(dump), what);
}

static enum code parse(struct rest_call *call, struct error *err)
{
    struct arena *arena = &call->exchange->arena;
    struct json_document document;
    enum code code = json_parse(call->exchange->body, arena, &document, err);
    if (code)
        return code;
    call->root = document.values;
    if (call->root->type != JSON_OBJECT)
        return complain(call->root, "Is not object", arena, err);
    const struct json_value *name = json_member(call->root, SPAN_LITERAL("signature_name"));
    if (name && name->type != JSON_STRING)
        return complain(name,
                        "not formatted correctly. 'signature_name' key must be a string value.",
                        arena, err);
    if (name)
        call->spec->signature_name = json_string(name);
    return CODE_OK;
}

static enum code find_signature(struct rest_call *call, struct error *err)
{
    struct span name = call->spec->signature_name;
    struct session *session = call->servable->object;
    if (predict_signature(session, name, &call->signature, NULL)) {
        struct span shown = name.len ? name : SPAN_LITERAL("serving_default");
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Serving signature name: \"%.*s\" not found in signature def",
                         SPAN_ARG(shown));
    }
    if (session_signature_info(call->signature)->input_count)
        return CODE_OK;
    struct span shown = name.len ? name : SPAN_LITERAL("DEFAULT");
    return error_set(err, CODE_INVALID_ARGUMENT, "Failed to get input map for signature: %.*s",
                     SPAN_ARG(shown));
}

static enum code prepare(struct rest_call *call, struct error *err)
{
    enum code code = parse(call, err);
    if (!code)
        code = api_find(call->api, call->spec, &call->exchange->arena, &call->servable, err);
    if (!code)
        code = find_signature(call, err);
    return code;
}

static enum code read_tensors(struct rest_call *call, struct predict_tensor **tensors,
                              size_t *filled, enum tensor_json_format *format, struct error *err)
{
    const struct savedmodel_signature *info = session_signature_info(call->signature);
    struct arena *arena = &call->exchange->arena;
    size_t count = info->input_count;
    struct tensor_json_input *inputs = ARENA_ARRAY(arena, struct tensor_json_input, count);
    struct tensor_json_named *named = ARENA_ARRAY(arena, struct tensor_json_named, count);
    for (size_t i = 0; i < count; i++)
        inputs[i] = (struct tensor_json_input){info->inputs[i].alias, info->inputs[i].dtype};
    enum code code = tensor_json_read(call->root, inputs, count, arena, named, filled, format, err);
    *tensors = ARENA_ARRAY(arena, struct predict_tensor, count);
    for (size_t i = 0; !code && i < *filled; i++)
        (*tensors)[i] = (struct predict_tensor){named[i].name, named[i].tensor};
    return code;
}

static enum code write_tensors(const struct predict_tensor *tensors, size_t count,
                               enum tensor_json_format format, struct arena *arena,
                               struct span *json, struct error *err)
{
    struct tensor_json_named *named = ARENA_ARRAY(arena, struct tensor_json_named, count);
    size_t expected = 64;
    for (size_t i = 0; i < count; i++) {
        named[i] = (struct tensor_json_named){tensors[i].alias, tensors[i].tensor};
        expected += 64 + 12 * (size_t)tensor_elements(&tensors[i].tensor);
    }
    struct json_writer w;
    json_writer_init(&w, arena, expected);
    enum code code = tensor_json_write(&w, format, named, count, err);
    *json = json_writer_text(&w);
    return code;
}

/* Of the exchange's own deadline and the REST API's limit. */
static int64_t deadline_of(const struct rest_call *call)
{
    const struct exchange *exchange = call->exchange;
    int64_t until_us;
    if (call->api->rest_timeout_us <= 0 ||
        __builtin_add_overflow(exchange->start_us, call->api->rest_timeout_us, &until_us))
        return exchange->deadline_us;
    return until_us < exchange->deadline_us ? until_us : exchange->deadline_us;
}

static enum code run(struct rest_call *call, struct span *json, struct error *err)
{
    struct exchange *exchange = call->exchange;
    struct run run = {
        .arena = &exchange->arena,
        .cancelled = &exchange->cancelled,
        .deadline_us = deadline_of(call),
    };
    struct predict_tensor *inputs, *outputs;
    size_t input_count, output_count;
    enum tensor_json_format format;
    enum code code = run_check(&run, err);
    if (!code)
        code = read_tensors(call, &inputs, &input_count, &format, err);
    if (!code)
        code = predict_run(call->signature, inputs, input_count, NULL, &run, &outputs,
                           &output_count, err);
    return code ? code : write_tensors(outputs, output_count, format, &exchange->arena, json, err);
}

static void finish(struct rest_call *call)
{
    struct error err;
    struct span json;
    if (run(call, &json, &err))
        rest_answer_error(call->api, call->exchange, &err);
    else
        rest_answer(call->api, call->exchange, json);
}

static void finish_on_worker(struct job *job)
{
    finish(call_of_job(job));
}

static void do_on_worker(struct job *job)
{
    struct rest_call *call = call_of_job(job);
    struct error err;
    if (prepare(call, &err))
        rest_answer_error(call->api, call->exchange, &err);
    else
        finish(call);
}

static void submit(struct rest_call *call, void (*fn)(struct job *job))
{
    call->job.fn = fn;
    shard_add(&call->api->counters->on_worker, 1);
    worker_pool_submit(call->api->workers, &call->job);
}

void rest_predict(struct api *api, struct exchange *exchange, const struct rest_url *url)
{
    struct rest_call *call = ARENA_NEW(&exchange->arena, struct rest_call);
    call->api = api;
    call->exchange = exchange;
    call->spec = rest_model_spec(url, &exchange->arena);
    struct error err;
    if (exchange->body.len > API_LARGE) {
        submit(call, do_on_worker);
    } else if (prepare(call, &err)) {
        rest_answer_error(call->api, call->exchange, &err);
    } else if (!session_is_tiny(call->signature)) {
        submit(call, finish_on_worker);
    } else {
        shard_add(&api->counters->on_loop, 1);
        finish(call);
    }
}
