/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of the checks is the original's: JSON, signature_name, model, signature, instances or
 * inputs, and what Predict itself says. An input's dtype is the signature's, its shape the JSON's.
 *
 * A body may also be a PredictRequest, of which the model's name and version are the URL's, or one
 * array as .npy; and the answer any of the three, whatever the request was.
 */
#include "api/rest_predict.h"

#include "api/rest.h"
#include "api/rest_json.h"
#include "servables/tensorflow/predict.h"
#include "tensor/npy.h"
#include "tensor/tensor_proto.h"

struct tensors {
    struct named_tensor *items;
    size_t count;
};

struct rest_predict_call {
    struct api_call call; /* first */
    enum rest_format body;
    enum rest_format answer;
    struct pb_model_spec *spec;        /* in the exchange's arena */
    const struct json_value *root;     /* of a JSON body */
    struct pb_predict_request request; /* of a message */
    struct session_signature *signature;
    struct tensor_json_found found; /* of a JSON body; its format is that of a JSON answer */
    struct tensors inputs;
    struct session_task task;
};

static struct arena *arena_of(const struct rest_predict_call *call)
{
    return &call->call.exchange->arena;
}

/* ---- requests: the body, before the model is looked for, and its tensors after that ---- */

static enum code read_json(struct rest_predict_call *call, struct error *err)
{
    return rest_json_read(call->call.exchange->body, arena_of(call), &call->root,
                          &call->spec->signature_name, err);
}

static enum code json_inputs(struct rest_predict_call *call, struct tensors *inputs,
                             struct error *err)
{
    enum code code =
        predict_decode_json(call->signature, call->root, arena_of(call), &call->found, err);
    *inputs = (struct tensors){call->found.tensors, call->found.count};
    return code;
}

static enum code read_message(struct rest_predict_call *call, struct error *err)
{
    enum code code = pb_decode(&pb_predict_request_type, call->call.exchange->body, arena_of(call),
                               &call->request, err);
    if (!code && call->request.model_spec)
        call->spec->signature_name = call->request.model_spec->signature_name;
    return code;
}

static enum code message_inputs(struct rest_predict_call *call, struct tensors *inputs,
                                struct error *err)
{
    inputs->count = call->request.inputs.count;
    return predict_decode(call->signature, &call->request, arena_of(call), &inputs->items, err);
}

static enum code read_array(struct rest_predict_call *call, struct error *err)
{
    (void)err;
    call->spec->signature_name = rest_format_parameter(
        exchange_header(call->call.exchange, "content-type"), "signature_name");
    return CODE_OK;
}

static enum code array_inputs(struct rest_predict_call *call, struct tensors *inputs,
                              struct error *err)
{
    const struct savedmodel_signature *info = session_signature_info(call->signature);
    struct named_tensor *input = ARENA_NEW(arena_of(call), struct named_tensor);
    *inputs = (struct tensors){input, 1};
    if (info->input_count != 1)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "application/x-npy is for signatures with one input; \"%.*s\" has %zu",
                         SPAN_ARG(info->name), info->input_count);
    input->name = info->inputs[0].alias;
    if (npy_read(call->call.exchange->body, arena_of(call), &input->tensor, err))
        return error_prefix(err, "tensor parsing error: %.*s: ", SPAN_ARG(input->name));
    return CODE_OK;
}

/* ---- answers ---- */

static enum code write_json(struct rest_predict_call *call, const struct tensors *outputs,
                            struct span *body, struct error *err)
{
    /* In columns each value stands on a line of its own, with blanks before it. */
    size_t expected = 64, indent = call->found.format == TENSOR_JSON_COLUMN ? 4 : 0;
    for (size_t i = 0; i < outputs->count; i++) {
        const struct tensor *tensor = &outputs->items[i].tensor;
        size_t each = 14 + indent * (size_t)(tensor->shape.rank + 1);
        expected += 64 + each * (size_t)tensor_elements(tensor);
    }
    struct json_writer w;
    json_writer_init(&w, arena_of(call), expected);
    enum code code = tensor_json_write(&w, call->found.format, outputs->items, outputs->count, err);
    *body = json_writer_text(&w);
    return code;
}

static enum code write_message(struct rest_predict_call *call, const struct tensors *outputs,
                               struct span *body, struct error *err)
{
    struct arena *arena = arena_of(call);
    struct pb_predict_response response = {0};
    predict_encode(outputs->items, outputs->count, call->call.api->tensor_content, arena,
                   &response);
    response.model_spec = api_call_model_spec(call->call.servable, call->spec->name,
                                              session_signature_info(call->signature)->name, arena);
    return pb_encode_large(&pb_predict_response_type, &response, arena, body, err);
}

static enum code write_array(struct rest_predict_call *call, const struct tensors *outputs,
                             struct span *body, struct error *err)
{
    if (outputs->count == 1)
        return npy_write(&outputs->items[0].tensor, arena_of(call), body, err);
    struct span name = session_signature_info(call->signature)->name;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "application/x-npy is for answers with one output; \"%.*s\" has %zu",
                     SPAN_ARG(name), outputs->count);
}

/* As it would have been over gRPC. */
static enum code encode_request(struct rest_predict_call *call, const struct tensors *inputs,
                                struct span *bytes)
{
    struct arena *arena = arena_of(call);
    struct pb_predict_request request = {
        .model_spec = call->spec,
        .output_filter = call->request.output_filter,
    };
    request.inputs.count = inputs->count;
    request.inputs.items =
        ARENA_ARRAY(arena, struct pb_predict_request_inputs_entry, inputs->count + 1);
    for (size_t i = 0; i < inputs->count; i++) {
        request.inputs.items[i].key = inputs->items[i].name;
        request.inputs.items[i].value = ARENA_NEW(arena, struct pb_tensor_proto);
        tensor_to_proto(&inputs->items[i].tensor, arena, request.inputs.items[i].value);
    }
    return pb_encode_large(&pb_predict_request_type, &request, arena, bytes, NULL);
}

static void log_call(struct rest_predict_call *call, const struct tensors *inputs,
                     const struct tensors *outputs)
{
    struct request_log_choice choice;
    struct span request, response;
    if (!api_call_is_logged(&call->call, &choice))
        return;
    if (encode_request(call, inputs, &request) || write_message(call, outputs, &response, NULL))
        request = response = (struct span){0};
    api_call_log_chosen(&call->call, &choice, PREDICTION_LOG_PREDICT, request, response);
}

/* A row for each form. */
static const struct {
    enum code (*read)(struct rest_predict_call *call, struct error *err);
    enum code (*inputs)(struct rest_predict_call *call, struct tensors *inputs, struct error *err);
    enum code (*write)(struct rest_predict_call *call, const struct tensors *outputs,
                       struct span *body, struct error *err);
} forms[REST_FORMAT_COUNT] = {
    [REST_JSON] = {read_json, json_inputs, write_json},
    [REST_PROTOBUF] = {read_message, message_inputs, write_message},
    [REST_NPY] = {read_array, array_inputs, write_array},
};

/* ---- the call ---- */

static enum code find_signature(struct rest_predict_call *call, struct error *err)
{
    struct span name = call->spec->signature_name;
    struct session *session = call->call.servable->object;
    enum code code = predict_signature(session, name, &call->signature, err);
    if (!code)
        api_call_note_signature(&call->call, session_signature_info(call->signature)->name);
    if (call->body == REST_PROTOBUF)
        return code;
    if (code) {
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

static enum code prepare(struct api_call *base, struct error *err)
{
    struct rest_predict_call *call = (struct rest_predict_call *)base;
    enum code code = forms[call->body].read(call, err);
    if (!code)
        code = api_call_find(base, call->spec, err);
    return code ? code : find_signature(call, err);
}

static bool is_tiny(struct api_call *base)
{
    const struct rest_predict_call *call = (const struct rest_predict_call *)base;
    return predict_is_tiny(call->signature, &call->request);
}

static enum code start(struct api_call *base, struct error *err)
{
    struct rest_predict_call *call = (struct rest_predict_call *)base;
    struct predict_filter filter = {call->request.output_filter.items,
                                    call->request.output_filter.count};
    struct tensors *inputs = &call->inputs;
    enum code code = forms[call->body].inputs(call, inputs, err);
    api_call_set_task(base, &call->task);
    call->task.signature = call->signature;
    if (!code)
        code = predict_begin(&call->task, inputs->items, inputs->count, &filter, err);
    if (!code)
        session_task_start(&call->task);
    return code;
}

static enum code answer(struct api_call *base, struct error *err)
{
    struct rest_predict_call *call = (struct rest_predict_call *)base;
    struct tensors outputs;
    struct span body;
    enum code code = predict_end(&call->task, &outputs.items, &outputs.count, err);
    if (!code)
        code = forms[call->answer].write(call, &outputs, &body, err);
    if (code)
        return code;
    log_call(call, &call->inputs, &outputs);
    rest_answer(base->api, base->exchange, call->answer, body);
    return CODE_OK;
}

/* Of a JSON body the answer says where it went wrong. */
static void fail(struct api_call *base, const struct error *err)
{
    struct rest_predict_call *call = (struct rest_predict_call *)base;
    const struct tensor_json_input *wanted = call->found.wanted;
    struct rest_fault known = {0};
    if (wanted) {
        known.input = wanted->name;
        known.expected = dtype_name(wanted->dtype);
    }
    rest_fail_at(base, err, call->root, call->found.fault, known);
}

void rest_predict(struct api *api, struct exchange *exchange, const struct rest_url *url)
{
    static const struct api_call_ops ops = {
        .prepare = prepare,
        .is_tiny = is_tiny,
        .start = start,
        .answer = answer,
        .fail = fail,
    };
    struct rest_predict_call *call = rest_call_new(api, exchange, &ops, sizeof *call);
    call->spec = rest_model_spec(url, &exchange->arena);
    call->found.format = TENSOR_JSON_COLUMN;
    rest_formats(exchange, &call->body, &call->answer);
    api_call_start(&call->call);
}
