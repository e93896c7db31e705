/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensorctl predict: asks a server, over gRPC. The types of the inputs come from the server's
 * metadata, as they would from the model's folder; where a server has none to give, --dtype says
 * them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/remote.h"
#include "tensor/tensor_proto.h"
#include "wire/messages.h"
#include "wire/pb.h"

static const char service[] = "/tensorflow.serving.PredictionService/";

struct options {
    struct remote remote;
    struct span model;
    int64_t version; /* -1: the newest */
    struct span label;
    struct inputs inputs;
    struct tensor_json_input *dtypes; /* given by --dtype */
    size_t dtype_count;
};

/* ---- the command line ---- */

/* HOST:PORT/model, HOST:PORT/model:3, HOST:PORT/model@label */
static bool parse_target(struct options *o, const char *text, struct arena *arena)
{
    struct span whole = span_of(text);
    bool is_unix = span_starts_with(whole, SPAN_LITERAL("unix:"));
    size_t slash = whole.len;
    /* A Unix socket's path has slashes of its own: the model stands behind the last one. */
    for (size_t i = 0; i < whole.len; i++) {
        if (text[i] == '/' && (is_unix || slash == whole.len))
            slash = i;
    }
    if (slash == 0 || slash + 1 >= whole.len)
        return false;
    o->remote.target = arena_strdup(arena, span_sub(whole, 0, slash));
    o->model = span_sub(whole, slash + 1, whole.len);
    size_t at = span_find(o->model, '@'), colon = span_find(o->model, ':');
    if (at < o->model.len) {
        o->label = span_sub(o->model, at + 1, o->model.len);
        o->model = span_sub(o->model, 0, at);
    } else if (colon < o->model.len) {
        if (!span_to_int64(span_sub(o->model, colon + 1, o->model.len), &o->version))
            return false;
        o->model = span_sub(o->model, 0, colon);
    }
    return o->model.len > 0;
}

static bool take_dtype(struct options *o, const char *text, struct arena *arena)
{
    struct span whole = span_of(text);
    size_t equals = span_find(whole, '=');
    enum dtype dtype = dtype_from_name(span_sub(whole, equals + 1, whole.len));
    if (equals == whole.len || dtype == DTYPE_INVALID)
        return false;
    struct tensor_json_input *dtypes =
        ARENA_ARRAY(arena, struct tensor_json_input, o->dtype_count + 1);
    if (o->dtype_count)
        memcpy(dtypes, o->dtypes, o->dtype_count * sizeof *dtypes);
    dtypes[o->dtype_count++] = (struct tensor_json_input){span_sub(whole, 0, equals), dtype};
    o->dtypes = dtypes;
    return true;
}

/* ---- messages ---- */

static struct pb_model_spec *model_spec(const struct options *o, struct arena *arena)
{
    struct pb_model_spec *spec = ARENA_NEW(arena, struct pb_model_spec);
    spec->name = o->model;
    spec->signature_name = span_of(o->inputs.signature);
    if (o->label.len) {
        spec->version_choice_case = 4;
        spec->version_label = o->label;
    } else if (o->version >= 0) {
        spec->version_choice_case = 2;
        spec->version = ARENA_NEW(arena, struct pb_int64_value);
        spec->version->value = o->version;
    }
    return spec;
}

static enum code call(struct grpc_client *client, const struct options *o, const char *method,
                      struct span request, struct arena *arena, struct span *response,
                      struct error *err)
{
    return grpc_client_call(client, arena_printf(arena, "%s%s", service, method), request,
                            o->remote.timeout_us, arena, response, err);
}

/* The signature among those of a GetModelMetadataResponse. */
static const struct pb_signature_def *find_signature(const struct options *o,
                                                     const struct pb_get_model_metadata_response *r,
                                                     struct arena *arena, struct error *err)
{
    struct span name =
        o->inputs.signature ? span_of(o->inputs.signature) : SPAN_LITERAL("serving_default");
    for (size_t i = 0; i < r->metadata.count; i++) {
        struct pb_signature_def_map map;
        if (!span_is(r->metadata.items[i].key, "signature_def") || !r->metadata.items[i].value ||
            pb_decode(&pb_signature_def_map_type, r->metadata.items[i].value->value, arena, &map,
                      err))
            continue;
        for (size_t k = 0; k < map.signature_def.count; k++) {
            if (span_equal(map.signature_def.items[k].key, name))
                return map.signature_def.items[k].value;
        }
    }
    error_set(err, CODE_NOT_FOUND, "the model has no signature '%.*s'", SPAN_ARG(name));
    return NULL;
}

static enum code read_types(const struct options *o, struct span bytes, struct arena *arena,
                            struct tensor_json_input **infos, size_t *count, struct error *err)
{
    struct pb_get_model_metadata_response response;
    enum code code = pb_decode(&pb_get_model_metadata_response_type, bytes, arena, &response, err);
    const struct pb_signature_def *signature =
        code ? NULL : find_signature(o, &response, arena, err);
    if (!signature)
        return err->code;
    *count = signature->inputs.count;
    *infos = ARENA_ARRAY(arena, struct tensor_json_input, *count + 1);
    for (size_t i = 0; i < *count; i++) {
        (*infos)[i].name = signature->inputs.items[i].key;
        (*infos)[i].dtype = dtype_from_number(signature->inputs.items[i].value->dtype);
    }
    return CODE_OK;
}

/* What the server says of the signature's inputs, or the command line. */
static enum code get_types(struct grpc_client *client, const struct options *o, struct arena *arena,
                           struct tensor_json_input **infos, size_t *count, struct error *err)
{
    static struct span field = SPAN_LITERAL("signature_def");
    *infos = o->dtypes;
    *count = o->dtype_count;
    if (o->dtype_count || (!o->inputs.value_count && !o->inputs.json_path))
        return CODE_OK;
    struct pb_get_model_metadata_request request = {
        .model_spec = model_spec(o, arena),
        .metadata_field = {&field, 1},
    };
    struct span response;
    enum code code = call(client, o, "GetModelMetadata",
                          pb_encode(&pb_get_model_metadata_request_type, &request, arena), arena,
                          &response, err);
    if (code == CODE_UNIMPLEMENTED)
        return error_append(err, " (this server tells no types: give them with --dtype NAME=TYPE)");
    return code ? code : read_types(o, response, arena, infos, count, err);
}

static struct span encode_request(const struct options *o, const struct named_tensor *tensors,
                                  size_t count, struct arena *arena)
{
    struct pb_predict_request request = {.model_spec = model_spec(o, arena)};
    request.inputs.count = count;
    request.inputs.items = ARENA_ARRAY(arena, struct pb_predict_request_inputs_entry, count + 1);
    for (size_t i = 0; i < count; i++) {
        request.inputs.items[i].key = tensors[i].name;
        request.inputs.items[i].value = ARENA_NEW(arena, struct pb_tensor_proto);
        tensor_to_proto(&tensors[i].tensor, arena, request.inputs.items[i].value);
    }
    return pb_encode(&pb_predict_request_type, &request, arena);
}

static enum code show(const struct options *o, struct span bytes, struct arena *arena,
                      struct error *err)
{
    struct pb_predict_response response;
    enum code code = pb_decode(&pb_predict_response_type, bytes, arena, &response, err);
    if (code)
        return code;
    size_t count = response.outputs.count;
    struct named_tensor *named = ARENA_ARRAY(arena, struct named_tensor, count + 1);
    for (size_t i = 0; !code && i < count; i++) {
        named[i].name = response.outputs.items[i].key;
        code = tensor_from_proto(response.outputs.items[i].value, arena, &named[i].tensor, err);
    }
    return code ? code : inputs_answer(&o->inputs, named, count, arena, err);
}

/* ---- the command ---- */

static enum code predict_with(struct grpc_client *client, const struct options *o,
                              struct arena *arena, struct error *err)
{
    struct tensor_json_input *infos;
    struct named_tensor *tensors;
    size_t info_count, count;
    struct span response;
    enum code code = get_types(client, o, arena, &infos, &info_count, err);
    if (!code)
        code = inputs_read(&o->inputs, infos, info_count, arena, &tensors, &count, err);
    if (!code)
        code = call(client, o, "Predict", encode_request(o, tensors, count, arena), arena,
                    &response, err);
    return code ? code : show(o, response, arena, err);
}

static int predict(const struct options *o, struct arena *arena)
{
    struct error err;
    error_clear(&err);
    struct grpc_client *client;
    if (remote_connect(&o->remote, &client, &err))
        return command_failed("predict", &err);
    enum code code = predict_with(client, o, arena, &err);
    grpc_client_free(client);
    return code ? command_failed("predict", &err) : EXIT_DONE;
}

/* How many arguments an option of our own takes; 0: it is none; -1: it is malformed. */
static int take_own(struct options *o, int argc, char **argv, struct arena *arena)
{
    if (strcmp(argv[0], "--dtype") != 0)
        return remote_take(&o->remote, argc, argv, arena);
    return argc > 1 && take_dtype(o, argv[1], arena) ? 2 : -1;
}

static int run(int argc, char **argv, struct arena *arena)
{
    struct options o = {.version = -1, .remote.timeout_us = 60 * 1000000};
    for (int i = 1, taken; i < argc; i += taken) {
        taken = take_own(&o, argc - i, argv + i, arena);
        if (!taken)
            taken = inputs_take(&o.inputs, argc - i, argv + i, arena);
        if (taken < 0)
            return command_usage("predict", "%s lacks its value, or it is malformed", argv[i]);
        if (taken)
            continue;
        if (argv[i][0] == '-' || o.remote.target || !parse_target(&o, argv[i], arena))
            return command_usage("predict", "unexpected argument: %s", argv[i]);
        taken = 1;
    }
    if (!o.remote.target)
        return command_usage("predict", "which server and model? HOST:PORT/MODEL");
    return predict(&o, arena);
}

const struct command command_predict = {
    .name = "predict",
    .arguments = "HOST:PORT/MODEL[:VERSION|@LABEL] [OPTIONS]",
    .summary = "ask a server for a prediction, over gRPC",
    .help = "Sends one Predict call. unix:PATH/MODEL takes a Unix socket.\n"
            "\n" INPUTS_HELP "  --dtype NAME=TYPE   the type of an input (float, int64, string "
            "...), for servers that tell none\n"
            "  --timeout SECONDS   default: 60\n" REMOTE_TOKEN_HELP "\n"
            "Examples:\n"
            "  tensorctl predict localhost:8500/half_plus_two --input 'x=[1, 2, 5]'\n"
            "  tensorctl predict localhost:8500/digits:1 --input image=@images.npy --output "
            "scores=scores.npy\n",
    .run = run,
};
