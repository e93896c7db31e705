/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Features in JSON become serialised Examples, as a gRPC client sends them; from there on the call
 * is that of api/inference.h. All of the JSON is read before the model is looked for: so does the
 * original. A message as body stands for its examples and its signature; the model is the URL's.
 */
#include "api/rest_inference.h"

#include "api/inference.h"
#include "api/rest.h"
#include "api/rest_json.h"
#include "servables/tensorflow/classify.h"
#include "servables/tensorflow/examples.h"
#include "servables/tensorflow/regress.h"
#include "tensor/example.h"

struct rest_inference_call {
    struct inference_call inference; /* first */
    struct pb_model_spec *spec;      /* the URL's */
    enum rest_format body;
    enum rest_format answer;
    const struct json_value *root;  /* of a JSON body */
    const struct json_value *fault; /* what an error is about; NULL: no value of it */
};

/* ---- JSON in ---- */

static enum code read_examples(struct rest_inference_call *call, struct arena *arena,
                               struct pb_spans *examples, struct error *err)
{
    const struct json_value *root = call->root;
    call->fault = NULL;
    const struct json_value *list = json_member(root, SPAN_LITERAL("examples"));
    if (!list)
        return rest_json_complain(
            root, "When method is classify, key 'examples' is expected and was not found", arena,
            err);
    call->fault = list;
    if (list->type != JSON_ARRAY)
        return rest_json_complain(root, "Expecting 'examples' value to be an list/array", arena,
                                  err);
    if (!list->count)
        return rest_json_complain(root, "'examples' value is an empty array", arena, err);
    examples->items = ARENA_ARRAY(arena, struct span, list->count);
    for (const struct json_value *v = json_first(list); v < json_end(list); v = json_next(v)) {
        struct span *bytes = &examples->items[examples->count++];
        enum code code = example_from_json(v, arena, bytes, &call->fault, err);
        if (code)
            return code;
    }
    call->fault = NULL;
    return CODE_OK;
}

static enum code read_json(struct rest_inference_call *call, struct error *err)
{
    struct exchange *exchange = call->inference.call.exchange;
    struct arena *arena = &exchange->arena;
    struct pb_spans examples = {0};
    struct span context = {0};
    enum code code =
        rest_json_read(exchange->body, arena, &call->root, &call->spec->signature_name, err);
    const struct json_value *shared =
        code ? NULL : json_member(call->root, SPAN_LITERAL("context"));
    if (shared)
        code = example_from_json(shared, arena, &context, &call->fault, err);
    if (!code)
        code = read_examples(call, arena, &examples, err);
    if (code)
        return code;
    struct pb_serialized_input *input = ARENA_NEW(arena, struct pb_serialized_input);
    input->kind_case = INPUT_WITH_CONTEXT;
    input->example_list_with_context =
        ARENA_NEW(arena, struct pb_serialized_example_list_with_context);
    input->example_list_with_context->examples = examples;
    input->example_list_with_context->context = context;
    call->inference.request.input = input;
    return CODE_OK;
}

/* ---- messages in ---- */

static enum code read_message(struct rest_inference_call *call, struct error *err)
{
    struct exchange *exchange = call->inference.call.exchange;
    struct pb_serialized_request *request = &call->inference.request;
    enum code code =
        pb_decode(&pb_serialized_request_type, exchange->body, &exchange->arena, request, err);
    if (!code && request->model_spec)
        call->spec->signature_name = request->model_spec->signature_name;
    return code;
}

static enum code refuse_array(struct rest_inference_call *call, struct error *err)
{
    (void)call;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "application/x-npy is for :predict; examples are expected here");
}

static enum code prepare(struct api_call *base, struct error *err)
{
    static enum code (*const readers[REST_FORMAT_COUNT])(struct rest_inference_call * call,
                                                         struct error * err) = {
        [REST_JSON] = read_json,
        [REST_PROTOBUF] = read_message,
        [REST_NPY] = refuse_array,
    };
    struct rest_inference_call *call = (struct rest_inference_call *)base;
    enum code code = readers[call->body](call, err);
    call->inference.request.model_spec = call->spec;
    return code ? code : inference_call_find(&call->inference, err);
}

/* ---- out ---- */

static enum code write_classes(struct json_writer *w, const struct pb_classification_result *result,
                               struct error *err)
{
    if (!result->classifications.count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Cannot convert empty ClassificationResults to JSON");
    json_open_array(w);
    w->single_line = true;
    for (size_t i = 0; i < result->classifications.count && !w->failed; i++) {
        const struct pb_classifications *row = &result->classifications.items[i];
        json_item(w);
        json_open_array(w);
        for (size_t k = 0; k < row->classes.count && !w->failed; k++) {
            json_item(w);
            json_open_array(w);
            json_item(w);
            json_write_string(w, row->classes.items[k].label);
            json_item(w);
            json_write_float(w, row->classes.items[k].score);
            json_close(w);
        }
        json_close(w);
    }
    w->single_line = false;
    json_close(w);
    return CODE_OK;
}

static enum code write_values(struct json_writer *w, const struct pb_regression_result *result,
                              struct error *err)
{
    if (!result->regressions.count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Cannot convert empty RegressionResults to JSON");
    w->single_line = true;
    json_open_array(w);
    for (size_t i = 0; i < result->regressions.count && !w->failed; i++) {
        json_item(w);
        json_write_float(w, result->regressions.items[i].value);
    }
    json_close(w);
    return CODE_OK;
}

static enum code write_json(const struct inference_call *call,
                            const struct pb_inference_result *result, struct span *json,
                            struct error *err)
{
    struct json_writer w;
    json_writer_init(&w, &call->call.exchange->arena, 4096);
    json_item(&w);
    json_open_object(&w);
    json_key(&w, SPAN_LITERAL("results"));
    enum code code = result->result_case == INFERENCE_CLASSIFICATION
                         ? write_classes(&w, result->classification_result, err)
                         : write_values(&w, result->regression_result, err);
    json_close(&w);
    if (!code && w.failed)
        code = error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM when writing the answer as JSON");
    *json = json_writer_text(&w);
    return code;
}

/* As it would have been over gRPC. */
static void log_call(struct inference_call *call, const struct pb_inference_result *result)
{
    struct request_log_choice choice;
    struct arena *arena = &call->call.exchange->arena;
    struct span request, response;
    if (!api_call_is_logged(&call->call, &choice))
        return;
    if (pb_encode_large(&pb_serialized_request_type, &call->request, arena, &request, NULL) ||
        inference_call_encode(call, result, &response, NULL))
        request = response = (struct span){0};
    api_call_log_chosen(&call->call, &choice, inference_call_log_kind(call), request, response);
}

static enum code answer(struct api_call *base, struct error *err)
{
    struct rest_inference_call *call = (struct rest_inference_call *)base;
    struct inference_call *inference = &call->inference;
    struct pb_inference_result result = {0};
    struct span body;
    bool is_json = call->answer != REST_PROTOBUF;
    enum code code = inference_end(&inference->head, &inference->task, &result, err);
    if (!code)
        code = (is_json ? write_json : inference_call_encode)(inference, &result, &body, err);
    if (code)
        return code;
    log_call(inference, &result);
    rest_answer(base->api, base->exchange, is_json ? REST_JSON : REST_PROTOBUF, body);
    return CODE_OK;
}

/* Of a JSON body the answer says where it went wrong. */
static void fail(struct api_call *base, const struct error *err)
{
    const struct rest_inference_call *call = (const struct rest_inference_call *)base;
    rest_fail_at(base, err, call->root, call->fault, (struct rest_fault){0});
}

static void start(struct api *api, struct exchange *exchange, const struct rest_url *url,
                  const struct inference_kind *kind)
{
    static const struct api_call_ops ops = {
        .prepare = prepare,
        .is_tiny = inference_call_is_tiny,
        .start = inference_call_start,
        .answer = answer,
        .fail = fail,
    };
    struct rest_inference_call *call = rest_call_new(api, exchange, &ops, sizeof *call);
    call->inference.kind = kind;
    call->spec = rest_model_spec(url, &exchange->arena);
    rest_formats(exchange, &call->body, &call->answer);
    api_call_start(&call->inference.call);
}

void rest_classify(struct api *api, struct exchange *exchange, const struct rest_url *url)
{
    start(api, exchange, url, &classify_kind);
}

void rest_regress(struct api *api, struct exchange *exchange, const struct rest_url *url)
{
    start(api, exchange, url, &regress_kind);
}
