/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of the checks is the original's:
 * JSON, signature_name, model, signature, instances or inputs, and what Predict itself says. An
 * input's dtype is the signature's, its shape the JSON's.
 */
#include "api/rest_predict.h"

#include "api/rest.h"
#include "servables/tensorflow/predict.h"
#include "tensor/tensor_json.h"

struct rest_call {
    struct call call;           /* first */
    struct pb_model_spec *spec; /* in the exchange's arena */
    const struct json_value *root;
    struct session_signature *signature;
};

static enum code complain(const struct json_value *value, const char *what, struct arena *arena,
                          struct error *err)
{
    struct span dump = json_dump(value, arena);
    return error_set(err, CODE_INVALID_ARGUMENT, "JSON Value: %.*s %s", SPAN_ARG(dump), what);
}

static enum code parse(struct rest_call *call, struct error *err)
{
    struct arena *arena = &call->call.exchange->arena;
    struct json_document document;
    enum code code = json_parse(call->call.exchange->body, arena, &document, err);
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
    struct session *session = call->call.servable->object;
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

static enum code prepare(struct call *base, struct error *err)
{
    struct rest_call *call = (struct rest_call *)base;
    enum code code = parse(call, err);
    if (!code)
        code = api_find(base->api, call->spec, &base->exchange->arena, &base->servable, err);
    if (!code)
        code = find_signature(call, err);
    return code;
}

static bool is_tiny(struct call *base)
{
    return session_is_tiny(((const struct rest_call *)base)->signature);
}

static enum code read_tensors(struct rest_call *call, struct predict_tensor **tensors,
                              size_t *filled, enum tensor_json_format *format, struct error *err)
{
    const struct savedmodel_signature *info = session_signature_info(call->signature);
    struct arena *arena = &call->call.exchange->arena;
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

static enum code finish(struct call *base, struct error *err)
{
    struct rest_call *call = (struct rest_call *)base;
    struct run run = rest_run(base);
    struct span json;
    struct predict_tensor *inputs, *outputs;
    size_t input_count, output_count;
    enum tensor_json_format format;
    enum code code = run_check(&run, err);
    if (!code)
        code = read_tensors(call, &inputs, &input_count, &format, err);
    if (!code)
        code = predict_run(call->signature, inputs, input_count, NULL, &run, &outputs,
                           &output_count, err);
    if (!code)
        code = write_tensors(outputs, output_count, format, run.arena, &json, err);
    if (!code)
        rest_answer(base->api, base->exchange, json);
    return code;
}

void rest_predict(struct api *api, struct exchange *exchange, const struct rest_url *url)
{
    static const struct call_ops ops = {prepare, is_tiny, finish, rest_fail};
    struct rest_call *call = call_new(api, exchange, &ops, sizeof *call);
    call->spec = rest_model_spec(url, &exchange->arena);
    call_start(&call->call);
}
