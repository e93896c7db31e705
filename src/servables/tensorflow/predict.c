/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of the checks is the original's: signature, method, number of inputs, aliases and
 * values (in the order of the signature's aliases), surplus names, output filter, run. Sets in
 * messages are sorted and joined by commas.
 */
#include "servables/tensorflow/predict.h"

#include <stdlib.h>

#include "tensor/tensor_proto.h"

enum { TINY_BYTES_MAX = 256 << 10 }; /* of an input: filled in about 10 us */

enum code predict_signature(struct session *session, struct span name,
                            struct session_signature **signature, struct error *err)
{
    if (!name.len)
        name = SPAN_LITERAL("serving_default");
    *signature = session_find(session, name);
    if (!*signature)
        return error_set(err, CODE_FAILED_PRECONDITION, "Serving signature key \"%.*s\" not found.",
                         SPAN_ARG(name));
    return CODE_OK;
}

static enum code check_method(const struct session_signature *signature,
                              const struct savedmodel_signature *info, struct error *err)
{
    static const char *const methods[] = {
        "tensorflow/serving/predict",
        "tensorflow/serving/classify",
        "tensorflow/serving/regress",
    };
    bool known = !session_checks_method_names(signature);
    for (size_t i = 0; !known && i < sizeof methods / sizeof *methods; i++)
        known = span_is(info->method_name, methods[i]);
    if (known)
        return CODE_OK;
    return error_set(err, CODE_INTERNAL,
                     "Expected prediction signature method_name to be one of {%s, %s, %s}. Was: "
                     "%.*s",
                     methods[0], methods[1], methods[2], SPAN_ARG(info->method_name));
}

/* ---- sets of names in messages ---- */

static int compare_spans(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

/* "a,b,c", sorted, in the arena. Sorts `names`. */
static const char *join(struct span *names, size_t count, struct arena *arena)
{
    size_t length = 1;
    for (size_t i = 0; i < count; i++)
        length += names[i].len + 1;
    qsort(names, count, sizeof *names, compare_spans);
    char *text = arena_alloc(arena, length);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (i)
            text[used++] = ',';
        if (names[i].len)
            memcpy(text + used, names[i].ptr, names[i].len);
        used += names[i].len;
    }
    text[used] = 0;
    return text;
}

static const struct savedmodel_tensor_info *find_info(const struct savedmodel_tensor_info *infos,
                                                      size_t count, struct span alias)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(infos[i].alias, alias))
            return &infos[i];
    }
    return NULL;
}

static const struct named_tensor *find_input(const struct named_tensor *inputs, size_t count,
                                             struct span alias)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(inputs[i].name, alias))
            return &inputs[i];
    }
    return NULL;
}

static const char *request_names(const struct named_tensor *inputs, size_t count,
                                 struct arena *arena)
{
    struct span *names = ARENA_ARRAY(arena, struct span, count);
    for (size_t i = 0; i < count; i++)
        names[i] = inputs[i].name;
    return join(names, count, arena);
}

static const char *info_names(const struct savedmodel_tensor_info *infos, size_t count,
                              struct arena *arena)
{
    struct span *names = ARENA_ARRAY(arena, struct span, count);
    for (size_t i = 0; i < count; i++)
        names[i] = infos[i].alias;
    return join(names, count, arena);
}

static const char *default_names(const struct savedmodel_signature *info, struct arena *arena)
{
    struct span *names = ARENA_ARRAY(arena, struct span, info->input_count);
    size_t count = 0;
    for (size_t i = 0; i < info->input_count; i++) {
        if (info->inputs[i].default_value)
            names[count++] = info->inputs[i].alias;
    }
    return join(names, count, arena);
}

/* ---- inputs ---- */

static enum code size_mismatch(const struct savedmodel_signature *info,
                               const struct named_tensor *inputs, size_t count, struct arena *arena,
                               struct error *err)
{
    struct span *extra = ARENA_ARRAY(arena, struct span, count);
    struct span *missing = ARENA_ARRAY(arena, struct span, info->input_count);
    size_t extra_count = 0, missing_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!find_info(info->inputs, info->input_count, inputs[i].name))
            extra[extra_count++] = inputs[i].name;
    }
    for (size_t i = 0; i < info->input_count; i++) {
        if (!find_input(inputs, count, info->inputs[i].alias))
            missing[missing_count++] = info->inputs[i].alias;
    }
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "input size does not match signature: %zu!=%zu len({%s}) != len({%s}). Sent "
                     "extra: {%s}. Missing but required: {%s}.",
                     count, info->input_count, request_names(inputs, count, arena),
                     info_names(info->inputs, info->input_count, arena),
                     join(extra, extra_count, arena), join(missing, missing_count, arena));
}

static enum code check_input_count(const struct savedmodel_signature *info,
                                   const struct named_tensor *inputs, size_t count,
                                   struct arena *arena, struct error *err)
{
    bool has_defaults = false;
    for (size_t i = 0; i < info->input_count; i++)
        has_defaults |= info->inputs[i].default_value != NULL;
    if (count == info->input_count || (count < info->input_count && has_defaults))
        return CODE_OK;
    return size_mismatch(info, inputs, count, arena, err);
}

static enum code missing_input(const struct savedmodel_signature *info,
                               const struct savedmodel_tensor_info *input,
                               const struct named_tensor *inputs, size_t count, struct arena *arena,
                               struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Signature input alias: %.*s(feed name: %.*s) not found in request and no "
                     "default value provided. Inputs expected to be in the request {%s}, or "
                     "default input alias set: %s",
                     SPAN_ARG(input->alias), SPAN_ARG(input->name),
                     request_names(inputs, count, arena), default_names(info, arena));
}

/* With defaults, names may be fewer than the signature's and yet wrong. */
static enum code check_surplus(const struct savedmodel_signature *info,
                               const struct named_tensor *inputs, size_t count, size_t used,
                               struct arena *arena, struct error *err)
{
    if (used == count)
        return CODE_OK;
    struct span *names = ARENA_ARRAY(arena, struct span, count);
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        if (find_info(info->inputs, info->input_count, inputs[i].name))
            names[known++] = inputs[i].name;
    }
    const char *used_names = join(names, known, arena);
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Inputs contains invalid name. Used request inputs: %s, request input: %s",
                     used_names, request_names(inputs, count, arena));
}

/* One tensor per input of the signature, in its order. */
static enum code collect_inputs(const struct savedmodel_signature *info,
                                const struct named_tensor *inputs, size_t count,
                                struct arena *arena, struct tensor *feeds, struct error *err)
{
    enum code code = check_input_count(info, inputs, count, arena, err);
    size_t used = 0;
    for (size_t i = 0; !code && i < info->input_count; i++) {
        const struct savedmodel_tensor_info *input = &info->inputs[i];
        const struct named_tensor *given = find_input(inputs, count, input->alias);
        if (given)
            feeds[i] = given->tensor;
        else if (input->default_value)
            feeds[i] = *input->default_value;
        else
            code = missing_input(info, input, inputs, count, arena, err);
        used += given != NULL;
    }
    return code ? code : check_surplus(info, inputs, count, used, arena, err);
}

/* ---- outputs ---- */

static enum code find_wanted(const struct savedmodel_signature *info,
                             const struct predict_filter *filter, struct arena *arena, int *wanted,
                             struct error *err)
{
    for (size_t i = 0; i < filter->count; i++) {
        struct span alias = filter->aliases[i];
        const struct savedmodel_tensor_info *output =
            find_info(info->outputs, info->output_count, alias);
        if (!output)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "output tensor alias not found in signature: %.*s Outputs expected to "
                             "be in the set {%s}.",
                             SPAN_ARG(alias), info_names(info->outputs, info->output_count, arena));
        wanted[i] = (int)(output - info->outputs);
        for (size_t k = 0; k < i; k++) {
            if (wanted[k] == wanted[i])
                return error_set(err, CODE_INVALID_ARGUMENT, "duplicate output tensor alias: %.*s",
                                 SPAN_ARG(alias));
        }
    }
    return CODE_OK;
}

/* A handle means nothing outside of this process. */
static enum code check_output(const struct tensor *tensor, struct error *err)
{
    if (tensor->dtype != DTYPE_RESOURCE && tensor->dtype != DTYPE_VARIANT)
        return CODE_OK;
    return error_set(err, CODE_UNIMPLEMENTED,
                     "an output of type %s can not be returned to a client",
                     dtype_name(tensor->dtype));
}

enum code predict_begin(struct session_task *task, const struct named_tensor *inputs,
                        size_t input_count, const struct predict_filter *filter, struct error *err)
{
    const struct savedmodel_signature *info = session_signature_info(task->signature);
    struct arena *arena = task->run->arena;
    bool all = !filter || !filter->count;
    size_t output_count = all ? info->output_count : filter->count;
    struct tensor *feeds = arena_alloc(arena, (info->input_count + 1) * sizeof *feeds);
    enum code code = check_method(task->signature, info, err);
    if (!code)
        code = collect_inputs(info, inputs, input_count, arena, feeds, err);
    int *wanted = all ? NULL : arena_alloc(arena, filter->count * sizeof *wanted);
    if (!code && !all)
        code = find_wanted(info, filter, arena, wanted, err);
    if (code)
        return code;
    task->inputs = feeds;
    task->wanted = wanted;
    task->wanted_count = output_count;
    task->outputs = arena_alloc(arena, (output_count + 1) * sizeof *task->outputs);
    return CODE_OK;
}

enum code predict_end(const struct session_task *task, struct named_tensor **outputs,
                      size_t *output_count, struct error *err)
{
    const struct savedmodel_signature *info = session_signature_info(task->signature);
    enum code code = CODE_OK;
    size_t count = task->wanted_count;
    for (size_t i = 0; !code && i < count; i++)
        code = check_output(&task->outputs[i], err);
    if (code)
        return code;
    *output_count = count;
    *outputs = arena_alloc(task->run->arena, (count + 1) * sizeof **outputs);
    for (size_t i = 0; i < count; i++)
        (*outputs)[i] = (struct named_tensor){
            .name = info->outputs[task->wanted ? task->wanted[i] : (int)i].alias,
            .tensor = task->outputs[i],
        };
    return CODE_OK;
}

enum code predict_run(struct session_signature *signature, const struct named_tensor *inputs,
                      size_t input_count, const struct predict_filter *filter, struct run *run,
                      struct named_tensor **outputs, size_t *output_count, struct error *err)
{
    struct session_task task = {.signature = signature, .run = run};
    enum code code = predict_begin(&task, inputs, input_count, filter, err);
    if (!code)
        code = session_task_run(&task, err);
    return code ? code : predict_end(&task, outputs, output_count, err);
}

/* ---- messages ---- */

/* The values of aliases that the signature does not have are not looked at. */
enum code predict_decode(const struct session_signature *signature,
                         const struct pb_predict_request *request, struct arena *arena,
                         struct named_tensor **result, struct error *err)
{
    static const struct pb_tensor_proto empty;
    const struct savedmodel_signature *info = session_signature_info(signature);
    size_t count = request->inputs.count;
    struct named_tensor *inputs = arena_alloc(arena, (count + 1) * sizeof *inputs);
    *result = inputs;
    for (size_t i = 0; i < count; i++)
        inputs[i].name = request->inputs.items[i].key;
    enum code code = check_method(signature, info, err);
    if (!code)
        code = check_input_count(info, inputs, count, arena, err);
    for (size_t i = 0; !code && i < count; i++) {
        const struct pb_tensor_proto *value = request->inputs.items[i].value;
        if (!find_info(info->inputs, info->input_count, inputs[i].name))
            continue;
        if (tensor_from_proto(value ? value : &empty, arena, &inputs[i].tensor, NULL))
            code = error_set(err, CODE_INVALID_ARGUMENT, "tensor parsing error: %.*s",
                             SPAN_ARG(inputs[i].name));
    }
    return code;
}

bool predict_is_tiny(const struct session_signature *signature,
                     const struct pb_predict_request *request)
{
    if (!session_task_is_tiny(signature, request->output_filter.count))
        return false;
    for (size_t i = 0; i < request->inputs.count; i++) {
        const struct pb_tensor_proto *value = request->inputs.items[i].value;
        if (value && tensor_proto_is_larger(value, TINY_BYTES_MAX))
            return false;
    }
    return true;
}

struct tensor_json_input *predict_json_inputs(const struct session_signature *signature,
                                              struct arena *arena)
{
    const struct savedmodel_signature *info = session_signature_info(signature);
    struct tensor_json_input *wanted =
        ARENA_ARRAY(arena, struct tensor_json_input, info->input_count + 1);
    for (size_t i = 0; i < info->input_count; i++)
        wanted[i] = (struct tensor_json_input){info->inputs[i].alias, info->inputs[i].dtype};
    return wanted;
}

enum code predict_decode_json(const struct session_signature *signature,
                              const struct json_value *root, struct arena *arena,
                              struct tensor_json_found *found, struct error *err)
{
    return tensor_json_read(root, predict_json_inputs(signature, arena),
                            session_signature_info(signature)->input_count, arena, found, err);
}

void predict_encode(const struct named_tensor *outputs, size_t count, bool content,
                    struct arena *arena, struct pb_predict_response *response)
{
    response->outputs.count = count;
    response->outputs.items = arena_alloc(arena, (count + 1) * sizeof *response->outputs.items);
    for (size_t i = 0; i < count; i++) {
        struct pb_tensor_proto *proto = ARENA_NEW(arena, struct pb_tensor_proto);
        (content ? tensor_to_proto_content : tensor_to_proto)(&outputs[i].tensor, arena, proto);
        response->outputs.items[i].key = outputs[i].name;
        response->outputs.items[i].value = proto;
    }
}

enum code predict_message_begin(struct session *session, const struct pb_predict_request *request,
                                struct session_task *task, struct error *err)
{
    struct named_tensor *inputs;
    struct predict_filter filter = {request->output_filter.items, request->output_filter.count};
    struct run *run = task->run;
    struct span name = request->model_spec ? request->model_spec->signature_name : (struct span){0};
    enum code code = predict_signature(session, name, &task->signature, err);
    if (!code && run->note)
        run->note->signature = session_signature_info(task->signature)->name;
    if (!code)
        code = predict_decode(task->signature, request, run->arena, &inputs, err);
    return code ? code : predict_begin(task, inputs, request->inputs.count, &filter, err);
}

enum code predict_message_end(const struct session_task *task, bool content,
                              struct pb_predict_response *response, struct error *err)
{
    struct named_tensor *outputs;
    size_t output_count;
    struct arena *arena = task->run->arena;
    enum code code = predict_end(task, &outputs, &output_count, err);
    if (code)
        return code;
    predict_encode(outputs, output_count, content, arena, response);
    response->model_spec = ARENA_NEW(arena, struct pb_model_spec);
    response->model_spec->signature_name = session_signature_info(task->signature)->name;
    return CODE_OK;
}

enum code predict(struct session *session, const struct pb_predict_request *request, bool content,
                  struct run *run, struct pb_predict_response *response, struct error *err)
{
    struct session_task task = {.run = run};
    enum code code = predict_message_begin(session, request, &task, err);
    if (!code)
        code = session_task_run(&task, err);
    return code ? code : predict_message_end(&task, content, response, err);
}
